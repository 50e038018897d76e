using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Doors.Zendesk;

/// <summary>The API as the official page has it: list and create, and show beside them.</summary>
public sealed class CurrentApiTests
{
    private const string Requests = ZendeskHost.Requests;

    [Theory, BothEngines]
    public async Task Create_answers_all_ten_members_and_nothing_else(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var answer = await host.AsAgent.Post(
            Requests,
            new
            {
                ticket_id = 123,
                subject = "Laptop",
                message = "Please approve Größe.",
                assignee_user_id = host.Jane.Id,
            }
        );
        Assert.Equal((201, "application/json"), (answer.Status, answer.MediaType));
        var item = answer.Item();
        Assert.Equal(
            [
                "assignee_group_id",
                "assignee_user_id",
                "created_at",
                "created_by_id",
                "id",
                "message",
                "origination_type",
                "status",
                "subject",
                "ticket_id",
            ],
            item.Names()
        );
        Assert.Null(item["assignee_group_id"]);
        Assert.Equal(
            (
                host.Jane.Id,
                host.Agent.Id,
                123L,
                "Laptop",
                "Please approve Größe.",
                "active",
                "API_ORIGINATION",
                "2026-03-04T05:06:07Z"
            ),
            (
                (long)item["assignee_user_id"]!,
                (long)item["created_by_id"]!,
                (long)item["ticket_id"]!,
                item["subject"]!.ToString(),
                item["message"]!.ToString(),
                item["status"]!.ToString(),
                item["origination_type"]!.ToString(),
                item["created_at"]!.ToString()
            )
        );
        Assert.True(RequestId.TryParse(item["id"]!.ToString(), out _));
        Assert.All(answer.Text, c => Assert.True(char.IsAscii(c)));

        var group = await host.AsAgent.Post(
            Requests + ".json",
            new
            {
                approval_request = new
                {
                    ticket_id = 124,
                    subject = "Wrapped",
                    message = "m",
                    assignee_group_id = host.Sre.Id,
                },
            }
        );
        Assert.Equal(201, group.Status);
        Assert.Equal(host.Sre.Id, (long)group.Item()["assignee_group_id"]!);
        Assert.True(
            group.Item().AsObject().ContainsKey("assignee_user_id") && group.Item()["assignee_user_id"] is null
        );
        Assert.Equal(
            201,
            (
                await host.AsAgent.Post(
                    Requests,
                    new
                    {
                        ticket_id = 125,
                        subject = "Alias",
                        message = "m",
                        assignee_user = host.Jane.Id,
                    }
                )
            ).Status
        );
    }

    [Theory, BothEngines]
    public async Task A_list_item_has_people_as_objects_and_only_the_assignee_there_is(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var first = await host.Ask(101);
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var second = await host.Ask(102, group: host.Sre);
        await host.Hub.Comment.Run(RequestId.Of(first), Some.Viewer(host.Jane, "zendesk"), "Why?", default);
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await host.Approve(second, host.Ben, "Fine.");

        var list = await host.AsBoss.Get(Requests);
        Assert.Equal((200, "application/json"), (list.Status, list.MediaType));
        Assert.Equal(["approval_requests", "links", "meta"], list.Json.Names());
        Assert.Equal("""{"next":null,"prev":null}""", list.Json["links"]!.ToJsonString());
        Assert.Equal(
            """{"after_cursor":null,"before_cursor":null,"has_more":false}""",
            list.Json["meta"]!.ToJsonString()
        );
        Assert.Equal([second, first], list.Ids());
        string[] common =
        [
            "clarification_flow_messages",
            "created_at",
            "created_by_user",
            "decided_at",
            "decisions",
            "id",
            "message",
            "origination_type",
            "status",
            "subject",
            "ticket_id",
            "withdrawn_reason",
        ];
        var (ofGroup, ofUser) = (list.Items()[0], list.Items()[1]);
        Assert.Equal(common.Append("assignee_group").Order(StringComparer.Ordinal), ofGroup.Names());
        Assert.Equal(common.Append("assignee_user").Order(StringComparer.Ordinal), ofUser.Names());
        Assert.Equal($$"""{"id":{{host.Sre.Id}},"name":"SRE"}""", ofGroup["assignee_group"]!.ToJsonString());
        Assert.Equal($$"""{"id":{{host.Jane.Id}},"name":"Jane Approver"}""", ofUser["assignee_user"]!.ToJsonString());
        Assert.Equal(
            (host.Agent.Id, "Ann Agent"),
            ((long)ofUser["created_by_user"]!["id"]!, ofUser["created_by_user"]!["name"]!.ToString())
        );
        Assert.NotEqual("", ofUser["created_by_user"]!["photo"]!["content_url"]!.ToString());

        Assert.Equal(
            ("approved", "2026-03-04T05:08:07Z"),
            (ofGroup["status"]!.ToString(), ofGroup["decided_at"]!.ToString())
        );
        var decision = ofGroup["decisions"]![0]!;
        Assert.Equal(
            ("approved", "Fine.", "2026-03-04T05:08:07Z", "Ben"),
            (
                decision["status"]!.ToString(),
                decision["decision_notes"]!.ToString(),
                decision["decided_at"]!.ToString(),
                decision["decided_by_user"]!["name"]!.ToString()
            )
        );
        var said = Assert.Single(ofUser["clarification_flow_messages"]!.AsArray())!;
        Assert.Equal(
            ("Why?", "2026-03-04T05:07:07Z", "Jane Approver", "end-user", host.Jane.Email),
            (
                said["message"]!.ToString(),
                said["created_at"]!.ToString(),
                said["author"]!["name"]!.ToString(),
                said["author"]!["role"]!.ToString(),
                said["author"]!["email"]!.ToString()
            )
        );
        Assert.NotEqual("", said["author"]!["avatar"]!.ToString());
    }

