using Countersign.Configuration;
using Countersign.Policies;

namespace Countersign.Requests;

/// <summary>
/// The scales. A pure function of the request, the answers and the time: no database, no clock, no door.
/// <code>
///   1  a policy that answers by itself, or refuses the requester, has answered
///   2  only answers to the current revision, in time and by people who are not disabled, count; of each person, and
/// for
///      each absent person, the latest
///   3  one rejection settles it, unless the policy says that only too few possible yeses do
///   4  approvals are matched to slots, step after step; a person fills one slot at most and is moved to another
///      step where that makes room, so the order of answers never matters
///   5  all slots filled: approved. Else the first step with an empty slot is open
///   6  while LaunchDarkly is asked about the request, nothing approves it and no policy answers by itself
/// </code>
/// Nothing here can approve without every slot filled by a distinct person's yes, or a policy that says so in words.
/// </summary>
public static class Weigh
{
    /// <param name="couldSayYes">
    /// Everyone who may still fill a step, when that is known: without it, a policy under which no single no settles
    /// anything is not settled by a no.
    /// </param>
    public static Verdict Of(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        DateTimeOffset now,
        IReadOnlyList<Voter>? couldSayYes = null
    )
    {
        var policy = request.Policy;
        // Who asks and what changes may lead to another policy, so this one does not answer yet.
        if (request.OpenCheck != OpenCheck.None && (policy.RefusesRequester || policy.Auto is not null))
            return Confirming(policy);
        if (policy.RefusesRequester)
            return new Verdict.Rejected("Requester not recognized");
        if (policy.Auto is { } auto)
        {
            return auto.Approves
                ? new Verdict.Approved([], auto.Because)
                : new Verdict.Rejected($"Declined by policy: {auto.Because}");
        }

        var latest = LatestThatCount(request, decisions);
        if (policy.Rejection == Rejection.Any && latest.Find(d => d.Answer == Answer.Reject) is { } no)
            return new Verdict.Rejected($"Declined by {no.Who}");

        var approvals = latest.FindAll(d => d.Answer == Answer.Approve);
        var steps = policy.Steps;
        var slots = new Slots(steps.Count, approvals);
        for (var step = 0; step < steps.Count; step++)
        {
            for (var filled = 0; filled < steps[step].Need; filled++)
            {
                if (slots.TryFill(step))
                    continue;
                return request.ExpiresAt is { } end && now >= end ? Expired(request, end)
                    : couldSayYes is not null && TooFewLeft(policy, latest, couldSayYes) is { } few ? few
                    : new Verdict.StillPending(step, slots.StepsThatLeadTo(step), Missing(request, step, slots.Filled));
            }
        }
        // A policy without slots says nothing about who must agree, so nobody has.
        return slots.Filled > 0 && request.OpenCheck != OpenCheck.None ? Confirming(policy)
            : slots.Filled > 0 ? new Verdict.Approved([.. slots.Fillers.Select(d => d.Who)])
            : request.ExpiresAt is { } over && now >= over ? Expired(request, over)
            : new Verdict.StillPending(
                0,
                [],
                policy.Destination is { } destination ? $"Waiting for {destination}" : "The policy names no reviewers"
            );
    }

    /// <summary>It waits for no reviewer, and those of every step may still say otherwise.</summary>
    private static Verdict.StillPending Confirming(Policy policy) =>
        new(policy.Steps.Count, [], Verdict.StillPending.Confirming);

    /// <summary>Which approvals sit in which step, for readers: in the order of the steps.</summary>
    public static IReadOnlyList<IReadOnlyList<Decision>> Seats(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions
    )
    {
        var steps = request.Policy.Steps;
        var slots = new Slots(
            steps.Count,
            LatestThatCount(request, decisions).FindAll(d => d.Answer == Answer.Approve)
        );
        for (var step = 0; step < steps.Count; step++)
        {
            for (var filled = 0; filled < steps[step].Need && slots.TryFill(step); filled++)
            {
                // One after the other, as they are weighed.
            }
        }
        return [.. Enumerable.Range(0, steps.Count).Select(slots.In)];
    }

    /// <summary>Of all that was said, what counts now.</summary>
    internal static List<Decision> LatestThatCount(ApprovalRequest request, IReadOnlyList<Decision> decisions)
    {
        var latest = new List<Decision>(decisions.Count);
        if (decisions.Count == 0)
            return latest;
        foreach (var said in decisions.OrderBy(d => d.N))
        {
            if (
                said.Revision != request.Revision
                || said.Reading != request.Reading
                || said.AuthorDisabled
                || said.At >= request.ExpiresAt
                || request.Bars(said.PersonId)
                || (said.ForPerson is { } absent && request.Bars(absent))
            )
            {
                continue;
            }
            var decision =
                request.Policy.Carried is { } carried && said.N <= carried.UpTo
                    ? said with
                    {
                        Steps = carried.Steps.GetValueOrDefault(said.N, []),
                    }
                    : said;
            latest.RemoveAll(earlier => earlier.PersonId == decision.PersonId);
            latest.Add(decision);
        }
        if (latest.Exists(d => d.ForPerson is not null))
            KeepOnePerSeat(latest);
        return latest;
    }

