using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>
/// The manifests that come with Countersign, and the published ones for the same systems, from opening to the end.
/// </summary>
public sealed class ShippedTests
{
    [Fact]
    public void What_comes_with_Countersign_has_no_findings()
    {
        Assert.Equal(["countersign", "servicenow-normal", "servicenow-standard", "zendesk"], ShippedManifests.Names);
        foreach (var name in ShippedManifests.Names)
            Assert.Empty(Linter.Run(ShippedManifests.Find(name)!));
    }

    [Theory]
    [InlineData("https://app.launchdarkly.com/shop/live/features/dark-mode/approvals/66a8e20c", true)]
    [InlineData("javascript:alert(1)", false)]
    [InlineData("", false)]
    public async Task A_ticket_for_a_change_from_LaunchDarkly_leads_there_and_beside_it_to_us(string link, bool isKept)
    {
        await using var now = new FakeServiceNow("normal");
        await using var over = await HandedOver.Start(Engine.Sqlite);
        await over.Destination(
            ShippedManifests.Find("servicenow-normal")!,
            new Dictionary<string, string>
            {
                ["oauth.baseURI"] = now.Address,
                ["oauth.tokenUrl"] = now.Address + "/oauth_token.do",
                ["oauth.clientId"] = "hub",
            },
            new Dictionary<string, string> { ["oauth.clientSecret"] = "s3cr3t" }
        );
        var facts = $$"""{"details":"Turn on the flag","link":"{{link}}"}""";
        var request = await over.Ask(s => s with { SentBy = SentBy.LaunchDarkly, Facts = facts });
        var other = await over.Ask(s => s with { Facts = facts });
        await over.Work();
        var ours = $"https://hub.example.test/requests/{request.Id}";
        Assert.Equal(
            isKept ? $"{link}\n\nTurn on the flag\n\nReview in Countersign: {ours}" : $"{ours}\n\nTurn on the flag",
            now.Changes[(await over.Link(request)).ExternalId!]["justification"]!.ToString()
        );
        // A link that another client gives is its own affair.
        Assert.Equal(
            $"https://hub.example.test/requests/{other.Id}\n\nTurn on the flag",
            now.Changes[(await over.Link(other)).ExternalId!]["justification"]!.ToString()
        );
    }

    [Theory]
    [InlineData("servicenow-normal", "normal")]
    [InlineData("servicenow-standard", "standard")]
    [InlineData("servicenow-normal.json", "normal")]
    [InlineData("servicenow.json", "standard")]
    public async Task ServiceNow_opens_implements_reviews_and_cancels(string manifest, string kind)
    {
        var text = ShippedManifests.Find(manifest) ?? PublishedManifests.Read(manifest);
        await using var now = new FakeServiceNow(kind);
        await using var over = await HandedOver.Start(Engine.Sqlite);
        var ann = await over.Hub.AddPerson("Ann");
        var settings = new Dictionary<string, string>
        {
            ["oauth.baseURI"] = now.Address,
            ["oauth.tokenUrl"] = now.Address + "/oauth_token.do",
            ["oauth.clientId"] = "hub",
        };
        if (kind == "standard")
            settings["template"] = "tpl1";
        await over.Destination(text, settings, new Dictionary<string, string> { ["oauth.clientSecret"] = "s3cr3t" });
        if (kind == "standard")
        {
            Assert.Equal(
                [("Flag change", "tpl1")],
                Some.Done(
                    await new TestDestination(over.Hub.Store, over.Book, over.Calls, over.Options).Options(
                        HandedOver.Name,
                        "template",
                        default
                    )
                )
            );
        }
        Assert.True(
            Some.Done(
                await new TestDestination(over.Hub.Store, over.Book, over.Calls, over.Options).Connect(
                    HandedOver.Name,
                    default
                )
            ).Ok
        );

        var approved = await over.Ask(s => s.AskedBy(ann) with { Facts = """{"details":"25 % of \"customers\""}""" });
        var refused = await over.Ask();
        await over.Work();
        var link = await over.Link(approved);
        var change = now.Changes[link.ExternalId!];
        Assert.Equal(
            ("Turn on dark mode", "ann.a"),
            (change["short_description"]!.ToString(), change["requested_by"]!.ToString())
        );
        Assert.Equal(
            $"https://hub.example.test/requests/{approved.Id}\n\n25 % of \"customers\"",
            change["justification"]!.ToString()
        );
        Assert.Equal(
            (LinkState.Open, "-5.0", "New", $"{now.Address}/change_request.do?sys_id={link.ExternalId}"),
            (link.State, link.Value, link.Display, link.Url)
        );

        now.Changes[link.ExternalId!]["state"] = "-1.0";
        now.Changes[(await over.Link(refused)).ExternalId!]["state"] = "4.0";
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal("Approved by Desk: Implement", (await over.Now(approved)).Display);
        Assert.Equal(
            (Status.Rejected, "Declined by Desk: Canceled"),
            ((await over.Now(refused)).Status, (await over.Now(refused)).Display)
        );
        await over.Hub.MarkApplied.Run(approved.Id, Viewer.Hub(Some.Origin), default);
        var withdrawn = await over.Ask();
        await over.Work();
        await over.Hub.Withdraw.Run(withdrawn.Id, Viewer.Hub(Some.Origin), "", default);
        await over.Work();
        Assert.Equal(
            ("Review", "Canceled"),
            (now.State(link.ExternalId!), now.State((await over.Link(withdrawn)).ExternalId!))
        );
        Assert.Empty(now.Complaints);
    }

