using System.Text.Json.Nodes;
using Countersign.Cli;
using Countersign.Simulator;
using Xunit;

namespace Countersign.Tests.Simulator;

public sealed class SimulationTests
{
    private static readonly string[] Everything =
    [
        "--all",
        "--auto-apply",
        "--no-wait",
        "--requests",
        "6",
        "--rotated-key",
        ApplicationDouble.OtherKey,
    ];

    [Fact]
    public async Task An_honest_application_passes_every_case_without_a_doubt()
    {
        await using var application = await ApplicationDouble.Start(Lie.None);
        var (exitCode, account) = await Simulate(application, Everything);
        Assert.Empty(Codes(account));
        Assert.Equal((0, true), (exitCode, account["ok"]!.GetValue<bool>()));
        Assert.Equal(
            Cases.Usual.Concat(Cases.Odd).Append(Cases.RotatedKey).Select(c => c.Name),
            account["cases"]!.AsArray().Select(c => c!["name"]!.ToString())
        );
        var states = account["requests"]!.AsArray().Select(r => r!["launchDarkly"]!.ToString()).ToHashSet();
        Assert.Subset(states, new HashSet<string>(["applied", "declined", "deleted", "needs review"]));
    }

    [Theory]
    [InlineData(Lie.ReturnsAnIdOfItsOwn, "id-not-echoed", "status-refused")]
    [InlineData(Lie.ReturnsNoId, "id-missing")]
    [InlineData(Lie.ReturnsAnIdWithASlash, "id-unsafe")]
    [InlineData(Lie.SaysPartlyApproved, "value-misread")]
    [InlineData(Lie.SaysBothWords, "value-both")]
    [InlineData(Lie.SaysApprovedInCapitals, "value-unread")]
    [InlineData(Lie.SaysRejected, "value-unread")]
    [InlineData(Lie.SaysNothing, "status-missing")]
    [InlineData(Lie.AnswersHtml, "not-json")]
    [InlineData(Lie.CallsUnknownApproved, "unknown-decided")]
    [InlineData(Lie.AcceptsAnyKey, "wrong-key-accepted")]
    [InlineData(Lie.Answers403, "wrong-key-not-401")]
    [InlineData(Lie.ForgetsTheSecondKey, "rotated-key-refused")]
    [InlineData(Lie.FlipsAfterApply, "applied-not-approved")]
    [InlineData(Lie.ChangesItsMind, "decision-flipped")]
    [InlineData(Lie.RefusesCancel, "cancel-refused")]
    [InlineData(Lie.RefusesApply, "apply-refused")]
    [InlineData(Lie.OnlyPatches, "post-refused")]
    [InlineData(Lie.RepeatsMemberNames, "member-duplicate")]
    [InlineData(Lie.LeavesMemberNamesOut, "member-nameless", "member-without-email")]
    [InlineData(Lie.HidesMembers, "members-shape")]
    [InlineData(Lie.MakesTwoOfOne, "duplicate-made")]
    [InlineData(Lie.StartsOverOnARepeat, "repeat-reset")]
    [InlineData(Lie.DecidesWhenPolled, "get-decides")]
    [InlineData(Lie.DecidesWhenOpened, "get-decides")]
    [InlineData(Lie.DecidesWhenApplied, "made-approved")]
    [InlineData(Lie.TakesBrokenBodies, "broken-accepted")]
    [InlineData(Lie.KeepsBrokenBodies, "broken-kept")]
    [InlineData(Lie.CrashesOnBrokenBodies, "server-error")]
    [InlineData(Lie.TossesACoin, "parallel-disagree")]
    [InlineData(Lie.RefusesQuotes, "create-refused")]
    [InlineData(Lie.AsksBrowsersForAKey, "page-needs-key")]
    [InlineData(Lie.HasNoPage, "page-missing")]
    [InlineData(Lie.LosesRequests, "status-refused")]
    public async Task A_lie_is_called_by_its_name(Lie lie, params string[] codes)
    {
        await using var application = await ApplicationDouble.Start(lie);
        var (exitCode, account) = await Simulate(application, Everything);
        Assert.Equal((1, false), (exitCode, account["ok"]!.GetValue<bool>()));
        Assert.Subset(Codes(account), new HashSet<string>(codes));
    }

