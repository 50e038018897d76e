using Countersign.Hosting;
using Countersign.Outcomes;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages;

/// <summary>
/// <c>GET /live?about=…</c>: tells an open page that there is something new about its request, or about any that its
/// reader may see. Only that: the page then asks for itself again, with all that guards a page. The stream ends with
/// the server, with its reader's session, and now and then by itself.
/// </summary>
internal static class LiveEndpoint
{
    private const string Inbox = "inbox";
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(20),
        Longest = TimeSpan.FromMinutes(10);

    public static async Task<IResult> Run(
        string? about,
        HttpContext http,
        CurrentCaller caller,
        EventFeed feed,
        Store store,
        CancellationToken cancel
    )
    {
        RequestId? id = about != Inbox && RequestId.TryParse(about, out var parsed) ? parsed : null;
        if (
            about != Inbox
            && (id is null || await RequestDetails.FindRequest(store, id.Value, caller.Viewer, cancel) is null)
        )
        {
            return Results.NotFound();
        }
        await using var watch = CallerWatch.Over(http, caller.Caller);
        watch.EndAfter(Longest);
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        if (http.IsHead())
            return Results.Empty;
        try
        {
            using var subscription = await feed.Subscribe(watch.Ended, id?.Subject);
            await Send(http, ": listening\n\n", watch.Ended);
            while (true)
            {
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(watch.Ended);
                silence.CancelAfter(Heartbeat);
                try
                {
                    if (!await subscription.News.WaitToReadAsync(silence.Token))
                        break;
                }
                catch (OperationCanceledException) when (!watch.Ended.IsCancellationRequested)
                {
                    // Proxies close streams that say nothing.
                    await Send(http, ": still here\n\n", watch.Ended);
                    continue;
                }
                if (!await watch.IsStillLetIn())
                    break;
                var isNews = false;
                while (subscription.News.TryRead(out var e))
                {
                    isNews =
                        isNews
                        || (
                            e.Request is not null
                            && await Visibility.IsVisible(store, e, watch.Caller.Viewer, watch.Ended)
                        );
                }
                if (isNews)
                    await Send(http, "data: news\n\n", watch.Ended);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has gone or is not let in any more, the server stops, or it is time to come back.
        }
        return Results.Empty;
    }

    private static async Task Send(HttpContext http, string text, CancellationToken cancel)
    {
        await http.Response.WriteAsync(text, cancel);
        await http.Response.Body.FlushAsync(cancel);
    }
}
