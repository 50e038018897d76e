using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>People are away, and somebody they chose answers for them: that one and nobody further.</summary>
public sealed class AbsenceTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>
    /// Who asks; then who is away with whom as stand-in, who answers, and what comes of it. SRE are Ann and Cleo, two
    /// are needed.
    /// </summary>
    public static TheoryData<Engine, string, string, string[]> Stories
    {
        get
        {
            var stories = new TheoryData<Engine, string, string, string[]>();
            foreach (var engine in new[] { Engine.Sqlite, Engine.Postgres })
            {
                stories.Add(
                    engine,
                    "The stand-in answers for the absent",
                    "Rita",
                    [
                        "Ann leaves to Ben",
                        "Ben approves → 1 of 2 approvals, waiting for SRE",
                        "Cleo approves → Approved by Ben for Ann and Cleo",
                    ]
                );
                stories.Add(engine, "Nobody else does", "Rita", ["Ann leaves to Ben", "Dan approves → NotFound"]);
                stories.Add(
                    engine,
                    "Before and after the absence the stand-in is nobody",
                    "Rita",
                    ["Ben approves → NotFound", "Ann leaves to Ben", "Ann returns", "Ben approves → NotFound"]
                );
                stories.Add(
                    engine,
                    "Whoever asks stands in for nobody",
                    "Ben",
                    ["Ann leaves to Ben", "Ben approves → requester_may_not_decide"]
                );
                stories.Add(
                    engine,
                    "Nobody stands in for whoever asks",
                    "Ann",
                    ["Ann leaves to Ben", "Ben approves → NotFound"]
                );
                stories.Add(
                    engine,
                    "There are no chains",
                    "Rita",
                    [
                        "Ben leaves to Dan",
                        "Ann leaves to Eve",
                        "Eve leaves to Dan",
                        "Dan approves → NotFound",
                        "Eve approves → NotFound",
                    ]
                );
                stories.Add(
                    engine,
                    "Two who stand in for each other stand in for nobody",
                    "Rita",
                    ["Ann leaves to Cleo", "Cleo cannot leave to Ann"]
                );
                stories.Add(
                    engine,
                    "A stand-in who is in the group fills one slot, as everybody does",
                    "Rita",
                    [
                        "Ann leaves to Cleo",
                        "Cleo approves → 1 of 2 approvals, waiting for SRE",
                        "Cleo approves → 1 of 2 approvals, waiting for SRE",
                    ]
                );
                stories.Add(
                    engine,
                    "Who comes back answers for themself",
                    "Rita",
                    [
                        "Ann leaves to Ben",
                        "Ben approves → 1 of 2 approvals, waiting for SRE",
                        "Ann abstains → 0 of 2 approvals, waiting for SRE. Blocked: SRE needs 1 more "
                            + "eligible reviewer (Ann is "
                            + "out of office). Add 1 person to the group SRE, or wait for "
                            + "Ann, who is back on 2026-03-05",
                        "Ben approves → not_an_approver",
                    ]
                );
                stories.Add(
                    engine,
                    "A no for somebody is a no",
                    "Rita",
                    ["Ann leaves to Ben", "Ben rejects → Declined by Ben for Ann"]
                );
            }
            return stories;
        }
    }

    [Theory, MemberData(nameof(Stories), DisableDiscoveryEnumeration = false)]
    public async Task Story(Engine engine, string title, string requester, string[] course)
    {
        Assert.SkipWhen(engine == Engine.Postgres && PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await using var hub = await PolicyHub.Start(engine);
        var people = (await hub.Hub.AddPeople("Ann", "Ben", "Cleo", "Dan", "Eve", "Rita")).ToDictionary(p => p.Name);
        var sre = await hub.Hub.AddGroup("SRE", people["Ann"], people["Cleo"]);
        var request = await hub.Hub.Ask(
            Some.Policy(Some.Step("SRE", 2, sre.AsApprover)),
            s => s.AskedBy(people[requester])
        );
        foreach (var line in course)
        {
            var words = line.Split(" → ")[0].Split(' ');
            if (words[1] == "returns")
            {
                await hub.Absences.Cancel(people[words[0]].Email!, Some.Operator, default);
                continue;
            }
            if (words is [var who, "leaves" or "cannot", .., "to", var standIn])
            {
                var outcome = await hub.Absences.Set(
                    people[who].Email!,
                    hub.Hub.Clock.Now,
                    hub.Hub.Clock.Now + Day,
                    people[standIn].Email,
                    Some.Operator,
                    default
                );
                Assert.True(
                    outcome is AccessOutcome<Absence>.Done == (words[1] == "leaves"),
                    $"{title}: {line}: {outcome}"
                );
                continue;
            }
            var answered = await hub.Hub.Answer(
                request,
                people[words[0]],
                words[1] switch
                {
                    "approves" => Answer.Approve,
                    "rejects" => Answer.Reject,
                    _ => Answer.Abstain,
                }
            );
            var said = answered switch
            {
                DecideOutcome.Recorded { Request: var r } => r.Display,
                DecideOutcome.Settled { Request: var r } => r.Display,
                DecideOutcome.NotAllowed { Rule: var rule } => rule,
                _ => answered.GetType().Name,
            };
            Assert.True(line.Split(" → ")[1] == said, $"{title}: {line}, but: {said}");
        }
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task An_absence_begins_and_ends_by_itself_and_stands_in_the_inbox_of_the_stand_in_meanwhile(
        Engine engine
    )
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben");
        var request = await hub.Hub.Ask(people[0].AsApprover);
        var start = hub.Hub.Clock.Now;
        Some.Done(
            await hub.Absences.Set(
                people[0].Email!,
                start + Day,
                start + (3 * Day),
                people[1].Email,
                Some.Operator,
                default
            )
        );
        Assert.Empty(await Inbox(hub, people[1]));
        await hub.Wait(Day);
        Assert.Equal([request.Id], await Inbox(hub, people[1]));
        Assert.Null(await hub.Proof());
        await hub.Wait(2 * Day);
        Assert.Empty(await Inbox(hub, people[1]));
        Assert.Equal(
            ["person.added", "person.absence_set", "person.absence_began", "person.absence_ended"],
            (await hub.Hub.Place.Events($"person:{people[0].Id}")).Select(e => e.Kind)
        );
        // A clock that jumps back begins nothing again.
        hub.Hub.Clock.Now = start + (2 * Day);
        await hub.Clockwork.Drain();
        Assert.Empty(await Inbox(hub, people[1]));
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task Bad_absences_are_refused_with_the_field(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben");
        var (now, ann) = (hub.Hub.Clock.Now, people[0].Email!);
        foreach (
            var (from, to, standIn, field) in new (DateTimeOffset, DateTimeOffset, string?, string)[]
            {
                (now, now, null, "to"),
                (now + Day, now, null, "to"),
                (now - (2 * Day), now - Day, null, "to"),
                (now, now.AddYears(30), null, "to"),
                (now, now + Day, ann, "standIn"),
                (now, now + Day, "nobody@example.test", "standIn"),
            }
        )
        {
            Assert.Equal(
                field,
                Assert
                    .IsType<AccessOutcome<Absence>.Invalid>(
                        await hub.Absences.Set(ann, from, to, standIn, Some.Operator, default)
                    )
                    .Field
            );
        }
        Assert.IsType<AccessOutcome<Absence>.NotFound>(
            await hub.Absences.Set("nobody@example.test", now, now + Day, null, Some.Operator, default)
        );
        Assert.Equal(0, await hub.Hub.Place.Count("absences"));
    }

    private static async Task<IEnumerable<RequestId>> Inbox(PolicyHub hub, Person person) =>
        (
            await new RequestList(hub.Hub.Store, new RequestSummaries(hub.Hub.Store)).Run(
                Some.Viewer(person),
                new Filter { WaitingForMe = true },
                10,
                null,
                default
            )
        ).Requests.Select(r => r.Id);
}
