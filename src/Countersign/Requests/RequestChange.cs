using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// What every use case does when a request changes: the row, the event and whom it waits for are written
/// together. The guard on the number of events makes a change from a stale snapshot impossible.
/// </summary>
internal static class RequestChange
{
    /// <summary>Appends the event and brings the row to what <paramref name="next"/> says.</summary>
    /// <param name="permit">Without it the status stays as it is; only <see cref="Settle"/> has one.</param>
    public static async ValueTask<ApprovalRequest> Save(
        Tx tx,
        ApprovalRequest before,
        ApprovalRequest next,
        Origin origin,
        string kind,
        object data,
        Settle? permit = null
    )
    {
        if (next.Status != before.Status && permit is null)
        {
            throw new InvalidOperationException(
                $"{kind} may not turn {before.Status} into {next.Status}: only Settle changes a status."
            );
        }
        if (next.IsSettled)
            next = await Settling(tx, before, next);
        // The row names one requester; an earlier one goes on seeing the request.
        if (before.RequesterId is { } earlier && earlier != next.RequesterId)
            await PolicyStamp.Join(tx, before.Id, Party.Person(earlier).Text);
        var head = await tx.Append(before.Id.Subject, before.Head, origin, kind, data);
        // What stays is not written again: it would go through every index.
        var written =
            ReferenceEquals(next, before)
                ? await tx.Execute(
                    "UPDATE requests SET events = @events, head = @head WHERE id = @id AND events = @seen",
                    new
                    {
                        events = head.Count,
                        head = head.Hash,
                        id = before.Id,
                        seen = before.Head.Count,
                    }
                )
            : next with
            {
                Status = before.Status,
                Display = before.Display,
                SettledAt = before.SettledAt,
                Stuck = before.Stuck,
            } == before
                ? await tx.Execute(
                    """
                    UPDATE requests
                    SET status = @status, display = @display, settled_at = @settledAt, stuck = @stuck,
                    events = @events, head = @head
                    WHERE id = @id AND events = @seen
                    """,
                    new
                    {
                        status = next.Status.ToWireName(),
                        display = next.Display,
                        settledAt = next.SettledAt,
                        stuck = next.Stuck?.ToText(),
                        events = head.Count,
                        head = head.Hash,
                        id = before.Id,
                        seen = before.Head.Count,
                    }
                )
            : await tx.Execute(
                """
                UPDATE requests
                SET status = @status, display = @display, revision = @revision, digest = @digest, stamp = @stamp,
                barred = @barred,
                  requester_id = @requesterId, requester_name = @requesterName, certainty = @certainty, claim = @claim,
                  subject = @subject, search = @search, settled_at = @settledAt, applied_at = @appliedAt,
                  breached_at = @breachedAt,
                  broke_glass_at = @brokeGlassAt, stuck = @stuck, expires_at = @expiresAt,
                  assignee_user = @assigneeUser, assignee_group = @assigneeGroup, delegations = @delegations,
                  open_check = @openCheck, reading = @reading, change_digest = @changeDigest,
                  events = @events,
                  head = @head
                WHERE id = @id AND events = @seen
                """,
                new
                {
                    status = next.Status.ToWireName(),
                    display = next.Display,
                    revision = next.Revision,
                    digest = next.Digest,
                    stamp = next.Policy.Stamp,
                    barred = RequestRow.WriteNumbers(next.Barred),
                    requesterId = next.RequesterId,
                    requesterName = next.RequesterName,
                    certainty = next.Certainty.ToWireName(),
                    claim = next.Claim?.ToText(),
                    subject = next.Subject,
                    search = SearchText(next),
                    settledAt = next.SettledAt,
                    appliedAt = next.AppliedAt,
                    breachedAt = next.BreachedAt,
                    brokeGlassAt = next.BrokeGlassAt,
                    stuck = next.Stuck?.ToText(),
                    expiresAt = next.ExpiresAt,
                    assigneeUser = next.AssigneeUser,
                    assigneeGroup = next.AssigneeGroup,
                    delegations = RequestRow.WriteDelegations(next.Delegations),
                    openCheck = next.OpenCheck.ToText(),
                    reading = next.Reading,
                    changeDigest = next.ChangeDigest,
                    events = head.Count,
                    head = head.Hash,
                    id = before.Id,
                    seen = before.Head.Count,
                }
            );
        if (next.ExpiresAt != before.ExpiresAt)
            await ExpireAt(tx, next.Id, next.ExpiresAt, [.. PartiesOf(before.Policy).Union(PartiesOf(next.Policy))]);
        return written == 1
            ? next with
            {
                Head = head,
            }
            : throw new InvalidOperationException("A request changed under its own lock.");
    }

    /// <summary>
    /// A settled request is not stuck, LaunchDarkly is asked nothing more about it, nothing is due for it, and no seat
    /// in it is delegated.
    /// </summary>
    private static async ValueTask<ApprovalRequest> Settling(Tx tx, ApprovalRequest before, ApprovalRequest next)
    {
        if (!before.IsSettled)
            await DueTimes.Clear(tx, next);
        if (next.Delegations.Count > 0)
        {
            await tx.Execute("DELETE FROM delegations WHERE request_id = @id", new { id = next.Id });
            next = next with { Delegations = [] };
        }
        return next is { Stuck: null, OpenCheck: OpenCheck.None }
            ? next
            : next with
            {
                Stuck = null,
                OpenCheck = OpenCheck.None,
            };
    }

