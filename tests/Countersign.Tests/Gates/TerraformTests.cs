using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Gates.Terraform;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Simulator.Gates;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>Run tasks of HCP Terraform, from the signed call to the verdict and what can go wrong.</summary>
public sealed class TerraformTests
{
    private static readonly TerraformGate Gate = new();

    [Theory, BothEngines]
    public async Task A_run_hears_of_us_until_it_is_approved_and_then_goes_on(Engine engine)
    {
        await using var hub = await Start(engine, overHttp: engine == Engine.Sqlite);
        var request = await hub.Ask();
        Assert.Equal("Apply to acme/shop-prod", request.Subject);
        var facts = await hub.Hub.FactsOf(request);
        Assert.Equal(
            ("mandatory", "pre_apply", $"{hub.Terraform.Address}/app/acme/shop-prod/runs/run-9"),
            (facts["enforcement"]!.ToString(), facts["stage"]!.ToString(), facts["link"]!.ToString())
        );
        var task = Assert.Single(hub.Terraform.Tasks);
        await hub.Hub.Minutes(40);
        Assert.Equal("running", task.Status);
        Assert.All(task.Told, told => Assert.Equal("running", told.Status));
        Assert.Contains(
            $"https://approvals.example.com/requests/{request.Id}",
            task.Told[0].Message,
            StringComparison.Ordinal
        );
        Assert.InRange(task.Told.Count, 8, 12);

        await hub.Hub.Approve(request);
        Assert.Equal("passed", task.Status);
        Assert.NotNull((await hub.Hub.Hub.Find(request.Id)).AppliedAt);
        Assert.False(await hub.Hub.KeepsReply(request));
        var told = task.Told.Count;
        await hub.Hub.Minutes(15);
        Assert.Equal(told, task.Told.Count);
    }

