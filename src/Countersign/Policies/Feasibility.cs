namespace Countersign.Policies;

/// <summary>
/// Can this ever pass? Whether every slot can be filled with a person of its own, when whoever asks, those who are
/// disabled and those who are out of office are left out, delegates are counted for whom they stand in for
/// (<see cref="Delegates"/>), and what was said already stays said.
/// </summary>
public static class Feasibility
{
    /// <summary>Null when it can; else why not, and the smallest change that would free it.</summary>
    public static Blocked? Of(
        Policy policy,
        Pools pools,
        IReadOnlyList<long> barred,
        IReadOnlyList<RecordedDecision>? said = null,
        IReadOnlyList<Delegation>? delegations = null
    )
    {
        if (policy.Auto is not null || policy.Destination is not null)
            return null;
        if (policy.Steps.Count == 0)
        {
            return new Blocked(
                "The policy names no reviewers",
                "Add a step to the policy, then apply it to active requests"
            );
        }
        if (policy.AllowsSelfApproval)
            barred = [];
        var needed = policy.Steps.Sum(s => s.Need);
        // Nearly every request: each step has more people than all steps need together, so nobody has to be counted.
        if (
            said is null or []
            && delegations is null or []
            && pools.Known(barred) is var fewer
            && policy.Steps.All(s => pools.AtLeast(s) - fewer >= needed)
        )
        {
            return null;
        }
        var people = Available(policy, pools, barred, said ?? [], delegations ?? []);
        var shortages = SlotMatching.Shortages([.. policy.Steps.Select(s => s.Need)], people.Values);
        return shortages is [] ? null : Words(policy, pools, barred, said ?? [], shortages);
    }

    /// <summary>Of everyone who could still say yes, the steps in which.</summary>
    public static Dictionary<long, ulong> Available(
        Policy policy,
        Pools pools,
        IReadOnlyList<long> barred,
        IReadOnlyList<RecordedDecision> said,
        IReadOnlyList<Delegation> delegations,
        bool alsoAway = false
    )
    {
        var people = new Dictionary<long, ulong>();
        for (var step = 0; step < policy.Steps.Count; step++)
        {
            foreach (var approver in policy.Steps[step].From)
            {
                foreach (var id in pools.Of(approver.Party))
                {
                    System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(people, id, out _) |=
                        1UL << step;
                }
            }
        }
        var delegates = new Delegates(pools, barred, said, delegations);
        // As they belong to steps themselves: a delegate can't pass the seat on.
        var seats = delegates
            .Principals.Where(p => people.ContainsKey(p.Id))
            .Select(p => (Principal: p, Steps: people[p.Id]))
            .ToList();
        foreach (var (principal, _) in seats)
        {
            if (delegates.HasDelegated(principal.Id) || (!alsoAway && principal.AwayUntil is not null))
                people.Remove(principal.Id);
        }
        foreach (var (principal, steps) in seats)
        {
            if (delegates.Of(principal) is { } other)
                people[other.Id] = people.GetValueOrDefault(other.Id) | steps;
        }
        foreach (var id in barred)
            people.Remove(id);
        foreach (var id in people.Keys.Where(id => pools.Find(id) is not { IsDisabled: false }).ToList())
            people.Remove(id);
        foreach (var answer in said)
        {
            // The place of a person for whom a delegate has answered is taken.
            if (answer.ForPerson is { } principal)
                people.Remove(principal);
            if (answer.Steps is null)
                people.Remove(answer.PersonId);
            else
                people[answer.PersonId] = answer.Steps.Aggregate(0UL, (mask, step) => mask | (1UL << step));
        }
        return people;
    }

    private static Blocked Words(
        Policy policy,
        Pools pools,
        IReadOnlyList<long> barred,
        IReadOnlyList<RecordedDecision> said,
        IReadOnlyList<Shortage> shortages
    )
    {
        var first = shortages[0];
        var step = policy.Steps[first.Step];
        var rivals = first.Rivals.Where(s => s != first.Step).Select(s => policy.Steps[s].Name).ToList();
        var lacks =
            $"{step.Name} needs {first.Missing} more eligible reviewer{(first.Missing == 1 ? "" : "s")}"
            + (rivals.Count > 0 ? $" in addition to those in {List(rivals)}" : "");
        var why =
            shortages.Count > 1 ? $"{lacks}, and {Count(shortages.Count - 1, "more step")} can't be filled" : lacks;
        var reasons = Reasons(policy, pools, barred, said, first);
        var fix = string.Join("; ", shortages.Select(s => Fix(policy.Steps[s.Step], s.Missing)));
        return new Blocked(reasons.Count > 0 ? $"{why} ({List(reasons)})" : why, $"{fix}{Back(policy, pools, first)}");
    }

    /// <summary>Those who are in the step and cannot answer, with what keeps them; the first few.</summary>
    private static List<string> Reasons(
        Policy policy,
        Pools pools,
        IReadOnlyList<long> barred,
        IReadOnlyList<RecordedDecision> said,
        Shortage shortage
    )
    {
        var reasons = new List<string>();
        foreach (var id in shortage.Rivals.SelectMany(s => pools.Of(policy.Steps[s])).Distinct())
        {
            if (reasons.Count == 3)
                break;
            if (pools.Find(id) is not { } person)
                continue;
            if (barred.Contains(id))
                reasons.Add($"{person.Name} can't approve this");
            else if (person.IsDisabled)
                reasons.Add($"{person.Name} is disabled");
            else if (person.AwayUntil is not null)
                reasons.Add($"{person.Name} is out of office");
            else if (said.Any(s => s.PersonId == id && s.Steps is null))
                reasons.Add($"{person.Name} hasn't approved");
        }
        return reasons;
    }

    private static string Fix(Step step, int missing) =>
        step.Unknown is [var unknown, ..] ? $"Create {unknown}, then apply the policies to active requests"
        : step.From.FirstOrDefault(a => a.Party.Text.StartsWith("group:", StringComparison.Ordinal)) is { } group
            ? $"Add {Number(missing)} to the group {group.Name}"
        : step.From.Any(a => a.Party == Party.Admins) ? $"Make {Number(missing)} an admin"
        : $"Name {missing} more {(missing == 1 ? "person" : "people")} in step {step.Name} of the policy, "
            + "then apply it to active requests";

    private static string Back(Policy policy, Pools pools, Shortage shortage) =>
        shortage
            .Rivals.SelectMany(s => pools.Of(policy.Steps[s]))
            .Select(pools.Find)
            .Where(p => p is { IsDisabled: false, AwayUntil: not null })
            .MinBy(p => p!.AwayUntil)
            is { AwayUntil: { } until } back
            ? $", or wait for {back.Name}, who is back on {until.UtcDateTime:yyyy-MM-dd}"
            : "";

    private static string Number(int people) => people == 1 ? "1 person" : $"{people} people";

    private static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";

    private static string List(List<string> names) =>
        names.Count <= 1 ? string.Concat(names) : $"{string.Join(", ", names.SkipLast(1))} and {names[^1]}";
}
