using System.Text;
using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Gates.Flagger;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>
/// Flagger and Argo Rollouts, which ask again and again. Flagger goes on with every status up to 202, so a test asks
/// for 409 where it must wait.
/// </summary>
public sealed class FlaggerTests
{
    private const string Secret = "0123456789abcdef0123456789abcdef";
    private static readonly FlaggerGate Gate = new();

    [Theory, BothEngines]
    public async Task A_canary_is_held_until_it_is_approved_and_is_let_go_more_than_once(Engine engine)
    {
        await using var hub = await Start(engine, overHttp: engine == Engine.Sqlite);
        var (status, text) = await Poll(hub, "confirm-rollout");
        var request = Assert.Single(await hub.Requests());
        Assert.Equal((409, "Roll out prod/shop", Certainty.None), (status, request.Subject, request.Certainty));
        Assert.Contains($"/requests/{request.Id}", text, StringComparison.Ordinal);
        for (var i = 0; i < 5; i++)
        {
            await hub.After(TimeSpan.FromMinutes(1));
            Assert.Equal(409, (await Poll(hub, "confirm-rollout")).Status);
        }
        await hub.Approve(request);
        // Only once it is told is it applied.
        Assert.Null((await hub.Hub.Find(request.Id)).AppliedAt);
        Assert.Equal(200, (await Poll(hub, "confirm-rollout")).Status);
        Assert.NotNull((await hub.Hub.Find(request.Id)).AppliedAt);
        // That answer was lost.
        await hub.After(TimeSpan.FromMinutes(1));
        Assert.Equal(200, (await Poll(hub, "confirm-rollout")).Status);
        Assert.Single(await hub.Requests());
        // Another hook of the same canary is another question.
        Assert.Equal(409, (await Poll(hub, "confirm-promotion")).Status);
    }

    [Theory, BothEngines]
    public async Task Fail_open_a_rollback_is_answered_with_success_only_when_its_canary_was_rejected(Engine engine)
    {
        await using var hub = await Start(engine);
        Assert.Equal(409, (await Poll(hub, "rollback")).Status);
        Assert.Empty(await hub.Requests());
        await Poll(hub, "confirm-promotion");
        Assert.Equal(409, (await Poll(hub, "rollback")).Status);
        var request = await hub.Last();
        await hub.Reject(request);
        Assert.Equal(200, (await Poll(hub, "rollback")).Status);
        Assert.Equal(409, (await Poll(hub, "rollback", "anotherchecksum")).Status);
        Assert.Equal(409, (await Poll(hub, "confirm-promotion")).Status);
        Assert.Equal(200, (await Poll(hub, "rollback")).Status);
        // One that was withdrawn is held, and nothing goes back by itself.
        await Poll(hub, "confirm-promotion", "next");
        await hub.Hub.Withdraw.Run((await hub.Last()).Id, Some.Viewer(hub.Ada), "Not today", default);
        Assert.Equal(409, (await Poll(hub, "confirm-promotion", "next")).Status);
        Assert.Equal(409, (await Poll(hub, "rollback", "next")).Status);
        // Approved, it isn't to go back either.
        await Poll(hub, "confirm-rollout", "third");
        await hub.Approve(await hub.Last());
        Assert.Equal(409, (await Poll(hub, "rollback", "third")).Status);
    }

    [Theory, BothEngines]
    public async Task A_caller_that_stops_asking_has_gone_and_an_approval_is_not_kept_for_its_next_time(Engine engine)
    {
        await using var hub = await Start(engine);
        await Poll(hub, "confirm-rollout");
        var first = await hub.Last();
        await hub.After(TimeSpan.FromMinutes(2));
        await Poll(hub, "confirm-rollout");
        await hub.After(TimeSpan.FromMinutes(2));
        Assert.Equal(Status.Active, await hub.StatusOf(first));
        await hub.After(TimeSpan.FromMinutes(2));
        Assert.Equal((Status.Withdrawn, "gone"), (await hub.StatusOf(first), await hub.StateOf(first)));

        Assert.Equal(409, (await Poll(hub, "confirm-rollout")).Status);
        var second = await hub.Last();
        Assert.NotEqual(first.Id, second.Id);
        await hub.Approve(second);
        Assert.Equal(200, (await Poll(hub, "confirm-rollout")).Status);
        // Weeks later the same content is rolled out again.
        await hub.After(TimeSpan.FromDays(20));
        Assert.Equal(409, (await Poll(hub, "confirm-rollout")).Status);
        Assert.Equal(3, (await hub.Requests()).Count);

        // Approved, and the canary was gone before it heard of it.
        var third = await hub.Last();
        await hub.ApproveQuietly(third);
        await hub.After(TimeSpan.FromMinutes(4));
        Assert.Equal("gone", await hub.AlarmOf(third));
        Assert.Equal(409, (await Poll(hub, "confirm-rollout")).Status);
    }