    [Theory, BothEngines]
    public async Task Filters_are_alternatives_within_and_narrow_each_other_and_empty_ones_mean_none(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var one = await host.Ask(1);
        var two = await host.Ask(2, host.Ben);
        var three = await host.Ask(3, group: host.Sre);
        await host.Approve(two, host.Ben);

        await Finds(
            "after_cursor=&before_cursor=&filter[assignee_group_id]=&filter[assignee_user_id]=&filter[status]=",
            three,
            two,
            one
        );
        await Finds("filter%5Bstatus%5D=active", three, one);
        await Finds("filter[status]=active,approved", three, two, one);
        await Finds("filter[status]=pending", three, one);
        await Finds("filter[status]=rejected");
        await Finds($"filter[assignee_user_id]={host.Jane.Id},{host.Ben.Id}", two, one);
        await Finds($"filter[assignee_user_id]={host.Jane.Id},{host.Ben.Id}&filter[status]=active", one);
        await Finds($"filter[assignee_group_id]={host.Sre.Id}&filter[status]=active,withdrawn", three);
        await Finds($"filter[assignee_group_id]={host.Sre.Id}&filter[assignee_user_id]={host.Jane.Id}");
        await Finds("filter[assignee_user_id]=999999999");
        await Finds("filter[assignee_user_id]=-1");
        await Finds($"filter[assignee_user_id]={string.Join(',', Enumerable.Range(0, 100))}", two, one);
        await Finds("include=users&sort=created_at&page=1", three, two, one);

        async Task Finds(string query, params string[] expected)
        {
            var answer = await host.AsBoss.Get($"{Requests}?{query}");
            Assert.True(answer.Status == 200, answer.Text);
            Assert.Equal((query, string.Join(' ', expected)), (query, string.Join(' ', answer.Ids())));
        }
    }

