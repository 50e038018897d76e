using Countersign.Doors;
using Countersign.Outcomes;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Review;

/// <summary>
/// <c>GET /live?about=…</c>: tells an open page that there is something new about its request, or about any that its
/// reader may see. Only that: the page then asks for itself again, with all that guards a page. The stream ends with the
/// server, and now and then by itself, so that whoever was shut out does not come back.
/// </summary>
internal static class LiveEndpoint
{
    private const string Prefix = "request:", Inbox = "inbox";
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(20), Longest = TimeSpan.FromMinutes(10);

    public static async Task<IResult> Run(string? about, HttpContext http, Asking asking, EventFeed feed, Store store, IHostApplicationLifetime lifetime, CancellationToken cancel)
    {
        var subject = about == Inbox ? null : RequestId.TryParse(about, out var id) && await Details.FindRequest(store, id, asking.Viewer, cancel) is not null ? id.Subject : "";
        if (subject is "")
            return Results.NotFound();
        using var until = CancellationTokenSource.CreateLinkedTokenSource(cancel, lifetime.ApplicationStopping);
        until.CancelAfter(Longest);
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            var news = await feed.Subscribe(until.Token);
            await Send(http, ": listening\n\n", until.Token);
            while (true)
            {
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(until.Token);
                silence.CancelAfter(Heartbeat);
                try
                {
                    if (!await news.WaitToReadAsync(silence.Token))
                        break;
                }
                catch (OperationCanceledException) when (!until.IsCancellationRequested)
                {
                    // Proxies close streams that say nothing.
                    await Send(http, ": still here\n\n", until.Token);
                    continue;
                }
                var isNews = false;
                while (news.TryRead(out var e))
                    isNews = isNews || (subject is null ? await MaySee(e, asking.Viewer, store, until.Token) : e.Subject == subject);
                if (isNews)
                    await Send(http, "data: news\n\n", until.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has gone, the server stops, or it is time to come back.
        }
        return Results.Empty;
    }

    private static async Task Send(HttpContext http, string text, CancellationToken cancel)
    {
        await http.Response.WriteAsync(text, cancel);
        await http.Response.Body.FlushAsync(cancel);
    }

    private static async ValueTask<bool> MaySee(StoredEvent e, Viewer viewer, Store store, CancellationToken cancel) =>
        e.Subject.StartsWith(Prefix, StringComparison.Ordinal)
        && (viewer.IsAdmin || await Details.FindRequest(store, RequestId.Of(e.Subject[Prefix.Length..]), viewer, cancel) is not null);
}
