using Countersign.Audit;
using Countersign.Insights;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Tests.Audit;
using Countersign.Work;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Insights;

/// <summary>
/// However the log is followed, each event is counted once; and reading the figures looks at no request.
/// </summary>
public sealed class InsightsLogTests
{
    private static readonly string[] Rows =
    [
        "summary_days",
        "summary_reviews",
        "summary_open",
        "summary_ages",
        "summary_waiting",
        "summary_requests",
    ];

    [Theory, BothEngines]
    public async Task Following_event_by_event_in_batches_and_from_the_beginning_gives_the_same_figures(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        await Live(test, eachStep: () => test.Cursor.ToTheEnd(test.Hub.Store));
        var before = await Figures(test);

        await FromTheBeginning(test.Hub);
        await test.Cursor.ToTheEnd(test.Hub.Store);

        Assert.Equal(before, await Figures(test));
    }

    [Theory, BothEngines]
    public async Task Nodes_that_follow_at_once_count_each_event_once(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        await Live(test);
        var elsewhere = await test.Hub.Place.OpenAnother();
        var other = new LogCursor(elsewhere, new SummaryConsumer(new RetentionOptions()));
        await Task.WhenAll(
                Task.Run(() => test.Cursor.ToTheEnd(test.Hub.Store)),
                Task.Run(() => other.ToTheEnd(elsewhere))
            )
            .Soon();
        await test.Cursor.ToTheEnd(test.Hub.Store);
        var both = await Figures(test);

        await FromTheBeginning(test.Hub);
        await test.Cursor.ToTheEnd(test.Hub.Store);

        Assert.Equal(both, await Figures(test));
    }

