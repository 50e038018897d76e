using Countersign.Storage;

namespace Countersign.Insights;

/// <summary>
/// When active requests were opened, as counts: by the hour for two days, by the day for forty, and as one count of
/// all that are older. So there are few rows, however many requests wait and for however long.
/// </summary>
/// <param name="Hours">From here on, rows are hours.</param>
/// <param name="Days">From here on, rows are days.</param>
internal sealed record OpenAges(string Hours, string Days)
{
    /// <summary>Where all that are older are counted. Sorts before every day.</summary>
    public const string Older = "0";

    private const string Mark = "insights by the hour since";
    private const int HourLength = 13;
    private const int DayLength = 10;
    private static readonly TimeSpan ByHour = TimeSpan.FromDays(2);
    private static readonly TimeSpan ByDay = TimeSpan.FromDays(40);

    /// <summary>
    /// The row in which a request of this time is counted. The same until <see cref="Fold"/> moves what is there.
    /// </summary>
    public string RowOf(string openedAt) =>
        string.CompareOrdinal(openedAt, Hours) >= 0 ? openedAt[..HourLength]
        : string.CompareOrdinal(openedAt, Days) >= 0 ? openedAt[..DayLength]
        : Older;

    /// <summary>Since when the requests of a row may have waited, at the earliest; null of the oldest.</summary>
    public static DateTimeOffset? TimeOf(string row) =>
        row.Length switch
        {
            HourLength => Instant.Parse(row + ":00:00.000Z"),
            DayLength => Instant.Parse(row + "T00:00:00.000Z"),
            _ => null,
        };

    /// <summary>How long the time is that a row stands for.</summary>
    public static TimeSpan LengthOf(string row) =>
        row.Length == HourLength ? TimeSpan.FromHours(1) : TimeSpan.FromDays(1);

    /// <summary>Brings together what is older by now, once an hour, and returns how rows are since then.</summary>
    public static async ValueTask<OpenAges> Fold(Tx tx)
    {
        var hours = Instant.ToText(tx.Now - ByHour)[..HourLength];
        var before = await HubValues.Find(tx, Mark) ?? "";
        // A clock that has jumped back brings nothing apart again.
        if (string.CompareOrdinal(before, hours) >= 0)
            return Since(before);
        await HubValues.Set(tx, Mark, hours);
        var ages = Since(hours);
        var days = ages.Days;
        const string folded = """
            ((length(opened) = 13 AND opened < @hours) OR (length(opened) = 10 AND opened < @days))
            """;
        await tx.Execute(
            $"""
            INSERT INTO summary_ages (audience, opened, open)
            SELECT audience,
              CASE WHEN substr(opened, 1, 10) < @days THEN @older ELSE substr(opened, 1, 10) END, sum(open)
            FROM summary_ages WHERE {folded} GROUP BY 1, 2
            ON CONFLICT (audience, opened) DO UPDATE SET open = summary_ages.open + excluded.open
            """,
            new
            {
                hours,
                days,
                older = Older,
            }
        );
        await tx.Execute($"DELETE FROM summary_ages WHERE {folded} OR open = 0", new { hours, days });
        // Rows that count nothing any more are left until now, because most of them count something again.
        foreach (var table in new[] { "summary_waiting", "summary_excluded" })
            await tx.Execute($"DELETE FROM {table} WHERE open = 0");
        await tx.Execute("DELETE FROM summary_open WHERE open = 0 AND blocked = 0");
        return ages;
    }

    private static OpenAges Since(string hours) =>
        new(hours, Instant.ToText(TimeOf(hours)!.Value - ByDay)[..DayLength]);
}
