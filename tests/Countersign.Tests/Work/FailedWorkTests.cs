using System.Security.Cryptography;
using Countersign.Audit;
using Countersign.Destinations.Links;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Destinations;
using Countersign.Tests.Outcomes;
using Countersign.Work;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// One piece of work that throws, for each worker: its row was changed past the hub so that it cannot be read. Its
/// neighbours go on, it is tried again later and later and then set aside, and an admin retries it.
/// </summary>
public sealed class FailedWorkTests
{
    private const string Broken = "{broken";

    /// <summary>Longer than any wait between two attempts.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromHours(3);

    private const string File = """
        version: 1
        policies:
          - name: short
            steps: [ { name: devs, from: { people: [Ann@example.test] } } ]
            expire: { after: 1h }
        """;

    [Theory, BothEngines]
    public async Task An_event_that_cannot_be_told_holds_up_only_its_own_subject_and_not_for_ever(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        over.Hub.Place.IsTampered = true;
        await over.Destination(desk);
        // What was once read of a policy is remembered, so nothing else may have this one.
        var poisoned = await over.Hub.Ask(
            new Policy($"elsewhere {RandomNumberGenerator.GetHexString(12)}", []) { Destination = HandedOver.Name }
        );
        var neighbour = await over.Ask();
        var stamp = await Change(
            over.Hub,
            "stamps",
            "policy",
            Broken,
            "hash = (SELECT stamp FROM requests WHERE id = @id)",
            poisoned.Id
        );
        await over.Work();
        Assert.Equal(LinkState.Open, (await over.Link(neighbour)).State);
        Assert.Empty(await over.Links(poisoned));

        // What comes later of the same subject waits behind it, while it is tried again.
        await over.Hub.Store.InTransaction(async tx =>
        {
            var head = await tx.Append(
                poisoned.Id.Subject,
                poisoned.Head,
                Some.Origin,
                "request.commented",
                new { n = 1, text = "Is it there yet?" }
            );
            await tx.Execute(
                "UPDATE requests SET events = @n, head = @hash WHERE id = @id",
                new
                {
                    n = head.Count,
                    hash = head.Hash,
                    id = poisoned.Id,
                }
            );
        });
        await over.Work();
        Assert.Equal(["behind 0", "waiting 1"], await States());
        for (var attempt = 2; attempt <= RetrySchedule.Default.Steps.Count; attempt++)
            await over.WorkAfter(Long);
        Assert.Equal(["dead 8"], await States());
        Assert.Equal(
            poisoned.Id.Subject,
            await over.Hub.Place.Text("SELECT subject FROM jobs WHERE kind = 'destinations'")
        );

        // Set aside it stays, until someone has mended the cause and says so.
        await over.WorkAfter(Long);
        Assert.Empty(await over.Links(poisoned));
        await Change(
            over.Hub,
            "stamps",
            "policy",
            stamp,
            "hash = (SELECT stamp FROM requests WHERE id = @id)",
            poisoned.Id
        );
        var key = await over.Hub.Place.Text("SELECT key FROM jobs WHERE kind = 'destinations'");
        Assert.True(await over.Hub.Store.InTransaction(tx => Jobs.Reschedule(tx, "destinations", key!, tx.Now)));
        await over.Work();
        Assert.Equal(LinkState.Open, (await over.Link(poisoned)).State);
        Assert.Empty(await States());

        async Task<List<string>> States() =>
            (
                await over.Hub.Store.Read(r =>
                    r.All<Told>(
                        "SELECT state || ' ' || attempts AS text FROM jobs WHERE kind = 'destinations' ORDER BY state"
                    )
                )
            ).ConvertAll(t => t.Text);
    }

