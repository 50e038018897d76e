using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// Requests of the same source that were rejected and were about the same thing: the same content, or the same target
/// by the source's own word. Who reviews a request should know that a rejection was answered by asking again, in other
/// words perhaps.
/// </summary>
public sealed record RejectedBefore(RequestId Id, string Subject, DateTimeOffset At)
{
    /// <summary>How many are told; more say no more.</summary>
    public const int MaxShown = 3;

    private const int MaxLooked = 50;
    private static readonly string[] Identifying = [Redeem.ContentFact, "target"];
    private static readonly TimeSpan Period = TimeSpan.FromDays(30);

    /// <summary>Those that the viewer may see, the latest first.</summary>
    /// <param name="facts">What the source says about the request, as JSON.</param>
    internal static async ValueTask<IReadOnlyList<RejectedBefore>> Of(
        Reader reader,
        ApprovalRequest request,
        string facts,
        Viewer viewer
    )
    {
        var rows = await reader.All<Row>(
            $"""
            SELECT r.id, r.subject, r.settled_at, v.digest, v.facts
            FROM requests r JOIN revisions v ON v.request_id = r.id AND v.n = r.revision
            WHERE r.source_id = @sourceId AND r.status = 'rejected' AND r.id < @id AND r.settled_at >= @since
              AND {Visibility.MaySee}
            ORDER BY r.id DESC LIMIT {MaxLooked}
            """,
            new Dictionary<string, object?>(Visibility.ArgumentsOf(viewer))
            {
                ["sourceId"] = request.SourceId,
                ["id"] = request.Id,
                ["since"] = request.CreatedAt - Period,
            }
        );
        var marks = Marks(facts);
        return
        [
            .. rows.Where(row => row.Digest == request.Digest || Marks(row.Facts).Any(marks.Contains))
                .Take(MaxShown)
                .Select(row => new RejectedBefore(RequestId.Of(row.Id), row.Subject, Instant.Parse(row.SettledAt))),
        ];
    }

    private static List<(string, string)> Marks(string facts)
    {
        using var document = JsonDocument.Parse(facts);
        return
        [
            .. Identifying
                .Select(name =>
                    document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
                        ? (name, value.GetString()!.Trim())
                        : (name, "")
                )
                .Where(mark => mark.Item2.Length > 0),
        ];
    }

    private sealed class Row
    {
        public required string Id { get; init; }
        public required string Subject { get; init; }
        public required string SettledAt { get; init; }
        public required string Digest { get; init; }
        public required string Facts { get; init; }
    }
}
