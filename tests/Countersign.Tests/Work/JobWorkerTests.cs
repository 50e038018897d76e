using System.Collections.Concurrent;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// The queue itself: claims, results, order, limits, attempts, what is set aside, and nodes that die.
/// </summary>
public sealed class JobWorkerTests
{
    /// <summary>Longer than any claim of these tests, and than any wait between two attempts.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromHours(3);

    [Theory, BothEngines]
    public async Task A_job_runs_once_when_it_is_due_and_what_it_writes_stands_with_its_end(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = job => new JobResult.Done(tx => Note(tx, job));
        await queue.Add("now");
        await queue.Add("now");
        await queue.Add("later", after: TimeSpan.FromHours(1));
        await queue.Worker.Drain();
        Assert.Equal(["now"], queue.Ran);
        Assert.Equal("now", await queue.Noted());
        queue.Place.Clock.Advance(TimeSpan.FromHours(1));
        await queue.Worker.Drain();
        Assert.Equal(["now", "later"], queue.Ran);
        Assert.Equal(0, await queue.Place.Count("jobs"));
    }

    [Theory, BothEngines]
    public async Task A_job_that_throws_is_tried_again_later_then_set_aside_and_keeps_no_other_waiting(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = job => job.Key == "poison" ? throw new FormatException("No such thing.") : new JobResult.Done();
        await queue.Add("poison");
        await queue.Add("neighbour");
        await queue.Worker.Drain();
        Assert.Equal(["poison", "neighbour"], queue.Ran.OrderDescending());
        await queue.Worker.Drain();
        Assert.Equal(2, queue.Ran.Count);
        for (var attempt = 2; attempt <= RetrySchedule.Default.Steps.Count; attempt++)
            await queue.DrainAfter(Long);
        Assert.Equal(RetrySchedule.Default.Steps.Count, queue.Ran.Count(k => k == "poison"));
        Assert.Equal(
            "dead 8 FormatException: No such thing.",
            await queue.Place.Text("SELECT state || ' ' || attempts || ' ' || error FROM jobs")
        );
        Assert.Equal(["poison"], queue.SetAside);

        queue.Runs = _ => new JobResult.Done();
        await queue.DrainAfter(Long);
        Assert.Equal(1, await queue.Place.Count("jobs"));
        await queue.Place.Store.InTransaction(async tx => await Jobs.Reschedule(tx, Queue.Kind, "poison", tx.Now));
        await queue.Worker.Drain();
        Assert.Equal(0, await queue.Place.Count("jobs"));
    }

    [Theory, BothEngines]
    public async Task What_cannot_be_recorded_is_undone_and_fails_by_itself(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = job => new JobResult.Done(async tx =>
        {
            await Note(tx, job);
            if (job.Key == "poison")
                await tx.Execute("INSERT INTO nowhere (x) VALUES (1)");
        });
        await queue.Add("poison");
        await queue.Add("neighbour");
        await queue.Worker.Drain();
        Assert.Equal("neighbour", await queue.Noted());
        Assert.Equal(
            "waiting 1",
            await queue.Place.Text("SELECT state || ' ' || attempts FROM jobs WHERE key = 'poison'")
        );
    }

    [Theory, BothEngines]
    public async Task Rows_that_cannot_be_read_keep_no_other_waiting(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = job =>
            Instant.Parse(job.DueAt) > default(DateTimeOffset) ? new JobResult.Done() : throw new FormatException();
        foreach (var key in new[] { "when", "due", "neighbour" })
            await queue.Add(key);
        await queue.Place.Tamper("UPDATE jobs SET next_at = 'soon' WHERE key = 'when'");
        await queue.Place.Tamper("UPDATE jobs SET due_at = 'soon' WHERE key = 'due'");
        await queue.Worker.Drain();
        Assert.Equal(["due", "neighbour"], queue.Ran.Order());
        Assert.Equal("due when", await queue.Keys());
    }

    [Theory, BothEngines]
    public async Task Again_waits_until_then_and_keeps_its_reason(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = job => new JobResult.Again(
            queue.Place.Clock.Now.AddHours(1),
            queue.Ran.Count == 1 ? "Not yet." : null
        );
        await queue.Add("poll");
        await queue.Worker.Drain();
        Assert.Equal("1 Not yet.", await queue.Place.Text("SELECT attempts || ' ' || error FROM jobs"));
        await queue.DrainAfter(TimeSpan.FromMinutes(59));
        Assert.Single(queue.Ran);
        await queue.DrainAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(2, queue.Ran.Count);
        Assert.Equal(
            "0",
            await queue.Place.Text("SELECT CAST(attempts AS text) FROM jobs WHERE error IS NULL AND due_at = next_at")
        );
    }

