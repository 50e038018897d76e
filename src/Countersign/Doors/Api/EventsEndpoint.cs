using System.Globalization;
using System.Text.Json;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.Outcomes;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Api;

public sealed record EventView(
    long Id,
    [Example("request:01KB3ZQ4M6W8T0Y2N4R6P8X1CD")] string Subject,
    [Example("request.answered")] string Kind,
    string At,
    [Example("person:3")] string Actor,
    string Via,
    [AnyMembers] JsonElement Data
);

/// <summary>
/// <c>GET /api/v1/events</c>: what the caller may see, as server-sent events. <c>Last-Event-ID</c> goes on where a
/// broken stream ended. A stopping server ends the stream.
/// </summary>
internal static class EventsEndpoint
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        EventFeed feed,
        Store store,
        CancellationToken cancel
    )
    {
        long? after = null;
        if (http.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } last)
        {
            if (!long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return Problems.Malformed("Last-Event-ID must be the ID of an event of this stream.");
            after = number;
        }
        await using var watch = CallerWatch.Over(http, caller.Caller);
        try
        {
            using var fresh = after is null ? await feed.Subscribe(watch.Ended) : null;
            var events = fresh is null ? feed.From(after!.Value, watch.Ended) : fresh.News.ReadAllAsync(watch.Ended);
            http.Response.ContentType = "text/event-stream";
            if (http.IsHead())
                return TypedResults.Empty;
            await http.Response.WriteAsync(": listening\n\n", cancel);
            await http.Response.Body.FlushAsync(cancel);
            await Write(http.Response, events, watch, store, cancel);
        }
        catch (OperationCanceledException)
        {
            // The reader has gone or is not let in any more, or the server stops.
        }
        return TypedResults.Empty;
    }

    private static async Task Write(
        HttpResponse response,
        IAsyncEnumerable<StoredEvent> events,
        CallerWatch watch,
        Store store,
        CancellationToken cancel
    )
    {
        await using var next = events.GetAsyncEnumerator(watch.Ended);
        var waiting = next.MoveNextAsync().AsTask();
        var silence = Task.Delay(Heartbeat, watch.Ended);
        try
        {
            while (true)
            {
                // Proxies close streams that say nothing. Only waiting is broken off; a line under way is finished.
                if (await Task.WhenAny(waiting, silence) == silence && !watch.Ended.IsCancellationRequested)
                {
                    await response.WriteAsync(": still here\n\n", cancel);
                    silence = Task.Delay(Heartbeat, watch.Ended);
                }
                else
                {
                    if (!await waiting || !await watch.IsStillLetIn())
                        return;
                    if (await Visibility.IsVisible(store, next.Current, watch.Caller.Viewer, cancel))
                        await response.WriteAsync(Text(next.Current), cancel);
                    waiting = next.MoveNextAsync().AsTask();
                }
                await response.Body.FlushAsync(cancel);
            }
        }
        finally
        {
            // An enumerator must not be disposed of while it moves; the watch or the reader who left has ended that.
            await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static string Text(StoredEvent e)
    {
        var view = new EventView(e.Id, e.Subject, e.Kind, e.At, e.Actor, e.Via, JsonElement.Parse(e.Data));
        return $"id: {e.Id}\nevent: {e.Kind}\ndata: {JsonSerializer.Serialize(view, ApiJson.Wire.EventView)}\n\n";
    }
}
