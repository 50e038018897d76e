using Countersign.Policies;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

public abstract record DecideOutcome
{
    private DecideOutcome() { }

    /// <summary>The answer is kept, and the request still waits.</summary>
    public sealed record Recorded(ApprovalRequest Request) : DecideOutcome;

    /// <summary>This answer settled it.</summary>
    public sealed record Settled(ApprovalRequest Request) : DecideOutcome;

    /// <summary>Too late: it is what the request says.</summary>
    public sealed record AlreadySettled(ApprovalRequest Request) : DecideOutcome;

    /// <summary>The content is not the one that was answered (or more than one exists and none was named).</summary>
    public sealed record Changed(ApprovalRequest Request) : DecideOutcome;

    /// <summary>The person's step comes later.</summary>
    public sealed record StepNotOpen(string Step) : DecideOutcome;

    /// <param name="Rule">The rule that refused: <c>not_an_approver</c>, <c>requester_may_not_decide</c>,
    /// <c>person_disabled</c>, <c>seat_delegated</c>, <c>note_required</c>.</param>
    public sealed record NotAllowed(string Rule, string Why) : DecideOutcome;

    public sealed record NotFound : DecideOutcome;
}

/// <summary>
/// A person answers. The decisions of all doors are recorded here:
/// <code>
///   1  the request, if the person may see it, locked for change
///   2  refuse: settled, other content, disabled, asks oneself, no step, a later step
///   3  append the decision with the steps its author could fill
///   4  weigh all decisions; settle or say what is missing
///   5  row, event and inboxes in the same transaction
/// </code>
/// </summary>
public sealed class Decide(Store store)
{
    /// <summary>
    /// Where people write by hand, a policy may ask for a note; whoever decides through a protocol's door may have no
    /// field for it.
    /// </summary>
    private static readonly string[] ByHand = ["page", "mail", "slack"];

    /// <summary>What follows from an answer by itself is the hub's act.</summary>
    private static readonly Origin Clock = new(Actor.Hub, "policy", "");

    public Task<DecideOutcome> Run(
        RequestId id,
        Viewer viewer,
        Answer answer,
        string note,
        string? digest,
        CancellationToken cancel
    ) => store.InTransaction(tx => Record(tx, id, viewer, answer, note, digest), cancel);

    /// <summary>The same inside a transaction that has more to do.</summary>
    internal static async ValueTask<DecideOutcome> Record(
        Tx tx,
        RequestId id,
        Viewer viewer,
        Answer answer,
        string note,
        string? digest
    )
    {
        var (refusal, attempt) = await Admit(tx, id, viewer, digest);
        if (attempt is null)
            return refusal!;
        var (request, decisions, author, seat) = (attempt.Request, attempt.Decisions, attempt.Author, attempt.Seat);
        if (note.Length == 0 && ByHand.Contains(viewer.Origin.Via) && request.Policy.NeedsNote(answer.ToWireName()))
        {
            return new DecideOutcome.NotAllowed(
                "note_required",
                "This request's policy requires a comment with this decision."
            );
        }
        if (attempt.IsRepeated(answer, note))
            return new DecideOutcome.Recorded(request);

        var decision = new Decision
        {
            N = decisions.Count + 1,
            Revision = request.Revision,
            PersonId = attempt.PersonId,
            PersonName = author.Name,
            PersonEmail = author.Email,
            Answer = answer,
            Note = note,
            Digest = request.Digest,
            Reading = request.Reading,
            Steps = seat.Steps,
            At = tx.Now,
            Via = viewer.Origin.Via,
            Disablings = (int)author.Disablings,
            ForPerson = seat.For?.Id,
            ForPersonName = seat.For?.Name,
        };
        await Keep(tx, id, decision);
        // A delegate goes on seeing what they have answered.
        if (seat.For is not null)
            await PolicyStamp.Join(tx, id, Party.Person(attempt.PersonId).Text);
        return await Follow(tx, attempt, decision, viewer.Origin);
    }

