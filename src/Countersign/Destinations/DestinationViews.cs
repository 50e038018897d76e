using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>A destination as it may be shown. Of secrets there is only whether they are set.</summary>
public sealed record DestinationView(
    long Id,
    string Name,
    string System,
    bool Paused,
    string? FailingSince,
    string CreatedAt,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyList<string> Secrets,
    IReadOnlyDictionary<string, long> Links
);

/// <param name="Next">What to pass as <c>before</c> for the page after this one; null at the end.</param>
public sealed record LinkPage(IReadOnlyList<LinkView> Links, long? Next);

/// <summary>A request at a destination, as it may be shown.</summary>
public sealed record LinkView(
    long Id,
    string Request,
    int Revision,
    string Destination,
    [AllowedValues("new", "sending", "unsure", "held", "open", "closed")] string State,
    string? Wish,
    string? Answer,
    string? ExternalId,
    string? Url,
    string? Status,
    string? Display,
    string? SeenAt,
    string? DueAt,
    int Attempts,
    string? Problem,
    RedactedExchange? LastExchange,
    string CreatedAt,
    string Subject
)
{
    /// <summary>Null for a row that cannot be read; the page Deliveries says of it that it was set aside.</summary>
    internal static LinkView? From(LinkRow row, string destination)
    {
        try
        {
            return From(row.ToLink(), destination, row.Subject!);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static LinkView From(Link link, string destination, string subject) =>
        new(
            link.Id,
            link.RequestId.Value,
            link.Revision,
            destination,
            LinkRow.Word(link.State),
            link.Pending == PendingAction.None ? null : link.Pending.ToString().ToLowerInvariant(),
            link.Answer.Length == 0 ? null : link.Answer,
            link.ExternalId,
            link.Url,
            link.Value,
            link.Display,
            Text(link.SeenAt),
            Text(link.DueAt),
            link.Attempts,
            link.Problem,
            RedactedExchange.Read(link.Exchange),
            Instant.ToText(link.CreatedAt),
            subject
        );

    private static string? Text(DateTimeOffset? time) => time is { } at ? Instant.ToText(at) : null;
}

/// <summary>What is shown of destinations and links.</summary>
internal sealed class DestinationViews(Store store, DestinationCache book)
{
    private const int MaxPage = 100;

    public async ValueTask<IReadOnlyList<DestinationView>> All(CancellationToken cancel)
    {
        var destinations = (await book.All(cancel)).Values.OrderBy(d => d.Id).ToList();
        var rows = await store.Read(
            r => r.All<HealthRow>("SELECT id, failing_since, paused_at FROM destinations"),
            cancel
        );
        var counts = (
            await store.Read(
                r =>
                    r.All<CountRow>(
                        """
                        SELECT destination_id, state, count(*) AS n FROM links WHERE state <> 'closed'
                        GROUP BY destination_id, state
                        """
                    ),
                cancel
            )
        ).ToLookup(c => c.DestinationId);
        return
        [
            .. from destination in destinations
            let health = rows.Find(r => r.Id == destination.Id)
            select new DestinationView(
                destination.Id,
                destination.Name,
                destination.Manifest.Name,
                health?.PausedAt is not null,
                health?.FailingSince,
                Instant.ToText(destination.CreatedAt),
                destination.Settings,
                [.. destination.Secrets.Where(s => s.Value.Length > 0).Select(s => s.Key).Order()],
                counts[destination.Id].ToDictionary(c => c.State, c => c.N)
            ),
        ];
    }

    public async ValueTask<DestinationView?> Find(string name, CancellationToken cancel) =>
        (await All(cancel)).FirstOrDefault(d => AddDestination.KeyOf(d.Name) == AddDestination.KeyOf(name));

    /// <summary>The variables that an operator fills in, for a form.</summary>
    public async ValueTask<ApprovalManifest?> ManifestOf(string name, CancellationToken cancel) =>
        (await book.Find(name, cancel))?.Manifest;

    /// <summary>Links of a destination, newest first.</summary>
    public async ValueTask<LinkPage?> Links(string name, string? state, long? before, CancellationToken cancel)
    {
        if (await book.Find(name, cancel) is not { } destination)
            return null;
        var which = state is null ? "1 = 1" : "l.state = @state";
        var rows = await store.Read(
            r =>
                r.All<LinkRow>(
                    $"""
                    SELECT {LinkRow.Shown} WHERE l.destination_id = @id AND {which} AND l.id < @before
                    ORDER BY l.id DESC LIMIT {MaxPage.ToString(CultureInfo.InvariantCulture)}
                    """,
                    new
                    {
                        id = destination.Id,
                        state = state ?? "",
                        before = before ?? long.MaxValue,
                    }
                ),
            cancel
        );
        return new LinkPage(
            [.. rows.Select(row => LinkView.From(row, destination.Name)).OfType<LinkView>()],
            rows.Count == MaxPage ? rows[^1].Id : null
        );
    }

    /// <summary>Where a request was handed over to, the current content first.</summary>
    public async ValueTask<IReadOnlyList<LinkView>> Of(RequestId request, CancellationToken cancel)
    {
        var links = await store.Read(r => LinkRow.Of(r, request), cancel);
        if (links.Count == 0)
            return [];
        var all = await book.All(cancel);
        return
        [
            .. links
                .Select(link =>
                    LinkView.From(
                        link,
                        all.TryGetValue(link.DestinationId, out var destination) ? destination.Name : "?"
                    )
                )
                .OfType<LinkView>(),
        ];
    }

    private sealed class HealthRow
    {
        public long Id { get; init; }
        public string? FailingSince { get; init; }
        public string? PausedAt { get; init; }
    }

    private sealed class CountRow
    {
        public long DestinationId { get; init; }
        public required string State { get; init; }
        public long N { get; init; }
    }
}
