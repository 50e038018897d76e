using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Destinations.Links;

/// <summary>
/// Hands a request over as it follows the log: a request whose policy leaves the decision to a destination gets a link
/// there, once for each content. What happens to the request later is wished of the
/// link: cancelled when it no longer needs an answer or the content is another, told when the change was applied.
/// </summary>
internal sealed class OpenLinks : ILogConsumer
{
    public string Name => "destinations";

    /// <summary>What changes what is to be done with a link, or may have happened at its destination, too.</summary>
    public IReadOnlySet<string> Kinds { get; } =
        new HashSet<string>
        {
            "request.submitted",
            "request.revised",
            "request.restamped",
            "request.checked",
            "request.withdrawn",
            "request.rejected",
            "request.approved",
            "request.applied",
            "request.redeemed",
            "request.breached",
            "request.commented",
            "request.conflicted",
            "request.step_opened",
            "request.reminded",
            "request.escalated",
            "request.stuck",
            "request.freed",
            "request.broke_glass",
            "request.disowned",
        };

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
            case "request.submitted" or "request.revised" or "request.restamped" or "request.checked":
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
            case "request.applied" or "request.redeemed" or "request.breached":
                await Pass(tx, id, "apply", "wish = '' AND revision = (SELECT revision FROM requests WHERE id = @id)");
                return;
            default:
                // Something happened here, so something may have happened there.
                var open = "state = 'open' AND answer = '' AND attempts = 0";
                foreach (var link in await Changed(tx, "SET polls = 0", open, new { id }))
                    await LinkJob.Hurry(tx, link.Id);
                return;
        }
    }

    /// <summary>Also for requests that were there before their destination was.</summary>
    internal static async ValueTask Open(Tx tx, IReadOnlyDictionary<string, long> ids, RequestId id)
    {
        const string stamped = """
            SELECT r.revision, r.status, r.stamp, s.policy FROM requests r JOIN stamps s ON s.hash = r.stamp
            WHERE r.id = @id
            """;
        if (await tx.First<StampRow>(stamped, new { id }) is not { Status: "active" } row)
            return;
        var name = Policy.Read(row.Stamp, row.Policy).Destination;
        var wanted = name is null ? 0 : ids.GetValueOrDefault(AddDestination.KeyOf(name));
        await Cancel(tx, id, "(revision < @revision OR destination_id <> @wanted)", row.Revision, wanted);
        if (wanted == 0)
            return;
        var link = await tx.Number(
            """
            INSERT INTO links (request_id, revision, destination_id, state, created_at)
            VALUES (@id, @revision, @wanted, 'new', @now)
            ON CONFLICT (request_id, revision, destination_id) DO NOTHING RETURNING id
            """,
            new
            {
                id,
                revision = row.Revision,
                wanted,
                now = tx.Now,
            }
        );
        if (link != 0)
            await LinkJob.Put(tx, link, id.Value, wanted, tx.Now);
    }

    /// <summary>
    /// What was never sent is closed at once. What may be there keeps the action pending until that is known.
    /// </summary>
    private static async ValueTask Cancel(Tx tx, RequestId id, string which, long revision = 0, long wanted = 0)
    {
        await Close(tx, id, which, revision, wanted);
        await Pass(tx, id, "cancel", $"wish <> 'cancel' AND {which}", revision, wanted);
    }

    private static async ValueTask Close(Tx tx, RequestId id, string which, long revision = 0, long wanted = 0)
    {
        var unsent = $"state = 'new' AND {which}";
        foreach (
            var link in await Changed(
                tx,
                "SET state = 'closed'",
                unsent,
                new
                {
                    id,
                    revision,
                    wanted,
                }
            )
        )
        {
            await LinkJob.Cancel(tx, link.Id);
        }
    }

    /// <summary>
    /// Done at once where the ticket is there or may be, unless a run is at the link, which then finds the action
    /// when it records its call.
    /// </summary>
    private static async ValueTask Pass(
        Tx tx,
        RequestId id,
        string action,
        string which,
        long revision = 0,
        long wanted = 0
    )
    {
        var mayBeThere = action == "cancel" ? new[] { "open", "unsure" } : ["open"];
        var sent = $"state IN ('sending', 'unsure', 'held', 'open') AND {which}";
        foreach (
            var link in await Changed(
                tx,
                $"SET wish = '{action}', attempts = 0",
                sent,
                new
                {
                    id,
                    revision,
                    wanted,
                }
            )
        )
        {
            if (mayBeThere.Contains(link.State) && !await LinkJob.IsRunning(tx, link.Id))
                await LinkJob.Put(tx, link.Id, id.Value, link.DestinationId, tx.Now);
        }
    }

    /// <summary>Settled here: nothing is asked there until the change is applied or taken back.</summary>
    private static async ValueTask Rest(Tx tx, RequestId id)
    {
        await Close(tx, id, "1 = 1");
        foreach (var link in await Changed(tx, "SET polls = 0", "state = 'open' AND wish = ''", new { id }))
            await LinkJob.Cancel(tx, link.Id);
    }

    private static ValueTask<List<ChangedRow>> Changed(Tx tx, string set, string which, object arguments) =>
        tx.All<ChangedRow>(
            $"UPDATE links {set} WHERE request_id = @id AND {which} RETURNING id, destination_id, state",
            arguments
        );

    private sealed class ChangedRow
    {
        public long Id { get; init; }
        public long DestinationId { get; init; }
        public required string State { get; init; }
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
