using System.Diagnostics;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Destinations.Links;

/// <summary>
/// How far a ticket has come at its destination. <c>Sending</c> is written before the call leaves: found again after
/// a crash it means that it may have arrived.
/// </summary>
internal enum LinkState
{
    New,
    Sending,
    Unsure,
    Held,
    Open,
    Closed,
}

/// <summary>What is still to be passed on: that the change was applied, or that no answer is needed any more.</summary>
internal enum PendingAction
{
    None,
    Apply,
    Cancel,
}

/// <summary>
/// The ticket for one content of a request at one destination. A snapshot; <see cref="LinkRow"/> is its row.
/// </summary>
internal sealed record Link
{
    public required long Id { get; init; }
    public required RequestId RequestId { get; init; }
    public required int Revision { get; init; }
    public required long DestinationId { get; init; }
    public required LinkState State { get; init; }
    public PendingAction Pending { get; init; }

    /// <summary>What the destination said once and for all: approved or rejected, empty before.</summary>
    public string Answer { get; init; } = "";
    public string? ExternalId { get; init; }
    public string? Url { get; init; }
    public string? Creation { get; init; }

    /// <summary>Its status as last seen, and when that was.</summary>
    public string? Value { get; init; }
    public string? Display { get; init; }
    public DateTimeOffset? SeenAt { get; init; }

    /// <summary>When something is to be done next; null while nothing is.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>Failures in a row, and looks since something last happened.</summary>
    public int Attempts { get; init; }
    public int Polls { get; init; }
    public string? Problem { get; init; }
    public string? Exchange { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A link as it lies in the store.</summary>
internal sealed class LinkRow
{
    public const string Columns = """
        l.id, l.request_id, l.revision, l.destination_id, l.state, l.wish, l.answer, l.external_id, l.url, l.creation,
        l.value, l.display, l.seen_at, CASE WHEN j.state <> 'dead' THEN j.due_at END AS due_at, l.attempts, l.polls,
        l.problem, l.exchange, l.created_at
        """;

    /// <summary>The same for whoever is shown them, with what the request is about.</summary>
    public const string Shown = $"{Columns}, r.subject {From} JOIN requests r ON r.id = l.request_id";

    /// <summary>With the job that says when something is to be done next.</summary>
    private const string From =
        $"FROM links l LEFT JOIN jobs j ON j.kind = '{LinkJob.Kind}' AND j.key = CAST(l.id AS TEXT)";

    public long Id { get; init; }
    public required string RequestId { get; init; }
    public long Revision { get; init; }
    public long DestinationId { get; init; }
    public required string State { get; init; }
    public required string Wish { get; init; }
    public required string Answer { get; init; }
    public string? ExternalId { get; init; }
    public string? Url { get; init; }
    public string? Creation { get; init; }
    public string? Value { get; init; }
    public string? Display { get; init; }
    public string? SeenAt { get; init; }
    public string? DueAt { get; init; }
    public long Attempts { get; init; }
    public long Polls { get; init; }
    public string? Problem { get; init; }
    public string? Exchange { get; init; }
    public required string CreatedAt { get; init; }
    public string? Subject { get; init; }

    public Link ToLink() =>
        new()
        {
            Id = Id,
            RequestId = Requests.RequestId.Of(RequestId),
            Revision = (int)Revision,
            DestinationId = DestinationId,
            State = StateOf(State),
            Pending = Wish switch
            {
                "" => PendingAction.None,
                "apply" => PendingAction.Apply,
                _ => PendingAction.Cancel,
            },
            Answer = Answer,
            ExternalId = ExternalId,
            Url = Url,
            Creation = Creation,
            Value = Value,
            Display = Display,
            SeenAt = SeenAt is null ? null : Instant.Parse(SeenAt),
            DueAt = DueAt is null ? null : Instant.Parse(DueAt),
            Attempts = (int)Attempts,
            Polls = (int)Polls,
            Problem = Problem,
            Exchange = Exchange,
            CreatedAt = Instant.Parse(CreatedAt),
        };

    public static async ValueTask<Link?> Find(Reader reader, long id)
    {
        var locked = reader is Tx { ForUpdate.Length: > 0 } tx ? $"{tx.ForUpdate} OF l" : "";
        return (await reader.First<LinkRow>($"SELECT {Columns} {From} WHERE l.id = @id{locked}", new { id }))?.ToLink();
    }

    /// <summary>
    /// Code that moves or removes a link's job locks the link first, so that no two wait for each other.
    /// </summary>
    public static async ValueTask Lock(Tx tx, long id) =>
        await tx.Number($"SELECT id FROM links WHERE id = @id{tx.ForUpdate}", new { id });

    /// <summary>Its job is set aside: the link shows why.</summary>
    public static async ValueTask NoteSetAside(Tx tx, long id) =>
        await tx.Execute(
            $"""
            UPDATE links SET problem = (
              SELECT j.error FROM jobs j
              WHERE j.kind = '{LinkJob.Kind}' AND j.key = CAST(links.id AS TEXT)) WHERE id = @id
            """,
            new { id }
        );

    /// <summary>The links of one request, newest content first.</summary>
    public static ValueTask<List<LinkRow>> Of(Reader reader, RequestId request) =>
        reader.All<LinkRow>(
            $"SELECT {Shown} WHERE l.request_id = @request ORDER BY l.revision DESC, l.id DESC",
            new { request }
        );

    /// <summary>Writes all that may change, but for when it is due, which its job says.</summary>
    public static async ValueTask Save(Tx tx, Link link) =>
        await tx.Execute(
            """
            UPDATE links
            SET state = @state, wish = @wish, answer = @answer, external_id = @externalId, url = @url,
            creation = @creation, value = @value, display = @display,
              seen_at = @seenAt, attempts = @attempts, polls = @polls, problem = @problem, exchange = @exchange
            WHERE id = @id
            """,
            new
            {
                id = link.Id,
                state = Word(link.State),
                wish = Word(link.Pending),
                answer = link.Answer,
                externalId = link.ExternalId,
                url = link.Url,
                creation = link.Creation,
                value = link.Value,
                display = link.Display,
                seenAt = link.SeenAt,
                attempts = (long)link.Attempts,
                polls = (long)link.Polls,
                problem = link.Problem,
                exchange = link.Exchange,
            }
        );

    public static string Word(LinkState state) =>
        state switch
        {
            LinkState.New => "new",
            LinkState.Sending => "sending",
            LinkState.Unsure => "unsure",
            LinkState.Held => "held",
            LinkState.Open => "open",
            LinkState.Closed => "closed",
            _ => throw new UnreachableException(),
        };

    private static string Word(PendingAction action) =>
        action switch
        {
            PendingAction.None => "",
            PendingAction.Apply => "apply",
            _ => "cancel",
        };

    private static LinkState StateOf(string word) =>
        word switch
        {
            "new" => LinkState.New,
            "sending" => LinkState.Sending,
            "unsure" => LinkState.Unsure,
            "held" => LinkState.Held,
            "open" => LinkState.Open,
            "closed" => LinkState.Closed,
            _ => throw new FormatException("The store contains an invalid link state."),
        };
}
