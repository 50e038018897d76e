using System.Text;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// What a list shows: values within one filter are alternatives, filters narrow one another, none means all.
/// </summary>
public sealed record Filter
{
    public const int MaxValues = 100;

    public IReadOnlyList<Status> Statuses { get; init; } = [];
    public IReadOnlyList<long> AssigneeUsers { get; init; } = [];
    public IReadOnlyList<long> AssigneeGroups { get; init; } = [];

    /// <summary>
    /// With one of the two before: also requests that have no assignee of their own and ask one of these.
    /// </summary>
    public IReadOnlyList<Party> OrAsked { get; init; } = [];

    /// <summary>
    /// Groups of which a request names one as its assignee, or of which its policy asks one; while it is active, waits
    /// for one.
    /// </summary>
    public IReadOnlyList<long> AskedGroups { get; init; } = [];
    public IReadOnlyList<long> Sources { get; init; } = [];

    /// <summary>Found in the subject, the requester's name or the source's own id, in any case.</summary>
    public string? Text { get; init; }

    /// <summary>
    /// The environment that the content names, as <see cref="EnvironmentNames"/> reads it, in any case.
    /// </summary>
    public string? Place { get; init; }
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? Before { get; init; }

    /// <summary>Only what waits for the viewer.</summary>
    public bool WaitingForMe { get; init; }

    /// <summary>Only what the viewer has a part in, also where an admin may see more.</summary>
    public bool TakesPart { get; init; }

    /// <summary>Only what the viewer asked for.</summary>
    public bool AskedByMe { get; init; }
}

/// <summary>Where a page starts: beyond this request, towards older (the usual way) or newer ones.</summary>
public sealed record Position(string Id, bool Newer);

/// <summary>
/// One page, newest first. A page may be short and still have more behind it, where a filter had much to skip.
/// </summary>
public sealed record Page(IReadOnlyList<ApprovalRequest> Requests, Position? Older, Position? Newer);

/// <summary>
/// Lists cost the page and not the table. One filter drives: it is a union of index ranges, each cut to the page,
/// newest first. What it does not cover is checked row by row over at most <see cref="Longest"/> rows per page.
/// </summary>
public sealed class RequestList(Store store, EnvironmentNames places)
{
    public const int MaxPage = 100;
    private const int Longest = 2_000;
    private const int MaxPages = 20;
    private const int MaxShortPages = 4;

    /// <summary>
    /// Most of what is checked passes, so two pages' worth is looked at before <see cref="Longest"/>.
    /// </summary>
    private const int ShortLook = 2;

    /// <summary>
    /// Beyond so many ranges the newest requests of these statuses are looked at first: so wide a filter nearly always
    /// finds its page there.
    /// </summary>
    private const int ManyRanges = 40;
    private const int NewestLook = 400;
    private static readonly Status[] AllStatuses = Enum.GetValues<Status>();

    public ValueTask<Page> Run(Viewer viewer, Filter filter, int size, Position? position, CancellationToken cancel) =>
        filter.Place is { } place
            ? InPlace(place, viewer, filter with { Place = null }, size, position, cancel)
            : Read(viewer, filter, size, position, cancel);

    /// <summary>Places stand in the contents, which no query looks into.</summary>
    private ValueTask<Page> InPlace(
        string place,
        Viewer viewer,
        Filter filter,
        int size,
        Position? position,
        CancellationToken cancel
    ) =>
        Sift(
            viewer,
            filter,
            size,
            position,
            MaxPage,
            async requests =>
            {
                var where = await places.Of(requests, cancel);
                return requests.Where(r =>
                    where.TryGetValue(r.Id, out var its)
                    && string.Equals(its, place, StringComparison.OrdinalIgnoreCase)
                );
            },
            cancel
        );

