using Countersign.Doors;
using Countersign.Requests;
using Countersign.Review.Account;
using Countersign.Review.Admin;
using Countersign.Review.Entrance;
using Countersign.Review.Entrance.Oidc;
using Countersign.Review.Frame;
using Countersign.Review.Inbox;
using Countersign.Review.NewRequest;
using Countersign.Review.Request;
using Countersign.Review.Rules;
using Countersign.Review.Sent;
using Countersign.Review.Systems;

namespace Countersign.Review;

/// <summary>Pages for people. This list is their table of contents.</summary>
public static class ReviewEndpoints
{
    public static void MapReview(this IEndpointRouteBuilder routes)
    {
        Asset.Map(routes);
        var pages = routes.MapGroup("").WithMetadata(OnlySignedIn.Mark).ExcludeFromDescription();
        SignInPage.Map(routes);
        SetUpPage.Map(routes);
        MailedLink.Map(routes);
        OidcEndpoints.Map(routes);
        pages.MapGet(KeptElsewhere.Path, KeptElsewhere.Show);
        pages.MapPost(SignOut.Path, SignOut.Run);
        AccountPage.Map(pages);
        AdminPages.Map(pages);
        pages.MapGet("/", (HttpContext http, Asking asking, InboxPage inbox, CancellationToken cancel) => inbox.Show(http, asking, cancel));
        pages.MapPost("/", (HttpContext http, Asking asking, BulkAnswers answers, CancellationToken cancel) => answers.Run(http, asking, cancel));
        pages.MapGet("/new", (HttpContext http, NewRequestPage page) => page.Show(http));
        pages.MapPost("/new", (HttpContext http, NewRequestPage page, CancellationToken cancel) => page.Run(http, cancel));
        pages.MapGet("/requests/{id}", RequestPage.Show);
        pages.MapPost("/requests/{id}", (string id, HttpContext http, Asking asking, Answering answering, CancellationToken cancel) => answering.Run(id, http, asking, cancel));
        pages.MapPost("/requests/{id}/not-me", RequesterSection.Run);
        pages.MapPost("/requests/{id}/break-glass", BreakGlassSection.Run).AfterRecentSignIn();
        pages.MapGet(PolicyPage.Path, (HttpContext http, Asking asking, long? version, PolicyPage policies, CancellationToken cancel) => policies.Show(http, asking, version, cancel));
        pages.MapPost(PolicyPage.Path, (HttpContext http, Asking asking, PolicyPage policies, CancellationToken cancel) => policies.Run(http, asking, cancel));
        pages.MapGet("/approvals", ApprovalPage.Show);
        pages.MapGet(DestinationsPage.Path, (HttpContext http, Asking asking, DestinationsPage page, CancellationToken cancel) => page.Show(http, asking, cancel));
        pages.MapPost(DestinationsPage.Path + "/new", (HttpContext http, Asking asking, DestinationsPage page, CancellationToken cancel) => page.Add(http, asking, cancel));
        pages.MapGet(DestinationsPage.Path + "/{name}", (string name, HttpContext http, Asking asking, DestinationPage page, CancellationToken cancel) => page.Show(WithSlashes(name), http, asking, cancel));
        pages.MapPost(DestinationsPage.Path + "/{name}", (string name, HttpContext http, Asking asking, DestinationPage page, CancellationToken cancel) => page.Do(WithSlashes(name), http, asking, cancel));
        pages.MapGet("/live", LiveEndpoint.Run);
        pages.MapPost(ChannelsSection.Path, ChannelsSection.Save);
        pages.MapGet(DeliveriesPage.Path, DeliveriesPage.Show);
        pages.MapGet(DeliveriesPage.Path + "/{id:long}", DeliveriesPage.One);
        pages.MapPost(DeliveriesPage.Path + "/failed-work", FailedWorkSection.Retry);
        pages.MapGet(WorkQueuePage.Path, WorkQueuePage.Show);
        pages.MapPost(WorkQueuePage.Path, WorkQueuePage.Act);
        pages.MapPost(DeliveriesPage.Path + "/{id:long}/replay", DeliveriesPage.Replay);
        pages.MapPost(WebhooksSection.Path, WebhooksSection.Add);
        pages.MapPost(WebhooksSection.Path + "/{id:long}", WebhooksSection.Change);
    }

    /// <summary>The one sign of a name that the server leaves escaped in a path.</summary>
    private static string WithSlashes(string name) => name.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    internal static IServiceCollection AddReview(this IServiceCollection services) => services.AddSingleton<FormProof>().AddSingleton<PolicyPage>().AddSingleton<InboxPage>().AddSingleton<BulkAnswers>().AddSingleton<Sights>().AddSingleton<Answering>().AddSingleton<NewRequestPage>().AddSingleton<DestinationsPage>().AddSingleton<DestinationPage>();
}
