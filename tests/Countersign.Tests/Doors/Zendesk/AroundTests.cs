using Countersign.Audit;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors.Zendesk;

/// <summary>What clients look up around a request: people, groups, tickets.</summary>
public sealed class AroundTests
{
    private const string Root = "/api/v2";

    [Theory, BothEngines]
    public async Task A_ticket_with_the_greatest_id_leaves_room_for_others(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        await host.Ask(999_999_999_999_999);
        foreach (var expected in new[] { 1L, 2L })
        {
            var made = await host.AsAgent.Post($"{Root}/tickets", new { ticket = new { subject = "Laptop" } });
            Assert.Equal(expected, (long)made.Json["ticket"]!["id"]!);
        }
    }

    [Theory, BothEngines]
    public async Task Me_is_the_caller_with_a_stable_token_or_nobody(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        using var nobody = host.Api.Nobody();
        var me = (await host.AsJane.Get($"{Root}/users/me.json")).Json["user"]!;
        Assert.Equal(
            (host.Jane.Id, "Jane Approver", host.Jane.Email, "end-user", true),
            (
                (long)me["id"]!,
                me["name"]!.ToString(),
                me["email"]!.ToString(),
                me["role"]!.ToString(),
                (bool)me["active"]!
            )
        );
        Assert.Equal(
            me["authenticity_token"]!.ToString(),
            (await host.AsJane.Get($"{Root}/users/me")).Json["user"]!["authenticity_token"]!.ToString()
        );
        Assert.NotEqual(
            me["authenticity_token"]!.ToString(),
            (await host.AsBen.Get($"{Root}/users/me")).Json["user"]!["authenticity_token"]!.ToString()
        );
        var anonymous = await nobody.Get($"{Root}/users/me.json");
        Assert.Equal(
            (200, null, "Anonymous user"),
            (anonymous.Status, anonymous.Json["user"]!["id"], anonymous.Json["user"]!["name"]!.ToString())
        );
        Assert.Equal(401, (await host.With(host.Jane.Email!, "wrong password").Get($"{Root}/users/me")).Status);
    }

    [Theory, BothEngines]
    public async Task Agents_find_people_and_groups_and_end_users_only_themselves(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        Assert.Equal(
            "Ben",
            (await host.AsAgent.Get($"{Root}/users/{host.Ben.Id}.json")).Json["user"]!["name"]!.ToString()
        );
        Assert.Equal(200, (await host.AsJane.Get($"{Root}/users/{host.Jane.Id}")).Status);
        Assert.Equal(404, (await host.AsJane.Get($"{Root}/users/{host.Ben.Id}")).Status);
        Assert.Equal(404, (await host.AsAgent.Get($"{Root}/users/999")).Status);
        Assert.Equal(["Jane Approver"], Names(await host.AsAgent.Get($"{Root}/users/search.json?query=jane"), "users"));
        Assert.Equal(
            ["Ben"],
            Names(await host.AsAgent.Get($"{Root}/users/search?query=type:user%20email:{host.Ben.Email}"), "users")
        );
        Assert.Equal(["Boss"], Names(await host.AsAgent.Get($"{Root}/users/search?query=role:admin"), "users"));
        Assert.Equal(
            ["Boss", "Ben"],
            Names(await host.AsAgent.Get($"{Root}/users/show_many.json?ids={host.Ben.Id},{host.Boss.Id},999"), "users")
        );
        Assert.Equal(403, (await host.AsJane.Get($"{Root}/users/search?query=ben")).Status);
        Assert.Equal(400, (await host.AsAgent.Get($"{Root}/users/show_many?ids=x")).Status);

        Assert.Equal(["SRE"], Names(await host.AsAgent.Get($"{Root}/groups.json"), "groups"));
        Assert.Equal(
            "SRE",
            (await host.AsAgent.Get($"{Root}/groups/{host.Sre.Id}")).Json["group"]!["name"]!.ToString()
        );
        Assert.Equal(404, (await host.AsAgent.Get($"{Root}/groups/999")).Status);
        Assert.Equal(403, (await host.AsJane.Get($"{Root}/groups")).Status);
        foreach (
            var path in new[]
            {
                "/group_memberships",
                $"/groups/{host.Sre.Id}/memberships",
                $"/users/{host.Ben.Id}/group_memberships",
            }
        )
        {
            var membership = Assert.Single(
                (await host.AsAgent.Get(Root + path + ".json?page[size]=100")).Json["group_memberships"]!.AsArray()
            )!;
            Assert.Equal(
                (host.Ben.Id, host.Sre.Id, true),
                ((long)membership["user_id"]!, (long)membership["group_id"]!, (bool)membership["default"]!)
            );
        }
        Assert.Empty(
            (await host.AsAgent.Get($"{Root}/users/{host.Jane.Id}/group_memberships")).Json[
                "group_memberships"
            ]!.AsArray()
        );
        Assert.Equal(["Ben"], Names(await host.AsAgent.Get($"{Root}/groups/{host.Sre.Id}/users"), "users"));
    }

