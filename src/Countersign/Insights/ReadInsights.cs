using System.Globalization;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Insights;

/// <summary>
/// Figures about requests: for admins of all, for everyone else of those that ask one of their groups. Reads rows that
/// <see cref="SummaryConsumer"/> keeps, never requests.
/// </summary>
public sealed class ReadInsights(
    Store store,
    PeopleDirectory directory,
    InsightsOptions options,
    SummaryConsumer consumer
)
{
    /// <summary>More people than that are left out, those with the least to do first.</summary>
    private const int MaxReviewers = 100;

    /// <summary>With more events than this left to count, the figures are marked as incomplete.</summary>
    private const int MaxBehind = 1_000;

    private static readonly (string Key, TimeSpan From)[] Ages =
    [
        ("under_4_hours", TimeSpan.Zero),
        ("4_to_24_hours", TimeSpan.FromHours(4)),
        ("1_to_3_days", TimeSpan.FromDays(1)),
        ("3_to_7_days", TimeSpan.FromDays(3)),
        ("7_to_30_days", TimeSpan.FromDays(7)),
        ("over_30_days", TimeSpan.FromDays(30)),
    ];

    private readonly PastDays _past = new();

    public async ValueTask<InsightsOutcome> Run(Viewer viewer, InsightsQuery query, CancellationToken cancel)
    {
        var people = await directory.UpToDate(cancel);
        return await store.ReadSnapshot(reader => Read(reader, viewer, query, people), cancel);
    }

    private async ValueTask<InsightsOutcome> Read(
        Reader reader,
        Viewer viewer,
        InsightsQuery query,
        PeopleSnapshot people
    )
    {
        var groups = await reader.All<NamedRow>(
            """
            SELECT id, name FROM groups
            WHERE @admin = 1 OR id IN (SELECT group_id FROM members WHERE person_id = @person)
            ORDER BY name_key
            """,
            new { admin = viewer.AdminFlag, person = viewer.PersonOrNone }
        );
        if (!viewer.IsAdmin && groups.Count == 0)
            return new InsightsOutcome.NoGroups();
        var group = query.Group is { } id ? groups.Find(g => g.Id == id) : null;
        if (query.Group is not null && group is null)
            return new InsightsOutcome.NoSuchGroup();
        var scope =
            !viewer.IsAdmin ? Scope.OfMember(viewer.PersonOrNone, groups.Select(g => g.Id), query.Group ?? 0)
            : group is not null ? Scope.OfGroup(group.Id)
            : Scope.Everything;

        var to = DateOnly.FromDateTime(store.Now.UtcDateTime);
        var from = to.AddDays(1 - query.Days);
        var sums = new SumsOfDays();
        sums.Add(await _past.Read(reader, scope, Text(from), Text(to.AddDays(-1))));
        sums.Add(await SumsOfDays.Read(reader, scope, Text(to), Text(to)));

        var visible = (group is null ? groups : [group]).ConvertAll(g => g.ToNamed());
        var waiting = new Waiting(reader, scope, scope.IsEverything ? null : visible);
        var open = await OpenRow.Read(reader, scope);
        return new InsightsOutcome.Found(
            new InsightsReport(
                query,
                from,
                to,
                group?.ToNamed(),
                groups.ConvertAll(g => g.ToNamed()),
                scope.IsEverything,
                await IsBehind(reader),
                TotalOf(sums.Days.Values),
                PeriodsOf(query, from, to, sums.Days),
                new OpenNow(
                    open.Where(o => o.Dimension == Dimension.All).Sum(o => o.Open),
                    open.Where(o => o.Dimension == Dimension.All).Sum(o => o.Blocked),
                    await AgesOf(reader, scope)
                ),
                SharesOf(sums.Sources, open, Dimension.Source, await Names(reader, "sources")),
                group is null ? await GroupsOf(reader, scope, sums.Audiences, visible, waiting) : null,
                SharesOf(sums.Environments, open, Dimension.Environment, await Names(reader, "summary_environments")),
                options.Reviewers ? await Reviewers(sums.Reviews, waiting, people) : null
            )
        );
    }

    private async ValueTask<bool> IsBehind(Reader reader) =>
        await EventLog.End(reader)
            - await reader.Number("SELECT position FROM cursors WHERE name = @name", new { name = consumer.Name })
        > MaxBehind;

    private static DayCounts TotalOf(IEnumerable<DayCounts> days)
    {
        var total = new DayCounts();
        foreach (var day in days)
            total.Add(day);
        return total;
    }

    private static List<Period> PeriodsOf(
        InsightsQuery query,
        DateOnly from,
        DateOnly to,
        Dictionary<string, DayCounts> days
    )
    {
        var periods = new List<Period>();
        // From the end, so that only the first week may be a short one.
        for (var end = to; end >= from; end = end.AddDays(-query.PeriodDays))
        {
            var begin = end.AddDays(1 - query.PeriodDays);
            begin = begin < from ? from : begin;
            var inside = Enumerable
                .Range(0, end.DayNumber - begin.DayNumber + 1)
                .Select(day => days.GetValueOrDefault(Text(begin.AddDays(day))))
                .OfType<DayCounts>();
            periods.Insert(0, new Period(begin, end, TotalOf(inside)));
        }
        return periods;
    }

    private async ValueTask<List<AgeCount>> AgesOf(Reader reader, Scope scope)
    {
        var rows = await reader.All<AgeRow>(
            $"""
            SELECT opened, CAST(sum(open) AS bigint) AS open FROM summary_ages WHERE {scope.Audiences} GROUP BY opened
            """,
            new { person = scope.Person, group = scope.Group }
        );
        var counts = new long[Ages.Length];
        foreach (var row in rows)
        {
            // In the middle of the hour or the day for which the row stands.
            var age = OpenAges.TimeOf(row.Opened) is { } time
                ? store.Now - time - (OpenAges.LengthOf(row.Opened) / 2)
                : TimeSpan.MaxValue;
            counts[Math.Max(0, Array.FindLastIndex(Ages, a => a.From <= age))] += row.Open;
        }
        return
        [
            .. Ages.Select(
                (age, i) =>
                    new AgeCount(
                        age.Key,
                        age.From,
                        i + 1 < Ages.Length ? Ages[i + 1].From : null,
                        Math.Max(0, counts[i])
                    )
            ),
        ];
    }

    private static List<Share> SharesOf(
        Dictionary<long, DayCounts> counts,
        List<OpenRow> open,
        string dimension,
        Dictionary<long, string> names
    )
    {
        var now = open.Where(o => o.Dimension == dimension).ToDictionary(o => o.Value);
        return Sorted(
            counts
                .Keys.Union(now.Keys)
                .Select(key =>
                {
                    now.TryGetValue(key, out var row);
                    return new Share(
                        key,
                        names.GetValueOrDefault(key),
                        counts.GetValueOrDefault(key) ?? new DayCounts(),
                        Math.Max(0, row?.Open ?? 0),
                        Math.Max(0, row?.Blocked ?? 0),
                        IsRest: key == SummaryEnvironments.Other
                    );
                })
        );
    }

    private static async ValueTask<List<Share>> GroupsOf(
        Reader reader,
        Scope scope,
        Dictionary<string, DayCounts> audiences,
        List<Named> groups,
        Waiting waiting
    )
    {
        var open = await reader.All<AudienceRow>(
            $"""
            SELECT a.members, open, blocked FROM summary_open JOIN summary_sets a ON a.id = audience
            WHERE {scope.SingleAudiences} AND dimension = 'all'
            """,
            new { person = scope.Person, group = scope.Group }
        );
        var counted = ByGroup(audiences, a => a.Key);
        var active = ByGroup(open, o => o.Members);
        var oldest = await waiting.Oldest(groups.Select(g => Party.Group(g.Id).Text));
        return Sorted(
            groups
                .Select(g =>
                {
                    var party = Party.Group(g.Id).Text;
                    return new Share(
                        g.Id,
                        g.Name,
                        TotalOf(counted[party].Select(a => a.Value)),
                        Math.Max(0, active[party].Sum(o => o.Open)),
                        Math.Max(0, active[party].Sum(o => o.Blocked)),
                        Oldest: oldest.GetValueOrDefault(party)
                    );
                })
                .Where(s => s.Open > 0 || s.Counts.Opened > 0 || s.Counts.Closed > 0)
        );

        static ILookup<string, T> ByGroup<T>(IEnumerable<T> rows, Func<T, string> members) =>
            rows.SelectMany(row => members(row).Split(' '), (row, party) => (row, party))
                .ToLookup(x => x.party, x => x.row);
    }

    private static List<Share> Sorted(IEnumerable<Share> shares) =>
        [
            .. shares
                .OrderByDescending(s => s.Open)
                .ThenByDescending(s => s.Counts.Closed)
                .ThenBy(s => s.Name, StringComparer.OrdinalIgnoreCase),
        ];

    private static async ValueTask<List<ReviewerFigures>> Reviewers(
        Dictionary<long, (long Approved, long Rejected, long Abstained)> reviews,
        Waiting waiting,
        PeopleSnapshot people
    )
    {
        var pending = await waiting.ByPerson(people);
        // The people with the most pending or the most finished reviews.
        var most = pending
            .Keys.OrderByDescending(p => pending[p])
            .Take(MaxReviewers / 2)
            .Union(reviews.Keys.OrderByDescending(p => Sum(reviews[p])).Take(MaxReviewers / 2))
            .ToList();
        var parties = most.ToDictionary(p => p, p => waiting.PartiesOf(people, p).ToList());
        var oldest = await waiting.Oldest(most.SelectMany(p => parties[p]));
        return
        [
            .. most.Select(p =>
                {
                    var (approved, rejected, abstained) = reviews.GetValueOrDefault(p);
                    return new ReviewerFigures(
                        new Named(p, people.People.TryGetValue(p, out var person) ? person.DisplayName : ""),
                        pending.GetValueOrDefault(p),
                        pending.GetValueOrDefault(p) == 0
                            ? null
                            : parties[p]
                                .Select(party => oldest.GetValueOrDefault(party))
                                .OfType<WaitingSince>()
                                .MinBy(w => w.Since),
                        approved,
                        rejected,
                        abstained
                    );
                })
                .OrderByDescending(r => r.Waiting)
                .ThenByDescending(r => r.Reviews)
                .ThenBy(r => r.Person.Name, StringComparer.OrdinalIgnoreCase),
        ];

        static long Sum((long, long, long) reviews) => reviews.Item1 + reviews.Item2 + reviews.Item3;
    }

    private static async ValueTask<Dictionary<long, string>> Names(Reader reader, string table) =>
        (await reader.All<NamedRow>($"SELECT id, name FROM {table}")).ToDictionary(r => r.Id, r => r.Name);

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The reviewers that requests wait for.</summary>
    /// <param name="groups">The only ones of which the viewer may know; null for all.</param>
    private sealed class Waiting(Reader reader, Scope scope, IReadOnlyList<Named>? groups)
    {
        private readonly HashSet<string>? _only = groups?.Select(g => Party.Group(g.Id).Text).ToHashSet();

        /// <summary>How many requests each active reviewer could review now.</summary>
        public async ValueTask<Dictionary<long, long>> ByPerson(PeopleSnapshot people)
        {
            var arguments = new { person = scope.Person, group = scope.Group };
            var pending = new Dictionary<long, long>();
            foreach (
                var set in await reader.All<WaitingRow>(
                    $"""
                    SELECT a.members, CAST(sum(open) AS bigint) AS open
                    FROM summary_waiting JOIN summary_sets a ON a.id = waits_for
                    WHERE {scope.Audiences} GROUP BY a.members
                    """,
                    arguments
                )
            )
            {
                foreach (var person in set.Members.Split(' ').SelectMany(p => PeopleIn(people, p)).Distinct())
                    pending[person] = pending.GetValueOrDefault(person) + set.Open;
            }
            foreach (
                var row in await reader.All<PersonRow>(
                    $"""
                    SELECT reviewer, CAST(sum(open) AS bigint) AS open FROM summary_excluded
                    WHERE {scope.Audiences} GROUP BY reviewer
                    """,
                    arguments
                )
            )
            {
                if (pending.TryGetValue(row.Reviewer, out var open))
                    pending[row.Reviewer] = open - row.Open;
            }
            return pending.Where(p => p.Value > 0).ToDictionary();
        }

        /// <summary>In which inboxes of theirs the viewer may look.</summary>
        public IEnumerable<string> PartiesOf(PeopleSnapshot people, long person)
        {
            var parties = people.GroupsOf(person).Select(g => Party.Group(g.Id).Text);
            return _only is null
                ? people.People.TryGetValue(person, out var known) && known.Role == Role.Admin
                    ? [Party.Person(person).Text, Party.Admins.Text, .. parties]
                    : [Party.Person(person).Text, .. parties]
                : parties.Where(_only.Contains);
        }

        /// <summary>The oldest request that waits for each of these: the first entry of an inbox.</summary>
        public async ValueTask<Dictionary<string, WaitingSince>> Oldest(IEnumerable<string> parties)
        {
            var oldest = new Dictionary<string, WaitingSince>(StringComparer.Ordinal);
            foreach (var (list, arguments) in SqlList.RowsOf(parties))
            {
                foreach (
                    var row in await reader.All<OldestRow>(
                        $"""
                        SELECT k.column1 AS party,
                          (SELECT min(w.request_id) FROM waiting w WHERE w.party = k.column1) AS request_id
                        FROM (VALUES {list}) k
                        """,
                        arguments
                    )
                )
                {
                    if (row.RequestId is { } id)
                        oldest[row.Party] = new WaitingSince(RequestId.Of(id), RequestId.Of(id).Time);
                }
            }
            return oldest;
        }

        private IEnumerable<long> PeopleIn(PeopleSnapshot people, string text)
        {
            var party = new Party(text);
            if (party.IdAfter("person:") is { } person)
                return people.People.TryGetValue(person, out var one) && !one.IsDisabled ? [person] : [];
            if (_only?.Contains(text) == false)
                return [];
            var members = party.IdAfter("group:") is not { } group
                ? people.People.Values.Where(p => p.Role == Role.Admin).Select(p => p.Id)
                : people.Groups.GetValueOrDefault(group)?.Members ?? [];
            return members.Where(m => people.People.TryGetValue(m, out var one) && !one.IsDisabled);
        }
    }

    private sealed class NamedRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }

        public Named ToNamed() => new(Id, Name);
    }

    private sealed class OpenRow
    {
        public required string Dimension { get; init; }
        public long Value { get; init; }
        public long Open { get; init; }
        public long Blocked { get; init; }

        public static ValueTask<List<OpenRow>> Read(Reader reader, Scope scope) =>
            reader.All<OpenRow>(
                $"""
                SELECT dimension, value, CAST(sum(open) AS bigint) AS open, CAST(sum(blocked) AS bigint) AS blocked
                FROM summary_open WHERE {scope.Audiences} GROUP BY dimension, value
                """,
                new { person = scope.Person, group = scope.Group }
            );
    }

    private sealed class AgeRow
    {
        public required string Opened { get; init; }
        public long Open { get; init; }
    }

    private sealed class AudienceRow
    {
        public required string Members { get; init; }
        public long Open { get; init; }
        public long Blocked { get; init; }
    }

    private sealed class WaitingRow
    {
        public required string Members { get; init; }
        public long Open { get; init; }
    }

    private sealed class PersonRow
    {
        public long Reviewer { get; init; }
        public long Open { get; init; }
    }

    private sealed class OldestRow
    {
        public required string Party { get; init; }
        public string? RequestId { get; init; }
    }
}
