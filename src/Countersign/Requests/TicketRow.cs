using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>What the ticket of a new request must be like.</summary>
/// <param name="MayBeUnknown">A ticket that is not here is made as a stub, with no more than its id.</param>
/// <param name="OneRequest">It may have no other request, unless that was withdrawn.</param>
public sealed record TicketTerms(bool MayBeUnknown, bool OneRequest);

/// <summary>A ticket as it lies in the store: as much of one as approvals need.</summary>
public sealed class TicketRow
{
    /// <summary>
    /// Greater ids are refused, so that there is always room for the next one and no reader of JSON rounds them.
    /// </summary>
    public const long GreatestId = 999_999_999_999_999;

    internal const string Columns = """
        id, subject, requester_id, assignee_id, created_at, status, priority, type, group_id, external_id, tags,
        fields, updated_at, assigned_by, assigned_by_admin, requesters
        """;

    public long Id { get; init; }
    public required string Subject { get; init; }
    public long? RequesterId { get; init; }
    public long? AssigneeId { get; init; }
    public required string CreatedAt { get; init; }
    public required string Status { get; init; }
    public string? Priority { get; init; }
    public string? Type { get; init; }
    public long? GroupId { get; init; }
    public string? ExternalId { get; init; }

    /// <summary>JSON: a list of words, and a list of <c>{id, value}</c>.</summary>
    public required string Tags { get; init; }
    public required string Fields { get; init; }
    public string? UpdatedAt { get; init; }

    /// <summary>Who made its assignee that, where it is known, and whether they did so as an admin.</summary>
    public long? AssignedBy { get; init; }
    public long AssignedByAdmin { get; init; }

    /// <summary>Everyone who is or was its requester, none of whom decides its requests.</summary>
    public required string Requesters { get; init; }

    public IReadOnlyList<long> AllRequesters =>
        [.. RequestRow.ReadNumbers(Requesters).Append(RequesterId ?? 0).Where(id => id != 0).Distinct().Order()];

    /// <summary>Requests of one ticket that are over, as in the original: after so many it takes no more.</summary>
    internal const int MaxInactive = 50;

    public static ValueTask<TicketRow?> Find(Store store, long id, CancellationToken cancel) =>
        store.Read(reader => Find(reader, id), cancel);

    /// <summary>Of several tickets those who asked for them, where that is known.</summary>
    public static async ValueTask<IReadOnlyDictionary<long, long>> RequestersOf(
        Store store,
        IReadOnlyList<long> tickets,
        CancellationToken cancel
    )
    {
        if (tickets.Count == 0)
            return new Dictionary<long, long>();
        var (names, arguments) = SqlList.Whole(tickets);
        var rows = await store.Read(
            reader =>
                reader.All<RequesterRow>(
                    $"SELECT id, requester_id FROM tickets WHERE id IN ({names}) AND requester_id IS NOT NULL",
                    arguments
                ),
            cancel
        );
        return rows.ToDictionary(r => r.Id, r => r.RequesterId);
    }

    /// <summary>
    /// The ticket of a new request, locked so that two requests for one ticket come one after the other.
    /// </summary>
    internal static async ValueTask<TicketRow?> Take(Tx tx, long id, bool mayBeUnknown)
    {
        if (await Find(tx, id) is { } known)
            return known;
        if (!mayBeUnknown)
            return null;
        var stub = new TicketRow
        {
            Id = id,
            Subject = $"Ticket {id}",
            CreatedAt = Instant.ToText(tx.Now),
            Status = "new",
            Tags = "[]",
            Fields = "[]",
            Requesters = "",
        };
        var made = await tx.Execute(
            """
            INSERT INTO tickets (id, subject, created_at, status, tags, fields)
            VALUES (@id, @subject, @at, @status, @tags, @fields) ON CONFLICT (id) DO NOTHING
            """,
            new
            {
                id,
                subject = stub.Subject,
                at = stub.CreatedAt,
                status = stub.Status,
                tags = stub.Tags,
                fields = stub.Fields,
            }
        );
        return made == 1 ? stub : await Find(tx, id);
    }

    internal static ValueTask<TicketRow?> Find(Reader reader, long id) =>
        reader.First<TicketRow>(
            $"SELECT {Columns} FROM tickets WHERE id = @id{(reader is Tx tx ? tx.ForUpdate : "")}",
            new { id }
        );

    /// <summary>Whether the ticket has any request, which most tickets have not.</summary>
    internal static async ValueTask<bool> HasRequest(Reader reader, long id) =>
        await reader.Text("SELECT id FROM requests WHERE ticket_id = @id LIMIT 1", new { id }) is not null;

    /// <summary>How many requests of the ticket are over, up to <see cref="MostInactive"/>.</summary>
    internal static ValueTask<long> CountInactive(Reader reader, long id) =>
        reader.Number(
            """
            SELECT count(*)
            FROM (SELECT 1 FROM requests WHERE ticket_id = @id AND status IN ('approved', 'rejected',
            'withdrawn') LIMIT @most) k
            """,
            new { id, most = MaxInactive }
        );

    /// <summary>Whether the ticket has a request in one of these statuses, of which there are at most three.</summary>
    internal static async ValueTask<bool> HasRequest(Reader reader, long id, params Status[] statuses) =>
        await reader.Text(
            "SELECT id FROM requests WHERE ticket_id = @id AND status IN (@first, @second, @third) LIMIT 1",
            new
            {
                id,
                first = statuses[0].ToWireName(),
                second = statuses[Math.Min(1, statuses.Length - 1)].ToWireName(),
                third = statuses[^1].ToWireName(),
            }
        )
            is not null;

    private sealed class RequesterRow
    {
        public long Id { get; init; }
        public long RequesterId { get; init; }
    }
}
