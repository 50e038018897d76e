using System.Text.Json.Nodes;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
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

    [Theory, BothEngines]
    public async Task Environment_link_and_details_are_facts_that_policies_match(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        Assert.IsType<SetPoliciesOutcome.Set>(
            await host
                .Api.Services.GetRequiredService<PolicyFiles>()
                .Set(
                    """
                    version: 1
                    policies:
                      - name: risky production
                        when: { environment: [production], facts.risk: [high] }
                        steps: [{ name: Two of SRE, need: 2, from: { groups: [SRE] } }]
                    """,
                    null,
                    Some.Operator,
                    default
                )
        );
        await host.Api.Noticed();
        using var rita = await host.Api.SignIn(host.Rita);
        var answer = await rita.Submit(
            "/new",
            "/new",
            ("subject", "Double the pool"),
            ("message", "It is *full*."),
            ("assignee", "policy"),
            ("environment", "production"),
            ("link", "https://example.test/1"),
            ("detail-name-1", "risk"),
            ("detail-value-1", "high"),
            ("key", "k")
        );
        Assert.Equal(302, answer.Status);
        var id = RequestId.Of(answer.Location!.Split('/')[^1]);
        var details = await RequestDetails.Find(host.Hub.Store, id, Some.Viewer(host.Rita), default);
        Assert.Equal(("risky production", 2), (details!.Request.Policy.Name, details.Request.Policy.Steps[0].Need));
        var facts = JsonNode.Parse(details.Current.Facts)!;
        Assert.Equal(
            ("production", "https://example.test/1", "high"),
            ((string?)facts["environment"], (string?)facts["link"], (string?)facts["risk"])
        );
        using var ann = await host.Api.SignIn(host.Ann);
        Assert.Contains("Double the pool", (await ann.Get("/")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_policy_that_matches_an_admin_decides()
    {
        await using var host = await PagesHost.Start();
        using var rita = await host.Api.SignIn(host.Rita);
        var answer = await rita.Submit("/new", "/new", ("subject", "A laptop"), ("assignee", "policy"), ("key", "k"));
        var request = await host.Hub.Find(RequestId.Of(answer.Location!.Split('/')[^1]));
        Assert.Equal(Party.Admins, Assert.Single(request.Policy.Steps[0].From).Party);
    }

    [Theory]
    [InlineData("subject", "", "This is required.")]
    [InlineData("subject", "two\u0007", "one line")]
    [InlineData("message", "\u0007", "control characters")]
    [InlineData("assignee", "", "Choose a reviewer.")]
    [InlineData("assignee", "person:Rita.Requester@example.test", "review your own request")]
    [InlineData("link", "javascript:alert(1)", "begins with https://")]
    [InlineData("ticket", "abc", "number, such as 1234")]
    [InlineData("detail-value-2", "high", "This is required.")]
    [InlineData("detail-name-2", "Environment", "used twice")]
    public async Task What_is_wrong_is_said_beside_its_field_and_what_was_typed_comes_back(
        string field,
        string value,
        string why
    )
    {
        await using var host = await PagesHost.Start();
        using var rita = await host.Api.SignIn(host.Rita);
        var typed = new Dictionary<string, string>
        {
            ["subject"] = "A laptop for Lukas",
            ["message"] = "The old one is broken.",
            ["assignee"] = "group:SRE",
            ["environment"] = "office",
            ["key"] = "k",
            [field] = value,
        };
        var answer = await rita.Submit("/new", "/new", [.. typed.Select(t => (t.Key, t.Value))]);
        Assert.Equal(422, answer.Status);
        Assert.Contains("1 field needs your attention.", answer.Text, StringComparison.Ordinal);
        var text = System.Net.WebUtility.HtmlDecode(answer.Text);
        Assert.Contains(why, text, StringComparison.Ordinal);
        Assert.Contains($"id=\"f-{field}-error\"".Replace("value-2", "name-2", StringComparison.Ordinal), text);
        Assert.Contains("office", text, StringComparison.Ordinal);
    }
}
