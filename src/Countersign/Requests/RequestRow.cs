using System.Globalization;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>A request with its display and the text of its stamped policy.</summary>
internal sealed class RequestRow : RequestState
{
    public new const string Columns = RequestState.Columns + ", r.display, s.policy";

    public const string From = "FROM requests r JOIN stamps s ON s.hash = r.stamp";

    public required string Display { get; init; }
    public required string Policy { get; init; }

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
            Delegations = ReadDelegations(Delegations),
            OpenCheck = OpenChecks.Read(OpenCheck),
            Reading = (int)Reading,
            ChangeDigest = ChangeDigest,
            Head = new Head(Events, Head),
        };

    /// <summary>"3,17" and back: lists of ids and of steps that are only ever read as a whole.</summary>
    public static string WriteNumbers<T>(IEnumerable<T> numbers) => string.Join(',', numbers);

    public static IReadOnlyList<long> ReadNumbers(string text) =>
        text.Length == 0 ? [] : [.. text.Split(',').Select(n => long.Parse(n, CultureInfo.InvariantCulture))];

    /// <summary>"7>9,8>12" and back; null where there are none.</summary>
    public static string? WriteDelegations(IReadOnlyList<Delegation> delegations) =>
        delegations.Count == 0 ? null : string.Join(',', delegations.Select(d => $"{d.PersonId}>{d.DelegateId}"));

    public static IReadOnlyList<Delegation> ReadDelegations(string? text) =>
        text is null
            ? []
            :
            [
                .. text.Split(',')
                    .Select(pair => pair.Split('>'))
                    .Select(ids => new Delegation(
                        long.Parse(ids[0], CultureInfo.InvariantCulture),
                        long.Parse(ids[1], CultureInfo.InvariantCulture)
                    )),
            ];

    private static readonly string FindText = $"SELECT {Columns} {From} WHERE r.id = @id AND {Visibility.MaySee}";

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
        )} AS person_name, p.email AS person_email,
        d.answer, d.note, d.digest, d.reading, d.steps, d.via, d.at, d.disablings, p.disabled_at,
        p.disablings AS author_disablings,
          d.for_person, {PersonNames.Sql("a")} AS for_person_name
        FROM decisions d JOIN people p ON p.id = d.person_id LEFT JOIN people a ON a.id = d.for_person
        """;

    public required string RequestId { get; init; }
    public long N { get; init; }
    public long Revision { get; init; }
    public long PersonId { get; init; }
    public required string PersonName { get; init; }
    public string? PersonEmail { get; init; }
    public required string Answer { get; init; }
    public required string Note { get; init; }
    public required string Digest { get; init; }
    public long Reading { get; init; }
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
            PersonEmail = PersonEmail,
            Answer = WireNames.AnswerOf(Answer) ?? throw new FormatException("The store contains an invalid decision."),
            Note = Note,
            Digest = Digest,
            Reading = (int)Reading,
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
