using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Whether what an event of a request says could come about at that moment: who answered, overrode or stamped, as the
/// record of people, roles, groups, absences and policy files has it up to that event.
/// </summary>
/// <param name="checksPolicies">
/// Whether each stamped policy must follow from the policy file, the assignee or the source. Only tests of what lies
/// beneath the doors hand in policies of their own.
/// </param>
/// <param name="ofThisForm">The first event from which on all hold what is relied on here.</param>
internal sealed class ApprovalCheck(Reader reader, PeopleTimeline people, bool checksPolicies, long ofThisForm)
{
    private readonly PolicyOrigin _origins = new(reader, people);

    /// <summary>
    /// Each problem, as the end of a sentence that begins with the event. Takes the answer into the story.
    /// </summary>
    /// <param name="before">The status before the event; <paramref name="was"/> is the policy before it.</param>
    public async IAsyncEnumerable<string> Look(
        RequestReplay story,
        StoredEvent next,
        RequestReplay.Told told,
        Status before,
        Policy was,
        Policy policy
    )
    {
        var then = PeopleTimeline.Moment.Of(next);
        // Written by an earlier version, at a time when an answer did not lock what it rested on.
        var around = next.Id < ofThisForm && !story.IsOfThisForm;
        var approves = before == Status.Active && story.Status == Status.Approved;
        foreach (
            var wrong in next.Kind switch
            {
                "request.escalated" => Escalation(told, was, policy),
                "request.restamped" => Restamp(story, next, was, policy, then),
                "request.disowned" => Disowned(story, before, was, policy),
                "request.broke_glass" => Override(story, next, told, policy, then, around),
                _ => [],
            }
        )
        {
            yield return wrong;
        }
        if (
            checksPolicies
            && !around
            && (RequestReplay.BringsContent(next) || next.Kind == "request.restamped")
            && await _origins.Problem(story, policy, then) is { } stranger
        )
        {
            yield return stranger;
        }
        if (
            next.Kind is "request.linked" or "request.answer_refused"
            && told.Destination is { } named
            && people.DestinationNamed(named) is { } there
        )
        {
            story.Links.Add(
                next.Kind == "request.linked"
                    ? new RecordedLink(next.Id, there, told.Revision, told.ExternalId, told.Url, null)
                    : new RecordedLink(
                        next.Id,
                        there,
                        told.Revision,
                        null,
                        null,
                        told.Approves ? "approved" : "rejected"
                    )
            );
        }
        if (approves && !around && story.Expires is { } expires && Instant.Parse(next.At) >= Instant.Parse(expires))
            yield return $"approves request {story.Id}, which had expired.";
        if (told.Answer is not null)
        {
            foreach (var wrong in Answer(story, next, told, policy, then, around, approves))
                yield return wrong;
        }
        else if (approves)
        {
            foreach (var wrong in Unanswered(story, next, told, policy, then, around))
                yield return wrong;
        }
        if (
            PeopleTimeline.IdOf(next.Actor, "destination:") is { } destination
            && before == Status.Active
            && story.Status != Status.Active
            && told.Answer is null
        )
        {
            story.Links.Add(
                new RecordedLink(next.Id, destination, ContentOf(told), null, null, story.Status.ToWireName())
            );
        }
    }

    /// <summary>Escalation adds those whom the policy names for it to one step, and changes nothing else.</summary>
    private static IEnumerable<string> Escalation(RequestReplay.Told told, Policy was, Policy policy)
    {
        if (told.Step is not { } step || step < 0 || step >= was.Steps.Count || !Same(was.WithEscalated(step), policy))
        {
            yield return "puts a policy on the request that does not follow from the one before it.";
        }
    }

    /// <summary>What a request costs whose requester is not recognized any more follows from its policy.</summary>
    private static IEnumerable<string> Disowned(RequestReplay story, Status before, Policy was, Policy policy)
    {
        if (!Same(policy, before == Status.Active && !story.HasRequester ? RequesterCost.Disowned(was) : was))
            yield return "puts a policy on the request that does not follow from the one before it.";
    }

