using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class DecideTests
{
    [Theory, BothEngines]
    public async Task One_approval_of_the_person_it_is_assigned_to_settles_a_request(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, ann));
        Assert.Equal(Status.Approved, (await hub.Find(request.Id)).Status);
    }
}
