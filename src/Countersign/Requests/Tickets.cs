using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>What somebody wants of a ticket: null leaves a member as it is.</summary>
public sealed record TicketChange
{
    public string? Subject { get; init; }
    public string? Status { get; init; }
    public string? Priority { get; init; }
    public string? Type { get; init; }
    public long? RequesterId { get; init; }
    public long? AssigneeId { get; init; }
    public long? GroupId { get; init; }
    public string? ExternalId { get; init; }

    /// <summary>All of them, or those to add and to take away.</summary>
    public IReadOnlyList<string>? Tags { get; init; }
    public IReadOnlyList<string> AddTags { get; init; } = [];
    public IReadOnlyList<string> RemoveTags { get; init; } = [];

    /// <summary>A JSON list of <c>{id, value}</c>.</summary>
    public string? Fields { get; init; }
    public string? Comment { get; init; }
    public bool IsPublic { get; init; } = true;
}

public abstract record TicketOutcome
{
    private TicketOutcome() { }

    /// <param name="Audit">The number of the event that tells of it.</param>
    public sealed record Done(TicketRow Ticket, long Audit) : TicketOutcome;

    /// <summary>Closed is final.</summary>
    public sealed record Closed : TicketOutcome;

    /// <summary>
    /// It has an active request: it cannot be closed, nor get another requester, who would then have to be barred.
    /// </summary>
    public sealed record Waits(string Field) : TicketOutcome;

    public sealed record NotFound : TicketOutcome;
}

public sealed class TicketComment
{
    public long N { get; init; }
    public long AuthorId { get; init; }
    public required string Body { get; init; }
    public long IsPublic { get; init; }
    public required string At { get; init; }
}

/// <summary>
/// Light tickets, where no service desk is connected: made, changed and talked about, each with its event.
/// </summary>
public sealed class Tickets(Store store)
{
    public const string ClosedStatus = "closed";
    public static readonly IReadOnlyList<string> Statuses = ["new", "open", "pending", "hold", "solved", ClosedStatus];
    public static readonly IReadOnlyList<string> Priorities = ["low", "normal", "high", "urgent"];

    public Task<TicketOutcome> Add(TicketChange wanted, long authorId, Origin origin, CancellationToken cancel) =>
        store.InTransaction<TicketOutcome>(
            async tx =>
            {
                // Stubs have ids of their callers' choice, so the next id is counted and not drawn from a sequence;
                // where two nodes count alike, the later one runs again. Above the greatest there is no room.
                var id = await tx.Number("SELECT coalesce(max(id), 0) + 1 FROM tickets");
                if (id > TicketRow.GreatestId)
                {
                    id = await tx.Number(
                        """
                        SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM tickets WHERE id = 1) THEN 1 ELSE (
                          SELECT t.id + 1 FROM tickets t
                          WHERE NOT EXISTS (SELECT 1 FROM tickets n WHERE n.id = t.id + 1) ORDER BY t.id LIMIT 1) END
                        """
                    );
                }
                await tx.Execute(
                    "INSERT INTO tickets (id, subject, created_at) VALUES (@id, '', @now)",
                    new { id, now = tx.Now }
                );
                var ticket = (await TicketRow.Find(tx, id))!;
                return await Write(
                    tx,
                    ticket,
                    wanted with
                    {
                        RequesterId = wanted.RequesterId ?? authorId,
                    },
                    authorId,
                    origin,
                    "ticket.added"
                );
            },
            cancel
        );

    public Task<TicketOutcome> Change(
        long id,
        TicketChange wanted,
        long authorId,
        Origin origin,
        CancellationToken cancel
    ) =>
        store.InTransaction<TicketOutcome>(
            async tx =>
            {
                if (await TicketRow.Find(tx, id) is not { } ticket)
                    return new TicketOutcome.NotFound();
                if (ticket.Status == ClosedStatus)
                    return new TicketOutcome.Closed();
                var closes = wanted.Status == ClosedStatus;
                var asksAnew = wanted.RequesterId is { } requester && requester != ticket.RequesterId;
                if ((closes || asksAnew) && await TicketRow.HasRequest(tx, id, Status.Active))
                    return new TicketOutcome.Waits(closes ? "status" : "requester_id");
                return await Write(tx, ticket, wanted, authorId, origin, "ticket.changed");
            },
            cancel
        );

