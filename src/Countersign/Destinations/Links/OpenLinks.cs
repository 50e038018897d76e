using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Destinations.Links;

/// <summary>
/// Hands a question over as it follows the log: a request whose policy leaves the decision to a destination gets a link
/// there, once for each content. What happens to the request later is wished of the
/// link: cancelled when nobody asks any more or the content is another, told when the change was applied.
/// </summary>
internal sealed class OpenLinks(Forwarder? forwarder = null) : ILogConsumer
{
    public string Name => "destinations";

    /// <summary>Everything that may change what is wished of a link, or that something happened at its destination too.</summary>
    public IReadOnlySet<string> Kinds { get; } = new HashSet<string>
    {
        "request.submitted", "request.revised", "request.restamped", "request.withdrawn", "request.rejected", "request.approved",
        "request.applied", "request.breached", "request.commented", "request.conflicted", "request.step_opened", "request.reminded",
        "request.escalated", "request.stuck", "request.freed", "request.broke_glass", "request.disowned",
    };

    public void Committed() => forwarder?.Ring();

    public async ValueTask<HandleEvent?> Begin(Tx tx)
    {
        var destinations = await tx.All<NamedRow>("SELECT id, name_key FROM destinations");
        if (destinations.Count == 0)
            return null;
        var ids = destinations.ToDictionary(d => d.NameKey, d => d.Id);
        return news => news.Request is { } request ? Heard(tx, ids, news.Kind, request) : ValueTask.CompletedTask;
    }

    private static async ValueTask Heard(Tx tx, Dictionary<string, long> ids, string kind, RequestId id)
    {
        switch (kind)
        {
            case "request.submitted" or "request.revised" or "request.restamped":
                await Open(tx, ids, id);
                return;
            case "request.withdrawn":
                await Cancel(tx, id, "1 = 1");
                return;
            case "request.rejected":
                // Whoever else said no; a destination that said it itself need not be told.
                await Cancel(tx, id, "answer = ''");
                return;
            case "request.approved":
                await Rest(tx, id);
                return;
            case "request.applied" or "request.breached":
                await tx.Execute(
                    """
                    UPDATE links SET wish = 'apply', attempts = 0, due_at = CASE WHEN state = 'open' THEN @now ELSE due_at END
                    WHERE request_id = @id AND state IN ('sending', 'unsure', 'held', 'open') AND wish = '' AND revision = (SELECT revision FROM requests WHERE id = @id)
                    """,
                    new { id, now = tx.Now });
                return;
            default:
                // Something happened here, so something may have happened there.
                await tx.Execute("UPDATE links SET due_at = @now, polls = 0 WHERE request_id = @id AND state = 'open' AND answer = '' AND attempts = 0 AND due_at > @now", new { id, now = tx.Now });
                return;
        }
    }

    /// <summary>Also for requests that were there before their destination was.</summary>
    internal static async ValueTask Open(Tx tx, IReadOnlyDictionary<string, long> ids, RequestId id)
    {
        if (await tx.First<StampRow>("SELECT r.revision, r.status, r.stamp, s.policy FROM requests r JOIN stamps s ON s.hash = r.stamp WHERE r.id = @id", new { id }) is not { Status: "active" } row)
            return;
        var wanted = Policy.Read(row.Stamp, row.Policy).Destination is { } name && ids.TryGetValue(AddDestination.KeyOf(name), out var found) ? found : 0;
        await tx.Execute(
            "UPDATE links SET state = 'closed', due_at = NULL WHERE request_id = @id AND state = 'new' AND (revision < @revision OR destination_id <> @wanted)",
            new { id, revision = row.Revision, wanted });
        await Cancel(tx, id, "(revision < @revision OR destination_id <> @wanted)", row.Revision, wanted);
        if (wanted == 0)
            return;
        await tx.Execute(
            """
            INSERT INTO links (request_id, revision, destination_id, state, due_at, created_at) VALUES (@id, @revision, @wanted, 'new', @now, @now)
            ON CONFLICT (request_id, revision, destination_id) DO NOTHING
            """,
            new { id, revision = row.Revision, wanted, now = tx.Now });
    }

    /// <summary>What was never sent is closed at once. One that may or may not be there keeps the wish until that is known.</summary>
    private static async ValueTask Cancel(Tx tx, RequestId id, string which, long revision = 0, long wanted = 0)
    {
        await tx.Execute($"UPDATE links SET state = 'closed', due_at = NULL WHERE request_id = @id AND state = 'new' AND {which}", new { id, revision, wanted });
        await tx.Execute(
            $"""
            UPDATE links SET wish = 'cancel', attempts = 0, due_at = CASE WHEN state IN ('open', 'unsure') THEN @now ELSE due_at END
            WHERE request_id = @id AND state IN ('sending', 'unsure', 'held', 'open') AND wish <> 'cancel' AND {which}
            """,
            new { id, revision, wanted, now = tx.Now });
    }

    /// <summary>Settled here: nothing is asked there until the change is applied or taken back.</summary>
    private static async ValueTask Rest(Tx tx, RequestId id)
    {
        await tx.Execute("UPDATE links SET state = 'closed', due_at = NULL WHERE request_id = @id AND state = 'new'", new { id });
        await tx.Execute("UPDATE links SET due_at = NULL WHERE request_id = @id AND state = 'open' AND wish = ''", new { id });
    }

    private sealed class NamedRow
    {
        public long Id { get; init; }
        public required string NameKey { get; init; }
    }

    private sealed class StampRow
    {
        public long Revision { get; init; }
        public required string Status { get; init; }
        public required string Stamp { get; init; }
        public required string Policy { get; init; }
    }
}
