using Countersign.Pages.Layout;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Request;

/// <summary><c>GET /requests/{id}</c>: ten seconds between two other things. It shows and never decides.</summary>
internal static class RequestPage
{
    /// <param name="seen">The digest of the content that was read before: what has changed since stands open.</param>
    public static async Task<IResult> Show(
        string id,
        string? seen,
        HttpContext http,
        CurrentCaller caller,
        RequestPageLoader sights,
        CancellationToken cancel
    )
    {
        if (
            !RequestId.TryParse(id, out var requestId)
            || await sights.Find(requestId, caller, seen, cancel) is not { } sight
        )
        {
            return NotFoundPage.Page(http);
        }
        sight.HasChanged = seen is not null && seen != sight.Request.Digest;
        return Of(sight, StatusCodes.Status200OK);
    }

    /// <summary>
    /// What the page is made of, from top to bottom on a phone; wide screens put what to do beside what it is about.
    /// </summary>
    public static IResult Of(RequestPageModel sight, int status) =>
        new PageResponse(
            sight.Request.Subject,
            html =>
            {
                using (sight)
                {
                    html.Add($"<article class=\"request\" id=\"request\" data-id=\"{sight.Request.Id.Value}\">");
                    QuestionSection.Write(html, sight);
                    RequesterSection.WriteNotices(html, sight);
                    OverrideSection.WriteNotices(html, sight);
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
                    OverrideSection.Write(html, sight);
                    html.Add($"</div><div class=\"story\">");
                    TimelineSection.Write(html, sight);
                    html.Add($"</div></article>");
                }
            }
        )
        {
            Status = status,
            Section = "/",
            HasOwnHeading = true,
            Live = sight.Request.Id.Value,
        };
}
