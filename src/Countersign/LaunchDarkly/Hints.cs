using Countersign.Storage;
using Countersign.Work;

namespace Countersign.LaunchDarkly;

/// <summary>
/// Who created an approval, as LaunchDarkly's signed webhook told it. It may come before the approval does, so it is
/// kept for a while; the first word about an approval counts.
/// </summary>
internal sealed class Hint
{
    public required string Email { get; init; }

    /// <summary>What LaunchDarkly says is changed: <c>proj/P:env/E:flag/F</c>.</summary>
    public required string Resource { get; init; }
}

internal static class Hints
{
    private static readonly TimeSpan Life = TimeSpan.FromDays(2);

    private static readonly Origin Origin = new(Actor.Hub, "launchdarkly", "");

    public static ValueTask<Hint?> Find(Reader reader, long source, string approval) =>
        reader.First<Hint>(
            "SELECT email, resource FROM launchdarkly_hints WHERE source_id = @source AND approval_id = @approval",
            new { source, approval }
        );

    /// <summary>
    /// Its event holds a hash: who asked rests on the row, so verification must notice when it changes.
    /// </summary>
    public static async ValueTask Keep(
        Tx tx,
        long source,
        string approval,
        string member,
        string email,
        string name,
        string resource
    )
    {
        var kept = await tx.Execute(
            """
            INSERT INTO launchdarkly_hints (source_id, approval_id, member_id, email, name, resource, at)
            VALUES (@source, @approval, @member, @email, @name, @resource, @now)
            ON CONFLICT (source_id, approval_id) DO NOTHING
            """,
            new
            {
                source,
                approval,
                member,
                email,
                name,
                resource,
                now = tx.Now,
            }
        );
        if (kept == 0)
            return;
        await tx.Append(
            $"source:{source}",
            Origin,
            "source.requester_hinted",
            new { approval, hash = Hashes.Sha256(string.Join('\n', member, email, name, resource)) }
        );
    }

    public static CleaningStep Old(Store store) =>
        CleaningStep.Delete(
            "hints of LaunchDarkly",
            store,
            Life,
            """
            DELETE FROM launchdarkly_hints
            WHERE (source_id, approval_id) IN (
              SELECT source_id, approval_id FROM launchdarkly_hints WHERE at <= @oldest ORDER BY at LIMIT @chunk)
            """
        );
}
