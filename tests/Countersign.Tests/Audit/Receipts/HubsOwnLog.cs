using System.Text;
using Countersign.Audit;
using Countersign.Audit.Receipts;
using Countersign.People;
using Countersign.Proof;
using Countersign.Storage;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Audit.Receipts;

/// <summary>
/// What a hub gives out of its log, over HTTP, after pipelines asked and a person approved: a few hundred events on
/// SQLite, and ten thousand on each engine where long runs are asked for.
/// </summary>
/// <param name="Tiles">Its tiles by their paths, as the newest checkpoint needs them.</param>
/// <param name="Earlier">
/// A checkpoint from before; the newest one goes on from it by <paramref name="Consistency"/>.
/// </param>
/// <param name="EarlierStill">One from before that.</param>
internal sealed record HubsOwnLog(
    string Name,
    string Vkey,
    IReadOnlyList<ReceiptFile> Receipts,
    Dictionary<string, byte[]> Tiles,
    string Earlier,
    string EarlierStill,
    IReadOnlyList<byte[]> Consistency
)
{
    private const int EventsOfRequest = 2;

    public static async Task<List<HubsOwnLog>> OfAll()
    {
        if (!LongRun.IsAskedFor)
            return [await Of(Engine.Sqlite, events: 300, receipts: 8)];
        var logs = new List<HubsOwnLog> { await Of(Engine.Sqlite, events: 10_000, receipts: 40) };
        if (PostgresServer.Missing is null)
            logs.Add(await Of(Engine.Postgres, events: 10_000, receipts: 40));
        return logs;
    }

    private static async Task<HubsOwnLog> Of(Engine engine, int events, int receipts)
    {
        await using var host = await ApiHost.Start(engine, ("RateLimit:PerKeyPerMinute", "0"));
        var jane = await host.Hub.AddPerson("Jane Doe");
        using var source = host.Source(
            await host.Hub.AddSource("pipeline", await host.Hub.AddGroup("SRE", jane), need: 1)
        );
        using var reviewer = await host.Person(jane);
        using var admin = await host.Person(await host.Hub.AddPerson("Ada", Role.Admin));
        var (log, sealer) = (host.Services.GetRequiredService<LogFiles>(), host.Services.GetRequiredService<Sealer>());
        var ids = new System.Collections.Concurrent.ConcurrentQueue<string>();
        async Task<string> Grow(int requests)
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, requests),
                new ParallelOptions { MaxDegreeOfParallelism = 16 },
                async (n, _) =>
                {
                    var asked = await source.Post("/api/v1/requests", new { subject = $"Deploy {n}" });
                    var id = asked["id"]!;
                    var decided = await reviewer.Post($"/api/v1/requests/{id}/decisions", new { answer = "approve" });
                    Assert.Equal((201, 200), (asked.Status, decided.Status));
                    ids.Enqueue(id);
                }
            );
            await sealer.SealAll();
            return (await admin.Get("/proof/checkpoint")).Text;
        }

        var all = (events / EventsOfRequest) + 1;
        var (earlierStill, earlier) = (await Grow(all / 4), await Grow(all / 4));
        var newest = Checkpoint.Parse(SignedNote.Parse(await Grow(all - (2 * (all / 4))), out _)!.Text, out _)!;
        Assert.InRange(newest.Size, events, events + 400);
        var files = new List<ReceiptFile>();
        foreach (var id in ids.Where((_, n) => n % (all / receipts) == 0))
        {
            var made = await admin.Get($"/api/v1/requests/{id}/receipt");
            files.Add(
                ReceiptFile.Parse(Encoding.UTF8.GetBytes(made.Text), out var why) ?? throw new FormatException(why)
            );
        }
        var tiles = new Dictionary<string, byte[]>();
        foreach (var tile in Tile.OfTree(newest.Size))
            tiles[tile.Path] = await admin.Http.GetByteArrayAsync($"/proof/{tile.Path}");
        var first = Checkpoint.Parse(SignedNote.Parse(earlier, out _)!.Text, out _)!.Size;
        return new HubsOwnLog(
            engine.ToString(),
            (await log.Epochs()).Single().Epoch.Vkey,
            files,
            tiles,
            earlier,
            earlierStill,
            (await host.Services.GetRequiredService<ProofOf>().Consistency(1, first, newest.Size))!
        );
    }
}
