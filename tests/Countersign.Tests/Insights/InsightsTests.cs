using Countersign.Insights;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Countersign.Work;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Insights;

/// <summary>The figures are right, and each person sees those of their own groups.</summary>
public sealed class InsightsTests
{
    [Theory, BothEngines]
    public async Task A_history_is_counted_by_outcome_time_source_group_and_environment(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var hub = test.Hub;
        var (ada, ben, cid) = (
            await hub.AddPerson("Ada", Role.Admin),
            await hub.AddPerson("Ben", Role.Agent),
            await hub.AddPerson("Cid", Role.Agent)
        );
        var (ops, web) = (await hub.AddGroup("Ops", ben), await hub.AddGroup("Web", cid));
        var source = await hub.AddSource("deploys");

        var approved = await test.Ask("production", ops.AsApprover);
        var rejected = await test.Ask("staging", web.AsApprover);
        var overridden = await test.Ask("Production", ops.AsApprover);
        var withdrawn = await test.Ask("staging", Some.Policy(ops.AsApprover), s => s with { SourceId = source.Id });
        var expiring = Some.Policy(web.AsApprover) with { Expire = new Expiry(TimeSpan.FromHours(5)) };
        await test.Ask("production", expiring);
        await test.Ask("production", Some.Policy(ops.AsApprover) with { Auto = new AutoAnswer(true, "trivial") });
        test.After(2);
        await hub.Approve(approved, ben);
        await hub.Reject(rejected, cid);
        test.After(2);
        await new OverridePolicy(hub.Store).Run(
            overridden.Id,
            Some.Viewer(ada),
            "The shop is down and nobody answers.",
            null,
            default
        );
        await hub.Withdraw.Run(withdrawn.Id, Some.Viewer(ada), "No longer needed", default);
        test.After(24);
        await test.Clockwork.Drain();
        await test.Ask("production", ops.AsApprover, web.AsApprover);

        var report = await test.Report(ada, 7);

        var total = report.Total;
        Assert.Equal(
            (7, 1, 1, 1, 1, 1, 1, 6),
            (
                total.Opened,
                total.Approved,
                total.Rejected,
                total.Overridden,
                total.Withdrawn,
                total.Expired,
                total.Automatic,
                total.Closed
            )
        );
        Assert.Equal(3, total.Times.Total);
        Assert.InRange(total.Times.Percentile(0.5)!.Value.TotalHours, 1.8, 2.2);
        Assert.InRange(total.Times.Percentile(0.9)!.Value.TotalHours, 3.6, 4.4);
        Assert.Equal((1, 0), (report.Open.Count, report.Open.Blocked));
        Assert.Equal(("under_4_hours", 1), (report.Open.Ages[0].Key, report.Open.Ages[0].Count));

        Assert.Equal(7, report.Periods.Count);
        Assert.Equal([0, 0, 0, 0, 0, 6, 1], report.Periods.Select(p => p.Counts.Opened));
        Assert.Equal([0, 0, 0, 0, 0, 5, 1], report.Periods.Select(p => p.Counts.Closed));
        Assert.Equal(new DateOnly(2026, 3, 5), report.To);
        Assert.Equal(
            [("api", 6, 1), ("deploys", 1, 0)],
            report.BySource.Select(s => (s.Name, s.Counts.Opened, s.Open))
        );
        Assert.Equal(
            [("production", 5, 1), ("staging", 2, 0)],
            report.ByEnvironment.Select(s => (s.Name, s.Counts.Opened, s.Open))
        );
        // The last one asks both groups, and the whole counts it once.
        Assert.Equal([("Ops", 5, 1), ("Web", 3, 1)], report.ByGroup!.Select(s => (s.Name, s.Counts.Opened, s.Open)));
        Assert.Equal(
            [("Ben", 1, 0), ("Cid", 0, 1)],
            report
                .Reviewers!.OrderBy(r => r.Person.Name, StringComparer.Ordinal)
                .Select(r => (r.Person.Name, r.Approved, r.Rejected))
        );
        Assert.All(report.Reviewers!, r => Assert.Equal(1, r.Waiting));
    }

