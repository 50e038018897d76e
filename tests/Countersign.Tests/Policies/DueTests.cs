using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>Reminders, escalation and expiry: durable, once, on whichever node.</summary>
public sealed class DueTests
{
    private const string File = """
        version: 1
        policies:
          - name: patient
            when: { environment: [production] }
            steps:
              - { name: devs, need: 1, from: { people: [Ann@example.test] } }
              - { name: ops, need: 1, from: { people: [Ben@example.test] } }
            remind: { after: 1h, every: 4h }
            escalate: { after: 24h, to: { people: [Mia@example.test] } }
            expire: { after: 72h }
          - name: short
            steps: [ { name: devs, from: { people: [Ann@example.test] } } ]
            expire: { after: 1h, as: withdrawn }
        """;

    private const string Production = """{"environment":"production"}""";

    [Theory, BothEngines]
    public async Task Who_keeps_a_step_waiting_is_reminded_in_the_rhythm_of_the_policy(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Mia");
        await hub.Set(File);
        var request = await hub.Ask(Production);
        await hub.Wait(TimeSpan.FromMinutes(59));
        Assert.Equal(["request.submitted"], await hub.Kinds(request));
        await hub.Wait(TimeSpan.FromMinutes(1));
        await hub.Wait(TimeSpan.FromHours(4));
        Assert.Equal(["request.submitted", "request.reminded", "request.reminded"], await hub.Kinds(request));
        // A server that was off for half a day reminds once, and then goes on in its rhythm.
        await hub.Wait(TimeSpan.FromHours(13));
        Assert.Equal(3, (await hub.Kinds(request)).Count(k => k == "request.reminded"));
        Assert.Equal(
            "2026-03-05T02:06:07.089Z",
            await hub.Hub.Place.Text("SELECT due_at FROM jobs WHERE kind = 'remind'")
        );
        // The next step begins to count when it opens.
        await hub.Hub.Approve(request, people[0]);
        await hub.Wait(TimeSpan.FromMinutes(59));
        Assert.Equal("request.step_opened", (await hub.Kinds(request))[^1]);
        await hub.Wait(TimeSpan.FromMinutes(1));
        var last = (await hub.Hub.Place.Events(request.Id.Subject))[^1];
        Assert.Equal(
            ("request.reminded", """{"step":1,"stepName":"ops"}""", "hub"),
            (last.Kind, last.Data, last.Actor)
        );
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task A_step_that_waits_too_long_opens_to_those_to_whom_the_policy_escalates(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Mia");
        await hub.Set(File);
        var request = await hub.Ask(Production);
        Assert.IsType<DecideOutcome.NotFound>(await hub.Hub.Approve(request, people[2]));
        await hub.Wait(TimeSpan.FromHours(24));
        Assert.Equal("0 of 2 approvals, waiting for Ann or Mia", (await hub.Find(request)).Display);
        Assert.Equal([$"person:{people[0].Id}", $"person:{people[2].Id}"], await hub.Hub.WaitsFor(request.Id));
        Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Approve(request, people[2]));
        // The second step has its own day.
        await hub.Wait(TimeSpan.FromHours(24));
        Assert.Equal("1 of 2 approvals, waiting for Ben or Mia", (await hub.Find(request)).Display);
        Assert.Equal(2, (await hub.Kinds(request)).Count(k => k == "request.escalated"));
        // Mia has filled a slot, and nobody fills two.
        Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Answer(request, people[2], Answer.Approve, "again"));
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, people[1]));
        Assert.Null(await hub.Proof());
        Assert.Equal(0, await hub.Hub.Planned());
    }

    [Theory, BothEngines]
    public async Task A_question_whose_time_is_over_becomes_what_its_policy_says(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Mia");
        await hub.Set(File);
        var (rejected, withdrawn, late) = (await hub.Ask(Production), await hub.Ask(), await hub.Ask());
        hub.Hub.Clock.Advance(TimeSpan.FromHours(1));
        // Whoever answers too late does not have to wait for the clock-work to hear it.
        Assert.Equal(
            Status.Withdrawn,
            Assert.IsType<DecideOutcome.AlreadySettled>(await hub.Hub.Approve(late, people[0])).Request.Status
        );
        await hub.Clockwork.Drain();
        await hub.Wait(TimeSpan.FromHours(71));
        Assert.Equal(
            (Status.Rejected, "Expired after 72 h"),
            (await hub.Find(rejected)) is var r ? (r.Status, r.Display) : default
        );
        Assert.Equal(
            (Status.Withdrawn, "Expired after 1 h"),
            (await hub.Find(withdrawn)) is var w ? (w.Status, w.Display) : default
        );
        Assert.Equal(["request.submitted", "request.withdrawn"], await hub.Kinds(late));
        Assert.Empty(await hub.Hub.WaitsFor(rejected.Id));
        Assert.Equal(0, await hub.Hub.Planned());
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task Nodes_that_are_all_at_it_do_each_thing_once_and_a_clock_that_jumps_back_nothing_twice(
        Engine engine
    )
    {
        await using var hub = await PolicyHub.Start(engine);
        await hub.Hub.AddPeople("Ann", "Ben", "Mia");
        await hub.Set(File);
        var requests = new List<ApprovalRequest>();
        for (var i = 0; i < 6; i++)
            requests.Add(await hub.Ask(Production));
        hub.Hub.Clock.Advance(TimeSpan.FromHours(25));
        var another = PolicyHub.ClockworkOn(await hub.Hub.Place.OpenAnother());
        await Task.WhenAll(
                Enumerable
                    .Range(0, 3)
                    .SelectMany(_ => new[] { Task.Run(() => hub.Clockwork.Drain()), Task.Run(() => another.Drain()) })
            )
            .Soon();
        hub.Hub.Clock.Advance(TimeSpan.FromHours(-25));
        await hub.Clockwork.Drain();
        hub.Hub.Clock.Advance(TimeSpan.FromHours(25));
        await hub.Clockwork.Drain();
        foreach (var request in requests)
        {
            Assert.Equal(
                ["request.escalated", "request.reminded", "request.submitted"],
                (await hub.Kinds(request)).Order()
            );
        }
        another.Dispose();
    }

    [Theory, BothEngines]
    public async Task What_is_settled_revised_or_gone_is_due_no_more(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Mia");
        await hub.Set(File);
        var (settled, revised) = (await hub.Ask(Production), await hub.Ask(Production));
        await hub.Hub.Reject(settled, people[0]);
        await hub.Wait(TimeSpan.FromMinutes(30));
        await hub.Hub.Submit.Run(
            Some.Submission(revised.Policy).Saying("Something else") with
            {
                ExternalId = revised.ExternalId,
            },
            Some.Origin,
            null,
            default
        );
        await hub.Wait(TimeSpan.FromMinutes(45));
        Assert.Equal(["request.submitted", "request.revised"], await hub.Kinds(revised));
        await hub.Wait(TimeSpan.FromMinutes(15));
        Assert.Equal(["request.submitted", "request.revised", "request.reminded"], await hub.Kinds(revised));
        Assert.Equal(["request.submitted", "request.rejected"], await hub.Kinds(settled));
        Assert.Null(await hub.Proof());
    }

    /// <summary>A day is 24 hours, also on the one in March that the clocks on the wall make 23 of.</summary>
    [Theory, BothEngines]
    public async Task Due_times_do_not_move_when_the_clocks_on_the_wall_do(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await hub.Hub.AddPeople("Ann", "Ben", "Mia");
        await hub.Set(File);
        foreach (
            var (start, escalates) in new[]
            {
                ("2026-03-28T23:30:00Z", "2026-03-29T23:30:00.000Z"),
                ("2026-10-24T23:30:00Z", "2026-10-25T23:30:00.000Z"),
            }
        )
        {
            hub.Hub.Clock.Now = DateTimeOffset.Parse(start, System.Globalization.CultureInfo.InvariantCulture);
            var request = await hub.Ask(Production);
            Assert.Equal(
                escalates,
                await hub.Hub.Place.Text(
                    "SELECT due_at FROM jobs WHERE kind = 'escalate' AND subject = @s",
                    new { s = request.Id.Subject }
                )
            );
        }
    }

    [Theory, BothEngines]
    public async Task A_server_does_by_itself_what_is_due(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        await host.Hub.AddPeople("Ann", "Ben", "Mia");
        using var admin = await host.Person(await host.Hub.AddPerson("Ada", Role.Admin));
        Assert.Equal(200, (await admin.Put("/api/v1/policies", new { text = File })).Status);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        var asked = await source.Post("/api/v1/requests", new { subject = "May it?" });
        Assert.Equal("2026-03-04T06:06:07.089Z", asked["expiresAt"]);
        host.Hub.Clock.Advance(TimeSpan.FromHours(1));
        await Eventually.True(
            async () => (await source.Get($"/api/v1/requests/{asked["id"]}"))["status"] == "withdrawn",
            "the request expires"
        );
    }
}