    [Fact]
    public async Task Another_checksum_takes_the_place_of_what_was_asked_before()
    {
        await using var hub = await Start(Engine.Sqlite);
        await Poll(hub, "confirm-rollout");
        var first = await hub.Last();
        Assert.Equal(409, (await Poll(hub, "confirm-rollout", "newer")).Status);
        var second = await hub.Last();
        Assert.Equal(Status.Withdrawn, await hub.StatusOf(first));
        await hub.Approve(second);
        Assert.Equal(200, (await Poll(hub, "confirm-rollout", "newer")).Status);
        // Back to the first one: what was withdrawn is asked anew.
        Assert.Equal(409, (await Poll(hub, "confirm-rollout")).Status);
        Assert.Equal(3, (await hub.Requests()).Count);
    }

    [Fact]
    public async Task Fail_open_whatever_is_not_an_approval_is_answered_beyond_202()
    {
        await using var hub = await Start(Engine.Sqlite, overHttp: true);
        foreach (
            var (path, body) in new[]
            {
                ($"{Secret}/confirm-Rollout", Canary()),
                ($"{Secret}/confirm-rollout/", Canary()),
                ($"{Secret}/rollbacks", Canary()),
                ($"{Secret}/load-test", Canary()),
                ($"{Secret}/pre-rollout", Canary()),
                (Secret, Canary()),
                ("", Canary()),
                ("wrong/confirm-rollout", Canary()),
                ("/confirm-rollout", Canary()),
                ($"{Secret}/confirm-rollout", "{}"),
                ($"{Secret}/confirm-rollout", ""),
                ($"{Secret}/confirm-rollout", "[]"),
                ($"{Secret}/confirm-rollout", Canary(checksum: "")),
                ($"{Secret}/rollback", "{}"),
                ($"{Secret}/argo/shop", ""),
                ($"{Secret}/argo/../x", ""),
            }
        )
        {
            var (status, _) = await hub.Call(Encoding.UTF8.GetBytes(body), new Dictionary<string, string>(), path);
            Assert.True(status is > 204 and < 500, $"{path} was answered with {status}");
        }
        Assert.Empty(await hub.Requests());
        // The hook that only reports holds nothing back.
        Assert.Equal(200, (await Poll(hub, "event")).Status);
        // What the gate itself says of anything it has no standing for.
        Assert.Equal(409, Gate.Acknowledge(new GateMessage.Ping()).Status);
        Assert.Equal(409, Gate.Answer(new GateMessage.Looked([], TimeSpan.FromMinutes(3)), []).Status);
    }

    [Fact]
    public async Task Argo_reads_what_was_decided_and_proves_itself_by_a_header()
    {
        await using var hub = await Start(Engine.Sqlite);
        Assert.Equal(401, (await hub.Call([], new Dictionary<string, string>(), "argo/shop/7c0de")).Status);
        Assert.Equal("pending", await Argo(hub, "7c0de"));
        await hub.Approve(await hub.Last());
        Assert.Equal("approved", await Argo(hub, "7c0de"));
        Assert.Equal("pending", await Argo(hub, "8d1ef"));
        await hub.Reject(await hub.Last());
        Assert.Equal("declined", await Argo(hub, "8d1ef"));
    }

    private static async Task<string> Argo(GateHub hub, string hash)
    {
        var (status, text) = await hub.Call(
            [],
            new Dictionary<string, string> { ["Authorization"] = "Bearer " + Secret },
            $"argo/shop/{hash}"
        );
        Assert.Equal(200, status);
        return JsonNode.Parse(text)!["data"]!["status"]!.ToString();
    }

    private static Task<(int Status, string Text)> Poll(GateHub hub, string hook, string checksum = "85d557f47b") =>
        hub.Call(Encoding.UTF8.GetBytes(Canary(checksum)), new Dictionary<string, string>(), $"{Secret}/{hook}");

    private static string Canary(string checksum = "85d557f47b") =>
        new JsonObject
        {
            ["name"] = "shop",
            ["namespace"] = "prod",
            ["phase"] = "Waiting",
            ["checksum"] = checksum,
            ["metadata"] = new JsonObject(),
        }.ToJsonString();

    private static async Task<GateHub> Start(Engine engine, bool overHttp = false)
    {
        var hub = await GateHub.Start(engine, SourceKinds.Flagger, overHttp: overHttp);
        await hub.Set(("secret", Secret));
        return hub;
    }
}
