using System.Text;
using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Gates.GitLab;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Simulator.Gates;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>GitLab's external status checks and deployment approvals.</summary>
public sealed class GitLabTests
{
    private static readonly GitLabGate Gate = new();

    [Theory, BothEngines]
    public async Task Trap_2_a_merge_request_waits_without_a_word_until_it_is_approved(Engine engine)
    {
        await using var hub = await Start(engine, overHttp: engine == Engine.Sqlite);
        var merge = hub.GitLab.Add();
        var request = await hub.Ask(merge);
        Assert.Equal("Merge !42 into main: Raise the credit limit", request.Subject);
        var facts = await hub.Hub.FactsOf(request);
        Assert.Equal(
            (
                $"{hub.GitLab.Address}/acme/shop/-/merge_requests/42",
                "acme/shop",
                new string('a', 40),
                "Credit committee"
            ),
            (
                facts["link"]!.ToString(),
                facts["project"]!.ToString(),
                facts["commit"]!.ToString(),
                facts["check"]!.ToString()
            )
        );
        // Several things happen to it: one commit is one request.
        foreach (var action in new[] { "update", "approved", "unapproved", "update" })
            await hub.Ask(merge, action, 77, "reviewer");
        Assert.Single(await hub.Hub.Requests());
        await hub.Hub.Minutes(20);
        // Silent while people think, since pending would fail it after two minutes.
        Assert.Empty(hub.Answers);
        await hub.Hub.Approve(request);
        Assert.Equal("passed", merge.Checks[merge.Sha]);
        Assert.NotNull((await hub.Hub.Hub.Find(request.Id)).AppliedAt);
        Assert.Single(hub.Answers);

        // The button Retry there sets it to pending, which fails: asked again, it is told the verdict again.
        merge.Checks[merge.Sha] = "failed";
        await hub.Ask(merge, "update");
        await hub.Hub.Work();
        Assert.Equal("passed", merge.Checks[merge.Sha]);
        Assert.Single(await hub.Hub.Requests());
    }

    [Theory, BothEngines]
    public async Task Trap_3_a_newer_commit_takes_the_place_of_the_one_that_was_asked_about(Engine engine)
    {
        await using var hub = await Start(engine);
        var merge = hub.GitLab.Add();
        var first = await hub.Ask(merge);
        var old = merge.Sha;
        merge.Sha = new string('b', 40);
        var second = await hub.Ask(merge, "update");
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(first));
        await hub.Hub.Work();
        Assert.Empty(hub.Answers);

        // Pushed between the decision and its delivery, and the call about it was lost: 409 is no error.
        merge.Sha = new string('c', 40);
        await hub.Hub.Approve(second);
        Assert.Equal("gone", await hub.Hub.StateOf(second));
        Assert.Null((await hub.Hub.Hub.Find(second.Id)).AppliedAt);
        Assert.Empty(merge.Checks);

