using Countersign.Audit;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.SignIn;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;

namespace Countersign.Pages.SignIn.Oidc;

/// <summary>What becomes of somebody who comes back from the identity provider.</summary>
internal sealed partial class OidcEvents(
    ExternalSignIn signIn,
    FailedSignIns failures,
    OidcProviders providers,
    TimeProvider time,
    ILogger<OidcEvents> log
) : OpenIdConnectEvents
{
    public const string To = "to",
        NotAvailable = "not-available",
        Failed = "failed",
        NotVerified = "not-verified",
        NotHere = "not-here",
        Again = "again",
        NotFresh = "not-fresh";

    public override Task TokenValidated(TokenValidatedContext context)
    {
        var (claims, problem) = ProviderClaims.Of(context);
        if (problem is not null)
            throw new AuthenticationFailureException(problem);
        context.Properties!.SetParameter(ProviderClaims.Name, claims);
        return Task.CompletedTask;
    }

    public override Task UserInformationReceived(UserInformationReceivedContext context)
    {
        context.Properties!.GetParameter<ProviderClaims>(ProviderClaims.Name)!.Add(context.User.RootElement);
        return Task.CompletedTask;
    }

    public override async Task TicketReceived(TicketReceivedContext context)
    {
        var http = context.HttpContext;
        var provider = providers.All.Single(p => p.Scheme == context.Scheme.Name);
        var identity = context.Properties!.GetParameter<ProviderClaims>(ProviderClaims.Name)!.ToIdentity(provider);
        switch (await signIn.Run(identity, provider.NewAccountRole, SignInPage.VisitOf(http), http.RequestAborted))
        {
            case ElsewhereOutcome.Done { Session: var session }:
                await SignInPage.Enter(http, session, http.RequestAborted);
                if (context.Properties!.Items.ContainsKey(Again) && !ExternalSignIn.IsFresh(identity, time.GetUtcNow()))
                {
                    SayWhy(http, NotFresh, context.Properties);
                }
                else
                {
                    http.Response.Redirect(
                        http.Request.PathBase + (LocalPath.Of(context.Properties!.Items[To]) ?? "/")
                    );
                }
                break;
            case ElsewhereOutcome.NotVerified:
                Refuse(http, identity.Email ?? identity.Subject, NotVerified, context.Properties);
                break;
            default:
                Refuse(http, identity.Email ?? identity.Subject, NotHere, context.Properties);
                break;
        }
        context.HandleResponse();
    }

    public override Task RemoteFailure(RemoteFailureContext context)
    {
        Log.Failed(log, context.Failure?.Message ?? "for no reason that it gave");
        Refuse(context.HttpContext, FailedSignIns.Provider, Failed, context.Properties);
        context.HandleResponse();
        return Task.CompletedTask;
    }

    public override Task AccessDenied(AccessDeniedContext context)
    {
        Refuse(context.HttpContext, FailedSignIns.Provider, Failed, context.Properties);
        context.HandleResponse();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Back to where one signs in, with where one wanted to go, so that the next try still leads there.
    /// </summary>
    public static void SayWhy(HttpContext http, string why, AuthenticationProperties? properties)
    {
        var to = LocalPath.Of(properties?.Items.TryGetValue(To, out var wanted) == true ? wanted : null);
        http.Response.Redirect(
            $"{http.Request.PathBase}{SignInPage.Path}?problem={why}"
                + (to is null or "/" ? "" : $"&to={Uri.EscapeDataString(to)}")
        );
    }

    private void Refuse(HttpContext http, string account, string why, AuthenticationProperties? properties)
    {
        failures.Note(account, SignInPage.VisitOf(http).Address, PageDoor.One.Via);
        SayWhy(http, why, properties);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Signing in with the identity provider failed: {Why}")]
        public static partial void Failed(ILogger log, string why);
    }
}