    /// <summary>The stamp of a policy from which a name was erased is that of its text before.</summary>
    private static bool Same(Policy one, Policy other) => one.Stamp == other.Stamp || one.ToText() == other.ToText();

    private IEnumerable<string> Restamp(
        RequestReplay story,
        StoredEvent next,
        Policy was,
        Policy policy,
        PeopleTimeline.Moment then
    )
    {
        if (policy.Auto is not null || policy.Destination is not null || was.Destination is not null)
        {
            yield return "applies a policy that can't be applied later: it decides automatically or by a destination.";
        }
        if (
            next.Actor != Actor.Operator.Text
            && !(
                PeopleTimeline.IdOf(next.Actor, "person:") is { } author
                && people.PersonAround(author, then).Any(p => p is { Role: "admin", IsDisabled: false })
            )
        )
        {
            yield return "puts another policy on the request, but its author was no admin.";
        }
        // Answers fill the steps of the new policy that their authors could fill then.
        foreach (var (n, steps) in policy.Carried?.Steps ?? new Dictionary<int, IReadOnlyList<int>>())
        {
            if (
                policy.Carried!.UpTo > story.Decisions.Count
                || story.Decisions.Find(d => d.N == n) is not { } decision
                || steps.Any(step =>
                    !May(decision.PersonId, policy, step, then, around: true)
                    && !(decision.ForPerson is { } seat && May(seat, policy, step, then, around: true))
                )
            )
            {
                yield return $"lets answer {n} fill a step of the new policy that its author could not fill.";
            }
        }
    }

    private IEnumerable<string> Override(
        RequestReplay story,
        StoredEvent next,
        RequestReplay.Told told,
        Policy policy,
        PeopleTimeline.Moment then,
        bool around
    )
    {
        if (policy.ForbidsBreakGlass || (told.Reason ?? "").Trim().Length < OverridePolicy.ShortestReason)
            yield return $"overrides the policy of request {story.Id}, which does not allow that in this way.";
        if (
            told.Person is not { } person
            || next.Actor != Actor.Person(person).Text
            || !people.States(person, then, around).Any(p => p is { Role: "admin", IsDisabled: false })
        )
        {
            yield return $"overrides the policy of request {story.Id}, but its author was no admin.";
        }
        if (told.Digest != story.Content.Digest || told.Revision != story.Content.Revision)
            yield return $"overrides the policy of request {story.Id} for another content than its own.";
        story.Overrider = next.Actor;
    }

    private IEnumerable<string> Answer(
        RequestReplay story,
        StoredEvent next,
        RequestReplay.Told told,
        Policy policy,
        PeopleTimeline.Moment then,
        bool around,
        bool approves
    )
    {
        var request = story.AsRequest(policy);
        var at = Instant.Parse(next.At);
        if (told.Person is not { } person || next.Actor != Actor.Person(person).Text)
        {
            yield return "holds an answer, but not of its author.";
            yield break;
        }
        var states = people.States(person, then, around).ToList();
        if (states.Count == 0)
            yield return $"holds an answer of person {person}, who didn't exist.";
        else if (!states.Exists(p => !p.IsDisabled && p.Disablings == (told.Disablings ?? 0)))
            yield return $"holds an answer of person {person}, who was disabled.";
        if (request.Bars(person))
            yield return $"holds an answer of person {person}, who is a requester and may not decide.";
        if (told.N != story.Decisions.Count + 1)
            yield return $"holds answer {told.N}, which cannot follow.";
        var seat = told.For ?? person;
        if (told.For is { } absent && Delegation(request, absent, person, then) is { } notFor)
            yield return notFor;
        var steps = told.Steps ?? [];
        if (
            steps.Length == 0
            || steps.Any(step =>
                step < 0 || step >= policy.Steps.Count || !May(seat, policy, step, then, around || told.For is not null)
            )
        )
        {
            yield return $"lets person {person} fill a step of the policy that was not theirs to fill.";
        }
        var earlier = AsOf(story, then, around);
        if (
            !around
            && steps.Length > 0
            && story.Weighed(policy, earlier, at) is Verdict.StillPending { OpenStep: var open }
            && steps.Min() > open
        )
        {
            yield return $"lets person {person} fill a step of the policy that was not open yet.";
        }

        story.Decisions.Add(
            new Decision
            {
                N = (int)(told.N ?? 0),
                Revision = (int)(told.Revision ?? 0),
                PersonId = person,
                PersonName = "",
                Answer = WireNames.AnswerOf(told.Answer!) ?? Requests.Answer.Abstain,
                Note = "",
                Digest = told.Digest ?? "",
                Steps = steps,
                At = at,
                Via = next.Via,
                ForPerson = told.For,
                Disablings = (int)(told.Disablings ?? 0),
            }
        );
        if (approves && story.Weighed(policy, AsOf(story, then, around), at) is not Verdict.Approved)
            yield return $"approves request {story.Id}, but the answers so far do not fill the steps of its policy.";
    }