        // Pushed back to the first commit: asked anew, nothing is taken from before.
        merge.Sha = old;
        var again = await hub.Ask(merge, "update");
        Assert.NotEqual(first.Id, again.Id);
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(again));
        // The same commit into another branch is another question.
        merge.Target = "production";
        Assert.NotEqual(again.Id, (await hub.Ask(merge, "update")).Id);
    }

    [Theory, BothEngines]
    public async Task A_merge_request_that_is_closed_or_merged_is_not_waited_for(Engine engine)
    {
        await using var hub = await Start(engine);
        var merge = hub.GitLab.Add();
        var closed = await hub.Ask(merge);
        merge.State = "closed";
        await hub.Ask(merge, "close");
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(closed));
        merge.State = "opened";
        var reopened = await hub.Ask(merge, "reopen");
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(reopened));
        // Merged without us, and GitLab says so.
        merge.State = "merged";
        await hub.Ask(merge, "merge");
        Assert.Equal("passed", await hub.Hub.AlarmOf(reopened));
        Assert.NotNull((await hub.Hub.Hub.Find(reopened.Id)).BreachedAt);
        // Merged without us, and the call about it was lost.
        var silent = hub.GitLab.Add(43);
        var request = await hub.Ask(silent);
        silent.State = "merged";
        await hub.Hub.Minutes(16);
        Assert.Equal("passed", await hub.Hub.AlarmOf(request));
    }

    [Fact]
    public void Trap_1_and_4_the_signature_is_bare_hex_over_the_bytes_and_of_two_secrets_either_is_taken()
    {
        var body = Encoding.UTF8.GetBytes("""{"object_kind":"merge_request"}""");
        const string vector = "4882eb162e9e8193144cd893421bb9c7f2d6136984a7830b200aed4ef44fd56a";
        Assert.True(IsGenuine(body, "X-Gitlab-Signature", vector));
        Assert.False(IsGenuine(body, "X-Gitlab-Signature", "sha256=" + vector));
        Assert.False(IsGenuine(body, "X-Gitlab-Signature", ""));
        Assert.False(IsGenuine([.. body, (byte)'\n'], "X-Gitlab-Signature", vector));
        Assert.False(IsGenuine(body, "X-Gitlab-Token", FakeGitLab.Secret));
        // A check with a new secret is made beside the old one.
        var both = Settings(("secret", "a-newer-secret-than-that"), ("old.secret", FakeGitLab.Secret));
        Assert.True(Gate.IsGenuine(new GateCall(n => n == "X-Gitlab-Signature" ? vector : "", body), both));
    }

    [Fact]
    public void Fail_open_webhooks_are_proven_by_their_signing_secret_or_their_token()
    {
        // Published by the Standard Webhooks, and one of ours.
        foreach (
            var (secret, id, at, body, signature) in new[]
            {
                (
                    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                    "msg_p5jXN8AQM9LWM0D4loKWxJek",
                    "1614265330",
                    """{"test": 2432232314}""",
                    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
                ),
                (
                    FakeGitLab.HookSecret,
                    "msg_cs_0001",
                    "1790000000",
                    """{"object_kind":"deployment","status":"blocked"}""",
                    "v1,MMvU2p8vr5SFG6ltmmfmMIp/QrSDUu3OVlGaCXdRcVk="
                ),
            }
        )
        {
            bool Is(string given, string text) =>
                Gate.IsGenuine(
                    new GateCall(
                        name =>
                            name switch
                            {
                                "X-Gitlab-Event" => "Deployment Hook",
                                "webhook-id" => id,
                                "webhook-timestamp" => at,
                                "webhook-signature" => given,
                                _ => "",
                            },
                        Encoding.UTF8.GetBytes(text)
                    ),
                    Settings(("hookSecret", secret))
                );
            Assert.True(Is(signature, body));
            // While a secret is rotated, both signatures come.
            Assert.True(Is("v1,AAAA " + signature, body));
            Assert.False(Is(signature, body + " "));
            Assert.False(Is(signature["v1,".Length..], body));
            Assert.False(Is("", body));
        }
        Assert.True(HasToken("a-token-of-the-hook", "a-token-of-the-hook"));
        Assert.False(HasToken("a-token-of-the-hook", "another"));
        // Fail open: without a secret of the hook none is taken, and a status check's own is none.
        Assert.False(HasToken("", ""));
        Assert.False(HasToken("", FakeGitLab.Secret));

        static bool HasToken(string secret, string given) =>
            Gate.IsGenuine(
                new GateCall(
                    name =>
                        name switch
                        {
                            "X-Gitlab-Event" => "Deployment Hook",
                            "X-Gitlab-Token" => given,
                            _ => "",
                        },
                    "{}"u8.ToArray()
                ),
                Settings(("hookSecret", secret))
            );
    }

    [Fact]
    public async Task Fail_open_a_source_without_a_secret_takes_no_call()
    {
        await using var hub = await GateHub.Start(Engine.Sqlite, SourceKinds.GitLab);
        var body = "{}"u8.ToArray();
        foreach (var header in new[] { "X-Gitlab-Signature", "X-Gitlab-Token" })
            Assert.Equal(403, (await hub.Call(body, new Dictionary<string, string> { [header] = "" })).Status);
        Assert.Empty(await hub.Requests());
    }

    [Fact]
    public async Task Trap_5_and_9_two_checks_of_a_project_are_two_requests_and_an_approval_there_asks_nothing_new()
    {
        await using var hub = await Start(Engine.Sqlite);
        var merge = hub.GitLab.Add();
        await hub.Ask(merge);
        await hub.Ask(merge, "approved", 77, "reviewer");
        Assert.Single(await hub.Hub.Requests());
        var other = (JsonObject)JsonNode.Parse(hub.GitLab.Check(merge))!;
        other["external_approval_rule"]!["id"] = 6;
        await hub.Send(Encoding.UTF8.GetBytes(other.ToJsonString()));
        Assert.Equal(2, (await hub.Hub.Requests()).Count(r => r.Status == Status.Active));
    }

    [Fact]
    public async Task Trap_6_author_and_pusher_are_both_barred_by_their_numbers_on_this_server()
    {
        await using var hub = await Start(Engine.Sqlite);
        var host = new Uri(hub.GitLab.Address).Host;
        await hub.Hub.AddAlias(hub.Hub.Jane, $"gitlab:{host}:31");
        var merge = hub.GitLab.Add();
        var own = await hub.Ask(merge);
        Assert.Equal((hub.Hub.Jane.Id, Certainty.Proven), (own.RequesterId, own.Certainty));
        Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Hub.Approve(own, hub.Hub.Jane));

        await hub.Hub.AddAlias(hub.Hub.Ada, $"gitlab:{host}:32");
        var other = hub.GitLab.Add(43);
        var pushed = await hub.Ask(other, user: 32, username: "pusher");
        Assert.NotEqual(Certainty.Proven, pushed.Certainty);
        foreach (var person in new[] { hub.Hub.Jane, hub.Hub.Ada })
            Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Hub.Approve(pushed, person));

        // A bot has no one behind it.
        var third = hub.GitLab.Add(44);
        Assert.Equal(Certainty.None, (await hub.Ask(third, user: 900, username: "project_1207_bot_1")).Certainty);
    }

    [Fact]
    public async Task Fail_open_Trap_7_a_project_that_merges_whatever_is_decided_is_an_alarm()
    {
        await using var hub = await Start(Engine.Sqlite);
        hub.GitLab.MustSucceed = false;
        var request = await hub.Ask(hub.GitLab.Add());
        await hub.Hub.Minutes(1);
        Assert.Equal("not_waiting", await hub.Hub.AlarmOf(request));
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(request));
    }

    [Fact]
    public async Task Trap_8_a_token_that_has_ended_holds_the_verdict_and_is_said()
    {
        await using var hub = await Start(Engine.Sqlite);
        var merge = hub.GitLab.Add();
        var request = await hub.Ask(merge);
        await hub.Hub.Set(("token", "glpat-ended"));
        await hub.Hub.Approve(request);
        Assert.Equal("undelivered", await hub.Hub.AlarmOf(request));
        Assert.Empty(merge.Checks);
        await hub.Hub.Set(("token", FakeGitLab.Token));
        hub.GitLab.LosesAnswers = 1;
        await hub.Hub.Minutes(20);
        Assert.Equal("passed", merge.Checks[merge.Sha]);
        Assert.Null(await hub.Hub.AlarmOf(request));
        Assert.Equal("delivered", await hub.Hub.StateOf(request));
    }

    [Fact]
    public void Trap_10_and_11_the_token_goes_to_the_sources_server_for_the_project_that_is_targeted()
    {
        var ask = Assert
            .IsType<GateMessage.Asked>(
                StatusCheckCall.Read(
                    (JsonObject)
                        JsonNode.Parse(
                            """
                            {"object_kind":"merge_request","project":{"id":1207,"web_url":"https://evil.example"},
                            "object_attributes":{"iid":42,"source_project_id":99,"target_project_id":1207,
                            "url":"https://evil.example/mr","target_branch":"main","author_id":31,
                            "last_commit":{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
                            "external_approval_rule":{"id":5,"external_url":"https://evil.example"}}
                            """
                        )!,
                    Settings()
                )
            )
            .Ask;
        var call = Gate.Verdict(Settings(), ask.Reply, new GateVerdict("r", false, "Rejected", null));
        Assert.Equal(
            "https://gitlab.com/api/v4/projects/1207/merge_requests/42/status_check_responses",
            call.Url.AbsoluteUri
        );
        Assert.Equal("failed", JsonNode.Parse(call.Json!)!["status"]!.ToString());
        Assert.DoesNotContain("evil", ask.Facts, StringComparison.Ordinal);
        Assert.IsType<GateMessage.Refused>(
            StatusCheckCall.Read(
                (JsonObject)
                    JsonNode.Parse(
                        """
                        {"object_kind":"merge_request","project":{"id":1},"external_approval_rule":{"id":5},
                        "object_attributes":{"iid":42,"last_commit":{"id":"../x"}}}
                        """
                    )!,
                Settings()
            )
        );
    }

    [Theory, BothEngines]
    public async Task Trap_12_a_deployment_waits_where_an_approval_is_asked_for(Engine engine)
    {
        await using var hub = await Start(engine);
        await hub.Hub.Set(("hookSecret", FakeGitLab.HookSecret));
        Assert.Equal(202, await hub.Hook(FakeGitLab.Deployment("created")));
        Assert.Empty(await hub.Hub.Requests());
        Assert.Equal(202, await hub.Hook(FakeGitLab.Deployment()));
        Assert.Equal(202, await hub.Hook(FakeGitLab.Deployment()));
        var request = Assert.Single(await hub.Hub.Requests());
        Assert.Equal("Deploy main of acme/shop to production", request.Subject);
        hub.GitLab.LosesAnswers = 1;
        await hub.Hub.ApproveQuietly(request);
        await hub.Hub.Minutes(2);
        Assert.Contains($"/requests/{request.Id}", hub.GitLab.Approvals[0].Comment, StringComparison.Ordinal);
        Assert.All(hub.GitLab.Approvals, a => Assert.Equal("approved", a.Status));
        Assert.Equal("delivered", await hub.Hub.StateOf(request));
        // Without the switch, its job is left to people.
        Assert.Empty(hub.GitLab.Played);

        // Started without us.
        (hub.GitLab.DeploymentStatus, hub.GitLab.PendingApprovals) = ("blocked", 1);
        await hub.Hook(FakeGitLab.Deployment(id: 7003));
        await hub.Hook(FakeGitLab.Deployment("running", 7003));
        Assert.Equal("passed", await hub.Hub.AlarmOf(await hub.Hub.Last()));
    }

    [Fact]
    public async Task Trap_12_a_deployment_that_waits_for_no_approval_is_nothing_to_decide()
    {
        await using var hub = await Start(Engine.Sqlite);
        await hub.Hub.Set(("hookSecret", FakeGitLab.HookSecret), ("environments", "1207/production"));
        await hub.Hub.Recovers();
        hub.GitLab.PendingApprovals = 0;
        await hub.Hook(FakeGitLab.Deployment());
        var byHand = await hub.Hub.Last();
        await hub.Hub.Minutes(1);
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(byHand));
        // Found in the list, it isn't asked about in the first place.
        hub.GitLab.Blocked.Add(7002);
        await hub.Hub.Minutes(6);
        Assert.Single(await hub.Hub.Requests());
    }

    [Theory, BothEngines]
    public async Task A_deployment_that_GitLab_tells_nothing_of_is_found_in_its_list(Engine engine)
    {
        await using var hub = await Start(engine);
        await hub.Hub.Set(("environments", "1207/production, 1300/eu/west"), ("startJob", "yes"));
        await hub.Hub.Recovers();
        hub.GitLab.Blocked.Add(7001);
        await hub.Hub.Minutes(6);
        var request = Assert.Single(await hub.Hub.Requests());
        Assert.Equal("Deploy main of project 1207 to production", request.Subject);
        var facts = await hub.Hub.FactsOf(request);
        Assert.Equal(
            ($"{hub.GitLab.Address}/acme/shop/-/jobs/9001", "aaaaaaaa"),
            (facts["link"]!.ToString(), facts["commit"]!.ToString())
        );
        Assert.Contains(hub.GitLab.Calls, c => c.Path.Contains("environment=eu%2Fwest", StringComparison.Ordinal));
        // The webhook, where there is one, tells of the same.
        await hub.Hub.Minutes(11);
        await hub.Hub.Set(("hookSecret", FakeGitLab.HookSecret));
        await hub.Hook(FakeGitLab.Deployment());
        Assert.Single(await hub.Hub.Requests());
        await hub.Hub.Approve(request);
        Assert.Equal(("approved", 9001L), (hub.GitLab.Approvals[0].Status, Assert.Single(hub.GitLab.Played)));

        foreach (var wrong in new[] { "production", "x/production", "1207/", "1207/a,b" })
            Assert.NotNull(Gate.ProblemWith("environments", wrong));
        Assert.NotNull(((IGate)Gate).ProblemWith(Gate.Fields.Single(f => f.Name == "startJob"), "true"));
    }

    [Theory, BothEngines]
    public async Task The_job_is_started_once_all_have_approved_and_only_where_the_source_says_so(Engine engine)
    {
        await using var hub = await Start(engine);
        await hub.Hub.Set(("hookSecret", FakeGitLab.HookSecret), ("startJob", "yes"));
        hub.GitLab.PendingApprovals = 2;
        await hub.Hook(FakeGitLab.Deployment());
        var request = await hub.Hub.Last();
        await hub.Hub.Approve(request);
        Assert.Equal("approved", Assert.Single(hub.GitLab.Approvals).Status);
        // Another approver is still missing, which is neither an error nor the end.
        await hub.Hub.Minutes(20);
        Assert.Empty(hub.GitLab.Played);
        Assert.Equal(("open", null), (await hub.Hub.StateOf(request), await hub.Hub.AlarmOf(request)));
        // GitLab has taken the approval, and takes it back for no one.
        Assert.NotNull((await hub.Hub.Hub.Find(request.Id)).AppliedAt);
        Assert.IsType<WithdrawOutcome.AlreadySettled>(
            await hub.Hub.Hub.Withdraw.Run(request.Id, Some.Viewer(hub.Hub.Ada), "Not today", default)
        );
        // They have; but the token's user may not start jobs.
        (hub.GitLab.PendingApprovals, hub.GitLab.MayPlay) = (0, false);
        await hub.Hub.Minutes(6);
        Assert.Equal("undelivered", await hub.Hub.AlarmOf(request));
        Assert.Contains(
            "start the job (403)",
            Assert.Single((await hub.Hub.View()).Alarms).Why,
            StringComparison.Ordinal
        );
        hub.GitLab.MayPlay = true;
        await hub.Hub.Minutes(16);
        Assert.Equal(9001, Assert.Single(hub.GitLab.Played));
        Assert.Equal(("delivered", null), (await hub.Hub.StateOf(request), await hub.Hub.AlarmOf(request)));
        Assert.NotNull((await hub.Hub.Hub.Find(request.Id)).AppliedAt);
        Assert.Single(hub.GitLab.Approvals);

        // A rejection starts nothing.
        (hub.GitLab.DeploymentStatus, hub.GitLab.PendingApprovals) = ("blocked", 1);
        await hub.Hook(FakeGitLab.Deployment(id: 7002));
        await hub.Hub.Reject(await hub.Hub.Last());
        Assert.Single(hub.GitLab.Played);
    }

    [Theory, BothEngines]
    public async Task Fail_open_another_target_branch_takes_back_at_once_what_was_passed_for_the_first(Engine engine)
    {
        await using var hub = await Start(engine);
        var merge = hub.GitLab.Add();
        var first = await hub.Ask(merge);
        await hub.Hub.Approve(first);
        Assert.Equal("passed", merge.Checks[merge.Sha]);
        merge.Target = "production";
        var second = await hub.Ask(merge, "update");
        await hub.Hub.Work();
        Assert.Equal("failed", merge.Checks[merge.Sha]);
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(second));
        // A pass that comes meanwhile, such as an answer that was on its way, is taken back as well.
        merge.Checks[merge.Sha] = "passed";
        await hub.Hub.Minutes(16);
        Assert.Equal("failed", merge.Checks[merge.Sha]);

        // Back into the first branch: its approval counts again, and the second is not waited for any more.
        merge.Target = "main";
        await hub.Ask(merge, "update");
        await hub.Hub.Minutes(1);
        Assert.Equal("passed", merge.Checks[merge.Sha]);
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(second));
        await hub.Hub.Minutes(16);
        Assert.Equal("passed", merge.Checks[merge.Sha]);

        // An old call that someone kept and sends again passes nothing for the branch that it goes into now.
        var kept = hub.GitLab.Check(merge);
        merge.Target = "production";
        var third = await hub.Ask(merge, "update");
        await hub.Hub.Work();
        await hub.Send(kept);
        await hub.Hub.Minutes(2);
        Assert.Equal("failed", merge.Checks[merge.Sha]);
        Assert.Equal(Status.Active, await hub.Hub.StatusOf(third));
        // Approved, with the call about yet another branch lost.
        merge.Target = "release";
        await hub.Hub.Approve(third);
        Assert.Equal(("gone", "failed"), (await hub.Hub.StateOf(third), merge.Checks[merge.Sha]));
    }

    [Theory, BothEngines]
    public async Task Fail_open_an_approval_that_comes_while_a_pass_is_taken_back_is_told_after_it(Engine engine)
    {
        await using var hub = await Start(engine);
        var merge = hub.GitLab.Add();
        await hub.Hub.Approve(await hub.Ask(merge));
        merge.Target = "production";
        var second = await hub.Ask(merge, "update");
        hub.GitLab.Before = async call =>
        {
            if (call.Method != "POST")
                return;
            hub.GitLab.Before = null;
            await hub.Hub.ApproveQuietly(second);
            await hub.Hub.WorkElsewhere();
        };
        await hub.Hub.Work();
        Assert.Null(hub.GitLab.Before);
        await hub.Hub.Minutes(1);
        Assert.Equal(("passed", "delivered"), (merge.Checks[merge.Sha], await hub.Hub.StateOf(second)));
    }

    [Theory, BothEngines]
    public async Task A_withdrawal_that_crosses_its_approval_is_on_record_as_too_late(Engine engine)
    {
        await using var hub = await Start(engine);
        await hub.Hub.Set(("hookSecret", FakeGitLab.HookSecret), ("startJob", "yes"));
        hub.GitLab.PendingApprovals = 2;
        await hub.Hook(FakeGitLab.Deployment());
        var crossed = await hub.Hub.Last();
        hub.GitLab.Before = async call =>
        {
            hub.GitLab.Before = null;
            await hub.Hub.Hub.Withdraw.Run(crossed.Id, Some.Viewer(hub.Hub.Ada), "Not today", default);
        };
        await hub.Hub.Approve(crossed);
        Assert.Equal(Status.Withdrawn, await hub.Hub.StatusOf(crossed));
        Assert.Equal(("passed", "passed"), (await hub.Hub.StateOf(crossed), await hub.Hub.AlarmOf(crossed)));

        // GitLab took the approval, its answer was lost, and what is told next is the withdrawal.
        await hub.Hook(FakeGitLab.Deployment(id: 7002));
        var unheard = await hub.Hub.Last();
        hub.GitLab.LosesAnswers = 1;
        await hub.Hub.ApproveQuietly(unheard);
        await hub.Hub.Work();
        await hub.Hub.Hub.Withdraw.Run(unheard.Id, Some.Viewer(hub.Hub.Ada), "Not today", default);
        await hub.Hub.Minutes(10);
        Assert.Equal(("passed", "passed"), (await hub.Hub.StateOf(unheard), await hub.Hub.AlarmOf(unheard)));
    }

    [Theory, BothEngines]
    public async Task Whoever_pushed_before_stays_barred_when_someone_else_pushes(Engine engine)
    {
        await using var hub = await Start(engine);
        var host = new Uri(hub.GitLab.Address).Host;
        await hub.Hub.AddAlias(hub.Hub.Jane, $"gitlab:{host}:31");
        await hub.Hub.AddAlias(hub.Hub.Ada, $"gitlab:{host}:32");
        var merge = hub.GitLab.Add();
        await hub.Ask(merge, user: 32, username: "ada");
        // A person who is not in the hub yet.
        merge.Sha = new string('b', 40);
        await hub.Ask(merge, "update", 33, "stranger");
        merge.Sha = new string('c', 40);
        var last = await hub.Ask(merge, "update");
        Assert.Equal(Certainty.None, last.Certainty);
        Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Hub.Approve(last, hub.Hub.Ada));
        // Found out later.
        var bea = await hub.Hub.Hub.AddPerson("Bea", Role.Admin);
        await hub.Hub.AddAlias(bea, $"gitlab:{host}:33");
        Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Hub.Approve(await hub.Hub.Hub.Find(last.Id), bea));
    }

    [Fact]
    public async Task A_secret_that_is_cleared_is_not_taken_any_more()
    {
        await using var hub = await Start(Engine.Sqlite);
        await hub.Hub.Set(("hookSecret", FakeGitLab.HookSecret));
        Assert.Equal(202, await hub.Hook(FakeGitLab.Deployment("created")));
        await hub.Hub.Set(("hookSecret", ""));
        Assert.Equal(401, await hub.Hook(FakeGitLab.Deployment()));
        await hub.Hub.Set(("hookSecret", "another-secret-of-the-hook"));
        Assert.Equal(401, await hub.Hook(FakeGitLab.Deployment()));
        Assert.Empty(await hub.Hub.Requests());
    }

    [Fact]
    public async Task Fail_open_without_its_secret_a_call_is_not_taken_and_a_page_is_no_answer()
    {
        await using var hub = await GateHub.Start(Engine.Sqlite, SourceKinds.GitLab);
        await using var gitLab = await FakeGitLab.Start(hub.Hub.Clock);
        var merge = gitLab.Add();
        var body = gitLab.Check(merge);
        var signed = new Dictionary<string, string> { ["X-Gitlab-Signature"] = FakeGitLab.Sign(body) };
        Assert.Equal(403, (await hub.Call(body, signed)).Status);
        await hub.Set(("server", gitLab.Address), ("token", FakeGitLab.Token));
        foreach (var secret in new[] { "", FakeGitLab.Secret })
        {
            var headers = new Dictionary<string, string> { ["X-Gitlab-Signature"] = FakeGitLab.Sign(body, secret) };
            Assert.Equal(403, (await hub.Call(body, headers)).Status);
        }
        Assert.Empty(await hub.Requests());

        await hub.Set(("secret", FakeGitLab.Secret));
        Assert.Equal(202, (await hub.Call(body, signed)).Status);
        var request = await hub.Last();
        await hub.ApproveQuietly(request);
        gitLab.ShowsPages = 2;
        await hub.Work();
        Assert.Equal(("open", "undelivered"), (await hub.StateOf(request), await hub.AlarmOf(request)));
        Assert.Null((await hub.Hub.Find(request.Id)).AppliedAt);
        await hub.Minutes(31);
        Assert.Equal(("delivered", "passed"), (await hub.StateOf(request), merge.Checks[merge.Sha]));
    }

    [Fact]
    public async Task Official_clients_call_the_fake_as_we_do_and_sign_what_we_take()
    {
        using var npm = await Npm.Install("@gitbeaker/rest@43.8.0", "standardwebhooks@1.1.1");
        await using var hub = await Start(Engine.Sqlite, overHttp: true);
        await hub.Hub.Set(("hookSecret", FakeGitLab.HookSecret));
#pragma warning disable RS0030 // Node has the time of this machine.
        await using var gitLab = await FakeGitLab.Start(TimeProvider.System);
#pragma warning restore RS0030
        var merge = gitLab.Add();
        gitLab.Blocked.Add(7001);
        gitLab.PendingApprovals = 1;
        // Standard Webhooks' own library signs what GitLab would send, and this hub takes it.
        var said = JsonNode.Parse(
            await npm.Node(
                $$"""
                const { Webhook } = require('standardwebhooks');
                (async () => {
                  const body = Buffer.from('{{Convert.ToBase64String(FakeGitLab.Deployment())}}', 'base64').toString();
                  const webhook = new Webhook('{{FakeGitLab.HookSecret}}');
                  const now = new Date();
                  const hook = async (secret, sent) => (await fetch('{{await hub.Hub.Address()}}', {
                    method: 'POST', body: sent,
                    headers: { 'Content-Type': 'application/json', 'X-Gitlab-Event': 'Deployment Hook',
                      'webhook-id': 'msg_1', 'webhook-timestamp': `${Math.floor(now.getTime() / 1000)}`,
                      'webhook-signature': secret.sign('msg_1', now, body) } })).status;
                  const hooks = [await hook(webhook, body), await hook(webhook, body + ' '),
                    await hook(new Webhook('whsec_' + Buffer.from('another secret').toString('base64')), body)];
                  const { Gitlab } = await import('@gitbeaker/rest');
                  const api = new Gitlab({ host: '{{gitLab.Address}}', token: '{{FakeGitLab.Token}}' });
                  const waiting = await api.Deployments.all(1207, { status: 'blocked', environment: 'production' });
                  const deployment = await api.Deployments.show(1207, waiting[0].id);
                  await api.Deployments.setApproval(1207, deployment.id, 'approved', { comment: 'x' });
                  await api.Jobs.play(1207, deployment.deployable.id);
                  const merge = await api.MergeRequests.show(1207, 42);
                  await api.ExternalStatusChecks.set(1207, 42, merge.sha, 5, { status: 'passed' });
                  const checks = await api.ExternalStatusChecks.all(1207, { mergerequestIId: 42 });
                  const project = await api.Projects.show(1207);
                  console.log(JSON.stringify({ hooks, check: checks[0].status, target: merge.target_branch,
                    setting: project.only_allow_merge_if_all_status_checks_passed }));
                })().catch(e => { console.error(e); process.exit(1); });
                """
            )
        )!;
        Assert.Equal([202, 401, 401], said["hooks"]!.AsArray().Select(s => s!.GetValue<int>()));
        Assert.Single(await hub.Hub.Requests());
        Assert.Equal(
            ("passed", "main", true),
            (said["check"]!.ToString(), said["target"]!.ToString(), said["setting"]!.GetValue<bool>())
        );
        Assert.Equal(("passed", 9001L), (merge.Checks[merge.Sha], Assert.Single(gitLab.Played)));
        Assert.All(gitLab.Calls, c => Assert.Equal(FakeGitLab.Token, c.Header("PRIVATE-TOKEN")));

        // What they called are the addresses that we call.
        var theirs = gitLab.Calls.Select(c => (c.Method, c.Path.Split('?')[0])).ToHashSet();
        var settings = Settings(("server", gitLab.Address), ("startJob", "yes"), ("environments", "1207/production"));
        var check = Assert.IsType<GateMessage.Asked>(Gate.Parse(new GateCall(_ => "", gitLab.Check(merge)), settings));
        var deploy = Assert.IsType<GateMessage.Asked>(
            Gate.Parse(
                new GateCall(n => n == "X-Gitlab-Event" ? "Deployment Hook" : "", FakeGitLab.Deployment()),
                settings
            )
        );
        var verdict = new GateVerdict("r", true, "Approved", null);
        OutgoingCall?[] ours =
        [
            Gate.Look(settings, check.Ask.Reply),
            Gate.Verdict(settings, check.Ask.Reply, verdict),
            Gate.Verdict(settings, deploy.Ask.Reply, verdict),
            Gate.FollowUp(settings, deploy.Ask.Reply, verdict),
            .. Gate.Waiting(settings),
        ];
        Assert.All(ours, c => Assert.Contains((c!.Method.Method, c.Url.AbsolutePath), theirs));
    }

    private static bool IsGenuine(byte[] body, string header, string value) =>
        Gate.IsGenuine(new GateCall(name => name == header ? value : "", body), Settings());

    private static GateSettings Settings(params (string Name, string Value)[] others) =>
        new(
            1,
            new[] { ("server", "https://gitlab.com"), ("secret", FakeGitLab.Secret), ("token", FakeGitLab.Token) }
                .Concat(others)
                .GroupBy(v => v.Item1)
                .ToDictionary(g => g.Key, g => g.Last().Item2)
        );

    private static async Task<GitLabHub> Start(Engine engine, bool overHttp = false)
    {
        var hub = await GateHub.Start(engine, SourceKinds.GitLab, overHttp: overHttp);
        var gitLab = await FakeGitLab.Start(hub.Hub.Clock);
        await hub.Set(("server", gitLab.Address), ("secret", FakeGitLab.Secret), ("token", FakeGitLab.Token));
        return new GitLabHub(hub, gitLab);
    }

    private sealed record GitLabHub(GateHub Hub, FakeGitLab GitLab) : IAsyncDisposable
    {
        public IEnumerable<GateServerCall> Answers =>
            GitLab.Calls.Where(c => c.Path.EndsWith("/status_check_responses", StringComparison.Ordinal));

        public async Task<ApprovalRequest> Ask(
            GitLabMergeRequest merge,
            string action = "open",
            long user = 31,
            string username = "jdoe"
        )
        {
            await Send(GitLab.Check(merge, action, user, username));
            return await Hub.Last();
        }

        public async Task Send(byte[] body) =>
            Assert.Equal(
                202,
                (
                    await Hub.Call(
                        body,
                        new Dictionary<string, string> { ["X-Gitlab-Signature"] = FakeGitLab.Sign(body) }
                    )
                ).Status
            );

        public async Task<int> Hook(byte[] body) => (await Hub.Call(body, FakeGitLab.SignHook(body))).Status;

        public async ValueTask DisposeAsync()
        {
            await GitLab.DisposeAsync();
            await Hub.DisposeAsync();
        }
    }
}
