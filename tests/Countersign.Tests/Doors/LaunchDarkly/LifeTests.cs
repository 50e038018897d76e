using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Xunit;
using static Countersign.Requests.Answer;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>
/// An approval from creation to its end, with everything that may come twice, too early, too late or at once.
/// </summary>
public sealed class LifeTests
{
    [Theory, BothEngines]
    public async Task Trap_21_a_burst_of_polls_around_a_creation_is_answered_truly(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var polls = Enumerable.Range(0, 25).Select(_ => host.Side.Status()).ToList();
        var creation = host.Side.Create(LaunchDarklySide.Body());
        polls.AddRange(Enumerable.Range(0, 25).Select(_ => host.Side.Status()));
        Assert.Equal(201, (await creation).Status);
        foreach (var poll in await Task.WhenAll(polls))
        {
            if (poll.Status == 404)
                poll.Refuses(404, "not_found");
            else
                Assert.Equal((200, "pending"), (poll.Status, poll.Value()));
        }
        // Polling leaves no trace.
        Assert.Equal(["request.submitted"], await host.Hub.Kinds((await host.Request()).Id));
    }

    [Theory, BothEngines]
    public async Task Trap_21_23_whoever_has_heard_of_a_decision_reads_it_in_the_next_poll_however_many_poll(
        Engine engine
    )
    {
        await using var host = await LaunchDarklyHost.Start(engine, 1, ("RateLimit:PerKeyPerMinute", "0"));
        for (var round = 0; round < 20; round++)
        {
            var id = $"round-{round}";
            await host.Side.Create(LaunchDarklySide.Body(id));
            using var decided = new CancellationTokenSource();
            var pollers = Enumerable
                .Range(0, 4)
                .Select(async _ =>
                {
                    var read = new List<string>();
                    while (!decided.IsCancellationRequested)
                        read.Add((await host.Side.Status(id)).Value());
                    return read;
                })
                .ToList();
            Assert.Equal("pending", (await host.Side.Status(id)).Value());
            await host.Approve(host.People[0], id);
            Assert.Equal("approved", (await host.Side.Status(id)).Value());
            await host.Side.Cancel(id);
            Assert.Equal("cancelled", (await host.Side.Status(id)).Value());
            await decided.CancelAsync();
            foreach (var read in await Task.WhenAll(pollers))
            {
                // Never back to what was before.
                string[] course = ["pending", "approved", "cancelled"];
                Assert.Equal(read.OrderBy(value => Array.IndexOf(course, value)), read);
            }
        }
    }

    [Theory, BothEngines]
    public async Task What_another_process_writes_is_polled_within_a_moment(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        Assert.Equal("pending", (await host.Side.Status()).Value());
        var request = await host.Request();
        await new Decide(await host.Hub.Place.OpenAnother()).Run(
            request.Id,
            Some.Viewer(host.People[0]),
            Approve,
            "",
            request.Digest,
            default
        );
        await Eventually.True(async () => (await host.Side.Status()).Value() == "approved", "the decision is polled");
    }

