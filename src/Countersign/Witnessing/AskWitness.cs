using System.Globalization;
using System.Text;
using Countersign.Audit;
using Countersign.Outcomes;
using Countersign.Proof;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Witnessing;

/// <summary>
/// Asks each configured witness to cosign the newest signed head: every minute when there is news, at once when a
/// receipt waits, and once a day when there is none. Nothing waits for it, and a witness that doesn't answer holds up
/// no other.
/// </summary>
internal sealed partial class AskWitness(
    Store store,
    ProofOptions proof,
    LogTree tree,
    Egress egress,
    ILogger<AskWitness> log
) : IJobHandler
{
    public const string KindOfJob = "ask_witness";

    /// <summary>A witness is asked this often at most.</summary>
    internal static readonly TimeSpan MinPause = TimeSpan.FromSeconds(10);

    /// <summary>How long a receipt is taken to wait, once it has asked for it.</summary>
    private static readonly TimeSpan Wanted = TimeSpan.FromSeconds(20);

    /// <summary>Until an event that a receipt waits for is sealed and signed.</summary>
    private static readonly TimeSpan UntilSigned = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan WithoutNews = TimeSpan.FromDays(1);

    public string Kind => KindOfJob;
    public TimeSpan? Interval => TimeSpan.FromMinutes(1);

    /// <summary>Two calls, each as long as a call may take.</summary>
    public TimeSpan MaxRun => (2 * egress.Patience) + TimeSpan.FromSeconds(30);
    public IEnumerable<string> RecurringKeys => proof.Witnesses.Select(w => w.Id);

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        if (proof.Witnesses.FirstOrDefault(w => w.Id == job.Key) is not { } witness)
            return new JobResult.Done(async tx => await WitnessRow.Delete(tx, job.Key));
        var standing = await store.ReadSnapshot(reader => Standing.Of(reader, witness), cancel);
        if (
            standing is null
            || IsTooSoon(standing.Row)
            || !HasReason(standing)
            // A copy of a store must not take its original's place at the witness.
            || await tree.MissingRight(cancel) is not null
        )
        {
            return new JobResult.Again(await Next(witness, hasCalled: false, cancel));
        }
        var asked = await Ask(witness, standing, cancel);
        Tell(witness, standing.Row, asked.Row);
        async ValueTask Write(Tx tx)
        {
            await WitnessRow.Write(tx, asked.Row);
            foreach (var (line, time) in asked.Lines)
                await Cosignatures.Add(tx, standing.Epoch.Number, asked.Size, witness.Id, time, line);
        }
        return new JobResult.Again(await Next(witness, hasCalled: true, cancel)) { Write = Write, WriteLate = Write };
    }

    /// <summary>Each also while another wakes it more often.</summary>
    private bool IsTooSoon(WitnessRow row) =>
        (row.RetryAt is { } retry && Instant.Parse(retry) > store.Now)
        || (row.AskedAt is { } asked && Instant.Parse(asked) is var at && at <= store.Now && at + MinPause > store.Now);

    private bool HasReason(Standing standing) =>
        standing.Row.Epoch != standing.Epoch.Number
        || standing.Row.Size != standing.Head.Size
        // It may have been the witness's mistake.
        || standing.Row.Fork is not null
        || standing.Row.CosignedAt is not { } cosigned
        || Instant.Parse(cosigned) + WithoutNews <= store.Now;

    private async Task<DateTimeOffset> Next(WitnessAddress witness, bool hasCalled, CancellationToken cancel)
    {
        // Read now, since a receipt may have asked meanwhile.
        var row = await store.Read(reader => WitnessRow.Find(reader, witness.Id), cancel);
        var isWanted = row?.WantedAt is { } wanted && Instant.Parse(wanted) + Wanted > store.Now;
        return store.Now
            + (
                !isWanted ? Interval!.Value
                : hasCalled ? MinPause
                : UntilSigned
            );
    }

    private async Task<Asked> Ask(WitnessAddress witness, Standing standing, CancellationToken cancel)
    {
        var (epoch, head, before) = (standing.Epoch, standing.Head, standing.Row);
        var old = before.Epoch == epoch.Number && before.Size <= head.Size ? before.Size : 0;
        for (var isAgain = false; ; isAgain = true)
        {
            if (await Call(witness, epoch, head, old, cancel) is not { } answer)
            {
                return Problem(
                    standing,
                    "The tree in the store doesn't prove its own growth. Run countersign audit verify."
                );
            }
            switch (answer)
            {
                case WitnessAnswer.Cosigned(var lines):
                    return new Asked(Row(standing, size: head.Size, hasCosigned: true), head.Size, lines);
                case WitnessAnswer.OtherSize(var size) when size > head.Size:
                    // Another node may have signed more meanwhile. What isn't signed proves nothing, and only a
                    // cosignature takes back that another history is known.
                    return size <= await LargestSigned(epoch.Number, cancel)
                        ? new Asked(Row(standing, fork: before.Epoch == epoch.Number ? before.Fork : null))
                        : Fork(standing, witness, Sizes(size, head.Size));
                case WitnessAnswer.OtherSize(var size) when !isAgain && size != old:
                    old = size;
                    continue;
                case WitnessAnswer.OtherSize:
                    return Problem(standing, "The witness doesn't accept the size that it named itself.");
                case WitnessAnswer.OtherHistory:
                    return Fork(standing, witness, OtherHistory(epoch));
                case WitnessAnswer.Rest(var wait):
                    return new Asked(Row(standing, "The witness asks for fewer calls (429).", wait));
                case WitnessAnswer.Failed(var why):
                    return Problem(standing, why);
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
        }
    }

    /// <summary>Null where the store's own tree is damaged, so that no witness is accused for it.</summary>
    private async Task<WitnessAnswer?> Call(
        WitnessAddress witness,
        Epoch epoch,
        TreeHead head,
        long old,
        CancellationToken cancel
    )
    {
        var proven = await store.ReadSnapshot(reader => Prove(reader, epoch.Number, old, head), cancel);
        if (proven is null)
            return null;
        var asked = new AddCheckpoint(old, proven, head.Note!);
        using var request = new HttpRequestMessage(HttpMethod.Post, witness.To(AddCheckpoint.Path));
        request.Content = new StringContent(asked.ToString(), Encoding.UTF8, "text/plain");
        var text = new Checkpoint(epoch.Origin, head.Size, head.RootHash).ToString();
        return WitnessAnswer.Of(await egress.Send(request, cancel), asked, text, witness.Key, store.Now);
    }

    private static async ValueTask<IReadOnlyList<byte[]>?> Prove(Reader reader, long epoch, long old, TreeHead head)
    {
        if (old == 0)
            return [];
        try
        {
            var stored = new StoredTree(reader, epoch);
            var proof = await stored.Consistency(old, head.Size);
            var root = await stored.Root(old);
            return MerkleTree.IsConsistent((ulong)old, (ulong)head.Size, proof, root, head.RootHash) ? proof : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private async Task<long> LargestSigned(long epoch, CancellationToken cancel) =>
        (await store.Read(reader => TreeHead.NewestSigned(reader, epoch), cancel))?.Size ?? 0;

    internal static string Sizes(long theirs, long ours) =>
        string.Create(CultureInfo.InvariantCulture, $"has cosigned {theirs} leaves, and the store has {ours}");

    internal static string OtherHistory(Epoch epoch) => $"has cosigned another history of {epoch.Origin}";

    private Asked Problem(Standing standing, string why) => new(Row(standing, why));

    private Asked Fork(Standing standing, WitnessAddress witness, string what) =>
        new(Row(standing, fork: ForkKnownTo(witness, what)));

    internal static string ForkKnownTo(WitnessAddress witness, string what) =>
        $"The witness {witness.Key.Name} {what}: this store was restored from a backup, or another hub signs with its "
        + "key. See docs/proof.md, \"When a witness knows another history\".";

    private WitnessRow Row(
        Standing standing,
        string? problem = null,
        TimeSpan? rest = null,
        string? fork = null,
        long? size = null,
        bool hasCosigned = false
    )
    {
        var (row, epoch, now) = (standing.Row, standing.Epoch.Number, Instant.ToText(store.Now));
        var isSame = row.Epoch == epoch;
        return new WitnessRow
        {
            Witness = row.Witness,
            Epoch = epoch,
            Size = size ?? (isSame ? row.Size : 0),
            AskedAt = now,
            RetryAt = rest is { } wait ? Instant.ToText(store.Now + wait) : null,
            CosignedAt = hasCosigned ? now : row.CosignedAt,
            Problem = problem,
            ProblemSince = problem is null ? null : row.ProblemSince ?? now,
            // A witness that can't be reached takes back nothing.
            Fork = fork ?? (problem is not null && isSame ? row.Fork : null),
        };
    }

    private void Tell(WitnessAddress witness, WitnessRow before, WitnessRow after)
    {
        if (after.Fork is not null && after.Fork != before.Fork)
            Log.Fork(log, after.Fork);
        else if (after.Problem is not null && before.Problem is null)
            Log.Problem(log, witness.Key.Name, after.Problem);
        else if (after.Problem is null && after.Fork is null && (before.Problem ?? before.Fork) is not null)
            Log.Well(log, witness.Key.Name);
    }

    /// <summary>The newest signed head, and how the witness last answered.</summary>
    private sealed record Standing(Epoch Epoch, TreeHead Head, WitnessRow Row)
    {
        public static async ValueTask<Standing?> Of(Reader reader, WitnessAddress witness)
        {
            if (
                await Epoch.Newest(reader) is not { } epoch
                || await TreeHead.NewestSigned(reader, epoch.Number) is not { } head
            )
            {
                return null;
            }
            var row = await WitnessRow.Find(reader, witness.Id) ?? new WitnessRow { Witness = witness.Id };
            return new Standing(epoch, head, row);
        }
    }

    private sealed record Asked(WitnessRow Row, long Size, IReadOnlyList<(string Line, long Time)> Lines)
    {
        public Asked(WitnessRow row)
            : this(row, 0, []) { }
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Critical,
            Message = "Another history of the log is known, so the log isn't signed, while requests go on being "
                + "decided. {Reason}"
        )]
        public static partial void Fork(ILogger log, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The witness {Witness} didn't cosign the log: {Reason}")]
        public static partial void Problem(ILogger log, string witness, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "The witness {Witness} cosigns the log again")]
        public static partial void Well(ILogger log, string witness);
    }
}
