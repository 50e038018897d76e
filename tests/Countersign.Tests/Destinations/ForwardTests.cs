using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Policies;
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
        Assert.Equal(
            (LinkState.Open, "T1", $"{desk.BaseUrl}/show?id=T1", "open", "New"),
            (link.State, link.ExternalId, link.Url, link.Value, link.Display)
        );
        Assert.Equal(
            (request.Id.Value, "Turn on dark mode"),
            (desk.Asks["T1"]["asked"]!["id"]!.ToString(), desk.Asks["T1"]["asked"]!["title"]!.ToString())
        );

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

    [Theory]
    [InlineData(SentBy.Api, Certainty.Proven, "Ann@example.test")]
    [InlineData(SentBy.LaunchDarkly, Certainty.Proven, "Ann@example.test")]
    [InlineData(SentBy.LaunchDarkly, Certainty.Claimed, "ben@example.test")]
    public async Task Whom_the_hub_knows_as_requester_is_named_whatever_the_facts_say(
        SentBy sentBy,
        Certainty certainty,
        string named
    )
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(
            Some.Policy(ann.AsApprover),
            s =>
                s with
                {
                    SentBy = sentBy,
                    Facts = """{"requester.email":"ben@example.test"}""",
                    Requester = new Requester(ann.Id, ann.Name, [ann.Id], certainty),
                }
        );
        var forwarded = await ForwardedRequests.Of(
            hub.Store,
            Sample.Read(Sample.Text),
            request.Id,
            1,
            "https://approvals.example.com",
            default
        );
        Assert.Equal(named, forwarded!.Member!.Email);
    }

    /// <summary>As after an outage: the destination is asked before the timekeeper comes by.</summary>
    [Theory, BothEngines]
    public async Task An_approval_after_the_expiry_does_not_count_and_is_on_record(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        var request = await over.Hub.Ask(HandedOver.LeftTo() with { Expire = new Expiry(TimeSpan.FromHours(72)) });
        await over.Work();
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromHours(72));
        var now = await over.Now(request);
        Assert.Equal((Status.Rejected, "Expired after 72 h"), (now.Status, now.Display));
        Assert.Equal(
            ["request.submitted", "request.linked", "request.rejected", "request.answer_refused"],
            await over.Hub.Kinds(request.Id)
        );
        Assert.Contains("count", (await over.Link(request)).Problem, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task An_answer_to_a_link_whose_id_was_changed_past_the_hub_does_not_count(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        over.Hub.Place.IsTampered = true;
        await over.Destination(desk);
        var (request, other) = (await over.Ask(), await over.Ask());
        await over.Work();
        var (mine, theirs) = ((await over.Link(request)).ExternalId!, (await over.Link(other)).ExternalId!);
        desk.Asks[theirs]["state"] = "yes";
        await over.Hub.Store.InTransaction(async tx =>
            await tx.Execute("UPDATE links SET external_id = @theirs WHERE external_id = @mine", new { mine, theirs })
        );
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(Status.Approved, (await over.Now(other)).Status);
        Assert.Equal(Status.Active, (await over.Now(request)).Status);
        Assert.Equal("request.answer_refused", (await over.Hub.Kinds(request.Id))[^1]);
    }

    [Theory, BothEngines]
    public async Task An_answer_that_is_ambiguous_or_fits_by_accident_does_not_approve(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        // Unanchored, as in manifests that were written in a hurry.
        await over.Destination(desk, Sample.With(("~.statusRequest.parser.approvalMatcher", "yes")));
        var request = await over.Ask();
        await over.Work();
        string[] answers =
        [
            """{"state":"open","state":"yes"}""",
            """{"state":"yes","state":"open"}""",
            """{"state":"yes","\u0073tate":"yes"}""",
            """{"state":"not yes"}""",
            """{"state":"yesterday"}""",
            """{"state":["yes"]}""",
            """{"state":{"value":"yes"}}""",
            """{"state":"YES"}""",
            """{"State":"yes"}""",
            """{"state":null,"result":"yes"}""",
            """{"state":"yes","text":"\ud83d","text":"x"}""",
            """{"state":"yes\ud83d"}""",
            """[{"state":"yes"}]""",
            """{"state":"yes"} {"state":"no"}""",
        ];
        foreach (var answer in answers)
        {
            desk.Before = call => call.Method == "GET" ? new Conduct.Answers(200, answer) : null;
            await over.WorkAfter(TimeSpan.FromHours(2));
            Assert.True((await over.Now(request)).Status == Status.Active, answer);
        }
        desk.Before = _ => null;
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromHours(2));
        Assert.Equal(Status.Approved, (await over.Now(request)).Status);
    }

    [Theory, BothEngines]
    public async Task An_id_never_changes_where_credentials_are_sent(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var elsewhere = new Receiver(_ => new Conduct.Answers(200, """{"state":"yes"}"""));
        await using var over = await HandedOver.Start(engine);
        await over.Destination(desk);
        string[] ids =
        [
            "../../../admin/keys",
            "..",
            ".",
            " . ",
            "x/../../y",
            "T1?state=Done",
            "T1#x",
            "%2e%2e%2fadmin",
            "..%2fadmin",
            @"..\admin",
            $"http://127.0.0.1:{elsewhere.Port}/x",
            $"//127.0.0.1:{elsewhere.Port}/x",
            $"@127.0.0.1:{elsewhere.Port}/",
            "T1\r\nX-Evil: 1",
            "T\u00001",
            new string('T', 201),
        ];
        foreach (var id in ids)
        {
            desk.Before = call =>
                call.Method == "POST"
                    ? new Conduct.Answers(
                        201,
                        System.Text.Json.JsonSerializer.Serialize(
                            new
                            {
                                result = new[]
                                {
                                    new
                                    {
                                        id,
                                        state = "open",
                                        text = "New",
                                    },
                                },
                            }
                        )
                    )
                    : null;
            var request = await over.Ask();
            await over.Work();
            var link = await over.Link(request);
            Assert.True(
                link is { State: LinkState.Held, ExternalId: null }
                    && link.Problem!.Contains("ID in the response", StringComparison.Ordinal),
                $"{id}: {link}"
            );
            await over.Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
            await over.WorkAfter(TimeSpan.FromMinutes(1));
        }
        Assert.All(desk.Calls, call => Assert.Equal(("POST", "/asks"), (call.Method, call.Path)));
        Assert.Empty(elsewhere.Calls);
    }

    [Theory, BothEngines]
    public async Task An_id_with_unusual_characters_is_escaped_for_its_place(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        await over.Destination(
            desk,
            Sample.With(("~.deletionRequest.endpoint.url", "{{baseURL}}/cancel?id={{context.approvalId}}&sure=1"))
        );
        desk.Before = call => new Conduct.Answers(
            200,
            call.Method == "POST" ? """{"result":[{"id":"A b&c=é:1","state":"open"}]}""" : """{"state":"open"}"""
        );
        var request = await over.Ask();
        await over.Work();
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal("/asks/A%20b%26c%3D%C3%A9%3A1", desk.Of("GET")[^1].Path);
        Assert.EndsWith("/show?id=A%20b%26c%3D%C3%A9%3A1", (await over.Link(request)).Url, StringComparison.Ordinal);
        await over.Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
        await over.Work();
        Assert.Equal("/cancel?id=A%20b%26c%3D%C3%A9%3A1&sure=1", Assert.Single(desk.Of("DELETE")).Path);
    }

    /// <summary>What an answer or a request says may be part of an address, and no more than a part.</summary>
    [Theory, BothEngines]
    public async Task Other_values_of_an_answer_or_a_request_never_change_where_credentials_are_sent(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var elsewhere = new Receiver(_ => new Conduct.Answers(200, """{"state":"yes"}"""));
        await using var over = await HandedOver.Start(engine);
        await over.Destination(
            desk,
            Sample.With(
                (
                    "~.statusRequest.endpoint.url",
                    "{{baseURL}}/asks/{{creationResponseBody.number}}/of/{{pathEncode creationResponseBody.kind}}"
                ),
                ("~.deletionRequest.endpoint.url", "{{creationResponseBody.self}}")
            )
        );
        desk.Before = call =>
            call.Method == "POST"
                ? new Conduct.Answers(
                    201,
                    $$"""
                    {"result":[{"id":"T1","state":"open"}],"number":7,"kind":"../../x",
                    "self":"http://127.0.0.1:{{elsewhere.Port}}/x"}
                    """
                )
                : null;
        var request = await over.Ask();
        await over.Work();
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(LinkState.Held, (await over.Link(request)).State);
        await over.Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.All(desk.Calls, call => Assert.Equal("POST", call.Method));
        Assert.Empty(elsewhere.Calls);
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
        Assert.Equal(
            (Status.Rejected, "Declined by Desk: no"),
            ((await over.Now(request)).Status, (await over.Now(request)).Display)
        );
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
        await over.Hub.Submit.Run(
            Some.Submission(HandedOver.LeftTo()).Saying("Turn it off again") with
            {
                ExternalId = request.ExternalId,
            },
            Some.Origin,
            null,
            default
        );
        over.Hub.Clock.Advance(TimeSpan.FromMinutes(10));
        await over.Worker.Drain();
        Assert.Equal(Status.Active, (await over.Now(request)).Status);

        await over.Work();
        Assert.Equal(Status.Active, (await over.Now(request)).Status);
        Assert.Equal("/asks/T1", Assert.Single(desk.Of("DELETE")).Path);
        var links = await over.Links(request);
        Assert.Equal(
            [(2, LinkState.Open, "T2"), (1, LinkState.Closed, "T1")],
            links.Select(l => (l.Revision, l.State, l.ExternalId ?? ""))
        );
        Assert.Equal(
            ("Turn it off again", $"{request.Id}-2"),
            (desk.Asks["T2"]["asked"]!["title"]!.ToString(), desk.Asks["T2"]["asked"]!["id"]!.ToString())
        );
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
        await over.Destination(
            desk,
            Sample.With(
                ("~.creationRequest.parser.approvalMatcher", "^open$"),
                ("~.statusRequest.endpoint.url", "{{baseURL}}/asks/404")
            )
        );
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
            new Conduct.Answers(404, "{}"),
            new Conduct.Answers(500, "yes"),
            new Conduct.Answers(200, "<html>yes</html>", "Content-Type: text/html\r\n"),
            new Conduct.Answers(200, """{"state":["yes"]}"""),
            new Conduct.Answers(200, ""),
            new Conduct.Answers(302, "", "Location: http://127.0.0.1:1/yes\r\n"),
            new Conduct.Resets(),
            new Conduct.Floods(),
            new Conduct.Drips(),
            new Conduct.Hangs(),
            new Conduct.CutsShort("""{"state":"yes"}"""),
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
        await over.Destination(
            desk,
            Sample.With(
                ("~.statusRequest.parser.approvalMatcher", "ye"),
                ("~.statusRequest.parser.rejectionMatcher", "es")
            )
        );
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
        Assert.InRange(
            (await over.Link(request)).DueAt!.Value - over.Hub.Clock.Now,
            TimeSpan.FromSeconds(5),
            TimeSpan.FromSeconds(40)
        );
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
        await over.Destination(
            desk,
            Sample.With(("~.deletionRequest.endpoint.url", "{{baseURL}}/asks/{{creationResponseBody.result.[0].id}}"))
        );
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