    /// <summary>
    /// For what no query can tell: goes through the pages of a filter until <paramref name="keep"/> has left a page of
    /// them, or as many were looked at as a search may.
    /// </summary>
    /// <param name="look">How many to look at in one go.</param>
    /// <param name="keep">Leaves the order as it is.</param>
    public async ValueTask<Page> Sift(
        Viewer viewer,
        Filter filter,
        int size,
        Position? position,
        int look,
        Func<IReadOnlyList<ApprovalRequest>, ValueTask<IEnumerable<ApprovalRequest>>> keep,
        CancellationToken cancel
    )
    {
        var (found, at, pages, shortPages, newer) = (
            new List<ApprovalRequest>(),
            position,
            0,
            0,
            position?.Newer ?? false
        );
        do
        {
            var page = await Read(viewer, filter, look, at, cancel);
            var kept = await keep(page.Requests);
            found.AddRange(newer ? kept.Reverse() : kept);
            at = newer ? page.Newer : page.Older;
            // A short page that goes on has cost a whole look of Longest rows already.
            shortPages += page.Requests.Count < look ? 1 : 0;
        } while (at is not null && found.Count <= size && ++pages < MaxPages && shortPages < MaxShortPages);
        var end = found.Count > size ? found[size - 1].Id.Value : at?.Id;
        return PageOf(found.Take(size), end, position);
    }

    private ValueTask<Page> Read(
        Viewer viewer,
        Filter filter,
        int size,
        Position? position,
        CancellationToken cancel
    ) =>
        store.Read(
            async reader =>
            {
                var seesAll = viewer.IsAdmin && !filter.WaitingForMe && !filter.TakesPart;
                var inboxes =
                    viewer.PersonId is null || seesAll || filter.AskedByMe
                        ? []
                        : await reader.All<InboxRow>(DelegateSql.Inboxes, new { person = viewer.PersonOrNone });
                var (rows, end) = (new List<RequestRow>(), (string?)null);
                foreach (var (query, look) in Query.For(viewer, filter, inboxes, position, size))
                {
                    rows = await reader.All<RequestRow>(query.Rows(size + 1, look), query.Arguments);
                    end = null;
                    if (rows.Count > size)
                    {
                        rows.RemoveAt(size);
                        end = rows[^1].Id;
                        break;
                    }
                    // Fewer than a page were found among the rows looked at; if the look was cut short, it goes on from
                    // there.
                    if (query.MayEndEarly)
                        end = await reader.Text(query.LastLookedAt(), query.Arguments);
                    if (end is null)
                        break;
                }
                return PageOf(rows.ConvertAll(row => row.ToRequest()), end, position);
            },
            cancel
        );

    /// <param name="walked">In the direction in which one walks.</param>
    /// <param name="end">Where it goes on; null at the end.</param>
    private static Page PageOf(IEnumerable<ApprovalRequest> walked, string? end, Position? position)
    {
        var newer = position?.Newer ?? false;
        List<ApprovalRequest> requests = [.. newer ? walked.Reverse() : walked];
        // Walking towards older ones there is always a way back to where one came from, and the other way round.
        var back =
            requests.Count == 0
                ? position is null
                    ? null
                    : position with
                    {
                        Newer = !newer,
                    }
                : position is null
                    ? null
                    : new Position(newer ? requests[^1].Id.Value : requests[0].Id.Value, !newer);
        var on = end is null ? null : new Position(end, newer);
        return newer ? new Page(requests, back, on) : new Page(requests, on, back);
    }

    private sealed class InboxRow
    {
        public required string Party { get; init; }

        /// <summary>Of a person for whom the viewer may stand in, where the rule for delegates says so.</summary>
        public long Delegated { get; init; }
    }

    /// <summary>The statement for one filter: which ranges it reads and what it still has to check.</summary>
    private sealed class Query
    {
        private readonly string _bounds;
        private readonly string _order;
        private readonly List<string> _ranges = [];
        private readonly List<string> _checks = [];
        private readonly Dictionary<object, string> _names = [];
        private readonly bool _mayRepeat;
        private readonly bool _readsAll;
        private readonly bool _isWide;

