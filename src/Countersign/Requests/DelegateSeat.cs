using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

public abstract record DelegateOutcome
{
    private DelegateOutcome() { }

    /// <summary>The delegate holds the seat now, or did already.</summary>
    public sealed record Delegated(ApprovalRequest Request) : DelegateOutcome;

    public sealed record AlreadySettled(ApprovalRequest Request) : DelegateOutcome;

    /// <summary>The person's step comes later.</summary>
    public sealed record StepNotOpen(string Step) : DelegateOutcome;

    /// <summary>This person may not delegate.</summary>
    /// <param name="Rule">As for a decision, or <c>already_decided</c>, <c>already_delegated</c>,
    /// <c>not_your_seat</c>.</param>
    public sealed record NotAllowed(string Rule, string Why) : DelegateOutcome;

    /// <summary>This person can't be the delegate.</summary>
    public sealed record Unsuitable(string Why) : DelegateOutcome;

    public sealed record NotFound : DelegateOutcome;
}

/// <summary>
/// A reviewer gives their own seat on one request to another person, who then decides in their place:
/// <code>
///   1  only who could decide now, has not yet and holds the seat themselves; so a delegated seat goes no further
///   2  only to an active agent or admin who does not ask, is not out of office and holds no seat here
///   3  until the delegate has decided, the reviewer can end it (<see cref="EndDelegation"/>); meanwhile only the
///      delegate decides
/// </code>
/// No seat is added, and no answer that was given is touched. The delegation follows the seat: if its holder leaves the
/// group, is disabled or turns out to have asked, or the policy asks others, the delegate has nothing left to decide.
/// What it means is for <see cref="Delegates"/>, as with absences.
/// </summary>
public sealed class DelegateSeat(Store store)
{
    public Task<DelegateOutcome> Run(RequestId id, Viewer viewer, long to, CancellationToken cancel) =>
        store.InTransaction(tx => Write(tx, id, viewer, to), cancel);

    private static async ValueTask<DelegateOutcome> Write(Tx tx, RequestId id, Viewer viewer, long to)
    {
        if (await RequestRow.Find(tx, id, viewer) is not { } request)
            return new DelegateOutcome.NotFound();
        request = await Settle.IfExpired(tx, request);
        if (request.IsSettled)
            return new DelegateOutcome.AlreadySettled(request);
        if (viewer.PersonId is not { } person)
            return new DelegateOutcome.NotAllowed("not_an_approver", "Only people can delegate.");
        var decisions = await DecisionRow.Of(tx, id);
        request = await LearnedRequesters.Bar(tx, request, decisions, person);
        request = await LearnedRequesters.Bar(tx, request, decisions, to);
        // An admin who disables one of them waits for this transaction, or is seen by it.
        var role = await Lock(tx, person, to);
        var pools = await PoolRows.All(tx);
        if (Refusal(request, decisions, pools, person, to, tx.Now) is { } refused)
            return refused;
        if (Problem(request, decisions, pools, person, to, role) is { } why)
            return new DelegateOutcome.Unsuitable(why);

        if (request.Delegations.Contains(new Delegation(person, to)))
            return new DelegateOutcome.Delegated(request);
        await tx.Execute(
            "INSERT INTO delegations (request_id, person_id, delegate_id) VALUES (@id, @person, @to)",
            new
            {
                id,
                person,
                to,
            }
        );
        var next = await RequestChange.Save(
            tx,
            request,
            request with
            {
                Delegations = [.. request.Delegations, new Delegation(person, to)],
            },
            viewer.Origin,
            "request.delegated",
            new { person, @delegate = to }
        );
        return new DelegateOutcome.Delegated(
            await BlockedRequests.Look(tx, next, decisions, EndDelegation.OfHub, pools)
        );
    }

    /// <summary>Whether this person could give their seat away now, for those who offer it.</summary>
    public static bool May(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Pools pools,
        long person,
        DateTimeOffset now
    ) =>
        !request.IsSettled
        && request.Delegations.All(d => d.PersonId != person)
        && Refusal(request, decisions, pools, person, 0, now) is null;