    [Theory, BothEngines]
    public async Task Before_Terraform_gives_up_the_request_is_closed_and_told_as_failed(Engine engine)
    {
        await using var hub = await Start(engine);
        var request = await hub.Ask();
        await hub.Hub.Minutes(56);
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(request));
        await hub.Hub.Minutes(2);
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(request));
        var (status, message) = hub.Terraform.Tasks[0].Told[^1];
        Assert.Equal("failed", status);
        Assert.Contains("Start the run again", message, StringComparison.Ordinal);

        // Servers from before June 2025 wait for ten minutes.
        await hub.Hub.Set(("maxMinutes", "10"));
        hub.Terraform.MaxWait = TimeSpan.FromMinutes(10);
        var old = await hub.Ask();
        await hub.Hub.Minutes(8);
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(old));
        await hub.Hub.Minutes(2);
        Assert.Equal("failed", hub.Terraform.Tasks[1].Status);
    }

    [Theory, BothEngines]
    public async Task A_run_that_is_cancelled_withdraws_its_request(Engine engine)
    {
        await using var hub = await Start(engine);
        var request = await hub.Ask();
        FakeTerraform.Cancel(hub.Terraform.Tasks[0]);
        await hub.Hub.Minutes(5);
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(request));
        Assert.Equal("gone", await hub.Hub.StateOf(request));
        Assert.False(await hub.Hub.KeepsReply(request));
        // Approved here and cancelled there: on record as not applied, with an alarm.
        var late = await hub.Ask();
        FakeTerraform.Cancel(hub.Terraform.Tasks[1]);
        await hub.Hub.Approve(late);
        Assert.Null((await hub.Hub.Hub.Find(late.Id)).AppliedAt);
        Assert.Equal("gone", await hub.Hub.AlarmOf(late));
    }

    [Fact]
    public async Task A_hub_that_was_away_for_too_long_finds_its_task_ended()
    {
        await using var hub = await Start(Engine.Sqlite);
        var request = await hub.Ask();
        await hub.Hub.After(TimeSpan.FromMinutes(11));
        Assert.Equal("errored", hub.Terraform.Tasks[0].Status);
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(request));
    }

    [Fact]
    public async Task A_heartbeat_that_fails_is_made_again_in_time()
    {
        await using var hub = await Start(Engine.Sqlite);
        var request = await hub.Ask();
        await hub.Hub.Minutes(1);
        foreach (var refusal in new[] { 503, 429 })
            hub.Terraform.Refusals.Enqueue(refusal);
        hub.Terraform.ShowsPages = 1;
        await hub.Hub.Minutes(12);
        Assert.Equal("running", hub.Terraform.Tasks[0].Status);
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(request));
        // A page to sign in is no answer to the verdict either.
        await hub.Hub.ApproveQuietly(request);
        hub.Terraform.ShowsPages = 1;
        await hub.Hub.Work();
        Assert.Equal(("open", "undelivered"), (await hub.Hub.StateOf(request), await hub.Hub.AlarmOf(request)));
        await hub.Hub.Minutes(16);
        Assert.Equal(("delivered", "passed"), (await hub.Hub.StateOf(request), hub.Terraform.Tasks[0].Status));
    }

    [Fact]
    public void Trap_1_and_2_only_SHA_512_over_the_bytes_with_our_key_is_genuine()
    {
        var body = Encoding.UTF8.GetBytes("""{"payload_version":1,"stage":"test","access_token":"test-token"}""");
        const string vector =
            "33f7233ebdb57a46612349708468400583e1f1f4451358a82ae010fdd2315d27"
            + "4a03d39d21d7b1e573d1e34cb7bb7d0bf7b34106c3a006106be0e9c0f1dbe632";
        Assert.True(IsGenuine(body, vector));
        Assert.True(
            Gate.IsGenuine(Call(body, vector), Settings(("hmacKey", "another"), ("old.hmacKey", FakeTerraform.Key)))
        );
        var key = Encoding.UTF8.GetBytes(FakeTerraform.Key);
        foreach (
            var wrong in new[]
            {
                "",
                Convert.ToHexStringLower(HMACSHA256.HashData(key, body)),
                "sha512=" + vector,
                vector[..^2],
                vector[..^1] + "0",
                FakeTerraform.Sign(body, "another key"),
            }
        )
        {
            Assert.False(IsGenuine(body, wrong));
        }
        Assert.False(IsGenuine([.. body, (byte)' '], vector));
        // Signed with nothing, where nothing is set.
        Assert.False(Gate.IsGenuine(Call(body, FakeTerraform.Sign(body, "")), Settings(("hmacKey", ""))));
    }

    [Fact]
    public async Task Fail_open_a_source_without_a_key_takes_no_call()
    {
        await using var hub = await GateHub.Start(Engine.Sqlite, SourceKinds.Terraform);
        Assert.Equal(403, (await hub.Call("{}"u8.ToArray(), Headers("{}"u8.ToArray(), ""))).Status);
        Assert.Empty(await hub.Requests());
    }

    [Fact]
    public async Task Trap_3_the_test_call_turns_the_source_green_and_asks_nothing()
    {
        await using var hub = await Start(Engine.Sqlite);
        var test = hub.Terraform.Ask(stage: "test", change: b => b["access_token"] = "test-token");
        Assert.Equal(401, (await hub.Hub.Call(test, Headers(test, "another key"))).Status);
        Assert.Equal("signature", (await hub.Hub.View()).Refused);
        Assert.Equal(200, (await hub.Hub.Call(test, Headers(test))).Status);
        Assert.NotNull((await hub.Hub.View()).HeardAt);
        Assert.Empty(await hub.Hub.Requests());
    }

    [Fact]
    public void Trap_4_and_5_what_old_clients_misspell_or_leave_out_is_not_needed()
    {
        var ask = Read(b =>
        {
            b.Remove("capabilities");
            b["capabilitites"] = new JsonObject();
            b.Remove("configuration_version_id");
            b["vcs_commit_url"] = null;
            b["stage"] = "post_apply";
        });
        // The stage is taken as it is said, and nothing can be held back after the apply.
        Assert.False(ask.Waits);
        Assert.Equal("Applied to acme/shop-prod", ask.Subject);
    }

    [Fact]
    public async Task Fail_open_Trap_6_advice_is_shown_as_advice()
    {
        await using var hub = await Start(Engine.Sqlite);
        var request = await hub.Ask(b => b["task_result_enforcement_level"] = "advisory");
        Assert.Equal("not_waiting", await hub.Hub.AlarmOf(request));
        Assert.Contains(
            "goes on whatever is decided",
            (await hub.Hub.FactsOf(request))["enforcement"]!.ToString(),
            StringComparison.Ordinal
        );
        // A level that isn't known is no promise to wait.
        Assert.False(Read(b => b["task_result_enforcement_level"] = null).Waits);
    }

    [Fact]
    public void Trap_7_a_speculative_plan_is_called_that()
    {
        var ask = Read(b => b["is_speculative"] = true);
        Assert.Equal("Speculative plan of acme/shop-prod", ask.Subject);
        Assert.Contains("can't be applied", ask.Facts, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trap_8_two_tasks_of_one_run_are_two_requests_and_a_call_that_is_repeated_is_one()
    {
        await using var hub = await Start(Engine.Sqlite);
        var (first, second) = (hub.Terraform.Ask(stage: "post_plan"), hub.Terraform.Ask(stage: "pre_apply"));
        foreach (var body in new[] { first, second, first })
            Assert.Equal(200, (await hub.Hub.Call(body, Headers(body))).Status);
        var requests = await hub.Hub.Requests();
        Assert.Equal(2, requests.Count);
        await hub.Hub.Approve(requests[0]);
        Assert.Equal("passed", hub.Terraform.Tasks[0].Status);
        Assert.NotEqual("passed", hub.Terraform.Tasks[1].Status);
    }

    [Fact]
    public async Task Trap_9_and_13_a_verdict_is_sent_until_it_is_taken_and_a_lost_answer_is_no_second_verdict()
    {
        await using var hub = await Start(Engine.Sqlite);
        var request = await hub.Ask();
        await hub.Hub.ApproveQuietly(request);
        foreach (var refusal in new[] { 500, 429 })
            hub.Terraform.Refusals.Enqueue(refusal);
        await hub.Hub.Minutes(3);
        Assert.Equal("passed", hub.Terraform.Tasks[0].Status);
        Assert.Equal("delivered", await hub.Hub.StateOf(request));

        var lost = await hub.Ask();
        await hub.Hub.ApproveQuietly(lost);
        hub.Terraform.LosesAnswers = 1;
        await hub.Hub.Minutes(2);
        Assert.Equal("delivered", await hub.Hub.StateOf(lost));
        Assert.Single(hub.Terraform.Tasks[1].Told, t => t.Status == "passed");
    }

    [Fact]
    public void Trap_10_nothing_is_sent_to_another_host()
    {
        foreach (
            var callback in new[]
            {
                "https://evil.example/api/v2/task-results/t/callback",
                "http://app.terraform.io/api/v2/task-results/t/callback",
                "https://app.terraform.io.evil.example/callback",
                "https://user@app.terraform.io/callback",
                "https://app.terraform.io:444/callback",
                "/api/v2/task-results/t/callback",
                "",
            }
        )
        {
            var refused = Assert.IsType<GateMessage.Refused>(Parse(b => b["task_result_callback_url"] = callback));
            Assert.Contains("isn't at https://app.terraform.io", refused.Why, StringComparison.Ordinal);
        }
        // What isn't asked in full isn't asked.
        Assert.IsType<GateMessage.Refused>(Parse(b => b.Remove("task_result_id")));
        Assert.IsType<GateMessage.Refused>(Parse(b => b["access_token"] = ""));
        Assert.IsType<GateMessage.Refused>(Gate.Parse(new GateCall(_ => "", "[]"u8.ToArray()), Settings()));
    }

    [Fact]
    public void Trap_11_12_and_14_the_callback_is_JSON_API_with_the_calls_own_token_and_a_short_text()
    {
        const string url = "https://app.terraform.io/api/v2/task-results/t/callback?url_code=c%2Fode";
        var ask = Read(b => b["task_result_callback_url"] = url);
        var call = Gate.Verdict(
            Settings(),
            ask.Reply,
            new GateVerdict("r", true, new string('x', 900), "https://hub/r")
        );
        Assert.Equal(
            (url, "application/vnd.api+json", "PATCH", ("Authorization", "Bearer token-of-taskrs-1")),
            (call.Url.AbsoluteUri, call.ContentType, call.Method.Method, Assert.Single(call.Headers))
        );
        var attributes = JsonNode.Parse(call.Json!)!["data"]!["attributes"]!;
        Assert.Equal(
            ("passed", 200, "https://hub/r"),
            (attributes["status"]!.ToString(), attributes["message"]!.ToString().Length, attributes["url"]!.ToString())
        );
    }

    [Fact]
    public async Task Who_started_the_run_is_a_claim_that_bars_and_proves_nothing()
    {
        await using var hub = await Start(Engine.Sqlite);
        await hub.Hub.AddAlias(hub.Hub.Jane, "jdoe");
        var request = await hub.Ask();
        Assert.Equal(Certainty.Claimed, request.Certainty);
        Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Hub.Approve(request, hub.Hub.Jane));
        Assert.Equal(Certainty.None, (await hub.Ask(b => b["run_created_by"] = null)).Certainty);
    }

    private static GateCall Call(byte[] body, string signature) =>
        new(name => name == "X-TFC-Task-Signature" ? signature : "", body);

    private static bool IsGenuine(byte[] body, string signature) => Gate.IsGenuine(Call(body, signature), Settings());

    private static GateSettings Settings(params (string Name, string Value)[] others) =>
        new(
            1,
            new[] { ("server", "https://app.terraform.io"), ("hmacKey", FakeTerraform.Key), ("maxMinutes", "58") }
                .Concat(others)
                .GroupBy(v => v.Item1)
                .ToDictionary(g => g.Key, g => g.Last().Item2)
        );

    private static GateMessage Parse(Action<JsonObject> change)
    {
        var body = (JsonObject)
            JsonNode.Parse(
                """
                {"stage":"pre_apply","access_token":"token-of-taskrs-1","task_result_id":"taskrs-1",
                "organization_name":"acme","workspace_name":"shop-prod","task_result_enforcement_level":"mandatory",
                "task_result_callback_url":"https://app.terraform.io/api/v2/task-results/taskrs-1/callback"}
                """
            )!;
        change(body);
        return Gate.Parse(new GateCall(_ => "", Encoding.UTF8.GetBytes(body.ToJsonString())), Settings());
    }

    private static GateAsk Read(Action<JsonObject> change) => Assert.IsType<GateMessage.Asked>(Parse(change)).Ask;

    private static Dictionary<string, string> Headers(byte[] body, string key = FakeTerraform.Key) =>
        new() { ["X-TFC-Task-Signature"] = FakeTerraform.Sign(body, key) };

    private static async Task<TerraformHub> Start(Engine engine, bool overHttp = false)
    {
        var hub = await GateHub.Start(engine, SourceKinds.Terraform, overHttp: overHttp);
        var terraform = await FakeTerraform.Start(hub.Hub.Clock);
        await hub.Set(("server", terraform.Address), ("hmacKey", FakeTerraform.Key));
        return new TerraformHub(hub, terraform);
    }

    private sealed record TerraformHub(GateHub Hub, FakeTerraform Terraform) : IAsyncDisposable
    {
        public async Task<ApprovalRequest> Ask(Action<JsonObject>? change = null)
        {
            var body = Terraform.Ask(change: change);
            Assert.Equal(200, (await Hub.Call(body, Headers(body))).Status);
            return await Hub.Last();
        }

        public async ValueTask DisposeAsync()
        {
            await Terraform.DisposeAsync();
            await Hub.DisposeAsync();
        }
    }
}
