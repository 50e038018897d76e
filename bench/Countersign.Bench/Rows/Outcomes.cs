using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Countersign.Bench.Servers;
using Countersign.Outcomes;
using Countersign.Outcomes.Webhooks;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Bench.Rows;

/// <summary>
/// Webhooks on SQLite, every attempt recorded, in this process: how many a second against a loop that only sends; and what
/// a dead receiver with 100,000 waiting messages costs another one.
/// </summary>
internal sealed class Outcomes(Options options, Report report)
{
    private const int AtOnce = 16;
    private const int Backlog = 100_000;
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
        var (ours, bare) = (new List<double>(), new List<double>());
        for (var i = 0; i <= options.Pairs; i++)
        {
            await post.Fill(count, "group");
            await post.ExpandAll();
            var watch = Stopwatch.StartNew();
            await post.Dispatcher.Drain();
            var product = count / watch.Elapsed.TotalSeconds;
            watch.Restart();
            await SendBare(address, count, body);
            // The first pair warms up.
            if (i == 0)
                continue;
            ours.Add(product);
            bare.Add(count / watch.Elapsed.TotalSeconds);
        }
        var delivered = await store.Read(r => r.Number("SELECT count(*) FROM attempts WHERE failure IS NULL"));
        var ratio = ours.Zip(bare, (p, c) => p / c).Median();
        var all = delivered == (long)count * (options.Pairs + 1);
        report.Add(new Row("webhook deliveries on SQLite, each attempt recorded, against a bare send loop", PerSecond(ours), PerSecond(bare),
            $"{Report.Text(ratio)} ×{(all ? "" : " (not all arrived)")}", "≥ 0.30 ×", ratio >= 0.3 && all));
    }

    private async Task Outage()
    {
        var folder = Session.Fresh(options, "outage");
        await using var store = await Session.OpenStore(folder);
        await using var receiver = await Control.StartSame(Path.Combine(folder, "same"), "ok"u8.ToArray());
        using var silent = new TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        using var post = new Post(store);
        var healthy = await post.Hook(new Uri(receiver.Url, "/hook"), "request.approved");
        using var worker = new OutboxWorker(store, post.Expand, post.Dispatcher, NullLogger<OutboxWorker>.Instance);
        await post.Dispatcher.StartAsync(default);
        await worker.StartAsync(default);
        await Delays(store, healthy, 30);
        var before = await Delays(store, healthy, options.Quick ? 60 : 200);
        var memory = Process.GetCurrentProcess().WorkingSet64;
        // Takes connections and never says a word, as a machine behind a broken network does.
        var dead = await post.Hook(new Uri($"http://127.0.0.1:{((System.Net.IPEndPoint)silent.LocalEndpoint).Port}/"), "request.commented");
        await post.Fill(Backlog, "group");
        while (await store.Read(r => r.Number("SELECT count(*) FROM outbox")) > 0)
            await Task.Delay(50);
        await AsAfter(store, dead, TimeSpan.FromHours(24));
        await Delays(store, healthy, 30);
        var during = await Delays(store, healthy, options.Quick ? 60 : 200);
        var grown = (Process.GetCurrentProcess().WorkingSet64 - memory) / 1024d / 1024;
        var waiting = await store.Read(r => r.Number("SELECT count(*) FROM deliveries WHERE state IN ('due', 'waiting')"));
        await worker.StopAsync(default);
        await post.Dispatcher.StopAsync(default);
        var ratio = during / before;
        report.Add(new Row($"delay of one receiver while another has been dead for a day with {waiting.ToString("N0", CultureInfo.InvariantCulture)} waiting", $"{Report.Text(during, "0.0")} ms", $"{Report.Text(before, "0.0")} ms before",
            $"{Report.Text(ratio)} ×", "≤ 1.10 ×", ratio <= 1.1 && waiting >= Backlog));
        report.Add(new Row("memory that those waiting messages take", $"{Report.Text(grown, "0")} MiB", "", $"{Report.Text(grown, "0")} MiB", "≤ 64 MiB", grown <= 64));
    }

    /// <summary>
    /// Leaves an endpoint as an outage of so long leaves it: what waits was made all along it, the oldest was tried as often
    /// as the schedule says, and a probe is due every five minutes, the next one now.
    /// </summary>
    private static async Task AsAfter(Store store, string endpoint, TimeSpan outage)
    {
        var now = store.Now;
        var ids = await store.Read(r => r.All<Waiting>("SELECT id FROM deliveries WHERE endpoint = @endpoint AND state IN ('due', 'waiting') ORDER BY id", new { endpoint }));
        for (var done = 0; done < ids.Count; done += 1_000)
        {
            var from = done;
            await store.InTransaction(async tx =>
            {
                for (var i = from; i < Math.Min(ids.Count, from + 1_000); i++)
                {
                    var made = now - (outage * (1 - ((double)i / ids.Count)));
                    var (tries, due) = i < 300 ? (6, now + TimeSpan.FromHours(i / 60d)) : (0, made);
                    await tx.Execute("UPDATE deliveries SET created_at = @made, due_at = @due, attempts = @tries, tries = @tries WHERE id = @id", new { made, due, tries, id = ids[i].Id });
                }
                await tx.Execute("UPDATE endpoints SET failures = 300, failing_since = @since, held_until = @now WHERE name = @endpoint", new { since = now - outage, now, endpoint });
            });
        }
    }

    private sealed class Waiting
    {
        public long Id { get; init; }
    }

    /// <summary>From the commit of an event to the record of its delivery, in milliseconds: the median.</summary>
    private static async Task<double> Delays(Store store, string endpoint, int times)
    {
        var delays = new List<double>();
        for (var i = 0; i < times; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var id = await store.InTransaction(async tx =>
            {
                await tx.Append($"group:{endpoint}", By, "request.approved", new { });
                await tx.MustBeTold("request.approved");
                return await tx.Number("SELECT max(event_id) FROM outbox");
            });
            while (await store.Read(r => r.Number("SELECT count(*) FROM deliveries WHERE endpoint = @endpoint AND event_id = @id AND state = 'delivered'", new { endpoint, id })) == 0)
                await Task.Delay(1);
            delays.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        return delays.Median();
    }

    private static async Task SendBare(Uri address, int count, string body)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var left = count;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                using var answer = await http.PostAsync(address, content);
                await answer.Content.ReadAsByteArrayAsync();
            }
        })));
    }

    private static string PerSecond(List<double> rates) => $"{Report.Text(rates.Median(), "0")}/s";

    /// <summary>What news passes on its way out, as the server puts it together.</summary>
    private sealed class Post : IDisposable
    {
        private readonly Store _store;
        private readonly Egress _egress;
        private readonly Subscriptions _webhooks;

        public Post(Store store)
        {
            _store = store;
            var bounds = new EgressOptions { Allow = [EgressAllowance.Parse("127.0.0.0/8")!] };
            var plain = new OutcomeOptions { PublicUrl = new Uri("https://approvals.example.com"), CallsPerReceiver = AtOnce };
            _egress = new Egress(bounds);
            var secrets = new WebhookSecrets(new EphemeralDataProtectionProvider());
            _webhooks = new Subscriptions(store, secrets);
            IChannel[] channels = [new WebhookChannel(store, _egress, secrets, plain)];
            Expand = new ExpandOutbox(store, [new WebhookExpander()]);
            Dispatcher = new Dispatcher(store, channels, new RecordAttempt(store, plain, channels), plain, bounds, NullLogger<Dispatcher>.Instance);
        }

        public ExpandOutbox Expand { get; }
        public Dispatcher Dispatcher { get; }

        public async Task<string> Hook(Uri address, params string[] kinds) =>
            await _webhooks.Add(address.ToString(), kinds, [], By, null, default) is Access.AccessOutcome<NewWebhook>.Done { Value: var made }
                ? $"webhook:{made.Id.ToString(CultureInfo.InvariantCulture)}" : throw new InvalidOperationException("No webhook.");

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
                        await tx.Append($"{subject}:b{from}-{i / 2}", Head.None with { Count = i % 2 }, By, "request.commented", new { n = i, text = "Looks good to me, as far as I can see from here." });
                        await tx.MustBeTold("request.commented");
                    }
                });
            }
        }

        public async Task ExpandAll()
        {
            while (await Expand.Run(default) is var (taken, _) && taken > 0)
            {
            }
        }

        public void Dispose()
        {
            Dispatcher.Dispose();
            _egress.Dispose();
        }
    }
}
