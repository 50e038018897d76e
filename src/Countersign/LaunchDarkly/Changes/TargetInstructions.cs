using System.Text.Json;
using Countersign.Requests;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>Individual targets of flags and of segments.</summary>
internal static class TargetInstructions
{
    private static readonly StringComparer Ordinal = StringComparer.Ordinal;

    /// <summary>Null where the kind is another.</summary>
    public static DescribedChange? Read(Instruction one) =>
        one.Kind switch
        {
            "addTargets" or "addUserTargets" => OfVariation(one, isAdded: true),
            "removeTargets" or "removeUserTargets" => OfVariation(one, isAdded: false),
            "replaceTargets" or "replaceUserTargets" => Replace(one),
            "clearTargets" or "clearUserTargets" => Clear(one),
            "addIncludedTargets" or "addIncludedUsers" => OfSegment(one, "included", isAdded: true),
            "removeIncludedTargets" or "removeIncludedUsers" => OfSegment(one, "included", isAdded: false),
            "addExcludedTargets" or "addExcludedUsers" => OfSegment(one, "excluded", isAdded: true),
            "removeExcludedTargets" or "removeExcludedUsers" => OfSegment(one, "excluded", isAdded: false),
            "addBigSegmentIncludedTargets"
            or "removeBigSegmentIncludedTargets"
            or "addBigSegmentExcludedTargets"
            or "removeBigSegmentExcludedTargets" => OfBigSegment(one),
            _ => null,
        };

    /// <summary>The older kinds are for users only and name no context.</summary>
    private static string ContextKind(Instruction one) =>
        one.Kind.Contains("User", StringComparison.Ordinal) ? "user"
        : one.OptionalText("contextKind") is { Length: > 0 } kind ? kind
        : "user";

    private static ChangeTargets Targets(IReadOnlyCollection<string> keys, string kind) =>
        new(keys.Count, [.. keys.Take(DescribedChange.MaxListed).Select(Instruction.Short)], Instruction.Short(kind));

    private static DescribedChange OfVariation(Instruction one, bool isAdded)
    {
        var keys = one.Values("values");
        var kind = ContextKind(one);
        var variation = one.Variation();
        var change = new DescribedChange(one.Kind) { Name = variation?.Name, Targets = Targets(keys, kind) };
        if (!one.Flag.IsKnown || one.Flag.IndexOf(one.Text("variationId")) is not { } index)
            return change;
        var now = one.Flag.TargetsOf(index, kind).Select(t => t.Key).ToHashSet(Ordinal);
        return WithCounts(change, now, keys, isAdded);
    }

    private static DescribedChange WithCounts(
        DescribedChange change,
        HashSet<string> now,
        List<string> keys,
        bool isAdded
    )
    {
        var moved = keys.Count(key => now.Contains(key) != isAdded);
        return change with
        {
            Before = new ChangeValue.Number(now.Count),
            After = new ChangeValue.Number(isAdded ? now.Count + moved : now.Count - moved),
            IsWithoutEffect = moved == 0,
        };
    }

    private static DescribedChange Replace(Instruction one)
    {
        var isOfUsers = one.Kind == "replaceUserTargets";
        var after = new HashSet<(string Kind, int Variation, string Key)>();
        foreach (var target in one.List("targets"))
        {
            var kind = isOfUsers ? "user" : FlagState.KindOf(target);
            if (
                one.Flag.IndexOf(target.Text("variationId")) is not { } index
                || target.Member("values") is not { ValueKind: JsonValueKind.Array }
                || target.EnumerateObject().Any(m => m.Name is not ("variationId" or "values" or "contextKind"))
            )
            {
                one.Lacks();
                index = -1;
            }
            after.UnionWith(target.List("values").Select(v => (kind, index, v.Plain())));
        }
        // Without the present targets it isn't known how many would go.
        if (!one.Flag.IsKnown)
            one.Lacks();
        var now = one.Flag.AllTargets.Where(t => !isOfUsers || t.Kind == "user").ToHashSet();
        var moved = now.Except(after).Concat(after.Except(now)).Select(t => t.Key).ToHashSet(Ordinal);
        return new DescribedChange(one.Kind)
        {
            Before = one.Flag.IsKnown ? new ChangeValue.Number(now.Count) : null,
            After = new ChangeValue.Number(after.Count),
            Targets = Targets(moved, isOfUsers ? "user" : ""),
            IsWithoutEffect = moved.Count == 0,
        };
    }

    /// <summary><c>clearTargets</c> takes away targets of every kind, users too.</summary>
    private static DescribedChange Clear(Instruction one)
    {
        var variation = one.Variation();
        var kind = one.Kind == "clearUserTargets" ? "user" : null;
        if (!one.Flag.IsKnown || one.Flag.IndexOf(one.Text("variationId")) is not { } index)
        {
            one.Lacks();
            return new DescribedChange(one.Kind) { Name = variation?.Name };
        }
        var keys = one.Flag.TargetsOf(index, kind).Select(t => t.Key).ToList();
        return new DescribedChange(one.Kind)
        {
            Name = variation?.Name,
            Before = new ChangeValue.Number(keys.Count),
            After = new ChangeValue.Number(0),
            Targets = Targets(keys, kind ?? ""),
            IsWithoutEffect = keys.Count == 0,
        };
    }

    private static DescribedChange OfSegment(Instruction one, string list, bool isAdded)
    {
        var keys = one.Values("values");
        var kind = ContextKind(one);
        var change = new DescribedChange(one.Kind) { Targets = Targets(keys, kind) };
        if (one.State.Segment is not { } segment || ((JsonElement?)segment).Flag("unbounded") == true)
            return change;
        var now = segment
            .List(list + "Contexts")
            .Where(t => FlagState.KindOf(t) == kind)
            .SelectMany(t => t.List("values"))
            .Concat(kind == "user" ? segment.List(list) : [])
            .Select(v => v.Plain())
            .ToHashSet(Ordinal);
        return WithCounts(change, now, keys, isAdded);
    }

    /// <summary>A big segment doesn't list its targets, so there is no before.</summary>
    private static DescribedChange OfBigSegment(Instruction one)
    {
        var keys = one.Values("values");
        return new DescribedChange(one.Kind) { Targets = Targets(keys, ContextKind(one)) };
    }
}
