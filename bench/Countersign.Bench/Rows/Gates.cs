using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Bench.Load;
using Countersign.Bench.Servers;
using Countersign.Bench.Stock;
using Countersign.Gates;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.Extensions.Logging.Abstractions;
using Product = Countersign.Bench.Servers.Product;

namespace Countersign.Bench.Rows;

/// <summary>
/// Systems that call and wait: how fast their signed calls are taken against creating through <c>/api/v1</c> on the
/// same server, and how one node keeps ten thousand Terraform tasks alive.
/// </summary>
internal sealed class Gates(Options options, Product product, Report report)
{
    private const int Connections = 64;

    /// <summary>More than are taken in a second of any slice.</summary>
    private const int CallsPerSecond = 8_000;

    private const int Tasks = 10_000;
    private const string Key = "a-key-of-the-bench-alone";

    /// <summary>The server may not call it, so notes end without a call.</summary>
    private const string Nowhere = "http://127.0.0.1:9";

    /// <summary>Terraform gives a task up after ten minutes, and hears of us every four and a half.</summary>
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromMinutes(4.5);
    private static readonly TimeSpan LatestHeartbeat = TimeSpan.FromMinutes(10);

    /// <summary>As slow as an API across the internet.</summary>
    private static readonly TimeSpan AnswersAfter = TimeSpan.FromMilliseconds(200);

    private static readonly Origin By = new(Actor.Operator, "bench", "");

    private const string Terraform = """
        {"payload_version":1,"stage":"pre_apply","access_token":"token-of-@ID@","is_speculative":false,
        "capabilities":{"outcomes":true},"configuration_version_id":"cv-1a","organization_name":"acme",
        "run_app_url":"@SERVER@/app/acme/shop-prod/runs/run-@ID@","run_created_at":"2026-08-20T10:00:00.000Z",
        "run_created_by":"jdoe","run_id":"run-@ID@","run_message":"Merge #42: raise the limit of connections",
        "task_result_callback_url":"@SERVER@/api/v2/task-results/@ID@/callback","task_result_id":"@ID@",
        "task_result_enforcement_level":"mandatory","vcs_branch":"main",
        "vcs_commit_url":"https://git.example/acme/shop/commit/7c0de","vcs_pull_request_url":null,
        "workspace_id":"ws-5","workspace_name":"shop-prod","workspace_working_directory":""}
        """;

    private const string GitHub = """
        {"action":"requested","environment":"production","event":"push",
        "deployment_callback_url":"@SERVER@/api/v3/repos/acme/shop/actions/runs/@ID@/deployment_protection_rule",
        "deployment":{"id":@ID@,"task":"deploy","ref":"main","sha":"9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c",
        "environment":"production","description":null,"payload":{},"creator":{"login":"jdoe","id":99,"type":"User"},
        "created_at":"2026-08-20T10:00:00Z","transient_environment":false,"production_environment":true},
        "pull_requests":[],"repository":{"id":4711,"full_name":"acme/shop","private":true,
        "owner":{"login":"acme","type":"Organization"}},"organization":{"id":12,"login":"acme"},
        "installation":{"id":5550001},"sender":{"login":"jdoe","id":99,"type":"User"}}
        """;

    public async Task Run()
    {
        await Hear();
        await Heartbeats();
    }

    private async Task Hear()
    {
        var folder = Session.Fresh(options, "gates");
        Town town;
        long terraform,
            gitHub;
        await using (var store = await Session.OpenStore(folder))
        {
            town = await Town.Found(store);
            await using var services = ServicesOf(store, folder);
            terraform = await Add(services, store, SourceKinds.Terraform, ("hmacKey", Key), ("server", Nowhere));
            using var rsa = RSA.Create(2048);
            gitHub = await Add(
                services,
                store,
                SourceKinds.GitHub,
                ("server", Nowhere),
                ("appId", "1"),
                ("privateKey", rsa.ExportRSAPrivateKeyPem()),
                ("webhookSecret", Key)
            );
        }
        var warmUp = (int)options.WarmUp.TotalSeconds * CallsPerSecond;
        var perSlice = (int)options.Slice.TotalSeconds * CallsPerSecond;
        var count = warmUp + (perSlice * options.Pairs);
        var tasks = await Signed(
            Path.Combine(folder, "tasks.txt"),
            Terraform,
            count,
            body => Convert.ToHexStringLower(HMACSHA512.HashData(Encoding.UTF8.GetBytes(Key), body))
        );
        var deployments = await Signed(
            Path.Combine(folder, "deployments.txt"),
            GitHub,
            count,
            body => "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), body))
        );

        await using var server = await product.Start(folder);
        await Ask("warm-up", options.WarmUp);
        foreach (
            var (what, call) in new (string, Func<int, TimeSpan, Task<Slice>>)[]
            {
                (
                    "a Terraform run task",
                    (skip, length) => Call($"/gates/terraform/{terraform}", length, tasks, skip, "X-TFC-Task-Signature")
                ),
                (
                    "a GitHub deployment",
                    (skip, length) =>
                        Call(
                            $"/gates/github/{gitHub}",
                            length,
                            deployments,
                            skip,
                            "X-Hub-Signature-256",
                            "X-GitHub-Event",
                            "deployment_protection_rule"
                        )
                ),
            }
        )
        {
            await call(0, options.WarmUp);
            await server.Settle();
            var (theirs, ours) = await Measured.Pairs(
                options.Pairs,
                i => call(warmUp + (i * perSlice), options.Slice),
                i => Ask($"{what} {i}".Replace(' ', '-'), options.Slice)
            );
            report.Add(
                Measured.Ratio(
                    $"the signed call of {what}, against creating by /api/v1",
                    theirs,
                    ours,
                    Bar.AtLeast(0.5)
                )
            );
        }

        Task<Slice> Ask(string name, TimeSpan length) =>
            Wrk.Run(
                new Uri(server.Url, "/api/v1/requests"),
                "create.lua",
                Connections,
                length,
                server.Cpu,
                name,
                town.Source
            );

        async Task<Slice> Call(string path, TimeSpan length, string file, int skip, params string[] headers)
        {
            var slice = await Wrk.Run(
                new Uri(server.Url, path),
                "create-gate.lua",
                Connections,
                length,
                server.Cpu,
                [file, skip.ToString(CultureInfo.InvariantCulture), .. headers]
            );
            // Their notes are due two seconds later, and are no part of what is measured next.
            await Task.Delay(TimeSpan.FromSeconds(2));
            await server.Settle();
            return slice;
        }
    }

