using System.Collections.Concurrent;
using Countersign.Policies;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

/// <summary>Who asks, as far as a door could tell.</summary>
/// <param name="PersonId">That person, when known.</param>
/// <param name="Barred">Everyone who may be the requester, and so may not decide.</param>
/// <param name="Certainty">How sure that is.</param>
public sealed record Requester(long? PersonId, string Name, IReadOnlyList<long> Barred, Certainty Certainty)
{
    /// <summary>What the call says about it, with those it matched; null where it says nothing.</summary>
    public RequesterClaim? Claim { get; init; }

    /// <summary>
    /// How others read of them. Policies look at the name alone, which does not change when a namesake comes.
    /// </summary>
    public string DisplayName { get; init; } = Name;
}

/// <summary>A question as a door hands it over: parsed, measured and with its people resolved.</summary>
public sealed record Submission
{
    public required long SourceId { get; init; }
    public required SentBy SentBy { get; init; }

    /// <summary>The creator's own id: asking twice under it is one request. No other caller finds it by that.</summary>
    public string? ExternalId { get; init; }
    public required string Subject { get; init; }
    public string Message { get; init; } = "";

    /// <summary>
    /// A JSON object: environment, flag, <c>form.risk</c> and all else that a policy or a reader may want by name.
    /// </summary>
    public string Facts { get; init; } = "{}";

    /// <summary>The whole body as it came, and the digest of its canonical form, which answers refer to.</summary>
    public required string Body { get; init; }
    public required string Digest { get; init; }
    public required Requester Requester { get; init; }

    /// <summary>The person who stands as creator: whoever asked, or the source's service person.</summary>
    public long? CreatorId { get; init; }
    public Approver? Assignee { get; init; }
    public long? TicketId { get; init; }

    /// <summary>What that ticket must be like; its requester may not decide.</summary>
    public TicketTerms? TicketTerms { get; init; }
    public required Policy Policy { get; init; }

    /// <summary>What LaunchDarkly is asked about it before anything approves it.</summary>
    public OpenCheck Check { get; init; }

    /// <summary>Why nobody could ever make it pass, when that is known already.</summary>
    public Blocked? Stuck { get; init; }
}

/// <summary>
/// The caller's promise that a repeat is the same call: its key, a hash of the call, and how the first answer reads.
/// </summary>
public sealed record Repeatable(string Key, string Call, Func<ApprovalRequest, string> Answer);

public abstract record SubmitOutcome
{
    private SubmitOutcome() { }

    public sealed record Created(ApprovalRequest Request) : SubmitOutcome;

    /// <summary>Asked before with the same content: nothing was written.</summary>
    public sealed record Known(ApprovalRequest Request) : SubmitOutcome;

    /// <summary>Other content under the same id while active: earlier answers no longer count.</summary>
    public sealed record Revised(ApprovalRequest Request) : SubmitOutcome;

    /// <summary>Other content under the id of a settled request: refused, on record.</summary>
    public sealed record Settled(ApprovalRequest Request) : SubmitOutcome;

    /// <summary>Other content with another assignee: refused, as a revision does not choose who decides.</summary>
    public sealed record AssigneeDiffers(ApprovalRequest Request) : SubmitOutcome;

    /// <summary>The same call under the same idempotency key: the first answer once more.</summary>
    public sealed record Replayed(int Status, string Answer) : SubmitOutcome;

    /// <summary>Another call under a key that was already used.</summary>
    public sealed record KeyTaken : SubmitOutcome;

    /// <summary>No such ticket, and none may be made up.</summary>
    public sealed record NoTicket : SubmitOutcome;

    /// <summary>The ticket has a request that was not withdrawn, and may have one only.</summary>
    public sealed record TicketTaken : SubmitOutcome;

    /// <summary>The ticket has had as many requests as one may have.</summary>
    public sealed record TicketFull : SubmitOutcome;

    /// <summary>The assignee is the ticket's requester, who may not decide.</summary>
    public sealed record AssigneeAsks : SubmitOutcome;
}

/// <summary>Where a request begins: it is stored with its policy stamped and its first event.</summary>
public sealed class Submit(Store store, RequestIds ids, RetentionOptions? retention = null)
{
    private const int MaxStamps = 10_000;

    /// <summary>Whose act it is when a policy answers by itself.</summary>
    private static readonly Origin OfPolicy = new(Actor.Hub, "policy", "");

    private readonly IdempotencyKeys _keys = new((retention ?? new RetentionOptions()).IdempotencyKeys);

    /// <summary>
    /// Stamps known to be in the store for good: they are never changed or deleted, so writing them again can be left
    /// out.
    /// </summary>
    private readonly ConcurrentDictionary<string, bool> _keptStamps = new();

