using Countersign.Outcomes;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Gates;

/// <summary>
/// Waits within a call for a request to be closed. The call ends early when its caller isn't let in any more, has gone,
/// or the server stops; the request itself goes on.
/// </summary>
public sealed class WaitForRequest(Store store, EventFeed feed)
{
    /// <summary>Afterwards the request is closed, or not to be seen, or the patience has ended.</summary>
    public async Task UntilSettled(RequestId id, CallerWatch watch, TimeSpan patience, CancellationToken cancel)
    {
        // Most who wait do so for what is settled already, or is not theirs to see.
        if (patience == TimeSpan.Zero || !await IsWaitedFor())
            return;
        watch.EndAfter(patience);
        try
        {
            using var subscription = await feed.Subscribe(watch.Ended, id.Subject);
            // Subscribed first, looked second: a settling in between is heard.
            while (await IsWaitedFor() && await subscription.News.WaitToReadAsync(watch.Ended))
            {
                while (subscription.News.TryRead(out _)) { }
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The patience or the caller's permission has ended, or the server stops: the answer is how it stands.
        }

        async ValueTask<bool> IsWaitedFor() =>
            await RequestDetails.FindRequest(store, id, watch.Caller.Viewer, cancel) is { IsSettled: false };
    }
}
