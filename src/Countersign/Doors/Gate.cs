using System.Reflection;
using Countersign.Access;
using Countersign.Audit;
using Countersign.Web;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;

namespace Countersign.Doors;

/// <summary>A way in: what events call it, how it says no, and whom it lets in.</summary>
/// <param name="HowToAsk">The one answer to every caller who is not let in, whatever is wrong with their credential.</param>
public sealed record Door(string Via, Dialect Dialect, string Challenge, string HowToAsk, bool ForPeople)
{
    public bool ForSources { get; init; } = true;

    /// <summary>People may give their password instead of a token.</summary>
    public bool TakesPasswords { get; init; }
}

/// <summary>
/// Stands before every path of a door: knows the caller, or why the call is refused. What is refused has its answer only
/// behind the rate limit (<see cref="Refusal"/>), so that calls without a good credential are counted too.
/// </summary>
public sealed class Gate(RequestDelegate next, Door door, Callers callers, IAntiforgery antiforgery, FailedSignIns failures)
{
    public Task Invoke(HttpContext http)
    {
        http.Features.Set(door.Dialect);
        // Who calls is nearly always known at once, and then nothing of the gate stays on the way of the call.
        var known = Know(http);
        return known.IsCompletedSuccessfully ? next(http) : Later(http, known);
    }

    /// <summary>Answers what a gate refused, and what only admins may, before a body is read.</summary>
    public static Task Answer(HttpContext http, RequestDelegate next) =>
        http.Features.Get<Refusal>() is { } refusal ? refusal.Write(http)
        : http.GetEndpoint()?.Metadata.GetMetadata<AdminsOnly>() is not null && http.Features.Get<Caller>() is not { IsAdmin: true } ? NotAnAdmin(http)
        : next(http);

    private static Task NotAnAdmin(HttpContext http)
    {
        Refusals.Note(http, AdminsOnly.Rule);
        return Problems.NotAllowed(AdminsOnly.Rule, "This is for admins.").ExecuteAsync(http);
    }

    private async Task Later(HttpContext http, ValueTask known)
    {
        await known;
        await next(http);
    }

    private async ValueTask Know(HttpContext http)
    {
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        var authorization = http.Request.Headers.Authorization.ToString();
        if (authorization.Length == 0)
        {
            await KnowBySession(http, address);
            return;
        }
        var (caller, wait) = await callers.Find(authorization, door.Via, address, http.RequestAborted, http.Request.Headers["X-On-Behalf-Of"].ToString());
        if (caller is null && door.TakesPasswords && wait == default)
        {
            (caller, var outcome) = await callers.FindByPassword(authorization, door.Via, address, http.RequestAborted);
            if (outcome is PasswordOutcome.Busy { Wait: var busy })
            {
                http.Features.Set(new Refusal(h => Busy(h, busy)));
                return;
            }
            wait = outcome is PasswordOutcome.TooOften { Wait: var tooOften } ? tooOften : default;
        }
        if (caller is not null && (caller.Person is null ? door.ForSources : door.ForPeople))
        {
            http.Features.Set(caller);
            return;
        }
        failures.Note(Callers.AccountOf(authorization), address, door.Via);
        http.Features.Set(wait > TimeSpan.Zero
            ? new Refusal(h => RateLimits.Refuse(h, wait, "Too many wrong credentials from this address. Retry-After says when to go on; credentials in use are not affected."))
            : new Refusal(Unauthenticated));
    }

    private async ValueTask KnowBySession(HttpContext http, string address)
    {
        if (door.ForPeople && SessionCookie.Of(http) is { } secret
            && await callers.FindBySession(secret, door.Via, address, http.RequestAborted) is { Person: { } person } caller)
        {
            // The browser sends its session by itself, so what changes something must bring what only our own pages know.
            http.User = SessionCookie.PrincipalOf(person);
            http.Features.Set(caller);
            if (!await antiforgery.IsRequestValidAsync(http))
            {
                http.Features.Set(new Refusal(WithoutToken));
            }
        }
        else if (http.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null)
        {
            http.Features.Set(new Refusal(Unauthenticated));
        }
    }

    private Task Unauthenticated(HttpContext http)
    {
        http.Response.Headers.WWWAuthenticate = door.Challenge;
        return door.Dialect.Refuse(http, StatusCodes.Status401Unauthorized, "unauthenticated", door.HowToAsk);
    }

    private Task WithoutToken(HttpContext http)
    {
        Refusals.Note(http, "csrf_token");
        return door.Dialect.Refuse(http, StatusCodes.Status403Forbidden, "csrf_token",
            "A call with a session that changes something carries X-CSRF-Token: the authenticity_token of GET /api/v2/users/me.");
    }

    private Task Busy(HttpContext http, TimeSpan wait)
    {
        RateLimits.SetRetryAfter(http, wait);
        return door.Dialect.Refuse(http, StatusCodes.Status503ServiceUnavailable, "unavailable", "Too many passwords are being checked. Try again in a moment; a token is not affected.");
    }

    /// <summary>The answer to a call that its door does not let in.</summary>
    private sealed record Refusal(Func<HttpContext, Task> Write);
}

/// <summary>Marks endpoints of the API that are for admins.</summary>
internal sealed class AdminsOnly
{
    public const string Rule = "admins_only";

    public static readonly AdminsOnly Mark = new();
}

/// <summary>The caller, as a parameter of handlers behind the gate.</summary>
public sealed record Asking(Caller Caller)
{
    public Requests.Viewer Viewer => Caller.Viewer;

    /// <summary>The source that asks; only behind a door that lets in no people.</summary>
    public Source Source => Caller.Source ?? throw new InvalidOperationException("This door is for sources.");

    /// <summary>The person who asks; only behind a door that lets in no sources.</summary>
    public Person Person => Caller.Person ?? throw new InvalidOperationException("This door is for people.");

    public static ValueTask<Asking> BindAsync(HttpContext http, ParameterInfo parameter) =>
        ValueTask.FromResult(new Asking(http.Features.Get<Caller>() ?? throw new InvalidOperationException("A path of a door stands outside its gate.")));
}
