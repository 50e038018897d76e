using Countersign.Access;
using Countersign.Storage;

namespace Countersign.Doors;

/// <summary>
/// The short way of a creation: with the key of a source that is known, and straight from the caller, it passes by proxies,
/// compression and routing, which have nothing to add, and runs the door's own endpoint. Whatever is unusual goes the long way.
/// </summary>
internal sealed class CreateShortcut(RequestDelegate next, Callers callers, Pace pace, Door door, string path, Func<HttpContext, Asking, Task<IResult>> create)
{
    public Task Invoke(HttpContext http)
    {
        var request = http.Request;
        return request.Path.Value == path && HttpMethods.IsPost(request.Method) && KnownCaller(http) is { } caller ? Create(http, caller) : next(http);
    }

    private Caller? KnownCaller(HttpContext http)
    {
        var headers = http.Request.Headers;
        // Behind a proxy, the address that history keeps and the one that answers name are found on the long way.
        if (headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("X-Forwarded-Prefix"))
            return null;
        try
        {
            return callers.KnownSource(headers.Authorization.ToString(), door.Via, http.Connection.RemoteIpAddress?.ToString() ?? "") is { } caller
                && pace.TooFast(caller.Key) is null ? caller : null;
        }
        catch (StoreUnavailable)
        {
            return null;
        }
    }

    private async Task Create(HttpContext http, Caller caller)
    {
        // Should anything fail, the answer is this door's.
        http.Features.Set(door.Dialect);
        var answer = await create(http, new Asking(caller));
        await answer.ExecuteAsync(http);
    }
}
