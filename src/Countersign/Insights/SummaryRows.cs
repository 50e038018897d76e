using Countersign.Storage;

namespace Countersign.Insights;

/// <summary>What happened on a day.</summary>
public sealed class DayCounts
{
    public long Opened { get; set; }
    public long Approved { get; set; }
    public long Overridden { get; set; }
    public long Rejected { get; set; }
    public long Expired { get; set; }
    public long Withdrawn { get; set; }

    /// <summary>Closed by its policy, without anybody's review.</summary>
    public long Automatic { get; set; }

    /// <summary>Of those that were closed: how many could not reach the required approvals at some time.</summary>
    public long Blocked { get; set; }

    /// <summary>How long those took that were decided.</summary>
    public TimeBuckets Times { get; } = new();

    /// <summary>By a person or a destination.</summary>
    public long Decided => Approved + Overridden + Rejected;

    public long Closed => Decided + Expired + Withdrawn + Automatic;

    public void Add(DayCounts other)
    {
        Opened += other.Opened;
        Approved += other.Approved;
        Overridden += other.Overridden;
        Rejected += other.Rejected;
        Expired += other.Expired;
        Withdrawn += other.Withdrawn;
        Automatic += other.Automatic;
        Blocked += other.Blocked;
        Times.Add(other.Times);
    }
}

/// <summary>The sums of a batch, each of which is added to its row once.</summary>
/// <param name="kept">Days that are older are not counted.</param>
internal sealed class SummaryRows(DateTimeOffset now, TimeSpan kept)
{
    /// <summary>Clocks of nodes differ by less.</summary>
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(5);

    private readonly string _oldest = DayOf(now - kept);
    private readonly string _today = DayOf(now + MaxSkew);
    private readonly Dictionary<(long Audience, string Dimension, string Day, long Value), DayCounts> _days = [];
    private readonly Dictionary<(long Audience, string Day, long Person), Answers> _reviews = [];
    private readonly Dictionary<(long Audience, string Dimension, long Value), (long Open, long Blocked)> _open = [];
    private readonly Dictionary<(long Audience, string Opened), long> _ages = [];
    private readonly Dictionary<(long Audience, long WaitsFor), long> _waiting = [];
    private readonly Dictionary<(long Audience, long Person), long> _excluded = [];

    public static string DayOf(DateTimeOffset time) => Instant.ToText(time)[..10];

    /// <summary>What happened to the request at this time.</summary>
    public void Count(CountedRequest request, string at, DayCounts counts)
    {
        if (!IsKept(at))
            return;
        foreach (var (audience, dimension, value) in Places(request))
        {
            var key = (audience, dimension, at[..10], value);
            if (!_days.TryGetValue(key, out var sum))
                _days[key] = sum = new DayCounts();
            sum.Add(counts);
        }
    }

    public void Count(CountedRequest request, string at, long person, string answer)
    {
        if (!IsKept(at))
            return;
        foreach (var audience in Audiences(request))
        {
            var key = (audience, at[..10], person);
            var (approved, rejected, abstained) = _reviews.GetValueOrDefault(key, new Answers(0, 0, 0));
            _reviews[key] = new Answers(
                approved + (answer == "approve" ? 1 : 0),
                rejected + (answer == "reject" ? 1 : 0),
                abstained + (answer == "abstain" ? 1 : 0)
            );
        }
    }

    /// <summary>An active request is in its rows, or no longer.</summary>
    public void Count(CountedRequest request, OpenAges ages, int sign)
    {
        foreach (var place in Places(request))
        {
            var (open, blocked) = _open.GetValueOrDefault(place);
            _open[place] = (open + sign, blocked + (request.Blocked ? sign : 0));
        }
        var row = ages.RowOf(request.OpenedAt);
        foreach (var audience in Audiences(request))
        {
            Add(_ages, (audience, row), sign);
            if (request.WaitsFor != 0)
                Add(_waiting, (audience, request.WaitsFor), sign);
            foreach (var person in request.ExcludedPeople)
                Add(_excluded, (audience, person), sign);
        }
    }

