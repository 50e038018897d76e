using System.Text;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Countersign.Pages.Inbox;

/// <summary>
/// Which list the address asks for, how it is narrowed, ordered and where it starts. What it says wrongly is left out
/// rather than refused: an old bookmark still shows a list.
/// </summary>
public sealed record InboxFilter
{
    public const string Review = "waiting",
        Asked = "asked",
        All = "all";
    public const string Oldest = "oldest",
        Newest = "newest",
        Expiring = "expiring";
    private static readonly string[] Orders = [Oldest, Newest, Expiring];

    public string Show { get; init; } = Review;
    public string Status { get; init; } = "";
    public string Source { get; init; } = "";
    public string Group { get; init; } = "";
    public string Environment { get; init; } = "";
    public string Text { get; init; } = "";
    public string Cursor { get; init; } = "";
    private string Order { get; init; } = "";

    public bool IsNarrowed => Text.Length > 0 || Chips.Any();

    /// <summary>The list as it is without anything asked for, which is what people open all day.</summary>
    public bool IsPlain => !IsNarrowed && Order.Length + Cursor.Length == 0;

    /// <summary>What has waited longest comes first in the list one works through, what is new in the others.</summary>
    public string CurrentOrder =>
        Order.Length > 0 ? Order
        : Show == Review ? Oldest
        : Newest;

    public bool IsOldestFirst => CurrentOrder == Oldest;

    /// <summary>Where the rail has its entry.</summary>
    public string Section => Show == Review ? "/" : "/?show=" + Show;

    /// <summary>What narrows the list, by the parameter's name; the text has its own place, the search box.</summary>
    public IEnumerable<(string Name, string Value)> Chips =>
        new[] { ("status", Status), ("source", Source), ("group", Group), ("environment", Environment) }.Where(c =>
            c.Item2.Length > 0
        );

    public InboxFilter Without(string name) =>
        name switch
        {
            "status" => this with { Status = "", Cursor = "" },
            "source" => this with { Source = "", Cursor = "" },
            "group" => this with { Group = "", Cursor = "" },
            "environment" => this with { Environment = "", Cursor = "" },
            _ => this with { Text = "", Cursor = "" },
        };

    /// <summary>The same list in each order in which it isn't, by the order's name.</summary>
    public IEnumerable<(string Order, InboxFilter Filter)> OtherOrders =>
        Orders.Where(o => o != CurrentOrder).Select(o => (o, this with { Order = o, Cursor = "" }));

    /// <param name="address">A path and query of ours, as a form carries it.</param>
    public static InboxFilter Read(string address)
    {
        var query = address.IndexOf('?', StringComparison.Ordinal);
        return Read(new QueryCollection(QueryHelpers.ParseQuery(query < 0 ? "" : address[query..])));
    }

    public static InboxFilter Read(IQueryCollection query)
    {
        var filter = new InboxFilter
        {
            Status = WireNames.StatusOf(One(query["status"])) is null ? "" : One(query["status"]),
            Source = One(query["source"]),
            Group = One(query["group"]),
            Environment = One(query["environment"]),
            Text = One(query["text"]),
            Cursor = One(query["cursor"]),
            Order = Orders.Contains(One(query["order"])) ? One(query["order"]) : "",
        };
        return filter with
        {
            Show =
                One(query["show"]) is Review or Asked or All ? One(query["show"])
                : One(query["waiting"]) == "me" || !filter.IsNarrowed ? Review
                : All,
        };

        static string One(StringValues values) =>
            values.Count > 0 && values[^1] is { Length: <= 200 } value
                ? new string([.. value.Where(c => !char.IsControl(c))]).Trim()
                : "";
    }

    public Filter ToFilter(PeopleSnapshot directory) =>
        new()
        {
            WaitingForMe = Show == Review,
            AskedByMe = Show == Asked,
            Statuses = WireNames.StatusOf(Status) is { } status ? [status] : [],
            Sources = Source.Length > 0 ? [directory.FindSource(Source)?.Id ?? 0] : [],
            AskedGroups = Group.Length > 0 ? [directory.FindGroup(Group)?.Id ?? 0] : [],
            Place = Environment.Length > 0 ? Environment : null,
            Text = Text.Length > 0 ? Text : null,
            ExpiringFirst = CurrentOrder == Expiring,
        };

    /// <summary>Where the page starts; before every request, walking towards newer ones, is the oldest.</summary>
    public Position? Position(Cursors cursors) =>
        (Cursor.Length > 0 ? cursors.Read(Cursor) : null) ?? (IsOldestFirst ? new Position("", Newer: true) : null);

    /// <summary>The address that asks for this, below the path base.</summary>
    public string Address(string path = "/")
    {
        var address = new StringBuilder(path);
        var before = '?';
        foreach (var (name, value) in Fields(withOrder: true).Append(("cursor", Cursor)))
        {
            if (value.Length == 0 || (name == "show" && value == Review && !IsNarrowed))
                continue;
            address.Append(before).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            before = '&';
        }
        return address.ToString();
    }

    /// <summary>All but the place in the list, as a form carries it.</summary>
    public IEnumerable<(string Name, string Value)> Fields(bool withOrder) =>
        [("show", Show), .. Chips, ("text", Text), ("order", withOrder ? Order : "")];
}