        /// <summary>
        /// Ways to find a page, the one that is cheapest if it succeeds first, each with the number of rows that it may
        /// look at.
        /// </summary>
        public static IEnumerable<(Query Query, int Look)> For(
            Viewer viewer,
            Filter filter,
            IReadOnlyList<InboxRow> inboxes,
            Position? position,
            int size
        )
        {
            var query = new Query(viewer, filter, inboxes, position);
            var shortLook = size * ShortLook * (filter.OrAsked.Count + filter.AskedGroups.Count > 0 ? 2 : 1);
            if (query._isWide)
            {
                var newest = new Query(viewer, filter, inboxes, position, checksAll: true);
                yield return (newest, shortLook);
                if (shortLook < NewestLook)
                    yield return (newest, NewestLook);
            }
            if (query.MayEndEarly)
                yield return (query, shortLook);
            yield return (query, query.MayEndEarly ? Longest : size + 1);
        }

        private Query(
            Viewer viewer,
            Filter filter,
            IReadOnlyList<InboxRow> inboxes,
            Position? position,
            bool checksAll = false
        )
        {
            var newer = position?.Newer ?? false;
            _order = newer ? "ASC" : "DESC";
            _bounds = Bounds(filter, position);

            // The one filter that reads the fewest rows drives; the others check.
            var statuses = filter.Statuses.Count > 0 ? filter.Statuses.Distinct().ToArray() : AllStatuses;
            string[] mine = [viewer.Party.Text, .. inboxes.Where(i => i.Delegated == 0).Select(i => i.Party)];
            if (viewer.IsAdmin)
                mine = [.. mine, Party.Admins.Text];
            string[] delegated = [.. inboxes.Select(i => i.Party).Except(mine)];
            var driver = checksAll
                ? filter.Statuses.Count > 0
                    ? "status"
                    : "all"
                : filter.WaitingForMe
                    ? "waiting"
                    : filter.AskedByMe
                        ? "asked"
                        : filter.TakesPart
                            ? "parties"
                            : filter.AssigneeUsers.Count > 0
                                ? "assignee_user"
                                : filter.AssigneeGroups.Count > 0
                                    ? "assignee_group"
                                    : filter.AskedGroups.Count > 0
                                        ? "asked_group"
                                        : filter.Sources.Count > 0 && viewer.IsAdmin
                                            ? "source_id"
                                            : !viewer.IsAdmin
                                                ? "parties"
                                                : filter.Statuses.Count > 0
                                                    ? "status"
                                                    : "all";
            switch (driver)
            {
                case "waiting" or "parties":
                    if (driver == "parties" && viewer.IsSource)
                    {
                        foreach (var status in statuses)
                        {
                            Range(
                                "requests",
                                "id",
                                $"source_id = {Argument(viewer.SourceOrNone)}"
                                    + $" AND status = {Argument(status.ToWireName())}"
                            );
                        }
                        break;
                    }
                    if (driver == "parties")
                    {
                        mine = [.. mine, Party.TicketAssignee(viewer.PersonOrNone).Text];
                        Range("requests", "id", $"requester_id = {Argument(viewer.PersonOrNone)}");
                    }
                    foreach (var party in mine)
                        Range(driver, "request_id", $"party = {Argument(party)}");
                    foreach (var party in delegated)
                        Range("waiting", "request_id", $"party = {Argument(party)}");
                    _mayRepeat = _ranges.Count > 1;
                    if (delegated.Length > 0)
                    {
                        var own = string.Join(", ", mine.Select(Argument));
                        var mineOnly =
                            $"EXISTS (SELECT 1 FROM {driver} v WHERE v.party IN ({own}) AND v.request_id = r.id)";
                        var asked = driver == "parties" ? "r.requester_id = @person OR " : "";
                        _checks.Add($"({asked}{mineOnly} OR {DelegateSql.StandsIn})");
                    }
                    break;
                case "asked":
                    Range("requests", "id", $"requester_id = {Argument(viewer.PersonOrNone)}");
                    break;
                case "status":
                    foreach (var status in statuses)
                        Range("requests", "id", $"status = {Argument(status.ToWireName())}");
                    break;
                case "all":
                    Range("requests", "id", "1 = 1");
                    _readsAll = true;
                    break;
                default:
                    var (column, values) = driver switch
                    {
                        "assignee_user" => (driver, filter.AssigneeUsers),
                        "assignee_group" => (driver, filter.AssigneeGroups),
                        "asked_group" => ("assignee_group", filter.AskedGroups),
                        _ => (driver, filter.Sources),
                    };
                    foreach (var value in values.Distinct())
                    {
                        var one = Argument(value);
                        foreach (var status in statuses)
                            Range("requests", "id", $"{column} = {one} AND status = {Argument(status.ToWireName())}");
                    }
                    var parties =
                        driver == "asked_group"
                            ? [.. filter.AskedGroups.Distinct().Select(Party.Group)]
                            : filter.OrAsked;
                    if (parties.Count > 0)
                    {
                        // One range made of many, as SQLite merges no more than 500.
                        var asked = parties.Select(party =>
                            RangeOf(
                                statuses is [Status.Active] ? "waiting" : "parties",
                                "request_id",
                                $"party = {Argument(party.Text)}"
                            )
                        );
                        _ranges.Add(
                            $"""
                            SELECT id
                            FROM ({string.Join(" UNION ALL ", asked)} ORDER BY id {_order} LIMIT @most) asked
                            """
                        );
                        _mayRepeat = true;
                    }
                    _isWide = _ranges.Count > ManyRanges && viewer.IsAdmin;
                    break;
            }

            if (driver is "waiting")
            {
                // A group still waits for its other members when I have answered, or when I may not decide.
                _checks.Add($"NOT {DelegateSql.HasAnswered}");
                _checks.Add(DelegateSql.IsNotBarred);
            }
            if (
                (driver is "waiting" or "parties" or "asked" or "asked_group" || filter.OrAsked.Count > 0)
                && filter.Statuses.Count > 0
            )
            {
                Check("status", [.. statuses.Select(s => (object)s.ToWireName())]);
            }
            if ((driver is not "assignee_user" || filter.OrAsked.Count > 0) && filter.AssigneeUsers.Count > 0)
            {
                Check(
                    "assignee_user",
                    [.. filter.AssigneeUsers.Select(v => (object)v)],
                    orNobody: filter.OrAsked.Count > 0
                );
            }
            if ((driver is not "assignee_group" || filter.OrAsked.Count > 0) && filter.AssigneeGroups.Count > 0)
            {
                Check(
                    "assignee_group",
                    [.. filter.AssigneeGroups.Select(v => (object)v)],
                    orNobody: filter.OrAsked.Count > 0
                );
            }
            if (driver is not "asked_group" && filter.AskedGroups.Count > 0)
            {
                var asked =
                    "p.party IN "
                    + $"({string.Join(", ", filter.AskedGroups.Select(id => Argument(Party.Group(id).Text)))})";
                // Over the newest alone whatever asks these groups is found once, not a hundred times for each row.
                var isOneOfThose = checksAll
                    ? $"r.id IN (SELECT p.request_id FROM parties p WHERE {asked}{BoundsOf("p.request_id")} AND "
                        + $"p.request_id {(newer ? "<=" : ">=")} (SELECT {Last} FROM ({Ids()}) k))"
                    : $"EXISTS (SELECT 1 FROM parties p WHERE {asked} AND p.request_id = r.id)";
                _checks.Add(
                    "(r.assignee_group IN "
                        + $"({string.Join(", ", filter.AskedGroups.Select(id => Argument(id)))}) OR {isOneOfThose})"
                );
            }
            if (driver is not "source_id" && filter.Sources.Count > 0)
                Check("source_id", [.. filter.Sources.Select(v => (object)v)]);
            if (filter.Text is { Length: > 0 } text)
            {
                _checks.Add(
                    $"{RequestChange.Searched} LIKE {Argument($"%{Escape(text.ToLowerInvariant())}%")} ESCAPE '\\'"
                );
            }
            if (driver is "waiting" || delegated.Length > 0)
                Arguments["person"] = viewer.PersonOrNone;
            if (!viewer.IsAdmin && driver is not ("waiting" or "parties" or "asked"))
            {
                (Arguments["admin"], Arguments["source"], Arguments["person"]) = (
                    0L,
                    viewer.SourceOrNone,
                    viewer.PersonOrNone
                );
                _checks.Add(Viewer.MaySee);
            }
        }

