using System.Collections.Concurrent;
using System.Globalization;
using Countersign.Storage;

namespace Countersign.Insights;

/// <summary>Whose figures are read. The condition is part of every statement.</summary>
/// <param name="Key">The same for those who see the same.</param>
/// <param name="Audiences">As a condition on the column <c>audience</c>.</param>
internal sealed record Scope(string Key, string Audiences, long Person, long Group)
{
    /// <summary>Audiences that ask a group, of which an admin sees all.</summary>
    private const string AnyGroup = """
        audience IN (SELECT set_id FROM summary_set_members WHERE party >= 'group:' AND party < 'group;')
        """;

    private const string OneGroup = """
        audience IN (SELECT set_id FROM summary_set_members WHERE party = 'group:' || @group)
        """;

    private const string OwnGroups = """
        audience IN (SELECT s.set_id FROM members m JOIN summary_set_members s ON s.party = 'group:' || m.group_id
                     WHERE m.person_id = @person AND (@group = 0 OR m.group_id = @group))
        """;

    /// <summary>The rows of single audiences, where <see cref="Audiences"/> is the one of everything.</summary>
    public string SingleAudiences => IsEverything ? AnyGroup : Audiences;

    public bool IsEverything => Group == 0 && Person == 0;

    public static Scope Everything => new("all", "audience = 0", 0, 0);

    public static Scope OfGroup(long group) => new(KeyOf([group]), OneGroup, 0, group);

    /// <param name="group">The only one of them; 0 for all.</param>
    public static Scope OfMember(long person, IEnumerable<long> groups, long group) =>
        new(KeyOf(group == 0 ? groups : [group]), OwnGroups, person, group);

    private static string KeyOf(IEnumerable<long> groups) => $"groups {string.Join(' ', groups.Order())}";
}

/// <summary>What happened in some days.</summary>
internal sealed class SumsOfDays
{
    public Dictionary<string, DayCounts> Days { get; } = [];
    public Dictionary<long, DayCounts> Sources { get; } = [];
    public Dictionary<long, DayCounts> Environments { get; } = [];

    /// <summary>By the members of each audience.</summary>
    public Dictionary<string, DayCounts> Audiences { get; } = [];
    public Dictionary<long, (long Approved, long Rejected, long Abstained)> Reviews { get; } = [];

    public void Add(SumsOfDays other)
    {
        Add(Days, other.Days);
        Add(Sources, other.Sources);
        Add(Environments, other.Environments);
        Add(Audiences, other.Audiences);
        foreach (var (person, more) in other.Reviews)
            Add(person, more.Approved, more.Rejected, more.Abstained);
    }

    public static async ValueTask<SumsOfDays> Read(Reader reader, Scope scope, string from, string to)
    {
        var sums = new SumsOfDays();
        var arguments = new
        {
            from,
            to,
            person = scope.Person,
            group = scope.Group,
        };
        const string counts = "opened, approved, overridden, rejected, expired, withdrawn, automatic, blocked, times";
        await foreach (
            var row in reader.Each<DayRow>(
                $"""
                SELECT dimension, day, value, '' AS members, {counts} FROM summary_days
                WHERE {scope.Audiences} AND dimension IN ('all', 'source', 'environment') AND day >= @from
                  AND day <= @to
                """,
                arguments
            )
        )
        {
            switch (row.Dimension)
            {
                case Dimension.All:
                    row.AddTo(sums.Days, row.Day);
                    break;
                case Dimension.Source:
                    row.AddTo(sums.Sources, row.Value);
                    break;
                default:
                    row.AddTo(sums.Environments, row.Value);
                    break;
            }
        }
        await foreach (
            var row in reader.Each<DayRow>(
                $"""
                SELECT dimension, day, value, members, {counts} FROM summary_days
                JOIN summary_sets a ON a.id = audience
                WHERE {scope.SingleAudiences} AND dimension = 'all' AND day >= @from AND day <= @to
                """,
                arguments
            )
        )
        {
            row.AddTo(sums.Audiences, row.Members);
        }
        foreach (
            var row in await reader.All<ReviewRow>(
                $"""
                SELECT reviewer, CAST(sum(approved) AS bigint) AS approved, CAST(sum(rejected) AS bigint) AS rejected,
                  CAST(sum(abstained) AS bigint) AS abstained
                FROM summary_reviews WHERE {scope.Audiences} AND day >= @from AND day <= @to GROUP BY reviewer
                """,
                arguments
            )
        )
        {
            sums.Add(row.Reviewer, row.Approved, row.Rejected, row.Abstained);
        }
        return sums;
    }

    private void Add(long person, long approved, long rejected, long abstained)
    {
        var sum = Reviews.GetValueOrDefault(person);
        Reviews[person] = (sum.Approved + approved, sum.Rejected + rejected, sum.Abstained + abstained);
    }

    private static void Add<T>(Dictionary<T, DayCounts> sums, Dictionary<T, DayCounts> more)
        where T : notnull
    {
        foreach (var (key, counts) in more)
            SumOf(sums, key).Add(counts);
    }

    private static DayCounts SumOf<T>(Dictionary<T, DayCounts> sums, T key)
        where T : notnull => sums.TryGetValue(key, out var sum) ? sum : sums[key] = new DayCounts();

    private sealed class DayRow
    {
        public required string Dimension { get; init; }
        public required string Day { get; init; }
        public long Value { get; init; }
        public required string Members { get; init; }
        public long Opened { get; init; }
        public long Approved { get; init; }
        public long Overridden { get; init; }
        public long Rejected { get; init; }
        public long Expired { get; init; }
        public long Withdrawn { get; init; }
        public long Automatic { get; init; }
        public long Blocked { get; init; }
        public required string Times { get; init; }

        public void AddTo<T>(Dictionary<T, DayCounts> sums, T key)
            where T : notnull
        {
            var sum = SumOf(sums, key);
            sum.Opened += Opened;
            sum.Approved += Approved;
            sum.Overridden += Overridden;
            sum.Rejected += Rejected;
            sum.Expired += Expired;
            sum.Withdrawn += Withdrawn;
            sum.Automatic += Automatic;
            sum.Blocked += Blocked;
            sum.Times.Add(Times);
        }
    }

    private sealed class ReviewRow
    {
        public long Reviewer { get; init; }
        public long Approved { get; init; }
        public long Rejected { get; init; }
        public long Abstained { get; init; }
    }
}

/// <summary>
/// Days that are over are summed once, and read again only after a late event has changed one. So what a page costs
/// doesn't depend on the length of its window.
/// </summary>
internal sealed class PastDays
{
    private const int MaxKept = 64;

    private readonly ConcurrentDictionary<
        (string Scope, string From, string To),
        (long Revision, SumsOfDays Sums)
    > _kept = new();

    public async ValueTask<SumsOfDays> Read(Reader reader, Scope scope, string from, string to)
    {
        var revision = await reader.Number("SELECT revision FROM signals WHERE name = 'insights'");
        var key = (scope.Key, from, to);
        if (_kept.TryGetValue(key, out var kept) && kept.Revision == revision)
            return kept.Sums;
        var sums = await SumsOfDays.Read(reader, scope, from, to);
        if (_kept.Count >= MaxKept)
            _kept.Clear();
        _kept[key] = (revision, sums);
        return sums;
    }
}
