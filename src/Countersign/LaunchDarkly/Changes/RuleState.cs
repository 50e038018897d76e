using System.Text.Json;
using Countersign.Requests;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>The targeting rules of a flag or a segment, by id and by place.</summary>
internal sealed class RuleState(JsonElement? holder, IReadOnlyDictionary<string, string> segments)
{
    public const int MaxValues = 20;
    private readonly List<JsonElement> _rules = [.. holder.List("rules")];

    public int Count => _rules.Count;

    public JsonElement? Find(string id) =>
        _rules.FindIndex(rule => rule.Text("_id") == id) is >= 0 and var at ? _rules[at] : null;

    public RuleName? NameOf(string id) =>
        _rules.FindIndex(rule => rule.Text("_id") == id) is >= 0 and var at ? NameAt(at) : null;

    public IReadOnlyList<RuleName> Names => [.. _rules.Select((_, at) => NameAt(at))];

    public int PositionOf(string id) => _rules.FindIndex(rule => rule.Text("_id") == id) + 1;

    private RuleName NameAt(int at) => new(at + 1, FlagState.Short(_rules[at].Text("description"), FlagState.MaxShown));

    public List<ChangeCondition> ConditionsOf(JsonElement? rule) => [.. rule.List("clauses").Select(Condition)];

    public static JsonElement? Clause(JsonElement? rule, string id)
    {
        var clauses = rule.List("clauses").Where(clause => clause.Text("_id") == id).ToList();
        return clauses.Count == 1 ? clauses[0] : null;
    }

    public ChangeCondition Condition(JsonElement clause) => Condition(clause, Values(clause));

    /// <summary>The clause with these values instead of its own.</summary>
    public ChangeCondition Condition(JsonElement clause, IReadOnlyList<string> values)
    {
        var op = clause.Text("op");
        return new ChangeCondition(
            FlagState.KindOf(clause),
            FlagState.Short(clause.Text("attribute"), FlagState.MaxShown),
            op,
            ((JsonElement?)clause).Flag("negate") == true,
            [
                .. values
                    .Take(MaxValues)
                    .Select(v => FlagState.Short(op == "segmentMatch" ? SegmentName(v) : v, FlagState.MaxShown)),
            ],
            values.Count
        );
    }

    public static List<string> Values(JsonElement clause) => [.. clause.List("values").Select(v => v.Plain())];

    private string SegmentName(string key) =>
        segments.TryGetValue(key, out var name) && name.Length > 0 && name != key ? $"{name} ({key})" : key;
}
