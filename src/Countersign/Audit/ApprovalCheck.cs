using System.Text.Json;
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
                "request.checked" => Carries(story, policy, then),
                "request.restamped" => Restamp(story, next, was, policy, then),
                "request.reassigned" => Reassigned(story, next, told, was, policy, then),
                "request.delegated" => Delegated(story, told, was, then),
                "request.delegation_revoked" => story.Decisions.Exists(d =>
                    d.ForPerson == told.Person && d.Revision == story.Content.Revision && Counts(d, then)
                )
                    ? [$"takes back a review of request {story.Id} that was used."]
                    : [],
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
            && (RequestReplay.BringsContent(next) || next.Kind is "request.restamped" or "request.checked")
            && await _origins.Problem(story, policy, then) is { } stranger
        )
        {
            yield return stranger;
        }
        if (
            checksPolicies
            && !around
            && RequestReplay.BringsContent(next)
            && Unowned(story, policy, then) is { } unowned
        )
        {
            yield return unowned;
        }
        if (next.Kind == "request.redeemed" && Redemption(story, next, told, policy) is { } unearned)
            yield return unearned;
        if (
            next.Kind is "request.linked" or "request.answer_refused" or "request.answer_kept"
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
        if (approves && story.ChangeDigest is not null && story.CheckedAt != next.At && story.Overrider is null)
            yield return $"approves request {story.Id}, but its change was not compared with LaunchDarkly's.";
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
        if (RequestReplay.Settles(next) && Told(story, next, told, policy, then, around) is { } untrue)
            yield return untrue;
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

    /// <summary>
    /// Receipts show what an event that settles a request says about how that came: it must be what the record has.
    /// Events of the earlier form have no receipts.
    /// </summary>
    private string? Told(
        RequestReplay story,
        StoredEvent next,
        RequestReplay.Told told,
        Policy policy,
        PeopleTimeline.Moment then,
        bool around
    )
    {
        if (next.Salts is null || story.Statement is not null)
            return null;
        if (told.Story is not { ValueKind: JsonValueKind.Object } said)
            return $"settles request {story.Id} without saying how that came.";
        var from = new RequestReplay.Recount(said);
        if (
            from.Number("revision") != story.Content.Revision
            || from.Text("digest") != story.Content.Digest
            || from.Text("stamp") != story.Stamp
            || from.Number("requester") != story.Requester
            || from.Text("certainty") != story.HowCertain
        )
        {
            return $"tells another content, policy or requester than request {story.Id} had.";
        }
        // Answers of an earlier form say less than the rows that the story was made from.
        if (!story.IsOfThisForm)
            return null;
        var carried = Requests.Weigh.LatestThatCount(story.AsRequest(policy), AsOf(story, then, around));
        var isDecided = told.Answer is not null;
        var answers = from.Answers;
        return
            (isDecided && !answers.Select(a => a.N).Order().SequenceEqual(carried.Select(d => (long?)d.N).Order()))
            || answers.DistinctBy(a => a.N).Count() != answers.Count
            || answers.Exists(a =>
                !story.Decisions.Exists(d => a.Is(d, carried.Find(c => c.N == d.N)?.Steps ?? d.Steps))
            )
            ? $"tells other answers than request {story.Id} had."
            : null;
    }

    /// <summary>
    /// The owner of an agent or a pipeline is barred from its requests. Without an active owner, the requester counts
    /// as not recognized.
    /// </summary>
    private string? Unowned(RequestReplay story, Policy policy, PeopleTimeline.Moment then)
    {
        var sources = people.SourceAround(story.Content.Source ?? 0, then).ToList();
        if (sources.Count == 0 || !sources.TrueForAll(s => SourceKinds.NeedsOwner(s.Kind)))
            return null;
        var owners = sources.Select(s => s.Owner).OfType<long>().ToList();
        return policy.AllowsSelfApproval
                ? $"lets those decide request {story.Id} who asked for it, though its source has an owner."
            : !owners.Exists(story.Barred.Contains) ? $"does not bar the owner of its source from request {story.Id}."
            : !owners.Exists(owner => people.PersonAround(owner, then).Any(p => !p.IsDisabled))
            && !story.IsRequesterUnknown
                ? $"takes the requester of request {story.Id} for known, though the owner of its source was disabled."
            : null;
    }

    /// <summary>Only its source redeems an approval, for what was approved and not too late.</summary>
    private static string? Redemption(RequestReplay story, StoredEvent next, RequestReplay.Told told, Policy policy) =>
        next.Actor != Party.Source(story.Content.Source ?? 0).Text
            ? $"redeems request {story.Id}, but not by its source."
        : told.Digest != story.Content.Digest ? $"redeems request {story.Id} for another content than was approved."
        : story.SettledAt is { } approved
        && Instant.Parse(next.At) >= Instant.Parse(approved) + (policy.GrantExpires ?? Policy.DefaultGrant)
            ? $"redeems request {story.Id}, whose approval had expired."
        : null;

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

    /// <summary>Only the assignee changes, and only where the assignee decides.</summary>
    private IEnumerable<string> Reassigned(
        RequestReplay story,
        StoredEvent next,
        RequestReplay.Told told,
        Policy was,
        Policy policy,
        PeopleTimeline.Moment then
    )
    {
        var to =
            told.AssigneeUser is { } user ? Party.Person(user)
            : told.AssigneeGroup is { } group ? Party.Group(group)
            : default;
        if (
            was.Steps is not [{ From: [var before] }]
            || policy.Steps is not [{ From: [var after] }]
            || !Reassign.DecidesByAssignee(was, before.Party)
            || after.Party != to
            || !Same(Reassign.To(was, before.Party, after), policy with { Carried = null })
        )
        {
            yield return "puts a policy on the request that does not follow from its new assignee.";
        }
        if (!IsByAdmin(next, then))
            yield return "gives the request to another assignee, but its author was no admin.";
        if (
            told.AssigneeUser is { } person
            && (
                story.AsRequest(policy).Bars(person)
                || !people.PersonAround(person, then).Any(p => p is { Role: "admin" or "agent", IsDisabled: false })
            )
        )
        {
            yield return $"gives the request to person {person}, who could not decide it.";
        }
        foreach (var wrong in Carries(story, policy, then))
            yield return wrong;
    }

    /// <summary>The person who delegates a seat holds it, and the delegate may decide.</summary>
    private IEnumerable<string> Delegated(
        RequestReplay story,
        RequestReplay.Told told,
        Policy was,
        PeopleTimeline.Moment then
    )
    {
        var request = story.AsRequest(was);
        var (person, other) = (told.Person ?? 0, told.Delegate ?? 0);
        if (
            request.Bars(person)
            || !people.PersonAround(person, then).Any(p => !p.IsDisabled)
            || !Enumerable.Range(0, was.Steps.Count).Any(step => May(person, was, step, then, around: true))
        )
        {
            yield return $"delegates a review of person {person}, who had none.";
        }
        if (story.Decisions.Exists(d => d.PersonId == person && d.Revision == request.Revision && Counts(d, then)))
            yield return $"delegates a review of person {person}, who had decided.";
        if (
            person == other
            || request.Bars(other)
            || !people.PersonAround(other, then).Any(p => p is { Role: "admin" or "agent", IsDisabled: false })
        )
        {
            yield return $"delegates a review to person {other}, who could not decide.";
        }
    }

    /// <summary>By an admin of then, or on the command line.</summary>
    private bool IsByAdmin(StoredEvent e, PeopleTimeline.Moment then) =>
        e.Actor == Actor.Operator.Text
        || (
            PeopleTimeline.IdOf(e.Actor, "person:") is { } author
            && people.PersonAround(author, then).Any(p => p is { Role: "admin", IsDisabled: false })
        );

    private bool Counts(Decision decision, PeopleTimeline.Moment then) =>
        people.PersonAt(decision.PersonId, then) is { IsDisabled: false } author
        && author.Disablings == decision.Disablings;

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
        if (!IsByAdmin(next, then))
            yield return "puts another policy on the request, but its author was no admin.";
        foreach (var wrong in Carries(story, policy, then))
            yield return wrong;
    }

    private IEnumerable<string> Carries(RequestReplay story, Policy policy, PeopleTimeline.Moment then)
    {
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
                Reading = (int)(told.Reading ?? 1),
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
        else if (
            next.Actor == Actor.Hub.Text
            && next.At == story.CheckedAt
            && story.Weighed(policy, AsOf(story, then, around), Instant.Parse(next.At)) is Verdict.Approved
        )
        {
            // What was answered while LaunchDarkly was asked counts in the moment in which that ends.
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
        !(
            request.Delegations.FirstOrDefault(d => d.PersonId == absent) is { DelegateId: not 0 } delegation
                ? delegation.DelegateId == person && people.PersonAround(absent, then).Any(p => !p.IsDisabled)
                : people
                    .PersonAround(absent, then)
                    .Any(p => p is { IsAway: true, IsDisabled: false } && p.Delegate == person)
        )
            ? $"holds an answer for person {absent}, who hadn't delegated it, and wasn't out of office or had"
                + " another delegate, or none."
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