        public Dictionary<string, object?> Arguments { get; } = [];

        /// <summary>
        /// Whether rows must be checked one by one or may repeat, so that a look may end before the page is full.
        /// </summary>
        public bool MayEndEarly => _checks.Count > 0 || _mayRepeat;

        /// <param name="look">How many rows may be looked at.</param>
        public string Rows(int wanted, int look)
        {
            (Arguments["wanted"], Arguments["most"]) = (wanted, look);
            // Where the range is the table itself, its rows are at hand; else each is looked up by its id.
            var from =
                _readsAll ? $"(SELECT * FROM requests WHERE 1 = 1{BoundsOf("id")} ORDER BY id {_order} LIMIT @most) r"
                : _mayRepeat ? $"(SELECT DISTINCT id FROM ({Ids()}) i) k JOIN requests r ON r.id = k.id"
                : $"({Ids()}) k JOIN requests r ON r.id = k.id";
            return $"""
                SELECT {RequestRow.Columns} FROM {from} JOIN stamps s ON s.hash = r.stamp
                {(_checks.Count > 0 ? "WHERE " + string.Join(" AND ", _checks) : "")}
                ORDER BY r.id {_order} LIMIT @wanted
                """;
        }

        /// <summary>Where the look of <see cref="Rows"/> ended, if it ended before the last row.</summary>
        public string LastLookedAt() => $"SELECT CASE WHEN count(*) = @most THEN {Last} END FROM ({Ids()}) k";

