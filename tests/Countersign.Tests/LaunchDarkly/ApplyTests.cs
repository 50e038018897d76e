using System.Text.Json.Nodes;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>An approved change is applied once, when LaunchDarkly knows of it, or people are told why not.</summary>
public sealed class ApplyTests
{
    /// <summary>A request that was described, reviewed, compared and approved, and not read there yet.</summary>
    private static async Task<(ConnectedHub Hub, ApprovalRequest Request, JsonObject Approval)> Approved(Engine engine)
    {
        var hub = await ConnectedHub.Start(engine);
        await hub.Connect();
        await hub.Set(new ConnectionChange { Describe = true, Apply = true });
        var people = new[] { await hub.Hub.AddPerson("Ada", Role.Admin), await hub.Hub.AddPerson("Bea", Role.Admin) };
        var request = await hub.Create();
        hub.Theirs.Flag();
        var approval = hub.Theirs.Approval(request.ExternalId!, null);
        await hub.After(TimeSpan.FromSeconds(2));
        foreach (var person in people)
            await hub.Hub.Approve(request, person);
        await hub.After(TimeSpan.FromSeconds(1));
        var approved = await hub.Now(request);
        Assert.Equal(Status.Approved, approved.Status);
        return (hub, approved, approval);
    }

    private static async Task<string> Failure(ConnectedHub hub, ApprovalRequest request)
    {
        var last = (await hub.Hub.Place.Events(request.Id.Subject))[^1];
        Assert.Equal("request.apply_failed", last.Kind);
        return JsonNode.Parse(last.Data)!["why"]!.ToString();
    }

    private static ValueTask<long> Jobs(ConnectedHub hub) =>
        hub.Hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'apply_in_launchdarkly'");

    [Theory, BothEngines]
    public async Task A_change_is_applied_when_LaunchDarkly_has_read_our_answer_and_once(Engine engine)
    {
        var (hub, request, _) = await Approved(engine);
        await using var __ = hub;
        await hub.After(TimeSpan.FromMinutes(1));
        Assert.Empty(hub.Theirs.Applied);

        hub.Theirs.HasRead(request.ExternalId!, "approved");
        await hub.After(TimeSpan.FromMinutes(1));
        await hub.After(TimeSpan.FromHours(1));

        Assert.Single(hub.Theirs.Applied);
        Assert.Equal(0, await Jobs(hub));
        Assert.Equal(
            ["request.approved", "request.apply_started", "request.apply_done"],
            (await hub.Hub.Kinds(request.Id))[^3..]
        );
        // LaunchDarkly's own call is what says that it was applied.
        Assert.Null((await hub.Now(request)).AppliedAt);
        Assert.IsType<MarkAppliedOutcome.Applied>(
            await hub.Hub.MarkApplied.Run(request.Id, Some.Viewer(hub.Key), default)
        );
    }

    [Theory, BothEngines]
    public async Task Nothing_is_applied_for_a_source_that_was_disabled_after_the_approval(Engine engine)
    {
        var (hub, request, _) = await Approved(engine);
        await using var __ = hub;
        Some.Done(await hub.Hub.Sources.Disable(ConnectedHub.Source, Some.Operator, default));
        hub.Theirs.HasRead(request.ExternalId!, "approved");
        await hub.After(TimeSpan.FromMinutes(1));

        Assert.Empty(hub.Theirs.Applied);
        Assert.Equal("The source is disabled.", await Failure(hub, request));
        Assert.Equal(0, await Jobs(hub));
    }

    public static TheoryData<string, string> Obstacles =>
        new()
        {
            { "another change", "no longer the one that was approved" },
            { "declined", "doesn't hold the change as approved" },
            { "scheduled for the past", "has passed" },
            { "another approval", "belongs to something else" },
            { "a personal token", "personal" },
        };

    [Theory, MemberData(nameof(Obstacles))]
    public async Task Where_anything_stands_in_the_way_nothing_is_applied_and_people_are_told(string what, string why)
    {
        var (hub, request, approval) = await Approved(Engine.Sqlite);
        await using var __ = hub;
        hub.Theirs.HasRead(request.ExternalId!, "approved");
        switch (what)
        {
            case "another change":
                approval["instructions"] = JsonNode.Parse("""[{"kind":"turnFlagOff"}]""");
                break;
            case "declined":
                approval["reviewStatus"] = "declined";
                break;
            case "scheduled for the past":
                approval["executionDate"] = hub.Hub.Clock.Now.AddMinutes(-1).ToUnixTimeMilliseconds();
                break;
            case "another approval":
                approval["integrationMetadata"]!["externalId"] = "another";
                break;
            default:
                hub.Theirs.Before = call =>
                    call.Path.Contains("caller-identity", StringComparison.Ordinal)
                        ? new Conduct.Answers(200, """{"serviceToken":false}""")
                        : null;
                break;
        }

        await hub.After(TimeSpan.FromMinutes(1));

        Assert.Contains(why, await Failure(hub, request), StringComparison.Ordinal);
        Assert.Empty(hub.Theirs.Applied);
        Assert.Equal(0, await Jobs(hub));
    }

