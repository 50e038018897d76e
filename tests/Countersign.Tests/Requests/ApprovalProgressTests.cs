using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class ApprovalProgressTests
{
    [Theory, BothEngines]
    public async Task It_says_what_was_weighed_last(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ann, ben, cat) = (
            await hub.AddPerson("Ann", Countersign.People.Role.Agent),
            await hub.AddPerson("Ben", Countersign.People.Role.Agent),
            await hub.AddPerson("Cat", Countersign.People.Role.Agent)
        );
        var request = await hub.Ask(
            Some.Policy(Some.Step("first", 2, ann.AsApprover, ben.AsApprover), Some.Step("second", 1, cat.AsApprover))
        );
        Assert.Equal((0, 3, "first"), Of(await hub.Find(request.Id)));
        await hub.Approve(request, ann);
        Assert.Equal((1, 3, "first"), Of(await hub.Find(request.Id)));
        await hub.Approve(request, ben);
        Assert.Equal((2, 3, "second"), Of(await hub.Find(request.Id)));
        await hub.Approve(request, cat);
        Assert.Null(ApprovalProgress.Of(await hub.Find(request.Id)));
        Assert.Null(ApprovalProgress.Of(await hub.Ask(new Policies.Policy("elsewhere", []) { Destination = "Desk" })));

        static (int, int, string) Of(ApprovalRequest request) =>
            ApprovalProgress.Of(request) is { } progress
                ? (progress.Given, progress.Needed, progress.Open.Name)
                : default;
    }
}
