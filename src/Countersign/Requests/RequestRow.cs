using System.Globalization;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>A request as it lies in the store, with the text of its stamped policy.</summary>
internal sealed class RequestRow
{
    public const string Columns = """
        r.id, r.source_id, r.external_id, r.sent_by, r.status, r.display, r.revision, r.digest, r.stamp, r.barred,
        r.subject, r.creator_id, r.requester_id, r.requester_name, r.certainty, r.claim, r.assignee_user,
        r.assignee_group, r.ticket_id, r.created_at, r.expires_at, r.settled_at, r.applied_at, r.breached_at,
        r.broke_glass_at, r.stuck, r.events, r.head, s.policy
        """;

    public const string From = "FROM requests r JOIN stamps s ON s.hash = r.stamp";

    public required string Id { get; init; }
    public long SourceId { get; init; }
    public string? ExternalId { get; init; }
    public required string SentBy { get; init; }
    public required string Status { get; init; }
    public required string Display { get; init; }
    public long Revision { get; init; }
    public required string Digest { get; init; }
    public required string Stamp { get; init; }
    public required string Policy { get; init; }
    public required string Barred { get; init; }
    public required string Subject { get; init; }
    public long? CreatorId { get; init; }
    public long? RequesterId { get; init; }
    public required string RequesterName { get; init; }
    public required string Certainty { get; init; }
    public string? Claim { get; init; }
    public long? AssigneeUser { get; init; }
    public long? AssigneeGroup { get; init; }
    public long? TicketId { get; init; }
    public required string CreatedAt { get; init; }
    public string? ExpiresAt { get; init; }
    public string? SettledAt { get; init; }
    public string? AppliedAt { get; init; }
    public string? BreachedAt { get; init; }
    public string? BrokeGlassAt { get; init; }
    public string? Stuck { get; init; }
    public long Events { get; init; }
    public required string Head { get; init; }

    /// <summary>
    /// The request, if it is there and the viewer may see it; locked for change when <paramref name="tx"/> is given.
    /// </summary>
    public static async ValueTask<ApprovalRequest?> Find(Reader reader, RequestId id, Viewer viewer)
    {
        var arguments = new
        {
            id,
            admin = viewer.AdminFlag,
            source = viewer.SourceOrNone,
            person = viewer.PersonOrNone,
        };
        if (reader is not Tx { ForUpdate.Length: > 0 } tx)
            return (await reader.First<RequestRow>(FindText, arguments))?.ToRequest();
        // Who waited here while the request was revised finds the new row, but not the stamp and the parties that came
        // with it: those are as they were when the statement began. Asked again, PostgreSQL sees them.
        var row =
            await tx.First<RequestRow>(FindText + Lock(tx), arguments)
            ?? await tx.First<RequestRow>(FindText + Lock(tx), arguments);
        return row?.ToRequest();
    }

    /// <summary>Whether a person may see the request without being an admin; disabled people see nothing.</summary>
    public static async ValueTask<bool> MaySee(Reader reader, RequestId id, long person) =>
        await reader.Text(
            $"""
            SELECT r.id FROM requests r WHERE r.id = @id AND {Viewer.MaySee}
              AND EXISTS (SELECT 1 FROM people p WHERE p.id = @person AND p.disabled_at IS NULL)
            """,
            new
            {
                id,
                admin = 0,
                source = 0,
                person,
            }
        )
            is not null;

    /// <summary>
    /// The request that its creator knows by an id of their own. People share a source, so the source alone does not
    /// say whose id it is; a source's own requests all have its service person as creator.
    /// </summary>
    public static async ValueTask<ApprovalRequest?> FindExternal(
        Reader reader,
        long sourceId,
        long? creatorId,
        string externalId
    )
    {
        var arguments = new
        {
            sourceId,
            externalId,
            creator = creatorId ?? 0,
        };
        // Nearly always the id is new, and an index alone can say so.
        if (await reader.Text($"SELECT r.id FROM requests r WHERE {IsExternal}", arguments) is null)
            return null;
        // Should a revision slip in before the lock, the row is missed here (see Find), its unique id is not when the
        // caller inserts, and the transaction runs again.
        var row = await reader.First<RequestRow>(reader is Tx tx ? ExternalText + Lock(tx) : ExternalText, arguments);
        return row?.ToRequest();
    }

    public ApprovalRequest ToRequest() =>
        new()
        {
            Id = RequestId.Of(Id),
            SourceId = SourceId,
            ExternalId = ExternalId,
            SentBy = WireNames.SentByOf(SentBy),
            Status = WireNames.StatusOf(Status) ?? throw new FormatException("The store contains an invalid status."),
            Display = Display,
            Revision = (int)Revision,
            Digest = Digest,
            Policy = Policies.Policy.Read(Stamp, Policy),
            Barred = ReadNumbers(Barred),
            Subject = Subject,
            CreatorId = CreatorId,
            RequesterId = RequesterId,
            RequesterName = RequesterName,
            Certainty = Certainties.Of(Certainty),
            Claim = RequesterClaim.Read(Claim),
            AssigneeUser = AssigneeUser,
            AssigneeGroup = AssigneeGroup,
            TicketId = TicketId,
            CreatedAt = Instant.Parse(CreatedAt),
            ExpiresAt = Time(ExpiresAt),
            SettledAt = Time(SettledAt),
            AppliedAt = Time(AppliedAt),
            BreachedAt = Time(BreachedAt),
            BrokeGlassAt = Time(BrokeGlassAt),
            Stuck = Policies.Blocked.Read(Stuck),
            Head = new Head(Events, Head),
        };

