using System.Text;
using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Gates.GitHub;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Simulator.GitHub;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>GitHub's deployment protection rules, from the signed call to the verdict and what can go wrong.</summary>
public sealed class GitHubTests
{
    [Theory, BothEngines]
    public async Task A_deployment_waits_until_it_is_approved_and_then_goes_on(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var run = hub.GitHub.AddRun();
        run.PullRequests = [12];
        var request = await hub.Ask(run);
        Assert.Equal("Deploy main of acme/shop to production", request.Subject);
        var facts = JsonNode.Parse((await hub.Place.Text("SELECT facts FROM revisions"))!)!;
        var page = $"{hub.GitHub.Address}acme/shop";
        Assert.Equal($"{page}/compare/{new string('b', 40)}...{new string('a', 40)}", facts["diff"]!.ToString());
        Assert.Equal($"{page}/actions/runs/{run.Id}", facts["link"]!.ToString());
        Assert.Equal(
            ("production", "push", new string('a', 40), "octo-jane", "#12"),
            (
                facts["environment"]!.ToString(),
                facts["event"]!.ToString(),
                facts["commit"]!.ToString(),
                facts["requester"]!.ToString(),
                facts["pull_requests"]![0]!.ToString()
            )
        );

        await hub.After(TimeSpan.FromSeconds(5));
        Assert.Equal(["note"], hub.Told);
        await hub.Approve(request);
        Assert.Equal(["approved"], hub.Decided);
        var verdict = hub.GitHub.Verdicts[^1];
        Assert.Equal("production", verdict["environment_name"]!.ToString());
        Assert.Contains(
            $"https://approvals.example.com/requests/{request.Id}",
            verdict["comment"]!.ToString(),
            StringComparison.Ordinal
        );
        Assert.Contains("Ada", verdict["comment"]!.ToString(), StringComparison.Ordinal);
        var after = await hub.Hub.Find(request.Id);
        Assert.Equal((Status.Approved, true), (after.Status, after.AppliedAt is not null));
        Assert.Equal("delivered", await hub.StateOf(request));
        // Nothing that could answer is kept, and nothing is left to do.
        Assert.Null(await hub.Place.Text("SELECT reply FROM gate_replies"));
        await hub.After(TimeSpan.FromHours(1));
        Assert.Equal(["approved"], hub.Decided);
        Assert.Equal(
            0,
            await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind LIKE 'gate_%' AND kind <> 'gate_recover'")
        );
    }

