using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>Which events one wants to see; what is null does not narrow.</summary>
/// <param name="Subject">What happened to whom: <c>person:7</c>, <c>request:…</c>, <c>hub</c>.</param>
/// <param name="Kind">One kind, or all that begin with a word and a dot: <c>request.approved</c>,
/// <c>session.</c></param>
/// <param name="Actor">Who did it: <c>person:7</c>, <c>source:2</c>, <c>operator</c>.</param>
public sealed record EventFilter(
    string? Subject,
    string? Kind,
    string? Actor,
    DateTimeOffset? From,
    DateTimeOffset? Until
);

/// <param name="Next">The event below which to go on; null at the end.</param>
public sealed record EventPage(IReadOnlyList<StoredEvent> Events, long? Next);

/// <summary>
/// The record page by page, the newest first. A page looks at a bounded part of the record, so that a rare kind in a
/// long one makes a short page with a way on, and not a slow one.
/// </summary>
public sealed class SearchEvents(Store store)
{
    private const int MaxLookedAt = 20_000;

    public ValueTask<EventPage> Run(EventFilter wanted, long? below, int size, CancellationToken cancel) =>
        store.Read(
            async reader =>
            {
                var top = (await reader.Number("SELECT max(id) FROM events")) + 1;
                if (wanted.Until is { } until)
                    top = Math.Min(top, await FirstAt(reader, until, top));
                if (below is { } given)
                    top = Math.Min(top, given);
                var bottom = wanted.From is { } from ? await FirstAt(reader, from, top) : 1;
                // One history is short and has an index of its own; everything else is looked at a window at a time.
                var window = wanted.Subject is null ? Math.Max(bottom, top - MaxLookedAt) : bottom;
                var sql = $"SELECT {StoredEvent.Columns} FROM events WHERE id < @top AND id >= @window";
                if (wanted.Subject is not null)
                    sql += " AND subject = @subject";
                if (wanted.Actor is not null)
                    sql += " AND actor = @actor";
                if (wanted.Kind is not null)
                    sql += wanted.Kind.EndsWith('.') ? " AND kind >= @kind AND kind < @kindEnd" : " AND kind = @kind";
                var events = await reader.All<StoredEvent>(
                    $"{sql} ORDER BY id DESC LIMIT {size + 1}",
                    new Dictionary<string, object?>
                    {
                        ["top"] = top,
                        ["window"] = window,
                        ["subject"] = wanted.Subject ?? "",
                        ["actor"] = wanted.Actor ?? "",
                        ["kind"] = wanted.Kind ?? "",
                        ["kindEnd"] = (wanted.Kind ?? "").TrimEnd('.') + "/",
                    }
                );
                if (events.Count > size)
                    return new EventPage(events[..size], events[size - 1].Id);
                return new EventPage(events, window > bottom ? window : null);
            },
            cancel
        );

    /// <summary>
    /// The id from which events are of this time or later. Ids follow the time closely, so half the range is thrown
    /// away with each look.
    /// </summary>
    private static async ValueTask<long> FirstAt(Reader reader, DateTimeOffset time, long top)
    {
        var (low, high, text) = (1L, top, Instant.ToText(time));
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            var at = await reader.Text(
                "SELECT at FROM events WHERE id >= @middle AND id < @high ORDER BY id LIMIT 1",
                new { middle, high }
            );
            if (at is null || string.CompareOrdinal(at, text) >= 0)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }
}
