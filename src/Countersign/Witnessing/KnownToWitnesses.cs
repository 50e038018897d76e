using System.Security.Cryptography;
using Countersign.Audit;
using Countersign.Outcomes;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Witnessing;

/// <summary>
/// What witnesses have cosigned, read before the first signature of a start. A copy of a hub with all its files, or a
/// store from a backup, differs from the original only in this.
/// </summary>
internal sealed partial class KnownToWitnesses(
    Store store,
    ProofOptions proof,
    Egress egress,
    ILogger<KnownToWitnesses> log
) : IKnownHeads
{
    /// <summary>A witness that can't be reached holds up the first signature for no longer than this.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task Compare(Epoch epoch, CancellationToken cancel)
    {
        var heads = await Task.WhenAll(proof.Witnesses.Select(witness => Newest(witness, epoch, cancel)));
        foreach (var (witness, head) in proof.Witnesses.Zip(heads))
        {
            if (head is null || await store.ReadSnapshot(r => Contradiction(r, epoch, head), cancel) is not { } what)
                continue;
            var fork = AskWitness.ForkKnownTo(witness, what);
            await store.InTransaction(tx => Note(tx, witness, epoch, fork), cancel);
            Log.Fork(log, fork);
        }
    }

    /// <summary>Null where the witness doesn't say, or what it shows isn't signed with this hub's key.</summary>
    private async Task<Checkpoint?> Newest(WitnessAddress witness, Epoch epoch, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            witness.To($"{Hashes.Sha256(epoch.Origin)}/checkpoint")
        );
        try
        {
            return
                await egress.Send(request, patience.Token) is EgressOutcome.Answered { IsGood: true } answer
                && SignedNote.Parse(answer.Text, out _) is { } note
                && NoteKey.TryParse(epoch.Vkey, out var key, out _)
                && note.IsSignedBy(key, out _) == true
                && Checkpoint.Parse(note.Text, out _) is { Size: > 0 } head
                && head.Origin == epoch.Origin
                ? head
                : null;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Null where the store goes on from what the witness has cosigned.</summary>
    private static async ValueTask<string?> Contradiction(Reader reader, Epoch epoch, Checkpoint known)
    {
        var size = (await TreeHead.Newest(reader, epoch.Number))?.Size ?? 0;
        if (known.Size > size)
            return AskWitness.Sizes(known.Size, size);
        var root = await new StoredTree(reader, epoch.Number).Root(known.Size);
        return CryptographicOperations.FixedTimeEquals(root, known.Root) ? null : AskWitness.OtherHistory(epoch);
    }

    private static async ValueTask Note(Tx tx, WitnessAddress witness, Epoch epoch, string fork)
    {
        var row = await WitnessRow.Find(tx, witness.Id);
        await WitnessRow.Write(
            tx,
            new WitnessRow
            {
                Witness = witness.Id,
                Epoch = epoch.Number,
                Size = row?.Epoch == epoch.Number ? row.Size : 0,
                AskedAt = row?.AskedAt,
                RetryAt = row?.RetryAt,
                CosignedAt = row?.CosignedAt,
                Problem = row?.Problem,
                ProblemSince = row?.ProblemSince,
                Fork = fork,
            }
        );
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Critical,
            Message = "Another history of the log is known, so the log isn't signed, while requests go on being "
                + "decided. {Reason}"
        )]
        public static partial void Fork(ILogger log, string reason);
    }
}
