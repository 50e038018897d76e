using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Whether a stamped policy follows from something that was in force: the policy file, the assignee, the source, or
/// that one admin decides. A stamp may always ask for more than that, and never for less.
/// </summary>
internal sealed class PolicyOrigin(Reader reader, PeopleTimeline people)
{
    private readonly Dictionary<long, (PolicyFile? File, Matcher Matcher)> _files = [];

    /// <summary>Null, or what is wrong, as the end of a sentence that begins with the event.</summary>
    public async ValueTask<string?> Problem(RequestReplay story, Policy policy, PeopleTimeline.Moment then)
    {
        // One that says no asks for more than any other.
        if (policy.Auto is { Approves: false } || policy.RefusesRequester)
            return null;
        var sources = people.SourceAround(story.Content.Source ?? 0, then).ToList();
        foreach (var version in people.PolicyFilesAround(then))
        {
            var (file, matcher) = await FileOf(version);
            if (version != 0 && file is null)
            {
                if (IsOneAdmin(policy))
                    return null;
                continue;
            }
            foreach (var source in sources.Select(s => s.Name).DefaultIfEmpty(""))
            {
                var question = new PolicyQuery(
                    source,
                    story.Content.RequesterName ?? "",
                    story.Facts,
                    HasAssignee(story)
                )
                {
                    Change = story.FactsOfChange,
                };
                var rule = matcher.Find(question);
                // Who asked for the new content is not told, only who asked first; so any policy of the file may have
                // matched.
                var candidates =
                    (story.Content.Revision > 1 || story.CheckedAt is not null)
                    && file?.Rules.Any(r => r.When.Any(c => c.Key == Condition.Requester)) == true
                        ? Enumerable.Range(-1, file.Rules.Count + 1)
                        : [rule];
                foreach (var candidate in candidates)
                {
                    if (
                        candidate < 0
                            ? IsDefault(story, policy, sources)
                            : IsAtLeast(policy, file!.Rules[candidate], story.Barred, then)
                    )
                    {
                        return null;
                    }
                }
            }
        }
        return "stamps a policy that does not follow from the policy file, the "
            + "assignee or the source as they were then.";
    }

    private static bool HasAssignee(RequestReplay story) =>
        (story.Content.AssigneeUser ?? story.Content.AssigneeGroup) is not null;

    private async ValueTask<(PolicyFile? File, Matcher Matcher)> FileOf(long version)
    {
        if (_files.TryGetValue(version, out var known))
            return known;
        var text =
            version == 0
                ? null
                : await reader.Text("SELECT text FROM policy_files WHERE version = @version", new { version });
        var file = version == 0 ? PolicyFile.Empty : PolicyFile.Read(text ?? "").File;
        if (_files.Count > 100)
            _files.Clear();
        return _files[version] = (file, new Matcher(file?.Rules ?? []));
    }

    private static bool IsDefault(RequestReplay story, Policy policy, List<PeopleTimeline.SourceThen> sources)
    {
        if (policy is not { Auto: null, AllowsSelfApproval: false, Rejection: Rejection.Any, GrantExpires: null })
            return false;
        if (policy.Destination is { } destination)
            return sources.Exists(s => string.Equals(s.Destination, destination, StringComparison.OrdinalIgnoreCase));
        if (HasAssignee(story))
        {
            var assignee = story.Content.AssigneeUser is { } user
                ? Party.Person(user)
                : Party.Group(story.Content.AssigneeGroup ?? 0);
            return IsOf(policy, assignee, 1);
        }
        return sources.Exists(s => s.Group is { } group && IsOf(policy, Party.Group(group), s.Need ?? 1))
            || IsOneAdmin(policy);
    }

    private static bool IsOneAdmin(Policy policy) =>
        policy is { Auto: null, Destination: null } && IsOf(policy, Party.Admins, 1);

    private static bool IsOf(Policy policy, Party party, long need) =>
        policy.Steps is [var step, ..] && step.Need >= need && Own(policy, step).All(p => p == party);

    /// <summary>Those of a step who were in it before it was escalated, as far as that can be told.</summary>
    private static IEnumerable<Party> Own(Policy policy, Step step) =>
        step
            .From.Select(a => a.Party)
            .Where(p => !step.Escalated || policy.Escalate?.To.Any(to => to.Party == p) != true);

    private bool IsAtLeast(Policy policy, PolicyRule rule, IReadOnlyCollection<long> barred, PeopleTimeline.Moment then)
    {
        if (
            (policy.Auto is not null && rule.Auto is not { Approves: true })
            || (
                policy.Destination is not null
                && !string.Equals(policy.Destination, rule.Destination, StringComparison.OrdinalIgnoreCase)
            )
            || (policy.Destination is null && policy.Auto is null && policy.Steps.Count < rule.Steps.Count)
            || (policy.AllowsSelfApproval && !rule.AllowsSelfApproval)
            || (!policy.ForbidsBreakGlass && rule.ForbidsBreakGlass)
            || (policy.Rejection == Rejection.Never && rule.Rejection != Rejection.Never)
            || (policy.GrantExpires ?? Policy.DefaultGrant) > (rule.GrantExpires ?? Policy.DefaultGrant)
        )
        {
            return false;
        }
        if (
            policy.Escalate is { } escalate
            && (
                rule.Escalate is not { } other
                || !escalate.To.All(to => MayBe(other.To, Named(other.To, then), to.Party))
            )
        )
        {
            return false;
        }
        for (var i = 0; i < policy.Steps.Count && i < rule.Steps.Count; i++)
        {
            var parties = Named(rule.Steps[i].From, then);
            if (
                !Own(policy, policy.Steps[i]).All(party => MayBe(rule.Steps[i].From, parties, party))
                || policy.Steps[i].Need
                    < (rule.Steps[i].Need ?? Math.Max(1, Math.Min(Count(then), Count(Before(then)))))
            )
            {
                return false;
            }

            int Count(PeopleTimeline.Moment moment) =>
                people.Count(parties, rule.AllowsSelfApproval ? [] : barred, moment);
        }
        return true;
    }

    private PeopleTimeline.Moment Before(PeopleTimeline.Moment then) => people.StartOfOverlap(then);

    /// <summary>An unknown person in a rule may be any of those who were erased.</summary>
    private bool MayBe(PoolRule pool, HashSet<Party> parties, Party party) =>
        parties.Contains(party)
        || (
            PeopleTimeline.IdOf(party.Text, "person:") is { } id
            && people.Erased.Contains(id)
            && pool.People.Any(p => people.PersonOf(p.Name) is null)
        );

    private HashSet<Party> Named(PoolRule pool, PeopleTimeline.Moment then) =>
        [
            .. pool.Groups.SelectMany(g => people.GroupsNamed(g.Name, then)),
            .. pool.People.Select(p => people.PersonOf(p.Name)).OfType<Party>(),
        ];
}