    public async Task<SubmitOutcome> Run(
        Submission submission,
        Origin origin,
        Repeatable? repeatable,
        CancellationToken cancel
    )
    {
        var draft = NewRequestDraft.Of(submission, origin, store.Now);
        var outcome = await store.InTransaction(
            async tx =>
            {
                if (repeatable is not null && await Earlier(tx, repeatable) is { } earlier)
                    return earlier;
                var outcome = await Place(tx, draft, origin);
                if (repeatable is not null)
                    await Remember(tx, repeatable, outcome);
                return outcome;
            },
            cancel
        );
        NoteStamp(outcome);
        return outcome;
    }

    /// <summary>Inside a transaction that has more to do; once it stands, <see cref="NoteStamp"/> follows.</summary>
    internal ValueTask<SubmitOutcome> Within(Tx tx, NewRequestDraft draft, Origin origin) => Place(tx, draft, origin);

    private async ValueTask<SubmitOutcome> Place(Tx tx, NewRequestDraft draft, Origin origin)
    {
        var submission = draft.Submission;
        if (
            submission.ExternalId is not { } externalId
            || await RequestRow.FindExternal(tx, submission.SourceId, submission.CreatorId, externalId) is not { } known
        )
        {
            if (submission is { TicketId: { } ticket, TicketTerms: { } terms })
            {
                var (refusal, withTicket) = await OfTicket(tx, ticket, terms, submission);
                if (refusal is not null)
                    return refusal;
                submission = withTicket;
            }
            // What was worked out before holds, unless the ticket bars one person more or the clock of the policy
            // starts now.
            if (!ReferenceEquals(submission, draft.Submission) || submission.Policy.IsTimed)
                draft = NewRequestDraft.Of(submission, origin, tx.Now);
            return new SubmitOutcome.Created(await Create(tx, draft, origin));
        }
        known = await Settle.IfExpired(tx, known);
        if (known.Digest == submission.Digest)
            return new SubmitOutcome.Known(known);
        if (known.IsSettled)
        {
            var told = new { digest = submission.Digest };
            return new SubmitOutcome.Settled(
                await RequestChange.Save(tx, known, known, origin, "request.conflicted", told)
            );
        }
        if (submission.Assignee?.Party != known.Assignee)
        {
            if (await Reassign.Keep(tx, known, submission) is not { } kept)
                return new SubmitOutcome.AssigneeDiffers(known);
            submission = kept;
        }
        return new SubmitOutcome.Revised(await Revise(tx, known, submission, origin));
    }

    /// <summary>A refusal, or the submission with everyone barred who is or was the ticket's requester.</summary>
    private static async ValueTask<(SubmitOutcome? Refusal, Submission Submission)> OfTicket(
        Tx tx,
        long id,
        TicketTerms terms,
        Submission submission
    )
    {
        if (await TicketRow.Take(tx, id, terms.MayBeUnknown) is not { } ticket)
            return (new SubmitOutcome.NoTicket(), submission);
        if (await TicketRow.HasRequest(tx, id))
        {
            if (terms.OneRequest && await TicketRow.HasRequest(tx, id, Status.Active, Status.Approved, Status.Rejected))
                return (new SubmitOutcome.TicketTaken(), submission);
            if (await TicketRow.CountInactive(tx, id) >= TicketRow.MaxInactive)
                return (new SubmitOutcome.TicketFull(), submission);
        }
        if (ticket.AllRequesters.Any(asks => submission.Assignee?.Party == Party.Person(asks)))
            return (new SubmitOutcome.AssigneeAsks(), submission);
        var requester = submission.Requester;
        if (ticket.AllRequesters.All(requester.Barred.Contains))
            return (null, submission);
        // Fewer people may answer, so what the door found out about that is looked at again.
        IReadOnlyList<long> barred = [.. requester.Barred.Union(ticket.AllRequesters).Order()];
        return (
            null,
            submission with
            {
                Requester = requester with { Barred = barred },
                Stuck = Feasibility.Of(submission.Policy, await PoolRows.All(tx), barred),
            }
        );
    }