    /// <summary>Whether this person could take the seat, for those who offer a choice.</summary>
    /// <param name="role">As it is stored: admin, agent, …</param>
    public static bool MayTake(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Pools pools,
        long person,
        long to,
        string role
    ) => Problem(request, decisions, pools, person, to, role) is null;

    /// <summary>Why this person may not give their seat away; null when they may.</summary>
    private static DelegateOutcome? Refusal(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Pools pools,
        long person,
        long to,
        DateTimeOffset now
    )
    {
        if (pools.Find(person) is not { IsDisabled: false })
            return new DelegateOutcome.NotAllowed("person_disabled", "This account is disabled.");
        if (request.Bars(person))
        {
            return new DelegateOutcome.NotAllowed(
                "requester_may_not_decide",
                "Requesters can't approve their own requests."
            );
        }
        if (request.Delegations.FirstOrDefault(d => d.PersonId == person) is { DelegateId: not 0 } earlier)
        {
            return earlier.DelegateId == to
                ? null
                : new DelegateOutcome.NotAllowed(
                    "already_delegated",
                    "You already delegated your review. End that delegation first."
                );
        }
        if (Weigh.LatestThatCount(request, decisions).Exists(d => d.PersonId == person || d.ForPerson == person))
        {
            return new DelegateOutcome.NotAllowed(
                "already_decided",
                "You, or your delegate, already decided on this request."
            );
        }
        var steps = ReviewerSeat.StepsOf(request.Policy, pools, person);
        if (steps.Count == 0)
        {
            return
                ReviewerSeat.DelegatesOf(request, Weigh.LatestThatCount(request, decisions), pools).PrincipalsOf(person)
                    is [var principal, ..]
                ? new DelegateOutcome.NotAllowed(
                    "not_your_seat",
                    $"You review this for {principal.Name}, and can't delegate it further."
                )
                : new DelegateOutcome.NotAllowed("not_an_approver", "You're not a reviewer on this request.");
        }
        return
            Weigh.Of(request, decisions, now) is Verdict.StillPending pending
            && !steps.Any(pending.Useful.Contains)
            && steps[0] > pending.OpenStep
            ? new DelegateOutcome.StepNotOpen(request.Policy.Steps[steps[0]].Name)
            : null;
    }

    /// <summary>Why a person can't take the seat; null when they can.</summary>
    /// <param name="role">The role of <paramref name="to"/>.</param>
    private static string? Problem(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Pools pools,
        long person,
        long to,
        string? role
    )
    {
        if (person == to)
            return "You can't delegate to yourself.";
        if (role is not ("agent" or "admin") || pools.Find(to) is not { IsDisabled: false } other)
            return "Choose an active agent or admin.";
        if (request.Bars(to))
            return $"{other.Name} can't approve this request, because they requested it.";
        if (other.AwayUntil is not null)
            return $"{other.Name} is out of office.";
        var counting = Weigh.LatestThatCount(request, decisions);
        return
            ReviewerSeat.StepsOf(request.Policy, pools, to).Count > 0
            || request.Delegations.Any(d => d.DelegateId == to && d.PersonId != person)
            || ReviewerSeat.DelegatesOf(request, counting, pools).PrincipalsOf(to).Any(p => p.Id != person)
            || counting.Exists(d => d.PersonId == to)
            ? $"{other.Name} already reviews this request."
            : null;
    }

    private static async ValueTask<string?> Lock(Tx tx, long person, long to)
    {
        if (tx.ForShare.Length > 0)
        {
            await tx.Rows(
                $"SELECT id FROM people WHERE id = @person OR id = @to ORDER BY id{tx.ForShare}",
                new { person, to }
            );
        }
        return await tx.Text("SELECT role FROM people WHERE id = @to", new { to });
    }
}
