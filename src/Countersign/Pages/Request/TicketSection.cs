using Countersign.Pages.Layout;
using Countersign.Storage;

namespace Countersign.Pages.Request;

/// <summary>
/// Where the decision was handed over to: the way there stands before everything else that could be done, since nothing
/// here decides it.
/// </summary>
internal static class TicketSection
{
    public static void Write(Html html, RequestPageModel sight)
    {
        if (sight.Request.Policy.Destination is not { } destination)
            return;
        var says = html.Says;
        html.Add(
            $"<section class=\"sheet\" id=\"ticket\"><h2>{says.Ticket0}</h2><p>{says.OnlyDecides(destination)}</p>"
        );
        var link = sight.Tickets.FirstOrDefault(t => t.Revision == sight.Request.Revision);
        if (link is null)
        {
            html.Add($"<p class=\"soft\">{says.NotHandedOverYet}</p></section>");
            return;
        }
        if (
            link.Url is { } url
            && Uri.TryCreate(url, UriKind.Absolute, out var address)
            && address.Scheme is "https" or "http"
        )
        {
            html.Add(
                $"<div class=\"buttons\"><a class=\"button main\" href=\"{address.AbsoluteUri}\" rel=\"noopener noreferrer nofollow\">{says.OpenTicket(destination)}</a></div>"
            );
        }
        html.Facts(Rows(html, link));
        html.Add($"</section>");
    }

    private static IEnumerable<(string Name, Action<Html> Value)> Rows(
        Html html,
        Countersign.Destinations.LinkView link
    )
    {
        var says = html.Says;
        yield return (says.Health, h => h.Text(says.LinkStateOf(link.State)));
        if (link.ExternalId is { } id)
            yield return (says.TheirId, h => h.Add($"<code>{id}</code>"));
        if (link.Display is { } display)
            yield return (says.AsLastSeen, h => h.Text(display));
        if (link.SeenAt is { } seen)
            yield return (says.SeenHead, h => h.Ago(Instant.Parse(seen)));
    }
}
