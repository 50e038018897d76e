using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Countersign.Bench.Servers;
using Countersign.Outcomes;
using Countersign.Outcomes.Webhooks;
using Countersign.People;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Bench.Rows;

/// <summary>
/// Webhooks on SQLite, every attempt recorded, in this process: how many a second against a loop that only sends; and
/// what a receiver that is out for a day, while 100,000 messages gather for it, costs another one.
/// </summary>
internal sealed class Outcomes(Options options, Report report)
{
    private const int AtOnce = 16;
    private const int Backlog = 100_000;

    /// <summary>So many until all that they pass is compiled for good, however busy the machine is.</summary>
    private const int WarmUp = 80_000;
    private static readonly Origin By = new(Actor.Operator, "bench", "");

    public async Task Run()
    {
        await Deliver();
        await Outage();
    }

    private async Task Deliver()
    {
        var folder = Session.Fresh(options, "outcomes");
        await using var store = await Session.OpenStore(folder);
        await using var receiver = await Control.StartSame(Path.Combine(folder, "same"), "ok"u8.ToArray());
        var address = new Uri(receiver.Url, "/hook");
        using var post = new Post(store);
        await post.Hook(address);
        var count = options.Quick ? 5_000 : 20_000;
        var body = new string('x', 500);
        var (ours, bare) = (new List<Rate>(), new List<Rate>());
        var rounds = 0;
        while (ours.Count < options.Pairs)
        {
            var isWarm = rounds * count >= WarmUp;
            await post.Fill(count, "group");
            await post.ExpandAll();
            var product = await Rate.Of(count, () => post.Worker.Drain());
            var control = await Rate.Of(count, () => SendBare(address, count, body));
            rounds++;
            if (!isWarm)
                continue;
            ours.Add(product);
            bare.Add(control);
        }
        var delivered = await store.Read(r => r.Number("SELECT count(*) FROM attempts WHERE failure IS NULL"));
        var ratio = ours.Zip(bare, (p, c) => p.PerSecond / c.PerSecond).Median();
        var all = delivered == (long)count * rounds;
        report.Add(
            new Row(
                "webhook deliveries on SQLite, each attempt recorded, against a bare send loop",
                PerSecond(ours),
                PerSecond(bare),
                $"{Report.Text(ratio)} ×{(all ? "" : " (not all arrived)")}",
                ratio,
                Bar.AtLeast(0.3),
                Failed: !all
            )
            {
                ProductCpu = Cpu(ours),
                ControlCpu = Cpu(bare),
            }
        );
    }

    /// <summary>
    /// A day in steps of five minutes, as often as a receiver that is out is probed: in each the clock goes on, the
    /// news of those minutes is put on its way, and another receiver is told of something while the probe hangs.
    /// </summary>
    private async Task Outage()
    {
        var step = TimeSpan.FromMinutes(5);
        var steps = (int)(TimeSpan.FromHours(24) / step);
        var folder = Session.Fresh(options, "outage");
        var clock = new Hands();
        await using var store = await Session.OpenStore(folder, clock: clock);
        await using var receiver = await Control.StartSame(Path.Combine(folder, "same"), "ok"u8.ToArray());
        // Takes connections and never says a word, as a machine behind a broken network does.
        using var silent = new TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        using var post = new Post(store, patience: TimeSpan.FromMilliseconds(50));
        var other = await post.Hook(new Uri(receiver.Url, "/hook"), "request.approved");
        using var worker = new LogFollower(store, [post.Consumer], NullLogger<LogFollower>.Instance);
        await post.Worker.StartAsync(default);
        await worker.StartAsync(default);
        for (var i = 0; i < 100; i++)
            await Delay(store, other);
        var before = new List<double>();
        for (var i = 0; i < steps; i++)
        {
            clock.Advance(step);
            before.Add(await Delay(store, other));
        }

        var memory = Memory();
        var dead = await post.Hook(
            new Uri($"http://127.0.0.1:{((System.Net.IPEndPoint)silent.LocalEndpoint).Port}/"),
            "request.commented"
        );
        var during = new List<double>();
        for (var i = 0; i < steps; i++)
        {
            clock.Advance(step);
            await post.Fill((Backlog + steps - 1) / steps, "group");
            await Until(async () => !(await post.Cursor.Look(default)).HasWork);
            during.Add(await Delay(store, other));
            await Until(async () =>
                string.CompareOrdinal(
                    await store.Read(r => r.Text("SELECT held_until FROM endpoints WHERE name = @dead", new { dead })),
                    Instant.ToText(store.Now)
                ) > 0
            );
        }
        var grown = Memory() - memory;
        var (waiting, calls) = await store.Read(async r =>
            (
                await r.Number(
                    "SELECT count(*) FROM deliveries WHERE endpoint = @dead AND state = 'due'",
                    new { dead }
                ),
                await r.Number(
                    """
                    SELECT count(*) FROM attempts a JOIN deliveries d ON d.id = a.delivery_id
                    WHERE d.endpoint = @dead
                    """,
                    new { dead }
                )
            )
        );
        await worker.StopAsync(default);
        await post.Worker.StopAsync(default);
        var ratio = during.Median() / before.Median();
        report.Add(
            new Row(
                $"delay of one receiver in the 24 h that another is out, {Grouped(waiting)} waiting for it, "
                    + $"{Grouped(calls)} calls tried",
                $"{Report.Text(during.Median(), "0.0")} ms",
                $"{Report.Text(before.Median(), "0.0")} ms before",
                $"{Report.Text(ratio)} ×",
                ratio,
                Bar.AtMost(1.1),
                Failed: waiting < Backlog || calls < steps
            )
        );
        report.Add(
            Row.Of(
                "memory more at the end of that day than at its beginning",
                grown,
                "0",
                "MiB",
                Bar.AtMost(32, unit: "MiB")
            )
        );
    }

