using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>What the request page says about the requester, and the button of the person who is named.</summary>
[Collection(Chromium.Name)]
public sealed class RequesterPageTests(Chromium chromium)
{
    [Fact]
    public async Task The_person_who_is_named_says_that_it_was_not_they_and_everyone_sees_it()
    {
        await using var host = await PagesHost.Start();
        var claim = RequesterClaim.Of([], ["Rita Requester"]) with { People = [host.Rita.Id] };
        var request = await host.Hub.Ask(
            Some.Policy(Some.Step("SRE", 1, host.Sre.AsApprover)),
            s =>
                s.Saying("Open the new checkout") with
                {
                    Requester = new Requester(host.Rita.Id, host.Rita.Name, [host.Rita.Id], Certainty.Claimed)
                    {
                        Claim = claim,
                    },
                }
        );
        await using var named = await chromium.Open(host.Api, host.Rita);
        await named.Go($"/requests/{request.Id}");
        await named.Shows("This request was opened in your name.");
        await named.Page.GetByText("Source and policy").ClickAsync();
        await named.Shows("Named by the source, not confirmed. Matches Rita Requester.");
        // It can't be withdrawn by being named.
        Assert.Equal(0, await named.Page.GetByRole(AriaRole.Button, new() { Name = "Withdraw" }).CountAsync());
        await named.Page.Locator("summary", new() { HasText = "Not me" }).ClickAsync();
        await named.Press("Not me");
        await named.Shows("Rita Requester didn't make this request");

        await using var reviewer = await chromium.Open(host.Api, host.Ann);
        await reviewer.Go($"/requests/{request.Id}");
        await reviewer.Shows("Rita Requester didn't make this request");
        await reviewer.Shows("0 of 2 approvals, waiting for SRE, requester not recognized");
        await reviewer.Shows("Needs 1 more approval because the requester is not recognized.");
        await reviewer.Shows("said they didn't make this request");
        Assert.Empty(named.Complaints);
        Assert.Empty(reviewer.Complaints);
    }

    [Fact]
    public async Task Only_a_person_in_whose_name_it_is_can_say_so()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        using var ann = await host.Api.SignIn(host.Ann);
        Assert.DoesNotContain("Not me", (await ann.Get($"/requests/{request.Id}")).Text, StringComparison.Ordinal);
        Assert.Equal(404, (await ann.Submit($"/requests/{request.Id}", $"/requests/{request.Id}/not-me")).Status);
        Assert.Contains(
            "Confirmed: requested with their own account or key.",
            (await ann.Get($"/requests/{request.Id}")).Text,
            StringComparison.Ordinal
        );
    }
}
