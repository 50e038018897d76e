using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// What LaunchDarkly says that a request changes, beside the content in which it came: one row for each reading that
/// differs from the one before.
/// </summary>
public static class ReadChanges
{
    /// <summary>The reading that counts; null where none does.</summary>
    public static ValueTask<DescribedChanges?> Of(Reader reader, ApprovalRequest request) =>
        request.ChangeDigest is null ? new((DescribedChanges?)null) : Of(reader, request, request.Reading);

    /// <summary>An earlier one, to show the difference.</summary>
    public static async ValueTask<DescribedChanges?> Of(Reader reader, ApprovalRequest request, int reading) =>
        await reader.Text(
            "SELECT changes FROM request_changes WHERE request_id = @id AND revision = @revision AND n = @reading",
            new
            {
                id = request.Id,
                revision = request.Revision,
                reading,
            }
        )
            is { Length: > 0 } text
            ? DescribedChanges.Read(text)
            : null;

    /// <summary>
    /// The facts by which policies are matched: those of the content, and of the change where it is known.
    /// </summary>
    internal static async ValueTask<(string Facts, string? Change)> FactsOf(Reader reader, ApprovalRequest request)
    {
        var facts =
            await reader.Text(
                "SELECT facts FROM revisions WHERE request_id = @id AND n = @n",
                new { id = request.Id, n = request.Revision }
            ) ?? "{}";
        var change = request.ChangeDigest is null
            ? null
            : await reader.Text(
                """
                SELECT facts FROM request_changes
                WHERE request_id = @id AND revision = @revision AND n = @reading
                """,
                new
                {
                    id = request.Id,
                    revision = request.Revision,
                    reading = request.Reading,
                }
            );
        return (facts, change);
    }

    /// <summary>What its event says of a reading, so that nothing about it can be changed past the hub.</summary>
    internal static string HashOf(string changes, string facts) => Hashes.Sha256OfLines(changes, facts);

    internal static async ValueTask Keep(Tx tx, ApprovalRequest request, string changes, string facts) =>
        await tx.Execute(
            """
            INSERT INTO request_changes (request_id, revision, n, digest, changes, facts, read_at)
            VALUES (@id, @revision, @reading, @digest, @changes, @facts, @now)
            """,
            new
            {
                id = request.Id,
                revision = request.Revision,
                reading = request.Reading,
                digest = request.ChangeDigest,
                changes,
                facts,
                now = tx.Now,
            }
        );
}
