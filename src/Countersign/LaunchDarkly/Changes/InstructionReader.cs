using System.Text.Json;
using Countersign.Requests;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>
/// Reads LaunchDarkly's semantic instructions into changes with a before and an after. Pure: what it needs to know of
/// the flag or segment comes with <see cref="ResourceState"/>. Every instruction is one change. One of an unknown kind,
/// with a member that isn't known, or that names something that isn't found, is kept as it came and not understood.
/// </summary>
public static class InstructionReader
{
    private const int MaxRaw = 20_000;

    public static DescribedChanges Read(JsonElement instructions, ResourceState state)
    {
        using var text = Instructions.Unwrapped(instructions);
        var list = text?.RootElement ?? instructions;
        var digest = InstructionDigest.Of(list);
        if (list.ValueKind != JsonValueKind.Array)
        {
            return list.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined
                ? new DescribedChanges([], digest)
                : new DescribedChanges([NotUnderstood("", list)], digest);
        }
        var flag = new FlagState(state.Flag, state.Environment);
        var rules = new RuleState(state.Segment ?? flag.Targeting, state.SegmentNames);
        return new DescribedChanges([.. list.EnumerateArray().Select(i => One(i, state, flag, rules))], digest);
    }

    /// <summary>What else has to be asked for, so that everything these instructions name has a name.</summary>
    /// <param name="state">The flag or segment itself.</param>
    public static NeededState Needs(JsonElement instructions, ResourceState state)
    {
        using var text = Instructions.Unwrapped(instructions);
        var list = text?.RootElement ?? instructions;
        var flags = new SortedSet<string>(StringComparer.Ordinal);
        var segments = new SortedSet<string>(StringComparer.Ordinal);
        if (list.ValueKind != JsonValueKind.Array)
            return new NeededState(flags, segments);
        var targeting = state.Segment ?? state.Flag.Member("environments").Member(state.Environment);
        foreach (var instruction in list.EnumerateArray())
        {
            var kind = instruction.Text("kind");
            if (kind is "addPrerequisite" or "updatePrerequisite" or "removePrerequisite")
                Keep(flags, instruction.Text("key"));
            if (kind == "replacePrerequisites")
            {
                foreach (var one in instruction.List("prerequisites").Concat(targeting.List("prerequisites")))
                    Keep(flags, one.Text("key"));
            }
            SegmentsIn(instruction, segments);
            if (instruction.Text("ruleId") is { Length: > 0 } id)
            {
                foreach (var rule in targeting.List("rules").Where(r => r.Text("_id") == id))
                {
                    SegmentsIn(rule, segments);
                    var isSegment = rule.List("clauses")
                        .Any(c => c.Text("_id") == instruction.Text("clauseId") && c.Text("op") == "segmentMatch");
                    foreach (var value in isSegment ? instruction.List("values") : [])
                        Keep(segments, value.Plain());
                }
            }
        }
        return new NeededState(flags, segments);
    }

    private static void Keep(SortedSet<string> keys, string key)
    {
        if (key.Length > 0)
            keys.Add(key);
    }

    /// <summary>The values of clauses that name segments, however deep they lie.</summary>
    private static void SegmentsIn(JsonElement value, SortedSet<string> segments)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                if (value.Text("op") == "segmentMatch")
                {
                    foreach (var one in value.List("values"))
                        Keep(segments, one.Plain());
                }
                foreach (var member in value.EnumerateObject())
                    SegmentsIn(member.Value, segments);
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                    SegmentsIn(item, segments);
                break;
        }
    }

    private static DescribedChange One(JsonElement instruction, ResourceState state, FlagState flag, RuleState rules)
    {
        var kind = FlagState.Short(instruction.Text("kind"), 100);
        if (kind.Length == 0 || Instructions.HasDuplicates(instruction))
            return NotUnderstood(kind, instruction);
        var one = new Instruction(kind, instruction, state, flag, rules);
        var change =
            TargetingInstructions.Read(one)
            ?? RuleInstructions.Read(one)
            ?? TargetInstructions.Read(one)
            ?? FlagInstructions.Read(one);
        if (change is null)
            return NotUnderstood(kind, instruction);
        return one.IsUnderstood && change.IsUnderstood
            ? change
            : change with
            {
                IsUnderstood = false,
                IsWithoutEffect = false,
                Raw = RawOf(instruction),
            };
    }

    private static DescribedChange NotUnderstood(string kind, JsonElement instruction) =>
        new(kind) { IsUnderstood = false, Raw = RawOf(instruction) };

    private static string RawOf(JsonElement instruction) => FlagState.Short(instruction.GetRawText(), MaxRaw);
}
