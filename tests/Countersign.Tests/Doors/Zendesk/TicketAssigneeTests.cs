using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.Zendesk;

/// <summary>
/// A ticket's assignee sees and withdraws its requests if an admin assigned them, or another person who could see the
/// request. Agents who assign a ticket to themselves, or to each other, see nothing by it.
/// </summary>
public sealed class TicketAssigneeTests
{
    private const string Tickets = "/api/v2/tickets";
    private const string Decisions = "/api/v2/approval_workflow_instances/any/approval_requests";

    [Theory, BothEngines]
    public async Task Assigning_a_ticket_to_oneself_or_to_an_accomplice_shows_nothing(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var mallory = await host.Hub.AddPerson("Mallory", Role.Agent);
        var theo = await host.Hub.AddPerson("Theo", Role.Agent);
        var (asMallory, asTheo) = (await host.As(mallory), await host.As(theo));

        // The request first, then the assignee.
        var request = await host.Ask(5);
        (Person, ApiClient, ApiClient By)[] assignments =
        [
            (mallory, asMallory, asMallory),
            (theo, asTheo, asMallory),
            (mallory, asMallory, asTheo),
        ];
        foreach (var (who, client, by) in assignments)
        {
            Assert.Equal(200, (await by.Put($"{Tickets}/5", new { ticket = new { assignee_id = who.Id } })).Status);
            await Sees(false, client, request);
        }

        // The assignee first, then the request.
        var made = await asMallory.Post(Tickets, new { ticket = new { subject = "Mine", assignee_id = mallory.Id } });
        var later = await host.Ask((long)made.Json["ticket"]!["id"]!);
        await Sees(false, asMallory, later);
        var other = await asMallory.Post(Tickets, new { ticket = new { subject = "Theo's", assignee_id = theo.Id } });
        later = await host.Ask((long)other.Json["ticket"]!["id"]!);
        await Sees(false, asTheo, later);
        await Sees(false, asMallory, later);

        var kept = await host.AsAgent.Get($"{ZendeskHost.Requests}/{request}");
        Assert.Equal("active", kept.Item()["status"]!.ToString());
    }

    [Theory, BothEngines]
    public async Task Named_by_one_who_sees_the_request_an_assignee_sees_and_withdraws_it(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var mona = await host.Hub.AddPerson("Mona", Role.Agent);
        var theo = await host.Hub.AddPerson("Theo", Role.Agent);
        var (asMona, asTheo) = (await host.As(mona), await host.As(theo));

        var byAdmin = await host.Ask(5);
        await host.AsBoss.Put($"{Tickets}/5", new { ticket = new { assignee_id = mona.Id } });
        await Sees(true, asMona, byAdmin);
        using (var browser = await host.Api.SignIn(mona))
        {
            var page = await browser.Get($"/requests/{byAdmin}");
            Assert.Contains("value=\"withdraw\"", page.Text, StringComparison.Ordinal);
        }

        // The assignee hands the ticket on, and with it the sight.
        await asMona.Put($"{Tickets}/5", new { ticket = new { assignee_id = theo.Id } });
        await Sees(false, asMona, byAdmin);
        await Sees(true, asTheo, byAdmin);
        Assert.Equal(
            200,
            (
                await asTheo.Send(
                    HttpMethod.Patch,
                    $"{Decisions}/{byAdmin}/decision",
                    JsonContent("""{"decision":{"status":"withdrawn"}}""")
                )
            ).Status
        );

        // By the creator of the request; by its approver; before there is a request.
        var byCreator = await host.Ask(6);
        await host.AsAgent.Put($"{Tickets}/6", new { ticket = new { assignee_id = mona.Id } });
        await Sees(true, asMona, byCreator);
        var ofGroup = await host.Ask(7, group: host.Sre);
        await host.AsBen.Put($"{Tickets}/7", new { ticket = new { assignee_id = mona.Id } });
        await Sees(true, asMona, ofGroup);
        var made = await host.AsAgent.Post(Tickets, new { ticket = new { subject = "Early", assignee_id = mona.Id } });
        var ticket = (long)made.Json["ticket"]!["id"]!;
        await Sees(true, asMona, await host.Ask(ticket));

        // Who sees it for another reason still does when somebody else is named.
        var approver = await host.Ask(90, group: host.Sre);
        await host.AsBoss.Put($"{Tickets}/90", new { ticket = new { assignee_id = host.Ben.Id } });
        await host.AsBoss.Put($"{Tickets}/90", new { ticket = new { assignee_id = theo.Id } });
        Assert.Equal(200, (await host.AsBen.Get($"{ZendeskHost.Requests}/{approver}")).Status);
        Assert.Null(await host.Hub.Proof());
    }

