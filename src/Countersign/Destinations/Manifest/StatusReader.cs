using System.Text.Json;
using System.Text.RegularExpressions;
using Countersign.Storage;

namespace Countersign.Destinations.Manifest;

/// <summary>What the other system says of the approval.</summary>
internal enum Opinion
{
    Undecided,
    Approved,
    Rejected,
}

/// <summary>What an answer holds, or null for each part that it does not.</summary>
/// <param name="Value">The status as it was written; null when there is none, which means nothing and changes
/// nothing.</param>
/// <param name="MatchedBoth">Both patterns match, which counts as a refusal.</param>
/// <param name="Problem">Why it says less than it seems to.</param>
internal sealed record ReportedStatus(
    Opinion Opinion,
    string? Value,
    string? Display,
    string? ExternalId,
    bool MatchedBoth,
    string? Problem = null
)
{
    public static readonly ReportedStatus Nothing = new(Opinion.Undecided, null, null, null, false);
}

/// <summary>Reads answers by the pointers and patterns of a parser.</summary>
internal static class StatusReader
{
    public const int MaxValue = 1_000;

    /// <summary>
    /// Of two members with one name, readers take one or the other; whoever has both says nothing for certain.
    /// </summary>
    public static readonly JsonDocumentOptions Strictly = new() { AllowDuplicateProperties = false };

    /// <summary>
    /// An answer that is not JSON, has a member twice, or has no status at its place, says nothing: nothing is settled
    /// by it.
    /// </summary>
    public static ReportedStatus Read(StatusParser parser, ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer, Strictly);
            return Read(parser, document.RootElement);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair is no text either.
            return unreadable is JsonException && !IsJson(answer)
                ? ReportedStatus.Nothing
                : ReportedStatus.Nothing with
                {
                    Problem = "The response is ambiguous: it has a duplicate member or invalid Unicode.",
                };
        }
    }

    public static bool IsJson(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public static ReportedStatus Read(StatusParser parser, JsonElement answer)
    {
        var id = Pointer.TextAt(answer, parser.ApprovalId);
        if (Pointer.TextAt(answer, parser.StatusValue) is not { } value)
            return ReportedStatus.Nothing with { ExternalId = id };
        var display = Pointer.TextAt(answer, parser.StatusDisplay) is { Length: > 0 } shown ? shown : value;
        Fit approved;
        bool rejected;
        try
        {
            (approved, rejected) = (parser.Approval.FitOf(value), parser.Rejection?.IsMatch(value) ?? false);
        }
        catch (RegexMatchTimeoutException)
        {
            return ReportedStatus.Nothing with { ExternalId = id, Problem = "The status takes too long to compare." };
        }
        var opinion =
            rejected ? Opinion.Rejected
            : approved == Fit.Whole ? Opinion.Approved
            : Opinion.Undecided;
        return new ReportedStatus(
            opinion,
            Cut(value),
            Cut(display),
            id,
            approved != Fit.None && rejected,
            approved == Fit.Part && !rejected
                ? $"The manifest's pattern {parser.Approval} only matches a part of the status "
                    + $"\"{Cut(value)}\", which does not approve."
                : null
        );
    }

    /// <summary>
    /// The items of a list, each as its two texts; those that lack one are left out. Null when there is no list.
    /// </summary>
    public static IReadOnlyList<(string First, string Second)>? ReadList(ListParser parser, ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(WellFormed.Json(answer), Strictly);
            return parser.Items.Evaluate(document.RootElement) is not { ValueKind: JsonValueKind.Array } items
                ? null
                :
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

    private static string? Cut(string? text) => text is null ? null : WellFormed.Cut(text, MaxValue);
}
