using Countersign.Pages.Account;
using Countersign.Pages.Admin;
using Countersign.Pages.Deliveries;
using Countersign.Pages.Destinations;
using Countersign.Pages.Inbox;
using Countersign.Pages.Layout;
using Countersign.Pages.NewRequest;
using Countersign.Pages.Policies;
using Countersign.Pages.Request;
using Countersign.Pages.SignIn;
using Countersign.Pages.SignIn.Oidc;
using Countersign.SignIn;

namespace Countersign.Pages;

/// <summary>Pages for people. This list is their table of contents.</summary>
public static class PageEndpoints
{
    public static void MapPages(this IEndpointRouteBuilder routes)
    {
        Asset.Map(routes);
        var pages = routes.MapGroup("").RequireAuthorization(Permissions.Person).ExcludeFromDescription();
        var admins = pages.MapGroup("").RequireAuthorization(Permissions.Admin);
        SignInPage.Map(routes);
        SetUpPage.Map(routes);
        MailedLink.Map(routes);
        OidcEndpoints.Map(routes);
        pages.MapGet(PendingFormCookie.Path, PendingFormCookie.Show);
        pages.MapPost(SignOut.Path, SignOut.Run);
        AccountPage.Map(pages);
        AdminPages.Map(pages, admins);
        pages.MapGet(
            "/",
            (HttpContext http, CurrentCaller caller, InboxPage inbox, CancellationToken cancel) =>
                inbox.Show(http, caller, cancel)
        );
        pages.MapPost(
            "/",
            (HttpContext http, CurrentCaller caller, BulkAnswers answers, CancellationToken cancel) =>
                answers.Run(http, caller, cancel)
        );
        pages.MapGet("/new", (HttpContext http, NewRequestPage page) => page.Show(http));
        pages.MapPost(
            "/new",
            (HttpContext http, NewRequestPage page, CancellationToken cancel) => page.Run(http, cancel)
        );
        pages.MapGet("/requests/{id}", RequestPage.Show);
        pages.MapPost(
            "/requests/{id}",
            (string id, HttpContext http, CurrentCaller caller, ReviewActions answering, CancellationToken cancel) =>
                answering.Run(id, http, caller, cancel)
        );
        pages.MapPost("/requests/{id}/not-me", RequesterSection.Run);
        pages.MapPost("/requests/{id}/break-glass", OverrideSection.Run).AfterRecentSignIn();
        admins.MapGet(
            PolicyPage.Path,
            (long? version, PolicyPage policies, CancellationToken cancel) => policies.Show(version, cancel)
        );
        admins.MapPost(
            PolicyPage.Path,
            (HttpContext http, CurrentCaller caller, PolicyPage policies, CancellationToken cancel) =>
                policies.Run(http, caller, cancel)
        );
        pages.MapGet("/approvals", ApprovalPage.Show);
        admins.MapGet(
            DestinationsPage.Path,
            (HttpContext http, DestinationsPage page, CancellationToken cancel) => page.Show(http, cancel)
        );
        admins.MapPost(
            DestinationsPage.Path + "/new",
            (HttpContext http, CurrentCaller caller, DestinationsPage page, CancellationToken cancel) =>
                page.Add(http, caller, cancel)
        );
        admins.MapGet(
            DestinationsPage.Path + "/{name}",
            (string name, HttpContext http, CurrentCaller caller, DestinationPage page, CancellationToken cancel) =>
                page.Show(WithSlashes(name), http, caller, cancel)
        );
        admins.MapPost(
            DestinationsPage.Path + "/{name}",
            (string name, HttpContext http, CurrentCaller caller, DestinationPage page, CancellationToken cancel) =>
                page.Do(WithSlashes(name), http, caller, cancel)
        );
        pages.MapGet("/live", LiveEndpoint.Run);
        pages.MapPost(ChannelsSection.Path, ChannelsSection.Save);
        admins.MapGet(DeliveriesPage.Path, DeliveriesPage.Show);
        admins.MapGet(DeliveriesPage.Path + "/{id:long}", DeliveriesPage.One);
        admins.MapGet(WorkQueuePage.Path, WorkQueuePage.Show);
        admins.MapPost(WorkQueuePage.Path, WorkQueuePage.Act);
        admins.MapPost(DeliveriesPage.Path + "/{id:long}/replay", DeliveriesPage.Replay);
        admins.MapPost(WebhooksSection.Path, WebhooksSection.Add);
        admins.MapPost(WebhooksSection.Path + "/{id:long}", WebhooksSection.Change);
    }

    /// <summary>The one sign of a name that the server leaves escaped in a path.</summary>
    private static string WithSlashes(string name) => name.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    internal static IServiceCollection AddPages(this IServiceCollection services) =>
        services
            .AddSingleton<FormProof>()
            .AddSingleton<PolicyPage>()
            .AddSingleton<InboxPage>()
            .AddSingleton<BulkAnswers>()
            .AddSingleton<RequestPageLoader>()
            .AddSingleton<ReviewActions>()
            .AddSingleton<NewRequestPage>()
            .AddSingleton<DestinationsPage>()
            .AddSingleton<DestinationPage>();
}
