using System.Globalization;

namespace Countersign.Requests;

/// <summary>A change in words, for one reader.</summary>
/// <param name="Sentence">What is done: "Change the default rule".</param>
/// <param name="Before">Empty where there was nothing, or it isn't known.</param>
/// <param name="After">Empty where nothing remains.</param>
public sealed record ChangeLines(string Sentence, string Before, string After)
{
    /// <summary>All of it in one line.</summary>
    public string Text =>
        (Before.Length, After.Length) switch
        {
            (0, 0) => Sentence,
            (0, _) => $"{Sentence}: {After}",
            (_, 0) => $"{Sentence}: {Before}",
            _ => $"{Sentence}: {Before} → {After}",
        };

    /// <summary>What is done and what comes of it; what was before is for those who look closer.</summary>
    public string Summary => After.Length == 0 ? Sentence : $"{Sentence}: {After}";
}

/// <summary>
/// Says described changes in words. Which words is for the caller: pages have them in the reader's language, everything
/// else in English (<see cref="EnglishChangeWords"/>).
/// </summary>
/// <param name="words">By name, with what is filled in; null where there is no such name.</param>
public sealed class ChangeText(Func<string, object[], string?> words, CultureInfo culture)
{
    private const int MaxRules = 20;

    public static readonly ChangeText English = new(EnglishChangeWords.Find, CultureInfo.InvariantCulture);

    /// <summary>The kinds of LaunchDarkly's first years, which say the same about users only.</summary>
    private static readonly Dictionary<string, string> Newer = new(StringComparer.Ordinal)
    {
        ["addUserTargets"] = "addTargets",
        ["removeUserTargets"] = "removeTargets",
        ["replaceUserTargets"] = "replaceTargets",
        ["clearUserTargets"] = "clearTargets",
        ["addIncludedUsers"] = "addIncludedTargets",
        ["removeIncludedUsers"] = "removeIncludedTargets",
        ["addExcludedUsers"] = "addExcludedTargets",
        ["removeExcludedUsers"] = "removeExcludedTargets",
        ["addBigSegmentIncludedTargets"] = "addIncludedTargets",
        ["removeBigSegmentIncludedTargets"] = "removeIncludedTargets",
        ["addBigSegmentExcludedTargets"] = "addExcludedTargets",
        ["removeBigSegmentExcludedTargets"] = "removeExcludedTargets",
    };

    public ChangeLines Of(DescribedChange change) =>
        new(
            Sentence(change),
            change.Before is { } before ? Value(before, change) : "",
            change.After is { } after ? Value(after, change) : ""
        );

    /// <summary>
    /// The first change as a headline: what happens to the flag, or the flag's name with the change behind it.
    /// </summary>
    public Headline Headline(DescribedChange change, string flag)
    {
        if (flag.Length == 0)
            return new Headline(Of(change).Summary, "", "");
        if (change.IsUnderstood && words("head." + change.Kind, ["\0"]) is { } whole)
        {
            var at = whole.IndexOf('\0', StringComparison.Ordinal);
            return new Headline(whole[..at], flag, whole[(at + 1)..]);
        }
        return new Headline("", flag, ": " + Of(change).Summary);
    }

    /// <summary>"3 individual targets (organization)".</summary>
    public string Targets(ChangeTargets targets) =>
        targets.ContextKind is "" or "user"
            ? Count("targets", targets.Count)
            : $"{Count("targets", targets.Count)} ({targets.ContextKind})";

    private string Sentence(DescribedChange change)
    {
        var kind = Newer.GetValueOrDefault(change.Kind, change.Kind);
        var targets = change.Targets is { } some ? Targets(some) : "";
        var name = change.Name ?? "";
        object[] with = change.Rule is { } rule ? [Rule(rule), name] : [name, targets];
        // A sentence about a name that isn't known would have a hole.
        var isWhole = name.Length > 0 || change.Rule is not null;
        return (isWhole ? null : words($"kind.{kind}.unnamed", with))
            ?? words("kind." + kind, with)
            ?? (change.Kind.Length > 0 ? Word("unknown", change.Kind) : Word("unknown.unnamed"));
    }