    [Theory, BothEngines]
    public async Task An_assignment_speaks_for_requests_that_the_one_who_made_it_may_see(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var mona = await host.Hub.AddPerson("Mona", Role.Agent);
        var cora = await host.Hub.AddPerson("Cora", Role.Agent);
        var (asMona, asCora) = (await host.As(mona), await host.As(cora));
        var shared = new { subject = "Shared", assignee_id = mona.Id };
        var made = await host.AsAgent.Post(Tickets, new { ticket = shared });
        var ticket = (long)made.Json["ticket"]!["id"]!;
        var ofCora = await asCora.Post(
            ZendeskHost.Requests,
            new
            {
                ticket_id = ticket,
                subject = "x",
                message = "m",
                assignee_user_id = host.Jane.Id,
            }
        );
        Assert.Equal(201, ofCora.Status);
        await Sees(false, asMona, ofCora.Item()["id"]!.ToString());

        // Read and sent back by an admin's program, the assignee is not assigned anew.
        var sentBack = new { assignee_id = mona.Id, priority = "high" };
        Assert.Equal(200, (await host.AsBoss.Put($"{Tickets}/{ticket}", new { ticket = sentBack })).Status);
        await Sees(false, asMona, ofCora.Item()["id"]!.ToString());
    }

    [Theory, BothEngines]
    public async Task Whoever_was_the_requester_of_a_ticket_does_not_decide_its_requests(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        await host.Hub.Groups.AddMember(host.Sre.Name, host.Jane.Email!, Some.Operator, default);
        var ofJane = new { subject = "A laptop", requester_id = host.Jane.Id };
        var made = await host.AsAgent.Post(Tickets, new { ticket = ofJane });
        var ticket = (long)made.Json["ticket"]!["id"]!;
        Task<ApiAnswer> From(Person requester) =>
            host.AsAgent.Put($"{Tickets}/{ticket}", new { ticket = new { requester_id = requester.Id } });
        Assert.Equal(200, (await From(host.Boss)).Status);

        var toJane = await host.AsAgent.Post(
            ZendeskHost.Requests,
            new
            {
                ticket_id = ticket,
                subject = "x",
                message = "m",
                assignee_user_id = host.Jane.Id,
            }
        );
        Assert.Equal(422, toJane.Status);
        var request = await host.Ask(ticket, group: host.Sre);
        Assert.Equal(422, (await From(host.Ben)).Status);
        var refused = await host.Approve(request, host.Jane);
        Assert.Equal("requester_may_not_decide", Assert.IsType<Requests.DecideOutcome.NotAllowed>(refused).Rule);
        Assert.IsType<Requests.DecideOutcome.Settled>(await host.Approve(request, host.Ben));
    }

    /// <summary>Through every door; a refused withdrawal changes nothing.</summary>
    private static async Task Sees(bool expected, ApiClient client, string request)
    {
        var status = expected ? 200 : 404;
        Assert.Equal(status, (await client.Get($"{ZendeskHost.Requests}/{request}")).Status);
        Assert.Equal(status, (await client.Get($"/api/v1/requests/{request}")).Status);
        var list = await client.Get("/api/v1/requests");
        Assert.Equal(expected, list.Text.Contains(request, StringComparison.Ordinal));
        if (!expected)
        {
            Assert.Equal(
                404,
                (
                    await client.Send(
                        HttpMethod.Patch,
                        $"{Decisions}/{request}/decision",
                        JsonContent("""{"decision":{"status":"withdrawn"}}""")
                    )
                ).Status
            );
            var withdrawn = await client.Post($"/api/v1/requests/{request}/withdrawal", new { reason = "mine" });
            Assert.Equal(404, withdrawn.Status);
        }
    }

    private static StringContent JsonContent(string text) => new(text, System.Text.Encoding.UTF8, "application/json");
}
