using System.Text.Json;
using Countersign.Requests;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>Targeting rules and their clauses, of flags and of segments.</summary>
internal static class RuleInstructions
{
    private static readonly HashSet<string> KnownInClause = new(StringComparer.Ordinal)
    {
        "_id",
        "contextKind",
        "attribute",
        "op",
        "negate",
        "values",
    };

    /// <summary>Null where the kind is another.</summary>
    public static DescribedChange? Read(Instruction one) =>
        one.Kind switch
        {
            "addRule" => Add(one),
            "removeRule" => Remove(one),
            "replaceRules" => Replace(one),
            "reorderRules" => Reorder(one),
            "updateRuleVariationOrRollout" => Serves(one),
            "updateRuleRolloutAndContextKind" => SegmentShare(one),
            "updateRuleDescription" => Description(one),
            "updateRuleTrackEvents" => Events(one),
            "addClauses" or "removeClauses" or "updateClause" => Clauses(one),
            "addValuesToClause" or "removeValuesFromClause" => Values(one),
            _ => null,
        };

    private static DescribedChange Add(Instruction one)
    {
        var position = one.Rules.Count + 1;
        if (one.OptionalText("beforeRuleId") is { Length: > 0 } next)
        {
            position = one.Rules.PositionOf(next);
            if (position == 0)
                one.Lacks();
        }
        else if (!one.IsSegment && !one.Flag.IsKnown)
        {
            position = 0;
        }
        var name = new RuleName(position, Instruction.Short(one.OptionalText("description") ?? ""));
        one.Allow("ref");
        var conditions = ClausesIn(one, "clauses");
        var (serves, shares) = one.IsSegment ? (null, []) : one.Serves();
        return new DescribedChange(one.Kind)
        {
            Rule = name,
            After = new ChangeValue.TargetingRule(name, conditions, serves),
            Percentages = Instruction.Rising(null, shares),
        };
    }

    private static DescribedChange Remove(Instruction one)
    {
        var (rule, name) = one.TheRule();
        return new DescribedChange(one.Kind)
        {
            Rule = name,
            Before = name is null
                ? null
                : new ChangeValue.TargetingRule(name, one.Rules.ConditionsOf(rule), ServedNow(one, rule)),
        };
    }

    /// <summary>Too much to be told in a sentence: the numbers, and the instruction as it came.</summary>
    private static DescribedChange Replace(Instruction one)
    {
        var rules = one.List("rules");
        one.Lacks();
        return new DescribedChange(one.Kind)
        {
            Before = new ChangeValue.Number(one.Rules.Count),
            After = new ChangeValue.Number(rules.Count),
        };
    }

    private static DescribedChange Reorder(Instruction one)
    {
        var ids = one.Values("ruleIds");
        var after = ids.Select(one.Rules.NameOf).ToList();
        if (after.Exists(name => name is null) || after.Count != one.Rules.Count)
            one.Lacks();
        var order = after.OfType<RuleName>().ToList();
        return new DescribedChange(one.Kind)
        {
            Before = new ChangeValue.RuleOrder(one.Rules.Names),
            After = new ChangeValue.RuleOrder(order),
            IsWithoutEffect = order.SequenceEqual(one.Rules.Names),
        };
    }

    private static DescribedChange Serves(Instruction one)
    {
        var (rule, name) = one.TheRule();
        var (value, shares) = one.Serves();
        var before = FlagState.SharesOf(rule);
        return new DescribedChange(one.Kind)
        {
            Rule = name,
            Before = one.Flag.Serves(rule),
            After = value,
            Percentages = Instruction.Rising(before, shares),
            IsWithoutEffect =
                Instruction.AreSame(before, shares)
                && TargetingInstructions.IsSameBucketing(one.Flag.Serves(rule), value),
        };
    }

    /// <summary>A segment's rule takes in a share of those it matches.</summary>
    private static DescribedChange SegmentShare(Instruction one)
    {
        var (rule, name) = one.TheRule();
        var kind = one.OptionalText("contextKind") ?? "";
        int? weight =
            one.Any("weight") is { ValueKind: JsonValueKind.Number } number
            && number.TryGetInt32(out var value)
            && value is >= 0 and <= FlagState.Everyone
                ? value
                : null;
        if (weight is null)
            one.Lacks();
        var was = rule.Number("weight");
        return new DescribedChange(one.Kind)
        {
            Rule = name,
            Before = was is { } before
                ? new ChangeValue.Rollout(
                    [new VariationShare("", before)],
                    Instruction.Short(rule.Text("rolloutContextKind")),
                    Instruction.Short(rule.Text("bucketBy"))
                )
                : null,
            After = weight is { } after
                ? new ChangeValue.Rollout([new VariationShare("", after)], Instruction.Short(kind))
                : null,
            Percentages = weight is { } share && share > (was ?? 0) ? [share] : [],
        };
    }