    public ValueTask<List<TicketComment>> Comments(long id, CancellationToken cancel) =>
        store.Read(
            reader =>
                reader.All<TicketComment>(
                    "SELECT n, author_id, body, is_public, at FROM ticket_comments WHERE ticket_id = @id ORDER BY n",
                    new { id }
                ),
            cancel
        );

    private static async ValueTask<TicketOutcome> Write(
        Tx tx,
        TicketRow ticket,
        TicketChange wanted,
        long authorId,
        Origin origin,
        string kind
    )
    {
        var tags = wanted.Tags ?? JsonSerializer.Deserialize<string[]>(ticket.Tags)!;
        tags = [.. tags.Concat(wanted.AddTags).Except(wanted.RemoveTags).Distinct()];
        var requesters = ticket.AllRequesters.Append(wanted.RequesterId ?? 0).Where(id => id != 0).Distinct().Order();
        // Named again, an assignee is not assigned again: clients send back what they have read.
        var assigned = wanted.AssigneeId is { } named && named != ticket.AssigneeId ? named : (long?)null;
        var byAdmin = assigned is not null && await IsAdmin(tx, authorId);
        var shared = assigned is { } assignee
            ? await TicketVisibility.Pass(tx, ticket, assignee, authorId, byAdmin)
            : [];
        await tx.Execute(
            """
            UPDATE tickets
            SET subject = @subject, status = @status, priority = @priority, type = @type, requester_id = @requester,
            assignee_id = @assignee,
              group_id = @group, external_id = @external, tags = @tags, fields = @fields, updated_at = @now,
              assigned_by = @assignedBy, assigned_by_admin = @assignedByAdmin, requesters = @requesters
            WHERE id = @id
            """,
            new
            {
                subject = wanted.Subject ?? ticket.Subject,
                status = wanted.Status ?? ticket.Status,
                priority = wanted.Priority ?? ticket.Priority,
                type = wanted.Type ?? ticket.Type,
                requester = wanted.RequesterId ?? ticket.RequesterId,
                assignee = wanted.AssigneeId ?? ticket.AssigneeId,
                group = wanted.GroupId ?? ticket.GroupId,
                external = wanted.ExternalId ?? ticket.ExternalId,
                tags = History.ToJson(tags),
                fields = wanted.Fields ?? ticket.Fields,
                now = tx.Now,
                assignedBy = assigned is null ? ticket.AssignedBy : authorId,
                assignedByAdmin = assigned is null ? ticket.AssignedByAdmin
                : byAdmin ? 1
                : 0,
                requesters = RequestRow.WriteNumbers(requesters),
                id = ticket.Id,
            }
        );
        if (wanted.Comment is { } body)
        {
            await tx.Execute(
                """
                INSERT INTO ticket_comments (ticket_id, n, author_id, body, is_public, at)
                SELECT @id, coalesce(max(n), 0) + 1, @author, @body, @isPublic, @now FROM ticket_comments
                WHERE ticket_id = @id
                """,
                new
                {
                    id = ticket.Id,
                    author = authorId,
                    body,
                    isPublic = wanted.IsPublic ? 1 : 0,
                    now = tx.Now,
                }
            );
        }
        await tx.Append(
            $"ticket:{ticket.Id}",
            origin,
            kind,
            new
            {
                subject = wanted.Subject,
                status = wanted.Status,
                requester = wanted.RequesterId,
                assignee = wanted.AssigneeId,
                commented = wanted.Comment is not null,
                by = assigned is null ? (long?)null : authorId,
                byAdmin = assigned is null ? (bool?)null : byAdmin,
                requests = shared.Count == 0 ? null : shared,
            }
        );
        var audit = await tx.Number(
            "SELECT n FROM event_heads WHERE subject = @subject",
            new { subject = $"ticket:{ticket.Id}" }
        );
        return new TicketOutcome.Done((await TicketRow.Find(tx, ticket.Id))!, audit);
    }

    /// <summary>Asked of the store, because the door's own knowledge may be a moment old.</summary>
    private static async ValueTask<bool> IsAdmin(Tx tx, long person) =>
        await tx.Number(
            "SELECT count(*) FROM people WHERE id = @person AND role = 'admin' AND disabled_at IS NULL",
            new { person }
        ) > 0;
}
