using Countersign.Bench.Load;
using Countersign.Bench.Servers;
using Countersign.Bench.Stock;
using Countersign.Storage;

namespace Countersign.Bench.Rows;

/// <summary>Creating through two doors and deciding, on SQLite, durable, from 64 connections.</summary>
internal sealed class CreateAndDecide(Options options, Product product, Report report)
{
    public const int Connections = 64;

    public Task Create() => Create("/api/v1", "/api/v1/requests", "create.lua");

    public Task CreateThroughLaunchDarkly() =>
        Create("the LaunchDarkly door", "/api/approvals", "create-launchdarkly.lua");

    private async Task Create(string door, string path, string script)
    {
        var folder = Session.Fresh(options, "create");
        var town = await Session.NewTown(folder);
        await using var server = await product.Start(folder);
        await using var batch = await Control.Start(Path.Combine(folder, "batch"), batch: true);
        await using var single = await Control.Start(Path.Combine(folder, "single"), batch: false);
        await using var alone = await Control.StartAlone(Path.Combine(folder, "alone"));
        foreach (var one in (Server[])[server, batch, single, alone])
            await Ask(one, "warm-up", options.WarmUp);
        await server.Settle();

        var (ours, theirs) = await Measured.Pairs(
            options.Pairs,
            i => Ask(server, $"b{i}", options.Slice),
            i => Ask(batch, $"b{i}", options.Slice)
        );
        report.Add(
            Measured.Ratio(
                $"create through {door}, against one insert per call in batches",
                ours,
                theirs,
                Bar.AtLeast(0.28, 0.40)
            )
        );
        (ours, theirs) = await Measured.Pairs(
            options.Pairs,
            i => Ask(server, $"a{i}", options.Slice),
            i => Ask(alone, $"a{i}", options.Slice)
        );
        report.Add(
            Measured.Ratio(
                $"create through {door}, against the same rows in one transaction per call",
                ours,
                theirs,
                Bar.AtLeast(3, 4)
            )
        );
        (ours, theirs) = await Measured.Pairs(
            options.Pairs,
            i => Ask(server, $"s{i}", options.Slice),
            i => Ask(single, $"s{i}", options.Slice)
        );
        report.Add(
            Measured.Ratio(
                $"create through {door}, against one insert in one transaction per call",
                ours,
                theirs,
                Bar.None
            )
        );
        var memory = server.Memory("VmHWM");
        report.Add(Row.Of("resident memory under that load, at most", memory, "0", "MiB", Bar.AtMost(300, 250, "MiB")));

        Task<Slice> Ask(Server of, string name, TimeSpan length) =>
            Wrk.Run(new Uri(of.Url, path), script, Connections, length, of.Cpu, name, town.Source);
    }

    public async Task Decide()
    {
        var folder = Session.Fresh(options, "decide");
        // More than can be decided in all slices together.
        var perSlice = (int)(options.Slice.TotalSeconds * 25_000);
        var warmUp = (int)(options.WarmUp.TotalSeconds * 25_000);
        var ids = Path.Combine(folder, "ids.txt");
        Town town;
        await using (var store = await Session.OpenStore(folder))
        {
            town = await Town.Found(store);
            using var loader = new Loader(new StoreOptions(folder, null).SqliteFile, town);
            await File.WriteAllLinesAsync(ids, loader.Waiting(warmUp + (perSlice * options.Pairs)));
        }
        await using var server = await product.Start(folder);
        await using var batch = await Control.Start(Path.Combine(folder, "batch"), batch: true);
        foreach (var one in (Server[])[server, batch])
            await Answer(one, 0, options.WarmUp);
        await server.Settle();

        var (ours, theirs) = await Measured.Pairs(options.Pairs, i => Slice(server, i), i => Slice(batch, i));
        report.Add(
            Measured.Ratio(
                "decide through /api/v1, against one insert per call in batches",
                ours,
                theirs,
                Bar.AtLeast(0.25, 0.35)
            )
        );

        Task<Slice> Slice(Server of, int i) => Answer(of, warmUp + (i * perSlice), options.Slice);

        Task<Slice> Answer(Server of, int skip, TimeSpan length) =>
            Wrk.Run(of.Url, "decide.lua", Connections, length, of.Cpu, ids, $"{skip}", town.Viewer);
    }
}