    /// <summary>"3,17" and back: lists of ids and of steps that are only ever read as a whole.</summary>
    public static string WriteNumbers<T>(IEnumerable<T> numbers) => string.Join(',', numbers);

    public static IReadOnlyList<long> ReadNumbers(string text) =>
        text.Length == 0 ? [] : [.. text.Split(',').Select(n => long.Parse(n, CultureInfo.InvariantCulture))];

    private const string FindText = $"SELECT {Columns} {From} WHERE r.id = @id AND {Viewer.MaySee}";

    /// <summary>In the words of the index.</summary>
    private const string IsExternal =
        "r.source_id = @sourceId AND r.external_id = @externalId AND coalesce(r.creator_id, 0) = @creator";
    private const string ExternalText = $"SELECT {Columns} {From} WHERE {IsExternal}";

    private static string Lock(Tx tx) => tx.ForUpdate.Length == 0 ? "" : tx.ForUpdate + " OF r";

    private static DateTimeOffset? Time(string? text) => text is null ? null : Instant.Parse(text);
}

/// <summary>A decision as it lies in the store, with its author.</summary>
internal sealed class DecisionRow
{
    private static readonly string Select = $"""
        SELECT d.request_id, d.n, d.revision, d.person_id, {PersonNames.Sql(
            "p"
        )} AS person_name, d.answer, d.note, d.digest, d.steps, d.via, d.at, d.disablings, p.disabled_at,
        p.disablings AS author_disablings,
          d.for_person, {PersonNames.Sql("a")} AS for_person_name
        FROM decisions d JOIN people p ON p.id = d.person_id LEFT JOIN people a ON a.id = d.for_person
        """;

    public required string RequestId { get; init; }
    public long N { get; init; }
    public long Revision { get; init; }
    public long PersonId { get; init; }
    public required string PersonName { get; init; }
    public required string Answer { get; init; }
    public required string Note { get; init; }
    public required string Digest { get; init; }
    public required string Steps { get; init; }
    public required string Via { get; init; }
    public required string At { get; init; }
    public string? DisabledAt { get; init; }
    public long Disablings { get; init; }
    public long AuthorDisablings { get; init; }
    public long? ForPerson { get; init; }
    public string? ForPersonName { get; init; }

    public static async ValueTask<List<Decision>> Of(Reader reader, RequestId id)
    {
        var rows = await reader.All<DecisionRow>(
            $"{Select} WHERE d.request_id = @id ORDER BY d.n{Shared(reader)}",
            new { id }
        );
        return rows.ConvertAll(row => row.ToDecision());
    }

    /// <summary>Within a transaction, whether an author is disabled stays as it is until its end.</summary>
    private static string Shared(Reader reader) =>
        reader is Tx { ForShare.Length: > 0 } tx ? tx.ForShare + " OF p" : "";

    /// <summary>Those of several requests, by request.</summary>
    public static async ValueTask<ILookup<string, Decision>> OfSome(
        Reader reader,
        string requests,
        Dictionary<string, object?> arguments
    ) =>
        (await RowsOfSome(reader, requests, arguments))
            .SelectMany(g => g)
            .ToLookup(row => row.RequestId, row => row.ToDecision());

    /// <summary>The same, not read yet: one that cannot be read spoils only its own request.</summary>
    public static async ValueTask<ILookup<string, DecisionRow>> RowsOfSome(
        Reader reader,
        string requests,
        Dictionary<string, object?> arguments
    )
    {
        var rows = await reader.All<DecisionRow>(
            $"{Select} WHERE d.request_id IN ({requests}) ORDER BY d.request_id, d.n",
            arguments
        );
        return rows.ToLookup(row => row.RequestId);
    }

    public Decision ToDecision() =>
        new()
        {
            N = (int)N,
            Revision = (int)Revision,
            PersonId = PersonId,
            PersonName = PersonName,
            Answer = WireNames.AnswerOf(Answer) ?? throw new FormatException("The store contains an invalid decision."),
            Note = Note,
            Digest = Digest,
            Steps = [.. RequestRow.ReadNumbers(Steps).Select(n => (int)n)],
            Via = Via,
            At = Instant.Parse(At),
            // Counted rather than compared by time, because clocks go back.
            AuthorDisabled = DisabledAt is not null || AuthorDisablings != Disablings,
            Disablings = (int)Disablings,
            ForPerson = ForPerson,
            ForPersonName = ForPersonName,
        };
}
