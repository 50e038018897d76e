using Countersign.Review.Account;
using Countersign.Review.Entrance;
using Countersign.Review.Frame;

namespace Countersign.Review;

/// <summary>Pages for people. This list is their table of contents.</summary>
public static class ReviewEndpoints
{
    public static void MapReview(this IEndpointRouteBuilder routes)
    {
        Asset.Map(routes);
        var pages = routes.MapGroup("").WithMetadata(OnlySignedIn.Mark).ExcludeFromDescription();
        routes.MapGet("/approvals", ApprovalPage.Show).ExcludeFromDescription();
        SignInPage.Map(routes);
        pages.MapPost(SignOut.Path, SignOut.Run);
        pages.MapGet(AccountPage.Path, AccountPage.Show);
    }
}