    [Theory, BothEngines]
    public async Task Where_LaunchDarkly_applies_by_itself_ours_is_off(Engine engine)
    {
        var (hub, request, approval) = await Approved(engine);
        await using var __ = hub;
        approval["approvalSettings"] = new JsonObject { ["autoApplyApprovedChanges"] = true };
        hub.Theirs.HasRead(request.ExternalId!, "approved");

        await hub.After(TimeSpan.FromMinutes(1));

        Assert.Empty(hub.Theirs.Applied);
        Assert.Equal("request.approved", (await hub.Hub.Kinds(request.Id))[^1]);
        Assert.Equal(0, await Jobs(hub));
    }

    [Theory, BothEngines]
    public async Task An_answer_that_was_lost_is_not_asked_for_by_applying_again(Engine engine)
    {
        var (hub, request, approval) = await Approved(engine);
        await using var __ = hub;
        hub.Theirs.HasRead(request.ExternalId!, "approved");
        hub.Theirs.Before = call =>
        {
            if (call.Method != "POST")
                return null;
            approval["status"] = "completed";
            return new Conduct.Resets();
        };

        await hub.After(TimeSpan.FromMinutes(1));

        Assert.Equal("request.apply_done", (await hub.Hub.Kinds(request.Id))[^1]);
        Assert.Single(hub.Theirs.Applied);
    }

    [Theory]
    [InlineData(500, "didn't confirm")]
    [InlineData(403, "no access")]
    [InlineData(404, "doesn't show")]
    [InlineData(405, "refused")]
    [InlineData(409, "refused")]
    [InlineData(429, "limits the rate")]
    public async Task What_LaunchDarkly_refuses_is_told_and_not_tried_twice(int status, string why)
    {
        var (hub, request, _) = await Approved(Engine.Sqlite);
        await using var __ = hub;
        hub.Theirs.HasRead(request.ExternalId!, "approved");
        hub.Theirs.Before = call => call.Method == "POST" ? new Conduct.Answers(status, "{}") : null;

        for (var minute = 0; minute < 6; minute++)
            await hub.After(TimeSpan.FromMinutes(1));

        Assert.Contains(why, await Failure(hub, request), StringComparison.Ordinal);
        Assert.Single(hub.Theirs.Applied);
        Assert.Equal(0, await Jobs(hub));
    }

    [Fact]
    public async Task A_conflict_is_told_whatever_the_call_was_answered_with()
    {
        var (hub, request, approval) = await Approved(Engine.Sqlite);
        await using var __ = hub;
        hub.Theirs.HasRead(request.ExternalId!, "approved");
        hub.Theirs.Before = call =>
        {
            if (call.Method != "POST")
                return null;
            approval["status"] = "failed";
            approval["conflicts"] = JsonNode.Parse("""[{"reason":"gone","instruction":{}}]""");
            return new Conduct.Answers(200, "{}");
        };

        await hub.After(TimeSpan.FromMinutes(1));

        Assert.Contains("conflicts", await Failure(hub, request), StringComparison.Ordinal);
        Assert.Single(hub.Theirs.Applied);
    }

    [Theory, BothEngines]
    public async Task A_request_that_was_withdrawn_meanwhile_is_not_applied(Engine engine)
    {
        var (hub, request, _) = await Approved(engine);
        await using var __ = hub;
        hub.Theirs.HasRead(request.ExternalId!, "approved");
        await hub.Hub.Withdraw.Run(request.Id, Some.Viewer(hub.Key), "Deleted in LaunchDarkly", default);

        await hub.After(TimeSpan.FromMinutes(1));

        Assert.Empty(hub.Theirs.Applied);
    }

    [Theory, BothEngines]
    public async Task Two_nodes_apply_once(Engine engine)
    {
        var (hub, request, _) = await Approved(engine);
        await using var __ = hub;
        hub.Theirs.HasRead(request.ExternalId!, "approved");
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var job = await hub.Hub.Store.Read(reader =>
            reader.First<Countersign.Work.Job>(
                $"SELECT {Countersign.Work.Job.Columns} FROM jobs WHERE kind = 'apply_in_launchdarkly'"
            )
        );

        // As if the claim of one had ended while it ran.
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Apply(hub).Run(job!, default)));

        Assert.Single(hub.Theirs.Applied);
    }

    private static ApplyInLaunchDarkly Apply(ConnectedHub hub) => new(hub.Hub.Store, hub.Connections, hub.Client);
}
