using System.Collections.Concurrent;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>GET /api/approvals/{id}/status</c>: every five minutes for every pending approval, and whenever a person looks at
/// one. One cheap read; an unknown id is never given a status. A bare delegate, because binding parameters would cost
/// more than the read.
/// </summary>
internal sealed class StatusEndpoint(Store store)
{
    private const int MaxCached = 10_000;

    /// <summary>
    /// Answers that hold until anything is written anywhere in the store: polls come in bursts and changes do not.
    /// </summary>
    private readonly ConcurrentDictionary<(long Source, string Id), (long Version, Answer Answer)> _cached = new();
    private int _stored;

    public async Task Run(HttpContext http)
    {
        var id = (string)http.Request.RouteValues["id"]!;
        var source = http.FindCaller()!.Source!;
        var answer = LaunchDarklyApprovalId.IsOne(id) ? await Find(source.Id, id, http.RequestAborted) : null;
        await (answer ?? Answer.NotFound()).ExecuteAsync(http);
    }

    private async ValueTask<Answer?> Find(long source, string id, CancellationToken cancel)
    {
        // Taken before the read: any write in the meantime makes the answer stale at once.
        var version = store.Version;
        if (_cached.TryGetValue((source, id), out var cached) && cached.Version == version)
            return cached.Answer;
        if (await RequestStatus.Find(store, source, id, cancel) is not { } standing)
            return null;
        var answer = Answer.Of(id, standing.Status, standing.Display);
        if (Interlocked.Increment(ref _stored) % MaxCached == 0)
            _cached.Clear();
        _cached[(source, id)] = (version, answer);
        return answer;
    }
}
