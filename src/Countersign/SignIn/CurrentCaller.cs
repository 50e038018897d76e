using System.Globalization;
using System.Reflection;
using System.Security.Claims;
using Countersign.People;
using Countersign.Policies;

namespace Countersign.SignIn;

/// <summary>A caller as the framework knows users.</summary>
public sealed class CallerIdentity : ClaimsIdentity
{
    private CallerIdentity(Caller caller, IEnumerable<Claim> claims, string scheme)
        : base(claims, scheme) => Caller = caller;

    public Caller Caller { get; }

    /// <summary>
    /// Antiforgery ties a form to the name identifier, so a form that was filled in before a session ended is still
    /// good after the same person has signed in again.
    /// </summary>
    internal static ClaimsPrincipal PrincipalOf(Caller caller, string scheme)
    {
        var claims = new List<Claim>(3);
        if (caller.Person is { } person)
        {
            claims.Add(new Claim(ClaimTypes.NameIdentifier, person.Id.ToString(CultureInfo.InvariantCulture)));
            claims.Add(new Claim(ClaimTypes.Name, person.Name));
            claims.Add(new Claim(ClaimTypes.Role, person.Role.ToWireName()));
        }
        else
        {
            claims.Add(new Claim(ClaimTypes.NameIdentifier, caller.Key));
            claims.Add(new Claim(ClaimTypes.Name, caller.Source!.Name));
        }
        return new ClaimsPrincipal(new CallerIdentity(caller, claims, scheme));
    }
}

/// <summary>The caller, as a parameter of handlers that only known callers reach.</summary>
public sealed record CurrentCaller(Caller Caller)
{
    public Requests.Viewer Viewer => Caller.Viewer;

    /// <summary>The source that asks; only behind permissions for sources.</summary>
    public Source Source => Caller.Source ?? throw new InvalidOperationException("This endpoint is for sources.");

    /// <summary>The person who asks; only behind <see cref="Permissions.Person"/>.</summary>
    public Person Person => Caller.Person ?? throw new InvalidOperationException("This endpoint is for people.");

    public static ValueTask<CurrentCaller> BindAsync(HttpContext http, ParameterInfo parameter) =>
        ValueTask.FromResult(
            new CurrentCaller(http.FindCaller() ?? throw new InvalidOperationException("This endpoint has no policy."))
        );
}

public static class CallerOfHttpContext
{
    /// <summary>Who calls; null when that is not known.</summary>
    public static Caller? FindCaller(this HttpContext http) => (http.User.Identity as CallerIdentity)?.Caller;
}