    [Theory, BothEngines]
    public async Task A_person_sees_the_figures_of_their_groups_and_nothing_of_any_other(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var hub = test.Hub;
        var (ben, cid, dan, eve) = (
            await hub.AddPerson("Ben", Role.Agent),
            await hub.AddPerson("Cid", Role.Agent),
            await hub.AddPerson("Dan", Role.Agent),
            await hub.AddPerson("Eve", Role.Agent)
        );
        var (ops, web) = (await hub.AddGroup("Ops", ben, dan), await hub.AddGroup("Web", cid, dan));
        var secret = await hub.AddSource("secret");
        var (mine, theirs) = (
            await test.Ask("production", ops.AsApprover),
            await test.Ask("vault", Some.Policy(web.AsApprover), s => s with { SourceId = secret.Id })
        );
        var both = await test.Ask("production", ops.AsApprover, web.AsApprover);
        await test.Ask("production", eve.AsApprover);
        test.After(1);
        await hub.Approve(mine, ben);
        await hub.Reject(theirs, cid);

        var ofBen = await test.Report(ben);

        Assert.False(ofBen.IsEverything);
        Assert.Equal((2, 1, 0, 1), (ofBen.Total.Opened, ofBen.Total.Approved, ofBen.Total.Rejected, ofBen.Open.Count));
        Assert.Equal(["api"], ofBen.BySource.Select(s => s.Name));
        Assert.Equal(["production"], ofBen.ByEnvironment.Select(s => s.Name));
        Assert.Equal(["Ops"], ofBen.ByGroup!.Select(s => s.Name));
        Assert.Equal(["Ops"], ofBen.Groups.Select(g => g.Name));
        Assert.Equal(both.Id, ofBen.ByGroup![0].Oldest!.Request);
        // Cid could review one of them as well, as a member of a group of which Ben knows nothing.
        Assert.Equal(["Ben", "Dan"], ofBen.Reviewers!.Select(r => r.Person.Name));

        Assert.IsType<InsightsOutcome.NoSuchGroup>(await test.Look(ben, group: web.Id));
        Assert.IsType<InsightsOutcome.NoSuchGroup>(await test.Look(ben, group: 4711));
        Assert.IsType<InsightsOutcome.NoGroups>(await test.Look(eve));
        Assert.IsType<InsightsOutcome.NoGroups>(await test.Look(eve, group: web.Id));

        var ofDan = await test.Report(dan);
        Assert.Equal((3, 1, 1, 1), (ofDan.Total.Opened, ofDan.Total.Approved, ofDan.Total.Rejected, ofDan.Open.Count));
        var onlyWeb = await test.Report(dan, group: web.Id);
        Assert.Equal(
            (2, 0, 1, 1),
            (onlyWeb.Total.Opened, onlyWeb.Total.Approved, onlyWeb.Total.Rejected, onlyWeb.Open.Count)
        );
        Assert.Null(onlyWeb.ByGroup);

        await hub.Groups.RemoveMember("Web", dan.Email!, Some.Operator, default);
        Assert.IsType<InsightsOutcome.NoSuchGroup>(await test.Look(dan, group: web.Id));
        Assert.Equal(2, (await test.Report(dan)).Total.Opened);
    }

    [Theory, BothEngines]
    public async Task Everything_that_can_happen_leaves_figures_that_agree_with_the_requests(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        recorded.Hub.HasPoliciesOfItsOwn = true;
        await recorded.LiveThroughALot();
        var consumer = new SummaryConsumer(new RetentionOptions());
        await new LogCursor(recorded.Hub.Store, consumer).ToTheEnd(recorded.Hub.Store);
        await MustAgree(recorded.Hub, consumer);
    }

    [Theory, BothEngines]
    public async Task An_active_request_that_changes_is_counted_as_what_it_has_become(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var hub = test.Hub;
        var (ada, ben, cid) = (
            await hub.AddPerson("Ada", Role.Admin),
            await hub.AddPerson("Ben", Role.Agent),
            await hub.AddPerson("Cid", Role.Agent)
        );
        var (ops, web) = (await hub.AddGroup("Ops", ben, cid), await hub.AddGroup("Web", cid));
        var two = Some.Policy(Some.Step("ops", 2, ops.AsApprover));
        var request = await test.Ask("staging", two, s => s.AskedBy(ben) with { ExternalId = "one" });
        var other = await test.Ask("staging", two);
        Assert.Equal([("Cid", 2), ("Ben", 1)], Pending(await test.Report(ada)));
        Assert.Equal([("Cid", 2), ("Ben", 1)], Pending(await test.Report(cid)));

        await hub.Approve(other, ben);
        Assert.Equal([("Cid", 2)], Pending(await test.Report(ada)));

        var revised = Some.Submission(Some.Policy(web.AsApprover)).Saying("Something else").AskedBy(ben) with
        {
            ExternalId = "one",
            Facts = """{"environment":"production"}""",
        };
        Assert.IsType<SubmitOutcome.Revised>(await hub.Submit.Run(revised, Some.Origin, null, default));
        var report = await test.Report(ada);
        Assert.Equal(
            [("production", 0, 1), ("staging", 2, 1)],
            report.ByEnvironment.Select(s => (s.Name, s.Counts.Opened, s.Open))
        );
        Assert.Equal([("Ops", 1), ("Web", 1)], report.ByGroup!.Select(s => (s.Name, s.Open)));
        Assert.Equal(2, report.Open.Count);
        Assert.Equal(1, (await test.Report(ben)).Open.Count);
        await MustAgree(hub, test.Consumer);

        // Everyone who could approve has left.
        await hub.Disable(cid);
        await new BlockedRequests(hub.Store).Run(Some.Origin, default);
        report = await test.Report(ada);
        Assert.Equal((2, 2), (report.Open.Count, report.Open.Blocked));
        Assert.Empty(Pending(report));
        await hub.Withdraw.Run(request.Id, Some.Viewer(ada), "Blocked", default);
        report = await test.Report(ada);
        Assert.Equal((1, 1, 1), (report.Open.Count, report.Open.Blocked, report.Total.Blocked));
        await MustAgree(hub, test.Consumer);
    }

