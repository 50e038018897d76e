using Countersign.Audit;
using Countersign.Proof;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Xunit;

namespace Countersign.Tests.Proof;

/// <summary>The tree of the log, as it lies in the store and is signed.</summary>
public sealed class LogTreeTests
{
    [Theory, BothEngines]
    public async Task Every_event_has_a_proof_that_the_published_key_verifies(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben", "Cid");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.AddPeople("Dan", "Eve");
        Assert.IsType<ProofOutcome.NotYet>(await Proofs(recorded).Event(5));
        await recorded.Sealer.SealOnce();
        Assert.IsType<ProofOutcome.NotFound>(await Proofs(recorded).Event(6));

        foreach (var e in await recorded.Hub.Place.Events())
            await Verifies(recorded, e);
    }

    private static ProofOf Proofs(RecordedHub recorded) => new(recorded.Hub.Store);

    internal static async Task<long> Verifies(RecordedHub recorded, StoredEvent e)
    {
        var outcome = Assert.IsType<ProofOutcome.Sealed>(await Proofs(recorded).Event(e.Id));
        Assert.True(NoteKey.TryParse(outcome.Epoch.Vkey, out var key, out var why), why);
        var proof = TlogProof.Parse(outcome.Proof.ToString(), out why)!;
        var note = SignedNote.Parse(proof.Note, out why)!;
        Assert.True(note.IsSignedBy(key, out _));
        var head = Checkpoint.Parse(note.Text, out why)!;
        Assert.Equal((outcome.Epoch.Origin, outcome.Size), (head.Origin, head.Size));
        Assert.True(
            MerkleTree.IsIncluded(
                (ulong)proof.Index,
                (ulong)head.Size,
                Convert.FromHexString(e.Hash),
                proof.Hashes,
                head.Root
            )
        );
        return proof.Index;
    }
}