    [Fact]
    public async Task A_rejection_a_withdrawal_and_an_expiry_are_all_told_as_rejected()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var rejected = await hub.Ask(hub.GitHub.AddRun());
        await hub.Hub.Reject(await hub.Hub.Find(rejected.Id), hub.Ada);
        var withdrawn = await hub.Ask(hub.GitHub.AddRun());
        await hub.Hub.Withdraw.Run(withdrawn.Id, Some.Viewer(hub.Ada), "Not today", default);
        await hub.Work();
        Assert.Equal(["rejected", "rejected"], hub.Decided);
        Assert.Null((await hub.Hub.Find(rejected.Id)).AppliedAt);
    }

    [Fact]
    public async Task A_ping_turns_the_source_green_and_other_events_are_answered_without_a_request()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        Assert.Null((await hub.View()).HeardAt);
        Assert.Equal(200, await hub.Deliver(hub.GitHub.New("ping", "{}"u8.ToArray())));
        Assert.NotNull((await hub.View()).HeardAt);
        foreach (var kind in new[] { "installation", "installation_repositories", "workflow_run" })
            Assert.Equal(202, await hub.Deliver(hub.GitHub.New(kind, "{}"u8.ToArray())));
        Assert.Empty(await hub.Requests());
    }

    [Theory, BothEngines]
    public async Task A_call_that_comes_twice_or_in_parallel_or_again_after_days_is_one_request(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var run = hub.GitHub.AddRun();
        var delivery = await hub.GitHub.Want(run, "production");
        Assert.All(
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => hub.Deliver(delivery)))),
            status => Assert.Equal(202, status)
        );
        await hub.After(TimeSpan.FromDays(2));
        Assert.Equal(202, await hub.Deliver(delivery));
        // The same deployment under another delivery is the same question.
        Assert.Equal(202, await hub.Deliver(hub.GitHub.New(delivery.Kind, delivery.Body)));
        Assert.Single(await hub.Requests());
    }

    [Theory, BothEngines]
    public async Task Legs_of_a_matrix_are_one_request_and_one_verdict(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var run = hub.GitHub.AddRun();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => hub.GitHub.Want(run, "production"))));
        var request = Assert.Single(await hub.Requests());
        Assert.Equal(1, request.Revision);
        await hub.After(TimeSpan.FromSeconds(5));
        Assert.Equal(["note"], hub.Told);
        await hub.Approve(request);
        Assert.Equal(["approved"], hub.Decided);
        // Another environment of the run is another question.
        var other = await hub.Ask(run, "staging");
        Assert.NotEqual(request.Id, other.Id);
        Assert.Equal(2, (await hub.Requests()).Count);
    }

    [Theory, BothEngines]
    public async Task A_job_that_waits_since_a_review_dismisses_the_review(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var group = await hub.Hub.AddGroup("SRE", [.. await hub.Hub.AddPeople("Bea", "Cid")]);
        await hub.Hub.Sources.Set(
            GitHubHub.Source,
            new SourceReviewers(group.Name, 2, null, false),
            Some.Operator,
            default
        );
        await hub.Noticed();
        var run = hub.GitHub.AddRun();
        var request = await hub.Ask(run);
        var (bea, cid) = (await Person(hub, "Bea"), await Person(hub, "Cid"));
        await hub.Hub.Approve(await hub.Hub.Find(request.Id), bea);
        await hub.GitHub.Want(run, "production");
        var revised = await hub.Hub.Find(request.Id);
        Assert.Equal(2, revised.Revision);
        await hub.Hub.Answer(revised, cid, Answer.Approve, digest: revised.AnswerDigest);
        await hub.Work();
        Assert.Empty(hub.Decided);
        await hub.Hub.Answer(revised, bea, Answer.Approve, digest: revised.AnswerDigest);
        await hub.Work();
        Assert.Equal(["approved"], hub.Decided);
    }

    private static async Task<Person> Person(GitHubHub hub, string name)
    {
        using var directory = new PeopleDirectory(hub.Hub.Store);
        return (await directory.Refresh()).FindPerson(Some.Email(name))!;
    }

    [Theory, BothEngines]
    public async Task A_second_attempt_is_a_request_of_its_own_and_no_approval_leaks_into_it(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var run = hub.GitHub.AddRun();
        var first = await hub.Ask(run);
        await hub.Approve(first);
        var second = await hub.Ask(run);
        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal(Status.Active, second.Status);
        await hub.After(TimeSpan.FromSeconds(10));
        Assert.Equal(["approved"], hub.Decided);
        await hub.Approve(second);
        Assert.Equal(["approved", "approved"], hub.Decided);
    }

    [Theory, BothEngines]
    public async Task A_lost_delivery_is_asked_for_again(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        hub.GitHub.Traps.LosesDeliveries = true;
        await hub.GitHub.Want(hub.GitHub.AddRun(), "production");
        Assert.Empty(await hub.Requests());
        hub.GitHub.Traps.LosesDeliveries = false;
        await hub.After(TimeSpan.FromMinutes(6));
        Assert.Single(await hub.Requests());
        // What arrived isn't asked for once more.
        await hub.After(TimeSpan.FromMinutes(6));
        Assert.Single(hub.GitHub.Calls, c => c.Path.EndsWith("/attempts", StringComparison.Ordinal));
    }

    [Fact]
    public async Task More_lost_deliveries_than_a_page_has_are_all_asked_for()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        hub.GitHub.Traps.LosesDeliveries = true;
        for (var i = 0; i < 130; i++)
            await hub.GitHub.Want(hub.GitHub.AddRun(), "production");
        hub.GitHub.Traps.LosesDeliveries = false;
        for (var i = 0; i < 8; i++)
            await hub.After(TimeSpan.FromMinutes(6));
        Assert.Equal(130, (await hub.Requests()).Count);
    }

    [Theory, BothEngines]
    public async Task Who_starts_a_run_again_is_barred_beside_who_started_it(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var host = hub.GitHub.Address.Host;
        await hub.AddAlias(hub.Ada, $"github:{host}:7");
        var run = hub.GitHub.AddRun();
        var first = await hub.Ask(run);
        Assert.Equal([hub.Jane.Id], first.Barred);
        // Cancelled and started again by another, before the first was looked at.
        (run.Actor, run.ActorId) = ("octo-ada", 7);
        var again = await hub.Ask(run);
        Assert.Equal((first.Id, 2), (again.Id, again.Revision));
        foreach (var person in new[] { hub.Jane, hub.Ada })
        {
            Assert.IsType<DecideOutcome.NotAllowed>(
                await hub.Hub.Answer(again, person, Answer.Approve, digest: again.AnswerDigest)
            );
        }
        // Decided, and started once more by her: it is still the run that Jane started.
        var bea = await hub.Hub.AddPerson("Bea", Role.Admin);
        await hub.Hub.Answer(again, bea, Answer.Reject, digest: again.AnswerDigest);
        await hub.Work();
        var third = await hub.Ask(run);
        Assert.NotEqual(first.Id, third.Id);
        foreach (var person in new[] { hub.Jane, hub.Ada })
            Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Approve(await hub.Hub.Find(third.Id), person));
    }

    [Fact]
    public async Task The_same_number_at_another_server_is_another_account()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        await hub.AddAlias(hub.Ada, "github:99");
        await hub.AddAlias(hub.Ada, "github:github.example.com:99");
        var request = await hub.Ask(hub.GitHub.AddRun());
        Assert.Equal((hub.Jane.Id, Certainty.Proven), (request.RequesterId, request.Certainty));
        Assert.Equal([hub.Jane.Id], request.Barred);
        Assert.Equal("github:99", DeploymentEvent.AccountOf("https://github.com", 99));
    }

    [Theory, BothEngines]
    public async Task A_run_that_is_cancelled_withdraws_its_request(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var run = hub.GitHub.AddRun();
        var request = await hub.Ask(run);
        hub.GitHub.End(run, "completed", "cancelled");
        await hub.After(TimeSpan.FromMinutes(13));
        Assert.Equal(Status.Withdrawn, (await hub.Hub.Find(request.Id)).Status);
        Assert.Equal("gone", await hub.StateOf(request));
        Assert.Empty(hub.Decided);
    }

    [Theory, BothEngines]
    public async Task What_went_through_without_a_decision_is_on_record_as_a_breach_and_an_alarm(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var run = hub.GitHub.AddRun();
        var request = await hub.Ask(run);
        hub.GitHub.End(run, "in_progress");
        await hub.After(TimeSpan.FromMinutes(13));
        var after = await hub.Hub.Find(request.Id);
        Assert.NotNull(after.BreachedAt);
        Assert.NotEqual(Status.Approved, after.Status);
        Assert.Equal("passed", await hub.AlarmOf(request));
        Assert.Equal("passed", Assert.Single((await hub.View()).Alarms).Kind);
        Assert.Empty(hub.Decided);
    }

    [Theory, BothEngines]
    public async Task Before_GitHub_stops_waiting_the_request_is_closed_and_told_as_rejected(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.After(TimeSpan.FromDays(30) - TimeSpan.FromMinutes(6));
        Assert.Equal(Status.Active, (await hub.Hub.Find(request.Id)).Status);
        await hub.After(TimeSpan.FromMinutes(2));
        Assert.Equal(Status.Withdrawn, (await hub.Hub.Find(request.Id)).Status);
        Assert.Equal(["rejected"], hub.Decided);
    }

    [Theory, BothEngines]
    public async Task A_verdict_is_sent_until_it_is_taken_whatever_is_answered(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        foreach (var status in new[] { 500, 502, 429, 401, 403 })
            hub.GitHub.Traps.Refusals.Enqueue(status);
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.Approve(request);
        for (var i = 0; i < 12 && await hub.StateOf(request) == "open"; i++)
        {
            Assert.Null((await hub.Hub.Find(request.Id)).AppliedAt);
            await hub.After(TimeSpan.FromMinutes(20));
        }
        Assert.Equal("delivered", await hub.StateOf(request));
        Assert.All(hub.Decided, told => Assert.Equal("approved", told));
        Assert.Equal(6, hub.Decided.Count);
        Assert.Null(await hub.AlarmOf(request));
    }

    [Theory, BothEngines]
    public async Task A_verdict_waits_while_the_source_is_disabled_and_admins_are_told(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var request = await hub.Ask(hub.GitHub.AddRun());
        Some.Done(await hub.Hub.Sources.Disable(GitHubHub.Source, Some.Operator, default));
        await hub.Approve(request);
        await hub.After(TimeSpan.FromHours(1));
        Assert.Empty(hub.Decided);
        Assert.Equal(GateAlarms.Undelivered, await hub.AlarmOf(request));

        Some.Done(await hub.Hub.Sources.Enable(GitHubHub.Source, Some.Operator, default));
        await hub.After(TimeSpan.FromMinutes(16));
        Assert.Equal(["approved"], hub.Decided);
    }

    [Theory, BothEngines]
    public async Task A_verdict_whose_answer_was_lost_is_found_by_asking_and_not_told_twice(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        hub.GitHub.Traps.LosesAnswers = 1;
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.After(TimeSpan.FromMinutes(5));
        hub.GitHub.Traps.Refusals.Clear();
        await hub.Approve(request);
        await hub.After(TimeSpan.FromMinutes(1));
        Assert.Equal("delivered", await hub.StateOf(request));
        Assert.Single(Assert.Single(hub.GitHub.Runs).Approvals);
    }

    [Fact]
    public async Task Another_node_takes_over_what_a_stopped_one_left()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var request = await hub.Ask(hub.GitHub.AddRun());
        await hub.Hub.Approve(await hub.Hub.Find(request.Id), hub.Ada);
        // Nothing but the store knows of it: what follows runs as if the process had just begun.
        await hub.After(TimeSpan.FromHours(3));
        Assert.Equal(["approved"], hub.Decided);
    }

    [Fact]
    public async Task A_person_with_the_account_as_alias_is_the_proven_requester_and_may_not_decide()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var request = await hub.Ask(hub.GitHub.AddRun());
        Assert.Equal(hub.Jane.Id, request.RequesterId);
        Assert.Equal(Certainty.Proven, request.Certainty);
        Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Approve(request, hub.Jane));
    }

    [Fact]
    public async Task A_bot_or_a_schedule_has_no_requester_so_one_more_approval_is_needed()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        foreach (
            var change in new Action<GitHubRun>[]
            {
                run => (run.Actor, run.ActorType) = ("github-actions[bot]", "Bot"),
                run => run.Event = "schedule",
            }
        )
        {
            var run = hub.GitHub.AddRun();
            change(run);
            var request = await hub.Ask(run);
            Assert.Equal(Certainty.None, request.Certainty);
            Assert.Equal(2, request.Policy.Steps.Sum(s => s.Need));
        }
    }

    [Theory, BothEngines]
    public async Task Reviewers_see_the_commits_since_the_last_deployment_beside_the_content(Engine engine)
    {
        await using var hub = await GitHubHub.Start(engine);
        var commits = AddCommits(hub.GitHub, 4);
        hub.GitHub.AddDeployment("production", commits[0], "in_progress", "success", "inactive");
        hub.GitHub.AddDeployment("production", commits[1], "in_progress", "failure");
        hub.GitHub.AddDeployment("staging", commits[2], "success");
        var run = hub.GitHub.AddRun();
        run.Sha = commits[3];
        var request = await hub.Ask(run);
        // The call is answered before anything is asked, and the request doesn't wait for it.
        Assert.Empty(hub.GitHub.Calls);
        Assert.Null(await CommitsOf(hub, request));

        await hub.Work();
        var read = (await CommitsOf(hub, request))!;
        Assert.Equal((commits[0], commits[3], 3, 0), (read.Base, read.Head, read.Ahead, read.Behind));
        Assert.Equal(["Change 1", "Change 2", "Change 3"], read.Commits.Select(c => c.Title));
        Assert.Equal(["octo-jane", "Someone <b>", "octo-jane"], read.Commits.Select(c => c.Author));
        Assert.Equal($"{hub.GitHub.Address}acme/shop/compare/{commits[0]}...{commits[3]}", read.Link);
        Assert.Null(read.Problem);
        // What is approved stays what it was, and a token that reads can do nothing else.
        var after = await hub.Hub.Find(request.Id);
        Assert.Equal((request.Digest, request.Revision), (after.Digest, after.Revision));
        Assert.Contains(
            hub.GitHub.Calls,
            c =>
                c.Body.Contains("\"contents\":\"read\"", StringComparison.Ordinal)
                && !c.Body.Contains("write", StringComparison.Ordinal)
        );
        // Once, also when another job of the run joins.
        await hub.GitHub.Want(run, "production");
        await hub.After(TimeSpan.FromMinutes(5));
        Assert.Single(await hub.Hub.Kinds(request.Id), NewCommits.Kind);

        // What is deployed is taken back.
        hub.GitHub.AddDeployment("production", commits[3], "success");
        var back = hub.GitHub.AddRun();
        back.Sha = commits[1];
        var second = await hub.Ask(back);
        await hub.Work();
        read = (await CommitsOf(hub, second))!;
        Assert.Equal((0, 2), (read.Ahead, read.Behind));
    }

    [Fact]
    public async Task Commits_that_cannot_be_read_are_said_and_nothing_else_suffers()
    {
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var commits = AddCommits(hub.GitHub, 2);
        var first = await hub.Ask(hub.GitHub.AddRun());
        await hub.Work();
        Assert.Equal((null, null), ((await CommitsOf(hub, first))!.Base, (await CommitsOf(hub, first))!.Problem));

        // The App may not read contents: its own token is refused, and verdicts have another.
        hub.GitHub.Traps.HasNoContents = true;
        var run = hub.GitHub.AddRun();
        run.Sha = commits[1];
        hub.GitHub.AddDeployment("production", commits[0], "success");
        hub.GitHub.EndTokens();
        await hub.Set((GitHubGate.Slug, "another"));
        var request = await hub.Ask(run);
        for (var i = 0; i < 5; i++)
            await hub.After(TimeSpan.FromMinutes(3));
        Assert.Contains("422", (await CommitsOf(hub, request))!.Problem, StringComparison.Ordinal);
        Assert.Null((await hub.View()).Problem);
        await hub.Approve(request);
        Assert.Equal("delivered", await hub.StateOf(request));

        // Turned off, it isn't asked.
        await hub.Set((GitHubGate.ReadsCommits, GitHubGate.Off));
        var asked = hub.GitHub.Calls.Count(c => c.Path.EndsWith("/deployments", StringComparison.Ordinal));
        var quiet = await hub.Ask(hub.GitHub.AddRun());
        await hub.After(TimeSpan.FromMinutes(5));
        Assert.Null(await CommitsOf(hub, quiet));
        Assert.Equal(asked, hub.GitHub.Calls.Count(c => c.Path.EndsWith("/deployments", StringComparison.Ordinal)));
    }

    private static List<string> AddCommits(FakeGitHub gitHub, int count)
    {
        foreach (var n in Enumerable.Range(0, count))
        {
            var sha = new string((char)('c' + n), 40).Replace('g', '1').Replace('h', '2');
            gitHub.Commits.Add(
                n == 2
                    ? new GitHubCommit(sha, null, "Someone <b>", $"Change {n}")
                    : new GitHubCommit(sha, "octo-jane", "Jane", $"Change {n}\n\nMore about it")
            );
        }
        return [.. gitHub.Commits.Select(c => c.Sha)];
    }

    private static async Task<NewCommits?> CommitsOf(GitHubHub hub, ApprovalRequest request) =>
        await hub.Hub.Store.Read(reader => NewCommits.Find(reader, request));
}
