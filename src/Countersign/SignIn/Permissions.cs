using Countersign.People;
using Countersign.Requests;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace Countersign.SignIn;

/// <summary>Something that must be true of a known caller.</summary>
/// <param name="Rule">Named in answers, in the log and in the count of refusals.</param>
public sealed record CallerRequirement(string Rule, string Why, Func<Caller, bool> IsMet) : IAuthorizationRequirement;

/// <summary>
/// What callers may, as named policies that endpoints ask for. An endpoint without one lets in nobody. Whether a caller
/// may see or decide one request is part of the query and of the use case.
/// </summary>
public static class Permissions
{
    /// <summary>A source or a person.</summary>
    public const string AnyCaller = "any_caller";
    public const string Source = "source";

    /// <summary>A source that may be LaunchDarkly; an agent or a pipeline has a door of its own.</summary>
    public const string LaunchDarkly = "launchdarkly";
    public const string Person = "person";
    public const string Agent = "agent";
    public const string Admin = "admin";

    public const string AdminsOnly = "admins_only";

    public static IServiceCollection AddPermissions(this IServiceCollection services)
    {
        services
            .AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicy([new NoPolicy()], []))
            .AddPolicy(AnyCaller, Of(new CallerRequirement("callers_only", "Sign in or send credentials.", _ => true)))
            .AddPolicy(
                Source,
                Of(new CallerRequirement("sources_only", "Only sources can do this.", c => c.Source is not null))
            )
            .AddPolicy(
                LaunchDarkly,
                Of(
                    new CallerRequirement(
                        "sources_only",
                        "Send the key of a source for LaunchDarkly.",
                        c => c.Source?.Kind is SourceKinds.LaunchDarkly or SourceKinds.Api
                    )
                )
            )
            .AddPolicy(
                Person,
                Of(new CallerRequirement("people_only", "Only people can do this.", c => c.Person is not null))
            )
            .AddPolicy(
                Agent,
                Of(
                    new CallerRequirement(
                        "agents_only",
                        "Only agents and admins can do this.",
                        c => c.Person?.Role is Role.Agent or Role.Admin
                    )
                )
            )
            .AddPolicy(Admin, Of(new CallerRequirement(AdminsOnly, "Only admins can do this.", c => c.IsAdmin)));
        services
            .AddSingleton<IAuthorizationHandler, CallerRequirementHandler>()
            .AddSingleton<IAuthorizationHandler, NoPolicyHandler>();
        return services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusalByDoor>();
    }

    private static AuthorizationPolicy Of(CallerRequirement requirement) => new([requirement], []);

    private sealed class CallerRequirementHandler : AuthorizationHandler<CallerRequirement>
    {
        protected override Task HandleRequirementAsync(
            AuthorizationHandlerContext context,
            CallerRequirement requirement
        )
        {
            if (context.User.Identity is CallerIdentity { Caller: var caller } && requirement.IsMet(caller))
                context.Succeed(requirement);
            return Task.CompletedTask;
        }
    }

    private sealed class NoPolicy : IAuthorizationRequirement;

    /// <summary>
    /// No endpoint without a policy is served. What is no endpoint at all may answer that it is not there, at a door
    /// that hides this to those it knows.
    /// </summary>
    private sealed class NoPolicyHandler : AuthorizationHandler<NoPolicy>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, NoPolicy requirement)
        {
            if (
                context.Resource is HttpContext http
                && http.GetEndpoint() is not RouteEndpoint
                && (http.FindCaller() is not null || Door.Of(http) is not { HidesWhatIsNotThere: true })
            )
            {
                context.Succeed(requirement);
            }
            return Task.CompletedTask;
        }
    }

    /// <summary>A known caller who may not hears it from the door; an unknown one is asked by the scheme.</summary>
    private sealed class RefusalByDoor : IAuthorizationMiddlewareResultHandler
    {
        private static readonly CallerRequirement Nobody = new("no_policy", "No one can do this.", _ => false);
        private readonly AuthorizationMiddlewareResultHandler _default = new();

        public Task HandleAsync(
            RequestDelegate next,
            HttpContext context,
            AuthorizationPolicy policy,
            PolicyAuthorizationResult authorizeResult
        )
        {
            if (!authorizeResult.Forbidden || Door.Of(context) is not { } door)
                return _default.HandleAsync(next, context, policy, authorizeResult);
            var requirement =
                authorizeResult.AuthorizationFailure!.FailedRequirements.OfType<CallerRequirement>().FirstOrDefault()
                ?? Nobody;
            RefusalLog.Note(context, requirement.Rule);
            return door.Forbid(context, requirement);
        }
    }
}
