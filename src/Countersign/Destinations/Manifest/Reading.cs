using System.Text.Json;

namespace Countersign.Destinations.Manifest;

/// <summary>What the other system says of the approval.</summary>
internal enum Opinion { Undecided, Approved, Rejected }

/// <summary>What an answer holds, or null for each part that it does not.</summary>
/// <param name="Value">The status as it was written; null when there is none, which means nothing and changes nothing.</param>
/// <param name="MatchedBoth">Both patterns match, which counts as a refusal.</param>
internal sealed record Heard(Opinion Opinion, string? Value, string? Display, string? ExternalId, bool MatchedBoth)
{
    public static readonly Heard Nothing = new(Opinion.Undecided, null, null, null, false);
}

/// <summary>Reads answers by the pointers and patterns of a parser.</summary>
internal static class Reading
{
    public const int LongestValue = 1_000;

    /// <summary>An answer that is not JSON, or has no status at its place, says nothing: nothing is settled by it.</summary>
    public static Heard Read(StatusParser parser, ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            return Read(parser, document.RootElement);
        }
        catch (JsonException)
        {
            return Heard.Nothing;
        }
    }

    public static Heard Read(StatusParser parser, JsonElement answer)
    {
        var id = Cut(Pointer.TextAt(answer, parser.ApprovalId));
        if (Pointer.TextAt(answer, parser.StatusValue) is not { } value)
            return Heard.Nothing with { ExternalId = id };
        var display = Pointer.TextAt(answer, parser.StatusDisplay) is { Length: > 0 } shown ? shown : value;
        var approved = parser.Approval.IsMatch(value);
        var rejected = parser.Rejection?.IsMatch(value) ?? false;
        var opinion = rejected ? Opinion.Rejected : approved ? Opinion.Approved : Opinion.Undecided;
        return new Heard(opinion, Cut(value), Cut(display), id, approved && rejected);
    }

    /// <summary>The items of a list, each as its two texts; those that lack one are left out. Null when there is no list.</summary>
    public static IReadOnlyList<(string First, string Second)>? ReadList(ListParser parser, ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            return Pointer.Find(document.RootElement, parser.Items) is not { ValueKind: JsonValueKind.Array } items ? null :
            [
                .. from item in items.EnumerateArray()
                   let first = Pointer.TextAt(item, parser.First)
                   let second = Pointer.TextAt(item, parser.Second)
                   where !string.IsNullOrEmpty(first) && !string.IsNullOrEmpty(second)
                   select (first, second),
            ];
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Cut(string? text) => text is { Length: > LongestValue } ? text[..LongestValue] : text;
}
