using System.Text;
using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Gates.GitHub;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Simulator.GitHub;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>Where other rules for GitHub went wrong, one by one.</summary>
public sealed class GitHubTrapTests
{
    private const string Secret = FakeGitHub.Secret;

    private static readonly GitHubGate Gate = new();

    private static GateSettings Settings(
        string server = GitHubAddresses.DefaultServer,
        params (string, string)[] more
    ) => new(1, more.Append((GitHubGate.Server, server)).ToDictionary(v => v.Item1, v => v.Item2));

    private static bool IsGenuine(string body, string signature, params (string, string)[] secrets) =>
        Gate.IsGenuine(
            new GateCall(name => name == "X-Hub-Signature-256" ? signature : "", Encoding.UTF8.GetBytes(body)),
            Settings(more: secrets)
        );

    [Theory]
    [InlineData("Hello, World!", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")]
    [InlineData(
        """{"action":"requested","repository":{"id":4711},"sender":{"id":99}}""",
        "1a694be2f3523917140d9e830c6b0f8ad9956b86dafdb6343d713fd9a9924615"
    )]
    public void Published_signatures_are_genuine_and_anything_else_is_not(string body, string hex)
    {
        var secret = (GitHubGate.WebhookSecret, Secret);
        Assert.True(IsGenuine(body, "sha256=" + hex, secret));
        foreach (
            var wrong in new[]
            {
                "",
                hex,
                "sha256=",
                "sha1=" + hex,
                "sha256=" + hex[..^1],
                "sha256=" + hex + "0",
                "sha256=" + hex[..^2] + "zz",
                "sha256=" + new string('0', 64),
                "SHA256=" + hex,
            }
        )
        {
            Assert.False(IsGenuine(body, wrong, secret), wrong);
        }
        Assert.False(IsGenuine(body + " ", "sha256=" + hex, secret));
    }

    [Theory, BothEngines]
    public async Task Trap_1_without_a_secret_no_call_is_taken_however_it_is_signed(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine, isSetUp: false);
        var body = "{}"u8.ToArray();
        foreach (var secret in new[] { "", Secret })
            Assert.Equal(403, await hub.Deliver(hub.GitHub.New("ping", body, secret)));
        // The rest is set, the secret isn't.
        await hub.Set(
            (GitHubGate.AppId, "1"),
            (GitHubGate.PrivateKey, FakeGitHub.PrivateKey),
            (GitHubGate.WebhookSecret, "")
        );
        foreach (var secret in new[] { "", Secret })
            Assert.Equal(403, await hub.Deliver(hub.GitHub.New("ping", body, secret)));
        Assert.Contains(GitHubGate.WebhookSecret, (await hub.View()).Missing);
        // And an empty secret is none for the function itself.
        Assert.False(IsGenuine("{}", FakeGitHub.Sign(body, ""), (GitHubGate.WebhookSecret, "")));
        Assert.Empty(await hub.Requests());
    }

    [Fact]
    public async Task Trap_2_the_signature_is_over_the_bytes_as_they_came()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        hub.GitHub.Hook = null;
        var delivery = await hub.GitHub.Want(hub.GitHub.AddRun(), "production");
        var odd = Encoding.UTF8.GetBytes(
            Encoding
                .UTF8.GetString(delivery.Body)
                .Replace("octo-jane", "octo\\u00e9", StringComparison.Ordinal)
                .Replace("\":", "\" :\n\t ", StringComparison.Ordinal)
        );
        Assert.Equal(202, await hub.Deliver(hub.GitHub.New(delivery.Kind, odd)));
        Assert.Single(await hub.Requests());
        // The same, said in other bytes, has another signature.
        var compact = Encoding.UTF8.GetBytes(JsonNode.Parse(odd)!.ToJsonString());
        var headers = hub.GitHub.New(delivery.Kind, odd).Headers;
        Assert.Equal(401, await hub.Deliver(headers, compact));
    }