    [Theory, BothEngines]
    public async Task What_is_due_and_throws_keeps_nothing_else_from_happening(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await hub.Hub.AddPeople("Ann");
        await hub.Set(File);
        var (poisoned, neighbour) = (await hub.Ask(), await hub.Ask());
        var created = await Change(hub.Hub, "requests", "created_at", "soon", "id = @id", poisoned.Id);
        await hub.Wait(TimeSpan.FromHours(1));
        Assert.Equal(Status.Rejected, (await hub.Find(neighbour)).Status);
        for (var attempt = 2; attempt <= RetrySchedule.Default.Steps.Count; attempt++)
            await hub.Wait(Long);
        var failed = Assert.Single(await SetAside(hub.Hub));
        Assert.Equal(("expire", $"request:{poisoned.Id}"), (failed.Kind, failed.Subject));
        Assert.Contains("soon", failed.Error, StringComparison.Ordinal);
        Assert.IsType<WorkOutcome.Refused>(await hub.Hub.Work.Discard(failed.Id, Some.Operator, default));

        await Change(hub.Hub, "requests", "created_at", created, "id = @id", poisoned.Id);
        await hub.Wait(Long);
        Assert.Equal(Status.Active, (await hub.Find(poisoned)).Status);
        Assert.IsType<WorkOutcome.Done>(await hub.Hub.Work.Retry(failed.Id, Some.Operator, default));
        await hub.Wait(TimeSpan.Zero);
        Assert.Equal(
            (Status.Rejected, "Expired after 1 h"),
            (await hub.Find(poisoned)) is var now ? (now.Status, now.Display) : default
        );
        Assert.Empty(await SetAside(hub.Hub));
        Assert.IsType<WorkOutcome.NotFound>(await hub.Hub.Work.Retry(failed.Id, Some.Operator, default));
    }

    [Theory, BothEngines]
    public async Task A_reminder_or_escalation_that_throws_keeps_no_other_from_being_sent(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        hub.Hub.Place.IsTampered = true;
        await hub.Hub.AddPeople("Ann", "Ben");
        await hub.Set(
            """
            version: 1
            policies:
              - name: timed
                steps: [ { name: devs, from: { people: [Ann@example.test] } } ]
                remind: { after: 10m }
                escalate: { after: 20m, to: { people: [Ben@example.test] } }
            """
        );
        var (poisoned, neighbour) = (await hub.Ask(), await hub.Ask());
        await Change(hub.Hub, "requests", "created_at", "soon", "id = @id", poisoned.Id);
        await hub.Wait(TimeSpan.FromMinutes(30));
        Assert.Equal(
            ["request.escalated", "request.reminded"],
            (await hub.Kinds(neighbour)).Where(k => k is "request.reminded" or "request.escalated").Order()
        );
        for (var attempt = 2; attempt <= RetrySchedule.Default.Steps.Count; attempt++)
            await hub.Wait(Long);
        Assert.Equal(
            ["escalate", "remind"],
            (await SetAside(hub.Hub)).Where(j => j.Subject == poisoned.Id.Subject).Select(j => j.Kind).Order()
        );
    }

    [Theory, BothEngines]
    public async Task An_absence_that_cannot_begin_or_end_keeps_no_other_from_it(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        hub.Hub.Place.IsTampered = true;
        var people = await hub.Hub.AddPeople("Ann", "Ben");
        var now = hub.Hub.Store.Now;
        foreach (var person in people)
        {
            Some.Done(
                await hub.Absences.Set(person.Email!, now.AddHours(1), now.AddHours(2), null, Some.Operator, default)
            );
        }
        // The next event of the first person collides with the one that is there.
        await hub.Hub.Place.Tamper($"UPDATE event_heads SET n = n - 1 WHERE subject = 'person:{people[0].Id}'");
        await hub.Wait(TimeSpan.FromHours(1.5));
        await hub.Wait(TimeSpan.FromHours(1));
        var told = (await hub.Hub.Place.Events($"person:{people[1].Id}")).Select(e => e.Kind);
        Assert.Equal(["person.absence_began", "person.absence_ended"], told.TakeLast(2));
        for (var attempt = 2; attempt <= RetrySchedule.Default.Steps.Count; attempt++)
            await hub.Wait(Long);
        Assert.All(await SetAside(hub.Hub), job => Assert.Equal($"person:{people[0].Id}", job.Subject));
        Assert.NotEmpty(await SetAside(hub.Hub));
    }

