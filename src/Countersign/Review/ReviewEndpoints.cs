using Countersign.Review.Account;
using Countersign.Review.Entrance;
using Countersign.Doors;
using Countersign.Review.Frame;
using Countersign.Review.RequestPage;

namespace Countersign.Review;

/// <summary>Pages for people. This list is their table of contents.</summary>
public static class ReviewEndpoints
{
    public static void MapReview(this IEndpointRouteBuilder routes)
    {
        Asset.Map(routes);
        var pages = routes.MapGroup("").WithMetadata(OnlySignedIn.Mark).ExcludeFromDescription();
        SignInPage.Map(routes);
        pages.MapPost(SignOut.Path, SignOut.Run);
        pages.MapGet(AccountPage.Path, AccountPage.Show);
        pages.MapGet("/requests/{id}", RequestPage.RequestPage.Show);
        pages.MapPost("/requests/{id}", (string id, HttpContext http, Asking asking, Answering answering, CancellationToken cancel) => answering.Run(id, http, asking, cancel));
        pages.MapGet("/approvals", ApprovalPage.Show);
    }

    internal static IServiceCollection AddReview(this IServiceCollection services) => services.AddSingleton<Answering>();
}
