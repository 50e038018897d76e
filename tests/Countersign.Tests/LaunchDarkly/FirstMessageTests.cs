using Countersign.Outcomes.Email;
using Countersign.Tests.Outcomes;
using Xunit;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>When reviewers hear of a request about which LaunchDarkly is asked.</summary>
public sealed class FirstMessageTests
{
    private static readonly MailOptions Mail = new()
    {
        Host = "127.0.0.1",
        Security = MailSecurity.None,
        From = new System.Net.Mail.MailAddress("approvals@example.test"),
    };

    [Theory, BothEngines]
    public async Task Reviewers_hear_once_and_only_when_LaunchDarkly_has_answered(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        using var news = new News(hub.Hub, mail: Mail);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover));

        await news.Expand();
        Assert.Empty(await news.Lines());

        await hub.End(request);
        await news.Expand();
        var line = Assert.Single(await news.Lines());
        Assert.Equal(("request.checked", $"person:{ann.Id}"), (line.Kind, line.Receiver));
    }
}
