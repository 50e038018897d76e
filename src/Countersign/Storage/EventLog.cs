namespace Countersign.Storage;

/// <summary>
/// The log as everyone follows it: all events, in the order of positions that only grow and have no gaps. Who has
/// handled everything up to a position misses nothing by going on above it.
/// </summary>
public static class EventLog
{
    /// <summary>The highest position there is; 0 in an empty log.</summary>
    public static ValueTask<long> End(Reader reader) => reader.Number($"SELECT max({reader.Position}) FROM events");

    /// <summary>The next events above a position.</summary>
    /// <param name="kinds">Kinds of event as SQL text, <c>'a', 'b'</c>; all when null.</param>
    public static ValueTask<List<StoredEvent>> Next(Reader reader, long after, int most, string? kinds = null) =>
        Next<StoredEvent>(reader, StoredEvent.Columns, after, most, kinds);

    /// <inheritdoc cref="Next(Reader, long, int, string?)"/>
    public static ValueTask<List<T>> Next<T>(Reader reader, string columns, long after, int most, string? kinds = null)
    {
        var filter = kinds is null ? "" : $" AND kind IN ({kinds})";
        return reader.All<T>(
            $"""
            SELECT {columns}, {reader.Position} AS position FROM events
            WHERE {reader.Position} > @after{filter} ORDER BY {reader.Position} LIMIT @most
            """,
            new { after, most }
        );
    }

    /// <summary>Events that were written a moment ago and have no position yet; on SQLite there are none.</summary>
    public static ValueTask<List<T>> WithoutPosition<T>(Reader reader, string columns) =>
        reader.All<T>($"SELECT {columns} FROM events WHERE {reader.Position} IS NULL ORDER BY id");

    /// <summary>How many events of a subject some consumer of the log has not come to yet.</summary>
    public static ValueTask<long> CountAhead(Reader reader, string subject) =>
        reader.Number(
            $"""
            SELECT count(*) FROM events
            WHERE subject = @subject AND coalesce({reader.Position}, @none) > (SELECT min(position) FROM cursors)
            """,
            new { subject, none = long.MaxValue }
        );

    /// <summary>Where the event with this id stands; where the one before it does when there is none.</summary>
    public static ValueTask<long> PositionOf(Reader reader, long id) =>
        reader.Number(
            $"""
            SELECT {reader.Position} FROM events WHERE id <= @id AND {reader.Position} IS NOT NULL
            ORDER BY id DESC LIMIT 1
            """,
            new { id }
        );

    /// <summary>How many events stand at or below a position, and of those how many have an id between two.</summary>
    public static ValueTask<long> Count(Reader reader, long upTo, long from = 1, long to = long.MaxValue) =>
        reader.Number(
            $"SELECT count(*) FROM events WHERE {reader.Position} <= @upTo AND id BETWEEN @from AND @to",
            new
            {
                upTo,
                from,
                to,
            }
        );
}