    [Theory, BothEngines]
    public async Task A_request_that_cannot_be_read_is_set_aside_alone_and_counted_once_when_it_can(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var hub = test.Hub;
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var ops = await hub.AddGroup("Ops", ada);
        var (one, broken, last) = (
            await test.Ask("a", ops.AsApprover),
            await test.Ask("b", ada.AsApprover),
            await test.Ask("c", ops.AsApprover)
        );
        await hub.Approve(one, ada);
        await hub.Approve(broken, ada);
        await hub.Place.Tamper($"UPDATE stamps SET policy = 'x' || policy WHERE hash = '{broken.Policy.Stamp}'");

        var report = await test.Report(ada);

        Assert.Equal((2, 1, 1), (report.Total.Opened, report.Total.Approved, report.Open.Count));
        Assert.Equal(2, await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'insights'"));
        await hub.Reject(last, ada);
        Assert.Equal(1, (await test.Report(ada)).Total.Rejected);

        await hub.Place.Tamper("UPDATE stamps SET policy = substr(policy, 2) WHERE policy LIKE 'x%'");
        using var worker = new JobWorker(hub.Store, [new RetryEvent(test.Consumer)], NullLogger<JobWorker>.Instance);
        hub.Clock.Advance(TimeSpan.FromHours(3));
        await worker.Drain();
        report = await test.Report(ada);
        Assert.Equal(
            (3, 2, 1, 0),
            (report.Total.Opened, report.Total.Approved, report.Total.Rejected, report.Open.Count)
        );
        Assert.Equal(0, await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'insights'"));
    }

    [Theory, BothEngines]
    public async Task Archived_requests_are_counted_all_the_same(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        hub.HasPoliciesOfItsOwn = true;
        await recorded.LiveThroughALot();
        var cursor = new LogCursor(hub.Store, new SummaryConsumer(new RetentionOptions()));
        await cursor.ToTheEnd(hub.Store);
        var days =
            "SELECT opened || ' ' || approved || ' ' || overridden || ' ' || rejected || ' ' || expired || ' ' "
            + "|| withdrawn || ' ' || automatic || ' ' || times "
            + "FROM summary_days WHERE audience = 0 AND dimension = 'all' ORDER BY day DESC";
        var before = (await hub.Place.Text(days), await Reviews());
        await recorded.Sealer.SealAll();
        await hub.Place.Follow();
        await hub.Store.InTransaction(async tx => await tx.Execute("UPDATE links SET state = 'closed'"));
        var path = Path.Combine(System.IO.Directory.CreateTempSubdirectory("countersign-archive-").FullName, "a.jsonl");
        await using (var stream = File.Create(path))
            await new Archive(hub.Store, recorded.Key).Write(hub.Clock.Now.AddDays(30), stream, default);
        var (file, _) = await ArchiveFile.Read(path, default);
        var removed = await new Archive(hub.Store, recorded.Key).Remove(file!, Some.Operator, default);
        Assert.True(removed.Removed > 3);

        await FromTheBeginning(hub);
        await cursor.ToTheEnd(hub.Store);

        Assert.Equal(before, (await hub.Place.Text(days), await Reviews()));
        Assert.Equal([], (await recorded.Check()).Problems);
        System.IO.Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

        ValueTask<string?> Reviews() =>
            hub.Place.Text(
                "SELECT sum(approved) || ' ' || sum(rejected) || ' ' || sum(abstained) FROM summary_reviews"
            );
    }

    [Theory, BothEngines]
    public async Task Reading_looks_at_no_request_and_at_no_more_rows_where_there_are_more_requests(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var hub = test.Hub;
        await Live(test, rewind: true);
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var ben = (await new PeopleDirectory(hub.Store).Refresh()).FindPerson(Some.Email("Ben"))!;
        await test.Report(ada);
        var few = await Count();
        for (var i = 0; i < 8; i++)
            await Live(test, rewind: true);
        await test.Report(ada);
        Assert.Equal(few, await Count());

        // Everything that reads one of these would fail.
        string[] tables = ["requests", "revisions", "stamps", "decisions", "comments", "parties", "request_terms"];
        foreach (var table in tables)
            await hub.Place.Tamper($"ALTER TABLE {table} RENAME TO hidden_{table}");
        Assert.True((await test.Report(ada, 90)).Total.Opened > 20);
        Assert.True((await test.Report(ben, 90)).Total.Opened > 5);

        async Task<List<(string, long)>> Count()
        {
            var counts = new List<(string, long)>();
            foreach (var table in Rows.Except(["summary_requests"]))
                counts.Add((table, await hub.Place.Count(table)));
            return counts;
        }
    }

    [Theory, BothEngines]
    public async Task A_late_event_changes_a_day_that_was_read_before(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var hub = test.Hub;
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var read = new ReadInsights(hub.Store, new PeopleDirectory(hub.Store), new InsightsOptions(), test.Consumer);
        await test.Ask("production", ada.AsApprover);
        Assert.Equal(1, await Opened());
        test.After(24);
        Assert.Equal(1, await Opened());
        test.After(-24);
        await test.Ask("production", ada.AsApprover);
        test.After(24);
        Assert.Equal(2, await Opened());
        await test.Ask("production", ada.AsApprover);
        Assert.Equal(3, await Opened());

        async Task<long> Opened() =>
            Assert.IsType<InsightsOutcome.Found>(await test.Look(read, ada, 7)).Report.Total.Opened;
    }

    [Theory, BothEngines]
    public async Task Days_that_are_no_longer_kept_are_deleted_and_not_counted_again(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var hub = test.Hub;
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var retention = new RetentionOptions { Insights = TimeSpan.FromDays(100) };
        var old = await test.Ask("production", ada.AsApprover);
        await hub.Approve(old, ada);
        var waiting = await test.Ask("production", ada.AsApprover);
        await test.Report(ada);
        test.After(24 * 101);
        await hub.Approve(await test.Ask("production", ada.AsApprover), ada);
        await test.Report(ada);
        Assert.Equal(2, await Days());

        Assert.True(await new OldSummaries(hub.Store, retention).Run(default) > 0);
        Assert.Equal(1, await Days());
        Assert.Equal(1, await hub.Place.Number("SELECT count(DISTINCT day) FROM summary_reviews"));
        Assert.Equal(0, await new OldSummaries(hub.Store, retention).Run(default));

        await FromTheBeginning(hub);
        await new LogCursor(hub.Store, new SummaryConsumer(retention)).ToTheEnd(hub.Store);
        Assert.Equal(1, await Days());
        Assert.Equal(1, (await test.Report(ada)).Open.Count);
        await hub.Approve(waiting, ada);
        Assert.Equal((0, 2), ((await test.Report(ada)).Open.Count, (await test.Report(ada)).Total.Approved));

        ValueTask<long> Days() => hub.Place.Number("SELECT count(DISTINCT day) FROM summary_days");
    }

    [Theory, BothEngines]
    public async Task Beyond_some_hundred_environments_the_others_are_counted_together(Engine engine)
    {
        await using var test = await InsightsHub.Start(engine);
        var ada = await test.Hub.AddPerson("Ada", Role.Admin);
        for (var i = 0; i < SummaryEnvironments.Max + 5; i++)
            await test.Ask($"env {i}", ada.AsApprover);
        await test.Ask("ENV 3", ada.AsApprover);
        var report = await test.Report(ada);
        Assert.Equal(SummaryEnvironments.Max + 1, report.ByEnvironment.Count);
        Assert.Equal(5, report.ByEnvironment.Single(e => e.IsRest).Open);
        Assert.Equal(2, report.ByEnvironment.Single(e => e.Name == "env 3").Open);
    }

    /// <summary>What an operator would do who wants them counted anew.</summary>
    private static Task FromTheBeginning(TestHub hub) =>
        hub.Store.InTransaction(async tx =>
        {
            foreach (var table in Rows.Append("summary_excluded"))
                await tx.Execute($"DELETE FROM {table}");
            await tx.Execute("UPDATE cursors SET position = 0 WHERE name = 'insights'");
        });

    private static async Task<string> Figures(InsightsHub test)
    {
        // Rows that count nothing come and go.
        await test.Hub.Store.InTransaction(async tx =>
        {
            foreach (var table in new[] { "summary_open", "summary_ages", "summary_waiting", "summary_excluded" })
                await tx.Execute($"DELETE FROM {table} WHERE open = 0");
        });
        var rows = await test.Hub.Place.Everything([.. Rows, "summary_excluded"]);
        return string.Join('\n', rows.Split('\n').Order(StringComparer.Ordinal));
    }

    /// <summary>Requests of several groups with all outcomes, in which reviewers take part twice.</summary>
    private static async Task Live(InsightsHub test, Func<Task>? eachStep = null, bool rewind = false)
    {
        var hub = test.Hub;
        var people = await new PeopleDirectory(hub.Store).Refresh();
        var began = hub.Clock.Now;
        var ben = people.FindPerson(Some.Email("Ben")) ?? await hub.AddPerson("Ben", Role.Agent);
        var cid = people.FindPerson(Some.Email("Cid")) ?? await hub.AddPerson("Cid", Role.Agent);
        var ops = people.FindGroup("Ops") ?? await hub.AddGroup("Ops", ben, cid);
        var web = people.FindGroup("Web") ?? await hub.AddGroup("Web", cid);
        var two = Some.Policy(Some.Step("ops", 2, ops.AsApprover));
        var steps = Some.Policy(Some.Step("web", 1, web.AsApprover), Some.Step("ops", 1, ops.AsApprover));
        var requests = new List<ApprovalRequest>();
        foreach (var policy in new[] { two, steps, Some.Policy(web.AsApprover), two, Some.Policy(ben.AsApprover) })
        {
            requests.Add(await test.Ask(requests.Count % 2 == 0 ? "production" : "staging", policy));
            await Next(0.5);
        }
        await hub.Approve(requests[0], ben);
        await Next(1);
        await hub.Approve(requests[0], cid);
        await Next(3);
        await hub.Approve(requests[1], cid);
        await Next(1);
        await hub.Reject(requests[2], cid);
        await Next(1);
        await hub.Approve(requests[3], ben);
        await Next(4);
        await hub.Withdraw.Run(requests[4].Id, Viewer.Hub(Some.Origin), "Enough", default);
        await Next(1);
        if (rewind)
            hub.Clock.Now = began;

        async Task Next(double hours)
        {
            test.After(hours);
            if (eachStep is not null)
                await eachStep();
        }
    }
}
