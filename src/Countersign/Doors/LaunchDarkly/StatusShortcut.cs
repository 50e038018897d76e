using System.Collections.Concurrent;
using Countersign.Access;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Web;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// The short way of a status poll, which is nearly all that LaunchDarkly ever asks: a known key and a known id are
/// answered before everything that other calls need (proxies, compression, routing), because together that would cost
/// more than the answer. Whatever is unusual (any other path, a key or an id that is not known at once, a store that
/// does not serve) goes the long way and is judged there, so this can only ever say what <see cref="StatusEndpoint"/> says.
/// </summary>
internal sealed class StatusShortcut(RequestDelegate next, Settings settings, Callers callers, Pace pace, Store store)
{
    private const string End = "/status";
    private const int MostKept = 10_000;

    /// <summary>Answers that are good until anything is written anywhere in the store: polls come in bursts and changes do not.</summary>
    private readonly ConcurrentDictionary<(long Source, string Id), (long Version, Answer Answer)> _said = new();
    private int _kept;
    private readonly string _start = $"{settings.PathBase}{LaunchDarklyEndpoints.Approvals}/";

    public Task Invoke(HttpContext http)
    {
        var path = http.Request.Path.Value;
        return path is not null && path.Length > _start.Length + End.Length && path.StartsWith(_start, StringComparison.Ordinal)
            && path.EndsWith(End, StringComparison.Ordinal) && HttpMethods.IsGet(http.Request.Method)
            ? Poll(http, path[_start.Length..^End.Length])
            : next(http);
    }

    private async Task Poll(HttpContext http, string id)
    {
        if (await Known(http, id) is { } answer)
            await answer.ExecuteAsync(http);
        else
            await next(http);
    }

    private async ValueTask<Answer?> Known(HttpContext http, string id)
    {
        try
        {
            if (!ApprovalId.IsOne(id) || callers.KnownSource(http.Request.Headers.Authorization.ToString()) is not { } source || pace.TooFast(source.Key) is not null)
                return null;
            // Taken before the look: what is written meanwhile makes the answer old at once.
            var version = store.Version;
            if (_said.TryGetValue((source.Id, id), out var said) && said.Version == version)
                return said.Answer;
            if (await Standing.Find(store, source.Id, id, http.RequestAborted) is not { } standing)
                return null;
            var answer = Answer.Of(id, standing.Status, standing.Display);
            if (Interlocked.Increment(ref _kept) % MostKept == 0)
                _said.Clear();
            _said[(source.Id, id)] = (version, answer);
            return answer;
        }
        catch (StoreUnavailable)
        {
            return null;
        }
    }
}