    [Theory]
    [InlineData(
        "https://github.com",
        "https://api.github.com/repos/acme/shop/actions/runs/7/deployment_protection_rule",
        true
    )]
    [InlineData(
        "https://acme.ghe.com",
        "https://api.acme.ghe.com/repos/a/b/actions/runs/7/deployment_protection_rule",
        true
    )]
    [InlineData(
        "https://ghe.test",
        "https://ghe.test/api/v3/repos/a/b/actions/runs/7/deployment_protection_rule",
        true
    )]
    [InlineData(
        "https://github.com",
        "https://evil.test/repos/acme/shop/actions/runs/7/deployment_protection_rule",
        false
    )]
    [InlineData(
        "https://github.com",
        "http://api.github.com/repos/acme/shop/actions/runs/7/deployment_protection_rule",
        false
    )]
    [InlineData(
        "https://github.com",
        "https://api.github.com.evil.test/repos/a/b/actions/runs/7/deployment_protection_rule",
        false
    )]
    [InlineData(
        "https://github.com",
        "https://api.github.com@evil.test/repos/a/b/actions/runs/7/deployment_protection_rule",
        false
    )]
    [InlineData(
        "https://github.com",
        "https://api.github.com:444/repos/a/b/actions/runs/7/deployment_protection_rule",
        false
    )]
    [InlineData(
        "https://github.com",
        "https://api.github.com/repos/a/../../user/actions/runs/7/deployment_protection_rule",
        false
    )]
    [InlineData(
        "https://github.com",
        "https://api.github.com/repos/a/b/actions/runs/7/deployment_protection_rule?x=1",
        false
    )]
    [InlineData(
        "https://github.com",
        "https://api.github.com/repos/../b/actions/runs/7/deployment_protection_rule",
        false
    )]
    [InlineData(
        "https://github.com",
        "https://api.github.com/repos/a/b/actions/runs/x/deployment_protection_rule",
        false
    )]
    [InlineData("https://ghe.test", "https://ghe.test/repos/a/b/actions/runs/7/deployment_protection_rule", false)]
    [InlineData("https://github.com", "", false)]
    public void Trap_3_the_callback_is_at_the_configured_host_and_has_its_form(
        string server,
        string callback,
        bool isGood
    ) => Assert.Equal(isGood ? "7" : null, DeploymentEvent.RunOf(callback, server));

    [Fact]
    public async Task Trap_3_a_callback_elsewhere_is_refused_shown_and_never_called()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        hub.GitHub.Traps.CallbackHost = "http://127.0.0.1:9";
        var delivery = await hub.GitHub.Want(hub.GitHub.AddRun(), "production");
        Assert.Equal(422, delivery.Status);
        Assert.Equal(422, await hub.Deliver(delivery));
        Assert.Empty(await hub.Requests());
        // Kept once for the admin, and not asked for again and again.
        Assert.Equal(1, await hub.Place.Count("rejected_bodies"));
        await hub.After(TimeSpan.FromMinutes(6));
        Assert.DoesNotContain(hub.GitHub.Calls, c => c.Path.EndsWith("/attempts", StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task Trap_4_a_verdict_that_is_not_taken_is_sent_again_and_told_to_the_admins_meanwhile(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        for (var i = 0; i < 8; i++)
            hub.GitHub.Traps.Refusals.Enqueue(503);
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.Approve(request);
        for (var i = 0; i < 6; i++)
            await hub.After(TimeSpan.FromMinutes(20));
        Assert.Equal("undelivered", await hub.AlarmOf(request));
        Assert.Single(await hub.Hub.Kinds(request.Id), "request.gate_undelivered");
        Assert.Contains("503", Assert.Single((await hub.View()).Alarms).Why, StringComparison.Ordinal);
        for (var i = 0; i < 6; i++)
            await hub.After(TimeSpan.FromHours(1));
        Assert.Equal(("delivered", null), (await hub.StateOf(request), await hub.AlarmOf(request)));
        Assert.Null((await hub.View()).Problem);
    }

    [Fact]
    public async Task Trap_5_no_token_is_a_failure_that_is_tried_again()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.Set((GitHubGate.AppId, "1"));
        await hub.Approve(request);
        Assert.Equal("open", await hub.StateOf(request));
        Assert.Contains("401", (await hub.View()).Problem, StringComparison.Ordinal);
        await hub.Set((GitHubGate.AppId, $"{FakeGitHub.AppId}"));
        await hub.After(TimeSpan.FromMinutes(10));
        Assert.Equal("delivered", await hub.StateOf(request));
    }

    [Theory, BothEngines]
    public async Task Trap_6_an_error_of_ours_is_never_a_verdict(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var request = await hub.Ask(hub.GitHub.AddRun());
        // The reply can't be read any more, as under another root key.
        await hub.Place.Tamper("UPDATE gate_replies SET reply = 'unreadable'");
        await hub.Approve(request);
        await hub.After(TimeSpan.FromHours(1));
        Assert.Empty(hub.Decided);
        Assert.Equal(("open", "undelivered"), (await hub.StateOf(request), await hub.AlarmOf(request)));
    }

    [Theory, BothEngines]
    public async Task Trap_7_a_second_attempt_does_not_overwrite_the_first(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var run = hub.GitHub.AddRun();
        var first = await hub.Ask(run);
        await hub.Hub.Reject(await hub.Hub.Find(first.Id), hub.Ada);
        await hub.Work();
        var second = await hub.Ask(run);
        Assert.Equal(
            (Status.Rejected, Status.Active),
            ((await hub.Hub.Find(first.Id)).Status, (await hub.Hub.Find(second.Id)).Status)
        );
        Assert.Equal(first.Digest, second.Digest);
    }

    [Fact]
    public async Task Trap_8_names_of_environments_match_in_any_case_and_are_echoed_as_they_came()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var run = hub.GitHub.AddRun();
        foreach (var environment in new[] { "Production", "eu / blue Ä", new string('x', 255) })
        {
            await hub.Approve(await hub.Ask(run, environment));
            Assert.Equal(environment, hub.GitHub.Verdicts[^1]["environment_name"]!.ToString());
        }
        Assert.Equal(["approved", "approved", "approved"], hub.Decided);
        // One environment in any case.
        await hub.GitHub.Want(run, "staging");
        await hub.GitHub.Want(run, "STAGING");
        Assert.Equal(4, (await hub.Requests()).Count);
    }

