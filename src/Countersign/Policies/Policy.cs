using System.Collections.Concurrent;
using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Policies;

/// <summary>Someone who takes part: <c>person:7</c>, <c>group:3</c>, <c>source:2</c>, <c>admins</c>. The one text form in columns and in stamps.</summary>
public readonly record struct Party(string Text) : ISqlText
{
    public static readonly Party Admins = new("admins");

    public static Party Person(long id) => new($"person:{id}");
    public static Party Group(long id) => new($"group:{id}");
    public static Party Source(long id) => new($"source:{id}");

    public string ToSqlText() => Text;
    public override string ToString() => Text;
}

/// <summary>A person or group that may fill a slot, with the name it had when the policy was stamped.</summary>
public sealed record Approver(Party Party, string Name);

/// <summary>A number of slots and those who may fill them. A policy's steps open in order.</summary>
public sealed record Step(string Name, int Need, IReadOnlyList<Approver> From);

/// <summary>
/// Who must say yes. Stamped on a request's revision when it arrives: later changes of the policy's source do not touch it.
/// </summary>
public sealed record Policy(string Name, IReadOnlyList<Step> Steps)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Stamps never change, so what was once read is good for ever.</summary>
    private static readonly ConcurrentDictionary<string, Policy> Known = new();
    private string? _text;
    private string? _stamp;

    /// <summary>Nobody knows who asks, so the last step needs one approval more.</summary>
    public bool RequesterUnknown { get; init; }

    public string ToText() => _text ??= JsonSerializer.Serialize(
        new Stored(Name, RequesterUnknown, [.. Steps.Select(s => new StoredStep(s.Name, s.Need, [.. s.From.Select(a => new StoredApprover(a.Party.Text, a.Name))]))]), Json);

    /// <summary>The hash by which the text is kept and found.</summary>
    public string Stamp => _stamp ??= Hashes.Sha256(ToText());

    /// <summary>Reads a stamp; an unreadable one throws, and the request that carries it stays as it is.</summary>
    public static Policy Read(string stamp, string text)
    {
        if (Known.TryGetValue(stamp, out var known))
            return known;
        var stored = JsonSerializer.Deserialize<Stored>(text, Json) ?? throw new JsonException("An empty policy.");
        var policy = new Policy(stored.Name, [.. stored.Steps.Select(s => new Step(s.Name, s.Need, [.. s.From.Select(a => new Approver(new Party(a.Party), a.Name))]))])
        {
            RequesterUnknown = stored.RequesterUnknown,
        };
        if (Known.Count > 10_000)
            Known.Clear();
        Known.TryAdd(stamp, policy);
        return policy;
    }

    /// <summary>The steps that a person with these parties may fill.</summary>
    public IReadOnlyList<int> StepsOpenTo(IReadOnlySet<string> parties) =>
        [.. Enumerable.Range(0, Steps.Count).Where(i => Steps[i].From.Any(a => parties.Contains(a.Party.Text)))];

    private sealed record Stored(string Name, bool RequesterUnknown, StoredStep[] Steps);

    private sealed record StoredStep(string Name, int Need, StoredApprover[] From);

    private sealed record StoredApprover(string Party, string Name);
}
