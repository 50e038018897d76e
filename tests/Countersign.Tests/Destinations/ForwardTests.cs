using Countersign.Destinations.Links;
using Countersign.Requests;
using Countersign.Tests.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>A request that another system decides: handed over, looked after, answered, passed on.</summary>
public sealed class ForwardTests
{
    [Theory, BothEngines]
    public async Task A_question_is_opened_looked_after_and_approved(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        var request = await over.Ask();
        Assert.Equal((Status.Active, "Waiting for Desk"), (request.Status, request.Display));

        await over.Work();
        var link = await over.Link(request);
        Assert.Equal((LinkState.Open, "T1", $"{desk.BaseUrl}/show?id=T1", "open", "New"), (link.State, link.ExternalId, link.Url, link.Value, link.Display));
        Assert.Equal((request.Id.Value, "Turn on dark mode"), (desk.Asks["T1"]["asked"]!["id"]!.ToString(), desk.Asks["T1"]["asked"]!["title"]!.ToString()));

        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(Status.Active, (await over.Now(request)).Status);
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromMinutes(6));
        var approved = await over.Now(request);
        Assert.Equal((Status.Approved, "Approved by Desk: yes"), (approved.Status, approved.Display));
        Assert.Equal(["request.submitted", "request.linked", "request.approved"], await over.Hub.Kinds(request.Id));

