using Countersign.Audit;
using Countersign.Proof;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary><c>audit verify --since</c>: what came after a checkpoint, and nothing else.</summary>
public sealed class VerifySinceTests
{
    [Theory, BothEngines]
    public async Task What_came_after_a_checkpoint_is_checked_and_what_was_not_is_counted(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await Append(recorded, 300);
        await recorded.Sealer.SealAll();
        var checkpoint = (await new ProofOf(recorded.Hub.Store).Checkpoint())!;
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealAll();
        await recorded.Hub.AddPeople("Cid");

        var found = await Since(recorded, checkpoint);
        Assert.Empty(found.Problems);
        Assert.Equal((301, 2, 300, 1), (found.Size, found.Events, found.NotChecked, found.Unsealed));
        Assert.Equal((await recorded.Check()).Head, found.Head);

        // What was there before isn't looked at, and everything after it is.
        await Changed(
            recorded,
            checkpoint,
            "UPDATE events SET data = '{}' WHERE id = 7",
            null,
            "UPDATE events SET data = '{\"n\":6}' WHERE id = 7"
        );
        foreach (var (name, id) in new[] { ("Ann", 301), ("Cid", 303) })
        {
            await Changed(
                recorded,
                checkpoint,
                $"UPDATE events SET data = replace(data, '{name}', 'Eve') WHERE id = {id}",
                $"Event {id} ",
                $"UPDATE events SET data = replace(data, 'Eve', '{name}') WHERE id = {id}"
            );
        }
        foreach (var (column, place) in new[] { ("seals SET at", "n = 2"), ("tree_heads SET root", "size = 303") })
        {
            var field = column.Split(' ')[2];
            var table = column.Split(' ')[0];
            var kept = await recorded.Hub.Place.Text($"SELECT {field} FROM {table} WHERE {place}");
            await Changed(
                recorded,
                checkpoint,
                $"UPDATE {column} = '2026-01-01T00:00:00.000Z' WHERE {place}",
                field == "at" ? "Seal 2" : "tree of epoch 1",
                $"UPDATE {column} = '{kept}' WHERE {place}"
            );
        }

        // Another epoch goes on from it, too; a log that was replaced doesn't.
        var tree = Sealers.Tree(recorded.Hub.Store, recorded.RootKeyFile, recorded.Key);
        Assert.NotNull(await tree.Begin(EpochReason.Other, default));
        await recorded.Sealer.SealAll();
        Assert.Empty((await Since(recorded, checkpoint)).Problems);
        await recorded.Hub.Place.Tamper("UPDATE tree_heads SET root = 'x' || root WHERE size = 301");
        Assert.Contains(
            "doesn't go on",
            Assert.Single((await Since(recorded, checkpoint)).Problems),
            StringComparison.Ordinal
        );

        var stranger = new NoteSigner("hub.example.test/1", NoteKeyType.Ed25519, new byte[32]);
        var other = stranger.Sign(new Checkpoint("hub.example.test/1", 301, new byte[32]).ToString());
        Assert.Contains("no epoch", Assert.Single((await Since(recorded, other)).Problems), StringComparison.Ordinal);
        var verify = new VerifySince(recorded.Hub.Store, recorded.Key);
        Assert.IsType<VerifySinceOutcome.NoCheckpoint>(await verify.Run("17:ab3f\n"));
    }

    private static async Task Changed(RecordedHub recorded, string checkpoint, string sql, string? named, string back)
    {
        await recorded.Hub.Place.Tamper(sql);
        var problems = (await Since(recorded, checkpoint)).Problems;
        if (named is null)
            Assert.Empty(problems);
        else
            Assert.Contains(problems, p => p.Contains(named, StringComparison.Ordinal));
        await recorded.Hub.Place.Tamper(back);
    }

    private static async Task<VerifiedSince> Since(RecordedHub recorded, string checkpoint) =>
        Assert
            .IsType<VerifySinceOutcome.Looked>(await new VerifySince(recorded.Hub.Store, recorded.Key).Run(checkpoint))
            .Found;

    private static async Task Append(RecordedHub recorded, int events) =>
        await recorded.Hub.Store.InTransaction(async tx =>
        {
            for (var n = 0; n < events; n++)
                await tx.Append("hub", Some.Origin, "test.happened", new { n });
        });
}
