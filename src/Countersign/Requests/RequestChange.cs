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
                  broke_glass_at = @brokeGlassAt, stuck = @stuck, expires_at = @expiresAt, events = @events,
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
                    events = head.Count,
                    head = head.Hash,
                    id = before.Id,
                    seen = before.Head.Count,
                }
            );
        return written == 1
            ? next with
            {
                Head = head,
            }
            : throw new InvalidOperationException("A request changed under its own lock.");
    }

    /// <summary>A question that is settled is not stuck, and nothing is due for it.</summary>
    private static async ValueTask<ApprovalRequest> Settling(Tx tx, ApprovalRequest before, ApprovalRequest next)
    {
        if (!before.IsSettled)
            await DueTimes.Clear(tx, next);
        return next.Stuck is null ? next : next with { Stuck = null };
    }

    /// <summary>
    /// Takes the request from the inboxes it is in and puts it into those of <paramref name="after"/>. Which they are
    /// follows from the answers so far, unless one ceased to count because its author was disabled: the inboxes may not
    /// have heard of that yet, so all that the policy names are gone through.
    /// </summary>
    public static async ValueTask Waiting(
        Tx tx,
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        IReadOnlySet<string> after
    )
    {
        var unsure = decisions.Any(d => d.AuthorDisabled);
        var before = unsure
            ? request.Policy.Steps.SelectMany(s => s.From).Select(a => a.Party.Text).ToHashSet()
            : WaitsFor(request.Policy, Weigh.Of(request with { ExpiresAt = null }, decisions, tx.Now));
        foreach (var party in before.Where(p => !after.Contains(p)))
        {
            await tx.Execute(
                "DELETE FROM waiting WHERE party = @party AND request_id = @id",
                new { party, id = request.Id }
            );
        }
        foreach (var party in after.Where(p => unsure || !before.Contains(p)))
            await Wait(tx, request.Id, party);
    }

    public static async ValueTask Wait(Tx tx, RequestId id, string party) =>
        await tx.Execute(
            "INSERT INTO waiting (party, request_id) VALUES (@party, @id) ON CONFLICT (party, request_id) DO NOTHING",
            new { party, id }
        );

    /// <summary>Whom a verdict waits for.</summary>
    public static IReadOnlySet<string> WaitsFor(Policy policy, Verdict verdict) =>
        verdict is Verdict.StillPending pending
            ? pending.Useful.SelectMany(step => policy.Steps[step].From).Select(a => a.Party.Text).ToHashSet()
            : EmptySet;

    public static IReadOnlySet<string> Nobody => EmptySet;

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