        private string Last => _order == "ASC" ? "max(id)" : "min(id)";

        /// <summary>
        /// Both engines merge ordered ranges row by row and stop at the limit, however many there are.
        /// </summary>
        private string Ids() => $"{string.Join(" UNION ALL ", _ranges)} ORDER BY id {_order} LIMIT @most";

        private void Range(string table, string column, string condition) =>
            _ranges.Add(RangeOf(table, column, condition));

        /// <summary>
        /// Each range says its order once more: PostgreSQL plans it by itself, and without would read all of it to sort
        /// it.
        /// </summary>
        private string RangeOf(string table, string column, string condition) =>
            $"""
                SELECT id FROM (
                  SELECT {column} AS id FROM {table} WHERE {condition}{BoundsOf(
                    column
                )} ORDER BY {column} {_order}) ordered
                """;

        private void Check(string column, object[] values, bool orNobody = false) =>
            _checks.Add(
                $"(r.{column} IN ({string.Join(", ", values.Select(Argument))})"
                    + (orNobody ? " OR (r.assignee_user IS NULL AND r.assignee_group IS NULL))" : ")")
            );

        private string BoundsOf(string column) => _bounds.Replace("{id}", column, StringComparison.Ordinal);

        private string Bounds(Filter filter, Position? position)
        {
            var bounds = new StringBuilder();
            if (position is not null)
                Bound(position.Newer ? ">" : "<", position.Id);
            if (filter.From is { } from)
                Bound(">=", RequestId.FirstAt(from));
            if (filter.Before is { } before)
                Bound("<", RequestId.FirstAt(before));
            return bounds.ToString();

            void Bound(string comparison, string id) =>
                bounds.Append(" AND {id} ").Append(comparison).Append(' ').Append(Argument(id));
        }

        /// <summary>
        /// One argument per value: a hundred groups times two statuses are 102 of them, and SQLite looks each up among
        /// all.
        /// </summary>
        private string Argument(object value)
        {
            if (!_names.TryGetValue(value, out var name))
            {
                name = $"a{_names.Count}";
                (Arguments[name], _names[value]) = (value, name);
            }
            return "@" + name;
        }

        private static string Escape(string text) =>
            text.Replace(@"\", @"\\", StringComparison.Ordinal)
                .Replace("%", @"\%", StringComparison.Ordinal)
                .Replace("_", @"\_", StringComparison.Ordinal);
    }
}
