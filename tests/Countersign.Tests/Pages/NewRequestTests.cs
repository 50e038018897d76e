using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Pages;

public sealed class NewRequestTests
{
    [Theory, BothEngines]
    public async Task A_ticket_that_takes_no_more_requests_says_so_on_the_page(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        var policy = Some.Policy(host.Sre.AsApprover);
        for (var i = 0; i < TicketRow.MaxInactive; i++)
        {
            var asked = await host.Hub.Ask(
                policy,
                s => s with { TicketId = 7, TicketTerms = new TicketTerms(MayBeUnknown: true, OneRequest: true) }
            );
            await host.Hub.Withdraw.Run(asked.Id, Viewer.Hub(Some.Origin), "Not needed.", default);
        }
        using var rita = await host.Api.SignIn(host.Rita);
        var answer = await rita.Submit(
            "/new",
            "/new",
            ("subject", "Once more"),
            ("assignee", "group:SRE"),
            ("ticket", "7"),
            ("key", "k")
        );
        Assert.Equal(422, answer.Status);
        Assert.Contains("50 requests that were withdrawn", answer.Text, StringComparison.Ordinal);
        Assert.Contains("Once more", answer.Text, StringComparison.Ordinal);
    }
}
