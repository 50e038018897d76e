namespace Countersign.Review;

/// <summary>Pages for people.</summary>
public static class ReviewEndpoints
{
    public static void MapReview(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/approvals", ApprovalPage.Show).ExcludeFromDescription();
}
