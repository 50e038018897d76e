using Countersign.Access;
using Countersign.Storage;

namespace Countersign.Doors;

/// <summary>What a door does with a call of somebody it knows.</summary>
internal delegate Task<IResult> ShortWay(HttpContext http, Asking asking);

/// <summary>
/// The short way of calls that come by the thousand, creations and decisions: with a credential that is known, and straight
/// from the caller, they pass by proxies, compression and routing, which have nothing to add, and run the door's own
/// endpoint. Whatever is unusual goes the long way.
/// </summary>
/// <param name="find">The way of a POST to a path, if it has a short one.</param>
internal sealed class Shortcut(RequestDelegate next, Callers callers, Pace pace, Door door, Func<string, ShortWay?> find)
{
    public Task Invoke(HttpContext http)
    {
        var request = http.Request;
        return HttpMethods.IsPost(request.Method) && request.Path.Value is { } path && find(path) is { } way && KnownCaller(http) is { } caller ? Run(http, caller, way) : next(http);
    }

    private Caller? KnownCaller(HttpContext http)
    {
        var headers = http.Request.Headers;
        // Behind a proxy, the address that history keeps and the one that answers name are found on the long way.
        if (headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("X-Forwarded-Prefix") || headers.ContainsKey("X-On-Behalf-Of"))
            return null;
        try
        {
            return callers.Known(headers.Authorization.ToString(), door.Via, http.Connection.RemoteIpAddress?.ToString() ?? "") is { } caller
                && (caller.Person is null ? door.ForSources : door.ForPeople) && pace.TooFast(caller.Key) is null ? caller : null;
        }
        catch (StoreUnavailable)
        {
            return null;
        }
    }

    private async Task Run(HttpContext http, Caller caller, ShortWay way)
    {
        // Should anything fail, the answer is this door's.
        http.Features.Set(door.Dialect);
        var answer = await way(http, new Asking(caller));
        await answer.ExecuteAsync(http);
    }
}
