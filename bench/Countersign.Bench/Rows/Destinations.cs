using System.Diagnostics;
using Countersign.Bench.Servers;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Outcomes;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Bench.Rows;

/// <summary>
/// Handing over: what an exchange costs, how fast questions are opened against a bare loop of the same calls, and how
/// long one node takes to look after ten thousand open ones. In this process, without the server.
/// </summary>
internal sealed class Destinations(Options options, Report report)
{
    private const int AtATime = CallDestination.MaxAtOnce;
    private const int Open = 10_000;
    private const int WarmUp = 3_000;
    private const string AtOnce = "At once",
        Soon = "Soon";

    /// <summary>Quicker than any system that keeps a ticket; the bar is taken here.</summary>
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(10);
    private static readonly byte[] Answer =
        """
        {"_id":"66a8e20c0754610fae1fcf5d",
        "status":{"value":"pending","display":"0 of 1 approval, waiting for SRE"}}
        """u8.ToArray();

    public async Task Run()
    {
        var manifest = ManifestReader.Read(ShippedManifests.Find("countersign")!).Manifest!;
        RenderAndParse(manifest);
        var folder = Session.Fresh(options, "destinations");
        await using var atOnce = await Control.StartSame(Path.Combine(folder, "at-once"), Answer);
        await using var quick = await Control.StartSame(Path.Combine(folder, "quick"), Answer, Quick);
        await using var store = await Session.OpenStore(folder);
        using var book = new DestinationCache(
            store,
            new EphemeralDataProtectionProvider(),
            NullLogger<DestinationCache>.Instance
        );
        using var egress = new Egress(new EgressOptions { Allow = [EgressAllowance.Parse("127.0.0.0/8")!] });
        var settings = new DestinationOptions { BaseUrl = "https://approvals.example.com" };
        var calls = new DestinationCalls(
            store,
            egress,
            new AccessTokens(store, egress, book, new StoreAccessToken(store))
        );
        var handler = new CallDestination(
            store,
            book,
            calls,
            new StartOpening(store),
            settings,
            NullLogger<CallDestination>.Instance
        );
        using var worker = new JobWorker(store, [handler], NullLogger<JobWorker>.Instance);
        var operates = new Origin(Actor.Operator, "bench", "");
        foreach (var (name, fake) in new[] { (AtOnce, atOnce), (Soon, quick) })
        {
            await new AddDestination(store, book).Run(
                name,
                ShippedManifests.Find("countersign")!,
                new Dictionary<string, string> { ["baseURL"] = fake.Url.GetLeftPart(UriPartial.Authority) },
                new Dictionary<string, string> { ["apiKey"] = "k" },
                operates,
                default
            );
        }
        var (submit, cursor) = (new Submit(store, new RequestIds()), new LogCursor(store, new OpenLinks()));

        var each = options.Quick ? Open / 2 : Open;
        // Until the paths of both are compiled for good.
        for (var i = 0; i < 3; i++)
        {
            await Ask(AtOnce, WarmUp, $"warm-up {i}");
            await worker.Drain();
            await Bare(atOnce.Url, manifest, WarmUp);
        }
        await Opened(
            Soon,
            quick,
            $"questions opened at a destination that answers in {Quick.TotalMilliseconds:0} ms, durable, "
                + "against a bare loop of the same calls",
            Bar.AtLeast(0.5)
        );
        await Opened(AtOnce, atOnce, "the same at one that answers at once, as none does", Bar.None);

        // All of them due at once, which is the worst that five minutes can bring.
        const string dueNow = """
            UPDATE jobs SET next_at = @now WHERE kind = 'link'
              AND key IN (SELECT CAST(id AS TEXT) FROM links WHERE state = 'open' ORDER BY id LIMIT @open)
            """;
        await store.InTransaction(async tx =>
        {
            await tx.Execute(dueNow, new { now = tx.Now, open = Open });
        });
        var watch = Stopwatch.StartNew();
        await worker.Drain();
        var took = watch.Elapsed.TotalSeconds;
        var asked = await store.Read(r => r.Number("SELECT count(*) FROM links WHERE polls > 0"));
        report.Add(
            Row.Of(
                $"{asked} open questions looked after once by one node",
                took,
                "0",
                "s",
                Bar.AtMost(300, unit: "s")
            ) with
            {
                Failed = asked < Open,
            }
        );

        async Task Opened(string destination, Server fake, string what, Bar bar)
        {
            var (ours, theirs) = (
                new List<(double PerSecond, double Cpu)>(),
                new List<(double PerSecond, double Cpu)>()
            );
            for (var pair = 0; pair < options.Pairs; pair++)
            {
                await Ask(destination, each, $"{destination} {pair}");
                ours.Add(await Timed(each, () => worker.Drain()));
                theirs.Add(await Timed(each, () => Bare(fake.Url, manifest, each)));
            }
            var ratio = ours.Zip(theirs, (o, t) => o.PerSecond / t.PerSecond).Median();
            report.Add(
                new Row(
                    what,
                    $"{Report.Text(ours.Select(o => o.PerSecond).Median(), "0")}/s",
                    $"{Report.Text(theirs.Select(t => t.PerSecond).Median(), "0")}/s",
                    $"{Report.Text(ratio)} ×",
                    ratio,
                    bar
                )
                {
                    ProductCpu = Cpu(ours),
                    ControlCpu = Cpu(theirs),
                }
            );
        }

        static string Cpu(List<(double PerSecond, double Cpu)> rounds) =>
            Report.Text(rounds.Select(r => r.Cpu).Median(), "0");

        async Task Ask(string destination, int count, string round)
        {
            await Task.WhenAll(
                Enumerable
                    .Range(0, count)
                    .Select(n =>
                        submit.Run(
                            new Submission
                            {
                                SourceId = 1,
                                SentBy = SentBy.Api,
                                ExternalId = $"{round}-{n}",
                                Subject = "Turn on checkout-v2 for 25 percent of all customers",
                                Message = "So that we see what it does.",
                                Facts = """{"project":"shop","environment":"production","flag":"checkout-v2"}""",
                                Body = $"{round}-{n}",
                                Digest = Hashes.Sha256($"{round}-{n}"),
                                Requester = new Requester(null, "Somebody", [], Certainty.Proven),
                                Policy = new Policy("elsewhere", []) { Destination = destination },
                            },
                            operates,
                            null,
                            default
                        )
                    )
            );
            while ((await cursor.Run()).Handled > 0) { }
            // Looking after what was opened before is measured for itself.
            const string dueLater = """
                UPDATE jobs SET next_at = @later
                WHERE next_at < @soon AND key IN (SELECT CAST(id AS TEXT) FROM links WHERE state = 'open')
                AND kind = 'link'
                """;
            await store.InTransaction(async tx =>
            {
                await tx.Execute(dueLater, new { later = tx.Now.AddDays(2), soon = tx.Now.AddDays(1) });
            });
        }
    }