    [Theory, BothEngines]
    public async Task Trap_24_a_creation_that_comes_again_is_known_and_64_at_once_are_one(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 64).Select(_ => host.Side.Create(LaunchDarklySide.Body()))
        );
        Assert.Equal((1, 63), (answers.Count(a => a.Status == 201), answers.Count(a => a.Status == 200)));
        Assert.Single(answers.Select(a => a.Text).Distinct());
        Assert.Equal(
            (1, 1, 1),
            (
                await host.Hub.Place.Count("requests"),
                await host.Hub.Place.Count("revisions"),
                await host.Hub.Place.Number("SELECT count(*) FROM events WHERE kind = 'request.submitted'")
            )
        );

        await host.Answer(host.People[0], Reject);
        var again = await host.Side.Create(LaunchDarklySide.Body());
        Assert.Equal((200, "declined"), (again.Status, again.Value()));
    }

    [Theory, BothEngines]
    public async Task Trap_24_other_content_while_it_waits_is_a_new_revision_and_earlier_answers_count_no_longer(
        Engine engine
    )
    {
        await using var host = await LaunchDarklyHost.Start(engine, need: 2);
        await host.Side.Create(LaunchDarklySide.Body());
        var first = await host.Request();
        await host.Approve(host.People[0]);

        var changed = LaunchDarklySide.Body();
        changed["details"] = "Created approval request: less glare at night\nRequested change is:\nTurn off the flag";
        var revised = await host.Side.Create(changed);
        Assert.Equal(
            (200, "pending", "0 of 2 approvals, waiting for SRE"),
            (revised.Status, revised.Value(), revised.Display())
        );
        await host.Approve(host.People[1]);
        Assert.Equal("1 of 2 approvals, waiting for SRE", (await host.Side.Status()).Display());
        Assert.Equal(
            ["request.submitted", "request.answered", "request.revised", "request.answered"],
            await host.Hub.Kinds(first.Id)
        );
        Assert.Equal(2, await host.Hub.Place.Count("revisions"));

        // An answer to what was read before says so.
        Assert.IsType<DecideOutcome.Changed>(
            await host.Hub.Answer(first, host.People[2], Approve, digest: first.Digest)
        );
        await host.Approve(host.People[0]);
        Assert.Equal("approved", (await host.Side.Status()).Value());
    }

    [Theory, BothEngines]
    public async Task Trap_24_other_content_once_it_is_settled_is_refused_without_a_status_and_on_record(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        await host.Approve(host.People[0]);
        var before = await host.Request();
        var changed = LaunchDarklySide.Body();
        changed["comment"] = "something else entirely";
        (await host.Side.Create(changed)).Refuses(409, "already_settled");

        var after = await host.Request();
        Assert.Equal(
            (before.Digest, before.Revision, Status.Approved, before.Subject),
            (after.Digest, after.Revision, after.Status, after.Subject)
        );
        Assert.Equal("request.conflicted", (await host.Hub.Kinds(after.Id))[^1]);
        Assert.Equal(1, await host.Hub.Place.Number("SELECT count(*) FROM events WHERE kind = 'request.conflicted'"));
        Assert.Equal("approved", (await host.Side.Status()).Value());
    }

    [Theory, BothEngines]
    public async Task Trap_25_what_an_answer_says_is_on_record_before_it_leaves(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        // Read by another connection, as after a crash.
        await host.Side.Create(LaunchDarklySide.Body());
        var elsewhere = await host.Hub.Place.OpenAnother();
        Assert.Equal(
            1,
            await elsewhere.Read(r => r.Number("SELECT count(*) FROM events WHERE kind = 'request.submitted'"))
        );
        await host.Approve(host.People[0]);
        Assert.Equal("approved", (await host.Side.Status()).Value());
        Assert.Equal(
            1,
            await elsewhere.Read(r => r.Number("SELECT count(*) FROM events WHERE kind = 'request.approved'"))
        );
        await host.Side.Apply();
        Assert.Equal(
            1,
            await elsewhere.Read(r => r.Number("SELECT count(*) FROM events WHERE kind = 'request.applied'"))
        );
    }

    /// <summary>
    /// What comes, and what LaunchDarkly reads after each: p(ending), a(pproved), d(eclined), c(ancelled).
    /// </summary>
    public static TheoryData<Engine, string, string, string> Courses()
    {
        (string Steps, string Reads, string Kinds)[] courses =
        [
            ("cancel cancel", "c c", "withdrawn withdrawal_refused"),
            ("approve cancel cancel", "a c c", "approved withdrawn withdrawal_refused"),
            ("approve apply apply cancel", "a a a a", "approved applied withdrawal_refused"),
            ("approve cancel apply", "a c c", "approved withdrawn breached"),
            ("reject cancel", "d d", "rejected withdrawal_refused"),
            ("reject apply apply cancel", "d d d d", "rejected breached withdrawal_refused"),
            ("apply approve", "p a", "breached approved"),
            ("apply reject", "p d", "breached rejected"),
            ("apply cancel approve cancel", "p p a a", "breached withdrawal_refused approved withdrawal_refused"),
            ("cancel apply", "c c", "withdrawn breached"),
            ("cancel approve reject", "c c c", "withdrawn"),
            ("approve reject", "a a", "approved"),
            ("approve create create", "a a a", "approved"),
            ("cancel create", "c c", "withdrawn"),
        ];
        var data = new TheoryData<Engine, string, string, string>();
        foreach (var (steps, reads, kinds) in courses)
            data.Add(Engine.Sqlite, steps, reads, kinds);
        data.Add(Engine.Postgres, courses[2].Steps, courses[2].Reads, courses[2].Kinds);
        data.Add(Engine.Postgres, courses[5].Steps, courses[5].Reads, courses[5].Kinds);
        return data;
    }

    [Theory, MemberData(nameof(Courses), DisableDiscoveryEnumeration = true)]
    public async Task Trap_23_26_whatever_comes_in_whatever_order_is_200_and_the_truth(
        Engine engine,
        string steps,
        string reads,
        string kinds
    )
    {
        if (engine == Engine.Postgres && PostgresServer.Missing is { } missing)
            Assert.Skip(missing);
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        var read = new List<char>();
        foreach (var step in steps.Split(' '))
        {
            var answer = step switch
            {
                "apply" => await host.Side.Apply(),
                "cancel" => await host.Side.Cancel(),
                "create" => await host.Side.Create(LaunchDarklySide.Body()),
                _ => null,
            };
            if (answer is null)
                await host.Answer(host.People[0], step == "approve" ? Approve : Reject);
            else
                Assert.Equal((200, (await host.Side.Status()).Text), (answer.Status, answer.Text));
            read.Add((await host.Side.Status()).Value()[0]);
        }
        Assert.Equal(reads, string.Join(' ', read));
        Assert.Equal(
            "request.submitted " + string.Join(' ', kinds.Split(' ').Select(k => "request." + k)),
            string.Join(' ', await host.Hub.Kinds((await host.Request()).Id))
        );
        Assert.Null(
            (await host.Request()) is { Status: Status.Approved } or { AppliedAt: null } ? null
            : (await host.Request()).BreachedAt is null ? "applied without an approval, and no breach"
            : null
        );
    }

    [Theory, BothEngines]
    public async Task Trap_26_an_unknown_id_is_told_to_whoever_applies_it_and_never_stands_in_the_way_of_a_deletion(
        Engine engine
    )
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        (await host.Side.Apply()).Refuses(404, "not_found");
        var cancelled = await host.Side.Cancel();
        Assert.Equal((200, "cancelled", "Cancelled"), (cancelled.Status, cancelled.Value(), cancelled.Display()));
        Assert.Equal(200, (await host.Side.Cancel("%01odd")).Status);
        (await host.Side.Status()).Refuses(404, "not_found");
        Assert.Equal(0, await host.Hub.Place.Count("requests"));
    }

    [Theory, BothEngines]
    public async Task Trap_26_applying_and_cancelling_at_once_end_in_one_truth(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        for (var round = 0; round < 10; round++)
        {
            var id = $"round-{round}";
            await host.Side.Create(LaunchDarklySide.Body(id));
            await host.Approve(host.People[0], id);
            var answers = await Task.WhenAll(
                host.Side.Apply(id),
                host.Side.Cancel(id),
                host.Side.Cancel(id),
                host.Side.Apply(id)
            );
            Assert.All(answers, a => Assert.Equal(200, a.Status));
            var end = await host.Request(id);
            Assert.NotNull(end.AppliedAt);
            // Applied first: it stays so. Cancelled first: applying it was a breach.
            Assert.Equal(end.Status == Status.Approved, end.BreachedAt is null);
            Assert.Equal(end.Status.ToLaunchDarkly(), (await host.Side.Status(id)).Value());
        }
    }

    [Theory, BothEngines]
    public async Task Trap_30_who_decides_what_was_cancelled_meanwhile_is_told_so(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        using var ann = await host.Host.Person(host.People[0]);
        await host.Side.Create(LaunchDarklySide.Body());
        var request = await host.Request();
        await host.Side.Cancel();
        var late = await ann.Post(
            $"/api/v1/requests/{request.Id}/decisions",
            new { answer = "approve", digest = request.Digest }
        );
        Assert.Equal((409, "already_settled"), (late.Status, late.Code));
        Assert.Contains("withdrawn", late["detail"], StringComparison.Ordinal);

        for (var round = 0; round < 10; round++)
        {
            var id = $"round-{round}";
            await host.Side.Create(LaunchDarklySide.Body(id));
            await Task.WhenAll(host.Side.Cancel(id), host.Approve(host.People[0], id));
            Assert.Equal(Status.Withdrawn, (await host.Request(id)).Status);
        }
    }

    [Theory, BothEngines]
    public async Task Trap_31_a_quorum_counts_people_and_the_latest_that_each_said(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine, need: 3);
        var (ann, ben, cem) = (host.People[0], host.People[1], host.People[2]);
        foreach (
            var (id, course, end) in new (string, (Person, Requests.Answer)[], string)[]
            {
                ("same-twice", [(ann, Approve), (ann, Approve), (ben, Approve)], "2 of 3 approvals, waiting for SRE"),
                (
                    "changed-mind",
                    [(ann, Approve), (ann, Abstain), (ben, Approve), (cem, Approve)],
                    "2 of 3 approvals, waiting for SRE. Blocked: SRE needs 1 more eligible reviewer (Ann "
                        + "hasn't approved). "
                        + "Add 1 person to the group SRE"
                ),
                (
                    "back-again",
                    [(ann, Abstain), (ann, Approve), (ben, Approve), (cem, Approve)],
                    "Approved by Ann, Ben and 1 more"
                ),
                ("one-no", [(ann, Approve), (ben, Approve), (cem, Reject)], "Declined by Cem"),
                ("no-of-the-same", [(ann, Approve), (ann, Reject)], "Declined by Ann"),
                (
                    "only-abstain",
                    [(ann, Abstain), (ben, Abstain), (cem, Abstain)],
                    "0 of 3 approvals, waiting for SRE. Blocked: SRE needs 3 more eligible reviewers (Ann "
                        + "hasn't approved, Ben "
                        + "hasn't approved and Cem hasn't approved). Add 3 people to the group SRE"
                ),
            }
        )
        {
            await host.Side.Create(LaunchDarklySide.Body(id));
            foreach (var (person, answer) in course)
                await host.Answer(person, answer, id);
            Assert.Equal(end, (await host.Side.Status(id)).Display());
        }

        await host.Side.Create(LaunchDarklySide.Body("disabled"));
        await host.Approve(ann, "disabled");
        await host.Hub.Disable(ann);
        Assert.Equal(
            "0 of 3 approvals, waiting for SRE. Blocked: SRE needs 1 more eligible reviewer (Ann is "
                + "disabled). Add 1 person to "
                + "the group SRE",
            (await host.Side.Status("disabled")).Display()
        );
    }

    [Theory, BothEngines]
    public async Task Trap_29_members_are_everyone_who_may_be_asked_each_under_a_name_of_their_own(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        foreach (
            var (email, name) in new[]
            {
                ("ann2@example.test", "Ann"),
                ("ann3@example.test", "ann"),
                ("gone@example.test", "Gone"),
                ("sly@example.test", "Ann (ann2@example.test)"),
                ("o'brien@example.test", "Pat \"O\" <b>"),
            }
        )
        {
            Some.Done(await host.Hub.People.Add(email, name, Role.Agent, null, Some.Operator, default));
        }
        await host.Hub.People.Disable("gone@example.test", Some.Operator, default);
        await host.Host.Noticed();
        var answer = await host.Side.Members();
        Assert.Equal((200, "application/json"), (answer.Status, answer.MediaType));
        var members = answer.Json["members"]!
            .AsArray()
            .Select(m => (Name: m!["name"]!.GetValue<string>(), Email: m["email"]!.GetValue<string>()))
            .ToList();
        Assert.Equal(
            [
                "Ann@example.test",
                "Ben@example.test",
                "Cem@example.test",
                "Rita.Roe@example.test",
                "ann2@example.test",
                "ann3@example.test",
                "o'brien@example.test",
                "sly@example.test",
            ],
            members.Select(m => m.Email).Order(StringComparer.Ordinal)
        );
        Assert.Equal(members.Count, members.Select(m => m.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal(("Ann (Ann@example.test)", "Ben"), (members[0].Name, members[1].Name));
        Assert.Equal(answer.Text, (await host.Side.Members()).Text);
    }

    [Fact]
    public async Task Trap_29_thousands_of_members_are_one_list()
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        host.Hub.Place.IsTampered = true;
        await host.Hub.Store.InTransaction(async tx =>
        {
            await tx.Execute(
                """
                INSERT INTO people (email, email_key, name, role, created_at)
                WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000)
                SELECT 'p' || n || '@example.test', 'p' || n || '@example.test', 'Person ' || (n % 1000), 'end-user',
                @now
                FROM numbers
                """,
                new { now = tx.Now }
            );
            await tx.Signal(PeopleDirectory.Signal);
        });
        await host.Host.Noticed();
        var names = (await host.Side.Members()).Json["members"]!
            .AsArray()
            .Select(m => m!["name"]!.GetValue<string>())
            .ToList();
        Assert.Equal((5_004, 5_004), (names.Count, names.Distinct().Count()));
    }
}
