using System.Net.Http.Headers;
using Countersign.Bench.Load;
using Countersign.Bench.Servers;

namespace Countersign.Bench.Rows;

/// <summary>LaunchDarkly's door on SQLite: creating an approval, durable, and the poll that asks how one stands.</summary>
internal sealed class LaunchDarkly(Options options, Product product, Report report)
{
    private const int Connections = 64;

    public async Task Create()
    {
        var folder = Session.Fresh(options, "launchdarkly");
        var town = await Session.NewTown(folder);
        await using var server = await product.Start(folder);
        await using var batch = await Control.Start(Path.Combine(folder, "batch"), batch: true);
        await using var single = await Control.Start(Path.Combine(folder, "single"), batch: false);
        foreach (var one in (Server[])[server, batch, single])
            await Ask(one, "warm-up", options.WarmUp);
        await server.Settle();

        var (ours, theirs) = await Measured.Pairs(options.Pairs, i => Ask(server, $"b{i}", options.Slice), i => Ask(batch, $"b{i}", options.Slice));
        report.Add(Measured.Ratio("create through the LaunchDarkly door, against one insert per call in batches", ours, theirs, 0.50));
        (ours, theirs) = await Measured.Pairs(options.Pairs, i => Ask(server, $"s{i}", options.Slice), i => Ask(single, $"s{i}", options.Slice));
        report.Add(Measured.Ratio("create through the LaunchDarkly door, against one transaction per call", ours, theirs, 4));

        Task<Slice> Ask(Server of, string name, TimeSpan length) =>
            Wrk.Run(new Uri(of.Url, "/api/approvals"), "create-launchdarkly.lua", Connections, length, of.Cpu, name, town.Source);
    }

    /// <summary>Against a bare endpoint that answers the very bytes which the product answers.</summary>
    public async Task Poll()
    {
        var folder = Session.Fresh(options, "poll");
        var town = await Session.NewTown(folder);
        await using var server = await product.Start(folder);
        // A few thousand approvals, so that the poll looks one up among others.
        var asked = await Wrk.Run(new Uri(server.Url, "/api/approvals"), "create-launchdarkly.lua", Connections, TimeSpan.FromSeconds(2), server.Cpu, "poll", town.Source);
        if (asked.Failed > 0)
            Report.Say($"  {asked.Failed} of {asked.Requests} approvals were not created.");
        await server.Settle();
        const string path = "/api/approvals/poll-100/status";
        await using var bare = await Control.StartSame(Path.Combine(folder, "same"), await Answer(new Uri(server.Url, path), town.Source));
        foreach (var one in (Server[])[server, bare])
            await Ask(one, options.WarmUp);

        var (ours, theirs) = await Measured.Pairs(options.Pairs, _ => Ask(server, options.Slice), _ => Ask(bare, options.Slice));
        report.Add(Measured.Ratio("LaunchDarkly status poll, against a bare endpoint with the same bytes", ours, theirs, 0.70));

        Task<Slice> Ask(Server of, TimeSpan length) => Wrk.Run(new Uri(of.Url, path), "get.lua", Connections, length, of.Cpu, town.Source);
    }

    private static async Task<byte[]> Answer(Uri url, string authorization)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(authorization);
        return await http.GetByteArrayAsync(url);
    }
}
