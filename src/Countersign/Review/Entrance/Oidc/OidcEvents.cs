using Countersign.Access;
using Countersign.Audit;
using Countersign.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;

namespace Countersign.Review.Entrance.Oidc;

/// <summary>What becomes of somebody who comes back from the identity provider.</summary>
internal sealed partial class OidcEvents(SignInElsewhere signIn, FailedSignIns failures, Settings settings, ILogger<OidcEvents> log) : OAuthEvents
{
    public const string To = "to", NotAvailable = "not-available", Failed = "failed", NotVerified = "not-verified", NotHere = "not-here";

    public override async Task TicketReceived(TicketReceivedContext context)
    {
        var http = context.HttpContext;
        var identity = context.Properties!.GetParameter<Identity>(OidcHandler.IdentityOf)!;
        switch (await signIn.Run(identity, settings.Oidc!.NewAccounts, SignInPage.VisitOf(http), http.RequestAborted))
        {
            case ElsewhereOutcome.Done { Session: var session }:
                SessionCookie.Set(http, session, settings);
                http.Response.Redirect(http.Request.PathBase + (LocalPath.Of(context.Properties!.Items[To]) ?? "/"));
                break;
            case ElsewhereOutcome.NotVerified:
                Refuse(http, identity.Email ?? identity.Subject, NotVerified);
                break;
            default:
                Refuse(http, identity.Email ?? identity.Subject, NotHere);
                break;
        }
        context.HandleResponse();
    }

    public override Task RemoteFailure(RemoteFailureContext context)
    {
        Log.Failed(log, context.Failure?.Message ?? "for no reason that it gave");
        Refuse(context.HttpContext, "(oidc)", Failed);
        context.HandleResponse();
        return Task.CompletedTask;
    }

    public override Task AccessDenied(AccessDeniedContext context)
    {
        Refuse(context.HttpContext, "(oidc)", Failed);
        context.HandleResponse();
        return Task.CompletedTask;
    }

    private void Refuse(HttpContext http, string account, string why)
    {
        failures.Note(account, SignInPage.VisitOf(http).Address, SessionReader.Via);
        http.Response.Redirect($"{http.Request.PathBase}{SignInPage.Path}?problem={why}");
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Signing in with the identity provider failed: {Why}")]
        public static partial void Failed(ILogger log, string why);
    }
}
