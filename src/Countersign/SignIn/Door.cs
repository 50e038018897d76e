using Countersign.Hosting;
using Countersign.Hosting.OpenApi;

namespace Countersign.SignIn;

/// <summary>
/// A way in: whom it lets in, what events call it, and how it refuses. Every path belongs to one door, which speaks for
/// everything that refuses a call there: authentication, authorization, rate limits, routing and faults.
/// </summary>
public abstract class Door
{
    /// <summary>What events of calls through this door name it by.</summary>
    public abstract string Via { get; }

    public virtual bool TakesSources => false;
    public virtual bool TakesPeople => false;

    /// <summary>People may give their password instead of a token.</summary>
    public virtual bool TakesPasswords => false;

    /// <summary>Callers who are not known are told nothing here, not even which addresses exist.</summary>
    public virtual bool HidesWhatIsNotThere => true;

    /// <summary>People who may act for others say for whom, in <c>X-On-Behalf-Of</c>.</summary>
    public virtual bool TakesOnBehalfOf => false;

    /// <summary>How the API's description shows errors of this door.</summary>
    internal virtual ErrorShape Errors => ErrorShape.Problem;

    /// <summary>Schemas for the API's description that no type of ours has, as JSON.</summary>
    internal virtual string? Schemas => null;

    /// <summary>How refusals and faults are worded and shaped here.</summary>
    public abstract ErrorFormat ErrorFormatOf(HttpContext http);

    public static Door? Of(HttpContext http) => http.Features.Get<Door>();

    /// <summary>Which of our schemes this call's credential is for, by its form alone.</summary>
    public virtual string SchemeOf(HttpContext http) =>
        http.Request.Headers.Authorization.ToString() switch
        {
            "" => Schemes.Session,
            var header when header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) => Schemes.SourceKey,
            _ => Schemes.Person,
        };

    /// <summary>The answer to a call without a credential that is good here. It doesn't say what is wrong.</summary>
    public abstract Task Challenge(HttpContext http);

    /// <summary>The answer to a known caller who may not do this.</summary>
    public virtual Task Forbid(HttpContext http, CallerRequirement requirement) =>
        ErrorFormatOf(http).Refuse(http, StatusCodes.Status403Forbidden, requirement.Rule, requirement.Why);
}

internal static class DoorMiddleware
{
    /// <summary>Says which door a call came to, by its path; all that is not for programs is for browsers.</summary>
    public static void UseDoors(
        this IApplicationBuilder app,
        Door browsers,
        params (string Root, Door Door)[] programs
    ) =>
        app.Use(
            (HttpContext http, RequestDelegate next) =>
            {
                var door = browsers;
                foreach (var program in programs)
                {
                    if (http.Request.Path.StartsWithSegments(program.Root))
                    {
                        door = program.Door;
                        break;
                    }
                }
                http.Features.Set(door);
                return next(http);
            }
        );
}

/// <summary>A door for programs: 401 with how to call.</summary>
public abstract class ProgramDoor : Door
{
    public sealed override bool TakesOnBehalfOf => TakesPeople;

    public abstract string WwwAuthenticate { get; }

    /// <summary>Told to callers that are not let in.</summary>
    public abstract string HowToCall { get; }

    /// <summary>Both may depend on how the server is set up.</summary>
    public virtual string WwwAuthenticateOf(HttpContext http) => WwwAuthenticate;

    public virtual string HowToCallOf(HttpContext http) => HowToCall;

    public override Task Challenge(HttpContext http)
    {
        http.Response.Headers.WWWAuthenticate = WwwAuthenticateOf(http);
        return ErrorFormatOf(http)
            .Refuse(http, StatusCodes.Status401Unauthorized, "unauthenticated", HowToCallOf(http));
    }
}