    [Theory, BothEngines]
    public async Task Jobs_of_one_order_run_one_after_another_also_over_retries_and_others_do_not_wait(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        var fails = true;
        queue.Runs = job => job.Key == "a1" && fails ? throw new FormatException() : new JobResult.Done();
        foreach (var key in new[] { "a1", "a2", "b1", "a3" })
            await queue.Add(key, order: key[..1]);
        await queue.Worker.Drain();
        Assert.Equal(["a1", "b1"], queue.Ran.Order());
        fails = false;
        await queue.DrainAfter(Long);
        Assert.Equal(["a1", "a2", "a3"], queue.Ran.Where(k => k[0] == 'a').Skip(1));

        // One that is set aside lets the next go; retried, it goes before those that are still behind.
        queue.Runs = job =>
            job.Key == "c1" && queue.SetAside.IsEmpty ? new JobResult.SetAside("No.")
            : job.Key == "c2" ? new JobResult.Again(queue.Place.Clock.Now + Long)
            : new JobResult.Done();
        foreach (var key in new[] { "c1", "c2", "c3" })
            await queue.Add(key, order: "c");
        await queue.Worker.Drain();
        Assert.Equal("c1 dead, c2 waiting, c3 behind", await queue.States());
        await queue.Place.Store.InTransaction(async tx => await Jobs.Reschedule(tx, Queue.Kind, "c1", tx.Now));
        await queue.Place.Store.InTransaction(async tx => await Jobs.Cancel(tx, Queue.Kind, "c2"));
        await queue.Worker.Drain();
        Assert.Equal(["c1", "c3"], queue.Ran.TakeLast(2));
    }

    [Theory, BothEngines]
    public async Task A_place_within_an_order_counts_before_the_time_of_adding(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = _ => new JobResult.Done();
        await queue.Add("first", order: "a", number: 1);
        await queue.Add("third", order: "a", number: 3);
        await queue.Add("second", order: "a", number: 2);
        await queue.Worker.Drain();
        Assert.Equal(["first", "second", "third"], queue.Ran);
    }

    [Theory, BothEngines]
    public async Task No_receiver_has_more_at_once_than_its_limit_and_a_long_line_delays_no_other(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Limit = receiver => receiver == "held" ? 0 : 3;
        var (now, most) = (0, 0);
        var gate = new TaskCompletionSource();
        queue.RunsLong = async job =>
        {
            if (!job.Key.StartsWith("slow", StringComparison.Ordinal))
                return new JobResult.Done();
            lock (queue)
                most = Math.Max(most, ++now);
            await gate.Task;
            lock (queue)
                now--;
            return new JobResult.Done();
        };
        await queue.Place.Store.InTransaction(async tx =>
        {
            for (var i = 0; i < 2000; i++)
                await Jobs.Add(tx, queue.New($"slow{i}") with { Receiver = "busy" });
            await Jobs.Add(tx, queue.New("quick") with { Receiver = "idle" });
            await Jobs.Add(tx, queue.New("never") with { Receiver = "held" });
        });
        await queue.Worker.StartAsync(default);
        await Eventually.True(
            () => queue.Ran.Contains("quick") && queue.Ran.Count >= 4,
            "the idle receiver's job has run"
        );
        Assert.Equal(3, most);
        gate.SetResult();
        await Eventually.True(async () => await queue.Place.Count("jobs") == 1, "all have run");
        await queue.Worker.StopAsync(default);
        Assert.Equal(3, most);
        Assert.Equal("never", await queue.Keys());
    }

    [Theory, BothEngines]
    public async Task A_claim_that_ended_during_a_run_is_anothers_and_the_run_writes_nothing(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        var gates = new ConcurrentQueue<TaskCompletionSource>();
        var interrupted = new List<bool>();
        queue.RunsLong = async job =>
        {
            lock (interrupted)
                interrupted.Add(job.IsInterrupted);
            if (interrupted.Count == 1)
            {
                var gate = new TaskCompletionSource();
                gates.Enqueue(gate);
                await gate.Task;
            }
            return new JobResult.Done(tx => Note(tx, job));
        };
        await queue.Add("slow");
        var first = queue.Worker.Drain();
        await Eventually.True(() => !gates.IsEmpty, "it runs");
        var other = await queue.Another();
        await other.Drain();
        Assert.Single(queue.Ran);
        queue.Place.Clock.Advance(Long);
        await other.Drain();
        Assert.Equal([false, true], interrupted);
        Assert.Equal("slow", await queue.Noted());
        gates.Single().SetResult();
        await first.Soon();
        Assert.Equal("slow", await queue.Noted());
    }

