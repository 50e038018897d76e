using Countersign.Pages.Layout;

namespace Countersign.Pages.Request;

/// <summary>Where it came from, with the way back there.</summary>
internal static class OriginSection
{
    public static void Write(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        html.Add($"<section class=\"sheet\"><h2>{says.Origin}</h2>")
            .Facts(Rows(html, sight))
            .Add($"<div class=\"buttons\">");
        if (sight.Link is { } link)
            html.LinkOut(link, sight.IsFromLaunchDarkly ? says.OpenInLaunchDarkly : says.OpenWhereItCameFrom);
        html.Add(
            $"<a class=\"button quiet\" href=\"{html.Base}/requests/{request.Id.Value}\" data-copy=\"{says.LinkCopied}\">{says.CopyLink}</a></div></section>"
        );
    }

    private static IEnumerable<(string Name, Action<Html> Value)> Rows(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        yield return (says.AskedBy, h => RequesterSection.WriteStanding(h, sight));
        yield return (says.SentByName, h => h.Text(says.SentByOf(request.SentBy)));
        if (sight.Source is { } source)
            yield return (says.Source, h => h.Text(source.Name));
        if (request.ExternalId is { } external)
            yield return (says.ItsId, h => h.Add($"<code>{external}</code>"));
        if (request.TicketId is { } ticket)
            yield return (says.Ticket, h => h.Add($"#{ticket}"));
        yield return (says.Policy, h => h.Text(says.PolicyName(request.Policy.Name)));
        yield return (
            says.ContentNumber,
            h =>
                h.Add(
                    $"<span title=\"{request.Digest}\">{request.Revision} · <code>{request.Digest[..Math.Min(12, request.Digest.Length)]}</code></span>"
                )
        );
    }
}
