using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>An active request that could not be approved any more, and why.</summary>
public sealed record WouldBeBlocked(RequestId Id, string Subject, string Why);

/// <summary>
/// What becomes known about people applies to active requests too: whoever a request's claim turns out to mean may not
/// decide it from then on. Looked at when a name, an address or an alias is added, in the same transaction.
/// </summary>
internal sealed class ActiveRequestsNaming
{
    private readonly List<(ApprovalRequest Request, List<Decision> Decisions, List<long> People)> _found = [];
    private readonly Pools _pools;

    private ActiveRequestsNaming(Pools pools) => _pools = pools;

    public static async ValueTask<ActiveRequestsNaming> Find(
        Reader reader,
        IReadOnlyCollection<KnownPerson> people,
        Origin origin
    )
    {
        var index = RequesterIndex.Of(people);
        var named = new List<(RequestId Id, List<long> People)>();
        var rows = await reader.All<ClaimRow>(
            "SELECT id, claim, barred FROM requests WHERE status = 'active' AND claim IS NOT NULL ORDER BY id"
        );
        foreach (var row in rows)
        {
            if (RequesterClaim.Read(row.Claim) is not { IsEmpty: false } claim)
                continue;
            var meant = index.Match(claim).People.Except(RequestRow.ReadNumbers(row.Barred)).ToList();
            if (meant.Count > 0)
                named.Add((RequestId.Of(row.Id), meant));
        }
        var found = new ActiveRequestsNaming(named.Count == 0 ? Pools.Empty : await PoolRows.All(reader));
        foreach (var (id, meant) in named)
        {
            if (await RequestRow.Find(reader, id, Viewer.Hub(origin)) is { IsSettled: false } request)
                found._found.Add((request, await DecisionRow.Of(reader, id), meant));
        }
        return found;
    }

    /// <summary>Those that could be approved now, and could not be once these people are barred.</summary>
    public IReadOnlyList<WouldBeBlocked> Blocked() =>
        [
            .. from one in _found
            where one.Request.Stuck is null
            let stuck = BlockedRequests.Of(Without(one.Request, one.People), one.Decisions, _pools)
            where stuck is not null
            select new WouldBeBlocked(one.Request.Id, one.Request.Subject, stuck.Why),
        ];

    public async ValueTask Bar(Tx tx, Origin origin)
    {
        foreach (var (request, decisions, people) in _found)
        {
            var next = await LearnedRequesters.Save(tx, request, decisions, people, origin);
            await BlockedRequests.Look(tx, next, decisions, origin, _pools);
        }
    }

    private static ApprovalRequest Without(ApprovalRequest request, List<long> people) =>
        request with
        {
            Barred = [.. request.Barred.Union(people).Order()],
        };

    private sealed class ClaimRow
    {
        public required string Id { get; init; }
        public required string Claim { get; init; }
        public required string Barred { get; init; }
    }
}