    /// <summary>Someone who may decide a request now.</summary>
    private sealed record Attempt(
        ApprovalRequest Request,
        List<Decision> Decisions,
        Verdict Before,
        long PersonId,
        PoolRows.AuthorRow Author,
        ReviewerSeat Seat
    )
    {
        /// <summary>They have said just this before.</summary>
        public bool IsRepeated(Answer answer, string note) =>
            Before is Verdict.StillPending
            && Decisions.FindLast(d =>
                d.PersonId == PersonId && d.Revision == Request.Revision && d.Reading == Request.Reading
            )
                is { } last
            && last.Answer == answer
            && last.Note == note
            && last.ForPerson == Seat.For?.Id
            && last.Steps.SequenceEqual(Seat.Steps)
            && !last.AuthorDisabled;
    }

    /// <summary>Whether this person may decide at all, as the store knows them now; else why not.</summary>
    private static async ValueTask<(DecideOutcome? Refusal, Attempt? Attempt)> Admit(
        Tx tx,
        RequestId id,
        Viewer viewer,
        string? digest
    )
    {
        if (await RequestRow.Find(tx, id, viewer) is not { } request)
            return (new DecideOutcome.NotFound(), null);
        if (request.IsSettled)
            return (new DecideOutcome.AlreadySettled(request), null);
        if (!request.IsAnsweredBy(digest))
            return (new DecideOutcome.Changed(request), null);

        // The directory snapshot of the door may be a moment old; who may decide is read here.
        if (
            viewer.PersonId is not { } personId
            || await PoolRows.Around(tx, personId, request.Delegations) is not var (pools, author)
        )
        {
            return (new DecideOutcome.NotAllowed("not_an_approver", "Only people can decide."), null);
        }
        if (author.DisabledAt is not null)
            return (new DecideOutcome.NotAllowed("person_disabled", "This account is disabled."), null);

        // Nobody has answered a request that has only been asked.
        var decisions = request.Head.Count == 1 ? [] : await DecisionRow.Of(tx, id);
        request = await LearnedRequesters.Bar(tx, request, decisions, personId);
        if (request.Bars(personId))
        {
            return (
                new DecideOutcome.NotAllowed(
                    "requester_may_not_decide",
                    "Requesters can't approve their own requests."
                ),
                null
            );
        }
        if (await Settle.IfExpired(tx, request) is { IsSettled: true } expired)
            return (new DecideOutcome.AlreadySettled(expired), null);
        var before = Weigh.Of(request, decisions, tx.Now);
        var seat = ReviewerSeat.Of(request, decisions, before, pools, personId);
        if (seat.Steps.Count == 0)
        {
            return (
                ReviewerSeat.HasDelegated(request, decisions, pools, personId)
                    ? new DecideOutcome.NotAllowed(
                        "seat_delegated",
                        "You delegated your review of this request. End the delegation to decide yourself."
                    )
                    : new DecideOutcome.NotAllowed("not_an_approver", "You're not a reviewer on this request."),
                null
            );
        }
        return seat.IsOpen
            ? (null, new Attempt(request, decisions, before, personId, author, seat))
            : (new DecideOutcome.StepNotOpen(request.Policy.Steps[seat.Steps[0]].Name), null);
    }

