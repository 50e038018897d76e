using Countersign.Requests;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>On and off, the default rule, the off variation, prerequisites and events of a flag.</summary>
internal static class TargetingInstructions
{
    /// <summary>Null where the kind is another.</summary>
    public static DescribedChange? Read(Instruction one) =>
        one.Kind switch
        {
            "turnFlagOn" => Toggle(one, on: true),
            "turnFlagOff" => Toggle(one, on: false),
            "updateFallthroughVariationOrRollout" => DefaultRule(one),
            "updateOffVariation" => OffVariation(one),
            "updateTrackEvents" => Events(one, "trackEvents"),
            "updateTrackEventsFallthrough" => Events(one, "trackEventsFallthrough"),
            "addPrerequisite" or "updatePrerequisite" or "removePrerequisite" => Prerequisite(one),
            "replacePrerequisites" => Prerequisites(one),
            _ => null,
        };

    private static DescribedChange Toggle(Instruction one, bool on)
    {
        var flag = one.Flag;
        var isOn = flag.Targeting.Flag("on");
        var rule = flag.Targeting.Member("fallthrough");
        var off = flag.Targeting.Number("offVariation");
        ChangeValue.Toggle Value(bool state) => new(state, state ? flag.Serves(rule) : flag.At(off));
        // Who is off gets the off variation, so turning on raises everything else that the default rule serves.
        var whileOff = off is { } index ? new Dictionary<int, int> { [index] = FlagState.Everyone } : null;
        var whileOn = FlagState.SharesOf(rule);
        var (before, after) = on ? (whileOff, whileOn) : (whileOn, whileOff);
        return new DescribedChange(one.Kind)
        {
            Before = isOn is { } was ? Value(was) : null,
            After = Value(on),
            IsWithoutEffect = isOn == on,
            Percentages =
                isOn == on ? []
                : after is null ? [FlagState.Everyone]
                : Instruction.Rising(before, after),
        };
    }

    private static DescribedChange DefaultRule(Instruction one)
    {
        var (value, shares) = one.Serves();
        var rule = one.Flag.Targeting.Member("fallthrough");
        var before = FlagState.SharesOf(rule);
        return new DescribedChange(one.Kind)
        {
            Before = one.Flag.Serves(rule),
            After = value,
            Percentages = Instruction.Rising(before, shares),
            IsWithoutEffect = Instruction.AreSame(before, shares) && IsSameBucketing(one.Flag.Serves(rule), value),
        };
    }

    /// <summary>Other attributes put other people into the shares, though the shares stay.</summary>
    internal static bool IsSameBucketing(ChangeValue? before, ChangeValue? after) =>
        (before, after) is not (ChangeValue.Rollout one, ChangeValue.Rollout other)
        || (User(one.ContextKind) == User(other.ContextKind) && one.By == other.By);

    private static string User(string kind) => kind.Length == 0 ? "user" : kind;

    private static DescribedChange OffVariation(Instruction one)
    {
        var after = one.Variation();
        var was = one.Flag.Targeting.Number("offVariation");
        return new DescribedChange(one.Kind)
        {
            Before = one.Flag.At(was),
            After = after,
            IsWithoutEffect = was is not null && was == one.Flag.IndexOf(one.Text("variationId")),
        };
    }

    private static DescribedChange Events(Instruction one, string member)
    {
        var was = one.Flag.Targeting.Flag(member);
        var value = one.Bool("trackEvents");
        return new DescribedChange(one.Kind)
        {
            Before = was is { } before ? new ChangeValue.Toggle(before) : null,
            After = value is { } after ? new ChangeValue.Toggle(after) : null,
            IsWithoutEffect = was is not null && was == value,
        };
    }

    /// <summary>The variation of a prerequisite is one of the other flag's.</summary>
    private static DescribedChange Prerequisite(Instruction one)
    {
        var key = one.Text("key");
        var other = Other(one, key);
        if (other.Flag is null)
            one.Lacks();
        var now = one
            .Flag.Targeting.List("prerequisites")
            .Where(p => p.Text("key") == key)
            .Select(p => other.At(((System.Text.Json.JsonElement?)p).Number("variation")))
            .FirstOrDefault();
        ChangeValue.Variation? after = null;
        if (one.Kind != "removePrerequisite")
        {
            after = other.ById(one.Text("variationId"));
            if (after is null)
                one.Lacks();
        }
        return new DescribedChange(one.Kind)
        {
            Name = NameOf(other, key),
            Before = now,
            After = after,
        };
    }

    private static DescribedChange Prerequisites(Instruction one)
    {
        var after = one.List("prerequisites")
            .Select(p =>
            {
                var other = Other(one, p.Text("key"));
                var variation = other.ById(p.Text("variationId"));
                if (variation is null)
                    one.Lacks();
                return $"{NameOf(other, p.Text("key"))}: {variation?.Name ?? p.Text("variationId")}";
            })
            .ToList();
        var before = one
            .Flag.Targeting.List("prerequisites")
            .Select(p =>
            {
                var other = Other(one, p.Text("key"));
                var index = ((System.Text.Json.JsonElement?)p).Number("variation");
                return $"{NameOf(other, p.Text("key"))}: {other.At(index)?.Name ?? $"#{index}"}";
            })
            .ToList();
        return new DescribedChange(one.Kind) { Before = one.Flag.IsKnown ? Lines(before) : null, After = Lines(after) };
    }

    private static ChangeValue.Text? Lines(List<string> lines) =>
        lines.Count == 0 ? null : new ChangeValue.Text(FlagState.Short(string.Join('\n', lines), 2_000));

    private static FlagState Other(Instruction one, string key) =>
        new(
            one.State.OtherFlags.TryGetValue(key, out var flag) ? flag : (System.Text.Json.JsonElement?)null,
            one.State.Environment
        );

    private static string NameOf(FlagState other, string key) =>
        other.Flag.Text("name") is { Length: > 0 } name && name != key
            ? Instruction.Short($"{name} ({key})")
            : Instruction.Short(key);
}