    /// <summary>What this process holds, in MiB, once what nobody needs is given back.</summary>
    private static double Memory()
    {
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64 / 1024d / 1024;
    }

    private static string Grouped(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static async Task Until(Func<ValueTask<bool>> condition)
    {
        while (!await condition())
            await Task.Delay(1);
    }

    /// <summary>From the commit of an event to the record of its delivery, in milliseconds.</summary>
    private static async Task<double> Delay(Store store, string endpoint)
    {
        var began = Stopwatch.GetTimestamp();
        var id = await store.InTransaction(async tx =>
        {
            await tx.Append($"group:{endpoint}", By, "request.approved", new { });
            return await tx.Number("SELECT max(id) FROM events");
        });
        await Until(async () =>
            await store.Read(r =>
                r.Number(
                    """
                    SELECT count(*) FROM deliveries
                    WHERE endpoint = @endpoint AND event_id = @id AND state = 'delivered'
                    """,
                    new { endpoint, id }
                )
            ) > 0
        );
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static async Task SendBare(Uri address, int count, string body)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var left = count;
        await Task.WhenAll(
            Enumerable
                .Range(0, AtOnce)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        while (Interlocked.Decrement(ref left) >= 0)
                        {
                            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body))
                            {
                                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
                            };
                            using var answer = await http.PostAsync(address, content);
                            await answer.Content.ReadAsByteArrayAsync();
                        }
                    })
                )
        );
    }

    private static string PerSecond(List<Rate> rates) =>
        $"{Report.Text(rates.Select(r => r.PerSecond).Median(), "0")}/s";

    private static string Cpu(List<Rate> rates) => Report.Text(rates.Select(r => r.Cpu).Median(), "0");

    /// <param name="Cpu">Microseconds for each, of this process: what the receiver takes is the same for product and
    /// control.</param>
    private sealed record Rate(double PerSecond, double Cpu)
    {
        public static async Task<Rate> Of(int count, Func<Task> work)
        {
            var cpu = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            await work();
            return new Rate(
                count / watch.Elapsed.TotalSeconds,
                (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / count
            );
        }
    }

    /// <summary>A clock that can be put on.</summary>
    private sealed class Hands : TimeProvider
    {
        private readonly long _began = Stopwatch.GetTimestamp();
        private long _ahead;

        public void Advance(TimeSpan time) => Interlocked.Add(ref _ahead, time.Ticks);

        public override DateTimeOffset GetUtcNow() =>
            new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero)
            + Stopwatch.GetElapsedTime(_began)
            + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));
    }

    /// <summary>What news passes on its way out, as the server puts it together.</summary>
    private sealed class Post : IDisposable
    {
        private readonly Store _store;
        private readonly Egress _egress;
        private readonly Subscriptions _webhooks;

        public Post(Store store, TimeSpan? patience = null)
        {
            _store = store;
            var bounds = new EgressOptions { Allow = [EgressAllowance.Parse("127.0.0.0/8")!] };
            if (patience is { } bound)
                bounds = bounds with { Patience = bound };
            var plain = new OutcomeOptions
            {
                PublicUrl = new Uri("https://approvals.example.com"),
                CallsPerReceiver = AtOnce,
            };
            _egress = new Egress(bounds);
            var secrets = new WebhookSecrets(new EphemeralDataProtectionProvider());
            _webhooks = new Subscriptions(store, secrets);
            IChannel[] channels = [new WebhookChannel(store, _egress, secrets, plain)];
            Worker = new JobWorker(
                store,
                [
                    new SendDelivery(
                        store,
                        channels,
                        new RecordAttempt(plain, channels),
                        plain,
                        bounds,
                        NullLogger<SendDelivery>.Instance
                    ),
                ],
                NullLogger<JobWorker>.Instance
            );
            Consumer = new WebhookConsumer();
            Cursor = new LogCursor(store, Consumer);
        }

        public WebhookConsumer Consumer { get; }
        public LogCursor Cursor { get; }
        public JobWorker Worker { get; }

        public async Task<string> Hook(Uri address, params string[] kinds) =>
            await _webhooks.Add(address.ToString(), kinds, [], By, null, default)
                is AccessOutcome<NewWebhook>.Done { Value: var made }
                ? $"webhook:{made.Id.ToString(CultureInfo.InvariantCulture)}"
                : throw new InvalidOperationException("No webhook.");

        public async Task Fill(int count, string subject)
        {
            var from = await _store.Read(r => r.Number("SELECT max(id) FROM events"));
            for (var done = 0; done < count; done += 500)
            {
                var at = done;
                await _store.InTransaction(async tx =>
                {
                    for (var i = at; i < Math.Min(count, at + 500); i++)
                    {
                        // Two of each subject, so that half of them wait behind the other.
                        await tx.Append(
                            $"{subject}:b{from}-{i / 2}",
                            Head.None with
                            {
                                Count = i % 2,
                            },
                            By,
                            "request.commented",
                            new { n = i, text = "Looks good to me, as far as I can see from here." }
                        );
                    }
                });
            }
        }

        public async Task ExpandAll()
        {
            while ((await Cursor.Run()).Handled > 0) { }
        }

        public void Dispose()
        {
            Worker.Dispose();
            _egress.Dispose();
        }
    }
}
