using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>One content that a request has or had, with what people are shown of it.</summary>
public sealed record RevisionContent(
    int N,
    string Digest,
    string Subject,
    string Message,
    string Facts,
    DateTimeOffset At
);

/// <summary>A content as it lies in the store, but for its policy and its body.</summary>
internal class RevisionRow
{
    public const string Columns = "v.request_id, v.n, v.digest, v.message, v.facts, v.at";

    public required string RequestId { get; init; }
    public long N { get; init; }
    public required string Digest { get; init; }
    public required string Message { get; init; }
    public required string Facts { get; init; }
    public required string At { get; init; }

    public RevisionContent ToContent(string subject) => new((int)N, Digest, subject, Message, Facts, Instant.Parse(At));

    /// <summary>
    /// What each content of a request was about. The row has the subject of the one of now; those before are kept in
    /// the events that brought them, and are no longer known of a request that was archived.
    /// </summary>
    public static async ValueTask<Func<long, string>> SubjectsOf(Reader reader, ApprovalRequest request)
    {
        var subjects = new Dictionary<long, string>();
        if (request.Revision > 1)
        {
            var events = await reader.All<EventRow>(
                """
                SELECT data FROM events
                WHERE subject = @subject AND kind IN ('request.submitted', 'request.revised') ORDER BY n
                """,
                new { subject = request.Id.Subject }
            );
            foreach (var e in events)
            {
                using var data = JsonDocument.Parse(e.Data);
                if (
                    data.RootElement.TryGetProperty("revision", out var n)
                    && data.RootElement.TryGetProperty("subject", out var text)
                )
                {
                    subjects[n.GetInt64()] = text.GetString() ?? request.Subject;
                }
            }
        }
        return n => n == request.Revision ? request.Subject : subjects.GetValueOrDefault(n, request.Subject);
    }

    private sealed class EventRow
    {
        public required string Data { get; init; }
    }
}
