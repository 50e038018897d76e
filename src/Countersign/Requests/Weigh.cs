using Countersign.Policies;

namespace Countersign.Requests;

/// <summary>What the answers given so far amount to.</summary>
public abstract record Verdict
{
    private Verdict() { }

    /// <summary>In words that people can act on, short enough for LaunchDarkly's sidebar.</summary>
    public abstract string Display { get; }

    /// <param name="OpenStep">The first step whose slots are not all filled.</param>
    /// <param name="Useful">Steps in which one more approval brings the request forward: the open one, and earlier ones whose approver could then move up.</param>
    public sealed record StillPending(int OpenStep, IReadOnlyList<int> Useful, string Missing) : Verdict
    {
        public override string Display => Missing;
    }

    public sealed record Approved(IReadOnlyList<string> By) : Verdict
    {
        public override string Display => $"Approved by {Words.Names(By)}";
    }

    public sealed record Rejected(string Why) : Verdict
    {
        public override string Display => Why;
    }
}

/// <summary>
/// The scales. A pure function of the request, the answers and the time: no database, no clock, no door.
/// <code>
///   1  only answers to the current revision, in time and by people who are not disabled, count; of each person the latest
///   2  one rejection settles it
///   3  approvals are matched to slots, step after step; a person fills one slot at most and is moved to another
///      step where that makes room, so the order of answers never matters
///   4  all slots filled: approved. Else the first step with an empty slot is open
/// </code>
/// Nothing here can approve without every slot filled by a distinct person's yes.
/// </summary>
public static class Weigh
{
    public static Verdict Of(ApprovalRequest request, IReadOnlyList<Decision> decisions, DateTimeOffset now)
    {
        var latest = LatestThatCount(request, decisions);

        foreach (var decision in latest)
        {
            if (decision.Answer == Answer.Reject)
                return new Verdict.Rejected($"Declined by {decision.PersonName}");
        }

        var approvals = latest.FindAll(d => d.Answer == Answer.Approve);
        var steps = request.Policy.Steps;
        var slots = new Slots(steps.Count, approvals);
        for (var step = 0; step < steps.Count; step++)
        {
            for (var filled = 0; filled < steps[step].Need; filled++)
            {
                if (slots.TryFill(step))
                    continue;
                return request.ExpiresAt is { } end && now >= end
                    ? new Verdict.Rejected($"Expired after {Duration(end - request.CreatedAt)}")
                    : new Verdict.StillPending(step, slots.StepsThatLeadTo(step), Missing(request.Policy, step, slots.Filled));
            }
        }
        // A policy without slots says nothing about who must agree, so nobody has.
        return slots.Filled > 0
            ? new Verdict.Approved([.. slots.Fillers.Select(d => d.PersonName)])
            : new Verdict.StillPending(0, [], "The policy names nobody who could approve");
    }

    private static List<Decision> LatestThatCount(ApprovalRequest request, IReadOnlyList<Decision> decisions)
    {
        var latest = new List<Decision>(decisions.Count);
        foreach (var decision in decisions.OrderBy(d => d.N))
        {
            if (decision.Revision != request.Revision || decision.AuthorDisabled || decision.At >= request.ExpiresAt || request.Barred.Contains(decision.PersonId))
                continue;
            latest.RemoveAll(earlier => earlier.PersonId == decision.PersonId);
            latest.Add(decision);
        }
        return latest;
    }

    private static string Missing(Policy policy, int open, int filled)
    {
        var needed = policy.Steps.Sum(s => s.Need);
        var who = Words.Names([.. policy.Steps[open].From.Select(a => a.Name)], "or");
        var more = policy.RequesterUnknown ? " (one more, as the requester is unknown)" : "";
        return $"{filled} of {needed} approval{(needed == 1 ? "" : "s")}, waiting for {who}{more}";
    }

    private static string Duration(TimeSpan span) => span.TotalHours >= 1 ? $"{span.TotalHours:0} h" : $"{span.TotalMinutes:0} min";

    /// <summary>Who sits in which step, by augmenting paths: filling one more slot may move people, but never empties a filled one.</summary>
    private sealed class Slots(int steps, List<Decision> approvals)
    {
        private readonly int[] _stepOf = [.. Enumerable.Repeat(-1, approvals.Count)];
        private readonly bool[] _seen = new bool[steps];

        public int Filled { get; private set; }

        public IEnumerable<Decision> Fillers => approvals.Where((_, person) => _stepOf[person] >= 0);

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
            var useful = new SortedSet<int> { open };
            bool grew;
            do
            {
                grew = false;
                for (var person = 0; person < approvals.Count; person++)
                    grew |= _stepOf[person] >= 0 && approvals[person].Steps.Any(useful.Contains) && useful.Add(_stepOf[person]);
            }
            while (grew);
            return [.. useful];
        }

        private bool Augment(int step)
        {
            _seen[step] = true;
            for (var person = 0; person < approvals.Count; person++)
            {
                var sits = _stepOf[person];
                if (sits == step || !approvals[person].Steps.Contains(step) || (sits >= 0 && (_seen[sits] || !Augment(sits))))
                    continue;
                _stepOf[person] = step;
                return true;
            }
            return false;
        }
    }
}