    private async ValueTask<ApprovalRequest> Create(Tx tx, NewRequestDraft draft, Origin origin)
    {
        var submission = draft.Submission;
        var request = draft.Request with { Id = ids.Next(tx.Now), CreatedAt = tx.Now };
        await KeepStamp(tx, request.Policy);
        var head = await tx.Append(request.Id.Subject, request.Head, origin, "request.submitted", draft.Event);
        await tx.Execute(
            """
            INSERT INTO requests (id, source_id, external_id, sent_by, status, display, revision, digest, stamp, barred,
            subject, search,
              creator_id, requester_id, requester_name, certainty, claim, assignee_user, assignee_group, ticket_id,
              created_at, expires_at, open_check, events, head)
            VALUES (@id, @sourceId, @externalId, @sentBy, @status, @display, 1, @digest, @stamp, @barred, @subject,
            @search,
              @creatorId, @requesterId, @requesterName, @certainty, @claim, @assigneeUser, @assigneeGroup, @ticketId,
              @createdAt, @expiresAt, @openCheck, @events, @head)
            """,
            new
            {
                id = request.Id,
                sourceId = request.SourceId,
                externalId = request.ExternalId,
                sentBy = request.SentBy.ToWireName(),
                status = request.Status.ToWireName(),
                display = request.Display,
                digest = request.Digest,
                stamp = request.Policy.Stamp,
                barred = draft.BarredText,
                subject = request.Subject,
                search = draft.Search,
                creatorId = request.CreatorId,
                requesterId = request.RequesterId,
                requesterName = request.RequesterName,
                certainty = request.Certainty.ToWireName(),
                claim = request.Claim?.ToText(),
                assigneeUser = request.AssigneeUser,
                assigneeGroup = request.AssigneeGroup,
                ticketId = request.TicketId,
                createdAt = request.CreatedAt,
                expiresAt = request.ExpiresAt,
                openCheck = request.OpenCheck.ToText(),
                events = head.Count,
                head = head.Hash,
            }
        );
        await KeepRevision(tx, request, submission);
        await RequestTerms.Add(tx, request.Id, draft.Terms);
        foreach (var party in draft.Parties)
            await PolicyStamp.Join(tx, request.Id, party);
        await RequestChange.Wait(tx, request.Id, draft.WaitsFor);
        await TicketVisibility.Begin(tx, request, origin);
        return await Follow(tx, request with { Head = head }, draft.Verdict, submission.Stuck);
    }

    /// <summary>What the policy makes of a content that has just come, beyond waiting for people.</summary>
    private static async ValueTask<ApprovalRequest> Follow(
        Tx tx,
        ApprovalRequest request,
        Verdict verdict,
        Blocked? stuck
    )
    {
        if (request.OpenCheck != OpenCheck.None)
            await Jobs.Put(tx, OpenChecks.Job(request, tx.Now + OpenChecks.Delay));
        var because = request.Policy.RefusesRequester ? verdict.Display : request.Policy.Auto?.Because;
        if (because is not null && verdict.Status is (Status.Approved or Status.Rejected) and var status)
        {
            return await Settle.As(
                tx,
                request,
                request.Revision,
                [],
                status,
                verdict.Display,
                OfPolicy,
                new
                {
                    policy = request.Policy.Name,
                    because,
                    status = status.ToWireName(),
                }
            );
        }
        if (request.Policy.IsTimed)
            await DueTimes.Begin(tx, request, verdict);
        return stuck is null ? request : await BlockedRequests.Say(tx, request, [], stuck, OfPolicy);
    }

    private async ValueTask<ApprovalRequest> Revise(Tx tx, ApprovalRequest known, Submission submission, Origin origin)
    {
        submission = await Following(tx, known, submission);
        var requester = submission.Requester;
        var revised = NewRequestDraft.Weighed(
            known with
            {
                Barred = requester.Barred,
                RequesterId = requester.PersonId,
                RequesterName = requester.DisplayName,
                Certainty = requester.Certainty,
                Claim = requester.Claim,
                Revision = known.Revision + 1,
                Digest = submission.Digest,
                Policy = submission.Policy,
                Subject = submission.Subject,
                ExpiresAt = submission.Policy.Expire is { } expire ? tx.Now + expire.After : null,
                Stuck = null,
                OpenCheck = submission.Check,
                Reading = 1,
                ChangeDigest = null,
            },
            tx.Now,
            out var verdict
        );
        await DueTimes.Clear(tx, known);
        await KeepStamp(tx, revised.Policy);
        await RequestTerms.Change(
            tx,
            known.Id,
            await RequestTerms.Read(tx, known.Id),
            RequestTerms.Of(revised, submission.Facts)
        );
        await KeepRevision(tx, revised, submission);
        foreach (var party in NewRequestDraft.PartiesOf(revised, origin))
            await PolicyStamp.Join(tx, revised.Id, party);
        await RequestChange.Waiting(tx, known, await DecisionRow.Of(tx, known.Id), revised.Policy, verdict);
        revised = await RequestChange.Save(
            tx,
            known,
            revised,
            origin,
            "request.revised",
            NewRequestDraft.Data(revised, submission)
        );
        return await Follow(tx, revised, verdict, submission.Stuck);
    }

    /// <summary>
    /// What is asked after an earlier request for the same thing, or as a new revision of it: the door knew nothing of
    /// those who were barred before, nor of who has said that it was not they.
    /// </summary>
    internal static async ValueTask<Submission> Following(Tx tx, ApprovalRequest earlier, Submission submission)
    {
        var requester = AskedAfter(earlier, submission.Requester);
        var policy =
            requester.Certainty == Certainty.None ? RequesterCost.Disowned(submission.Policy) : submission.Policy;
        var isSame =
            ReferenceEquals(policy, submission.Policy) && requester.Barred.SequenceEqual(submission.Requester.Barred);
        return submission with
        {
            Requester = requester,
            Policy = policy,
            Stuck = isSame ? submission.Stuck : Feasibility.Of(policy, await PoolRows.All(tx), requester.Barred),
        };
    }