    [Theory]
    [InlineData(Lie.SaysANumber, "value-not-text")]
    [InlineData(Lie.ShowsNothing, "display-missing")]
    [InlineData(Lie.CallsUnknownPending, "unknown-answered")]
    [InlineData(Lie.RefusesCancelOfUnknown, "cancel-unknown-refused")]
    [InlineData(Lie.HasNoMembers, "members-off")]
    [InlineData(Lie.LetsApprovalCarryOver, "approval-carried-over")]
    public async Task What_is_only_doubtful_is_told_and_passes(Lie lie, string code)
    {
        await using var application = await ApplicationDouble.Start(lie);
        var (exitCode, account) = await Simulate(application, Everything);
        Assert.Equal(code, Assert.Single(Codes(account)));
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task Calls_that_are_braked_are_told()
    {
        await using var application = await ApplicationDouble.Start(Lie.Brakes);
        var (_, account) = await Simulate(application, Everything);
        Assert.Contains("rate-limited", Codes(account));
    }

    [Fact]
    public async Task An_application_that_is_not_there_is_told()
    {
        var application = await ApplicationDouble.Start(Lie.None);
        var url = application.Url;
        await application.DisposeAsync();
        var (exitCode, account) = await Simulate(url, "--no-wait");
        Assert.Equal(1, exitCode);
        Assert.Equal("unreachable", Assert.Single(Codes(account)));
    }

    [Fact]
    public async Task One_change_is_one_request_however_often_it_is_sent()
    {
        await using var application = await ApplicationDouble.Start(Lie.None);
        var (_, account) = await Simulate(
            application,
            "--duplicates",
            "--shuffled-form",
            "--edited",
            "--no-wait",
            "--requests",
            "12"
        );
        Assert.Equal(48, account["requests"]!.AsArray().Count);
        Assert.Equal(48, application.Count);
    }

    [Fact]
    public async Task Only_what_is_asked_for_is_played()
    {
        await using var application = await ApplicationDouble.Start(Lie.CallsUnknownApproved);
        var (exitCode, account) = await Simulate(application, "--no-wait", "--hostile");
        Assert.Equal(0, exitCode);
        Assert.Equal(
            ["members", "changes", "hostile"],
            account["cases"]!.AsArray().Select(c => c!["name"]!.ToString())
        );
    }

    [Fact]
    public async Task For_people_every_request_has_a_line_and_the_end_says_who_disagrees()
    {
        await using var application = await ApplicationDouble.Start(Lie.SaysPartlyApproved);
        using var output = new StringWriter();
        var exitCode = await CommandLine.Run(
            [
                "simulate",
                "launchdarkly",
                "--url",
                application.Url,
                "--key",
                ApplicationDouble.Key,
                "--no-wait",
                "--requests",
                "2",
            ],
            TextReader.Null,
            output,
            output
        );
        Assert.Equal(1, exitCode);
        Assert.Contains(
            "New checkout            LaunchDarkly: approved      application: partially_approved, It is pending",
            output.ToString(),
            StringComparison.Ordinal
        );
        Assert.Contains("WRONG  LD-106  value-misread", output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("LaunchDarkly and the application disagree.\n", output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--url", "localhost:5080", "--key", "k")]
    [InlineData("--url", "http://localhost:5080")]
    [InlineData("--url", "http://localhost:5080", "--key", "k", "--requests", "0")]
    [InlineData("--url", "http://localhost:5080", "--key", "k", "--speed", "0")]
    [InlineData("--url", "http://localhost:5080", "--key", "k", "--for", "soon")]
    [InlineData("--url", "http://localhost:5080", "--key", "k", "--manifest", "no-such-file.json")]
    public async Task Wrong_use_is_told_before_anything_is_sent(params string[] switches)
    {
        using var error = new StringWriter();
        Assert.Equal(
            2,
            await CommandLine.Run(["simulate", "launchdarkly", .. switches], TextReader.Null, TextWriter.Null, error)
        );
        Assert.NotEqual("", error.ToString());
    }

    [Fact]
    public void Every_finding_is_explained_in_the_documentation()
    {
        var text = Repository.Read("docs", "simulate.md");
        Assert.All(Rule.All, rule => Assert.Contains($"`{rule.Code}`", text, StringComparison.Ordinal));
        Assert.All(Cases.Odd, one => Assert.Contains($"`--{one.Name}`", text, StringComparison.Ordinal));
        Assert.All(Rule.All, rule => Assert.Contains($"| {rule.Label} |", text, StringComparison.Ordinal));
        Assert.All(Rule.All, rule => Assert.Contains($" {rule.Fix} |", text, StringComparison.Ordinal));
        Assert.Equal(Rule.All.Count, Rule.All.Select(r => r.Code).Distinct().Count());
        Assert.Equal(Rule.All.Count, Rule.All.Select(r => r.Number).Distinct().Count());
    }

    private static Task<(int ExitCode, JsonNode Account)> Simulate(
        ApplicationDouble application,
        params string[] switches
    ) => Simulate(application.Url, switches);

    private static async Task<(int ExitCode, JsonNode Account)> Simulate(string url, params string[] switches)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await CommandLine.Run(
            ["simulate", "launchdarkly", "--url", url, "--key", ApplicationDouble.Key, "--json", .. switches],
            TextReader.Null,
            output,
            error
        );
        Assert.Equal("", error.ToString());
        return (exitCode, JsonNode.Parse(output.ToString())!);
    }

    /// <summary>How long an answer takes on a busy machine is not what these tests are about.</summary>
    private static HashSet<string> Codes(JsonNode account) =>
        [.. account["findings"]!.AsArray().Select(f => f!["code"]!.ToString()).Where(c => c != "slow-answer")];
}
