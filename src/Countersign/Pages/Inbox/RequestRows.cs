using Countersign.Pages.Layout;
using Countersign.Pages.Request;
using Countersign.People;
using Countersign.Requests;

namespace Countersign.Pages.Inbox;

/// <summary>Requests in a list: what, where, who asks, for how long, what is missing, until when.</summary>
internal sealed class RequestRows(PeopleSnapshot directory, IReadOnlyDictionary<RequestId, string> places)
{
    private static readonly TimeSpan Soon = TimeSpan.FromHours(4);

    public PeopleSnapshot Directory => directory;

    /// <summary>The environments that stand in these rows.</summary>
    public IEnumerable<string> Places =>
        places
            .Values.Where(place => place.Length > 0)
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Order(StringComparer.OrdinalIgnoreCase);

    public void Write(
        Html html,
        IReadOnlyList<ApprovalRequest> requests,
        bool mayChoose,
        IReadOnlySet<string>? chosen = null
    )
    {
        html.Add($"<ul class=\"{(mayChoose ? "rows" : "rows plain")}\">");
        foreach (var request in requests)
            Row(html, request, mayChoose, chosen);
        html.Add($"</ul>");
    }

    private void Row(Html html, ApprovalRequest request, bool mayChoose, IReadOnlySet<string>? chosen)
    {
        var says = html.Says;
        var id = request.Id.Value;
        html.Add($"<li data-row=\"{id}\">");
        if (mayChoose)
        {
            html.Add(
                $"<input type=\"checkbox\" name=\"request\" value=\"{id} {request.Digest}\" aria-labelledby=\"s-{id}\"{Parts.Flag("checked", chosen?.Contains(id) == true)}>"
            );
        }
        html.Add(
            $"<div class=\"row\"><a class=\"subject\" id=\"s-{id}\" href=\"{html.Base}/requests/{id}\">{request.Subject}</a><div class=\"where\">"
        );
        if (places.TryGetValue(request.Id, out var place) && place.Length > 0)
            html.Add($"<span class=\"env\">{place}</span> · ");
        html.Add(
            $"<span>{SourceOf(says, request)}</span> · {says.AskedShort} <span>{request.RequesterName}</span></div><div class=\"stand\">"
        );
        if (request.IsSettled)
        {
            html.Add($"<span>")
                .Badge(Tones.Of(request), says.StatusOf(request.Status))
                .Add($" {says.Settled(request)}</span><span>")
                .Ago(request.AppliedAt ?? request.SettledAt ?? request.CreatedAt)
                .Add($"</span>");
        }
        else
        {
            html.Add($"<span class=\"missing\">{request.Display}</span><span>{says.Waits} ").Since(request.CreatedAt);
            if (request.ExpiresAt is { } end)
            {
                html.Add($" · <span{Parts.Attribute("class", end - html.Now < Soon ? "soon" : null)}>{says.Expires} ")
                    .Ago(end)
                    .Add($"</span>");
            }
            html.Add($"</span>");
        }
        html.Add($"</div></div></li>");
    }

    private string SourceOf(Texts says, ApprovalRequest request) =>
        directory.Sources.TryGetValue(request.SourceId, out var source) && source.Kind != "built-in"
            ? source.Name
            : says.SentByOf(request.SentBy);
}