    /// <summary>
    /// What an exchange costs beside the network: a creation rendered and its answer read, and a look likewise.
    /// </summary>
    private void RenderAndParse(ApprovalManifest manifest)
    {
        var context = Rehearsals.Context(manifest, Rehearsals.Full) with { ExternalId = "66a8e20c0754610fae1fcf5d" };
        var costs = new List<double>();
        for (var round = 0; round < options.Pairs + 1; round++)
        {
            // The first round compiles, and the compiler needs a while to see what is worth its best.
            var times = round == 0 ? 100_000 : 5_000;
            var before = Environment.CpuUsage.TotalTime;
            for (var i = 0; i < times; i++)
            {
                _ = Renderer.Render(manifest.Create, context);
                _ = StatusReader.Read(manifest.Create.Parser!, Answer);
            }
            if (round > 0)
                costs.Add((Environment.CpuUsage.TotalTime - before).TotalMicroseconds / times);
        }
        report.Add(
            Row.Of(
                "a creation rendered and its answer read, CPU",
                costs.Median(),
                "0.0",
                "µs",
                Bar.AtMost(50, unit: "µs")
            )
        );
    }

    /// <summary>The same calls in a loop that does nothing else.</summary>
    private static async Task Bare(Uri fake, ApprovalManifest manifest, int count)
    {
        var context = Rehearsals.Context(manifest, Rehearsals.Full);
        var body = ((Rendering.Ready)Renderer.Render(manifest.Create, context)).Call.Body!;
        using var http = new HttpClient(new SocketsHttpHandler());
        var next = 0;
        await Task.WhenAll(
            Enumerable
                .Range(0, AtATime)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        while (Interlocked.Increment(ref next) <= count)
                        {
                            using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(fake, "/api/approvals"))
                            {
                                Content = new ByteArrayContent(body),
                            };
                            message.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
                            message.Headers.TryAddWithoutValidation("Authorization", "Bearer k");
                            using var response = await http.SendAsync(message);
                            await response.Content.ReadAsByteArrayAsync();
                        }
                    })
                )
        );
    }

    /// <summary>How many a second, and the processor time of each in this process.</summary>
    private static async Task<(double PerSecond, double Cpu)> Timed(int count, Func<Task> work)
    {
        var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        await work();
        return (
            count / watch.Elapsed.TotalSeconds,
            (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / count
        );
    }
}