    [Theory, BothEngines]
    public async Task A_request_that_cannot_be_read_keeps_no_other_from_being_found_blocked(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var ann = (await hub.Hub.AddPeople("Ann"))[0];
        await hub.Set(File);
        var (poisoned, neighbour) = (await hub.Ask(), await hub.Ask());
        var created = await Change(hub.Hub, "requests", "created_at", "soon", "id = @id", poisoned.Id);
        await hub.Hub.Disable(ann);
        await hub.Looking.Drain();
        Assert.NotNull((await hub.Find(neighbour)).Stuck);
        var failed = Assert.Single((await hub.Hub.Work.List("failing", "look_for_blocked", null, default)).Jobs);
        Assert.Equal(poisoned.Id.Subject, failed.Subject);
        await Change(hub.Hub, "requests", "created_at", created, "id = @id", poisoned.Id);
        Assert.IsType<WorkOutcome.Done>(await hub.Hub.Work.Retry(failed.Id, Some.Operator, default));
        await hub.Looking.Drain();
        Assert.NotNull((await hub.Find(poisoned)).Stuck);
        Assert.Empty((await hub.Hub.Work.List("failing", null, null, default)).Jobs);
    }

    [Theory, BothEngines]
    public async Task A_request_that_cannot_be_read_keeps_no_other_from_being_weighed_without_a_disabled_person(
        Engine engine
    )
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Cem");
        var two = Some.Policy(Some.Step("two", 2, [.. people.Select(p => p.AsApprover)]));
        var (poisoned, neighbour, ofBen) = (await hub.Hub.Ask(two), await hub.Hub.Ask(two), await hub.Hub.Ask(two));
        foreach (var request in new[] { poisoned, neighbour })
            await hub.Hub.Approve(request, people[0]);
        await hub.Hub.Approve(ofBen, people[1]);
        var created = await Change(hub.Hub, "requests", "created_at", "soon", "id = @id", poisoned.Id);
        await Assert.ThrowsAsync<FormatException>(() => hub.Hub.Disable(people[0]));
        Assert.Contains("request.reweighed", await hub.Kinds(neighbour));

        await hub.Clockwork.Drain();
        await hub.Hub.Disable(people[1]);
        Assert.Contains("request.reweighed", await hub.Kinds(ofBen));
        for (var attempt = 2; attempt <= RetrySchedule.Default.Steps.Count; attempt++)
            await hub.Wait(Long);
        var failed = Assert.Single(await SetAside(hub.Hub));
        Assert.Equal(("reweigh", $"person:{people[0].Id}"), (failed.Kind, failed.Subject));
        Assert.IsType<WorkOutcome.Refused>(await hub.Hub.Work.Discard(failed.Id, Some.Operator, default));