    /// <summary>
    /// Takes the request from the inboxes it is in and puts it into those that follow from the next verdict. Which they
    /// are follows from the answers so far, unless one ceased to count because its author was disabled: the inboxes may
    /// not have heard of that yet, so all that the policy names are gone through.
    /// </summary>
    /// <param name="policy">The one that was weighed; null, with <paramref name="next"/>: it waits for no one.</param>
    public static async ValueTask Waiting(
        Tx tx,
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Policy? policy = null,
        Verdict? next = null
    )
    {
        var unsure = decisions.Any(d => d.AuthorDisabled);
        var all = unsure ? PartiesOf(request.Policy).ToHashSet() : EmptySet;
        var verdict = unsure ? null : Weigh.Of(request with { ExpiresAt = null }, decisions, tx.Now);
        await Move(
            tx,
            "waiting",
            request.Id,
            verdict is null ? all : WaitsFor(request.Policy, verdict),
            next is null ? EmptySet : WaitsFor(policy!, next),
            unsure
        );
        await Move(
            tx,
            "answerable",
            request.Id,
            verdict is null ? all : AlsoAnswerable(request.Policy, verdict),
            next is null ? EmptySet : AlsoAnswerable(policy!, next),
            unsure
        );
    }

    private static async ValueTask Move(
        Tx tx,
        string table,
        RequestId id,
        IReadOnlySet<string> before,
        IReadOnlySet<string> after,
        bool unsure
    )
    {
        foreach (var party in before.Where(p => !after.Contains(p)))
            await tx.Execute($"DELETE FROM {table} WHERE party = @party AND request_id = @id", new { party, id });
        foreach (var party in after.Where(p => unsure || !before.Contains(p)))
        {
            await tx.Execute(
                table == "waiting"
                    ? """
                    INSERT INTO waiting (party, request_id, expires_at)
                    SELECT @party, id, expires_at FROM requests WHERE id = @id
                    ON CONFLICT (party, request_id) DO NOTHING
                    """
                    : $"""
                    INSERT INTO {table} (party, request_id) VALUES (@party, @id)
                    ON CONFLICT (party, request_id) DO NOTHING
                    """,
                new { party, id }
            );
        }
    }

    /// <summary>Those for whom a request waits have it in the order in which requests expire.</summary>
    private static async ValueTask ExpireAt(
        Tx tx,
        RequestId id,
        DateTimeOffset? expiresAt,
        IReadOnlyList<string> parties
    )
    {
        foreach (var party in parties)
        {
            await tx.Execute(
                "UPDATE waiting SET expires_at = @expiresAt WHERE party = @party AND request_id = @id",
                new
                {
                    expiresAt,
                    party,
                    id,
                }
            );
        }
    }

    private static IEnumerable<string> PartiesOf(Policy policy) =>
        policy.Steps.SelectMany(step => step.From).Select(a => a.Party.Text);

    /// <summary>In the inboxes of a request that has just come.</summary>
    public static ValueTask Wait(Tx tx, RequestId id, IReadOnlySet<string> parties) =>
        Move(tx, "waiting", id, EmptySet, parties, unsure: false);

    /// <summary>Whom a verdict waits for.</summary>
    public static IReadOnlySet<string> WaitsFor(Policy policy, Verdict verdict) =>
        verdict is Verdict.StillPending pending
            ? pending.Useful.SelectMany(step => policy.Steps[step].From).Select(a => a.Party.Text).ToHashSet()
            : EmptySet;

    /// <summary>
    /// Who is not waited for, but may answer all the same: their steps have come, and others have filled them. A
    /// rejection still settles the request.
    /// </summary>
    public static IReadOnlySet<string> AlsoAnswerable(Policy policy, Verdict verdict)
    {
        // A verdict without steps, or in the first one, leaves out no one.
        if (verdict is not Verdict.StillPending { OpenStep: > 0 and var open } pending)
            return EmptySet;
        var parties = policy.Steps.Take(open).SelectMany(step => step.From).Select(a => a.Party.Text).ToHashSet();
        parties.ExceptWith(WaitsFor(policy, pending));
        return parties;
    }

    private static readonly HashSet<string> EmptySet = [];

    /// <summary>What free-text search looks at, for requests <c>r</c>.</summary>
    public const string Searched =
        "coalesce(r.search, lower(r.subject || '\n' || r.requester_name || '\n' || coalesce(r.external_id, '')))";

    /// <summary>
    /// The same text folded, where it has letters that the engines do not fold alike. ASCII letters they all do, so
    /// those are not written twice.
    /// </summary>
    public static string? SearchText(ApprovalRequest request)
    {
        var text = $"{request.Subject}\n{request.RequesterName}\n{request.ExternalId}";
        return System.Text.Ascii.IsValid(text) ? null : text.ToLowerInvariant();
    }
}
