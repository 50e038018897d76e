using System.Text.Encodings.Web;
using Countersign.Audit;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Countersign.SignIn;

/// <summary>A credential was not even looked at; the answer says when to come back.</summary>
internal sealed class NotLookedAt(int status, TimeSpan wait, string why) : AuthenticationFailureException(why)
{
    public int Status => status;
    public TimeSpan Wait => wait;

    public static NotLookedAt TooOften(TimeSpan wait) =>
        new(
            StatusCodes.Status429TooManyRequests,
            wait,
            "Too many wrong credentials from this address. Try again after the time in Retry-After. Valid "
                + "credentials aren't affected."
        );

    public static NotLookedAt Busy(TimeSpan wait) =>
        new(
            StatusCodes.Status503ServiceUnavailable,
            wait,
            "Too many passwords are being checked. Try again in a moment, or use a token."
        );
}

/// <summary>A source's key that was good until it expired. Who has it may know why it isn't taken.</summary>
internal sealed class KeyExpired(DateTimeOffset at)
    : AuthenticationFailureException(
        $"This key expired at {Storage.Instant.ToText(at)}. An admin can rotate it, on the source's page or with "
            + "countersign source rotate <name>."
    )
{
    public const string Code = "key_expired";
}

/// <summary>What our schemes share: a caller becomes the call's user, and the door says how a refusal looks.</summary>
internal abstract class CallerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    FailedSignIns failures
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    protected Door Door => Door.Of(Context) ?? throw new InvalidOperationException("This path belongs to no API.");
    protected string Address => Context.Connection.RemoteIpAddress?.ToString() ?? "";
    protected string Authorization => Request.Headers.Authorization.ToString();

    protected AuthenticateResult Known(Caller caller) =>
        AuthenticateResult.Success(
            new AuthenticationTicket(CallerIdentity.PrincipalOf(caller, Scheme.Name), Scheme.Name)
        );

    /// <summary>Keeps a record of the attempt; no answer tells what was wrong.</summary>
    protected AuthenticateResult Refused(AuthenticationFailureException? why = null)
    {
        failures.Note(Callers.AccountOf(Authorization), Address, Door.Via);
        return AuthenticateResult.Fail(
            why ?? new AuthenticationFailureException("These credentials aren't valid here.")
        );
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if ((await HandleAuthenticateOnceSafeAsync()).Failure is NotLookedAt later)
        {
            RateLimits.SetRetryAfter(Context, later.Wait);
            var code = later.Status == StatusCodes.Status429TooManyRequests ? "rate_limited" : "unavailable";
            await Door.ErrorFormatOf(Context).Refuse(Context, later.Status, code, later.Message);
            return;
        }
        if ((await HandleAuthenticateOnceSafeAsync()).Failure is KeyExpired expired && Door is ProgramDoor program)
        {
            Response.Headers.WWWAuthenticate = program.WwwAuthenticateOf(Context);
            await Door.ErrorFormatOf(Context)
                .Refuse(Context, StatusCodes.Status401Unauthorized, KeyExpired.Code, expired.Message);
            return;
        }
        await Door.Challenge(Context);
        if (Response.StatusCode == StatusCodes.Status401Unauthorized && Authorization.Length == 0)
        {
            RefusalLog.Note(
                Context,
                SessionCookie.Of(Context) is null ? RefusalLog.NoCredentials : RefusalLog.SessionEnded
            );
        }
    }
}

internal sealed class SourceKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    FailedSignIns failures,
    Callers callers
) : CallerHandler(options, logger, encoder, failures)
{
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!Door.TakesSources)
            return Refused();
        var (caller, wait) = await callers.Find(Authorization, Door.Via, Address, Context.RequestAborted);
        return caller?.Source is not null ? Known(caller)
            : wait > TimeSpan.Zero ? Refused(NotLookedAt.TooOften(wait))
            : callers.FindExpiry(Authorization) is { } expired ? Refused(new KeyExpired(expired))
            : Refused();
    }
}

internal sealed class PersonHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    FailedSignIns failures,
    Callers callers
) : CallerHandler(options, logger, encoder, failures)
{
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!Door.TakesPeople)
            return Refused();
        var onBehalfOf = Door.TakesOnBehalfOf ? Request.Headers["X-On-Behalf-Of"].ToString() : null;
        var (caller, wait) = await callers.Find(Authorization, Door.Via, Address, Context.RequestAborted, onBehalfOf);
        if (caller is null && Door.TakesPasswords && wait == default)
        {
            (caller, var outcome) = await callers.FindByPassword(
                Authorization,
                Door.Via,
                Address,
                Context.RequestAborted
            );
            if (outcome is PasswordOutcome.Busy { Wait: var busy })
                return AuthenticateResult.Fail(NotLookedAt.Busy(busy));
            wait = outcome is PasswordOutcome.TooOften { Wait: var tooOften } ? tooOften : default;
        }
        return caller?.Person is not null
            ? Known(caller)
            : Refused(wait > TimeSpan.Zero ? NotLookedAt.TooOften(wait) : null);
    }
}

internal sealed class SessionHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    FailedSignIns failures,
    Callers callers
) : CallerHandler(options, logger, encoder, failures)
{
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync() =>
        Door.Of(Context) is { TakesPeople: true } door
        && SessionCookie.Of(Context) is { } secret
        && await callers.FindBySession(
            secret,
            door.Via,
            Address,
            Context.RequestAborted,
            isUse: Context.GetEndpoint()?.Metadata.GetMetadata<CalledByPages>() is null
        )
            is { Person: not null } caller
            ? Known(caller)
            : AuthenticateResult.NoResult();
}

/// <summary>On endpoints that an open page calls by itself, now and then: that keeps no session from ending.</summary>
internal sealed class CalledByPages;
