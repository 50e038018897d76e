using System.Net.Http.Headers;
using Countersign.Bench.Load;
using Countersign.Bench.Servers;

namespace Countersign.Bench.Rows;

/// <summary>The poll by which LaunchDarkly asks how an approval stands, on SQLite.</summary>
internal sealed class LaunchDarklyPoll(Options options, Product product, Report report)
{
    private const int Connections = 64;

    /// <summary>Against a bare endpoint that answers the very bytes which the product answers.</summary>
    public async Task Run()
    {
        var folder = Session.Fresh(options, "poll");
        var town = await Session.NewTown(folder);
        await using var server = await product.Start(folder);
        // A few thousand approvals, so that the poll looks one up among others.
        var asked = await Wrk.Run(
            new Uri(server.Url, "/api/approvals"),
            "create-launchdarkly.lua",
            Connections,
            TimeSpan.FromSeconds(2),
            server.Cpu,
            "poll",
            town.Source
        );
        if (asked.Failed > 0)
            Report.Say($"  {asked.Failed} of {asked.Requests} approvals were not created.");
        await server.Settle();
        const string path = "/api/approvals/poll-100/status";
        await using var bare = await Control.StartSame(
            Path.Combine(folder, "same"),
            await Answer(new Uri(server.Url, path), town.Source)
        );
        foreach (var one in (Server[])[server, bare])
            await Ask(one, options.WarmUp);

        var (ours, theirs) = await Measured.Pairs(
            options.Pairs,
            _ => Ask(server, options.Slice),
            _ => Ask(bare, options.Slice)
        );
        report.Add(
            Measured.Ratio(
                "LaunchDarkly status poll, against a bare endpoint with the same bytes",
                ours,
                theirs,
                Bar.AtLeast(0.45, 0.60)
            )
        );

        Task<Slice> Ask(Server of, TimeSpan length) =>
            Wrk.Run(new Uri(of.Url, path), "get.lua", Connections, length, of.Cpu, "Authorization", town.Source);
    }

    private static async Task<byte[]> Answer(Uri url, string authorization)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(authorization);
        return await http.GetByteArrayAsync(url);
    }
}