    [Fact]
    public async Task A_parameter_of_the_wrong_type_is_a_clear_400()
    {
        await using var host = await ZendeskHost.Start(Engine.Sqlite);
        foreach (
            var (query, named) in new[]
            {
                ("filter[status]=open", "filter[status]"),
                ("filter[status]=active,foo", "filter[status]"),
                ("filter[status]=1", "filter[status]"),
                ("filter[assignee_user_id]=abc", "filter[assignee_user_id]"),
                ("filter[assignee_user_id]=1,x,2", "filter[assignee_user_id]"),
                ("filter[assignee_user_id]=1.5", "filter[assignee_user_id]"),
                ("filter[assignee_user_id]=99999999999999999999", "filter[assignee_user_id]"),
                ("filter[assignee_group_id]=true", "filter[assignee_group_id]"),
                ("filter[assignee_group_id]=%27%20OR%201=1", "filter[assignee_group_id]"),
                ("after_cursor=abc", "after_cursor"),
                ("before_cursor=123", "before_cursor"),
                ("page[after]=zzz", "after_cursor"),
                ("page[size]=0", "page[size]"),
                ("page[size]=101", "page[size]"),
                ("page[size]=many", "page[size]"),
            }
        )
        {
            var answer = await host.AsBoss.Get($"{Requests}?{query}");
            Assert.Equal((query, 400, "application/json"), (query, answer.Status, answer.MediaType));
            var error = Assert.Single(answer.Json["errors"]!.AsArray())!;
            Assert.Equal(
                ("InvalidParameter", named),
                (error["code"]!.ToString(), error["source"]!["parameter"]!.ToString())
            );
            Assert.StartsWith(named, error["title"]!.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task More_than_100_values_and_counted_pages_are_refused()
    {
        await using var host = await ZendeskHost.Start(Engine.Sqlite);
        foreach (var name in new[] { "filter[assignee_user_id]", "filter[assignee_group_id]" })
        {
            Assert.Equal(
                400,
                (await host.AsBoss.Get($"{Requests}?{name}={string.Join(',', Enumerable.Range(1, 101))}")).Status
            );
        }
        Assert.Equal(
            400,
            (
                await host.AsBoss.Get($"{Requests}?filter[status]={string.Join(',', Enumerable.Repeat("active", 101))}")
            ).Status
        );
        var counted = await host.AsBoss.Get($"{Requests}?page=2");
        Assert.Equal((400, "Invalid attribute"), (counted.Status, counted.Json["error"]!["title"]!.ToString()));
    }

    [Theory, BothEngines]
    public async Task Pages_lead_there_and_back_by_links_on_the_callers_own_host(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        for (var i = 1; i <= 5; i++)
            await host.Ask(i);
        var all = (await host.AsBoss.Get(Requests)).Ids();

        var first = await Ask($"{Requests}.json?page%5Bsize%5D=2&filter[status]=active&after_cursor=");
        Assert.True((bool)first.Json["meta"]!["has_more"]!);
        Assert.Null(first.Json["links"]!["prev"]);
        Assert.Null(first.Json["meta"]!["before_cursor"]);
        var next = first.Json["links"]!["next"]!.ToString();
        Assert.StartsWith(
            $"https://approvals.example.com/api/v2/approval_requests.json?",
            next,
            StringComparison.Ordinal
        );

        var second = await Ask(new Uri(next).PathAndQuery);
        var third = await Ask(new Uri(second.Json["links"]!["next"]!.ToString()).PathAndQuery);
        Assert.Equal(all, [.. first.Ids(), .. second.Ids(), .. third.Ids()]);
        Assert.Null(third.Json["links"]!["next"]);
        Assert.False((bool)third.Json["meta"]!["has_more"]!);

        var back = await Ask(new Uri(third.Json["links"]!["prev"]!.ToString()).PathAndQuery);
        Assert.Equal(second.Ids(), back.Ids());
        var top = await Ask(new Uri(back.Json["links"]!["prev"]!.ToString()).PathAndQuery);
        Assert.Equal(first.Ids(), top.Ids());
        Assert.Null(top.Json["links"]!["prev"]);

        // Both spellings, also both at once as the Ruby client sends them; two different cursors make no sense.
        var cursor = first.Json["meta"]!["after_cursor"]!.ToString();
        Assert.Equal(second.Ids(), (await Ask($"{Requests}?page[size]=2&page[after]={cursor}")).Ids());
        Assert.Equal(
            second.Ids(),
            (await Ask($"{Requests}?page[size]=2&page[after]={cursor}&after_cursor={cursor}")).Ids()
        );
        Assert.Equal(
            first.Ids(),
            (await Ask($"{Requests}?page[size]=2&page[before]={second.Json["meta"]!["before_cursor"]}")).Ids()
        );
        var other = second.Json["meta"]!["after_cursor"]!.ToString();
        Assert.Equal(400, (await host.AsBoss.Get($"{Requests}?page[after]={cursor}&after_cursor={other}")).Status);
        Assert.Equal(400, (await host.AsBoss.Get($"{Requests}?before_cursor={cursor}&after_cursor={cursor}")).Status);
        var middle = cursor.Length / 2;
        Assert.Equal(
            400,
            (
                await host.AsBoss.Get(
                    $"{Requests}?after_cursor={cursor[..middle]}"
                        + $"{(cursor[middle] == 'x' ? 'y' : 'x')}{cursor[(middle + 1)..]}"
                )
            ).Status
        );

        async Task<ApiAnswer> Ask(string path)
        {
            var answer = await host.AsBoss.Send(
                HttpMethod.Get,
                path,
                null,
                ("X-Forwarded-Host", "approvals.example.com"),
                ("X-Forwarded-Proto", "https")
            );
            Assert.True(answer.Status == 200, answer.Text);
            return answer;
        }
    }

    [Theory, BothEngines]
    public async Task One_request_per_ticket_unless_it_was_withdrawn(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var body = new
        {
            ticket_id = 7,
            subject = "Again",
            message = "m",
            assignee_user_id = host.Jane.Id,
        };
        var first = await host.Ask(7);
        await Refused();
        await host.Approve(first, host.Jane);
        await Refused();
        await host.Hub.Withdraw.Run(RequestId.Of(first), Some.Viewer(host.Agent), "Changed my mind.", default);
        var second = await host.AsAgent.Post(Requests, body);
        Assert.Equal(201, second.Status);
        await Refused();
        Assert.Equal(2, await host.Hub.Place.Count("requests"));
        Assert.Equal("Changed my mind.", (await host.AsBoss.Get(Requests)).Items()[1]["withdrawn_reason"]!.ToString());

        // Many at once: one wins.
        var racing = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(_ =>
                    host.AsAgent.Post(
                        Requests,
                        new
                        {
                            ticket_id = 8,
                            subject = "Race",
                            message = "m",
                            assignee_user_id = host.Jane.Id,
                        }
                    )
                )
        );
        Assert.Equal(1, racing.Count(r => r.Status == 201));
        Assert.Equal(15, racing.Count(r => r.Status == 422));

        async Task Refused()
        {
            var answer = await host.AsAgent.Post(Requests, body);
            Assert.Equal(422, answer.Status);
            Assert.Equal(
                """{"errors":[{"code":"ApprovalRequestCreationFailed","title":"Approval request couldn't be """
                    + """sent because one active, approved, or denied request already exists"}]}""",
                JsonNode
                    .Parse(answer.Text)!
                    .ToJsonString(
                        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
                    )
            );
        }
    }

    [Theory, BothEngines]
    public async Task Settings_allow_several_requests_and_refuse_unknown_tickets(Engine engine)
    {
        await using var host = await ZendeskHost.Start(
            engine,
            ("Zendesk:OnePerTicket", "false"),
            ("Zendesk:Tickets", "strict")
        );
        await host.Hub.Place.Tamper(
            "INSERT INTO tickets (id, subject, created_at) VALUES (5, 'Known', '2026-01-01T00:00:00.000Z')"
        );
        await host.Ask(5);
        await host.Ask(5);
        var unknown = await host.AsAgent.Post(
            Requests,
            new
            {
                ticket_id = 6,
                subject = "x",
                message = "m",
                assignee_user_id = host.Jane.Id,
            }
        );
        Assert.Equal((422, "InvalidAttribute"), (unknown.Status, unknown.Listed().Code));
        Assert.Equal((1, 2), (await host.Hub.Place.Count("tickets"), await host.Hub.Place.Count("requests")));
    }

    [Theory, BothEngines]
    public async Task A_ticket_that_has_had_fifty_requests_takes_no_more(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        for (var n = 0; n < 50; n++)
        {
            var id = await host.Ask(9);
            await host.Hub.Withdraw.Run(RequestId.Of(id), Some.Viewer(host.Agent), "", default);
        }
        var answer = await host.AsAgent.Post(
            Requests,
            new
            {
                ticket_id = 9,
                subject = "Once more",
                message = "m",
                assignee_user_id = host.Jane.Id,
            }
        );
        Assert.Equal((422, "ApprovalRequestCreationFailed"), (answer.Status, answer.Listed().Code));
        Assert.Equal(50, await host.Hub.Place.Count("requests"));
        await host.Ask(10);
    }

    [Theory, BothEngines]
    public async Task Whoever_asks_may_not_decide_and_the_tickets_requester_is_no_approver(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        await host.Hub.Place.Tamper(
            $"""
            INSERT INTO tickets (id, subject, requester_id, created_at)
            VALUES (5, 'Of Jane', {host.Jane.Id}, '2026-01-01T00:00:00.000Z')
            """
        );
        var toJane = await host.AsAgent.Post(
            Requests,
            new
            {
                ticket_id = 5,
                subject = "x",
                message = "m",
                assignee_user_id = host.Jane.Id,
            }
        );
        Assert.Equal(422, toJane.Status);
        Assert.Contains("requester", toJane.Listed().Title, StringComparison.Ordinal);
        var toMyself = await host.AsAgent.Post(
            Requests,
            new
            {
                ticket_id = 5,
                subject = "x",
                message = "m",
                assignee_user_id = host.Agent.Id,
            }
        );
        Assert.Equal(422, toMyself.Status);
        Assert.Equal(0, await host.Hub.Place.Count("requests"));

        var both = await host.Hub.AddGroup("Both", host.Jane, host.Agent, host.Ben);
        var id = await host.Ask(5, group: both);
        Assert.IsType<DecideOutcome.NotAllowed>(await host.Approve(id, host.Jane));
        Assert.IsType<DecideOutcome.NotAllowed>(await host.Approve(id, host.Agent));
        Assert.IsType<DecideOutcome.Settled>(await host.Approve(id, host.Ben));
    }

    private static List<(string Body, int Status, string Named)> BadBodies()
    {
        var data = new List<(string Body, int Status, string Named)>();
        foreach (
            var body in new[]
            {
                "",
                "{",
                "null",
                "[]",
                "\"x\"",
                "{\"subject\":\"a\",\"subject\":\"b\"}",
                "{\"subject\":\"half \\ud800 a pair\"}",
            }
        )
        {
            data.Add((body, 400, ""));
        }
        const string good = "\"ticket_id\":1,\"subject\":\"s\",\"message\":\"m\"";
        data.Add(("{}", 422, "subject message ticket_id assignee_user_id"));
        data.Add(($"{{{good}}}", 422, "assignee_user_id"));
        data.Add(($"{{{good},\"assignee_user_id\":3,\"assignee_group_id\":1}}", 422, "assignee_user_id"));
        data.Add(($"{{{good},\"assignee_user_id\":3,\"assignee_user\":4}}", 422, "assignee_user"));
        foreach (var wrong in new[] { "\"abc\"", "true", "[]", "{}", "1.5", "1e99", "99999999999999999999" })
        {
            data.Add(($"{{{good},\"assignee_user_id\":{wrong}}}", 422, "assignee_user_id"));
            data.Add(($"{{{good},\"assignee_group_id\":{wrong}}}", 422, "assignee_group_id"));
            data.Add(
                (
                    $"{{\"ticket_id\":{wrong},\"subject\":\"s\",\"message\":\"m\",\"assignee_user_id\":3}}",
                    422,
                    "ticket_id"
                )
            );
        }
        foreach (var wrong in new[] { "1", "true", "[]", "{}", "\"\"", "\"  \"", "\"bell\\u0007\"", "\"nul\\u0000\"" })
        {
            data.Add(
                ($"{{\"ticket_id\":1,\"subject\":{wrong},\"message\":\"m\",\"assignee_user_id\":3}}", 422, "subject")
            );
            data.Add(
                ($"{{\"ticket_id\":1,\"subject\":\"s\",\"message\":{wrong},\"assignee_user_id\":3}}", 422, "message")
            );
        }
        data.Add(($"{{{good},\"assignee_user_id\":999999}}", 422, "assignee_user_id"));
        data.Add(($"{{{good},\"assignee_group_id\":999999}}", 422, "assignee_group_id"));
        data.Add(("{\"ticket_id\":0,\"subject\":\"s\",\"message\":\"m\",\"assignee_user_id\":3}", 422, "ticket_id"));
        data.Add(("{\"ticket_id\":-5,\"subject\":\"s\",\"message\":\"m\",\"assignee_user_id\":3}", 422, "ticket_id"));
        data.Add(
            (
                "{\"ticket_id\":9223372036854775807,\"subject\":\"s\",\"message\":\"m\",\"assignee_user_id\":3}",
                422,
                "ticket_id"
            )
        );
        return data;
    }

    [Fact]
    public async Task Every_bad_body_is_named_and_leaves_nothing()
    {
        await using var host = await ZendeskHost.Start(Engine.Sqlite);
        foreach (var (body, status, named) in BadBodies())
        {
            var answer = await host.AsAgent.PostText(Requests, body);
            Assert.Equal((body, status, "application/json"), (body, answer.Status, answer.MediaType));
            if (named.Length > 0)
            {
                Assert.Equal(
                    named.Split(' ').Select(n => "/" + n),
                    answer.Json["errors"]!.AsArray().Select(e => e!["source"]!["pointer"]!.ToString())
                );
            }
        }
        foreach (var table in new[] { "requests", "revisions", "tickets", "parties", "idempotency" })
            Assert.Equal(0, await host.Hub.Place.Count(table));
    }

    [Theory, BothEngines]
    public async Task A_repeated_call_under_one_key_is_one_request(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var body = new
        {
            ticket_id = 9,
            subject = "Once",
            message = "m",
            assignee_user_id = host.Jane.Id,
        };
        var first = await host.AsAgent.Post(Requests, body, ("Idempotency-Key", "k1"));
        var again = await host.AsAgent.Post(Requests, body, ("Idempotency-Key", "k1"));
        Assert.Equal(
            (201, 201, first.Text, "miss", "hit"),
            (
                first.Status,
                again.Status,
                again.Text,
                first.Header("x-idempotency-lookup"),
                again.Header("x-idempotency-lookup")
            )
        );
        var other = await host.AsAgent.Post(
            Requests,
            new
            {
                ticket_id = 10,
                subject = "Other",
                message = "m",
                assignee_user_id = host.Jane.Id,
            },
            ("Idempotency-Key", "k1")
        );
        Assert.Equal((400, "IdempotentRequestError"), (other.Status, other["error"]));
        Assert.Equal(1, await host.Hub.Place.Count("requests"));
    }

    [Theory, BothEngines]
    public async Task Requests_of_other_doors_appear_in_this_shape(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var dba = await host.Hub.AddGroup("DBA", host.Jane);
        var key = await host.Hub.AddSource("LaunchDarkly production", host.Sre, 1, "launchdarkly");
        var service = await host.Hub.Place.Number("SELECT person_id FROM sources WHERE id = @id", new { id = key.Id });
        var two = Some.Policy(new Step("SRE", 1, [host.Sre.AsApprover]), new Step("DBA", 1, [dba.AsApprover]));
        var ofGroup = (
            await host.Hub.Ask(
                two,
                s => s with { SourceId = key.Id, SentBy = SentBy.LaunchDarkly, CreatorId = service }
            )
        )
            .Id
            .Value;
        var ofPerson = (await host.Hub.Ask(host.Jane.AsApprover)).Id.Value;
        var ofAdmins = (await host.Hub.Ask(new Approver(Party.Admins, "an admin"))).Id.Value;

        var items = (await host.AsBoss.Get(Requests)).Items().ToDictionary(i => i["id"]!.ToString());
        Assert.Equal(
            ("SRE", null, "API_ORIGINATION", service),
            (
                items[ofGroup]["assignee_group"]!["name"]!.ToString(),
                items[ofGroup]["ticket_id"],
                items[ofGroup]["origination_type"]!.ToString(),
                (long)items[ofGroup]["created_by_user"]!["id"]!
            )
        );
        Assert.Equal("Jane Approver", items[ofPerson]["assignee_user"]!["name"]!.ToString());
        Assert.Equal("Boss", items[ofAdmins]["assignee_user"]!["name"]!.ToString());
        await host.Approve(ofGroup, host.Ben);
        items = (await host.AsBoss.Get(Requests)).Items().ToDictionary(i => i["id"]!.ToString());
        Assert.Equal("DBA", items[ofGroup]["assignee_group"]!["name"]!.ToString());

        // Zendesk's page reads assignee_user without looking: the caller who may decide, else the group's first member.
        Assert.Equal(
            host.Ben.Id,
            (long)(await host.AsBen.Get($"{Requests}/{ofGroup}")).Item()["assignee_user"]!["id"]!
        );
        Assert.Equal(
            host.Jane.Id,
            (long)(await host.AsBoss.Get($"{Requests}/{ofGroup}")).Item()["assignee_user"]!["id"]!
        );
        Assert.Equal(
            host.Boss.Id,
            (long)(await host.AsBoss.Get($"{Requests}/{ofAdmins}")).Item()["assignee_user"]!["id"]!
        );
    }

    [Theory, BothEngines]
    public async Task Show_has_nothing_null_that_the_help_center_reads_and_is_for_those_concerned(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var stranger = await host.As(await host.Hub.AddPerson("Stranger", Role.Agent));
        await host.Hub.Place.Tamper(
            $"""
            INSERT INTO tickets
              (id, subject, requester_id, assignee_id, assigned_by, assigned_by_admin, priority, created_at)
            VALUES (5, 'Of Rita', {host.Boss.Id}, {host.Ben.Id}, {host.Boss.Id}, 1, 'high', '2026-01-01T00:00:00.000Z')
            """
        );
        var id = await host.Ask(5);
        foreach (var one in new[] { host.AsBoss, host.AsAgent, host.AsJane, host.AsBen })
        {
            var shown = await one.Get($"{Requests}/{id}.json");
            Assert.True(shown.Status == 200, shown.Text);
            foreach (
                var name in new[]
                {
                    "assignee_user",
                    "created_by_user",
                    "decisions",
                    "message",
                    "clarification_flow_messages",
                    "ticket_details",
                    "digest",
                }
            )
            {
                Assert.NotNull(shown.Item()[name]);
            }
            Assert.Equal(
                (5, "High", "new", "Boss"),
                (
                    (int)shown.Item()["ticket_details"]!["id"]!,
                    shown.Item()["ticket_details"]!["priority"]!.ToString(),
                    shown.Item()["ticket_details"]!["status"]!.ToString(),
                    shown.Item()["ticket_details"]!["requester"]!["name"]!.ToString()
                )
            );
            Assert.Empty(shown.Item()["ticket_details"]!["custom_fields"]!.AsArray());
        }
        // A stub's requester is nobody's guess, so its details stay away as a whole.
        var stub = (await host.AsAgent.Get($"{Requests}/{await host.Ask(6)}")).Item();
        Assert.False(stub.AsObject().ContainsKey("ticket_details"));

        foreach (
            var nowhere in new[]
            {
                $"{Requests}/{id}",
                $"{Requests}/01ARZ3NDEKTSV4RRFFQ69G5FAV",
                $"{Requests}/abc",
                $"{Requests}/{id.ToLowerInvariant()}",
            }
        )
        {
            var answer = await stranger.Get(nowhere);
            Assert.Equal(
                (404, """{"error":"RecordNotFound","description":"Not found"}"""),
                (answer.Status, answer.Text)
            );
        }
    }

    [Theory, BothEngines]
    public async Task Filters_find_a_request_by_the_assignee_it_is_shown_with_and_by_no_other(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine, ("Zendesk:OnePerTicket", "false"));
        var (jane, ben, sre, hub) = (host.Jane.AsApprover, host.Ben.AsApprover, host.Sre.AsApprover, host.Hub);
        var steps = Some.Policy(Some.Step("first", 1, jane), Some.Step("second", 1, sre));
        var admins = Some.Policy(Some.Step("admins", 1, new Approver(Party.Admins, "an admin")));
        await host.Ask(1);
        await host.Ask(2, group: host.Sre);
        for (var round = 0; round < 3; round++)
        {
            await hub.Ask(Some.Policy(sre));
            await hub.Ask(Some.Policy(Some.Step("either", 1, ben, sre)));
            await hub.Ask(Some.Policy(ben), s => s.AskedBy(host.Jane));
            await hub.Ask(steps);
            await hub.Approve(await hub.Ask(steps), host.Jane);
            var both = await hub.Ask(steps);
            await hub.Approve(both, host.Jane);
            await hub.Approve(both, host.Ben);
            await hub.Reject(await hub.Ask(Some.Policy(sre)), host.Ben);
            await hub.Ask(admins);
            await hub.Ask(admins, s => s.AskedBy(host.Boss));
            // Nobody is asked: a policy answers by itself, or names only who is not there yet.
            await hub.Ask(new Policy("auto", []) { Auto = new AutoAnswer(Approves: true, "no customer sees it") });
            await hub.Ask(Some.Policy(new Countersign.Policies.Step("ghosts", 1, [])));
            var withdrawn = await hub.Ask(Some.Policy(jane));
            await hub.Withdraw.Run(withdrawn.Id, Viewer.Hub(Some.Origin), "", default);
            // Somebody else's decision stands before the assignee's own.
            await hub.Ask(Some.Policy(sre), s => s with { Assignee = jane });
        }
        var all = (await host.AsBoss.Get(Requests)).Items();
        Assert.Equal(2 + (3 * 13), all.Count);

        foreach (
            var (key, id) in new[]
            {
                ("user", host.Jane.Id),
                ("user", host.Ben.Id),
                ("user", host.Boss.Id),
                ("user", host.Agent.Id),
                ("group", host.Sre.Id),
            }
        )
        {
            foreach (
                var statuses in new[]
                {
                    "",
                    "active",
                    "approved",
                    "rejected,withdrawn",
                    "active,approved,rejected",
                    "active,approved,rejected,withdrawn",
                }
            )
            {
                var expected = all.Where(item =>
                        item[$"assignee_{key}"]?["id"]?.GetValue<long>() == id
                        && (statuses.Length == 0 || statuses.Split(',').Contains(item["status"]!.ToString()))
                    )
                    .Select(item => item["id"]!.ToString())
                    .ToList();
                foreach (var size in new[] { 1, 2, 100 })
                {
                    var (seen, last) = await Walk(
                        $"{Requests}?page[size]={size}&filter[assignee_{key}_id]={id}&filter[status]={statuses}",
                        "next",
                        size
                    );
                    Assert.Equal(expected, seen);
                    // And back again, from the last page to the first.
                    if (last is not null)
                    {
                        Assert.Equal(
                            expected.SkipLast((await host.AsBoss.Get(last)).Ids().Count),
                            (await Walk(last, "prev", size)).Seen.SkipLast((await host.AsBoss.Get(last)).Ids().Count)
                        );
                    }
                }
            }
        }
        Assert.Empty(
            (
                await host.AsBoss.Get(
                    $"{Requests}?filter[assignee_user_id]={host.Jane.Id}&filter[assignee_group_id]={host.Sre.Id}"
                )
            ).Ids()
        );
        // As many as one may name, an admin among them.
        var hundred = string.Join(',', Enumerable.Range(1_000, 99).Append((int)host.Boss.Id));
        foreach (var statuses in new[] { "", "active,approved,rejected", "active,approved,rejected,withdrawn" })
        {
            Assert.Equal(
                6,
                (await host.AsBoss.Get($"{Requests}?filter[assignee_user_id]={hundred}&filter[status]={statuses}"))
                    .Ids()
                    .Count
            );
        }

        // Only the last page may be short, however many of those found are shown with somebody else.
        async Task<(List<string> Seen, string? Last)> Walk(string path, string way, int size)
        {
            var seen = new List<string>();
            var last = (string?)null;
            for (var next = path; next is not null; )
            {
                var page = await host.AsBoss.Get(next);
                Assert.True(page.Status == 200, page.Text);
                seen = way == "next" ? [.. seen, .. page.Ids()] : [.. page.Ids(), .. seen];
                last = next;
                next = page.Json["links"]![way] is { } link ? new Uri(link.ToString()).PathAndQuery : null;
                Assert.True(
                    next is null || page.Ids().Count == size || last == path && way == "prev",
                    $"{page.Ids().Count} of {size} at {last}"
                );
            }
            return (seen, last == path ? null : last);
        }
    }

    [Theory, BothEngines]
    public async Task A_walk_over_a_thousand_requests_with_each_filter_finds_each_once_while_others_arrive(
        Engine engine
    )
    {
        await using var host = await ZendeskHost.Start(engine, ("Zendesk:OnePerTicket", "false"));
        var asked = await Task.WhenAll(
            Enumerable
                .Range(0, 1_000)
                .Select(i =>
                    host.Hub.Ask(
                        Some.Policy(i % 2 == 0 ? host.Jane.AsApprover : host.Sre.AsApprover),
                        s => s with { Assignee = i % 2 == 0 ? host.Jane.AsApprover : host.Sre.AsApprover }
                    )
                )
        );
        var all = asked.Select(r => r.Id.Value).ToHashSet();
        var ofJane = asked.Where(r => r.AssigneeUser is not null).Select(r => r.Id.Value).ToHashSet();
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                await host.Ask(1_000 + i, group: i % 2 == 0 ? host.Sre : null);
        });
        foreach (
            var (filter, expected) in new[]
            {
                ("", all),
                ("filter[status]=active", all),
                ("filter[status]=active,approved,rejected,withdrawn", all),
                ($"filter[assignee_user_id]={host.Jane.Id}", ofJane),
                ($"filter[assignee_group_id]={host.Sre.Id}", all.Except(ofJane).ToHashSet()),
                ($"filter[assignee_user_id]={host.Jane.Id}&filter[status]=active", ofJane),
                (
                    $"filter[assignee_group_id]={host.Sre.Id}&filter[status]=active,approved",
                    all.Except(ofJane).ToHashSet()
                ),
            }
        )
        {
            var seen = new List<string>();
            for (var path = $"{Requests}?page[size]=70&{filter}"; path is not null; )
            {
                var page = await host.AsBoss.Get(path);
                Assert.True(page.Status == 200, page.Text);
                seen.AddRange(page.Ids());
                path = page.Json["links"]!["next"] is { } next ? new Uri(next.ToString()).PathAndQuery : null;
            }
            Assert.Equal(seen.Count, seen.Distinct().Count());
            Assert.Equal(seen.OrderDescending(StringComparer.Ordinal), seen);
            Assert.Equal(
                expected.Order(StringComparer.Ordinal),
                seen.Where(all.Contains).Order(StringComparer.Ordinal)
            );
        }
        await stop.CancelAsync();
        await writing;
    }
}