    /// <summary>
    /// Without an answer, only a policy that says so in words, a system to which it left the decision, or an admin
    /// can approve.
    /// </summary>
    private IEnumerable<string> Unanswered(
        RequestReplay story,
        StoredEvent next,
        RequestReplay.Told told,
        Policy policy,
        PeopleTimeline.Moment then,
        bool around
    )
    {
        if (story.Overrider is { } overrider)
        {
            if (overrider != next.Actor)
                yield return $"overrides the policy of request {story.Id} in another name.";
        }
        else if (policy.Auto is { Approves: true })
        {
            // It answers in the moment in which the content comes, and later never.
            if (next.Actor != Actor.Hub.Text || !story.HasPolicyOfItsContent || next.At != story.ContentAt)
                yield return $"approves request {story.Id} by a policy that did not answer when the content came.";
        }
        else if (policy.Destination is { } name && PeopleTimeline.IdOf(next.Actor, "destination:") is { } destination)
        {
            if (!string.Equals(people.DestinationAt(destination, then), name, StringComparison.OrdinalIgnoreCase))
                yield return $"approves request {story.Id}, but its policy left the decision to {name}.";
            if (ContentOf(told) != story.Content.Revision || !story.HasPolicyOfItsContent)
                yield return $"approves request {story.Id} by an answer to another content.";
            if (
                !around
                && !story
                    .Links.Concat(people.LinksOf(story.Id))
                    .Any(l =>
                        l.Destination == destination
                        && l.Content == story.Content.Revision
                        && l.EventId < next.Id
                        && l.ExternalId == told.ExternalId
                    )
            )
            {
                yield return $"approves request {story.Id} by an answer to a question that was never opened there.";
            }
        }
        else
        {
            yield return $"approves request {story.Id}, but no one who could had decided.";
        }
    }

    /// <summary>Absences are read without a lock, so a moment more or less is allowed.</summary>
    private string? Delegation(ApprovalRequest request, long absent, long person, PeopleTimeline.Moment then) =>
        !people.PersonAround(absent, then).Any(p => p is { IsAway: true, IsDisabled: false } && p.Delegate == person)
            ? $"holds an answer for person {absent}, who wasn't out of office or had another delegate, or none."
        : !people.PersonAround(person, then).Any(p => !p.IsAway)
            ? $"holds an answer of person {person} for someone else, while they were out of office themselves."
        : request.Bars(absent) ? $"holds an answer for person {absent}, who is a requester and may not decide."
        : null;

    private bool May(long person, Policy policy, int step, PeopleTimeline.Moment then, bool around) =>
        step >= 0
        && step < policy.Steps.Count
        && policy.Steps[step].From.Any(a => people.Belongs(person, a.Party, then, around));

    /// <summary>The answers so far, with those no longer counting whose authors have been disabled.</summary>
    private List<Decision> AsOf(RequestReplay story, PeopleTimeline.Moment then, bool around) =>
        around
            ? story.Decisions
            : story.Decisions.ConvertAll(d =>
                d with
                {
                    AuthorDisabled =
                        people.PersonAt(d.PersonId, then) is not { IsDisabled: false } p
                        || p.Disablings != d.Disablings,
                }
            );

    /// <summary>The number of the content; the name means its hash elsewhere.</summary>
    private static long? ContentOf(RequestReplay.Told told) =>
        long.TryParse(
            told.Content,
            System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : null;
}