    public async ValueTask Write(Tx tx)
    {
        foreach (var (key, counts) in _days)
            await Write(tx, key, counts);
        foreach (var ((audience, day, person), answers) in _reviews)
        {
            await tx.Execute(
                """
                INSERT INTO summary_reviews (audience, day, reviewer, approved, rejected, abstained)
                VALUES (@audience, @day, @person, @approved, @rejected, @abstained)
                ON CONFLICT (audience, day, reviewer) DO UPDATE SET
                  approved = summary_reviews.approved + excluded.approved,
                  rejected = summary_reviews.rejected + excluded.rejected,
                  abstained = summary_reviews.abstained + excluded.abstained
                """,
                new
                {
                    audience,
                    day,
                    person,
                    approved = answers.Approved,
                    rejected = answers.Rejected,
                    abstained = answers.Abstained,
                }
            );
        }
        foreach (var ((audience, dimension, value), (open, blocked)) in _open.Where(o => o.Value != default))
        {
            await tx.Execute(
                """
                INSERT INTO summary_open (audience, dimension, value, open, blocked)
                VALUES (@audience, @dimension, @value, @open, @blocked)
                ON CONFLICT (audience, dimension, value) DO UPDATE SET
                  open = summary_open.open + excluded.open, blocked = summary_open.blocked + excluded.blocked
                """,
                new
                {
                    audience,
                    dimension,
                    value,
                    open,
                    blocked,
                }
            );
        }
        foreach (var ((audience, opened), open) in _ages)
            await Add(tx, "summary_ages", "opened", audience, opened, open);
        foreach (var ((audience, waitsFor), open) in _waiting)
            await Add(tx, "summary_waiting", "waits_for", audience, waitsFor, open);
        foreach (var ((audience, person), open) in _excluded)
            await Add(tx, "summary_excluded", "reviewer", audience, person, open);
        // Readers keep the sums of days that are over, until one changes all the same.
        if (_days.Keys.Select(k => k.Day).Concat(_reviews.Keys.Select(k => k.Day)).Any(IsOver))
            await tx.Execute("UPDATE signals SET revision = revision + 1 WHERE name = 'insights'");
    }

    private static async ValueTask Add(Tx tx, string table, string column, long audience, object value, long open)
    {
        if (open == 0)
            return;
        await tx.Execute(
            $"""
            INSERT INTO {table} (audience, {column}, open) VALUES (@audience, @value, @open)
            ON CONFLICT (audience, {column}) DO UPDATE SET open = {table}.open + excluded.open
            """,
            new
            {
                audience,
                value,
                open,
            }
        );
    }

    private static async ValueTask Write(
        Tx tx,
        (long Audience, string Dimension, string Day, long Value) key,
        DayCounts counts
    )
    {
        var (audience, dimension, day, value) = key;
        var times = "";
        if (counts.Times.Total > 0)
        {
            var earlier = await tx.Text(
                """
                SELECT times FROM summary_days
                WHERE audience = @audience AND dimension = @dimension AND day = @day AND value = @value
                """,
                new
                {
                    audience,
                    dimension,
                    day,
                    value,
                }
            );
            counts.Times.Add(earlier ?? "");
            times = counts.Times.ToString();
        }
        await tx.Execute(
            """
            INSERT INTO summary_days (audience, dimension, day, value, opened, approved, overridden, rejected, expired,
              withdrawn, automatic, blocked, times)
            VALUES (@audience, @dimension, @day, @value, @opened, @approved, @overridden, @rejected, @expired,
              @withdrawn, @automatic, @blocked, @times)
            ON CONFLICT (audience, dimension, day, value) DO UPDATE SET
              opened = summary_days.opened + excluded.opened,
              approved = summary_days.approved + excluded.approved,
              overridden = summary_days.overridden + excluded.overridden,
              rejected = summary_days.rejected + excluded.rejected,
              expired = summary_days.expired + excluded.expired,
              withdrawn = summary_days.withdrawn + excluded.withdrawn,
              automatic = summary_days.automatic + excluded.automatic,
              blocked = summary_days.blocked + excluded.blocked,
              times = CASE WHEN excluded.times = '' THEN summary_days.times ELSE excluded.times END
            """,
            new
            {
                audience,
                dimension,
                day,
                value,
                opened = counts.Opened,
                approved = counts.Approved,
                overridden = counts.Overridden,
                rejected = counts.Rejected,
                expired = counts.Expired,
                withdrawn = counts.Withdrawn,
                automatic = counts.Automatic,
                blocked = counts.Blocked,
                times,
            }
        );
    }

    /// <summary>Everything and the request's own audience, each as a whole, by source and by environment.</summary>
    private static IEnumerable<(long Audience, string Dimension, long Value)> Places(CountedRequest request)
    {
        foreach (var audience in Audiences(request))
        {
            yield return (audience, Dimension.All, 0);
            yield return (audience, Dimension.Source, request.SourceId);
            yield return (audience, Dimension.Environment, request.Environment);
        }
    }

    private static long[] Audiences(CountedRequest request) => [SummarySets.Everything, request.Audience];

    private bool IsKept(string at) => string.CompareOrdinal(at, 0, _oldest, 0, _oldest.Length) >= 0;

    private bool IsOver(string day) => string.CompareOrdinal(day, _today) < 0;

    private static void Add<T>(Dictionary<T, long> sums, T key, int sign)
        where T : notnull => sums[key] = sums.GetValueOrDefault(key) + sign;

    private sealed record Answers(long Approved, long Rejected, long Abstained);
}

/// <summary>By what a day is summed.</summary>
internal static class Dimension
{
    public const string All = "all",
        Source = "source",
        Environment = "environment";
}
