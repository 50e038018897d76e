using Countersign.Audit;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Slack;
using Countersign.Outcomes.Webhooks;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Countersign.Tests.Outcomes;
using Countersign.Work;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// The log: one order for everyone, each event handled once, and no event or consumer that holds up another.
/// </summary>
public sealed class LogTests
{
    private const string Kind = "test.happened";

    /// <summary>Longer than any wait between two attempts.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromHours(3);

    [Theory, PostgresOnly]
    public async Task What_commits_later_with_a_lower_id_is_told_and_sealed_once_and_in_one_order(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        recorded.Hub.Place.IsTampered = true;
        var (store, elsewhere) = (recorded.Hub.Store, await recorded.Hub.Place.OpenAnother());
        var (one, other) = (new Listener("notifications"), new Listener("webhooks"));
        var (first, second) = (new LogCursor(store, one), new LogCursor(elsewhere, other));
        var (hasWritten, mayCommit) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = elsewhere.InTransaction(async tx =>
        {
            await tx.Append("test:1", Some.Origin, Kind, new { name = "slow" });
            hasWritten.SetResult();
            await mayCommit.Task;
        });
        await hasWritten.Task.Soon();
        await Happens(store, "test:2", "quick");
        await first.ToTheEnd(store);
        Assert.Equal(1, await recorded.Sealer.SealOnce().Soon());
        mayCommit.SetResult();
        await slow.Soon();
        await Happens(store, "test:2", "last");
        foreach (var cursor in new[] { first, second })
            await cursor.ToTheEnd(store);
        Assert.Equal(2, await recorded.Sealer.SealOnce());
        Assert.Equal(["quick", "slow", "last"], await one.Told(store));
        Assert.Equal(["quick", "slow", "last"], await other.Told(store));
        Assert.DoesNotContain(
            (await recorded.Check()).Problems,
            p => p.Contains("cursor", StringComparison.Ordinal) || p.Contains("Seal", StringComparison.Ordinal)
        );
    }

    [Theory, PostgresOnly]
    public async Task Many_nodes_give_positions_without_gaps_and_keep_the_order_of_each_subject(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        hub.Place.IsTampered = true;
        Store[] nodes = [hub.Store, await hub.Place.OpenAnother(), await hub.Place.OpenAnother()];
        using var stop = new CancellationTokenSource();
        var giving = nodes
            .Select(node =>
                Task.Run(async () =>
                {
                    while (!stop.IsCancellationRequested)
                        await node.GivePositions();
                })
            )
            .ToList();
        await Task.WhenAll(
                Enumerable
                    .Range(0, 6)
                    .Select(writer =>
                        Task.Run(async () =>
                        {
                            for (var i = 0; i < 30; i++)
                                await Happens(nodes[writer % 3], $"test:{writer % 4}", $"{i}");
                        })
                    )
            )
            .Soon();
        await stop.CancelAsync();
        await Task.WhenAll(giving).Soon();
        await hub.Store.GivePositions();
        var log = await hub.Store.Read(r => EventLog.Next(r, 0, 1_000));
        Assert.Equal(Enumerable.Range(1, 180).Select(i => (long)i), log.Select(e => e.Position));
        foreach (var subject in log.GroupBy(e => e.Subject))
            Assert.Equal(subject.OrderBy(e => e.N).Select(e => e.N), subject.Select(e => e.N));
    }

    [Theory, BothEngines]
    public async Task An_event_that_throws_keeps_its_neighbours_from_nothing_and_is_handled_before_what_follows_it(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        hub.Place.IsTampered = true;
        var listener = new Listener("webhooks") { Throws = name => name == "poison" };
        var cursor = new LogCursor(hub.Store, listener);
        using var worker = new JobWorker(hub.Store, [new RetryEvent(listener)], NullLogger<JobWorker>.Instance);
        foreach (
            var (subject, name) in new[]
            {
                ("test:1", "before"),
                ("test:2", "poison"),
                ("test:3", "neighbour"),
                ("test:2", "after"),
            }
        )
        {
            await Happens(hub.Store, subject, name);
        }
        await cursor.ToTheEnd(hub.Store);
        await worker.Drain();
        Assert.Equal(["before", "neighbour"], await listener.Told(hub.Store));
        listener.Throws = _ => false;
        hub.Clock.Advance(Long);
        await Happens(hub.Store, "test:2", "later");
        await cursor.ToTheEnd(hub.Store);
        await worker.Drain();
        Assert.Equal(["before", "neighbour", "poison", "after", "later"], await listener.Told(hub.Store));
        Assert.Equal(0, await hub.Place.Count("jobs"));
    }

