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

    /// <summary>
    /// Found in the title, the requester's name or the source's own id, in any case; or each of its words begins a word
    /// of these or a value of the details (<see cref="RequestTerms"/>).
    /// </summary>
    public string? Text { get; init; }

    /// <summary>
    /// The environment that the content names, as <see cref="RequestSummary"/> reads it, in any case.
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

    /// <summary>
    /// Active requests that expire come first, the soonest of them first. The others follow, newest first; in the list
    /// of what waits for the viewer, oldest first.
    /// </summary>
    public bool ExpiringFirst { get; init; }
}

/// <summary>
/// Where a page starts: beyond this request, towards older (the usual way) or newer ones. In a list with those first
/// that expire (<see cref="Filter.ExpiringFirst"/>): towards the end of the list (the usual way) or its beginning.
/// </summary>
public sealed record Position(string Id, bool Newer)
{
    /// <summary>In a list with those first that expire: when this one does; null for those that follow them.</summary>
    public string? Expires { get; init; }
}

/// <summary>
/// One page, newest first unless the filter says otherwise; where it goes on and back. A page may be short and still
/// have more behind it, where a filter had much to skip.
/// </summary>
public sealed record Page(IReadOnlyList<ApprovalRequest> Requests, Position? Older, Position? Newer);

/// <summary>
/// Lists cost the page and not the table. One filter drives: it is a union of index ranges, each cut to the page,
/// newest first. What it does not cover is checked row by row over at most <see cref="Longest"/> rows per page.
/// </summary>
public sealed class RequestList(Store store, RequestSummaries summaries)
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
                var found = await summaries.Of(requests, cancel);
                return requests.Where(r =>
                    string.Equals(found[r.Id].Environment, place, StringComparison.OrdinalIgnoreCase)
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
        var end = found.Count > size ? PositionOf(found[size - 1], filter, newer) : at;
        return PageOf(found.Take(size), end, position, filter);
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
                var reach =
                    seesAll || filter.AskedByMe
                        ? new Visibility.Reach([], [])
                        : await Visibility.Reach.Of(reader, viewer);
                var words = filter.Text is { Length: > 0 } text ? await SearchWords.Of(reader, text) : null;
                var search = new Search(reader, viewer, filter, reach, words);
                if (filter.ExpiringFirst)
                    return await ByExpiry(search, size, position);
                var (rows, end) = await ById(search, position, size);
                var newer = position?.Newer ?? false;
                return PageOf(
                    rows.ConvertAll(row => row.ToRequest()),
                    end is null ? null : new Position(end, newer),
                    position,
                    filter
                );
            },
            cancel
        );

    /// <summary>Rows in the order of their ids, and where they go on; null at the end.</summary>
    private static async ValueTask<(List<RequestRow> Rows, string? End)> ById(
        Search search,
        Position? position,
        int size
    )
    {
        var found = await Walk(search.Reader, Query.For(search, position, size, byTerm: false), size);
        return search.Words?.Driver is null
            ? found
            : Merged(
                found,
                await Walk(search.Reader, Query.For(search, position, size, byTerm: true), size),
                size,
                position?.Newer ?? false,
                seesAll: search.Viewer.IsAdmin
            );
    }

    /// <summary>
    /// Two lists one behind the other: the active requests that expire, in the order in which they do, and all others
    /// in the order of their ids. A page that begins in one may end in the other.
    /// </summary>
    private static async ValueTask<Page> ByExpiry(Search search, int size, Position? position)
    {
        var (isBack, filter) = (position?.Newer ?? false, search.Filter);
        var (rows, end) = (new List<RequestRow>(), (Position?)null);
        var hasExpiring = filter.Statuses.Count == 0 || filter.Statuses.Contains(Status.Active);
        bool[] parts = isBack ? [false, true] : [true, false];
        var startsInOthers = position is { Expires: null };
        foreach (var expiring in parts)
        {
            if (expiring ? !hasExpiring || (!isBack && startsInOthers) : isBack && !startsInOthers)
                continue;
            var start = position is not null && expiring == !startsInOthers ? position : null;
            var left = size - rows.Count;
            var (found, goesOn) = expiring
                ? await Expiring(search, start, isBack, Math.Max(1, left))
                : await Others(search, start, isBack, Math.Max(1, left));
            if (left == 0)
            {
                // The page is full. Whether a next one has something is all that this was to find out.
                if (found.Count > 0 || goesOn is not null)
                    end = PositionOf(rows[^1].ToRequest(), filter, isBack);
                break;
            }
            rows.AddRange(found);
            if ((end = goesOn) is not null)
                break;
        }
        return PageOf(rows.ConvertAll(row => row.ToRequest()), end, position, filter);
    }

    private static async ValueTask<(List<RequestRow> Rows, Position? End)> Expiring(
        Search search,
        Position? start,
        bool isBack,
        int size
    )
    {
        var (rows, end) = await Walk(search.Reader, Query.Expiring(search, start, isBack, size), size);
        return (rows, end is null ? null : Query.ReadKey(end, isBack));
    }

    private static async ValueTask<(List<RequestRow> Rows, Position? End)> Others(
        Search search,
        Position? start,
        bool isBack,
        int size
    )
    {
        var towardsNewer = search.Filter.WaitingForMe != isBack;
        var from =
            start is not null ? start with { Newer = towardsNewer }
            : towardsNewer ? new Position("", true)
            : null;
        var (rows, end) = await ById(search, from, size);
        return (rows, end is null ? null : new Position(end, isBack));
    }

    /// <summary>A page of rows, and where it goes on; null at the end.</summary>
    private static async ValueTask<(List<RequestRow> Rows, string? End)> Walk(
        Reader reader,
        IEnumerable<(Query Query, int Look)> queries,
        int size
    )
    {
        var (rows, end) = (new List<RequestRow>(), (string?)null);
        foreach (var (query, look) in queries)
        {
            rows = await reader.All<RequestRow>(query.Rows(size + 1, look), query.Arguments);
            end = null;
            if (rows.Count > size)
            {
                rows.RemoveAt(size);
                end = query.KeyOf(rows[^1]);
                break;
            }
            // Fewer than a page were found among the rows looked at; if the look was cut short, it goes on from there.
            if (query.MayEndEarly)
                end = await reader.Text(query.LastLookedAt(), query.Arguments);
            if (end is null)
                break;
        }
        return (rows, end);
    }

    /// <summary>
    /// What was found row by row, among so many rows as a page may look at, and what was found by its terms, however
    /// old it is.
    /// </summary>
    /// <param name="seesAll">
    /// Whether the viewer may know how many requests have a term. For others a page goes on only where their own
    /// requests do, or they could tell whether requests that they do not see have it.
    /// </param>
    private static (List<RequestRow> Rows, string? End) Merged(
        (List<RequestRow> Rows, string? End) scan,
        (List<RequestRow> Rows, string? End) terms,
        int size,
        bool newer,
        bool seesAll
    )
    {
        var all = scan.Rows.UnionBy(terms.Rows, row => row.Id).ToList();
        all.Sort((a, b) => Compare(a.Id, b.Id));
        var isFull = terms.Rows.Count == size;
        if (terms.End is { } cut && (seesAll || isFull))
        {
            // Beyond this, more may have the terms than was found.
            all.RemoveAll(row => Compare(row.Id, cut) > 0);
            return Page(all, cut);
        }
        if (scan.End is not { } end || (seesAll && terms.Rows.Count > 0))
            return Page(all, null);
        return Page(all, all.Count > 0 && Compare(all[^1].Id, end) > 0 ? all[^1].Id : end);

        // What is left out of a page stands at the beginning of the next.
        (List<RequestRow>, string?) Page(List<RequestRow> rows, string? goesOn) =>
            rows.Count > size ? (rows.GetRange(0, size), rows[size - 1].Id) : (rows, goesOn);

        int Compare(string a, string b) => newer ? string.CompareOrdinal(a, b) : string.CompareOrdinal(b, a);
    }

    /// <param name="walked">In the direction in which one walks.</param>
    /// <param name="end">Where it goes on; null at the end.</param>
    private static Page PageOf(IEnumerable<ApprovalRequest> walked, Position? end, Position? position, Filter filter)
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
                    : PositionOf(newer ? requests[^1] : requests[0], filter, !newer);
        return newer ? new Page(requests, back, end) : new Page(requests, end, back);
    }

    private static Position PositionOf(ApprovalRequest request, Filter filter, bool newer) =>
        new(request.Id.Value, newer)
        {
            Expires =
                filter.ExpiringFirst && request is { IsSettled: false, ExpiresAt: { } at } ? Instant.ToText(at) : null,
        };

    /// <summary>What a page is looked for with.</summary>
    private sealed record Search(
        Reader Reader,
        Viewer Viewer,
        Filter Filter,
        Visibility.Reach Reach,
        SearchWords? Words
    );

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

        /// <summary>Whether this is in the order of expiry and not of ids.</summary>
        private readonly bool _byExpiry;

        /// <summary>
        /// Ways to find a page, the one that is cheapest if it succeeds first, each with the number of rows that it may
        /// look at.
        /// </summary>
        public static IEnumerable<(Query Query, int Look)> For(Search search, Position? position, int size, bool byTerm)
        {
            var (_, viewer, filter, reach, words) = search;
            var query = new Query(viewer, filter, reach, position, words, byTerm);
            var shortLook = size * ShortLook * (filter.OrAsked.Count + filter.AskedGroups.Count > 0 ? 2 : 1);
            if (query._isWide)
            {
                var newest = new Query(viewer, filter, reach, position, words, checksAll: true);
                yield return (newest, shortLook);
                if (shortLook < NewestLook)
                    yield return (newest, NewestLook);
            }
            if (query.MayEndEarly)
                yield return (query, shortLook);
            yield return (query, query.MayEndEarly ? Longest : size + 1);
        }

        /// <summary>Of the active requests that expire, in the order in which they do.</summary>
        /// <param name="isBack">Whether the latest comes first.</param>
        public static IEnumerable<(Query Query, int Look)> Expiring(
            Search search,
            Position? position,
            bool isBack,
            int size
        )
        {
            var (_, viewer, filter, reach, words) = search;
            var from = position is null ? new Position("", isBack) : position with { Newer = isBack };
            var query = new Query(viewer, filter, reach, from, words, byExpiry: true);
            if (query.MayEndEarly)
                yield return (query, size * ShortLook);
            yield return (query, query.MayEndEarly ? Longest : size + 1);
        }

        private Query(
            Viewer viewer,
            Filter filter,
            Visibility.Reach reach,
            Position? position,
            SearchWords? words,
            bool byTerm = false,
            bool checksAll = false,
            bool byExpiry = false
        )
        {
            var newer = position?.Newer ?? false;
            _byExpiry = byExpiry;
            // The soonest come first, but the oldest last.
            _order = newer != byExpiry ? "ASC" : "DESC";
            _bounds = byExpiry ? ExpiryBounds(position!) : Bounds(filter, position);

            // The one filter that reads the fewest rows drives; the others check.
            var statuses = filter.Statuses.Count > 0 ? filter.Statuses.Distinct().ToArray() : AllStatuses;
            var driver =
                byTerm ? "term"
                : byExpiry ? "expiring"
                : checksAll
                    ? filter.Statuses.Count > 0 ? "status"
                        : "all"
                : DriverOf(viewer, filter);
            switch (driver)
            {
                case "term":
                    foreach (var term in words!.Driver!)
                        Range("request_terms", "request_id", $"term = {Argument(term)}");
                    _mayRepeat = _ranges.Count > 1;
                    // What has the terms was not found by who may see it, so that each is looked at.
                    if (filter.WaitingForMe)
                    {
                        _checks.Add(Visibility.WaitsFor(string.Join(", ", reach.Own.Select(Argument))));
                    }
                    else if (filter.TakesPart && !viewer.IsSource)
                    {
                        _checks.Add(Visibility.TakesPart(string.Join(", ", OwnOf(viewer, reach).Select(Argument))));
                    }
                    else if (filter.AskedByMe)
                    {
                        _checks.Add($"r.requester_id = {Argument(viewer.PersonOrNone)}");
                    }
                    break;
                case "expiring":
                    ExpiringRanges(viewer, filter, reach);
                    _mayRepeat = _ranges.Count > 1;
                    foreach (var bound in new[] { (filter.From, ">="), (filter.Before, "<") })
                    {
                        if (bound.Item1 is { } at)
                            _checks.Add($"r.id {bound.Item2} {Argument(RequestId.FirstAt(at))}");
                    }
                    break;
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
                    var own = driver == "parties" ? OwnOf(viewer, reach) : reach.Own;
                    if (driver == "parties")
                        Range("requests", "id", $"requester_id = {Argument(viewer.PersonOrNone)}");
                    foreach (var party in own)
                        Range(driver, "request_id", $"party = {Argument(party)}");
                    foreach (var party in reach.AsDelegate)
                    {
                        if (party == Visibility.Delegated)
                        {
                            Range("delegations", "request_id", $"delegate_id = {Argument(viewer.PersonOrNone)}");
                            continue;
                        }
                        Range("waiting", "request_id", $"party = {Argument(party)}");
                        if (driver == "parties")
                            Range("answerable", "request_id", $"party = {Argument(party)}");
                    }
                    _mayRepeat = _ranges.Count > 1;
                    // The ranges of one's own hold nothing else; those of others are looked at row by row.
                    var names = reach.AsDelegate.Count == 0 ? null : string.Join(", ", own.Select(Argument));
                    if (driver == "waiting")
                        _checks.Add(Visibility.WaitsFor(names));
                    else if (names is not null)
                        _checks.Add(Visibility.TakesPart(names));
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

            if (filter.ExpiringFirst && !byExpiry)
                _checks.Add("(r.status <> 'active' OR r.expires_at IS NULL)");
            if (
                (driver is "term" or "waiting" or "parties" or "asked" or "asked_group" || filter.OrAsked.Count > 0)
                && filter.Statuses.Count > 0
                && !byExpiry
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
                // Over the newest alone, all that asks these groups is found once, not a hundred times for each row.
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
                var isWhole = $"{RequestChange.Searched} LIKE {Argument(Anywhere(text))} ESCAPE '\\'";
                if (!byTerm)
                {
                    // Of others' own requests each is looked at with its terms. An admin's are too many for that.
                    _checks.Add(
                        words is { Driver: not null } && (byExpiry || !viewer.IsAdmin)
                            ? $"({isWhole} OR ({HasEachWord(words)}))"
                            : isWhole
                    );
                }
                else if (words!.Words.Count > 1)
                {
                    _checks.Add(HasEachWord(words));
                }
            }
            if (driver is "waiting" || reach.AsDelegate.Count > 0 || byTerm || byExpiry)
                Arguments["person"] = viewer.PersonOrNone;
            if (
                !viewer.IsAdmin
                && (
                    byTerm || byExpiry
                        ? !filter.WaitingForMe && !filter.AskedByMe && (!filter.TakesPart || viewer.IsSource)
                        : driver is not ("waiting" or "parties" or "asked")
                )
            )
            {
                (Arguments["admin"], Arguments["source"], Arguments["person"]) = (
                    0L,
                    viewer.SourceOrNone,
                    viewer.PersonOrNone
                );
                _checks.Add(Visibility.MaySee);
            }
        }

        /// <summary>
        /// What waits for the viewer has its own index in this order. All other requests that expire are gone through
        /// and each is looked at.
        /// </summary>
        private void ExpiringRanges(Viewer viewer, Filter filter, Visibility.Reach reach)
        {
            if (filter.WaitingForMe)
            {
                foreach (var party in reach.Own.Concat(reach.AsDelegate))
                {
                    _ranges.Add(
                        party == Visibility.Delegated
                            ? ExpiringRange(
                                "delegations d JOIN requests t ON t.id = d.request_id",
                                "t.",
                                "id",
                                $"d.delegate_id = {Argument(viewer.PersonOrNone)} AND t.status = 'active'"
                            )
                            : ExpiringRange("waiting", "", "request_id", $"party = {Argument(party)}")
                    );
                }
                var isDelegate = reach.AsDelegate.Count > 0;
                _checks.Add(Visibility.WaitsFor(isDelegate ? string.Join(", ", reach.Own.Select(Argument)) : null));
                return;
            }
            _ranges.Add(ExpiringRange("requests", "", "id", "status = 'active'"));
            if (filter.TakesPart && viewer.IsSource)
                _checks.Add($"r.source_id = {Argument(viewer.SourceOrNone)}");
            else if (filter.TakesPart)
                _checks.Add(Visibility.TakesPart(string.Join(", ", OwnOf(viewer, reach).Select(Argument))));
            else if (filter.AskedByMe)
                _checks.Add($"r.requester_id = {Argument(viewer.PersonOrNone)}");
        }

        /// <summary>
        /// Each range is cut to the look: without that, PostgreSQL plans it as if all of it were read, and sorts it.
        /// </summary>
        private string ExpiringRange(string table, string alias, string id, string condition) =>
            $"""
                SELECT id, expires FROM (
                  SELECT {alias}{id} AS id, {alias}expires_at AS expires FROM {table}
                  WHERE {condition} AND {alias}expires_at IS NOT NULL
                    {_bounds.Replace("{id}", alias + id, StringComparison.Ordinal)
                        .Replace("{expires}", alias + "expires_at", StringComparison.Ordinal)}
                  ORDER BY {alias}expires_at {_order}, {alias}{id} {_order} LIMIT @most) ordered
                """;

        private string ExpiryBounds(Position position) =>
            position.Expires is not { } expires
                ? ""
                : $" AND ({{expires}}, {{id}}) {(position.Newer ? "<" : ">")} "
                    + $"({Argument(expires)}, {Argument(position.Id)})";

        /// <summary>Where a row stands in this order, as <see cref="LastLookedAt"/> says it.</summary>
        public string KeyOf(RequestRow row) => _byExpiry ? row.ExpiresAt + row.Id : row.Id;

        /// <summary>A request's id has 26 characters, and the time stands before it.</summary>
        public static Position ReadKey(string key, bool isBack) => new(key[^26..], isBack) { Expires = key[..^26] };

        private static IReadOnlyList<string> OwnOf(Viewer viewer, Visibility.Reach reach) =>
            [.. reach.Own, Party.TicketAssignee(viewer.PersonOrNone).Text];

        private static string DriverOf(Viewer viewer, Filter filter) =>
            filter.WaitingForMe ? "waiting"
            : filter.AskedByMe ? "asked"
            : filter.TakesPart ? "parties"
            : filter.AssigneeUsers.Count > 0 ? "assignee_user"
            : filter.AssigneeGroups.Count > 0 ? "assignee_group"
            : filter.AskedGroups.Count > 0 ? "asked_group"
            : filter.Sources.Count > 0 && viewer.IsAdmin ? "source_id"
            : !viewer.IsAdmin ? "parties"
            : filter.Statuses.Count > 0 ? "status"
            : "all";

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
                ORDER BY {(_byExpiry ? $"r.expires_at {_order}, " : "")}r.id {_order} LIMIT @wanted
                """;
        }

        /// <summary>Where the look of <see cref="Rows"/> ended, if it ended before the last row.</summary>
        public string LastLookedAt() => $"SELECT CASE WHEN count(*) = @most THEN {Last} END FROM ({Ids()}) k";

        private string Last => $"{(_order == "ASC" ? "max" : "min")}({(_byExpiry ? "expires || id" : "id")})";

        /// <summary>
        /// Both engines merge ordered ranges row by row and stop at the limit, however many there are.
        /// </summary>
        private string Ids() =>
            $"{string.Join(" UNION ALL ", _ranges)} ORDER BY {(_byExpiry ? $"expires {_order}, " : "")}id {_order} "
            + "LIMIT @most";

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

        private string HasEachWord(SearchWords words) =>
            string.Join(
                " AND ",
                words.Words.Select(word =>
                {
                    var inTitle = $"{RequestChange.Searched} LIKE {Argument(Anywhere(word.Word))} ESCAPE '\\'";
                    if (word.Terms.Count == 0)
                        return inTitle;
                    var terms = string.Join(", ", word.Terms.Select(Argument));
                    return $"(EXISTS (SELECT 1 FROM request_terms t WHERE t.term IN ({terms}) "
                        + $"AND t.request_id = r.id) OR {inTitle})";
                })
            );

        /// <summary>No stored text has a NUL, and PostgreSQL takes none.</summary>
        private static string Anywhere(string text) => $"%{Escape(text.Replace('\0', '\uFFFD').ToLowerInvariant())}%";

        private static string Escape(string text) =>
            text.Replace(@"\", @"\\", StringComparison.Ordinal)
                .Replace("%", @"\%", StringComparison.Ordinal)
                .Replace("_", @"\_", StringComparison.Ordinal);
    }
}
