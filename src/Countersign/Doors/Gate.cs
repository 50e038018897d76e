using System.Globalization;
using System.Reflection;
using System.Threading.RateLimiting;
using Countersign.Access;
using Countersign.Audit;
using Countersign.Web;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;

namespace Countersign.Doors;

/// <summary>A way in: what history calls it, how it says no, and whom it lets in.</summary>
/// <param name="HowToAsk">The one answer to everybody who is not let in, whatever is wrong with their credential.</param>
public sealed record Door(string Via, Dialect Dialect, string Challenge, string HowToAsk, bool ForPeople)
{
    public bool ForSources { get; init; } = true;

    /// <summary>People may give their password instead of a token.</summary>
    public bool TakesPasswords { get; init; }
}

/// <summary>
/// Stands before every path of a door: knows the caller or answers 401, the same for every credential that is not good,
/// and slows down a key that asks too often.
/// </summary>
public sealed class Gate(RequestDelegate next, Door door, Callers callers, IAntiforgery antiforgery, FailedSignIns failures, Pace pace)
{
    public Task Invoke(HttpContext http)
    {
        // Who calls is nearly always known at once, and then nothing of the gate stays on the way of the call.
        var admitted = Admits(http);
        return !admitted.IsCompletedSuccessfully ? Later(http, admitted) : admitted.Result ? next(http) : Task.CompletedTask;
    }

    private async Task Later(HttpContext http, ValueTask<bool> admitted)
    {
        if (await admitted)
            await next(http);
    }

    /// <summary>Whether the call may go on; if not, it has its answer.</summary>
    private async ValueTask<bool> Admits(HttpContext http)
    {
        http.Features.Set(door.Dialect);
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        var authorization = http.Request.Headers.Authorization.ToString();
        var signedIn = authorization.Length == 0 && door.ForPeople && SessionCookie.Of(http) is { } secret
            ? await callers.FindBySession(secret, door.Via, address, http.RequestAborted)
            : null;
        if (signedIn is null && authorization.Length == 0 && http.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            return true;
        var caller = authorization.Length == 0 ? signedIn : await callers.Find(authorization, door.Via, address, http.RequestAborted, http.Request.Headers["X-On-Behalf-Of"].ToString());
        if (caller is null && door.TakesPasswords && await callers.FindByPassword(authorization, door.Via, address, http.RequestAborted) is var checkedPair)
        {
            if (checkedPair is PasswordOutcome.TooOften { Wait: var wait })
            {
                await TooOften(http, wait, "Too many wrong passwords for this account from this address. Retry-After says when to go on; a token is not affected.");
                return false;
            }
            caller = (checkedPair as PasswordOutcome.Right)?.Caller;
        }
        if (caller is null || (caller.Person is null ? !door.ForSources : !door.ForPeople))
        {
            if (authorization.Length > 0)
                failures.Note(Callers.AccountOf(authorization), address, door.Via);
            http.Response.Headers.WWWAuthenticate = door.Challenge;
            await door.Dialect.Refuse(http, StatusCodes.Status401Unauthorized, "unauthenticated", door.HowToAsk);
            return false;
        }
        if (signedIn?.Person is { } person)
        {
            // The browser sends its session by itself, so what changes something must bring what only our own pages know.
            http.User = SessionCookie.PrincipalOf(person);
            if (!await antiforgery.IsRequestValidAsync(http))
            {
                await door.Dialect.Refuse(http, StatusCodes.Status403Forbidden, "csrf_token", "A call with a session that changes something carries X-CSRF-Token: the authenticity_token of GET /api/v2/users/me.");
                return false;
            }
        }
        if (pace.TooFast(caller.Key) is { } until)
        {
            await TooOften(http, until, "This key asks too often. Retry-After says when to go on.");
            return false;
        }
        http.Features.Set(caller);
        return true;
    }

    private Task TooOften(HttpContext http, TimeSpan wait, string why)
    {
        http.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return door.Dialect.Refuse(http, StatusCodes.Status429TooManyRequests, "rate_limited", why);
    }
}

/// <summary>How often each key may ask, through all doors together.</summary>
public sealed class Pace(Settings settings) : IDisposable
{
    private readonly PartitionedRateLimiter<string>? _limiter = settings.RateLimitPerKeyPerMinute == 0 ? null : PartitionedRateLimiter.Create<string, string>(
        key => RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = settings.RateLimitPerKeyPerMinute,
            TokensPerPeriod = Math.Max(1, settings.RateLimitPerKeyPerMinute / 60),
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        }));

    /// <summary>Calls per minute, or null when nobody counts.</summary>
    public int? Limit => _limiter is null ? null : settings.RateLimitPerKeyPerMinute;

    /// <summary>Null, or how long this key has to wait.</summary>
    public TimeSpan? TooFast(string key)
    {
        if (_limiter is null)
            return null;
        using var lease = _limiter.AttemptAcquire(key);
        return lease.IsAcquired ? null : lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1);
    }

    /// <summary>How many calls this key may make at once from here.</summary>
    public long? Left(string key) => _limiter?.GetStatistics(key)?.CurrentAvailablePermits ?? Limit;

    public void Dispose() => _limiter?.Dispose();
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
