using Countersign.Policies;
using Countersign.Storage;

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

    /// <param name="Rule">The rule that refused: <c>not_an_approver</c>, <c>requester_may_not_decide</c>, <c>person_disabled</c>.</param>
    public sealed record NotAllowed(string Rule, string Why) : DecideOutcome;

    public sealed record NotFound : DecideOutcome;
}

/// <summary>
/// A person answers. Whatever door it comes through, this is where a decision is recorded:
/// <code>
///   1  the request, if the person may see it, locked for change
///   2  refuse: settled, other content, disabled, asks oneself, no step, a later step
///   3  append the decision with the steps its author could fill
///   4  weigh all decisions; settle or say what is missing
///   5  row, event, outbox and inboxes in the same transaction
/// </code>
/// </summary>
public sealed class Decide(Store store)
{
    public Task<DecideOutcome> Run(RequestId id, Viewer viewer, Answer answer, string note, string? digest, CancellationToken cancel) =>
        store.InTransaction(tx => Record(tx, id, viewer, answer, note, digest), cancel);

    private static async ValueTask<DecideOutcome> Record(Tx tx, RequestId id, Viewer viewer, Answer answer, string note, string? digest)
    {
        if (await RequestRow.Find(tx, id, viewer) is not { } request)
            return new DecideOutcome.NotFound();
        if (request.IsSettled)
            return new DecideOutcome.AlreadySettled(request);
        if (digest is null ? request.Revision > 1 : digest != request.Digest)
            return new DecideOutcome.Changed(request);

        // The directory snapshot of the door may be a moment old; who may decide is read here.
        if (viewer.PersonId is not { } personId || await Author.Find(tx, personId) is not { } author)
            return new DecideOutcome.NotAllowed("not_an_approver", "Only people decide.");
        if (author.DisabledAt is not null)
            return new DecideOutcome.NotAllowed("person_disabled", "This account is disabled.");
        if (request.Bars(personId))
            return new DecideOutcome.NotAllowed("requester_may_not_decide", "Whoever asks may not decide.");
        var steps = request.Policy.StepsOpenTo(author.Parties);
        if (steps.Count == 0)
            return new DecideOutcome.NotAllowed("not_an_approver", "The policy of this request does not name you.");

        var decisions = await DecisionRow.Of(tx, id);
        var before = Weigh.Of(request, decisions, tx.Now);
        if (before is Verdict.StillPending { OpenStep: var open } && steps[0] > open)
            return new DecideOutcome.StepNotOpen(request.Policy.Steps[steps[0]].Name);
        if (before is Verdict.StillPending && decisions.FindLast(d => d.PersonId == personId && d.Revision == request.Revision) is { } last
            && last.Answer == answer && last.Note == note && last.Steps.SequenceEqual(steps) && !last.AuthorDisabled)
        {
            return new DecideOutcome.Recorded(request);
        }

        var decision = new Decision
        {
            N = decisions.Count + 1,
            Revision = request.Revision,
            PersonId = personId,
            PersonName = author.Name,
            Answer = answer,
            Note = note,
            Digest = request.Digest,
            Steps = steps,
            At = tx.Now,
            Via = viewer.Origin.Via,
            Disablings = (int)author.Disablings,
        };
        await Keep(tx, id, decision);
        var verdict = Weigh.Of(request, [.. decisions, decision], tx.Now);
        var status = verdict.Status;
        var settled = status != Status.Active;
        var next = request with { Status = status, Display = verdict.Display, SettledAt = settled ? tx.Now : null };
        await Change.Waiting(tx, request, decisions, Change.WaitsFor(request.Policy, verdict));
        next = await Change.Save(tx, request, next, viewer.Origin, settled ? $"request.{status.Ours()}" : "request.answered", new
        {
            n = decision.N,
            person = personId,
            answer = answer.Ours(),
            note,
            revision = decision.Revision,
            digest = decision.Digest,
            steps,
            disablings = decision.Disablings,
            status = status.Ours(),
        });
        return settled ? new DecideOutcome.Settled(next) : new DecideOutcome.Recorded(next);
    }

    private static async ValueTask Keep(Tx tx, RequestId id, Decision decision) =>
        await tx.Execute(
            """
            INSERT INTO decisions (request_id, n, revision, digest, person_id, answer, note, steps, disablings, for_person, via, at)
            VALUES (@id, @n, @revision, @digest, @person, @answer, @note, @steps, @disablings, @forPerson, @via, @at)
            """,
            new
            {
                id,
                n = decision.N,
                revision = decision.Revision,
                digest = decision.Digest,
                person = decision.PersonId,
                answer = decision.Answer.Ours(),
                note = decision.Note,
                steps = RequestRow.WriteNumbers(decision.Steps),
                disablings = decision.Disablings,
                forPerson = decision.ForPerson,
                via = decision.Via,
                at = decision.At,
            });

    /// <summary>Who decides, as the store knows them now: name, whether disabled, and the parties they belong to.</summary>
    private sealed class Author
    {
        public required string Name { get; init; }
        public required string Role { get; init; }
        public string? DisabledAt { get; init; }
        public long Disablings { get; init; }
        public string? Group { get; init; }
        public HashSet<string> Parties { get; } = [];

        public static async ValueTask<Author?> Find(Tx tx, long personId)
        {
            var rows = await tx.All<Author>(
                """
                SELECT p.name, p.role, p.disabled_at, p.disablings, 'group:' || m.group_id AS "group"
                FROM people p LEFT JOIN members m ON m.person_id = p.id
                WHERE p.id = @personId
                """,
                new { personId });
            if (rows.Count == 0 || rows[0].Role == "service")
                return null;
            var author = rows[0];
            author.Parties.Add(Party.Person(personId).Text);
            if (author.Role == "admin")
                author.Parties.Add(Party.Admins.Text);
            foreach (var row in rows)
            {
                if (row.Group is { } group)
                    author.Parties.Add(group);
            }
            return author;
        }
    }
}