    [Theory, BothEngines]
    public async Task A_store_that_cannot_serve_is_no_failure_of_an_event(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        hub.Place.IsTampered = true;
        var listener = new Listener("webhooks") { Throws = _ => throw new StoreUnavailable("The disk is full.") };
        await Happens(hub.Store, "test:1", "news");
        await hub.Store.GivePositions();
        var cursor = new LogCursor(hub.Store, listener);
        await Assert.ThrowsAsync<StoreUnavailable>(() => cursor.Run());
        Assert.Equal(
            (0, 0),
            (
                await hub.Place.Count("jobs"),
                await hub.Place.Number("SELECT position FROM cursors WHERE name = 'webhooks'")
            )
        );
        listener.Throws = _ => false;
        Assert.Equal(1, (await cursor.Run()).Handled);
    }

    /// <summary>Notifications and webhooks; destinations are in <see cref="FailedWorkTests"/>.</summary>
    [Theory, BothEngines]
    public async Task An_event_that_notifications_or_webhooks_cannot_handle_keeps_no_other_from_being_told(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        hub.Place.IsTampered = true;
        await using var box = new MailBox();
        await using var receiver = new Receiver(new Conduct.Answers(200));
        using var news = new News(hub, mail: News.Mail(box));
        var (broken, _) = (
            await news.Hook(receiver, "request.commented"),
            await news.Hook(receiver, "request.submitted")
        );
        var ann = await hub.AddPerson("Ann");
        var (poisoned, neighbour) = (await hub.Ask(ann.AsApprover), await hub.Ask(ann.AsApprover));
        await hub.Comment.Run(poisoned.Id, Some.Viewer(ann), "When?", default);
        await hub.Store.InTransaction(async tx =>
        {
            await tx.Execute("UPDATE requests SET created_at = 'soon' WHERE id = @id", new { id = poisoned.Id });
            await tx.Execute("UPDATE webhooks SET sources = 'none' WHERE id = @id", new { id = broken.Id });
        });
        await news.Expand();
        Assert.Equal(
            [("mail", neighbour.Id.Subject), ("webhook", neighbour.Id.Subject), ("webhook", poisoned.Id.Subject)],
            (await news.Lines())
                .Select(l => (l.Channel, l.Subject))
                .OrderBy(l => l.Channel)
                .ThenBy(l => l.Subject != neighbour.Id.Subject)
        );
        Assert.Equal(
            2,
            await hub.Place.Number(
                "SELECT count(*) FROM jobs WHERE kind = 'notifications' AND order_key = @subject",
                new { subject = poisoned.Id.Subject }
            )
        );
        Assert.Equal(1, await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'webhooks'"));

        await hub.Store.InTransaction(async tx =>
        {
            await tx.Execute(
                "UPDATE requests SET created_at = @at WHERE id = @id",
                new { id = poisoned.Id, at = poisoned.CreatedAt }
            );
            await tx.Execute("UPDATE webhooks SET sources = '' WHERE id = @id", new { id = broken.Id });
        });
        IJobHandler[] handlers =
        [
            new RetryEvent(new WebhookConsumer()),
            new RetryEvent(new NotificationConsumer(News.Mail(box), new SlackOptions(), News.Plain)),
        ];
        using var worker = new JobWorker(hub.Store, handlers, NullLogger<JobWorker>.Instance);
        await worker.Drain();
        Assert.Equal(
            0,
            await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind IN ('notifications', 'webhooks')")
        );
        Assert.Equal(
            (2, 3),
            (
                (await news.Lines()).Count(l => l.Channel == "mail"),
                (await news.Lines()).Count(l => l.Channel == "webhook")
            )
        );
    }

    [Theory, BothEngines]
    public async Task Nothing_stops_being_told_when_sealing_stops(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await Happens(recorded.Hub.Store, "test:1", "sealed");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.Place.Tamper("UPDATE seals SET signature = 'forged'");
        await Assert.ThrowsAsync<InvalidDataException>(() => recorded.NewSealer(recorded.Hub.Store).SealOnce());
        using var sealer = recorded.NewSealer(recorded.Hub.Store);
        var listener = new Listener("webhooks");
        using var sequencer = new Sequencer(recorded.Hub.Store, NullLogger<Sequencer>.Instance);
        using var follower = new LogFollower(recorded.Hub.Store, [listener], NullLogger<LogFollower>.Instance);
        foreach (var service in new BackgroundService[] { sealer, sequencer, follower })
            await service.StartAsync(default);
        for (var i = 0; i < 3; i++)
        {
            await Happens(recorded.Hub.Store, "test:1", $"{i}");
            var told = i + 2;
            await Eventually.True(
                async () => (await listener.Told(recorded.Hub.Store)).Count == told,
                "what is not sealed is told"
            );
        }
        foreach (var service in new BackgroundService[] { follower, sequencer, sealer })
            await service.StopAsync(default).Soon();
        Assert.Equal(["sealed", "0", "1", "2"], await listener.Told(recorded.Hub.Store));
        Assert.Equal(1, await recorded.Hub.Place.Count("seals"));
    }

    [Theory, PostgresOnly]
    public async Task A_node_that_dies_while_it_handles_an_event_is_followed_by_another_that_handles_it_once(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        hub.Place.IsTampered = true;
        var (begun, never) = (new TaskCompletionSource(), new TaskCompletionSource());
        var dying = new Listener("webhooks")
        {
            Writes = async (tx, _) =>
            {
                await tx.Execute("INSERT INTO hub (name, value) VALUES ('told by the first', '')");
                begun.TrySetResult();
                await never.Task;
            },
        };
        var heir = new Listener("webhooks")
        {
            Writes = async (tx, _) =>
                await tx.Execute("INSERT INTO hub (name, value) VALUES ('told by the second', '')"),
        };
        await Happens(hub.Store, "test:1", "news");
        await hub.Store.GivePositions();
        var first = new LogCursor(await hub.Place.OpenAnother(), dying).Run();
        await begun.Task.Soon();
        // While one is at it, the others leave it alone.
        var second = new LogCursor(hub.Store, heir);
        Assert.True((await second.Run().Soon()).IsElsewhere);
        // What the machine of a dead node does to its connections.
        await using (var connection = await hub.Place.OpenRaw())
        {
            await using var kill = connection.CreateCommand();
            kill.CommandText = """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle in transaction'
                """;
            await kill.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        Assert.Equal(1, (await second.Run().Soon()).Handled);
        Assert.Equal("told by the second", await hub.Place.Text("SELECT name FROM hub WHERE name LIKE 'told by%'"));
        never.SetResult();
        await Assert.ThrowsAsync<StoreUnavailable>(() => first.Soon());
        Assert.Equal(
            (0, 1),
            (
                await hub.Place.Count("jobs"),
                await hub.Place.Number("SELECT count(*) FROM hub WHERE name LIKE 'told by%'")
            )
        );
    }

    [Theory, BothEngines]
    public async Task A_cursor_or_a_position_that_was_changed_is_found_and_nothing_is_sealed_on_top(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        await recorded.Sealer.SealAll();
        await recorded.Hub.AddPeople("Dora", "Emil");
        await recorded.Hub.Store.GivePositions();
        Assert.Equal([], (await recorded.Check()).Problems);
        var intruder = await Intruder.Of(recorded);
        (string Sql, bool Stops)[] changes =
        [
            ("UPDATE cursors SET position = position + 1 WHERE name = 'sealer'", true),
            ("UPDATE cursors SET position = position - 1 WHERE name = 'sealer'", true),
            ("DELETE FROM cursors WHERE name = 'sealer'", true),
            ("UPDATE cursors SET position = 100000 WHERE name = 'webhooks'", false),
            .. engine == Engine.Sqlite
                ? Array.Empty<(string, bool)>()
                :
                [
                    ("UPDATE events SET position = 0 WHERE position = (SELECT max(position) FROM events)", true),
                    ("UPDATE events SET position = 100000 WHERE position = 1", true),
                ],
        ];
        foreach (var (sql, stops) in changes)
        {
            await intruder.Run(sql);
            Assert.Contains(
                (await recorded.Check()).Problems,
                p => p.Contains("cursor", StringComparison.Ordinal) || p.Contains("position", StringComparison.Ordinal)
            );
            if (stops)
                await Assert.ThrowsAsync<InvalidDataException>(() => recorded.NewSealer(recorded.Hub.Store).SealOnce());
            await intruder.PutBack("cursors");
            if (sql.Contains("events", StringComparison.Ordinal))
                await intruder.PutBack("events");
        }
        Assert.Equal([], (await recorded.Check()).Problems);
    }

    private static Task Happens(Store store, string subject, string name) =>
        store.InTransaction(async tx => await tx.Append(subject, Some.Origin, Kind, new { name }));

    /// <summary>A consumer that writes into the store what it was told.</summary>
    private sealed class Listener(string name) : ILogConsumer
    {
        public string Name => name;
        public IReadOnlySet<string> Kinds { get; } = new HashSet<string> { Kind };
        public Func<string, bool> Throws { get; set; } = _ => false;
        public Func<Tx, StoredEvent, Task> Writes { get; init; } = (_, _) => Task.CompletedTask;

        public ValueTask<HandleEvent?> Begin(Tx tx) =>
            new(async news =>
            {
                var value = System.Text.Json.JsonDocument.Parse(news.Data).RootElement.GetProperty("name").GetString()!;
                if (Throws(value))
                    throw new FormatException(value);
                await Writes(tx, news);
                var count = await tx.Number("SELECT count(*) FROM hub");
                await tx.Execute(
                    "INSERT INTO hub (name, value) VALUES (@key, @value)",
                    new { key = $"{name} was told {count:D9}", value }
                );
            });

        public ValueTask<List<string>> Told(Store store) =>
            store.Read(async reader =>
                (
                    await reader.Rows(
                        "SELECT value FROM hub WHERE name LIKE @told ORDER BY name",
                        new { told = $"{name} was told %" }
                    )
                ).ConvertAll(row => (string)row["value"]!)
            );
    }
}
