using Countersign.Policies;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

/// <summary>
/// Requests that nobody left could make pass say so, and say so no more when somebody can: whenever people, groups or
/// absences change, whoever changed them. It never settles anything.
/// </summary>
public sealed class BlockedRequests(Store store)
{
    /// <summary>Requests looked at per page; each that changes is a transaction of its own.</summary>
    private const int PageSize = 500;

    /// <summary>Looks at every active request, or at those that came after a time.</summary>
    /// <param name="failed">Hears of each that cannot be looked at; the others are.</param>
    public async Task Run(
        Origin origin,
        CancellationToken cancel,
        DateTimeOffset? since = null,
        Action<RequestId>? failed = null
    )
    {
        var pools = await store.Read(PoolRows.All, cancel);
        for (var after = since is { } time ? RequestId.FirstAt(time) : ""; ; )
        {
            var page = await store.Read(reader => Page(reader, after), cancel);
            foreach (var (row, decisions) in page)
            {
                try
                {
                    await Look(row, decisions, pools, origin, cancel);
                }
                catch (Exception failure) when (failed is not null && JobWorker.IsItsOwn(failure))
                {
                    failed(RequestId.Of(row.Id));
                }
            }
            if (page.Count < PageSize)
                return;
            after = page[^1].Row.Id;
        }
    }

    private async Task Look(
        RequestRow row,
        IEnumerable<DecisionRow> given,
        Pools pools,
        Origin origin,
        CancellationToken cancel
    )
    {
        var (request, decisions) = (row.ToRequest(), given.Select(d => d.ToDecision()).ToList());
        if (Of(request, decisions, pools) == request.Stuck)
            return;
        await LookAt(request.Id, origin, cancel);
    }

    /// <summary>Looks at one request, if it is still active.</summary>
    public Task LookAt(RequestId id, Origin origin, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is { IsSettled: false } now)
                    await Look(tx, now, await DecisionRow.Of(tx, now.Id), origin);
            },
            cancel
        );

    /// <summary>Whether it can still pass, when everyone who said something else than yes is not counted on.</summary>
    public static Blocked? Of(ApprovalRequest request, IReadOnlyList<Decision> decisions, Pools pools) =>
        Feasibility.Of(
            request.Policy,
            pools,
            request.Barred,
            ReviewerSeat.SaidIn(Weigh.LatestThatCount(request, decisions)),
            request.Delegations
        );

    /// <summary>
    /// The same inside a transaction that has just changed something: the request says what is true now.
    /// </summary>
    internal static async ValueTask<ApprovalRequest> Look(
        Tx tx,
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Origin origin,
        Pools? pools = null
    ) => await Say(tx, request, decisions, Of(request, decisions, pools ?? await PoolRows.All(tx)), origin);

    internal static async ValueTask<ApprovalRequest> Say(
        Tx tx,
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Blocked? stuck,
        Origin origin
    )
    {
        if (stuck == request.Stuck || request.IsSettled)
            return request;
        var next = request with { Stuck = stuck };
        next = next with
        {
            Display = Weigh.Of(next, decisions, tx.Now) is Verdict.StillPending pending
                ? pending.Display
                : request.Display,
        };
        return stuck is null
            ? await RequestChange.Save(tx, request, next, origin, "request.freed", new { })
            : await RequestChange.Save(
                tx,
                request,
                next,
                origin,
                "request.stuck",
                new { why = stuck.Why, fix = stuck.Fix }
            );
    }

    private static async ValueTask<List<(RequestRow Row, IEnumerable<DecisionRow> Decisions)>> Page(
        Reader reader,
        string after
    )
    {
        var rows = await reader.All<RequestRow>(
            $"""
            SELECT {RequestRow.Columns} {RequestRow.From} WHERE r.status = 'active' AND r.id > @after
            ORDER BY r.id LIMIT {PageSize}
            """,
            new { after }
        );
        if (rows.Count == 0)
            return [];
        var arguments = new Dictionary<string, object?> { ["first"] = rows[0].Id, ["last"] = rows[^1].Id };
        var decisions = await DecisionRow.RowsOfSome(
            reader,
            "SELECT id FROM requests WHERE status = 'active' AND id BETWEEN @first AND @last",
            arguments
        );
        return rows.ConvertAll(row => (row, decisions[row.Id]));
    }
}