    [Theory, BothEngines]
    public async Task Active_requests_grow_older_from_bucket_to_bucket(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var hub = test.Hub;
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var request = await test.Ask("production", ada.AsApprover);
        foreach (
            var (hours, key) in new[]
            {
                (0d, "under_4_hours"),
                (6, "4_to_24_hours"),
                (24, "1_to_3_days"),
                (3 * 24, "3_to_7_days"),
                (6 * 24, "7_to_30_days"),
                (40 * 24, "over_30_days"),
            }
        )
        {
            test.After(hours);
            Assert.Equal([key], (await test.Report(ada)).Open.Ages.Where(a => a.Count == 1).Select(a => a.Key));
            // What happens brings together what is older.
            await test.Ask("production", ada.AsApprover);
            var ages = (await test.Report(ada)).Open.Ages.ToDictionary(a => a.Key, a => a.Count);
            Assert.Equal(1, ages["under_4_hours"] - (key == "under_4_hours" ? 1 : 0));
            Assert.Equal(
                await hub.Place.Number("SELECT count(*) FROM requests WHERE status = 'active'"),
                ages.Values.Sum()
            );
            foreach (var id in await Ids(hub))
            {
                if (id != request.Id)
                    await hub.Withdraw.Run(id, Some.Viewer(ada), "Enough", default);
            }
            ages = (await test.Report(ada)).Open.Ages.ToDictionary(a => a.Key, a => a.Count);
            Assert.Equal((1, 1), (ages[key], ages.Values.Sum()));
        }
        Assert.Equal("0", await hub.Place.Text("SELECT opened FROM summary_ages WHERE audience = 0 AND open > 0"));
        await hub.Approve(request, ada);
        Assert.Equal(0, (await test.Report(ada)).Open.Count);
        Assert.Equal(0, await hub.Place.Number("SELECT sum(open) FROM summary_ages"));
        Assert.Equal(0, await hub.Place.Number("SELECT count(*) FROM summary_requests"));
    }

    private static async Task<List<RequestId>> Ids(TestHub hub) =>
        (await hub.Store.Read(r => r.Rows("SELECT id FROM requests WHERE status = 'active' ORDER BY id"))).ConvertAll(
            row => RequestId.Of((string)row["id"]!)
        );

    private static List<(string, long)> Pending(InsightsReport report) =>
        [.. report.Reviewers!.Where(r => r.Waiting > 0).Select(r => (r.Person.Name, r.Waiting))];

    /// <summary>What the rows say is what counting requests one by one says, also for each inbox.</summary>
    private static async Task MustAgree(TestHub hub, SummaryConsumer consumer)
    {
        var place = hub.Place;
        foreach (
            var (rows, requests) in new[]
            {
                ("SELECT sum(open) FROM summary_open WHERE audience = 0 AND dimension = 'all'", "status = 'active'"),
                ("SELECT sum(open) FROM summary_open WHERE audience = 0 AND dimension = 'source'", "status = 'active'"),
                ("SELECT sum(open) FROM summary_ages WHERE audience = 0", "status = 'active'"),
                ("SELECT count(*) FROM summary_requests", "status = 'active'"),
                ("SELECT sum(blocked) FROM summary_open WHERE audience = 0 AND dimension = 'all'", "stuck IS NOT NULL"),
                ("SELECT sum(opened) FROM summary_days WHERE audience = 0 AND dimension = 'all'", "1 = 1"),
                (
                    """
                    SELECT sum(approved + overridden + rejected + expired + withdrawn + automatic)
                    FROM summary_days WHERE audience = 0 AND dimension = 'environment'
                    """,
                    "status <> 'active'"
                ),
                (
                    "SELECT sum(overridden) FROM summary_days WHERE audience = 0 AND dimension = 'all'",
                    "broke_glass_at IS NOT NULL"
                ),
            }
        )
        {
            Assert.Equal(
                (rows, await place.Number($"SELECT count(*) FROM requests WHERE {requests}")),
                (rows, await place.Number(rows))
            );
        }
        var directory = new PeopleDirectory(hub.Store);
        var people = await directory.Refresh();
        var admin = people.People.Values.First(p => p.Role == Role.Admin);
        var outcome = await new ReadInsights(hub.Store, directory, new InsightsOptions(), consumer).Run(
            Some.Viewer(admin),
            new InsightsQuery(90, null),
            default
        );
        var waiting = Assert
            .IsType<InsightsOutcome.Found>(outcome)
            .Report.Reviewers!.ToDictionary(r => r.Person.Id, r => r.Waiting);
        var list = new RequestList(hub.Store, new RequestSummaries(hub.Store));
        foreach (var person in people.People.Values.Where(p => p.Role != Role.Service && !p.IsDisabled))
        {
            var inbox = await list.Run(
                Some.Viewer(person),
                new Filter { WaitingForMe = true, Statuses = [Status.Active] },
                100,
                null,
                default
            );
            Assert.Equal(
                (person.Name, (long)inbox.Requests.Count),
                (person.Name, waiting.GetValueOrDefault(person.Id))
            );
        }
    }
}