    /// <summary>
    /// Ten thousand tasks in the rhythm that they have when they came one after the other, for some time; and then all
    /// of them due at once, as after a server was away.
    /// </summary>
    private async Task Heartbeats()
    {
        var folder = Session.Fresh(options, "heartbeats");
        await using var store = await Session.OpenStore(folder);
        await using var receiver = await Control.StartCounting(folder, AnswersAfter);
        await using var services = ServicesOf(store, folder);
        await new Accounts(store, new ReweighRequests(store)).Add(
            "admin@example.com",
            "Ada Admin",
            Role.Admin,
            password: null,
            By,
            default
        );
        var server = receiver.Url.GetLeftPart(UriPartial.Authority);
        var source = await Add(services, store, SourceKinds.Terraform, ("hmacKey", Key), ("server", server));
        var hear = services.GetRequiredService<HearGate>();
        var template = Terraform.ReplaceLineEndings("").Replace("@SERVER@", server, StringComparison.Ordinal);
        await Parallel.ForAsync(
            0,
            Tasks,
            new ParallelOptions { MaxDegreeOfParallelism = Connections },
            async (i, cancel) =>
            {
                var body = Encoding.UTF8.GetBytes(template.Replace("@ID@", $"task-{i}", StringComparison.Ordinal));
                var signature = Convert.ToHexStringLower(HMACSHA512.HashData(Encoding.UTF8.GetBytes(Key), body));
                var call = new GateCall(name => name == "X-TFC-Task-Signature" ? signature : "", body);
                if (await hear.Run(SourceKinds.Terraform, source, call, "", cancel) is not HearGateOutcome.Heard)
                    throw new InvalidOperationException("The bench's own call wasn't taken.");
            }
        );
        var handlers = services.GetServices<IJobHandler>().Where(h => h.Kind == WatchCaller.JobKind).ToList();

        var length = options.Quick ? TimeSpan.FromSeconds(60) : TimeSpan.FromSeconds(300);
        // Time to write when each is due.
        const int lead = 45;
        var (begin, beginTicks) = (store.Now + TimeSpan.FromSeconds(lead), Stopwatch.GetTimestamp());
        beginTicks += lead * Stopwatch.Frequency;
        var due = new Dictionary<string, TimeSpan>();
        await store.InTransaction(async tx =>
        {
            await tx.Execute("DELETE FROM jobs WHERE kind <> @kind", new { kind = WatchCaller.JobKind });
            var asks = await tx.All<AskRow>("SELECT ask, request_id FROM gate_asks ORDER BY request_id");
            foreach (var (ask, i) in asks.Select((a, i) => (a, i)))
            {
                var at = HeartbeatInterval * ((double)i / Tasks);
                due[ask.Ask["task-".Length..]] = at;
                await tx.Execute(
                    "UPDATE jobs SET due_at = @at, next_at = @at WHERE key = @key",
                    new { at = begin + at, key = ask.RequestId }
                );
            }
        });
        var isReady = store.Now < begin;
        var cpu = Environment.CpuUsage.TotalTime;
        using (var worker = new JobWorker(store, handlers, NullLogger<JobWorker>.Instance))
        {
            await worker.StartAsync(default);
            await Task.Delay(begin + length - store.Now);
            await worker.StopAsync(default);
        }
        var used = Environment.CpuUsage.TotalTime - cpu;
        var heard = await Control.Heard(receiver);
        var late = new List<double>();
        var missing = 0;
        foreach (var (task, at) in due)
        {
            var arrivals = heard.GetValueOrDefault(task, []);
            if (arrivals.Count == 0)
            {
                // What was due in the last moments may be underway.
                missing += at < length - TimeSpan.FromSeconds(5) ? 1 : 0;
                continue;
            }
            late.Add(Stopwatch.GetElapsedTime(beginTicks, arrivals[0]).TotalMilliseconds - at.TotalMilliseconds);
            for (var i = 1; i < arrivals.Count; i++)
            {
                var gap = Stopwatch.GetElapsedTime(arrivals[i - 1], arrivals[i]);
                missing += gap > LatestHeartbeat ? 1 : 0;
                late.Add((gap - HeartbeatInterval).TotalMilliseconds);
            }
        }
        late.Sort();
        var p99 = late.Count == 0 ? double.NaN : late[(int)(late.Count * 0.99)];
        report.Add(
            new Row(
                $"{Tasks:N0} open Terraform tasks on one node for {length.TotalSeconds:0} s: a heartbeat late at p99",
                $"{late.Count / length.TotalSeconds:0.0}/s",
                "",
                $"{Report.Text(p99, "0")} ms{(missing > 0 ? $" ({missing} missing)" : isReady ? "" : " (begun late)")}",
                p99,
                Bar.AtMost(5_000, 1_000, "ms"),
                Failed: missing > 0 || !isReady
            )
            {
                ProductCpu = Report.Text(used.TotalMicroseconds / Math.Max(1, late.Count), "0"),
            }
        );
        report.Add(
            Row.Of("processor time of these, of one core", 100 * used / length, "0.0", "%", Bar.AtMost(25, unit: "%"))
        );

        await store.InTransaction(async tx => await tx.Execute("UPDATE jobs SET next_at = @now", new { now = tx.Now }));
        var (watch, before) = (Stopwatch.StartNew(), heard.Values.Sum(a => a.Count));
        cpu = Environment.CpuUsage.TotalTime;
        using (var worker = new JobWorker(store, handlers, NullLogger<JobWorker>.Instance))
            await worker.Drain();
        var took = watch.Elapsed.TotalSeconds;
        var all = (await Control.Heard(receiver)).Values.Sum(a => a.Count) - before;
        report.Add(
            Row.Of(
                $"{Tasks:N0} heartbeats that are due at once, as after a restart",
                took,
                "0",
                "s",
                // What is left of the ten minutes after a hub that was away for three.
                Bar.AtMost(150, 60, "s")
            ) with
            {
                Failed = all < Tasks,
                ProductCpu = Report.Text((Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / Tasks, "0"),
            }
        );
    }

    /// <summary>The hub's use cases on a store, without a server.</summary>
    private static ServiceProvider ServicesOf(Store store, string folder)
    {
        var key = Path.Combine(folder, "root.key");
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["RootKeyFile"] = key,
                    ["Egress:Allow"] = "127.0.0.0/8",
                    ["PublicUrl"] = "https://approvals.example.com",
                }
            )
            .Build();
#pragma warning disable RS0030 // The bench is a program of its own, and this is where its clock comes in.
        return new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(settings)
            .AddSingleton(TimeProvider.System)
            .AddCountersign(settings, store, RootKey.Load(key, mayCreate: true))
            .AddSingleton<LastUse>()
            .BuildServiceProvider();
#pragma warning restore RS0030
    }

    private static async Task<long> Add(
        ServiceProvider services,
        Store store,
        string kind,
        params (string Name, string Value)[] settings
    )
    {
        var added = await new Sources(store).Add(kind, kind, null, null, By, default);
        var set = await services
            .GetRequiredService<GateSources>()
            .Set(kind, settings.ToDictionary(s => s.Name, s => s.Value), By, default);
        await services.GetRequiredService<PeopleDirectory>().Refresh();
        return added is AccessOutcome<NewSourceKey>.Done { Value.Id: var id } && set is AccessOutcome<long>.Done
            ? id
            : throw new InvalidOperationException($"The bench could not add its source: {added} {set}");
    }

    /// <summary>A file for create-gate.lua.</summary>
    private static async Task<string> Signed(string file, string template, int count, Func<byte[], string> sign)
    {
        var body = template.ReplaceLineEndings("").Replace("@SERVER@", Nowhere, StringComparison.Ordinal);
        var lines = Enumerable
            .Range(1, count)
            .Select(n =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{n} {sign(Encoding.UTF8.GetBytes(body.Replace("@ID@", $"{n}", StringComparison.Ordinal)))}"
                )
            );
        await File.WriteAllLinesAsync(file, lines.Prepend(body));
        return file;
    }

    private sealed class AskRow
    {
        public required string Ask { get; init; }
        public required string RequestId { get; init; }
    }
}