    [Fact]
    public async Task Trap_9_who_asks_is_known_by_the_number_of_the_account_and_not_by_the_login()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var renamed = hub.GitHub.AddRun();
        renamed.Actor = "somebody-new";
        var request = await hub.Ask(renamed);
        Assert.Equal((hub.Jane.Id, Certainty.Proven), (request.RequesterId, request.Certainty));
        // The login in another account's hands is no proof of who she is; people who are called like it are barred.
        var reused = hub.GitHub.AddRun();
        (reused.Actor, reused.ActorId) = ("Ada", 100);
        var claimed = await hub.Ask(reused);
        Assert.NotEqual(Certainty.Proven, claimed.Certainty);
        Assert.Contains(hub.Ada.Id, claimed.Barred);
    }

    [Fact]
    public async Task Trap_10_neither_the_callback_address_nor_a_token_is_kept_in_clear_or_told_to_anyone()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        hub.GitHub.Traps.HasLongTokens = true;
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.After(TimeSpan.FromSeconds(5));
        await hub.Approve(request);
        Assert.Equal("delivered", await hub.StateOf(request));
        var all = await hub.Place.Everything(
            "gates",
            "gate_asks",
            "gate_replies",
            "gate_calls",
            "revisions",
            "events",
            "requests"
        );
        foreach (
            var hidden in new[] { "deployment_protection_rule\"", "/actions/runs/" + "0", "ghs_", "BEGIN RSA", Secret }
        )
        {
            Assert.DoesNotContain(hidden, all, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("deployment_protection_rule", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trap_11_notes_stay_within_their_budget()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var people = await hub.Hub.AddPeople([.. Enumerable.Range(1, 14).Select(i => $"P{i}")]);
        var group = await hub.Hub.AddGroup("All", [.. people]);
        Some.Done(
            await hub.Hub.Sources.Set(
                GitHubHub.Source,
                new People.SourceReviewers(group.Name, 14, null, false),
                Some.Operator,
                default
            )
        );
        await hub.Noticed();
        var request = await hub.Ask(hub.GitHub.AddRun());
        foreach (var person in people)
        {
            await hub.After(TimeSpan.FromSeconds(5));
            await hub.Hub.Approve(await hub.Hub.Find(request.Id), person);
            await hub.Work();
        }
        Assert.Equal(["approved"], hub.Decided);
        Assert.Equal(9, hub.Told.Count(t => t == "note"));
        Assert.All(hub.GitHub.Verdicts, v => Assert.InRange(v["comment"]!.ToString().Length, 1, 1_024));
    }

    [Fact]
    public void Trap_12_each_server_has_its_own_API()
    {
        Assert.Equal("https://api.github.com/", GitHubAddresses.Api("https://github.com").ToString());
        Assert.Equal("https://api.acme.ghe.com/", GitHubAddresses.Api("https://acme.ghe.com").ToString());
        Assert.Equal("https://git.acme.test/api/v3", GitHubAddresses.Api("https://git.acme.test").ToString());
        foreach (
            var wrong in new[]
            {
                "github.com",
                "http://github.com",
                "https://u:p@ghe.test",
                "https://ghe.test/api/v3",
                "ftp://x",
            }
        )
        {
            Assert.NotNull(Gate.ProblemWith(GitHubGate.Server, wrong));
        }
    }

    [Fact]
    public async Task Trap_13_another_rule_may_still_refuse_so_delivered_says_only_what_GitHub_took()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var run = hub.GitHub.AddRun();
        var request = await hub.Ask(run);
        await hub.Approve(request);
        // Another rule refused, and the run ended: nothing changes about what was decided and delivered here.
        hub.GitHub.End(run, "completed", "failure");
        await hub.After(TimeSpan.FromHours(1));
        Assert.Equal(Status.Approved, (await hub.Hub.Find(request.Id)).Status);
        Assert.Null(await hub.AlarmOf(request));
    }

    [Fact]
    public async Task Trap_14_nothing_is_called_before_the_call_is_answered()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        await hub.GitHub.Want(hub.GitHub.AddRun(), "production");
        Assert.Single(await hub.Requests());
        Assert.Empty(hub.GitHub.Calls);
    }

    [Theory, BothEngines]
    public async Task Trap_15_during_a_rotation_both_secrets_are_taken_until_the_old_one_is_ended(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        await hub.Set((GitHubGate.WebhookSecret, "the next secret"));
        foreach (var secret in new[] { Secret, "the next secret" })
            Assert.Equal(200, await hub.Deliver(hub.GitHub.New("ping", "{}"u8.ToArray(), secret)));
        Assert.Equal([GitHubGate.WebhookSecret], (await hub.View()).OldSecrets);
        Some.Done(await hub.Sources.EndOldSecrets(hub.Key.Id, "github", Some.Operator, default));
        await hub.Noticed();
        Assert.Equal(401, await hub.Deliver(hub.GitHub.New("ping", "{}"u8.ToArray())));
        var view = await hub.View();
        Assert.Equal((0, GateRefusals.Signature), (view.OldSecrets.Count, view.Refused));
        // The next genuine call says that it is well again.
        Assert.Equal(200, await hub.Deliver(hub.GitHub.New("ping", "{}"u8.ToArray(), "the next secret")));
        Assert.Null((await hub.View()).Refused);
    }

    [Fact]
    public async Task Fail_open_a_policy_for_production_holds_for_Production_too()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        await hub.Publish(
            """
            version: 1
            policies:
              - name: production
                when: { environment: [production] }
                steps: [{ name: sre, need: 2, from: { groups: [SRE] } }]
            """,
            "SRE"
        );
        foreach (var environment in new[] { "production", "Production", "PRODUCTION" })
            Assert.Equal("production", (await hub.Ask(hub.GitHub.AddRun(), environment)).Policy.Name);
    }

    [Fact]
    public async Task Fail_open_what_comes_unsigned_old_foreign_or_broken_lets_nothing_through()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        hub.GitHub.Hook = null;
        var delivery = await hub.GitHub.Want(hub.GitHub.AddRun(), "production");
        foreach (var (change, status) in Broken())
        {
            var body = JsonNode.Parse(delivery.Body)!.AsObject();
            change(body);
            var sent = await hub.Deliver(hub.GitHub.New(delivery.Kind, Encoding.UTF8.GetBytes(body.ToJsonString())));
            Assert.Equal((body.ToJsonString(), status), (body.ToJsonString(), sent));
        }
        foreach (var text in new[] { "", "null", "[]", "{", "{\"action\":1,\"action\":2}", "\"approved\"", "\0" })
            Assert.InRange(await hub.Deliver(hub.GitHub.New(delivery.Kind, Encoding.UTF8.GetBytes(text))), 202, 422);
        Assert.Empty(await hub.Requests());
        Assert.Empty(hub.GitHub.Calls);
    }

    private static IEnumerable<(Action<JsonObject> Change, int Status)> Broken() =>
        [
            (b => b.Remove("installation"), 422),
            (b => b.Remove("deployment"), 422),
            (b => b.Remove("deployment_callback_url"), 422),
            (b => b["environment"] = "", 422),
            (b => b["environment"] = new string('x', 256), 422),
            (b => b["repository"] = "acme/shop", 422),
            (b => b["deployment"]!["id"] = "880001", 422),
            (
                b =>
                    b["deployment_callback_url"] =
                        "https://api.github.com/repos/a/b/actions/runs/7/deployment_protection_rule",
                422
            ),
            (b => b["action"] = "approved", 202),
        ];

    [Fact]
    public async Task Fail_open_odd_but_whole_calls_ask_as_any_other()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        hub.GitHub.Traps.PayloadIsText = true;
        await hub.GitHub.Want(
            hub.GitHub.AddRun(),
            "production",
            body =>
            {
                body["deployment"]!["payload"] = new string('x', 5 * 1024 * 1024);
                body["pull_requests"] = "none";
                body.Remove("sender");
            }
        );
        Assert.Single(await hub.Requests());
    }

    [Fact]
    public async Task A_422_right_after_the_webhook_is_waited_out()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        hub.GitHub.Traps.NotReady = 2;
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.Approve(request);
        Assert.Equal("open", await hub.StateOf(request));
        for (var i = 0; i < 3; i++)
            await hub.After(TimeSpan.FromSeconds(15));
        Assert.Equal("delivered", await hub.StateOf(request));
    }

    [Theory, BothEngines]
    public async Task Fail_open_an_approval_that_was_not_delivered_never_lets_the_next_attempt_through(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        for (var i = 0; i < 3; i++)
            hub.GitHub.Traps.Refusals.Enqueue(503);
        var run = hub.GitHub.AddRun();
        var first = await hub.Ask(run);
        await hub.Approve(first);
        Assert.Equal("open", await hub.StateOf(first));
        var second = await hub.Ask(run);
        hub.GitHub.Traps.Refusals.Clear();
        var told = hub.Decided.Count;
        await hub.After(TimeSpan.FromHours(2));
        Assert.Equal(told, hub.Decided.Count);
        Assert.Equal(("gone", "open"), (await hub.StateOf(first), await hub.StateOf(second)));
        Assert.Null((await hub.Hub.Find(first.Id)).AppliedAt);
        await hub.Approve(second);
        Assert.Equal("delivered", await hub.StateOf(second));
    }

    [Theory, BothEngines]
    public async Task A_422_for_good_ends_as_what_the_run_says(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var cancelled = hub.GitHub.AddRun();
        var gone = await hub.Ask(cancelled);
        var bypassed = hub.GitHub.AddRun();
        var passed = await hub.Ask(bypassed);
        var refused = hub.GitHub.AddRun();
        var breach = await hub.Ask(refused);
        await hub.After(TimeSpan.FromMinutes(3));
        hub.GitHub.End(cancelled, "completed", "cancelled");
        hub.GitHub.End(bypassed, "in_progress");
        hub.GitHub.End(refused, "in_progress");
        await hub.Approve(gone);
        await hub.Approve(passed);
        await hub.Hub.Reject(await hub.Hub.Find(breach.Id), hub.Ada);
        await hub.Work();
        Assert.Equal(("gone", "gone"), (await hub.StateOf(gone), await hub.AlarmOf(gone)));
        Assert.Equal(("elsewhere", null), (await hub.StateOf(passed), await hub.AlarmOf(passed)));
        Assert.Equal(("passed", "passed"), (await hub.StateOf(breach), await hub.AlarmOf(breach)));
        Assert.NotNull((await hub.Hub.Find(breach.Id)).BreachedAt);
        Assert.Null((await hub.Hub.Find(gone.Id)).AppliedAt);
    }

    [Fact]
    public async Task A_token_that_ends_while_people_think_is_fetched_again()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.After(TimeSpan.FromSeconds(5));
        hub.GitHub.EndTokens();
        await hub.Approve(request);
        await hub.After(TimeSpan.FromSeconds(5));
        Assert.Equal("delivered", await hub.StateOf(request));
        // The first one, the one that reads commits, and the one after it was refused.
        Assert.Equal(3, hub.GitHub.Calls.Count(c => c.Path.EndsWith("/access_tokens", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_limit_of_calls_is_heeded()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        (hub.GitHub.Traps.RetryAfter, _) = (600, 0);
        hub.GitHub.Traps.Refusals.Enqueue(429);
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.Approve(request);
        await hub.After(TimeSpan.FromMinutes(9));
        Assert.Single(hub.Decided);
        await hub.After(TimeSpan.FromMinutes(2));
        Assert.Equal("delivered", await hub.StateOf(request));
    }

    [Fact]
    public async Task A_disabled_source_refuses_and_gets_what_it_missed_once_it_is_enabled()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        await hub.Hub.Sources.Disable(GitHubHub.Source, Some.Operator, default);
        await hub.Noticed();
        Assert.Equal(403, (await hub.GitHub.Want(hub.GitHub.AddRun(), "production")).Status);
        await hub.Hub.Sources.Enable(GitHubHub.Source, Some.Operator, default);
        await hub.Noticed();
        await hub.After(TimeSpan.FromMinutes(6));
        Assert.Single(await hub.Requests());
    }
}
