using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// What the policies in force would make, or made, of an active request that was stamped with others.
/// </summary>
/// <param name="Lost">Whose yes fills no step of the new policy.</param>
/// <param name="Left">Why the request keeps its policy all the same; null when it does not.</param>
public sealed record Restamped(
    RequestId Id,
    string Subject,
    string From,
    string To,
    string Before,
    string After,
    IReadOnlyList<string> Lost,
    string? Left
);

/// <summary>
/// An active request gets the policy that it would get today. Answers stay and fill the steps of the new policy that
/// their authors may fill now; all times begin anew. It settles nothing: a request that it would settle is left alone.
/// </summary>
public sealed class Restamp(Store store)
{
    /// <summary>Ids of active requests, from the oldest.</summary>
    public ValueTask<List<RequestId>> Active(RequestId? after, int most, CancellationToken cancel) =>
        store.Read(
            async reader =>
                (
                    await reader.All<IdRow>(
                        "SELECT id FROM requests WHERE status = 'active' AND id > @after ORDER BY id LIMIT @most",
                        new { after = after?.Value ?? "", most }
                    )
                ).ConvertAll(r => RequestId.Of(r.Id)),
            cancel
        );

    /// <param name="today">The policy that a request with these facts would get now.</param>
    /// <returns>Null when nothing changes.</returns>
    public Task<Restamped?> Run(
        RequestId id,
        Func<ApprovalRequest, string, string?, Policy> today,
        Pools pools,
        bool onlyLook,
        Origin origin,
        CancellationToken cancel
    ) =>
        onlyLook
            ? store
                .Read(async reader => (await Look(reader, id, today, pools, origin, store.Now))?.Change, cancel)
                .AsTask()
            : store.InTransaction(
                async tx =>
                {
                    if (await Look(tx, id, today, pools, origin, tx.Now) is not { } look)
                        return null;
                    if (look.Change.Left is null)
                        await Write(tx, look, pools, origin);
                    return look.Change;
                },
                cancel
            );

    private static async ValueTask<Found?> Look(
        Reader reader,
        RequestId id,
        Func<ApprovalRequest, string, string?, Policy> today,
        Pools pools,
        Origin origin,
        DateTimeOffset now
    )
    {
        if (await RequestRow.Find(reader, id, Viewer.Hub(origin)) is not { IsSettled: false } request)
            return null;
        var (facts, change) = await ReadChanges.FactsOf(reader, request);
        var policy = today(request, facts, change);
        if (
            policy.Stamp == request.Policy.Stamp
            || AsItBecame(policy, request.Policy).Stamp == (request.Policy with { Carried = null }).Stamp
        )
        {
            return null;
        }
        var decisions = await DecisionRow.Of(reader, id);
        var counting = Weigh.LatestThatCount(request, decisions);
        var carried = counting.Select(d => (Decision: d, Steps: StepsOf(d, policy, pools))).ToList();
        if (decisions.Count > 0)
        {
            policy = policy with
            {
                Carried = new Carried(
                    decisions.Count,
                    carried.Where(c => c.Steps.Count > 0).ToDictionary(c => c.Decision.N, c => c.Steps)
                ),
            };
        }
        var next = request with
        {
            Policy = policy,
            ExpiresAt = policy.Expire is { } expire ? now + expire.After : null,
            Stuck = null,
        };
        next = next with { Stuck = BlockedRequests.Of(next, decisions, pools) };
        var verdict = Weigh.Of(next, decisions, now);
        var left =
            Settle.HasExpired(request, now) ? "It has expired."
            : policy.RefusesRequester
                ? "The new policy refuses its requester, who isn't recognized. Withdraw the request and send it again."
            : policy.Auto is not null ? "The new policy decides automatically. Withdraw the request and send it again."
            : policy.Destination is not null || request.Policy.Destination is not null
                ? "A destination decides it, before or after the change. Withdraw the request and send it again."
            : verdict is not Verdict.StillPending ? "The decisions so far would close it. The next decision does."
            : null;
        return new Found(
            request,
            next with
            {
                Display = verdict.Display,
            },
            decisions,
            verdict,
            new Restamped(
                id,
                request.Subject,
                request.Policy.Name,
                policy.Name,
                request.Display,
                verdict.Display,
                [
                    .. carried
                        .Where(c => c.Steps.Count == 0 && c.Decision.Answer == Answer.Approve)
                        .Select(c => c.Decision.Who),
                ],
                left
            )
        );
    }

    private static async ValueTask Write(Tx tx, Found look, Pools pools, Origin origin)
    {
        var (before, next) = (look.Before, look.Next);
        await PolicyStamp.Keep(tx, next);
        await DueTimes.Clear(tx, before);
        await RequestChange.Waiting(tx, before, look.Decisions, next.Policy, look.Verdict);
        var stuck = next.Stuck;
        next = await RequestChange.Save(
            tx,
            before,
            next with
            {
                Stuck = null,
            },
            origin,
            "request.restamped",
            new
            {
                stamp = next.Policy.Stamp,
                expires = next.ExpiresAt is { } end ? Instant.ToText(end) : null,
                policy = next.Policy.Name,
                before = before.Policy.Name,
                lost = look.Change.Lost,
            }
        );
        if (next.Policy.IsTimed)
            await DueTimes.Begin(tx, next, look.Verdict);
        await BlockedRequests.Say(tx, next, look.Decisions, stuck, origin);
    }

    /// <summary>The same policy would by now have been escalated where this one was.</summary>
    internal static Policy AsItBecame(Policy today, Policy stamped)
    {
        for (var step = 0; step < Math.Min(today.Steps.Count, stamped.Steps.Count); step++)
            today = stamped.Steps[step].Escalated ? today.WithEscalated(step) : today;
        return today;
    }

    /// <summary>The steps of another policy that a decision may fill.</summary>
    internal static IReadOnlyList<int> StepsOf(Decision decision, Policy policy, Pools pools)
    {
        var seat = decision.ForPerson ?? decision.PersonId;
        return
        [
            .. Enumerable
                .Range(0, policy.Steps.Count)
                .Where(step =>
                    policy
                        .Steps[step]
                        .From.Any(a =>
                            pools.Of(a.Party) is var members
                            && (members.Contains(decision.PersonId) || members.Contains(seat))
                        )
                ),
        ];
    }

    private sealed record Found(
        ApprovalRequest Before,
        ApprovalRequest Next,
        List<Decision> Decisions,
        Verdict Verdict,
        Restamped Change
    );

    private sealed class IdRow
    {
        public required string Id { get; init; }
    }
}
