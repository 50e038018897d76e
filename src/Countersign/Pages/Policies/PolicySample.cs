using System.Text.Json;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Pages.Policies;

/// <summary>The request that an author tests a policy file with, as they typed it.</summary>
public sealed record PolicySample(string Title, string Source, string Environment, string Requester, string Details)
{
    public const int MaxField = 254;
    private const int MaxDetails = 100,
        MaxText = 20_000;

    public static readonly PolicySample Empty = new("", "", "", "", "");

    public static PolicySample Of(IFormCollection form) =>
        new(
            Line(form["title"]),
            Line(form["source"]),
            Line(form["environment"]),
            Line(form["requester"]),
            WellFormed.Cut(form["details"].ToString().ReplaceLineEndings("\n").Trim(), MaxText)
        );

    public static PolicySample Parse(string text)
    {
        try
        {
            return text.Length == 0 ? Empty : JsonSerializer.Deserialize<PolicySample>(text) ?? Empty;
        }
        catch (JsonException)
        {
            // Another version wrote it; the author types it again.
            return Empty;
        }
    }

    public string ToText() => JsonSerializer.Serialize(this);

    public HypotheticalRequest ToRequest(PeopleSnapshot snapshot)
    {
        var source = Source.Length > 0 ? Source : "api";
        var isEmail = Requester.Contains('@', StringComparison.Ordinal);
        var requester =
            Requester.Length > 0 && snapshot.FindSource(source) is { } known
                ? snapshot.Resolve(isEmail ? Requester : null, isEmail ? null : Requester, known)
                : new Requester(null, "", [], Certainty.Proven);
        return new HypotheticalRequest(source, requester, JsonSerializer.Serialize(Facts()), null);
    }

    /// <summary>One detail a line, as in <c>flag=loyalty-points</c>. Several values are separated by commas.</summary>
    private Dictionary<string, string[]> Facts()
    {
        var facts = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (Environment.Length > 0)
            facts["environment"] = [Environment];
        var lines = Details.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var line in lines.Take(MaxDetails))
        {
            if (line.IndexOfAny(['=', ':']) is > 0 and var end)
                facts[line[..end].Trim()] = line[(end + 1)..].Split(',', StringSplitOptions.TrimEntries);
        }
        return facts;
    }

    private static string Line(string? typed) => WellFormed.Cut((typed ?? "").Trim(), MaxField);
}