    [Theory, BothEngines]
    public async Task What_is_moved_or_cancelled_while_it_runs_is_not_recorded(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.RunsLong = async job =>
        {
            await queue.Place.Store.InTransaction(async tx =>
                _ =
                    job.Key == "moved"
                        ? await Jobs.Reschedule(tx, Queue.Kind, "moved", tx.Now.AddHours(1))
                        : await Jobs.Cancel(tx, Queue.Kind, job.Key)
            );
            return new JobResult.Done(tx => Note(tx, job));
        };
        await queue.Add("moved");
        await queue.Add("cancelled");
        await queue.Worker.Drain();
        Assert.Null(await queue.Noted());
        Assert.Equal("moved", await queue.Keys());
    }

    [Theory, BothEngines]
    public async Task A_store_that_cannot_serve_and_a_server_that_stops_are_no_attempts(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = _ => throw new StoreUnavailable("The store rests.");
        await queue.Add("patient");
        await queue.Worker.Drain();
        Assert.Equal(
            "waiting 0 1",
            await queue.Place.Text("SELECT state || ' ' || attempts || ' ' || lost FROM jobs WHERE holder IS NULL")
        );
        queue.Place.Clock.Advance(Long);
        var begun = new TaskCompletionSource();
        queue.RunsUntil = async (_, cancel) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancel);
            return new JobResult.Done();
        };
        var ending = await queue.Another();
        await ending.StartAsync(default);
        await begun.Task.Soon();
        ending.Dispose();
        await Eventually.True(
            async () =>
                await queue.Place.Text("SELECT state || ' ' || attempts || ' ' || lost FROM jobs WHERE holder IS NULL")
                == "waiting 0 1",
            "it is given back"
        );
    }

    [Theory, BothEngines]
    public async Task A_run_that_takes_too_long_is_cancelled_and_failed(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.MaxRun = TimeSpan.FromMilliseconds(1);
        queue.RunsUntil = async (_, cancel) =>
        {
            await Task.Delay(Timeout.Infinite, cancel);
            return new JobResult.Done();
        };
        await queue.Add("endless");
        await queue.Worker.Drain();
        Assert.StartsWith(
            "1 TimeoutException",
            await queue.Place.Text("SELECT attempts || ' ' || error FROM jobs"),
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task A_job_whose_claims_end_again_and_again_is_set_aside_without_another_run(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = _ => new JobResult.Done();
        await queue.Add("deadly");
        await queue.Place.Tamper($"UPDATE jobs SET lost = {JobWorker.MaxLost - 1}, holder = 'a node that died'");
        await queue.Worker.Drain();
        Assert.Empty(queue.Ran);
        Assert.Equal("dead", await queue.Place.Text("SELECT state FROM jobs"));
    }

    [Theory, BothEngines]
    public async Task Many_nodes_do_every_job_once(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = job => new JobResult.Done(tx => Note(tx, job));
        var workers = new List<JobWorker> { queue.Worker, await queue.Another(), await queue.Another() };
        await queue.Place.Store.InTransaction(async tx =>
        {
            for (var i = 0; i < 200; i++)
            {
                await Jobs.Add(
                    tx,
                    queue.New($"job{i}") with
                    {
                        Receiver = $"r{i % 7}",
                        Order = i % 2 == 0 ? $"o{i % 5}" : null,
                    }
                );
            }
        });
        await Task.WhenAll(
                workers.Select(async worker =>
                {
                    while (await queue.Place.Count("jobs") > 0)
                        await worker.Drain();
                })
            )
            .Soon();
        Assert.Equal(200, queue.Ran.Count);
        Assert.Equal(200, queue.Ran.Distinct().Count());
        Assert.Equal(200, (await queue.Noted())!.Split(' ').Length);
    }

    [Theory, BothEngines]
    public async Task Additions_to_an_order_meet_its_end_without_leaving_any_behind(Engine engine)
    {
        await using var queue = await Queue.Start(engine);
        queue.Runs = _ => new JobResult.Done();
        var other = await queue.Another();
        var adding = true;
        var adders = Enumerable
            .Range(0, 3)
            .Select(a =>
                Task.Run(async () =>
                {
                    for (var i = 0; i < 60; i++)
                        await queue.Add($"{a}-{i}", order: "one");
                })
            )
            .ToList();
        var workers = new[] { queue.Worker, other }
            .Select(worker =>
                Task.Run(async () =>
                {
                    while (Volatile.Read(ref adding) || await queue.Place.Count("jobs") > 0)
                        await worker.Drain();
                })
            )
            .ToList();
        await Task.WhenAll(adders).Soon();
        Volatile.Write(ref adding, false);
        await Task.WhenAll(workers).Soon();
        Assert.Equal(180, queue.Ran.Distinct().Count());
        Assert.Equal(180, queue.Ran.Count);
    }

    [Theory, BothEngines]
    public async Task What_recurs_is_added_by_the_worker_goes_on_after_failures_and_an_idle_queue_writes_nothing(
        Engine engine
    )
    {
        await using var place = await TestStore.Start(engine);
        var runs = 0;
        var job = new CleanUp(
            place.Store,
            [new CleaningStep("dust", _ => ++runs == 1 ? throw new FormatException() : Task.FromResult(1))],
            NullLogger<CleanUp>.Instance
        );
        using var worker = new JobWorker(place.Store, [job], NullLogger<JobWorker>.Instance);
        await worker.StartAsync(default);
        await Eventually.True(async () => await place.Count("jobs") == 1, "it is there");
        var before = await place.Everything("jobs");
        await worker.StopAsync(default);
        await worker.Drain();
        Assert.Equal(before, await place.Everything("jobs"));
        for (var i = 0; i < 3; i++)
        {
            place.Clock.Advance(TimeSpan.FromHours(4));
            await worker.Drain();
        }
        Assert.Equal(3, runs);
        Assert.Equal("waiting", await place.Text("SELECT state FROM jobs WHERE error IS NULL"));
    }

    private static async ValueTask Note(Tx tx, Job job) =>
        await tx.Execute(
            """
            INSERT INTO hub (name, value) VALUES ('noted', @key) ON CONFLICT (name) DO UPDATE
            SET value = hub.value || ' ' || @key
            """,
            new { key = job.Key }
        );

    /// <summary>A store with a worker whose only handler does what a test says.</summary>
    private sealed class Queue : IJobHandler, IAsyncDisposable
    {
        public const string Kind = "test";
        private readonly List<JobWorker> _workers = [];

        public TestStore Place { get; private init; } = null!;
        public JobWorker Worker => _workers[0];
        public ConcurrentQueue<string> Ran { get; } = new();
        public ConcurrentQueue<string> SetAside { get; } = new();
        public Func<string, int> Limit { get; set; } = _ => 8;
        public TimeSpan MaxRun { get; set; } = TimeSpan.FromSeconds(30);

        public Func<Job, JobResult> Runs
        {
            set => RunsLong = job => Task.FromResult(value(job));
        }
        public Func<Job, Task<JobResult>> RunsLong
        {
            set => RunsUntil = (job, _) => value(job);
        }
        public Func<Job, CancellationToken, Task<JobResult>> RunsUntil { get; set; } =
            (_, _) => Task.FromResult<JobResult>(new JobResult.Done());

        string IJobHandler.Kind => Kind;

        public static async Task<Queue> Start(Engine engine)
        {
            var queue = new Queue { Place = await TestStore.Start(engine) };
            queue.WorkerOn(queue.Place.Store);
            return queue;
        }

        /// <summary>Another node's.</summary>
        public async Task<JobWorker> Another() => WorkerOn(await Place.OpenAnother());

        public JobToAdd New(string key, TimeSpan after = default, string? order = null, long number = 0) =>
            new(Kind, key, "", Place.Clock.Now + after) { Order = order, OrderNumber = number };

        public Task<bool> Add(string key, TimeSpan after = default, string? order = null, long number = 0) =>
            Place.Store.InTransaction(tx => Jobs.Add(tx, New(key, after, order, number)));

        public Task DrainAfter(TimeSpan time)
        {
            Place.Clock.Advance(time);
            return Worker.Drain();
        }

        public ValueTask<string?> Noted() => Place.Text("SELECT value FROM hub WHERE name = 'noted'");

        public async Task<string> Keys() => string.Join(' ', (await Rows()).Select(r => r.Key));

        public async Task<string> States() => string.Join(", ", (await Rows()).Select(r => $"{r.Key} {r.State}"));

        public ValueTask<int> AtOnce(Reader reader, string receiver) => new(Limit(receiver));

        public Task<JobResult> Run(Job job, CancellationToken cancel)
        {
            Ran.Enqueue(job.Key);
            return RunsUntil(job, cancel);
        }

        public ValueTask WhenSetAside(Tx tx, Job job)
        {
            SetAside.Enqueue(job.Key);
            return ValueTask.CompletedTask;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var worker in _workers)
                worker.Dispose();
            await Place.DisposeAsync();
        }

        private JobWorker WorkerOn(Store store)
        {
            var worker = new JobWorker(store, [this], NullLogger<JobWorker>.Instance);
            _workers.Add(worker);
            return worker;
        }

        private ValueTask<List<Row>> Rows() =>
            Place.Store.Read(reader => reader.All<Row>("SELECT key, state FROM jobs ORDER BY key"));

        private sealed class Row
        {
            public required string Key { get; init; }
            public required string State { get; init; }
        }
    }
}
