using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>One content that a request had, and who had to agree to it.</summary>
/// <param name="Body">As it came; null where it is not the viewer's to read.</param>
/// <param name="IsBodyForgotten">The body is no longer kept; the digest stays.</param>
public sealed record Revision(RevisionContent Content, Policy Policy, string? Body, bool IsBodyForgotten);

/// <summary>
/// All contents of a request, the oldest first: when another comes under the same id, the earlier ones stay readable.
/// What is shown of them is for whoever may see the request; the bodies as they came, which hold what the system
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
            {
                if (await RequestRow.Find(reader, id, viewer) is not { } request)
                    return null;
                var subjectOf = await RevisionRow.SubjectsOf(reader, request);
                var rows = await reader.All<Row>($"{Select("NULL")} WHERE v.request_id = @id ORDER BY v.n", new { id });
                return (IReadOnlyList<Revision>?)rows.ConvertAll(row => row.ToRevision(subjectOf));
            },
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
                var row = await reader.First<Row>(
                    $"{Select(body)} WHERE v.request_id = @id AND v.n = @n",
                    new { id, n }
                );
                return row?.ToRevision(await RevisionRow.SubjectsOf(reader, request));
            },
            cancel
        );

    private static string Select(string body) =>
        $"""
            SELECT {RevisionRow.Columns}, v.stamp, s.policy, {body} AS body, substr(v.body, 1, 1) AS begins
            FROM revisions v JOIN stamps s ON s.hash = v.stamp
            """;

    private sealed class Row : RevisionRow
    {
        public required string Stamp { get; init; }
        public required string Policy { get; init; }
        public string? Body { get; init; }
        public required string Begins { get; init; }

        public Revision ToRevision(Func<long, string> subjectOf) =>
            new(
                ToContent(subjectOf(N)),
                Policies.Policy.Read(Stamp, Policy),
                Body?.Length == 0 ? null : Body,
                IsBodyForgotten: Begins.Length == 0
            );
    }
}