    [Fact]
    public async Task Small_lists_page_by_cursor_and_by_number()
    {
        await using var host = await ZendeskHost.Start(Engine.Sqlite);
        var all = Names(await host.AsBoss.Get($"{Root}/users"), "users");
        Assert.Equal(["Boss", "Ann Agent", "Jane Approver", "Ben"], all);
        var byCursor = new List<string>();
        for (var path = $"{Root}/users.json?page[size]=3"; path is not null; )
        {
            var page = await host.AsBoss.Get(path);
            byCursor.AddRange(Names(page, "users"));
            path = page.Json["links"]!["next"] is { } next ? new Uri(next.ToString()).PathAndQuery : null;
        }
        var byNumber = new List<string>();
        for (var path = $"{Root}/users.json?per_page=3"; path is not null; )
        {
            var page = await host.AsBoss.Get(path);
            Assert.Equal(4, (int)page.Json["count"]!);
            byNumber.AddRange(Names(page, "users"));
            path = page.Json["next_page"] is { } next ? new Uri(next.ToString()).PathAndQuery : null;
        }
        Assert.Equal(
            (string.Join(',', all), string.Join(',', all)),
            (string.Join(',', byCursor), string.Join(',', byNumber))
        );
        foreach (
            var query in new[]
            {
                "page[size]=0",
                "page[size]=x",
                "per_page=101",
                "page=0",
                "page=x",
                "page[size]=2&page[after]=x",
            }
        )
        {
            Assert.Equal(400, (await host.AsBoss.Get($"{Root}/users?{query}")).Status);
        }
    }

