using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>
/// A flag as instructions name its parts. Instructions carry the ids of variations; the flag's own targeting carries
/// their indexes, and index 0 is not "false".
/// </summary>
internal sealed class FlagState
{
    private const int MaxValue = 60;
    private readonly List<JsonElement> _variations;
    private readonly Dictionary<string, int> _indexes = new(StringComparer.Ordinal);

    public FlagState(JsonElement? flag, string environment)
    {
        _variations = [.. flag.List("variations")];
        for (var i = 0; i < _variations.Count; i++)
        {
            if (_variations[i].Text("_id") is { Length: > 0 } id)
                _indexes.TryAdd(id, i);
        }
        Flag = flag;
        Targeting = flag.Member("environments").Member(environment);
    }

    public JsonElement? Flag { get; }

    /// <summary>What the flag does in the environment; null where that isn't known.</summary>
    public JsonElement? Targeting { get; }

    public bool IsKnown => Targeting is not null;

    public ChangeValue.Variation? ById(string id) => _indexes.TryGetValue(id, out var index) ? At(index) : null;

    public int? IndexOf(string id) => _indexes.TryGetValue(id, out var index) ? index : null;

    public JsonElement? Element(string id) => _indexes.TryGetValue(id, out var index) ? _variations[index] : null;

    public ChangeValue.Variation? At(int? index)
    {
        if (index is not { } i || i < 0 || i >= _variations.Count)
            return null;
        var variation = _variations[i];
        var value = variation.Member("value")?.Plain() ?? "";
        return variation.Text("name") is { Length: > 0 } name
            ? new ChangeValue.Variation(
                Short(name, MaxShown),
                value.Length is > 0 and <= MaxValue && value != name ? value : null
            )
            : new ChangeValue.Variation(Short(value, MaxShown));
    }

    /// <summary>What a rule or the default rule serves, from the flag itself, where variations are indexes.</summary>
    public ChangeValue? Serves(JsonElement? rule)
    {
        if (rule.Member("rollout") is { } rollout)
        {
            var shares = new List<VariationShare>();
            foreach (var one in rollout.List("variations"))
            {
                if (At(((JsonElement?)one).Number("variation")) is not { } variation)
                    return null;
                shares.Add(new VariationShare(variation.Name, ((JsonElement?)one).Number("weight") ?? 0));
            }
            return new ChangeValue.Rollout(shares, rollout.Text("contextKind"), rollout.Text("bucketBy"));
        }
        return At(rule.Number("variation"));
    }

    /// <summary>The shares by index; null where they aren't known.</summary>
    public static Dictionary<int, int>? SharesOf(JsonElement? rule)
    {
        if (rule.Member("rollout") is { } rollout)
        {
            var shares = new Dictionary<int, int>();
            foreach (var one in rollout.List("variations").Select(v => (JsonElement?)v))
            {
                if (one.Number("variation") is not { } index || one.Number("weight") is not { } weight)
                    return null;
                // An experiment may list one variation twice.
                shares[index] = shares.GetValueOrDefault(index) + weight;
            }
            return shares;
        }
        return rule.Number("variation") is { } only ? new Dictionary<int, int> { [only] = Everyone } : null;
    }

    /// <summary>The keys that get a variation as individual targets.</summary>
    /// <param name="contextKind">Null: of every kind.</param>
    public HashSet<(string Kind, string Key)> TargetsOf(int variation, string? contextKind) =>
        [
            .. Targeting
                .List("targets")
                .Concat(Targeting.List("contextTargets"))
                .Where(t => ((JsonElement?)t).Number("variation") == variation)
                .Select(t => (Kind: KindOf(t), Values: t.List("values")))
                .Where(t => contextKind is null || t.Kind == contextKind)
                .SelectMany(t => t.Values.Select(v => (t.Kind, v.Plain()))),
        ];

    public IEnumerable<(string Kind, int Variation, string Key)> AllTargets =>
        Targeting
            .List("targets")
            .Concat(Targeting.List("contextTargets"))
            .SelectMany(t =>
                t.List("values").Select(v => (KindOf(t), ((JsonElement?)t).Number("variation") ?? -1, v.Plain()))
            );

    /// <summary>A hundred percent, as weights are counted.</summary>
    public const int Everyone = 100_000;

    public const int MaxShown = 200;

    public static string KindOf(JsonElement target) =>
        target.Text("contextKind") is { Length: > 0 } kind ? kind : "user";

    public static string Short(string text, int max) =>
        text.Length <= max ? WellFormed.Text(text) : WellFormed.Cut(text, max - 1) + "…";
}