    /// <summary>
    /// Who came back and answered needs no stand-in, and of two who stood in for the same person the last one did.
    /// </summary>
    private static void KeepOnePerSeat(List<Decision> latest)
    {
        // Held beside all of them, so that the order in which they are left out does not matter.
        Decision[] all = [.. latest];
        latest.RemoveAll(d =>
            d.ForPerson is { } absent
            && all.Any(other => other.PersonId == absent || (other.ForPerson == absent && other.N > d.N))
        );
    }

    /// <summary>
    /// Where no single no settles it: whether it could pass if those who said no had not, and cannot without them.
    /// </summary>
    private static Verdict.Rejected? TooFewLeft(Policy policy, List<Decision> latest, IReadOnlyList<Voter> couldSayYes)
    {
        var against = latest.FindAll(d => d.Answer == Answer.Reject);
        if (against.Count == 0)
            return null;
        var said = latest.FindAll(d => d.Answer == Answer.Approve);
        var others = couldSayYes.Where(v => !said.Exists(d => d.PersonId == v.PersonId)).ToList();
        var needs = policy.Steps.Select(s => s.Need).ToList();
        var without = said.Select(d => Mask(d.Steps))
            .Concat(others.Where(v => !against.Exists(d => d.PersonId == v.PersonId)).Select(v => Mask(v.Steps)))
            .ToList();
        return
            !SlotMatching.IsPossible(needs, without)
            && SlotMatching.IsPossible(needs, without.Concat(against.Select(d => Mask(d.Steps))))
            ? new Verdict.Rejected(
                $"Declined by {WireNames.Names([.. against.Select(d => d.Who)])}: too few others could approve"
            )
            : null;
    }

    private static ulong Mask(IReadOnlyList<int> steps) => steps.Aggregate(0UL, (mask, step) => mask | (1UL << step));

    internal static Verdict Expired(ApprovalRequest request, DateTimeOffset end)
    {
        var why = $"Expired after {Durations.Words(request.Policy.Expire?.After ?? end - request.CreatedAt)}";
        return request.Policy.Expire is { AsWithdrawn: true } ? new Verdict.Withdrawn(why) : new Verdict.Rejected(why);
    }

    private static string Missing(ApprovalRequest request, int open, int filled)
    {
        var policy = request.Policy;
        var needed = policy.Steps.Sum(s => s.Need);
        var who = WireNames.Names([.. policy.Steps[open].From.Select(a => a.Name)], "or");
        var more =
            request.OpenCheck != OpenCheck.None ? ", confirming with LaunchDarkly"
            : policy.RequesterUnknown ? ", requester not recognized"
            : policy.RequesterClaimed ? ", requester not confirmed"
            : "";
        var stuck = request.Stuck is { } cannot ? $"{Verdict.StillPending.StuckMark}{cannot.Why}. {cannot.Fix}" : "";
        return $"{filled} of {needed} approval{(needed == 1 ? "" : "s")}, waiting for {who}{more}{stuck}";
    }

    /// <summary>
    /// Who sits in which step, by augmenting paths: filling one more slot may move people, but never empties a filled
    /// one.
    /// </summary>
    private sealed class Slots(int steps, List<Decision> approvals)
    {
        private readonly int[] _stepOf = [.. Enumerable.Repeat(-1, approvals.Count)];
        private readonly bool[] _seen = new bool[steps];

        public int Filled { get; private set; }

        public IEnumerable<Decision> Fillers => approvals.Where((_, person) => _stepOf[person] >= 0);

        public IReadOnlyList<Decision> In(int step) => [.. approvals.Where((_, person) => _stepOf[person] == step)];

        public bool TryFill(int step)
        {
            Array.Clear(_seen);
            if (!Augment(step))
                return false;
            Filled++;
            return true;
        }

        /// <summary>The step itself and every step whose occupants could, if replaced, move towards it.</summary>
        public IReadOnlyList<int> StepsThatLeadTo(int open)
        {
            if (approvals.Count == 0)
                return [open];
            var useful = new SortedSet<int> { open };
            bool grew;
            do
            {
                grew = false;
                for (var person = 0; person < approvals.Count; person++)
                {
                    grew |=
                        _stepOf[person] >= 0
                        && approvals[person].Steps.Any(useful.Contains)
                        && useful.Add(_stepOf[person]);
                }
            } while (grew);
            return [.. useful];
        }

        private bool Augment(int step)
        {
            _seen[step] = true;
            for (var person = 0; person < approvals.Count; person++)
            {
                var sits = _stepOf[person];
                if (
                    sits == step
                    || !approvals[person].Steps.Contains(step)
                    || (sits >= 0 && (_seen[sits] || !Augment(sits)))
                )
                {
                    continue;
                }
                _stepOf[person] = step;
                return true;
            }
            return false;
        }
    }
}
