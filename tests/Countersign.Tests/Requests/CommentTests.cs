using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class CommentTests
{
    [Theory, BothEngines]
    public async Task Whoever_sees_an_active_request_may_comment_and_it_changes_nothing_else(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        var added = Assert.IsType<CommentOutcome.Added>(
            await hub.Comment.Run(request.Id, Some.Viewer(ann), "Why now?", default)
        );
        Assert.Equal(1, added.Number);
        Assert.Equivalent(request with { Head = added.Request.Head }, await hub.Find(request.Id));
        Assert.Equal("Why now?", await hub.Place.Text("SELECT text FROM comments"));
        Assert.Equal(["request.submitted", "request.commented"], await hub.Kinds(request.Id));
        await hub.Reject(request, ann);
        Assert.IsType<CommentOutcome.AlreadySettled>(
            await hub.Comment.Run(request.Id, Some.Viewer(ann), "Too late", default)
        );
        Assert.Equal(1, await hub.Place.Count("comments"));
    }

    [Theory, BothEngines]
    public async Task Forty_comments_are_kept_also_when_sixty_come_at_once(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        var outcomes = await Task.WhenAll(
                Enumerable
                    .Range(0, 60)
                    .Select(i => Task.Run(() => hub.Comment.Run(request.Id, Some.Viewer(ann), $"Comment {i}", default)))
            )
            .Soon();
        Assert.Equal(
            Enumerable.Range(1, Comment.MaxPerRequest),
            outcomes.OfType<CommentOutcome.Added>().Select(a => a.Number).Order()
        );
        Assert.Equal(60 - Comment.MaxPerRequest, outcomes.OfType<CommentOutcome.TooMany>().Count());
        Assert.Equal(Comment.MaxPerRequest, await hub.Place.Count("comments"));
        Assert.Equal(Comment.MaxPerRequest + 1, (await hub.Kinds(request.Id)).Count);
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, ann));
    }
}