    private string Value(ChangeValue value, DescribedChange change) =>
        value switch
        {
            ChangeValue.Toggle toggle => Toggle(toggle, change),
            ChangeValue.Variation variation => Variation(variation),
            ChangeValue.Rollout rollout => Rollout(rollout),
            ChangeValue.Number number => Count(change.Kind == "replaceRules" ? "rules" : "targets", number.Value),
            ChangeValue.Text text => text.Value,
            ChangeValue.Moment moment => moment.At.UtcDateTime.ToString(
                "yyyy-MM-dd HH:mm 'UTC'",
                CultureInfo.InvariantCulture
            ),
            ChangeValue.Conditions conditions => Conditions(conditions.All),
            ChangeValue.TargetingRule { Serves: { } serves } rule => Word(
                "rule.serves",
                Conditions(rule.All),
                Value(serves, change)
            ),
            ChangeValue.TargetingRule rule => Word("rule.if", Conditions(rule.All)),
            ChangeValue.RuleOrder order => string.Join(", ", order.Rules.Take(MaxRules).Select(Rule))
                + (order.Rules.Count > MaxRules ? " …" : ""),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private string Toggle(ChangeValue.Toggle toggle, DescribedChange change) =>
        (toggle.On, toggle.Serves) switch
        {
            (true, { } serves) => Word("on.serves", Value(serves, change)),
            (false, { } serves) => Word("off.serves", Value(serves, change)),
            (true, _) => Word("on"),
            _ => Word("off"),
        };

    private static string Variation(ChangeValue.Variation variation) =>
        variation.Value is { } value ? $"{variation.Name} ({value})" : variation.Name;

    private string Rollout(ChangeValue.Rollout rollout)
    {
        var shares = string.Join(", ", rollout.Shares.Select(s => $"{Percent(s.Weight)} {s.Name}".TrimEnd()));
        var by = $"{(rollout.ContextKind == "user" ? "" : rollout.ContextKind)} {rollout.By}".Trim();
        return by.Length == 0 ? shares : Word("rollout.by", shares, by);
    }

    /// <summary>Nothing is rounded: half a percent of all customers is not none of them.</summary>
    private string Percent(int weight) => Word("percent", (weight / 1_000m).ToString("0.###", culture));

    private string Rule(RuleName rule) =>
        (rule.Position, rule.Description) switch
        {
            (0, "") => Word("rule.unknown"),
            (0, var description) => Word("rule.described", description),
            (var position, "") => Word("rule.numbered", position.ToString(culture)),
            var (position, description) => Word("rule.both", position.ToString(culture), description),
        };

    private string Conditions(IReadOnlyList<ChangeCondition> all) =>
        all.Count == 0
            ? Word("conditions.none")
            : all.Select(Condition).Aggregate((one, other) => Word("conditions.and", one, other));

    private string Condition(ChangeCondition one)
    {
        var values = string.Join(", ", one.Values.Select(v => v.Length == 0 ? "\"\"" : v));
        if (one.Count > one.Values.Count)
            values = Word("values.more", values, (one.Count - one.Values.Count).ToString("N0", culture));
        var what = one.Operator == "segmentMatch" ? one.ContextKind : $"{one.ContextKind} {one.Attribute}".TrimEnd();
        var positive = words("op." + one.Operator, [what, values]) ?? $"{what} {Sign(one.Operator)} {values}";
        return !one.IsNegated ? positive : words("op.not." + one.Operator, [what, values]) ?? Word("op.not", positive);
    }

    private static string Sign(string op) =>
        op switch
        {
            "lessThan" => "<",
            "lessThanOrEqual" => "≤",
            "greaterThan" => ">",
            "greaterThanOrEqual" => "≥",
            _ => op,
        };

    private string Count(string name, long count) =>
        Word(count == 1 ? name + ".one" : name + ".other", count.ToString("N0", culture));

    private string Word(string name, params object[] with) =>
        words(name, with) ?? throw new InvalidOperationException($"There are no words for {name}.");
}
