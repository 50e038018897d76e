using System.Text;
using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Gates.Azure;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Simulator.Gates;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>Azure DevOps' check Invoke REST API, with the callback and without.</summary>
public sealed class AzureTests
{
    private static readonly AzureGate Gate = new();

    [Theory, BothEngines]
    public async Task A_stage_waits_until_it_is_approved_and_then_goes_on(Engine engine)
    {
        await using var hub = await Start(engine, overHttp: engine == Engine.Sqlite);
        var request = await hub.Ask(query: "prod");
        Assert.Equal("Stage Production of shop-ci on refs/heads/main to prod", request.Subject);
        var facts = await hub.Hub.FactsOf(request);
        Assert.Equal(
            ($"{hub.Azure.Collection}/{FakeAzureDevOps.Project}/_build/results?buildId=4711", "prod", "Jane Doe"),
            (facts["link"]!.ToString(), facts["environment"]!.ToString(), facts["requester"]!.ToString())
        );
        var check = hub.Azure.Checks[0];
        await hub.Hub.Minutes(1);
        Assert.Contains($"/requests/{request.Id}", Assert.Single(check.Feed), StringComparison.Ordinal);
        await hub.Hub.After(TimeSpan.FromHours(20));
        Assert.Null(check.Result);
        await hub.Hub.Approve(request);
        Assert.Equal("succeeded", check.Result);
        Assert.NotNull((await hub.Hub.Hub.Find(request.Id)).AppliedAt);
        Assert.False(await hub.Hub.KeepsReply(request));
        // Over before its token is: told as failed while it can be.
        var second = await hub.Ask(build: 4712);
        await hub.Hub.After(TimeSpan.FromHours(46));
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(second));
        await hub.Hub.After(TimeSpan.FromHours(1));
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(second));
        Assert.Equal("failed", hub.Azure.Checks[1].Result);
    }

    [Theory, BothEngines]
    public async Task A_run_that_is_cancelled_withdraws_its_request_and_a_stage_that_is_retried_asks_anew(Engine engine)
    {
        await using var hub = await Start(engine);
        var cancelled = await hub.Ask(build: 1);
        hub.Azure.Cancel(1);
        await hub.Hub.Minutes(11);
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(cancelled));
        // Cancelled between two looks: the verdict finds nothing (404).
        var late = await hub.Ask(build: 2);
        hub.Azure.Cancel(2);
        await hub.Hub.Approve(late);
        Assert.Equal(("gone", "gone"), (await hub.Hub.StateOf(late), await hub.Hub.AlarmOf(late)));
        Assert.Null((await hub.Hub.Hub.Find(late.Id)).AppliedAt);

        var first = await hub.Ask(build: 3);
        await hub.Hub.Approve(first);
        var retried = await hub.Ask(build: 3, attempt: 2);
        Assert.NotEqual(first.Id, retried.Id);
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(retried));
        await hub.Hub.Minutes(1);
        Assert.Null(hub.Azure.Checks[^1].Result);
    }

    [Fact]
    public void Trap_1_and_7_the_token_goes_to_no_other_organization_and_slashes_are_as_they_should_be()
    {
        foreach (
            var (collection, planUrl, isOurs) in new[]
            {
                ("https://dev.azure.com/acme", "https://dev.azure.com/acme/", true),
                ("https://dev.azure.com/acme/", "https://dev.azure.com/acme", true),
                ("https://dev.azure.com/acme", "https://acme.visualstudio.com/", true),
                ("https://acme.visualstudio.com", "https://dev.azure.com/acme/", true),
                ("https://tfs.example/DefaultCollection", "https://tfs.example/DefaultCollection/", true),
                ("https://dev.azure.com/acme", "https://dev.azure.com/acme2/", false),
                ("https://dev.azure.com/acme", "https://dev.azure.com/evil/", false),
                ("https://dev.azure.com/acme", "https://dev.azure.com/acme/../evil/", false),
                ("https://dev.azure.com/acme", "https://evil.example/acme/", false),
                ("https://dev.azure.com/acme", "http://dev.azure.com/acme/", false),
                ("https://dev.azure.com/acme", "https://dev.azure.com@evil.example/acme/", false),
                ("https://tfs.example/DefaultCollection", "https://tfs.example/Other/", false),
                ("https://dev.azure.com/acme", "", false),
            }
        )
        {
            var settings = Settings(("collection", collection));
            var message = Parse(headers => headers["PlanUrl"] = planUrl, settings: settings);
            Assert.Equal((planUrl, isOurs), (planUrl, message is GateMessage.Asked));
            if (message is GateMessage.Asked { Ask.Reply: var reply })
            {
                // Neither two slashes nor none.
                var url = Gate.Verdict(settings, reply, new GateVerdict("r", true, "Approved", null)).Url.AbsoluteUri;
                Assert.StartsWith(planUrl.TrimEnd('/') + "/" + FakeAzureDevOps.Project, url, StringComparison.Ordinal);
                Assert.DoesNotContain("//", url["https://".Length..], StringComparison.Ordinal);
                Assert.Contains(Gate.Origins(settings), o => o.Host == new Uri(url).Host);
            }
        }
    }

    [Fact]
    public void Trap_2_and_11_a_long_token_is_kept_in_the_reply_alone()
    {
        var token = "eyJ" + new string('x', 3_000);
        var ask = Asked(headers => headers["AuthToken"] = token);
        Assert.DoesNotContain(token, ask.Facts + ask.Content + ask.Subject + ask.Id, StringComparison.Ordinal);
        var call = Gate.Verdict(Settings(), ask.Reply, new GateVerdict("r", false, "Rejected", null));
        Assert.Equal(("Authorization", "Bearer " + token), Assert.Single(call.Headers));
        Assert.IsType<GateMessage.Refused>(Parse(headers => headers["AuthToken"] = ""));
    }

    [Fact]
    public void Trap_3_the_hub_is_sent_back_as_it_came_and_is_a_word()
    {
        var ask = Asked(headers => headers["HubName"] = "Build");
        Assert.Contains("/hubs/Build/plans/", ask.Reply.Url, StringComparison.Ordinal);
        foreach (var hub in new[] { "checks/../x", "", "che cks", new string('a', 33) })
            Assert.IsType<GateMessage.Refused>(Parse(headers => headers["HubName"] = hub));
        foreach (var name in new[] { "PlanId", "JobId", "TaskInstanceId", "ProjectId" })
            Assert.IsType<GateMessage.Refused>(Parse(headers => headers[name] = "../x"));
    }

    [Fact]
    public void Fail_open_Trap_4_a_classic_gate_would_take_any_answer_for_a_pass_so_it_is_refused()
    {
        foreach (var hub in new[] { "Gates", "gates", "Release", "rm" })
        {
            var refused = Assert.IsType<GateMessage.Refused>(Parse(headers => headers["HubName"] = hub));
            Assert.Contains("classic release", refused.Why, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Fail_open_Trap_5_a_check_that_judges_the_answer_reads_pending_and_one_that_went_on_is_an_alarm()
    {
        await using var hub = await Start(Engine.Sqlite);
        var (headers, body) = hub.Azure.Ask();
        Assert.Equal((200, """{"status":"pending"}"""), await hub.Call(headers, body));
        // Its success expression was left empty: it has gone on, which shows within a minute.
        hub.Azure.Checks[0].Result = "succeeded";
        await hub.Hub.Minutes(1);
        var request = await hub.Hub.Last();
        Assert.Equal("passed", await hub.Hub.AlarmOf(request));
        Assert.NotNull((await hub.Hub.Hub.Find(request.Id)).BreachedAt);
    }

    [Fact]
    public async Task Fail_open_in_response_mode_only_an_approval_is_a_success()
    {
        await using var hub = await Start(Engine.Sqlite);
        await hub.Hub.Set(("completion", "response"));
        var (headers, body) = hub.Azure.Ask();
        var (status, text) = await hub.Call(headers, body);
        Assert.Equal((409, "pending"), (status, JsonNode.Parse(text)!["status"]!.ToString()));
        // It asks again under other ids.
        var (again, _) = hub.Azure.Ask();
        Assert.Equal(409, (await hub.Call(again, body)).Status);
        var request = Assert.Single(await hub.Hub.Requests());
        // What that means for a rejection is on the request.
        Assert.Contains("asks again", (await hub.Hub.FactsOf(request))["check"]!.ToString(), StringComparison.Ordinal);
        await hub.Hub.Approve(request);
        (status, text) = await hub.Call(again, body);
        Assert.Equal((200, "approved"), (status, JsonNode.Parse(text)!["status"]!.ToString()));
        Assert.NotNull((await hub.Hub.Hub.Find(request.Id)).AppliedAt);
        // The next attempt is asked about anew, and a rejection isn't a success.
        body["attempt"] = "2";
        Assert.Equal(409, (await hub.Call(again, body)).Status);
        await hub.Hub.Reject(await hub.Hub.Last());
        (status, text) = await hub.Call(again, body);
        Assert.Equal((409, "declined"), (status, JsonNode.Parse(text)!["status"]!.ToString()));
        body["stage"] = "$(System.StageName)";
        Assert.Equal(422, (await hub.Call(again, body)).Status);
        // Nothing is ever sent.
        await hub.Hub.Minutes(2);
        Assert.Empty(hub.Azure.Calls);
    }

    [Fact]
    public async Task Trap_6_a_check_that_asks_again_after_a_rejection_is_told_the_rejection()
    {
        await using var hub = await Start(Engine.Sqlite);
        var request = await hub.Ask();
        await hub.Hub.Reject(request);
        var (headers, body) = hub.Azure.Ask();
        await hub.Call(headers, body);
        await hub.Hub.Work();
        Assert.Equal(["failed", "failed"], hub.Azure.Checks.Select(c => c.Result));
        Assert.Single(await hub.Hub.Requests());
    }

    [Fact]
    public void Trap_8_results_are_lower_case()
    {
        var reply = Asked().Reply;
        foreach (var (isApproved, result) in new[] { (true, "succeeded"), (false, "failed") })
        {
            var call = Gate.Verdict(Settings(), reply, new GateVerdict("r", isApproved, "", null));
            var sent = JsonNode.Parse(call.Json!)!;
            Assert.Equal(
                ("TaskCompleted", result, reply[CheckCall.Task], reply[CheckCall.Job]),
                (
                    sent["name"]!.ToString(),
                    sent["result"]!.ToString(),
                    sent["taskId"]!.ToString(),
                    sent["jobId"]!.ToString()
                )
            );
            Assert.EndsWith("/events?api-version=7.1", call.Url.AbsoluteUri, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Trap_9_and_10_two_checks_of_one_stage_each_hear_of_their_own_verdict()
    {
        await using var hub = await Start(Engine.Sqlite);
        var (first, second) = (await hub.Ask(query: "prod"), await hub.Ask(query: "vault"));
        await hub.Hub.Approve(first);
        Assert.Equal(["succeeded", null], hub.Azure.Checks.Select(c => c.Result));
        await hub.Hub.Reject(second);
        Assert.Equal(["succeeded", "failed"], hub.Azure.Checks.Select(c => c.Result));
    }

    [Fact]
    public async Task Answers_that_lie_or_are_lost_are_told_apart()
    {
        await using var hub = await Start(Engine.Sqlite);
        // 204 is a success.
        hub.Azure.EventStatus = 204;
        var request = await hub.Ask(build: 1);
        await hub.Hub.Approve(request);
        Assert.Equal("delivered", await hub.Hub.StateOf(request));
        hub.Azure.EventStatus = 200;

        // 503, then cut after it was taken: sent again, which changes nothing there.
        var lost = await hub.Ask(build: 2);
        await hub.Hub.ApproveQuietly(lost);
        (hub.Azure.RetryAfter, hub.Azure.LosesAnswers) = (5, 1);
        hub.Azure.Refusals.Enqueue(503);
        await hub.Hub.Minutes(4);
        Assert.Equal(("delivered", "succeeded"), (await hub.Hub.StateOf(lost), hub.Azure.Checks[1].Result));

        // After 48 hours the answer is a page to sign in, with 203.
        var late = await hub.Ask(build: 3);
        await hub.Hub.ApproveQuietly(late);
        hub.Azure.HasSignInPage = true;
        hub.Hub.Hub.Clock.Advance(TimeSpan.FromHours(49));
        await hub.Hub.Work();
        Assert.Equal(("gone", null), (await hub.Hub.StateOf(late), hub.Azure.Checks[2].Result));
        Assert.Equal("gone", await hub.Hub.AlarmOf(late));
        Assert.Null((await hub.Hub.Hub.Find(late.Id)).AppliedAt);

        // The same page may come with 200, which is no delivery either.
        var signIn = await hub.Ask(build: 4);
        await hub.Hub.ApproveQuietly(signIn);
        hub.Azure.ShowsPages = 1;
        await hub.Hub.Work();
        Assert.Equal(("gone", null), (await hub.Hub.StateOf(signIn), hub.Azure.Checks[3].Result));
        Assert.Null((await hub.Hub.Hub.Find(signIn.Id)).AppliedAt);
    }

    [Fact]
    public async Task Trap_12_a_call_is_answered_once_it_is_stored_and_nothing_is_fetched_before()
    {
        await using var hub = await Start(Engine.Sqlite);
        await hub.Ask();
        Assert.Single(await hub.Hub.Requests());
        Assert.Empty(hub.Azure.Calls);
    }

    [Theory, BothEngines]
    public async Task Fail_open_Trap_4_classic_gates_are_taken_where_an_admin_says_so_and_pass_only_when_approved(
        Engine engine
    )
    {
        await using var hub = await Start(engine);
        var (headers, body) = hub.Azure.Ask();
        headers["HubName"] = "Gates";
        headers["PlanUrl"] = "https://vsrm.dev.azure.com/acme/";
        await hub.Hub.Set(("collection", "https://dev.azure.com/acme"));
        (body["releaseId"], body["stage"]) = ("77", "Production");
        // Not switched on, it is refused with both completion events of the source.
        foreach (var completion in new[] { "callback", "response" })
        {
            await hub.Hub.Set(("completion", completion));
            Assert.Equal(422, (await hub.Call(headers, body)).Status);
        }
        await hub.Hub.Set(("completion", "callback"), ("classicGates", "yes"));
        Assert.Equal((409, "pending"), StatusIn(await hub.Call(headers, body)));
        var request = Assert.Single(await hub.Hub.Requests());
        var facts = await hub.Hub.FactsOf(request);
        Assert.Contains("may ignore gates", facts["check"]!.ToString(), StringComparison.Ordinal);
        Assert.Equal(
            $"https://dev.azure.com/acme/{FakeAzureDevOps.Project}/_releaseProgress?releaseId=77",
            facts["link"]!.ToString()
        );
        // Its next evaluation has other ids.
        var (again, _) = hub.Azure.Ask();
        (again["HubName"], again["PlanUrl"]) = ("Gates", headers["PlanUrl"]);
        Assert.Equal((409, "pending"), StatusIn(await hub.Call(again, body)));
        await hub.Hub.Approve(request);
        Assert.Equal((200, "approved"), StatusIn(await hub.Call(again, body)));
        // Another attempt is another question, and so is a check of a pipeline with the same numbers.
        body["attempt"] = "2";
        Assert.Equal((409, "pending"), StatusIn(await hub.Call(again, body)));
        await hub.Hub.Reject(await hub.Hub.Last());
        Assert.Equal((409, "declined"), StatusIn(await hub.Call(again, body)));
        body.Remove("releaseId");
        Assert.Equal(422, (await hub.Call(again, body)).Status);
        again["PlanUrl"] = "https://vsrm.dev.azure.com/evil/";
        Assert.Equal(422, (await hub.Call(again, body)).Status);
        await hub.Hub.Minutes(2);
        Assert.Empty(hub.Azure.Calls);

        static (int, string) StatusIn((int Status, string Text) answer) =>
            (answer.Status, JsonNode.Parse(answer.Text)!["status"]!.ToString());
    }

    [Fact]
    public async Task Fail_open_Trap_5_a_check_that_judges_the_answer_with_an_expression_is_said_on_the_page()
    {
        await using var hub = await Start(Engine.Sqlite);
        var request = await hub.Ask();
        // It read "pending", which isn't what its success expression wants.
        hub.Azure.Checks[0].Result = "failed";
        await hub.Hub.Minutes(1);
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(request));
        var alarm = Assert.Single((await hub.Hub.View()).Alarms);
        Assert.Equal("not_waiting", alarm.Kind);
        Assert.Contains("ApiResponse", alarm.Why, StringComparison.Ordinal);
        // One that failed hours later was ended by someone.
        var other = await hub.Ask(build: 2);
        await hub.Hub.After(TimeSpan.FromHours(2));
        var ended = hub.Azure.Checks[1];
        (ended.Result, ended.CompletedAt) = ("failed", hub.Hub.Hub.Clock.GetUtcNow());
        await hub.Hub.Minutes(11);
        Assert.Equal((Status.Withdrawn, null), (await hub.Hub.StatusOf(other), await hub.Hub.AlarmOf(other)));
    }

    [Fact]
    public void What_was_not_expanded_was_not_supplied_and_facts_come_in_the_body_too()
    {
        var ask = Asked(change: body =>
        {
            body["requestedFor"] = "$(Build.RequestedFor)";
            body["requestedForId"] = "$(Build.RequestedForId)";
            body["branch"] = "$(Build.SourceBranch)";
        });
        Assert.DoesNotContain("$(", ask.Facts + ask.Subject, StringComparison.Ordinal);
        Assert.False(ask.Requester.IsPerson);
        var headers = Headers();
        var body = Body();
        foreach (
            var name in new[] { "JobId", "PlanId", "TimelineId", "ProjectId", "AuthToken", "HubName", "TaskInstanceId" }
        )
        {
            headers.Remove(name, out var value);
            body[char.ToLowerInvariant(name[0]) + name[1..]] = value;
        }
        headers.Remove("PlanUrl", out var planUrl);
        body["vstsUrl"] = planUrl;
        Assert.IsType<GateMessage.Asked>(Gate.Parse(Call(headers, body), Settings()));
        Assert.IsType<GateMessage.Refused>(Gate.Parse(new GateCall(Find(Headers()), "[]"u8.ToArray()), Settings()));
    }

    [Fact]
    public async Task Only_the_sources_own_password_is_taken_in_either_form()
    {
        await using var hub = await Start(Engine.Sqlite);
        var (headers, body) = hub.Azure.Ask();
        foreach (
            var (name, value) in new[]
            {
                ("Authorization", ""),
                ("Authorization", "Basic"),
                ("Authorization", "Basic " + Convert.ToBase64String("countersign:wrong"u8)),
                ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(FakeAzureDevOps.Password))),
                ("Authorization", FakeAzureDevOps.Password),
                ("X-Countersign-Secret", ""),
            }
        )
        {
            headers.Remove("Authorization");
            headers[name] = value;
            Assert.Equal(401, (await hub.Call(headers, body)).Status);
        }
        headers["X-Countersign-Secret"] = FakeAzureDevOps.Password;
        Assert.Equal(200, (await hub.Call(headers, body)).Status);
        headers.Remove("X-Countersign-Secret");
        headers["Authorization"] = "Bearer " + FakeAzureDevOps.Password;
        Assert.Equal(200, (await hub.Call(headers, body)).Status);
        Assert.Single(await hub.Hub.Requests());
    }

    [Fact]
    public async Task The_official_client_reads_the_fake_and_writes_to_it_at_the_addresses_that_we_call()
    {
        using var npm = await Npm.Install("azure-devops-node-api@17.0.1");
#pragma warning disable RS0030 // Node has the time of this machine.
        await using var azure = await FakeAzureDevOps.Start(TimeProvider.System);
#pragma warning restore RS0030
        var (headers, _) = azure.Ask();
        var check = azure.Checks[0];
        var said = JsonNode.Parse(
            await npm.Node(
                $$"""
                const node = require('azure-devops-node-api');
                const { TaskApi } = require('azure-devops-node-api/TaskApi');
                const { BuildApi } = require('azure-devops-node-api/BuildApi');
                const handler = node.getBearerHandler('{{check.Token}}');
                const at = '{{azure.Collection}}';
                const [project, plan, timeline] =
                  ['{{FakeAzureDevOps.Project}}', '{{check.Plan}}', '{{FakeAzureDevOps.Timeline}}'];
                // The addresses that a server lists; the fake has the ones that every version has.
                const addresses = v => v.buildId
                  ? `${at}/${v.project}/_apis/build/builds/${v.buildId}`
                  : `${at}/${v.scopeIdentifier}/_apis/distributedtask/hubs/${v.hubName}/plans/${v.planId}`
                    + `/timelines/${v.timelineId}/records${v.recordId ? `/${v.recordId}/feed` : ''}`;
                const with_ = api => {
                  api.vsoClient.getVersioningData = async (version, area, id, values) =>
                    ({ requestUrl: addresses(values), apiVersion: '7.1' });
                  return api;
                };
                const tasks = with_(new TaskApi(at, [handler], {}));
                const builds = with_(new BuildApi(at, [handler], {}));
                (async () => {
                  const read = await tasks.getRecords(project, 'checks', plan, timeline);
                  await tasks.appendTimelineRecordFeed({ value: ['from the client'], count: 1 },
                    project, 'checks', plan, timeline, '{{check.Job}}');
                  const build = await builds.getBuild(project, 4711);
                  // The event has no method of its own there; the client under all of them sends it.
                  const sent = await tasks.rest.create(
                    `${at}/${project}/_apis/distributedtask/hubs/checks/plans/${plan}/events?api-version=7.1`,
                    { name: 'TaskCompleted', taskId: '{{check.Task}}', jobId: '{{check.Job}}', result: 'succeeded' });
                  const after = await tasks.getRecords(project, 'checks', plan, timeline);
                  console.log(JSON.stringify({ id: read[0].id, state: read[0].state, build: build.status,
                    sent: sent.statusCode, after: after[0].state, result: after[0].result }));
                })().catch(e => { console.error(e); process.exit(1); });
                """
            )
        )!;
        // The client turns words into its own numbers: 1 in progress, 2 completed; 0 succeeded.
        Assert.Equal(
            (check.Task, "1", "1", "200", "2", "0"),
            (
                said["id"]!.ToString(),
                said["state"]!.ToString(),
                said["build"]!.ToString(),
                said["sent"]!.ToString(),
                said["after"]!.ToString(),
                said["result"]!.ToString()
            )
        );
        Assert.Equal(("succeeded", "from the client"), (check.Result, Assert.Single(check.Feed)));

        var ask = Asked(
            h =>
            {
                foreach (var name in headers.Keys.Where(h.ContainsKey))
                    h[name] = headers[name];
            },
            Settings(("collection", azure.Collection))
        );
        var whole = ask.Reply;
        var withoutBuild = new GateReply(
            whole.Url,
            whole.Values.Where(v => v.Key != CheckCall.Build).ToDictionary(v => v.Key, v => v.Value)
        );
        OutgoingCall?[] ours =
        [
            Gate.Watch(Settings(), whole),
            Gate.Watch(Settings(), withoutBuild),
            Gate.Note(Settings(), whole, "x"),
            Gate.Verdict(Settings(), whole, new GateVerdict("r", true, "Approved", null)),
        ];
        var theirs = azure.Calls.Select(c => (c.Method, c.Path.Split('?')[0])).ToHashSet();
        Assert.All(ours, c => Assert.Contains((c!.Method.Method, c.Url.AbsolutePath), theirs));
    }

    private static Dictionary<string, string> Headers() =>
        new()
        {
            ["PlanUrl"] = "https://dev.azure.com/acme/",
            ["ProjectId"] = FakeAzureDevOps.Project,
            ["HubName"] = "checks",
            ["PlanId"] = "11111111-1111-1111-1111-111111111111",
            ["JobId"] = "22222222-2222-2222-2222-222222222222",
            ["TimelineId"] = FakeAzureDevOps.Timeline,
            ["TaskInstanceId"] = "33333333-3333-3333-3333-333333333333",
            ["AuthToken"] = "token",
        };

    private static JsonObject Body() =>
        new()
        {
            ["buildId"] = 4711,
            ["definition"] = "shop-ci",
            ["stage"] = "Production",
            ["attempt"] = "1",
            ["requestedFor"] = "Jane Doe",
        };

    private static GateSettings Settings(params (string Name, string Value)[] others) =>
        new(
            1,
            new[]
            {
                ("collection", "https://dev.azure.com/acme"),
                ("password", FakeAzureDevOps.Password),
                ("completion", "callback"),
            }
                .Concat(others)
                .GroupBy(v => v.Item1)
                .ToDictionary(g => g.Key, g => g.Last().Item2)
        );

    private static Func<string, string> Find(Dictionary<string, string> headers) =>
        name => headers.GetValueOrDefault(name, "");

    private static GateCall Call(Dictionary<string, string> headers, JsonObject body) =>
        new(Find(headers), Encoding.UTF8.GetBytes(body.ToJsonString()));

    private static GateMessage Parse(
        Action<Dictionary<string, string>>? headers = null,
        GateSettings? settings = null,
        Action<JsonObject>? change = null
    )
    {
        var (given, body) = (Headers(), Body());
        headers?.Invoke(given);
        change?.Invoke(body);
        return Gate.Parse(Call(given, body), settings ?? Settings());
    }

    private static GateAsk Asked(
        Action<Dictionary<string, string>>? headers = null,
        GateSettings? settings = null,
        Action<JsonObject>? change = null
    ) => Assert.IsType<GateMessage.Asked>(Parse(headers, settings, change)).Ask;

    private static async Task<AzureHub> Start(Engine engine, bool overHttp = false)
    {
        var hub = await GateHub.Start(engine, SourceKinds.Azure, overHttp: overHttp);
        var azure = await FakeAzureDevOps.Start(hub.Hub.Clock);
        await hub.Set(("collection", azure.Collection), ("password", FakeAzureDevOps.Password));
        return new AzureHub(hub, azure);
    }

    private sealed record AzureHub(GateHub Hub, FakeAzureDevOps Azure) : IAsyncDisposable
    {
        public async Task<ApprovalRequest> Ask(long build = 4711, int attempt = 1, string query = "")
        {
            var (headers, body) = Azure.Ask(build, attempt);
            Assert.Equal(200, (await Call(headers, body, query)).Status);
            return await Hub.Last();
        }

        public Task<(int Status, string Text)> Call(
            Dictionary<string, string> headers,
            JsonObject body,
            string query = ""
        ) => Hub.Call(Encoding.UTF8.GetBytes(body.ToJsonString()), headers, query: query);

        public async ValueTask DisposeAsync()
        {
            await Azure.DisposeAsync();
            await Hub.DisposeAsync();
        }
    }
}
