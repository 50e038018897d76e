using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Doors.Zendesk;

/// <summary>The API that the help center's own pages call. The id of the workflow instance is anything.</summary>
public sealed class EarlierApiTests
{
    private const string Instances = "/api/v2/approval_workflow_instances";
    private const string Requests = $"{Instances}/01JJQFNX5ADZ6PRQCFWRDNKZRD/approval_requests";

    [Theory, BothEngines]
    public async Task An_instance_is_made_and_a_request_in_it(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var instance = (await host.AsAgent.Post(Instances + ".json", new { name = "Laptop", ticket_id = 138 })).Json[
            "custom_object_record"
        ]!;
        Assert.Equal(
            ("138", "pending", "Laptop", "standard::approval_workflow_instance"),
            (
                instance["custom_object_fields"]!["standard::ticket"]!.ToString(),
                instance["custom_object_fields"]!["standard::status"]!.ToString(),
                instance["name"]!.ToString(),
                instance["custom_object_key"]!.ToString()
            )
        );
        Assert.Equal(403, (await host.AsJane.Post(Instances, new { name = "x", ticket_id = 1 })).Status);
        Assert.Equal(422, (await host.AsAgent.Post(Instances, new { name = 5, ticket_id = "x" })).Status);

        var asked = await host.AsAgent.Post(
            $"{Instances}/{instance["id"]}/approval_requests",
            new
            {
                assignee_user = host.Jane.Id,
                message = "Please.",
                subject = "Laptop",
                ticket_id = 138,
                workflow_instance_id = instance["id"]!.ToString(),
            }
        );
        Assert.Equal(201, asked.Status);
        Assert.Equal(
            (host.Jane.Id, host.Agent.Id, "active"),
            (
                (long)asked.Item()["assignee_user"]!["id"]!,
                (long)asked.Item()["created_by_user"]!["id"]!,
                asked.Item()["status"]!.ToString()
            )
        );
        var again = await host.AsAgent.Post(
            $"{Instances}/{instance["id"]}/approval_requests",
            new
            {
                assignee_user = host.Jane.Id,
                message = "Please.",
                subject = "Laptop",
                ticket_id = 138,
            }
        );
        Assert.Equal((422, "ApprovalRequestCreationFailed"), (again.Status, again.Listed().Code));
    }

    [Theory, BothEngines]
    public async Task The_help_centers_page_shows_and_decides(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var id = await host.Ask(1);
        Assert.Equal(
            id,
            (await host.AsJane.Get($"{Instances}/{id}/approval_requests/{id}.json")).Item()["id"]!.ToString()
        );
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var decided = await Decide(host.AsJane, id, new { status = "approved", notes = "" }, ".json");
        Assert.True(decided.Status == 200, decided.Text);
        Assert.Equal(
            ("approved", "2026-03-04T05:07:07Z"),
            (decided.Item()["status"]!.ToString(), decided.Item()["decided_at"]!.ToString())
        );
        var decision = Assert.Single(decided.Item()["decisions"]!.AsArray())!;
        Assert.Equal(
            ("approved", null, host.Jane.Id),
            (decision["status"]!.ToString(), decision["decision_notes"], (long)decision["decided_by_user"]!["id"]!)
        );
        Assert.NotNull(decision["id"]);

        // Withdrawn after all: its time and reason show, and what was decided stays.
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var withdrawn = await Decide(host.AsAgent, id, new { status = "withdrawn", notes = "No longer needed." });
        Assert.Equal(
            ("withdrawn", "2026-03-04T05:08:07Z", "No longer needed."),
            (
                withdrawn.Item()["status"]!.ToString(),
                withdrawn.Item()["decided_at"]!.ToString(),
                withdrawn.Item()["withdrawn_reason"]!.ToString()
            )
        );
        Assert.Equal("approved", withdrawn.Item()["decisions"]![0]!["status"]!.ToString());

        foreach (var status in new[] { "approved", "rejected", "withdrawn" })
        {
            var late = await Decide(
                status == "withdrawn" ? host.AsAgent : host.AsJane,
                id,
                new { status, notes = "late" }
            );
            Assert.Equal((422, "ApprovalRequestDecisionFailed"), (late.Status, late.Listed().Code));
        }

        var second = await host.Ask(2);
        Assert.Equal(
            "rejected",
            (await Decide(host.AsJane, second, new { status = "rejected" })).Item()["status"]!.ToString()
        );
    }

    [Theory, BothEngines]
    public async Task Only_those_concerned_decide_and_only_in_words_that_are_known(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var stranger = await host.As(await host.Hub.AddPerson("Stranger", Role.Agent));
        var id = await host.Ask(1, group: host.Sre);
        Assert.Equal(403, (await Decide(host.AsAgent, id, new { status = "approved" })).Status);
        Assert.Equal(403, (await Decide(host.AsBoss, id, new { status = "approved" })).Status);
        Assert.Equal(
            (404, "RecordNotFound"),
            (await Decide(stranger, id, new { status = "approved" })) is var a ? (a.Status, a["error"]) : default
        );
        Assert.Equal(404, (await Decide(host.AsBen, "01ARZ3NDEKTSV4RRFFQ69G5FAV", new { status = "approved" })).Status);
        Assert.Equal(403, (await Decide(host.AsBen, id, new { status = "withdrawn" })).Status);
        foreach (
            var body in new[]
            {
                "{}",
                "{\"status\":\"pending\"}",
                "{\"status\":\"yes\"}",
                "{\"status\":1}",
                "{\"status\":\"approved\",\"notes\":5}",
                "{\"status\":\"approved\",\"notes\":\"\\u0000\"}",
                $"{{\"status\":\"approved\",\"notes\":\"{new string('x', 5_001)}\"}}",
                "{\"status\":\"approved\",\"digest\":[]}",
            }
        )
        {
            Assert.Equal(
                422,
                (
                    await host.AsBen.Send(
                        HttpMethod.Patch,
                        $"{Requests}/{id}/decision",
                        new StringContent(body, System.Text.Encoding.UTF8, "application/json")
                    )
                ).Status
            );
        }
        Assert.Equal(0, await host.Hub.Place.Count("decisions"));
        Assert.Equal(
            "approved",
            (await Decide(host.AsBen, id, new { status = "approved", notes = "Fine." })).Item()["status"]!.ToString()
        );
    }