    [Theory, BothEngines]
    public async Task A_ticket_is_made_changed_and_talked_about(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        await host.Ask(41);
        var made = await host.AsAgent.Post(
            $"{Root}/tickets.json",
            new
            {
                ticket = new
                {
                    subject = "A laptop",
                    comment = new { body = "The old one broke." },
                    requester_id = host.Jane.Id,
                    priority = "high",
                    tags = new[] { "it" },
                    custom_fields = new[] { new { id = 7, value = "Lyon" } },
                },
            }
        );
        Assert.True(made.Status == 201, made.Text);
        var ticket = made.Json["ticket"]!;
        // The next id lies behind the ids that callers chose for stubs.
        Assert.Equal(
            (42, "new", "high", host.Jane.Id),
            (
                (int)ticket["id"]!,
                ticket["status"]!.ToString(),
                ticket["priority"]!.ToString(),
                (long)ticket["requester_id"]!
            )
        );
        Assert.EndsWith("/api/v2/tickets/42.json", made.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.NotNull(made.Json["audit"]!["events"]![0]);

        var changed = await host.AsAgent.Put(
            $"{Root}/tickets/42.json",
            new
            {
                ticket = new
                {
                    status = "open",
                    assignee_id = host.Ben.Id,
                    additional_tags = new[] { "urgent" },
                    comment = new { body = "Looking.", @public = false },
                },
            }
        );
        Assert.True(changed.Status == 200, changed.Text);
        Assert.Equal("""["it","urgent"]""", changed.Json["ticket"]!["tags"]!.ToJsonString());
        Assert.Equal(
            ("open", host.Ben.Id, "A laptop"),
            (
                changed.Json["ticket"]!["status"]!.ToString(),
                (long)changed.Json["ticket"]!["assignee_id"]!,
                changed.Json["ticket"]!["subject"]!.ToString()
            )
        );
        Assert.Equal(2, (await host.AsAgent.Get($"{Root}/tickets/42/comments")).Json["comments"]!.AsArray().Count);
        Assert.Equal(
            "The old one broke.",
            Assert.Single((await host.AsJane.Get($"{Root}/tickets/42/comments.json")).Json["comments"]!.AsArray())![
                "body"
            ]!.ToString()
        );
        Assert.Equal(200, (await host.AsJane.Get($"{Root}/tickets/42")).Status);
        Assert.Equal(404, (await host.AsJane.Get($"{Root}/tickets/41")).Status);
        Assert.Equal(404, (await host.AsAgent.Get($"{Root}/tickets/43")).Status);
        Assert.Equal(
            404,
            (await host.AsAgent.Put($"{Root}/tickets/43", new { ticket = new { status = "open" } })).Status
        );
        Assert.Equal(403, (await host.AsJane.Post($"{Root}/tickets", new { ticket = new { subject = "x" } })).Status);

        // Whoever works on it takes its request back; who asked for it is no approver.
        var toJane = await host.AsAgent.Post(
            ZendeskHost.Requests,
            new
            {
                ticket_id = 42,
                subject = "x",
                message = "m",
                assignee_user_id = host.Jane.Id,
            }
        );
        Assert.Equal(422, toJane.Status);
        var id = await host.Ask(42, host.Boss);
        var shown = (await host.AsBen.Get($"{ZendeskHost.Requests}/{id}")).Item()["ticket_details"]!;
        var verified = await new Verify(host.Hub.Store, host.Api.Services.GetRequiredService<SealKey>()).Run(null);
        Assert.Null(verified.Problem);
        Assert.Equal(
            ("High", "open", "Lyon", 7),
            (
                shown["priority"]!.ToString(),
                shown["status"]!.ToString(),
                shown["custom_fields"]![0]!["value"]!.ToString(),
                (int)shown["custom_fields"]![0]!["id"]!
            )
        );
    }

    [Theory, BothEngines]
    public async Task A_ticket_with_an_active_request_cannot_be_closed(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var id = await host.Ask(5);
        var refused = await host.AsAgent.Put($"{Root}/tickets/5", new { ticket = new { status = "closed" } });
        Assert.Equal((422, "RecordInvalid"), (refused.Status, refused["error"]));
        Assert.NotNull(refused.Json["details"]!["status"]![0]!["description"]);
        Assert.Equal(
            422,
            (await host.AsAgent.Put($"{Root}/tickets/5", new { ticket = new { requester_id = host.Jane.Id } })).Status
        );
        Assert.Equal(
            200,
            (await host.AsAgent.Put($"{Root}/tickets/5", new { ticket = new { assignee_id = host.Ben.Id } })).Status
        );
        var withdrawn = await host.AsBen.Send(
            HttpMethod.Patch,
            $"{Root}/approval_workflow_instances/x/approval_requests/{id}/decision",
            System.Net.Http.Json.JsonContent.Create(new { status = "withdrawn", notes = "Gone." })
        );
        Assert.True(withdrawn.Status == 200, withdrawn.Text);
        Assert.Equal(
            200,
            (await host.AsAgent.Put($"{Root}/tickets/5", new { ticket = new { status = "closed" } })).Status
        );
        Assert.Equal(
            422,
            (await host.AsAgent.Put($"{Root}/tickets/5", new { ticket = new { status = "open" } })).Status
        );
    }

    [Fact]
    public async Task A_ticket_that_makes_no_sense_is_named_and_not_made()
    {
        await using var host = await ZendeskHost.Start(Engine.Sqlite);
        foreach (
            var (body, named) in new[]
            {
                ("{\"ticket\":{}}", "comment"),
                ("{\"ticket\":{\"subject\":5}}", "subject"),
                ("{\"ticket\":{\"subject\":\"x\",\"status\":\"done\"}}", "status"),
                ("{\"ticket\":{\"subject\":\"x\",\"priority\":7}}", "priority"),
                ("{\"ticket\":{\"subject\":\"x\",\"requester_id\":\"jane\"}}", "requester_id"),
                ("{\"ticket\":{\"subject\":\"x\",\"assignee_id\":999}}", "assignee_id"),
                ("{\"ticket\":{\"subject\":\"x\",\"group_id\":999}}", "group_id"),
                ("{\"ticket\":{\"subject\":\"x\",\"requester\":{\"email\":\"nobody@example.test\"}}}", "requester"),
                ("{\"ticket\":{\"subject\":\"x\",\"tags\":\"a\"}}", "tags"),
                ("{\"ticket\":{\"subject\":\"x\",\"custom_fields\":{}}}", "custom_fields"),
                ("{\"ticket\":{\"subject\":\"x\",\"comment\":{\"body\":7}}}", "comment.body"),
                ("{\"ticket\":{\"subject\":\"x\",\"comment\":{}}}", "comment.body"),
            }
        )
        {
            var answer = await host.AsAgent.PostText($"{Root}/tickets", body);
            Assert.Equal((body, 422, "RecordInvalid"), (body, answer.Status, answer["error"]));
            Assert.Equal([named], answer.Json["details"]!.Names());
        }
        Assert.Equal(0, await host.Hub.Place.Count("tickets"));
    }

    private static List<string> Names(ApiAnswer answer, string name)
    {
        Assert.True(answer.Status == 200, answer.Text);
        return answer.Json[name]!.AsArray().Select(i => i!["name"]!.ToString()).ToList();
    }
}
