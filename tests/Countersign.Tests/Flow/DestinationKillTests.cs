using System.Diagnostics;
using Countersign.Tests.Cli;
using Countersign.Tests.Destinations;
using Countersign.Tests.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>
/// The real process, killed at every step of handing a question over: each is opened once, and none is forgotten.
/// </summary>
public sealed class DestinationKillTests
{
    public enum Step
    {
        BeforeTheCallLeaves,
        AsTheCallArrives,
        AfterItWasDone,
        AsALookArrives,
    }

    [Theory, BothEngines]
    public async Task Killed_at_any_step_every_question_is_opened_once(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var desk = new FakeDesk();
        await using var shell = await Shell.Start(engine);
        var key = await Prepare(shell, desk);

        var asked = 0;
        foreach (var step in Enum.GetValues<Step>())
        {
            using var server = shell.StartProgram("--Urls=http://127.0.0.1:0", "--Egress:Allow=127.0.0.0/8");
            var address = await ProgramTests.Address(server.StandardOutput);
            var died = new TaskCompletionSource();
            desk.Before = call =>
                (step == Step.AsTheCallArrives && IsAsked(call)) || (step == Step.AsALookArrives && IsLook(call))
                    ? Die()
                    : null;
            desk.After = call => step == Step.AfterItWasDone && IsAsked(call) ? Die() : null;
            Conduct? Die()
            {
                Kill(server);
                died.TrySetResult();
                return null;
            }
            using var shop = new ApiClient(address, new("Bearer", key));
            for (var i = 0; i < 3; i++)
                asked += await Try(shop, $"{step}-{i}") ? 1 : 0;
            if (step == Step.BeforeTheCallLeaves)
                Die();
            if (step == Step.AsALookArrives)
                await shell.Place.Tamper(Due("state = 'open'"));
            await died.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            desk.Before = desk.After = _ => null;
            // Claims run out, as they would after some minutes.
            await shell.Place.Tamper($"UPDATE jobs SET next_at = {LongAgo} WHERE kind = 'link' AND holder IS NOT NULL");
        }

        using var again = shell.StartProgram("--Urls=http://127.0.0.1:0", "--Egress:Allow=127.0.0.0/8");
        await ProgramTests.Address(again.StandardOutput);
        await OpenedOnce(shell, desk);
        Kill(again);
        Assert.InRange(asked, 1, 12);
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
    }

    [Theory, PostgresOnly]
    public async Task Of_two_nodes_one_is_killed_at_any_step_and_no_question_is_opened_twice(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var shell = await Shell.Start(engine);
        var key = await Prepare(shell, desk);
        foreach (var step in Enum.GetValues<Step>())
        {
            using var first = shell.StartProgram("--Urls=http://127.0.0.1:0", "--Egress:Allow=127.0.0.0/8");
            using var second = shell.StartProgram("--Urls=http://127.0.0.1:0", "--Egress:Allow=127.0.0.0/8");
            await ProgramTests.Address(first.StandardOutput);
            using var shop = new ApiClient(await ProgramTests.Address(second.StandardOutput), new("Bearer", key));
            var (arrived, allAreOpen) = (0, false);
            // In the middle of it, with some done and some under way, whoever of the two they belong to.
            desk.Before = call =>
                (step == Step.AsTheCallArrives && IsAsked(call))
                || (step == Step.AsALookArrives && allAreOpen && IsLook(call))
                    ? Die()
                    : null;
            desk.After = call => step == Step.AfterItWasDone && IsAsked(call) ? Die() : null;
            Conduct? Die()
            {
                if (Interlocked.Increment(ref arrived) == 5)
                    Kill(first);
                return null;
            }
            var asking = Task.WhenAll(Enumerable.Range(0, 15).Select(i => Try(shop, $"{step}-{i}")));
            if (step == Step.BeforeTheCallLeaves)
                Kill(first);
            await asking;
            if (step == Step.AsALookArrives)
            {
                // Questions of the steps before are looked after meanwhile; who died of that would keep what it had
                // claimed here.
                await OpenedOnce(shell, desk);
                allAreOpen = true;
                // Fewer than a destination is asked at once: what the dead one had claimed leaves the other no room
                // until it runs out.
                await shell.Place.Tamper(
                    Due($"state = 'open' AND request_id IN (SELECT id FROM requests WHERE subject LIKE '{step}-%')")
                );
            }
            await Eventually.True(() => first.HasExited, "the first is dead");
            // The other goes on, and leaves alone what the first had claimed.
            Assert.True(await Try(shop, $"after {step}"));
            await Eventually.True(
                async () =>
                    await shell.Place.Number(
                        $"""
                        SELECT count(*) FROM links l JOIN requests r ON r.id = l.request_id
                        WHERE r.subject = 'after {step}' AND l.state = 'open'
                        """
                    ) == 1,
                "the other works"
            );
            desk.Before = desk.After = _ => null;
            Kill(second);
            // Claims run out, as they would after some minutes, and the next two find them.
            await shell.Place.Tamper($"UPDATE jobs SET next_at = {LongAgo} WHERE kind = 'link' AND holder IS NOT NULL");
        }
        using var third = shell.StartProgram("--Urls=http://127.0.0.1:0", "--Egress:Allow=127.0.0.0/8");
        await ProgramTests.Address(third.StandardOutput);
        await OpenedOnce(shell, desk);
        Kill(third);
        Assert.Equal(4 * 16, desk.Asks.Count);
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
    }