        await Change(hub.Hub, "requests", "created_at", created, "id = @id", poisoned.Id);
        Assert.IsType<WorkOutcome.Done>(await hub.Hub.Work.Retry(failed.Id, Some.Operator, default));
        await hub.Wait(TimeSpan.Zero);
        Assert.Contains("request.reweighed", await hub.Kinds(poisoned));
        Assert.Single(await hub.Kinds(neighbour), kind => kind == "request.reweighed");
        Assert.Empty(await SetAside(hub.Hub));
    }

    [Theory, BothEngines]
    public async Task A_link_that_cannot_be_read_or_recorded_keeps_no_other_from_being_looked_after(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(engine);
        over.Hub.Place.IsTampered = true;
        await over.Destination(desk);
        var (unreadable, unsayable, neighbour) = (await over.Ask(), await over.Ask(), await over.Ask());
        await over.Follow();
        await Change(over.Hub, "links", "created_at", "soon", "request_id = @id", unreadable.Id);
        await Change(over.Hub, "revisions", "facts", Broken, "request_id = @id", unsayable.Id);
        await over.Work();
        Assert.Equal(LinkState.Open, (await over.Link(neighbour)).State);
        Assert.Contains("can't be read", (await over.Link(unsayable)).Problem, StringComparison.Ordinal);
        const string setAside = "SELECT count(*) FROM jobs WHERE state = 'dead' AND subject = @subject";
        Assert.Equal(1, await over.Hub.Place.Number(setAside, new { subject = unreadable.Id.Subject }));

        // Answered, while the request to which the answer belongs became unreadable.
        var unrecordable = await over.Ask();
        await over.Work();
        desk.Decide("yes");
        var created = await Change(over.Hub, "requests", "created_at", "soon", "id = @id", unrecordable.Id);
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(Status.Approved, (await over.Now(neighbour)).Status);
        for (var attempt = 2; attempt <= RetrySchedule.Default.Steps.Count; attempt++)
            await over.WorkAfter(Long);
        Assert.Equal(1, await over.Hub.Place.Number(setAside, new { subject = unrecordable.Id.Subject }));
        Assert.Contains("FormatException", (await over.Link(unrecordable)).Problem, StringComparison.Ordinal);
        await Change(over.Hub, "requests", "created_at", created, "id = @id", unrecordable.Id);
        var link = (await over.Link(unrecordable)).Id;
        Assert.IsType<ResolveLinkOutcome.Done>(
            await over.Resolve.Run(link, new Resolution.Retry(), Some.Operator, default)
        );
        await over.Work();
        Assert.Equal(Status.Approved, (await over.Now(unrecordable)).Status);
    }

    [Theory, BothEngines]
    public async Task A_delivery_that_cannot_be_recorded_is_sent_again_and_then_failed_while_others_arrive(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        await using var failing = new Receiver(_ => new Conduct.Answers(500, ""));
        await using var well = new Receiver(_ => new Conduct.Answers(200, ""));
        using var news = new News(hub);
        var hook = await news.Hook(failing);
        await news.Hook(well);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        await news.Expand();
        await hub.Store.InTransaction(async tx =>
            await tx.Execute(
                "UPDATE endpoints SET failures = 1, failing_since = 'soon' WHERE name = @name",
                new { name = $"webhook:{hook.Id}" }
            )
        );
        for (var attempt = 1; attempt <= RetrySchedule.Default.Steps.Count; attempt++)
        {
            await news.Go();
            hub.Clock.Advance(Long);
        }
        Assert.Single(well.Calls);
        Assert.Equal(RetrySchedule.Default.Steps.Count, failing.Calls.Count);
        var failed = Assert.Single(await SetAside(hub));
        Assert.Equal(("delivery", request.Id.Subject), (failed.Kind, failed.Subject));
        Assert.Equal(1, await hub.Store.Read(r => r.Number("SELECT count(*) FROM deliveries WHERE state = 'failed'")));
    }

    [Theory, BothEngines]
    public async Task People_groups_and_sources_that_cannot_be_read_are_nobody_and_the_others_are_known(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        hub.Place.IsTampered = true;
        var people = await hub.AddPeople("Ann", "Ben");
        var (good, bad) = (await hub.AddSource("good"), await hub.AddSource("bad"));
        var form = await hub.AddSource("form");
        await hub.Tokens.Add(people[0].Email!, Some.Operator, default);
        await hub.Store.InTransaction(async tx =>
        {
            await tx.Execute("UPDATE people SET created_at = 'soon' WHERE id = @id", new { id = people[0].Id });
            await tx.Execute("UPDATE sources SET created_at = 'soon' WHERE id = @id", new { id = bad.Id });
            await tx.Execute("INSERT INTO source_forms (source_id, variables) VALUES (@id, '{')", new { id = form.Id });
        });
        using var directory = new PeopleDirectory(hub.Store);
        var snapshot = await directory.Refresh();
        Assert.Null(snapshot.FindPerson(people[0].Email!));
        Assert.Empty(snapshot.Tokens);
        Assert.NotNull(snapshot.FindPerson(people[1].Email!));
        Assert.Equal(good.Id, snapshot.SourcesByKey.Values.Single(s => s.Name is "good" or "bad" or "form").Id);
        Assert.Equal(3, snapshot.Unreadable.Count);
    }

    [Theory, BothEngines]
    public async Task A_last_use_that_cannot_be_written_keeps_no_other_from_it(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var source = await hub.AddSource("pipeline");
        using var uses = new LastUse(hub.Store, NullLogger<LastUse>.Instance);
        uses.Note("token:not a number");
        uses.Note($"source:{source.Id}");
        await uses.WriteOnce();
        Assert.Equal(
            1,
            await hub.Store.Read(r =>
                r.Number(
                    "SELECT count(*) FROM sources WHERE id = @id AND last_used_at IS NOT NULL",
                    new { id = source.Id }
                )
            )
        );
    }

    /// <summary>
    /// A server starts on a store with all of that, stays up, serves, and says what waits for an admin.
    /// </summary>
    [Theory, BothEngines]
    public async Task A_server_starts_on_it_stays_up_and_says_what_is_set_aside(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        hub.Place.IsTampered = true;
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var expiring = Some.Policy(ada.AsApprover) with { Expire = new Expiry(TimeSpan.FromHours(1)) };
        var (poisoned, neighbour) = (await hub.Ask(expiring), await hub.Ask(expiring));
        var bad = await hub.AddPerson("Bad");
        await hub.Store.InTransaction(async tx =>
        {
            await tx.Execute("UPDATE requests SET created_at = 'soon' WHERE id = @id", new { id = poisoned.Id });
            await tx.Execute("UPDATE people SET created_at = 'soon' WHERE id = @id", new { id = bad.Id });
            await tx.Execute(
                "UPDATE events SET data = '{broken' WHERE subject = @subject",
                new { subject = poisoned.Id.Subject }
            );
            await tx.Execute(
                "UPDATE jobs SET state = 'dead', attempts = 8, error = 'soon' WHERE kind = 'expire' AND key = @id",
                new { id = poisoned.Id }
            );
        });
        hub.Clock.Advance(TimeSpan.FromHours(1));
        await using var host = await ApiHost.Start(hub);
        await Eventually.True(
            async () => (await hub.Find(neighbour.Id)).Status == Status.Rejected,
            "the neighbour expires"
        );
        using var nobody = host.Nobody();
        var ready = await nobody.Get("/health/ready");
        Assert.Equal((200, "degraded"), (ready.Status, ready["status"]));
        Assert.Equal(1, (await Inspection.Of(hub.Place.Options, hub.Clock, default)).SetAside);

        using var browser = await host.SignIn(ada);
        var page = await browser.Get("/work");
        Assert.Contains("Set aside", page.Text, StringComparison.Ordinal);
        var job = Assert.Single(await SetAside(hub)).Id;
        Assert.Contains(
            "ends with it",
            (await browser.Submit("/work", "/work", ("id", $"{job}"), ("do", "discard"))).Text,
            StringComparison.Ordinal
        );
        await Change(hub, "requests", "created_at", Instant.ToText(poisoned.CreatedAt), "id = @id", poisoned.Id);
        await browser.Submit("/work", "/work", ("id", $"{job}"), ("do", "retry"));
        await Eventually.True(
            async () => (await hub.Find(poisoned.Id)).Status == Status.Rejected,
            "the retried one expires"
        );
        await Eventually.True(
            async () => !(await nobody.Get("/health/ready")).Text.Contains("Jobs", StringComparison.Ordinal),
            "only the person and the broken event are left"
        );
    }

    [Fact]
    public async Task A_loop_survives_whatever_its_rounds_throw()
    {
        using var end = new CancellationTokenSource();
        var rounds = 0;
        await new WorkLoop("test", NullLogger.Instance, TimeSpan.FromMilliseconds(1))
            .Run(
                _ => Task.CompletedTask,
                async _ =>
                {
                    switch (++rounds)
                    {
                        case 1:
                            throw new InvalidOperationException("A mistake of ours.");
                        case 2:
                            throw new StoreUnavailable("The store rests.");
                        case 3:
                            throw new OperationCanceledException("Some other end.");
                        case 4:
                            break;
                        default:
                            await end.CancelAsync();
                            break;
                    }
                },
                end.Token
            )
            .Soon();
        Assert.Equal(5, rounds);
    }

    /// <summary>Writes past the hub; what stood there before.</summary>
    private static Task<string> Change(
        TestHub hub,
        string table,
        string column,
        string value,
        string where,
        RequestId id
    ) =>
        hub.Store.InTransaction(async tx =>
        {
            var before = await tx.Text($"SELECT {column} FROM {table} WHERE {where}", new { id });
            await tx.Execute($"UPDATE {table} SET {column} = @value WHERE {where}", new { value, id });
            return before!;
        });

    private static async Task<IReadOnlyList<WorkItem>> SetAside(TestHub hub) =>
        (await hub.Work.List("set_aside", null, null, default)).Jobs;

    private sealed class Told
    {
        public required string Text { get; init; }
    }
}