    /// <summary>Whether these are people of whom the request doesn't know yet that they ask, too.</summary>
    internal static bool IsAskedByMore(ApprovalRequest known, Requester requester)
    {
        var asked = AskedAfter(known, requester);
        return !asked.Barred.SequenceEqual(known.Barred)
            || asked.Certainty < known.Certainty
            || asked.Claim?.ToText() != known.Claim?.ToText();
    }

    /// <summary>
    /// Those who may not decide only ever become more, a person who has said that it was not they is not asked again,
    /// and a requester who was not recognized goes on costing what that costs.
    /// </summary>
    private static Requester AskedAfter(ApprovalRequest known, Requester requester)
    {
        var claim = (requester.Claim ?? RequesterClaim.Nothing).After(known.Claim ?? RequesterClaim.Nothing);
        var isUnknown =
            known.Policy.RequesterUnknown
            || claim.IsFull
            || (requester.Certainty == Certainty.Claimed && claim.People.Count == 0);
        return requester with
        {
            Barred = [.. known.Barred.Union(requester.Barred).Order()],
            PersonId = requester.PersonId is { } person && claim.Disowned.Contains(person) ? null : requester.PersonId,
            Certainty = isUnknown ? Certainty.None : requester.Certainty,
            Claim = claim is { IsEmpty: true, Disowned.Count: 0 } ? null : claim,
        };
    }

    private async ValueTask KeepStamp(Tx tx, Policy policy)
    {
        if (_keptStamps.ContainsKey(policy.Stamp))
            return;
        await tx.Execute(
            "INSERT INTO stamps (hash, policy) VALUES (@hash, @policy) ON CONFLICT (hash) DO NOTHING",
            new { hash = policy.Stamp, policy = policy.ToText() }
        );
    }

    /// <summary>
    /// Only now, after the commit: a transaction that was undone has kept nothing. What was kept is the request's own
    /// policy, which may be another than the door found.
    /// </summary>
    internal void NoteStamp(SubmitOutcome? outcome)
    {
        var stamp = outcome switch
        {
            SubmitOutcome.Created { Request: var created } => created.Policy.Stamp,
            SubmitOutcome.Revised { Request: var revised } => revised.Policy.Stamp,
            _ => null,
        };
        if (stamp is null)
            return;
        if (_keptStamps.Count >= MaxStamps)
            _keptStamps.Clear();
        _keptStamps[stamp] = true;
    }

    private static async ValueTask KeepRevision(Tx tx, ApprovalRequest request, Submission submission) =>
        await tx.Execute(
            """
            INSERT INTO revisions (request_id, n, digest, stamp, message, facts, body, at)
            VALUES (@id, @n, @digest, @stamp, @message, @facts, @body, @at)
            """,
            new
            {
                id = request.Id,
                n = request.Revision,
                digest = request.Digest,
                stamp = request.Policy.Stamp,
                message = submission.Message,
                facts = submission.Facts,
                body = submission.Body,
                at = tx.Now,
            }
        );

    private async ValueTask<SubmitOutcome?> Earlier(Tx tx, Repeatable repeatable) =>
        await _keys.Find(tx, repeatable.Key) is not { } earlier ? null
        : earlier.Call == repeatable.Call ? new SubmitOutcome.Replayed(earlier.Status, earlier.Answer)
        : new SubmitOutcome.KeyTaken();

    /// <summary>Refusals are not remembered: asked again, they are looked at again.</summary>
    private async ValueTask Remember(Tx tx, Repeatable repeatable, SubmitOutcome outcome)
    {
        var (status, request) = outcome switch
        {
            SubmitOutcome.Created { Request: var created } => (201, created),
            SubmitOutcome.Revised { Request: var revised } => (200, revised),
            SubmitOutcome.Known { Request: var known } => (200, known),
            _ => (0, null),
        };
        if (request is null)
            return;
        await _keys.Keep(tx, repeatable.Key, repeatable.Call, status, repeatable.Answer(request));
    }

    /// <summary>Keys whose calls are not repeated any more.</summary>
    public static CleaningStep OldKeys(Store store, RetentionOptions keep) =>
        CleaningStep.Delete(
            "idempotency keys",
            store,
            keep.IdempotencyKeys,
            """
            DELETE FROM idempotency
            WHERE key IN (SELECT key FROM idempotency WHERE at <= @oldest ORDER BY at LIMIT @chunk)
            """
        );
}