        // Nothing is asked any more until the change is applied, which is passed on.
        var calls = desk.Calls.Count;
        await over.WorkAfter(TimeSpan.FromDays(1));
        Assert.Equal(calls, desk.Calls.Count);
        await over.Hub.MarkApplied.Run(request.Id, Viewer.Hub(Some.Origin), default);
        await over.Work();
        Assert.Equal("/asks/T1?state=Done", Assert.Single(desk.Of("PATCH")).Path);
        Assert.Equal(LinkState.Closed, (await over.Link(request)).State);
    }

    [Theory, BothEngines]
    public async Task A_refusal_there_is_a_refusal_here(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        var request = await over.Ask();
        await over.Work();
        desk.Decide("no");
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal((Status.Rejected, "Declined by Desk: no"), ((await over.Now(request)).Status, (await over.Now(request)).Display));
        Assert.Empty(desk.Of("DELETE"));
    }

    [Theory, BothEngines]
    public async Task A_withdrawal_is_passed_on(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        var (asked, neverSent) = (await over.Ask(), await over.Ask());
        await over.Hub.Withdraw.Run(neverSent.Id, Viewer.Hub(Some.Origin), "", default);
        await over.Work();
        await over.Hub.Withdraw.Run(asked.Id, Viewer.Hub(Some.Origin), "", default);
        await over.Work();
        Assert.Single(desk.Of("POST"));
        Assert.Single(desk.Of("DELETE"));
        Assert.Equal(LinkState.Closed, (await over.Link(asked)).State);
        Assert.Empty(await over.Links(neverSent));
    }

    [Theory, BothEngines]
    public async Task Another_content_cancels_the_old_question_and_its_answer_never_counts(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        var request = await over.Ask();
        await over.Work();
        // Says yes to the first content at the very moment in which it is revised.
        desk.Asks["T1"]["state"] = "yes";
        await over.Hub.Submit.Run(Some.Submission(HandedOver.LeftTo()).Saying("Turn it off again") with { ExternalId = request.ExternalId }, Some.Origin, null, default);
        over.Hub.Clock.Advance(TimeSpan.FromMinutes(10));
        await over.Forwarder.Drain(default);
        Assert.Equal(Status.Active, (await over.Now(request)).Status);

        await over.Work();
        Assert.Equal(Status.Active, (await over.Now(request)).Status);
        Assert.Equal("/asks/T1", Assert.Single(desk.Of("DELETE")).Path);
        var links = await over.Links(request);
        Assert.Equal([(2, LinkState.Open, "T2"), (1, LinkState.Closed, "T1")], links.Select(l => (l.Revision, l.State, l.ExternalId ?? "")));
        Assert.Equal(("Turn it off again", $"{request.Id}-2"), (desk.Asks["T2"]["asked"]!["title"]!.ToString(), desk.Asks["T2"]["asked"]!["id"]!.ToString()));
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(Status.Approved, (await over.Now(request)).Status);
    }

    [Theory, BothEngines]
    public async Task Trap_43_nothing_that_goes_wrong_later_undoes_or_settles_anything(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        // Approved at its creation, by a system whose status page is not there at all.
        await over.Destination(desk, Sample.With(("~.creationRequest.parser.approvalMatcher", "^open$"), ("~.statusRequest.endpoint.url", "{{baseURL}}/asks/404")));
        var request = await over.Ask();
        await over.Work();
        Assert.Equal(Status.Approved, (await over.Now(request)).Status);
        await over.WorkAfter(TimeSpan.FromDays(1));
        Assert.Equal(Status.Approved, (await over.Now(request)).Status);
        Assert.Equal("approved", (await over.Link(request)).Answer);
    }

    [Theory, BothEngines]
    public async Task Trap_43_no_failure_of_a_look_settles_a_request(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine, HandedOver.Loopback(TimeSpan.FromSeconds(1)));
        await over.Destination(desk);
        var request = await over.Ask();
        await over.Work();
        Conduct[] troubles =
        [
            new Conduct.Answers(404, "{}"), new Conduct.Answers(500, "yes"), new Conduct.Answers(200, "<html>yes</html>", "Content-Type: text/html\r\n"), new Conduct.Answers(200, """{"state":["yes"]}"""),
            new Conduct.Answers(200, ""), new Conduct.Answers(302, "", "Location: http://127.0.0.1:1/yes\r\n"), new Conduct.Resets(), new Conduct.Floods(), new Conduct.Drips(), new Conduct.Hangs(), new Conduct.CutsShort("""{"state":"yes"}"""),
            new Conduct.Answers(429, "", "Retry-After: 7200\r\n"),
        ];
        foreach (var trouble in troubles)
        {
            desk.Before = _ => trouble;
            await over.WorkAfter(TimeSpan.FromHours(2));
            Assert.Equal(Status.Active, (await over.Now(request)).Status);
            Assert.NotNull((await over.Link(request)).Problem);
        }
        // Asked to wait for two hours, it waits one: the longest that anything waits.
        var due = (await over.Link(request)).DueAt!.Value - over.Hub.Clock.Now;
        Assert.Equal(TimeSpan.FromHours(1), due);

        desk.Before = _ => null;
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromHours(2));
        Assert.Equal((Status.Approved, null), ((await over.Now(request)).Status, (await over.Link(request)).Problem));
    }

    [Theory, BothEngines]
    public async Task Both_patterns_matching_declines_and_says_why(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk, Sample.With(("~.statusRequest.parser.approvalMatcher", "ye"), ("~.statusRequest.parser.rejectionMatcher", "es")));
        var request = await over.Ask();
        await over.Work();
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(Status.Rejected, (await over.Now(request)).Status);
        Assert.Contains("matches both patterns", (await over.Link(request)).Problem, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Looks_become_rarer_and_something_happening_brings_the_next_one_forward(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        var request = await over.Ask();
        await over.Work();
        for (var i = 0; i < 6; i++)
            await over.WorkAfter(TimeSpan.FromMinutes(6));
        var usual = (await over.Link(request)).DueAt!.Value - over.Hub.Clock.Now;
        Assert.InRange(usual, TimeSpan.FromMinutes(4.4), TimeSpan.FromMinutes(5.6));

        var looks = desk.Of("GET").Count;
        await over.Hub.Comment.Run(request.Id, Viewer.Hub(Some.Origin), "Have you seen this?", default);
        await over.Work();
        Assert.Equal(looks + 1, desk.Of("GET").Count);
        Assert.InRange((await over.Link(request)).DueAt!.Value - over.Hub.Clock.Now, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(40));
    }

    [Theory, BothEngines]
    public async Task A_destination_that_comes_later_gets_what_has_waited_for_it(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        var request = await over.Ask();
        await over.Work();
        Assert.Empty(await over.Links(request));
        await over.Destination(desk);
        await over.Work();
        Assert.Equal(LinkState.Open, (await over.Link(request)).State);
    }

    [Theory, BothEngines]
    public async Task Trap_44_the_answer_to_the_creation_is_there_after_a_restart(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk, Sample.With(("~.deletionRequest.endpoint.url", "{{baseURL}}/asks/{{creationResponseBody.result.[0].id}}")));
        var request = await over.Ask();
        await over.Work();
        await over.Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
        await using var restarted = await over.AnotherNode();
        await restarted.WorkAfter(TimeSpan.FromDays(100));
        Assert.Equal("/asks/T1", Assert.Single(desk.Of("DELETE")).Path);
    }

    [Theory, BothEngines]
    public async Task Paused_nothing_leaves_and_resumed_everything_does(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        await over.Add.Pause(HandedOver.Name, pause: true, Some.Operator, default);
        await over.Ask();
        await over.Work();
        Assert.Empty(desk.Calls);
        await over.Add.Pause(HandedOver.Name, pause: false, Some.Operator, default);
        await over.Work();
        Assert.Single(desk.Calls);
    }

    [Theory, BothEngines]
    public async Task A_destination_that_does_not_answer_for_an_hour_is_reported_once(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        await over.Ask();
        await over.Work();
        desk.Before = _ => new Conduct.Answers(502);
        for (var i = 0; i < 4; i++)
            await over.WorkAfter(TimeSpan.FromHours(2));
        Assert.Equal(1, await over.Hub.Place.Number("SELECT count(*) FROM events WHERE kind = 'destination.dead'"));
        desk.Before = _ => null;
        await over.WorkAfter(TimeSpan.FromHours(2));
        Assert.Null((await over.Book.Find(HandedOver.Name, default))!.FailingSince);
    }
}