    private const string LongAgo = "'2020-01-01T00:00:00.000Z'";

    /// <summary>Makes what no node is at due at once.</summary>
    private static string Due(string which) =>
        $"""
            UPDATE jobs SET next_at = {LongAgo} WHERE kind = 'link' AND holder IS NULL
              AND key IN (SELECT CAST(id AS TEXT) FROM links WHERE {which})
            """;

    private static bool IsAsked(Received call) => call.Method == "POST";

    private static bool IsLook(Received call) =>
        call.Method == "GET" && call.Path.StartsWith("/asks/", StringComparison.Ordinal);

    /// <summary>
    /// A destination whose tickets can be looked up, and a source that leaves its decisions to it; the source's key.
    /// </summary>
    private static async Task<string> Prepare(Shell shell, FakeDesk desk)
    {
        var manifest = Path.Combine(shell.Folder, "manifest.json");
        await File.WriteAllTextAsync(
            manifest,
            Sample.With(
                (
                    "~.lookupRequest",
                    System.Text.Json.Nodes.JsonNode.Parse(
                        """
                        {"endpoint": {"url": "{{baseURL}}/find?by={{approvalId}}", "method": "GET",
                         "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
                         "parser": {"approvalId": "/result/0/id", "statusValue": "/result/0/state",
                         "approvalMatcher": "^yes$", "rejectionMatcher": "^no$"}}
                        """
                    )
                )
            ),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(
            0,
            (
                await shell.RunWithInput(
                    "k-123",
                    "destination",
                    "add",
                    "Desk",
                    "--manifest",
                    manifest,
                    "--set",
                    $"baseURL={desk.BaseUrl}",
                    "--secret",
                    "apiKey=-"
                )
            ).ExitCode
        );
        return (await shell.Json("source", "add", "Shop", "--kind", "api", "--destination", "Desk"))
            .Done.GetProperty("key")
            .GetString()!;
    }

    /// <summary>
    /// Waits until every question is open, each once. What is to be tried again later is due at once.
    /// </summary>
    private static async Task OpenedOnce(Shell shell, FakeDesk desk)
    {
        await Eventually.True(
            async () =>
            {
                await shell.Place.Tamper(Due("state IN ('new', 'sending', 'unsure')"));
                return await shell.Place.Number("SELECT count(*) FROM links WHERE state = 'open'")
                    == await shell.Place.Count("requests");
            },
            "every question is open"
        );
        Assert.Equal(await shell.Place.Count("requests"), desk.Asks.Count);
        Assert.Equal(desk.Asks.Count, desk.Asks.Values.Select(a => a["asked"]!["id"]!.ToString()).Distinct().Count());
    }

    private static async Task<bool> Try(ApiClient shop, string subject)
    {
        try
        {
            return (await shop.Post("/api/v1/requests", new { subject, externalId = subject })).Status == 201;
        }
        catch (HttpRequestException)
        {
            // Killed meanwhile: whether it was taken shows in the store.
            return false;
        }
    }

    private static void Kill(Process process)
    {
        if (process.HasExited)
            return;
        process.Kill();
        process.WaitForExit();
    }
}