    [Fact]
    public async Task ServiceNow_is_looked_up_by_our_id_after_a_lost_answer()
    {
        await using var now = new FakeServiceNow("normal");
        await using var over = await HandedOver.Start(Engine.Sqlite);
        await over.Destination(
            ShippedManifests.Find("servicenow-normal")!,
            new Dictionary<string, string> { ["oauth.baseURI"] = now.Address, ["oauth.accessToken"] = "at-1" }
        );
        var request = await over.Ask();
        await over.Follow();
        await over.DieWhileOpening(request, hasCalled: true);
        await over.WorkAfter(TimeSpan.FromMinutes(5));
        await over.WorkAfter(TimeSpan.FromMinutes(5));
        Assert.Equal(
            (LinkState.Open, Assert.Single(now.Changes).Key),
            ((await over.Link(request)).State, (await over.Link(request)).ExternalId)
        );
        Assert.Empty(now.Complaints);
    }

    [Fact]
    public async Task Zendesk_sends_an_approval_request_on_its_ticket_and_withdraws_it()
    {
        var complaints = new ConcurrentQueue<string>();
        var requests = new ConcurrentDictionary<string, JsonObject>();
        var numbers = 0;
        await using var zendesk = new Receiver(call =>
        {
            if (call.Headers["Authorization"] != "Bearer zt")
                return new Conduct.Answers(401, """{"error":"Couldn't authenticate you"}""");
            if (call is { Method: "POST", Path: "/api/v2/approval_requests" })
            {
                var body = JsonNode.Parse(call.Body)!.AsObject();
                if (
                    !body.Select(m => m.Key)
                        .Order()
                        .SequenceEqual(["assignee_group_id", "message", "subject", "ticket_id"])
                    || body["ticket_id"]!.GetValueKind() != System.Text.Json.JsonValueKind.Number
                )
                {
                    complaints.Enqueue(call.Body);
                }
                if (
                    requests.Values.Any(r =>
                        (int)r["ticket_id"]! == (int)body["ticket_id"]! && r["status"]!.ToString() != "withdrawn"
                    )
                )
                {
                    return new Conduct.Answers(
                        422,
                        """{"errors":[{"code":"ApprovalRequestCreationFailed","title":"Approval request """
                            + """couldn't be sent because one active, approved, or denied request already exists"}]}"""
                    );
                }
                var made = body.DeepClone().AsObject();
                (made["id"], made["status"]) = (
                    $"01KFP3S9EVXF9CKAYY080NV98{Interlocked.Increment(ref numbers)}",
                    "active"
                );
                requests[made["id"]!.ToString()] = made;
                return new Conduct.Answers(
                    201,
                    new JsonObject { ["approval_request"] = made.DeepClone() }.ToJsonString()
                );
            }
            const string root = "/api/v2/approval_workflow_instances/01JJQFNX5ADZ6PRQCFWRDNKZRD/approval_requests/";
            var rest = call.Path.StartsWith(root, StringComparison.Ordinal)
                ? call.Path[root.Length..].Split('/')
                : [""];
            if (!requests.TryGetValue(rest[0], out var found))
                return new Conduct.Answers(404, "{}");
            if (rest is [_, "decision"] && call.Method == "PATCH")
                found["status"] = JsonNode.Parse(call.Body)!["status"]!.ToString();
            return new Conduct.Answers(200, new JsonObject { ["approval_request"] = found.DeepClone() }.ToJsonString());
        });
        await using var over = await HandedOver.Start(Engine.Sqlite);
        await over.Destination(
            ShippedManifests.Find("zendesk")!,
            new Dictionary<string, string>
            {
                ["oauth.baseURI"] = $"http://127.0.0.1:{zendesk.Port}",
                ["oauth.accessToken"] = "zt",
                ["groupId"] = "789",
                ["ticketId"] = "1",
            }
        );
        var first = await over.Ask(s => s with { Facts = """{"form.ticketId":"123"}""" });
        var second = await over.Ask();
        await over.Work();
        var sameTicket = await over.Ask();
        await over.Work();
        Assert.Equal(
            (LinkState.Held, "It responded with 422."),
            ((await over.Link(sameTicket)).State, (await over.Link(sameTicket)).Problem)
        );
        Assert.Equal([1, 123], requests.Values.Select(r => (int)r["ticket_id"]!).Order());
        requests[(await over.Link(first)).ExternalId!]["status"] = "approved";
        await over.Hub.Withdraw.Run(second.Id, Viewer.Hub(Some.Origin), "", default);
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(Status.Approved, (await over.Now(first)).Status);
        Assert.Equal("withdrawn", requests[(await over.Link(second)).ExternalId!]["status"]!.ToString());
        Assert.Empty(complaints);
    }
}