    private static DescribedChange Description(Instruction one)
    {
        var (rule, name) = one.TheRule();
        var was = rule.Text("description");
        return new DescribedChange(one.Kind)
        {
            Rule = name,
            Before = was.Length == 0 ? null : new ChangeValue.Text(FlagState.Short(was, 2_000)),
            After = new ChangeValue.Text(FlagState.Short(one.Text("description"), 2_000)),
        };
    }

    private static DescribedChange Events(Instruction one)
    {
        var (rule, name) = one.TheRule();
        var was = rule.Flag("trackEvents");
        var value = one.Bool("trackEvents");
        return new DescribedChange(one.Kind)
        {
            Rule = name,
            Before = was is { } before ? new ChangeValue.Toggle(before) : null,
            After = value is { } after ? new ChangeValue.Toggle(after) : null,
            IsWithoutEffect = was is not null && was == value,
        };
    }

    private static DescribedChange Clauses(Instruction one)
    {
        var (rule, name) = one.TheRule();
        var now = rule.List("clauses").ToList();
        List<ChangeCondition> after;
        switch (one.Kind)
        {
            case "addClauses":
                after = [.. now.Select(one.Rules.Condition), .. ClausesIn(one, "clauses")];
                break;
            case "removeClauses":
                var gone = one.Values("clauseIds");
                if (gone.Exists(id => RuleState.Clause(rule, id) is null))
                    one.Lacks();
                after = [.. now.Where(c => !gone.Contains(c.Text("_id"))).Select(one.Rules.Condition)];
                break;
            default:
                var id = one.Text("clauseId");
                if (RuleState.Clause(rule, id) is null)
                    one.Lacks();
                if (one.Any("clause") is not { } clause)
                {
                    one.Lacks();
                    clause = default;
                }
                var changed = Checked(one, clause);
                after = [.. now.Select(c => c.Text("_id") == id ? changed : one.Rules.Condition(c))];
                break;
        }
        return new DescribedChange(one.Kind)
        {
            Rule = name,
            Before = new ChangeValue.Conditions([.. now.Select(one.Rules.Condition)]),
            After = new ChangeValue.Conditions(after),
        };
    }

    private static DescribedChange Values(Instruction one)
    {
        var (rule, name) = one.TheRule();
        var id = one.Text("clauseId");
        var values = one.Values("values");
        if (RuleState.Clause(rule, id) is not { } clause)
        {
            one.Lacks();
            return new DescribedChange(one.Kind) { Rule = name };
        }
        var now = RuleState.Values(clause);
        List<string> after =
            one.Kind == "addValuesToClause" ? [.. now.Union(values)] : [.. now.Where(v => !values.Contains(v))];
        // The values that come or go stand first: they are what is to be judged, however many there are.
        var isSegment = clause.Text("op") == "segmentMatch";
        return new DescribedChange(one.Kind)
        {
            Rule = name,
            Name = Instruction.Short(
                string.Join(", ", one.Rules.Condition(clause, values).Values)
                    + (values.Count > RuleState.MaxValues ? $" + {values.Count - RuleState.MaxValues}" : "")
            ),
            Before = new ChangeValue.Conditions([one.Rules.Condition(clause)]),
            After = new ChangeValue.Conditions([one.Rules.Condition(clause, after)]),
            IsWithoutEffect = !isSegment && after.Count == now.Count,
        };
    }

    private static List<ChangeCondition> ClausesIn(Instruction one, string member)
    {
        var clauses = one.List(member);
        // A rule without clauses matches everyone; that is not a slip to pass over.
        if (clauses.Count == 0)
            one.Lacks();
        return [.. clauses.Select(c => Checked(one, c))];
    }

    private static ChangeCondition Checked(Instruction one, JsonElement clause)
    {
        if (
            clause.ValueKind != JsonValueKind.Object
            || clause.Text("op").Length == 0
            || clause.Member("values") is not { ValueKind: JsonValueKind.Array }
            || clause.EnumerateObject().Any(m => !KnownInClause.Contains(m.Name))
        )
        {
            one.Lacks();
        }
        return one.Rules.Condition(clause);
    }

    private static ChangeValue? ServedNow(Instruction one, JsonElement? rule) =>
        one.IsSegment ? null : one.Flag.Serves(rule);
}
