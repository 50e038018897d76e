using Countersign.Pages.Account;
using Countersign.Pages.Admin;
using Countersign.Pages.Deliveries;
using Countersign.Pages.Destinations;
using Countersign.Pages.Help;
using Countersign.Pages.Inbox;
using Countersign.Pages.Insights;
using Countersign.Pages.Layout;
using Countersign.Pages.NewRequest;
using Countersign.Pages.Onboarding;
using Countersign.Pages.Policies;
using Countersign.Pages.Request;
using Countersign.Pages.RequestTypeEditor;
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
        SecondStepPage.Map(routes);
        SetUpPage.Map(routes);
        SignInLink.Map(routes);
        MailedLink.Map(routes);
        OidcEndpoints.Map(routes);
        pages.MapGet(PendingFormCookie.Path, PendingFormCookie.Show);
        pages.MapPost(SignOut.Path, SignOut.Run);
        DisplayForm.Map(routes);
        VerifyPage.Map(routes);
        AccountPage.Map(pages);
        TwoFactorPage.Map(pages);
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
        pages.MapGet(ResultsPage.Path, ResultsPage.Show);
        pages.MapGet(RequestsFile.Path, RequestsFile.Show);
        pages.MapGet(
            NewRequestPage.Path,
            (HttpContext http, CurrentCaller caller, NewRequestPage page, CancellationToken cancel) =>
                page.Show(http, caller, cancel)
        );
        pages.MapGet(InsightsPage.Path, InsightsPage.Show);
        pages.MapGet(InsightsPage.CsvPath, InsightsPage.Export);
        pages.MapPost(
            NewRequestPage.Path,
            (HttpContext http, CurrentCaller caller, NewRequestPage page, CancellationToken cancel) =>
                page.Run(http, caller, cancel)
        );
        pages.MapGet("/requests/{id}", RequestPage.Show);
        pages.MapPost(
            "/requests/{id}",
            (string id, HttpContext http, CurrentCaller caller, ReviewActions answering, CancellationToken cancel) =>
                answering.Run(id, http, caller, cancel)
        );
        pages.MapGet(ReceiptFilePage.Path, ReceiptFilePage.Show);
        pages.MapPost("/requests/{id}/not-me", DisownAction.Run);
        pages.MapPost(
            "/requests/{id}/delegation",
            (string id, HttpContext http, CurrentCaller caller, SeatActions seats, CancellationToken cancel) =>
                seats.RunDelegation(id, http, caller, cancel)
        );
        pages.MapPost(
            "/requests/{id}/assignee",
            (string id, HttpContext http, CurrentCaller caller, SeatActions seats, CancellationToken cancel) =>
                seats.RunAssignee(id, http, caller, cancel)
        );
        pages.MapPost("/requests/{id}/break-glass", OverrideAction.Run).AfterRecentSignIn();
        admins.MapGet(
            PolicyPage.Path,
            (HttpContext http, CurrentCaller caller, PolicyPage policies, CancellationToken cancel) =>
                policies.Show(http, caller, cancel)
        );
        admins.MapPost(
            PolicyPage.Path,
            (HttpContext http, CurrentCaller caller, PolicyPage policies, CancellationToken cancel) =>
                policies.Run(http, caller, cancel)
        );
        admins.MapGet(
            PolicyReviewPage.Path,
            (HttpContext http, CurrentCaller caller, PolicyReviewPage review, CancellationToken cancel) =>
                review.Show(http, caller, cancel)
        );
        admins.MapPost(
            PolicyReviewPage.Path,
            (HttpContext http, CurrentCaller caller, PolicyReviewPage review, CancellationToken cancel) =>
                review.Run(http, caller, cancel)
        );
        admins.MapGet(
            PolicyVersionPage.Path + "/{version:long}",
            (
                long version,
                HttpContext http,
                CurrentCaller caller,
                PolicyVersionPage versions,
                CancellationToken cancel
            ) => versions.Show(version, http, caller, cancel)
        );
        admins.MapPost(
            PolicyVersionPage.Path + "/{version:long}",
            (
                long version,
                HttpContext http,
                CurrentCaller caller,
                PolicyVersionPage versions,
                CancellationToken cancel
            ) => versions.Restore(version, http, caller, cancel)
        );
        admins.MapGet(
            RequestTypesPage.Path,
            (HttpContext http, RequestTypesPage page, CancellationToken cancel) => page.Show(http, cancel)
        );
        admins.MapPost(
            RequestTypesPage.Path,
            (HttpContext http, CurrentCaller caller, RequestTypesPage page, CancellationToken cancel) =>
                page.Run(http, caller, cancel)
        );
        admins.MapGet(
            RequestTypesPage.NewPath,
            (HttpContext http, RequestTypesPage page, CancellationToken cancel) => page.New(http, cancel)
        );
        admins.MapGet(
            RequestTypesPage.EditPath,
            (string? name, HttpContext http, RequestTypesPage page, CancellationToken cancel) =>
                page.Edit(name, http, cancel)
        );
        admins.MapGet(PolicyApplyPage.Path, PolicyApplyPage.Show);
        admins.MapPost(PolicyApplyPage.Path, PolicyApplyPage.Run);
        pages.MapGet("/approvals", ApprovalPage.Show);
        admins.MapGet(
            DestinationsPage.Path,
            (HttpContext http, DestinationsPage page, CancellationToken cancel) => page.Show(http, cancel)
        );
        admins.MapGet(DestinationsPage.NewPath, DestinationsPage.New);
        admins.MapGet(
            DestinationsPage.CsvPath,
            (DestinationsPage page, CancellationToken cancel) => page.Export(cancel)
        );
        admins.MapPost(
            DestinationsPage.NewPath,
            (HttpContext http, CurrentCaller caller, DestinationsPage page, CancellationToken cancel) =>
                page.Add(http, caller, cancel)
        );
        admins.MapGet(
            DestinationsPage.Path + "/{name}",
            (string name, HttpContext http, DestinationPage page, CancellationToken cancel) =>
                page.Show(WithSlashes(name), http, cancel)
        );
        admins.MapGet(
            DestinationsPage.Path + "/{name}" + DestinationPage.Calls,
            (string name, HttpContext http, DestinationPage page, CancellationToken cancel) =>
                page.Preview(WithSlashes(name), http, cancel)
        );
        admins.MapPost(
            DestinationsPage.Path + "/{name}",
            (string name, HttpContext http, CurrentCaller caller, DestinationPage page, CancellationToken cancel) =>
                page.Do(WithSlashes(name), http, caller, cancel)
        );
        pages.MapGet("/live", LiveEndpoint.Run);
        pages.MapGet(PendingEndpoint.Path, PendingEndpoint.Run).WithMetadata(new CalledByPages());
        pages.MapPost(NotificationsForm.Path, NotificationsForm.Save);
        admins.MapGet(OnboardingPage.Path, OnboardingPage.Show);
        admins.MapPost(OnboardingPage.Path, OnboardingPage.Dismiss);
        pages.MapGet(HelpPage.Path, HelpPage.Index);
        pages.MapGet(HelpPage.Path + "/{name}", HelpPage.Show);
        admins.MapGet(DeliveriesPage.Path, DeliveriesPage.Show);
        admins.MapGet(DeliveriesPage.Path + "/{id:long}", DeliveriesPage.One);
        admins.MapGet(WorkQueuePage.Path, WorkQueuePage.Show);
        admins.MapPost(WorkQueuePage.Path, WorkQueuePage.Act);
        admins.MapPost(DeliveriesPage.Path + "/{id:long}/replay", DeliveriesPage.Replay);
        admins.MapGet(DeliveriesPage.CsvPath, DeliveriesPage.Export);
        admins.MapGet(WebhooksPage.Path, WebhooksPage.Show);
        admins.MapPost(WebhooksPage.Path, WebhooksPage.Add);
        admins.MapGet(WebhooksPage.NewPath, WebhooksPage.New);
        admins.MapGet(WebhooksPage.CsvPath, WebhooksPage.Export);
        admins.MapGet(WebhooksPage.Path + "/{id:long}", WebhooksPage.One);
        admins.MapPost(WebhooksPage.Path + "/{id:long}", WebhooksPage.Change);
    }

    /// <summary>The one sign of a name that the server leaves escaped in a path.</summary>
    private static string WithSlashes(string name) => name.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    /// <summary>The language of pages is the reader's, or their browser's.</summary>
    internal static void UsePageLanguages(this IApplicationBuilder app) =>
        app.UseWhen(http => Door.Of(http) is PageDoor, pages => pages.UseRequestLocalization());

    /// <summary>Signing in with identity providers, one scheme each.</summary>
    internal static IServiceCollection AddIdentityProviders(
        this IServiceCollection services,
        IEnumerable<string> names
    ) => services.AddOidc(names);

    internal static IServiceCollection AddPages(this IServiceCollection services) =>
        services
            .AddLocalization()
            .Configure<RequestLocalizationOptions>(DisplaySettings.Configure)
            .AddSingleton<FormProof>()
            .AddSingleton<PendingCount>()
            .AddSingleton<PolicyPage>()
            .AddSingleton<PolicyReviewPage>()
            .AddSingleton<PolicyVersionPage>()
            .AddSingleton<InboxPage>()
            .AddSingleton<BulkAnswers>()
            .AddSingleton<BulkResults>()
            .AddSingleton<RequestPageLoader>()
            .AddSingleton<ReviewActions>()
            .AddSingleton<SeatActions>()
            .AddSingleton<NewRequestPage>()
            .AddSingleton<RequestTypesPage>()
            .AddSingleton<DestinationsPage>()
            .AddSingleton<DestinationPage>()
            .AddSingleton<SourceConnectionActions>()
            .AddSingleton<SourceGateActions>();
}