    [Theory, BothEngines]
    public async Task A_request_that_was_revised_is_decided_with_its_digest_only(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var policy = Some.Policy(host.Jane.AsApprover);
        var id = (await host.Hub.Ask(policy, s => s with { ExternalId = "x" })).Id.Value;
        await host.Hub.Ask(policy, s => s.Saying("Something else") with { ExternalId = "y" });
        await host.Hub.Submit.Run(
            Some.Submission(policy).Saying("Turn it off") with
            {
                ExternalId = "x",
            },
            Some.Origin,
            null,
            default
        );
        foreach (
            var body in new object[]
            {
                new { status = "approved" },
                new { status = "approved", digest = new string('0', 64) },
            }
        )
        {
            var changed = await Decide(host.AsJane, id, body);
            Assert.Equal((409, "changed"), (changed.Status, changed.Listed().Code));
        }
        var digest = (await host.AsJane.Get($"{Requests}/{id}")).Item()["digest"]!.ToString();
        Assert.Equal(
            "approved",
            (await Decide(host.AsJane, id, new { status = "approved", digest })).Item()["status"]!.ToString()
        );
    }

    [Theory, BothEngines]
    public async Task Search_finds_what_is_the_callers_to_decide(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        await host.Hub.Place.Tamper(
            $"""
            INSERT INTO tickets (id, subject, requester_id, created_at)
            VALUES (1, 'Of Boss', {host.Boss.Id}, '2026-01-01T00:00:00.000Z')
            """
        );
        var ofJane = await host.Ask(1);
        var done = await host.Ask(2);
        var ofSre = await host.Ask(3, group: host.Sre);
        await host.Approve(done, host.Jane);

        Assert.Equal([done, ofJane], (await Search(host.AsJane, "")).Ids());
        Assert.Equal([ofJane], (await Search(host.AsJane, "?status=active")).Ids());
        Assert.Equal([done], (await Search(host.AsJane, "?status=approved")).Ids());
        Assert.Equal([ofSre], (await Search(host.AsBen, "")).Ids());
        // What one asked oneself, or merely may see, is not one's own to decide.
        Assert.Empty((await Search(host.AsAgent, "")).Ids());
        Assert.Empty((await Search(host.AsBoss, "")).Ids());
        Assert.Equal(400, (await Search(host.AsJane, "?status=open")).Status);

        var answer = await Search(host.AsJane, "?status=active");
        Assert.Equal(
            ["after_cursor", "after_url", "approval_requests", "before_cursor", "before_url"],
            answer.Json.Names()
        );
        var item = Assert.Single(answer.Items());
        Assert.Equal(
            [
                "approval_workflow_instance_id",
                "created_at",
                "created_by_name",
                "id",
                "message",
                "origination_type",
                "requester_name",
                "status",
                "subject",
            ],
            item.Names()
        );
        Assert.Equal(
            ("Boss", "Ann Agent", "active"),
            (item["requester_name"]!.ToString(), item["created_by_name"]!.ToString(), item["status"]!.ToString())
        );
    }

    [Theory, BothEngines]
    public async Task A_comment_answers_with_all_of_them_and_has_its_limits(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var id = await host.Ask(1);
        const string messages = "/api/v2/approval_clarification_flow_messages";
        for (var i = 1; i <= Comment.MaxPerRequest; i++)
        {
            var answer = await host.AsJane.Post(messages, new { approval_request_id = id, message = $"Question {i}" });
            Assert.Equal((201, i), (answer.Status, answer.Json["clarification_flow_messages"]!.AsArray().Count));
        }
        Assert.Equal(
            422,
            (await host.AsJane.Post(messages, new { approval_request_id = id, message = "One more" })).Status
        );

        var other = await host.Ask(2);
        foreach (var message in new[] { "", "  ", new string('x', 501) })
            Assert.Equal(422, (await host.AsJane.Post(messages, new { approval_request_id = other, message })).Status);
        Assert.Equal(422, (await host.AsJane.Post(messages, new { approval_request_id = 5, message = "x" })).Status);
        Assert.Equal(
            201,
            (
                await host.AsJane.Post(messages, new { approval_request_id = other, message = new string('x', 500) })
            ).Status
        );
        Assert.Equal(404, (await host.AsBen.Post(messages, new { approval_request_id = other, message = "x" })).Status);
        await host.Approve(other, host.Jane);
        Assert.Equal(
            422,
            (await host.AsJane.Post(messages, new { approval_request_id = other, message = "Too late" })).Status
        );
    }

    private static Task<ApiAnswer> Decide(ApiClient client, string id, object body, string suffix = "") =>
        client.Send(
            HttpMethod.Patch,
            $"{Instances}/{id}/approval_requests/{id}/decision{suffix}",
            System.Net.Http.Json.JsonContent.Create(body),
            ("X-CSRF-Token", "undefined")
        );

    /// <summary>As the page sends it: a POST of JSON with nothing in it.</summary>
    private static Task<ApiAnswer> Search(ApiClient client, string query) =>
        client.Send(
            HttpMethod.Post,
            $"{Requests}/search.json{query}",
            new StringContent("", System.Text.Encoding.UTF8, "application/json")
        );
}
