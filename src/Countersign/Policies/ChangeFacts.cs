using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Policies;

/// <summary>
/// What policies may ask about a change that its source described in data. The names stand in <c>when</c> like the
/// others, but no request says them by itself: they follow from what the source was asked. Where it wasn't asked,
/// didn't answer, or said something that isn't understood, a policy that names one of them applies, unless it approves
/// by itself.
/// </summary>
public static class ChangeFacts
{
    public const string Kind = "change.kind";
    public const string Targets = "change.targets";
    public const string Percentage = "change.percentage";
    public const string Understood = "change.understood";

    public static readonly IReadOnlyList<string> All = [Kind, Targets, Percentage];

    public static bool IsOne(string key) => key is Kind or Targets or Percentage;

    public static bool IsNumber(string key) => key is Targets or Percentage;

    /// <summary>Whether all of a change is known, so that no policy has to apply for want of knowledge.</summary>
    public static bool IsUnderstood(string? change)
    {
        if (change is null)
            return false;
        using var facts = JsonDocument.Parse(change);
        return facts.RootElement.ValueKind == JsonValueKind.Object
            && facts.RootElement.TryGetProperty(Understood, out var understood)
            && understood.ValueKind == JsonValueKind.True;
    }

    /// <summary>
    /// The change of an imagined request: what its facts say under these names. Null where they say
    /// nothing, as with a request whose source wasn't asked.
    /// </summary>
    public static string? OfSample(string facts)
    {
        if (JsonNode.Parse(facts) is not JsonObject all)
            return null;
        var change = new JsonObject();
        foreach (var (name, value) in all)
        {
            if (IsOne(name) || name == Understood)
                change[name] = value?.DeepClone();
        }
        if (change.Count == 0)
            return null;
        change.TryAdd(Understood, true);
        return change.ToJsonString();
    }
}

/// <summary>A number as a policy compares it: 10 itself, or what is above or below it.</summary>
internal readonly record struct NumberPattern(char Sign, bool OrEqual, decimal Limit)
{
    /// <summary>Null where the text is none, such as a wildcard.</summary>
    public static NumberPattern? Read(string pattern)
    {
        var text = pattern.Trim();
        var sign = text is ['<' or '>', ..] ? text[0] : '=';
        var orEqual = sign != '=' && text is [_, '=', ..];
        var limit = text.AsSpan((sign == '=' ? 0 : 1) + (orEqual ? 1 : 0)).Trim();
        if (limit is [.., '%'])
            limit = limit[..^1].TrimEnd();
        return decimal.TryParse(limit, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? new NumberPattern(sign, orEqual, number)
            : null;
    }

    public bool Matches(string value) =>
        decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && (
            Sign switch
            {
                '>' => number > Limit,
                '<' => number < Limit,
                _ => number == Limit,
            } || (OrEqual && number == Limit)
        );
}
