using Countersign.Bench.Load;
using Countersign.Bench.Servers;

namespace Countersign.Bench.Rows;

/// <summary>
/// Creating through Zendesk's door, with a ticket for each request, against creating through <c>/api/v1</c> on the same
/// server.
/// </summary>
internal sealed class Zendesk(Options options, Product product, Report report)
{
    private const int Connections = 64;

    /// <summary>More tickets than any slice takes.</summary>
    private const long PerSlice = 10_000_000;

    public async Task Create()
    {
        var folder = Session.Fresh(options, "zendesk");
        var town = await Session.NewTown(folder);
        await using var server = await product.Start(folder);
        await Ask(0, options.WarmUp);
        await AskOurs("warm-up", options.WarmUp);
        await server.Settle();

        var (theirs, ours) = await Measured.Pairs(
            options.Pairs,
            i => Ask(i + 1, options.Slice),
            i => AskOurs($"z{i}", options.Slice)
        );
        report.Add(Measured.Ratio("create through Zendesk's door, against /api/v1", theirs, ours, Bar.AtLeast(0.9)));

        Task<Slice> Ask(int slice, TimeSpan length) =>
            Wrk.Run(
                new Uri(server.Url, "/api/v2/approval_requests"),
                "create-zendesk.lua",
                Connections,
                length,
                server.Cpu,
                $"{slice * PerSlice}",
                $"{town.Teams[0].Id}",
                town.Admin
            );

        Task<Slice> AskOurs(string name, TimeSpan length) =>
            Wrk.Run(
                new Uri(server.Url, "/api/v1/requests"),
                "create.lua",
                Connections,
                length,
                server.Cpu,
                name,
                town.Source
            );
    }
}
