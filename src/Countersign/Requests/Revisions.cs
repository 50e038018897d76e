using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>One content that a request had, and who had to agree to it.</summary>
/// <param name="Body">As it came; null where it is not the viewer's to read.</param>
public sealed record Revision(
    int N,
    string Digest,
    Policy Policy,
    string Message,
    string Facts,
    string? Body,
    DateTimeOffset At
)
{
    /// <summary>The body is no longer kept; the digest stays.</summary>
    public bool IsBodyForgotten { get; init; }
}

/// <summary>
/// All contents of a request, the oldest first: when another comes under the same id, the earlier ones stay readable.
/// What is shown of them is for whoever may see the request; the bodies as they came, which hold whatever the system
/// that asks put there, are for that system and for admins.
/// </summary>
public static class Revisions
{
    /// <summary>Null when the request is not there or not the viewer's to see.</summary>
    public static ValueTask<IReadOnlyList<Revision>?> Of(
        Store store,
        RequestId id,
        Viewer viewer,
        CancellationToken cancel
    ) =>
        store.Read(
            async reader =>
                await RequestRow.Find(reader, id, viewer) is null
                    ? null
                    : (IReadOnlyList<Revision>?)
                        (
                            await reader.All<Row>($"{Select("NULL")} WHERE v.request_id = @id ORDER BY v.n", new { id })
                        ).ConvertAll(row => row.ToRevision()),
            cancel
        );

    /// <summary>Null when the request or this revision is not there or not the viewer's to see.</summary>
    public static ValueTask<Revision?> Find(
        Store store,
        RequestId id,
        long n,
        Viewer viewer,
        CancellationToken cancel
    ) =>
        store.Read(
            async reader =>
            {
                if (await RequestRow.Find(reader, id, viewer) is not { } request)
                    return null;
                var body = viewer.IsAdmin || viewer.Party == Party.Source(request.SourceId) ? "v.body" : "NULL";
                return (
                    await reader.First<Row>($"{Select(body)} WHERE v.request_id = @id AND v.n = @n", new { id, n })
                )?.ToRevision();
            },
            cancel
        );

    private static string Select(string body) =>
        $"""
            SELECT v.n, v.digest, v.stamp, s.policy, v.message, v.facts, {body} AS body, substr(v.body, 1, 1) AS begins,
            v.at
            FROM revisions v JOIN stamps s ON s.hash = v.stamp
            """;

    private sealed class Row
    {
        public long N { get; init; }
        public required string Digest { get; init; }
        public required string Stamp { get; init; }
        public required string Policy { get; init; }
        public required string Message { get; init; }
        public required string Facts { get; init; }
        public string? Body { get; init; }
        public required string Begins { get; init; }
        public required string At { get; init; }

        public Revision ToRevision() =>
            new(
                (int)N,
                Digest,
                Policies.Policy.Read(Stamp, Policy),
                Message,
                Facts,
                Body?.Length == 0 ? null : Body,
                Instant.Parse(At)
            )
            {
                IsBodyForgotten = Begins.Length == 0,
            };
    }
}
