using System.Text.Json.Nodes;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Simulator;

/// <summary>LaunchDarkly and Countersign agree, in every case that the simulation knows, while people decide.</summary>
public sealed class SimulationOfOurOwnTests
{
    /// <summary>A case has at most eleven variants, one per request.</summary>
    private static readonly string Requests = LongRun.IsAskedFor ? "200" : "12";

    [Theory, BothEngines]
    public async Task All_cases_pass_while_a_reviewer_decides(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("RateLimit:PerKeyPerMinute", "0"));
        var account = await Simulate(
            host,
            host.Address.ToString().TrimEnd('/'),
            "--all",
            "--auto-apply",
            "--requests",
            Requests,
            "--for",
            "5m"
        );

        Assert.Empty(Findings(account));
        Assert.Equal(0, account["open"]!.GetValue<int>());
        var states = account["requests"]!.AsArray().Select(r => r!["launchDarkly"]!.ToString()).ToHashSet();
        Assert.Subset(states, new HashSet<string>(["applied", "declined", "deleted"]));
    }

    [Theory, BothEngines]
    public async Task A_path_prefix_and_a_trailing_slash_make_no_difference(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("RateLimit:PerKeyPerMinute", "0"), ("PathBase", "/hub"));
        var account = await Simulate(
            host,
            $"{host.Address.ToString().TrimEnd('/')}/hub/",
            "--review-page",
            "--trailing-slash",
            "--duplicates",
            "--repeats",
            "--unknown-id",
            "--wrong-key",
            "--for",
            "5m"
        );
        Assert.Empty(Findings(account));
    }

    /// <summary>How long an answer takes on a busy machine is not what these tests are about.</summary>
    private static List<string> Findings(JsonNode account) =>
        [
            .. account["findings"]!
                .AsArray()
                .Where(f => f!["code"]!.ToString() != "slow-answer")
                .Select(f => f!.ToJsonString()),
        ];

    private static async Task<JsonNode> Simulate(ApiHost host, string url, params string[] switches)
    {
        // Two, because a request of which nobody can say who asks needs one approval more.
        var jane = await host.Hub.AddPerson("Jane Doe");
        var mei = await host.Hub.AddPerson("Mei Tanaka");
        var group = await host.Hub.AddGroup("Release managers", jane, mei);
        var source = await host.Hub.AddSource("LaunchDarkly", group, 1, "launchdarkly");
        var newer = Some.Done(await host.Hub.Sources.Rotate(source.Name, Some.Operator, default));
        using var first = await host.Person(jane);
        using var second = await host.Person(mei);

        var running = Shell.Anywhere([
            "simulate",
            "launchdarkly",
            "--url",
            url,
            "--key",
            source.Key,
            "--rotated-key",
            newer.Key,
            "--json",
            .. switches,
        ]);
        var prefix =
            host.Address.PathAndQuery.TrimEnd('/') + (url.Contains("/hub", StringComparison.Ordinal) ? "/hub" : "");
        await Task.WhenAll(Decide(first, prefix, running), Decide(second, prefix, running));
        return JsonNode.Parse((await running).Document.GetRawText())!;
    }

    /// <summary>
    /// Answers everything that waits for her and that she has not answered, two in three with yes, until LaunchDarkly
    /// has no more to ask.
    /// </summary>
    private static async Task Decide(ApiClient reviewer, string prefix, Task simulation)
    {
        var answered = 0;
        while (!simulation.IsCompleted)
        {
            var page = await reviewer.Get($"{prefix}/api/v1/requests?waiting=me&status=active&size=50");
            var waiting = page.Json["requests"]!.AsArray();
            foreach (var request in waiting)
            {
                // Somebody in LaunchDarkly may be quicker and delete or change it: then it is not hers any more.
                var answer = answered++ % 3 == 2 ? "reject" : "approve";
                await reviewer.Post(
                    $"{prefix}/api/v1/requests/{request!["id"]}/decisions",
                    new
                    {
                        answer,
                        note = "",
                        digest = request["digest"]!.ToString(),
                    }
                );
            }
            if (waiting.Count == 0)
                await Task.WhenAny(simulation, Task.Delay(20, TestContext.Current.CancellationToken));
        }
    }
}
