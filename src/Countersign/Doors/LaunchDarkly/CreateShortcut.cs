using Countersign.Access;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Web;
using Directory = Countersign.Access.Directory;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// The short way of a creation, beside that of a poll (<see cref="StatusShortcut"/>): with a known key and straight from
/// the caller, it passes by proxies, compression and routing, which have nothing to add, and runs <see cref="CreateEndpoint"/>.
/// Whatever is unusual goes the long way.
/// </summary>
internal sealed class CreateShortcut(
    RequestDelegate next, Settings settings, Callers callers, Pace pace, Submit submit, KeepRefused keepRefused, Directory directory, Store store)
{
    private readonly string _path = $"{settings.PathBase}{LaunchDarklyEndpoints.Approvals}";

    public Task Invoke(HttpContext http)
    {
        var request = http.Request;
        return request.Path.Value == _path && HttpMethods.IsPost(request.Method) && KnownCaller(http) is { } caller ? Create(http, caller) : next(http);
    }

    private Caller? KnownCaller(HttpContext http)
    {
        var headers = http.Request.Headers;
        // Behind a proxy the address that history keeps is found on the long way.
        if (headers.ContainsKey("X-Forwarded-For"))
            return null;
        try
        {
            return callers.KnownSource(headers.Authorization.ToString(), LaunchDarklyEndpoints.Door.Via, http.Connection.RemoteIpAddress?.ToString() ?? "") is { } caller
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
        http.Features.Set(LaunchDarklyEndpoints.Door.Dialect);
        var answer = await CreateEndpoint.Run(http, new Asking(caller), submit, keepRefused, directory, store, http.RequestAborted);
        await answer.ExecuteAsync(http);
    }
}
