using Countersign.Destinations.Links;
using Countersign.Requests;
using Countersign.Tests.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>
/// A ticket is opened once: not twice because an answer was lost, a process died, or two nodes were at it.
/// </summary>
public sealed class OnceTests
{
    private static readonly (string, System.Text.Json.Nodes.JsonNode?) LookUp = (
        "~.lookupRequest",
        System.Text.Json.Nodes.JsonNode.Parse(
            """
            {"endpoint": {"url": "{{baseURL}}/find?by={{approvalId}}", "method": "GET",
             "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
             "parser": {"approvalId": "/result/0/id", "statusValue": "/result/0/state",
             "approvalMatcher": "^yes$", "rejectionMatcher": "^no$"}}
            """
        )
    );

    private static readonly string WithLookUp = Sample.With(LookUp);

    [Theory, BothEngines]
    public async Task A_lost_answer_is_looked_up_and_found(Engine engine)
    {
        await using var desk = new FakeDesk { After = call => call.Method == "POST" ? new Conduct.Resets() : null };
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk, WithLookUp);
        var request = await over.Ask();
        await over.Work();
        Assert.Equal(LinkState.Unsure, (await over.Link(request)).State);
        await over.WorkAfter(TimeSpan.FromMinutes(2));
        Assert.Equal((LinkState.Open, "T1"), ((await over.Link(request)).State, (await over.Link(request)).ExternalId));
        Assert.Single(desk.Of("POST"));
    }

    [Theory, BothEngines]
    public async Task What_never_arrived_is_looked_up_not_found_and_sent(Engine engine)
    {
        await using var desk = new FakeDesk { Before = call => call.Method == "POST" ? new Conduct.Resets() : null };
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk, WithLookUp);
        var request = await over.Ask();
        await over.Work();
        desk.Before = call => call.Method == "GET" ? new Conduct.Answers(503) : null;
        await over.WorkAfter(TimeSpan.FromMinutes(2));
        Assert.Equal(LinkState.Unsure, (await over.Link(request)).State);
        desk.Before = _ => null;
        await over.WorkAfter(TimeSpan.FromMinutes(2));
        Assert.Equal(LinkState.Open, (await over.Link(request)).State);
        Assert.Single(desk.Asks);
    }

    [Theory, BothEngines]
    public async Task Where_nothing_can_be_looked_up_an_operator_is_asked(Engine engine)
    {
        await using var desk = new FakeDesk { After = call => call.Method == "POST" ? new Conduct.Resets() : null };
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        var (exists, again, given) = (await over.Ask(), await over.Ask(), await over.Ask());
        await over.Work();
        Assert.All([exists, again, given], r => Assert.Equal(LinkState.Held, over.Link(r).Result.State));
        Assert.Contains("request.held", await over.Hub.Kinds(exists.Id));
        await over.WorkAfter(TimeSpan.FromDays(3));
        Assert.Equal(3, desk.Of("POST").Count);

        desk.After = _ => null;
        async Task<ResolveLinkOutcome> Say(ApprovalRequest request, Resolution resolution) =>
            await over.Resolve.Run((await over.Link(request)).Id, resolution, Some.Operator, default);
        Assert.IsType<ResolveLinkOutcome.NotPossible>(await Say(exists, new Resolution.Retry()));
        var id = desk.Asks.Single(a => a.Value["asked"]!["id"]!.ToString() == exists.Id.Value).Key;
        Assert.IsType<ResolveLinkOutcome.Done>(await Say(exists, new Resolution.Exists(id)));
        Assert.IsType<ResolveLinkOutcome.Done>(await Say(again, new Resolution.SendAgain()));
        Assert.IsType<ResolveLinkOutcome.Done>(await Say(given, new Resolution.GiveUp()));
        desk.Decide("yes");
        await over.Work();
        Assert.Equal(Status.Approved, (await over.Now(exists)).Status);
        Assert.Equal(4, desk.Of("POST").Count);
        Assert.Equal(
            (LinkState.Open, LinkState.Closed),
            ((await over.Link(again)).State, (await over.Link(given)).State)
        );
    }

    [Theory, BothEngines]
    public async Task A_node_that_dies_at_any_step_opens_nothing_twice(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk, WithLookUp);
        var (before, during, after) = (await over.Ask(), await over.Ask(), await over.Ask());
        await over.Follow();
        // Dead before the call left, and after the answer came but before it was recorded: both look alike in the
        // store.
        await over.DieWhileOpening(before, hasCalled: false);
        foreach (var request in new[] { during, after })
            await over.DieWhileOpening(request, hasCalled: true);
        Assert.Equal(2, desk.Asks.Count);

        await using var other = await over.AnotherNode();
        await other.Work();
        Assert.Equal(2, desk.Calls.Count);
        for (var i = 0; i < 3; i++)
            await other.WorkAfter(TimeSpan.FromMinutes(3));
        foreach (var request in new[] { before, during, after })
            Assert.Equal(LinkState.Open, (await over.Link(request)).State);
        Assert.Equal(3, desk.Asks.Count);
        Assert.Equal(3, desk.Of("POST").Count);
    }

    [Theory, BothEngines]
    public async Task A_ticket_that_was_opened_by_a_run_whose_claim_ended_is_not_forgotten(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await using var other = await over.AnotherNode();
        await over.Destination(desk);
        var request = await over.Ask();
        await over.Follow();
        var (arrived, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        desk.After = _ =>
        {
            arrived.TrySetResult();
            goOn.Task.GetAwaiter().GetResult();
            return null;
        };
        var slow = over.Worker.Drain();
        await arrived.Task.Soon();
        // The node stood still for so long that another took the job, and holds the link for a person.
        over.Hub.Clock.Advance(TimeSpan.FromMinutes(3));
        await other.Worker.Drain().Soon();
        Assert.Equal(LinkState.Held, (await over.Link(request)).State);

        goOn.SetResult();
        await slow.Soon();
        Assert.Equal((LinkState.Open, "T1"), ((await over.Link(request)).State, (await over.Link(request)).ExternalId));
        desk.After = _ => null;
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromMinutes(6));
        Assert.Equal(Status.Approved, (await over.Now(request)).Status);
        Assert.Single(desk.Of("POST"));
    }

    [Theory, BothEngines]
    public async Task Two_nodes_open_each_ticket_once(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        await using var other = await over.AnotherNode();
        for (var i = 0; i < 60; i++)
            await over.Ask();
        await over.Follow();
        await Task.WhenAll(over.Worker.Drain(), other.Worker.Drain());
        await over.Work();
        Assert.Equal((60, 60), (desk.Of("POST").Count, desk.Asks.Count));
    }

    [Theory, BothEngines]
    public async Task No_more_than_32_calls_at_a_time_and_a_slow_destination_holds_up_no_other(Engine engine)
    {
        var (now, most) = (0, 0);
        var open = new TaskCompletionSource();
        await using var slow = new FakeDesk
        {
            Before = _ =>
            {
                most = Math.Max(most, Interlocked.Increment(ref now));
                open.Task.GetAwaiter().GetResult();
                Interlocked.Decrement(ref now);
                return null;
            },
        };
        await using var quick = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(
            Sample.Text,
            new Dictionary<string, string> { ["baseURL"] = slow.BaseUrl },
            new Dictionary<string, string> { ["apiKey"] = "k-123" },
            "Slow"
        );
        await over.Destination(quick);
        for (var i = 0; i < 40; i++)
            await over.Ask(destination: "Slow");
        var other = await over.Ask();
        await over.Follow();
        var working = over.Worker.Drain();
        await Eventually.True(
            async () => (await over.Link(other)).State == LinkState.Open,
            "the quick one is done while the slow one is busy"
        );
        open.SetResult();
        await working;
        await over.Work();
        Assert.InRange(most, 1, 32);
        Assert.Equal(40, slow.Asks.Count);
    }

    [Theory, BothEngines]
    public async Task A_system_that_takes_our_id_is_asked_by_it(Engine engine)
    {
        // As custom approvals do: the body says our id, the answer repeats it.
        var manifest = Sample.With(
            ("~.creationRequest.parser.approvalId", "/id"),
            ("~.creationRequest.parser.statusValue", "/state")
        );
        Assert.True(Sample.Read(manifest).CanLookUp);
        Assert.False(Sample.Read(Sample.Text).CanLookUp);
        var there = false;
        await using var desk = new FakeDesk();
        desk.Before = call =>
            call.Method switch
            {
                "POST" when !there => Arrive(),
                "GET" => there ? new Conduct.Answers(200, """{"state":"open"}""") : new Conduct.Answers(404, "{}"),
                _ => null,
            };
        Conduct Arrive()
        {
            there = true;
            return new Conduct.Answers(200, "<html>Bad gateway, but it is there</html>");
        }
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk, manifest);
        var request = await over.Ask();
        await over.Work();
        await over.WorkAfter(TimeSpan.FromMinutes(2));
        Assert.Equal(
            (LinkState.Open, request.Id.Value),
            ((await over.Link(request)).State, (await over.Link(request)).ExternalId)
        );
        Assert.Single(desk.Of("POST"));
    }

    [Theory, BothEngines]
    public async Task A_plain_refusal_is_told_to_the_operator_and_a_busy_system_is_asked_again(Engine engine)
    {
        await using var desk = new FakeDesk
        {
            Before = _ => new Conduct.Answers(422, """{"error":"no such template"}"""),
        };
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        var refused = await over.Ask();
        await over.Work();
        Assert.Equal(
            (LinkState.Held, "It responded with 422."),
            ((await over.Link(refused)).State, (await over.Link(refused)).Problem)
        );
        desk.Before = _ => new Conduct.Answers(429, "", "Retry-After: 600\r\n");
        var busy = await over.Ask();
        await over.Work();
        Assert.Equal(
            (LinkState.New, TimeSpan.FromMinutes(10)),
            ((await over.Link(busy)).State, (await over.Link(busy)).DueAt!.Value - over.Hub.Clock.Now)
        );
        desk.Before = _ => null;
        await over.WorkAfter(TimeSpan.FromMinutes(11));
        Assert.Equal(LinkState.Open, (await over.Link(busy)).State);
    }
}