    /// <summary>What the request becomes by a decision that was just kept, in row, event and inboxes.</summary>
    private static async ValueTask<DecideOutcome> Follow(Tx tx, Attempt attempt, Decision decision, Origin origin)
    {
        var (request, decisions) = (attempt.Request, attempt.Decisions);
        List<Decision> all = [.. decisions, decision];
        var couldSayYes = await CouldSayYes(tx, request, all);
        var verdict = Weigh.Of(request, all, tx.Now, couldSayYes);
        var compared = request;
        if (verdict is Verdict.Approved && request.ChangeDigest is not null)
        {
            // Whether LaunchDarkly still holds the change that was reviewed is asked by a job.
            compared = request with
            {
                OpenCheck = OpenCheck.Comparison,
            };
            verdict = Weigh.Of(compared, all, tx.Now, couldSayYes);
        }
        var status = verdict.Status;
        var data = new
        {
            n = decision.N,
            person = decision.PersonId,
            answer = decision.Answer.ToWireName(),
            note = decision.Note,
            revision = decision.Revision,
            digest = decision.Digest,
            steps = decision.Steps,
            disablings = decision.Disablings,
            @for = decision.ForPerson,
            reading = decision.Reading,
            change = request.ChangeDigest,
            check = compared.OpenCheck == request.OpenCheck ? null : compared.OpenCheck.ToText(),
            status = status.ToWireName(),
        };
        if (status != Status.Active)
        {
            return new DecideOutcome.Settled(
                await Settle.As(
                    tx,
                    request,
                    decision.Revision,
                    decisions,
                    status,
                    verdict.Display,
                    origin,
                    data,
                    decision
                )
            );
        }
        await RequestChange.Waiting(tx, request, decisions, request.Policy, verdict);
        var next = await RequestChange.Save(
            tx,
            request,
            compared with
            {
                Display = verdict.Display,
            },
            origin,
            "request.answered",
            data
        );
        if (next.OpenCheck == OpenCheck.Comparison)
            await Jobs.Put(tx, OpenChecks.Job(next, tx.Now));
        var open = attempt.Before is Verdict.StillPending waiting ? waiting.OpenStep : int.MaxValue;
        if (
            verdict is Verdict.StillPending { OpenStep: var opened }
            && opened != open
            && opened < request.Policy.Steps.Count
        )
        {
            next = await StepOpened(tx, next, opened);
        }
        // A yes takes nobody away from those who could say it; other answers do, and any answer may free what was
        // stuck.
        if (decision.Answer != Answer.Approve || next.Stuck is not null)
            next = await BlockedRequests.Look(tx, next, all, Clock);
        return new DecideOutcome.Recorded(next);
    }

    private static async ValueTask<ApprovalRequest> StepOpened(Tx tx, ApprovalRequest request, int step)
    {
        if (request.Policy.IsTimed)
            await DueTimes.StepOpened(tx, request, step);
        return await RequestChange.Save(
            tx,
            request,
            request,
            Clock,
            "request.step_opened",
            new { step, stepName = request.Policy.Steps[step].Name }
        );
    }

    /// <summary>Only where no single no settles it, and one was said, it matters who is left.</summary>
    private static async ValueTask<IReadOnlyList<Voter>?> CouldSayYes(
        Tx tx,
        ApprovalRequest request,
        List<Decision> decisions
    )
    {
        if (request.Policy.Rejection != Rejection.Never || !decisions.Exists(d => d.Answer == Answer.Reject))
            return null;
        // Those who said something else than yes could still change their mind; Weigh leaves out whose no it looks at.
        var counting = Weigh.LatestThatCount(request, decisions);
        RecordedDecision[] said = [.. counting.Select(d => new RecordedDecision(d.PersonId, d.Steps, d.ForPerson))];
        var pools = await PoolRows.All(tx);
        var people = Feasibility.Available(
            request.Policy,
            pools,
            request.BarredNow,
            said,
            request.Delegations,
            alsoAway: true
        );
        return
        [
            .. people.Select(p => new Voter(
                p.Key,
                [.. Enumerable.Range(0, request.Policy.Steps.Count).Where(step => (p.Value >> step & 1) == 1)]
            )),
        ];
    }

    private static async ValueTask Keep(Tx tx, RequestId id, Decision decision) =>
        await tx.Execute(
            """
            INSERT INTO decisions (request_id, n, revision, digest, reading, person_id, answer, note, steps, disablings,
            for_person, via, at)
            VALUES (@id, @n, @revision, @digest, @reading, @person, @answer, @note, @steps, @disablings, @forPerson,
            @via, @at)
            """,
            new
            {
                id,
                n = decision.N,
                revision = decision.Revision,
                digest = decision.Digest,
                reading = decision.Reading,
                person = decision.PersonId,
                answer = decision.Answer.ToWireName(),
                note = decision.Note,
                steps = RequestRow.WriteNumbers(decision.Steps),
                disablings = decision.Disablings,
                forPerson = decision.ForPerson,
                via = decision.Via,
                at = decision.At,
            }
        );
}
