using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Requests;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>Variations, settings and the life of a flag, and changes that are scheduled.</summary>
internal static class FlagInstructions
{
    private static readonly string[] PartsOfVariation = ["value", "name", "description"];

    private const int MaxValue = 10_000;

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Null where the kind is another.</summary>
    public static DescribedChange? Read(Instruction one) =>
        one.Kind switch
        {
            "addVariation" => AddVariation(one),
            "updateVariation" => UpdateVariation(one),
            "removeVariation" => RemoveVariation(one),
            "updateDefaultVariation" => DefaultVariation(one),
            "addTags" or "removeTags" => Tags(one),
            "updateName" => Text(one, "name", "value"),
            "updateDescription" => Text(one, "description", "value"),
            "makeFlagTemporary" or "makeFlagPermanent" => new DescribedChange(one.Kind) { IsEverywhere = true },
            "archiveFlag" or "restoreFlag" or "deprecateFlag" or "restoreDeprecatedFlag" or "deleteFlag" =>
                new DescribedChange(one.Kind) { IsEverywhere = true },
            "updateScheduledChangesExecutionDate" => Moment(one),
            "deleteScheduledChange" => Scheduled(one),
            _ => null,
        };

    private static DescribedChange AddVariation(Instruction one)
    {
        var value = one.Any("value");
        if (value is null)
            one.Lacks();
        var description = one.OptionalText("description") ?? "";
        return new DescribedChange(one.Kind)
        {
            IsEverywhere = true,
            Name = Instruction.Short(one.OptionalText("name") ?? ""),
            After = description.Length == 0 ? Value(value) : Value(Only(one.Json, "value", "description")),
        };
    }

    /// <summary>Only what changes is compared, so that a long value doesn't hide a new name.</summary>
    private static DescribedChange UpdateVariation(Instruction one)
    {
        var variation = one.Variation();
        string[] changed = [.. PartsOfVariation.Where(one.Has)];
        if (changed.Length == 0)
            one.Lacks();
        var now = one.Flag.Element(one.Text("variationId"));
        var (before, after) =
            changed.Length == 1
                ? (Value(now.Member(changed[0])), Value(one.Json.Member(changed[0])))
                : (Value(now is { } known ? Only(known, changed) : null), Value(Only(one.Json, changed)));
        return new DescribedChange(one.Kind)
        {
            IsEverywhere = true,
            Name = variation?.Name,
            Before = before,
            After = after,
        };
    }

    private static DescribedChange RemoveVariation(Instruction one)
    {
        var variation = one.Variation();
        return new DescribedChange(one.Kind)
        {
            IsEverywhere = true,
            Name = variation?.Name,
            Before = Value(one.Flag.Element(one.Text("variationId")).Member("value")),
        };
    }

    /// <summary>This one kind names variations by their values, while the flag has their indexes.</summary>
    private static DescribedChange DefaultVariation(Instruction one)
    {
        var before = new Dictionary<string, JsonElement>();
        var after = new Dictionary<string, JsonElement>();
        foreach (
            var (member, now, name) in new[]
            {
                ("onVariationValue", "onVariation", "on"),
                ("offVariationValue", "offVariation", "off"),
            }
        )
        {
            if (one.Any(member) is not { } value)
                continue;
            after[name] = value;
            var index = one.Flag.Flag.Member("defaults").Number(now);
            if (
                index is { } at
                && one.Flag.Flag.List("variations").ElementAtOrDefault(at) is { ValueKind: JsonValueKind.Object } was
                && was.Member("value") is { } old
            )
            {
                before[name] = old;
            }
            // A value that no variation has leads nowhere.
            if (!one.Flag.Flag.List("variations").Any(v => v.Member("value") is { } known && IsSame(known, value)))
                one.Lacks();
        }
        if (after.Count == 0)
            one.Lacks();
        return new DescribedChange(one.Kind)
        {
            IsEverywhere = true,
            Before = before.Count == 0 ? null : Value(JsonSerializer.SerializeToElement(before)),
            After = Value(JsonSerializer.SerializeToElement(after)),
        };
    }

    private static bool IsSame(JsonElement one, JsonElement other) => Digest.Of(one) == Digest.Of(other);

    private static DescribedChange Tags(Instruction one) =>
        new(one.Kind) { IsEverywhere = true, Name = Instruction.Short(string.Join(", ", one.Values("values"))) };

    private static DescribedChange Text(Instruction one, string member, string from)
    {
        var was = (one.State.Segment ?? one.State.Flag).Text(member);
        var after = one.Text(from);
        return new DescribedChange(one.Kind)
        {
            IsEverywhere = !one.IsSegment,
            Before = was.Length == 0 ? null : new ChangeValue.Text(FlagState.Short(was, MaxValue)),
            After = new ChangeValue.Text(FlagState.Short(after, MaxValue)),
        };
    }

    private static DescribedChange Moment(Instruction one)
    {
        DateTimeOffset? at =
            one.Any("value") is { ValueKind: JsonValueKind.Number } number
            && number.TryGetInt64(out var milliseconds)
            && milliseconds >= 0
            && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
                ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
                : null;
        if (at is null)
            one.Lacks();
        return new DescribedChange(one.Kind) { After = at is { } then ? new ChangeValue.Moment(then) : null };
    }

    /// <summary>What would no longer happen isn't in the instruction.</summary>
    private static DescribedChange Scheduled(Instruction one)
    {
        one.Lacks();
        return new DescribedChange(one.Kind);
    }

    private static ChangeValue.Text? Value(JsonElement? value) =>
        value is { } json ? new ChangeValue.Text(FlagState.Short(TextOf(json), MaxValue)) : null;

    private static string TextOf(JsonElement json) =>
        json.ValueKind is JsonValueKind.Object or JsonValueKind.Array
            ? JsonSerializer.Serialize(json, Plain)
            : json.Plain();

    private static JsonElement Only(JsonElement holder, params string[] members) =>
        JsonSerializer.SerializeToElement(
            members
                .Select(m => (Name: m, Value: holder.Member(m)))
                .Where(m => m.Value is not null)
                .ToDictionary(m => m.Name, m => m.Value!.Value)
        );
}
