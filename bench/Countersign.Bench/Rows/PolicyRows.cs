using System.Diagnostics;
using Countersign.Bench.Load;
using Countersign.Bench.Servers;
using Countersign.Policies;

namespace Countersign.Bench.Rows;

/// <summary>
/// What policies cost a request, in this process: finding the one that matches among a thousand, and asking whether it
/// can ever pass.
/// </summary>
internal sealed class PolicyRows(Options options, Product product, Report report)
{
    private const int Policies = 1_000,
        Steps = 10,
        People = 5_000;

    public async Task Run()
    {
        var file = PolicyFile
            .Read(
                $"version: 1\npolicies:\n{string.Concat(Enumerable.Range(0, Policies).Select(i =>
            $"  - {{ name: p{i}, when: {{ project: [\"team-{i}-*\", \"shop-{i}\"], "
                + "environment: [production, \"eu-*\"], "
                + "tags: [pci, gold] }, steps: [ { from: { groups: [g] } } ] }\n"))}"
            )
            .File!;
        var matcher = new Matcher(file.Rules);
        // The last one matches: every policy is looked at.
        var question = new PolicyQuery(
            "ld",
            "Rita",
            $$"""
            {"project":"shop-{{Policies - 1}}","environment":"production","flag":"checkout-v2","flag.tags":["gold"],
            "comment":"Turn it on","details":"For 25 percent of all customers"}
            """,
            HasAssignee: false
        );
        var match = Measure(() => matcher.Find(question) == Policies - 1);
        report.Add(
            Row.Of("match one of 1,000 policies", match.Time.TotalMicroseconds, "0.0", "µs", Bar.AtMost(50, unit: "µs"))
        );

        var few = new Matcher(file.Rules.Take(10).ToList());
        var small = Measure(() => few.Find(question) < 0);
        report.Add(
            Row.Of(
                "bytes made for 1,000 policies beyond those for 10",
                match.Bytes - small.Bytes,
                "0",
                "bytes",
                Bar.AtMost(64, unit: "bytes")
            )
        );

#pragma warning disable RS0030 // A fixed seed: the same groups in every run.
        var random = new Random(7);
#pragma warning restore RS0030
        var people = Enumerable
            .Range(1, People)
            .ToDictionary(
                i => (long)i,
                i => new PoolMember(i, $"P{i}", AwayUntil: i == 1 ? DateTimeOffset.MaxValue : null)
            );
        var members = Enumerable
            .Range(0, Steps)
            .ToDictionary(
                s => Party.Group(s).Text,
                IReadOnlyList<long> (_) => [.. people.Keys.Where(_ => random.Next(2) == 0)]
            );
        var pools = new Pools(people, members);
        // Nearly everybody is needed, so that people have to be moved between steps.
        var policy = new Policy(
            "tight",
            [
                .. Enumerable
                    .Range(0, Steps)
                    .Select(s => new Step($"s{s}", (People - 50) / Steps, [new Approver(Party.Group(s), $"g{s}")])),
            ]
        );
        var tight = Measure(() => Feasibility.Of(policy, pools, [3]) is null);
        report.Add(
            Row.Of(
                "can it pass? 10 steps, 5,000 people, nearly all needed",
                tight.Time.TotalMilliseconds,
                "0.00",
                "ms",
                Bar.AtMost(2, unit: "ms")
            )
        );
        var usual = new Policy("usual", [.. policy.Steps.Select(s => s with { Need = 2 })]);
        var easy = Measure(() => Feasibility.Of(usual, pools, [3]) is null);
        report.Add(
            Row.Of(
                "can it pass? 10 steps of 2, 5,000 people",
                easy.Time.TotalMilliseconds,
                "0.000",
                "ms",
                Bar.AtMost(2, unit: "ms")
            )
        );

        var create = await CreateMicroseconds();
        var share = (match.Time + easy.Time).TotalMicroseconds / create * 100;
        report.Add(
            Row.Of(
                $"matching and passability as a share of one create ({create:0} µs of processor time)",
                share,
                "0",
                "%",
                Bar.AtMost(15, unit: "%")
            )
        );
    }

    /// <summary>Server processor time of one create, as the row of creates measures it.</summary>
    private async Task<double> CreateMicroseconds()
    {
        var folder = Session.Fresh(options, "policies");
        var town = await Session.NewTown(folder);
        await using var server = await product.Start(folder);
        await Create("warm-up", options.WarmUp);
        await server.Settle();
        var slices = new List<Slice>();
        for (var i = 0; i < options.Pairs; i++)
            slices.Add(await Create($"p{i}", options.Slice));
        return slices.Select(s => s.CpuMicroseconds).Median();

        Task<Slice> Create(string name, TimeSpan length) =>
            Wrk.Run(
                new Uri(server.Url, "/api/v1/requests"),
                "create.lua",
                CreateAndDecide.Connections,
                length,
                server.Cpu,
                name,
                town.Source
            );
    }

    private static (TimeSpan Time, double Bytes) Measure(Func<bool> once)
    {
        for (var i = 0; i < 2_000; i++)
        {
            if (!once())
                throw new InvalidOperationException("The bench does not measure what it says.");
        }
        var best = TimeSpan.MaxValue;
        double bytes = 0;
        for (var round = 0; round < 9; round++)
        {
            const int times = 500;
            var (before, started) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            for (var i = 0; i < times; i++)
                once();
            var each = Stopwatch.GetElapsedTime(started) / times;
            bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)times;
            best = each < best ? each : best;
        }
        return (best, bytes);
    }
}
