using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// What a ticket's assignment changes in who may see its requests (<see cref="Visibility"/>) and withdraw them. It
/// gives both if an admin made it, or another person who could see the request; agents who assign a ticket to
/// themselves get nothing by it. It ends when the ticket gets another assignee. Kept as a party of its own, so that
/// ending it takes away nothing else.
/// </summary>
internal static class TicketVisibility
{
    /// <summary>A new request of a ticket that has an assignee. On record in the ticket's history.</summary>
    public static async ValueTask Begin(Tx tx, ApprovalRequest request, Origin origin)
    {
        if (
            request.TicketId is not { } id
            || await TicketRow.Find(tx, id) is not { AssigneeId: { } assignee, AssignedBy: { } by } ticket
        )
        {
            return;
        }
        if (by == assignee || (ticket.AssignedByAdmin == 0 && !await Visibility.IsVisible(tx, request.Id, by)))
            return;
        await PolicyStamp.Join(tx, request.Id, Party.TicketAssignee(assignee).Text);
        string[] requests = [request.Id.Value];
        await tx.Append($"ticket:{id}", origin, "ticket.request_shared", new { assignee, requests });
    }

    /// <summary>The ticket gets another assignee: the one before loses sight, the new one gets it.</summary>
    /// <param name="by">Who assigns; <paramref name="byAdmin"/> when they do so as an admin.</param>
    /// <returns>The requests that the new assignee sees by it.</returns>
    public static async ValueTask<IReadOnlyList<string>> Pass(
        Tx tx,
        TicketRow ticket,
        long assignee,
        long by,
        bool byAdmin
    )
    {
        // Looked at before anything is taken away: an assignee may hand the ticket on.
        var shared =
            by == assignee
                ? []
                : await tx.All<IdRow>(
                    $"SELECT r.id FROM requests r WHERE r.ticket_id = @ticket AND {Visibility.MaySee} ORDER BY r.id",
                    new
                    {
                        ticket = ticket.Id,
                        admin = byAdmin ? 1 : 0,
                        source = 0,
                        person = by,
                    }
                );
        if (ticket.AssigneeId is { } before)
        {
            await tx.Execute(
                """
                DELETE FROM parties WHERE party = @before
                  AND request_id IN (SELECT id FROM requests WHERE ticket_id = @ticket)
                """,
                new { before = Party.TicketAssignee(before), ticket = ticket.Id }
            );
        }
        foreach (var request in shared)
            await PolicyStamp.Join(tx, RequestId.Of(request.Id), Party.TicketAssignee(assignee).Text);
        return [.. shared.Select(r => r.Id)];
    }

    private sealed class IdRow
    {
        public required string Id { get; init; }
    }
}
