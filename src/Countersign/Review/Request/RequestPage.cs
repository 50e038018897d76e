using Countersign.Destinations;
using Countersign.Doors;
using Countersign.Requests;
using Countersign.Review.Frame;
using Countersign.Storage;
using Directory = Countersign.Access.Directory;

namespace Countersign.Review.Request;

/// <summary><c>GET /requests/{id}</c>: ten seconds between two other things. It shows and never decides.</summary>
internal static class RequestPage
{
    /// <param name="seen">The digest of the content that was read before: what has changed since stands open.</param>
    public static async Task<IResult> Show(string id, string? seen, HttpContext http, Asking asking, Store store, Directory directory, DestinationViews destinations, CancellationToken cancel)
    {
        if (!RequestId.TryParse(id, out var requestId) || await Story.Find(store, requestId, asking.Viewer, seen, cancel) is not { } story)
            return Missing.Page(http);
        return Of(new Sight(story, asking.Caller, directory.Current) { HasChanged = seen is not null && seen != story.Request.Digest, Tickets = story.Request.Policy.Destination is null ? [] : await destinations.Of(requestId, cancel) }, StatusCodes.Status200OK);
    }

    /// <summary>What the page is made of, from top to bottom on a phone; wide screens put what to do beside what it is about.</summary>
    public static IResult Of(Sight sight, int status) => new PageAnswer(sight.Request.Subject, html =>
    {
        using (sight)
        {
            html.Add($"<article class=\"request\" id=\"request\" data-id=\"{sight.Request.Id.Value}\">");
            QuestionSection.Write(html, sight);
            BreakGlassSection.WriteNotices(html, sight);
            ChangedSection.Write(html, sight);
            html.Add($"<div class=\"what\">");
            FactsSection.Write(html, sight);
            MessageSection.Write(html, sight);
            if (sight.MayDecide)
                html.Add($"<a class=\"button main jump\" href=\"#note\">{html.Says.YourAnswer} ↓</a>");
            html.Add($"</div><div class=\"do\">");
            TicketSection.Write(html, sight);
            AnswerSection.Write(html, sight);
            StepsSection.Write(html, sight);
            OriginSection.Write(html, sight);
            BreakGlassSection.Write(html, sight);
            html.Add($"</div><div class=\"story\">");
            TimelineSection.Write(html, sight);
            html.Add($"</div></article>");
        }
    })
    {
        Status = status,
        Section = "/",
        HasOwnHeading = true,
        Live = sight.Request.Id.Value,
    };
}
