using System.Text.Json;
using Countersign.Requests;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>
/// One instruction while it is read. Whoever reads it asks for every member that its kind has; one that is missing, one
/// that was not asked for, and a name that leads nowhere make it not understood.
/// </summary>
internal sealed class Instruction(string kind, JsonElement json, ResourceState state, FlagState flag, RuleState rules)
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal) { "kind" };
    private bool _lacks;

    public string Kind => kind;
    public JsonElement Json => json;
    public ResourceState State => state;
    public FlagState Flag => flag;
    public RuleState Rules => rules;
    public bool IsSegment => state.Segment is not null;

    public bool IsUnderstood => !_lacks && json.EnumerateObject().All(m => _asked.Contains(m.Name));

    /// <summary>What it names isn't there, or isn't as it should be.</summary>
    public void Lacks() => _lacks = true;

    public bool Has(string name)
    {
        _asked.Add(name);
        return json.Member(name) is not null;
    }

    /// <summary>A member that may be missing and that people are not told of.</summary>
    public void Allow(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            _asked.Add(name);
    }

    public string Text(string name)
    {
        if (OptionalText(name) is { } text)
            return text;
        Lacks();
        return "";
    }

    /// <summary>Null if the member is missing.</summary>
    public string? OptionalText(string name)
    {
        _asked.Add(name);
        if (json.Member(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString()!;
        Lacks();
        return null;
    }

    public bool? Bool(string name)
    {
        _asked.Add(name);
        if (((JsonElement?)json).Flag(name) is { } value)
            return value;
        Lacks();
        return null;
    }

    public JsonElement? Any(string name)
    {
        _asked.Add(name);
        return json.Member(name);
    }

    public IReadOnlyList<JsonElement> List(string name)
    {
        _asked.Add(name);
        if (json.Member(name) is { ValueKind: JsonValueKind.Array } list)
            return [.. list.EnumerateArray()];
        Lacks();
        return [];
    }

    /// <summary>Keys of targets, tags, values of a clause: each once, in their order.</summary>
    public List<string> Values(string name) => [.. List(name).Select(v => v.Plain()).Distinct(StringComparer.Ordinal)];

    /// <summary>The variation with the id of this member.</summary>
    public ChangeValue.Variation? Variation(string name = "variationId")
    {
        var id = Text(name);
        if (flag.ById(id) is { } variation)
            return variation;
        Lacks();
        return null;
    }

    /// <summary>The rule of the member <c>ruleId</c>.</summary>
    public (JsonElement? Rule, RuleName? Name) TheRule()
    {
        var id = Text("ruleId");
        if (rules.Find(id) is { } rule)
            return (rule, rules.NameOf(id));
        Lacks();
        return (null, null);
    }

    public static string Short(string text) => FlagState.Short(text, FlagState.MaxShown);

    /// <summary>What is served, one variation or several by share, and the shares by index.</summary>
    public (ChangeValue? Value, Dictionary<int, int> Shares) Serves()
    {
        if (!Has("rolloutWeights"))
        {
            Allow("rolloutBucketBy", "rolloutContextKind");
            if (Has("rolloutBucketBy") || Has("rolloutContextKind"))
                Lacks();
            var id = Text("variationId");
            var only = flag.ById(id);
            if (only is null)
                Lacks();
            return (only, flag.IndexOf(id) is { } index ? new() { [index] = FlagState.Everyone } : []);
        }
        if (Has("variationId"))
            Lacks();
        var shares = new List<VariationShare>();
        var byIndex = new Dictionary<int, int>();
        var weights = json.Member("rolloutWeights")!.Value;
        if (weights.ValueKind == JsonValueKind.Object)
        {
            foreach (var one in weights.EnumerateObject())
            {
                if (
                    flag.ById(one.Name) is { } variation
                    && one.Value.ValueKind == JsonValueKind.Number
                    && one.Value.TryGetInt32(out var weight)
                    && weight is >= 0 and <= FlagState.Everyone
                )
                {
                    shares.Add(new VariationShare(variation.Name, weight));
                    byIndex[flag.IndexOf(one.Name)!.Value] = weight;
                }
                else
                {
                    Lacks();
                }
            }
        }
        if (shares.Sum(s => (long)s.Weight) != FlagState.Everyone)
            Lacks();
        return (
            new ChangeValue.Rollout(
                shares,
                Short(OptionalText("rolloutContextKind") ?? ""),
                Short(OptionalText("rolloutBucketBy") ?? "")
            ),
            byIndex
        );
    }

    /// <summary>The shares that rise.</summary>
    /// <param name="before">Null where it isn't known what was: everything that is served rises.</param>
    public static IReadOnlyList<int> Rising(Dictionary<int, int>? before, Dictionary<int, int> after) =>
        [
            .. after
                .Where(a => a.Value > 0 && a.Value > (before?.GetValueOrDefault(a.Key) ?? 0))
                .Select(a => a.Value)
                .Distinct()
                .Order(),
        ];

    /// <summary>Whether every member gets what they got before.</summary>
    public static bool AreSame(Dictionary<int, int>? before, Dictionary<int, int> after) =>
        before is not null
        && before.Count(b => b.Value > 0) == after.Count(a => a.Value > 0)
        && after.All(a => a.Value == before.GetValueOrDefault(a.Key));
}
