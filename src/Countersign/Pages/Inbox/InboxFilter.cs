using System.Text;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Microsoft.Extensions.Primitives;

namespace Countersign.Pages.Inbox;

/// <summary>
/// What the address bar says is to be shown. What it says wrongly is left out rather than refused: an old bookmark
/// still shows a list.
/// </summary>
internal sealed record InboxFilter
{
    public string Show { get; init; } = "";
    public string Status { get; init; } = "";
    public string Source { get; init; } = "";
    public string Group { get; init; } = "";
    public string Environment { get; init; } = "";
    public string Text { get; init; } = "";
    public string Cursor { get; init; } = "";

    public const string Waiting = "waiting",
        Asked = "asked",
        All = "all";

    /// <summary>Nothing asked for: the inbox with all its parts.</summary>
    public bool IsNothing => this == new InboxFilter();

    public bool IsNarrowed => Status.Length + Source.Length + Group.Length + Environment.Length + Text.Length > 0;

    public static InboxFilter Read(IQueryCollection query)
    {
        return new InboxFilter
        {
            Show =
                One(query["show"]) is Waiting or Asked or All ? One(query["show"])
                : One(query["waiting"]) == "me" ? Waiting
                : "",
            Status = WireNames.StatusOf(One(query["status"])) is null ? "" : One(query["status"]),
            Source = One(query["source"]),
            Group = One(query["group"]),
            Environment = One(query["environment"]),
            Text = One(query["text"]),
            Cursor = One(query["cursor"]),
        };

        static string One(StringValues values) =>
            values.Count > 0 && values[^1] is { Length: <= 200 } value
                ? new string([.. value.Where(c => !char.IsControl(c))]).Trim()
                : "";
    }

    public Filter ToFilter(PeopleSnapshot directory) =>
        new()
        {
            WaitingForMe = Show == Waiting,
            AskedByMe = Show == Asked,
            Statuses = WireNames.StatusOf(Status) is { } status ? [status] : [],
            Sources = Source.Length > 0 ? [directory.FindSource(Source)?.Id ?? 0] : [],
            AskedGroups = Group.Length > 0 ? [directory.FindGroup(Group)?.Id ?? 0] : [],
            Place = Environment.Length > 0 ? Environment : null,
            Text = Text.Length > 0 ? Text : null,
        };

    public Position? Position(Cursors cursors) => Cursor.Length > 0 ? cursors.Read(Cursor) : null;

    /// <summary>The address that asks for this.</summary>
    public string Path(string pathBase)
    {
        var path = new StringBuilder(pathBase).Append('/');
        var before = '?';
        foreach (
            var (name, value) in new[]
            {
                ("show", Show),
                ("status", Status),
                ("source", Source),
                ("group", Group),
                ("environment", Environment),
                ("text", Text),
                ("cursor", Cursor),
            }
        )
        {
            if (value.Length == 0)
                continue;
            path.Append(before).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            before = '&';
        }
        return path.ToString();
    }
}
