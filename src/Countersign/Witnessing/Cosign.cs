using Countersign.Hosting;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Witnessing;

/// <summary>What became of a checkpoint that a log sent.</summary>
public abstract record CosignOutcome
{
    private CosignOutcome() { }

    /// <param name="Line">The cosignature, as a line under the checkpoint.</param>
    public sealed record Cosigned(string Line) : CosignOutcome;

    public sealed record Malformed(string Why) : CosignOutcome;

    /// <summary>The log is none of those that this witness is set up for.</summary>
    public sealed record UnknownLog : CosignOutcome;

    public sealed record NotSigned : CosignOutcome;

    /// <summary>Another size was cosigned last.</summary>
    public sealed record OtherSize(long Size) : CosignOutcome;

    /// <summary>The same size, with another history.</summary>
    public sealed record OtherRoot : CosignOutcome;

    public sealed record WrongProof : CosignOutcome;
}

/// <summary>
/// Cosigns the checkpoints of logs (<c>c2sp.org/tlog-witness</c>): each must continue the one before it, so a log that
/// shows different histories to different people doesn't get cosignatures for both. The first of a log is trusted.
/// </summary>
/// <remarks>
/// What it has cosigned is on the disk before it answers, and replaces only what was checked. Key and memory lie in
/// one folder: a copy of the key elsewhere could cosign another history.
/// </remarks>
public sealed partial class Cosign : IDisposable
{
    private readonly CosignedHeads _heads;
    private readonly NoteSigner _signer;
    private readonly Dictionary<string, List<NoteKey>> _logs;
    private readonly TimeProvider _time;
    private readonly ILogger<Cosign> _log;

    public Cosign(
        CosignedHeads heads,
        NoteSigner signer,
        IEnumerable<NoteKey> logs,
        TimeProvider time,
        ILogger<Cosign> log
    )
    {
        (_heads, _signer, _time, _log) = (heads, signer, time, log);
        _logs = logs.GroupBy(k => k.Name).ToDictionary(g => g.Key, g => g.ToList());
    }

    /// <summary>Verifies its cosignatures.</summary>
    public NoteKey Key => _signer.Key;

    /// <summary>Opens its folder, and makes the key at the first start.</summary>
    public static Cosign Open(
        WitnessOptions options,
        StoreOptions place,
        ServerOptions server,
        TimeProvider time,
        ILogger<Cosign> log
    )
    {
        var folder = options.FolderIn(place);
        var signer = WitnessKeyFile.Load(folder, options, server);
        Log.Opened(log, signer.Key, folder);
        return new Cosign(
            CosignedHeads.Open(Path.Combine(folder, "witness.db")),
            signer,
            options.Logs.Select(l => l.Key),
            time,
            log
        );
    }

    /// <param name="body">As <see cref="AddCheckpoint"/> writes it.</param>
    public CosignOutcome Run(string body)
    {
        if (
            AddCheckpoint.Parse(body, out var why) is not { } asked
            || SignedNote.Parse(asked.Note, out why) is not { } note
            || Checkpoint.Parse(note.Text, out why) is not { } head
        )
        {
            return new CosignOutcome.Malformed(why);
        }
        if (!_logs.TryGetValue(head.Origin, out var keys))
            return new CosignOutcome.UnknownLog();
        if (!keys.Exists(key => note.IsSignedBy(key, out _) == true))
            return new CosignOutcome.NotSigned();
        if (asked.Old > head.Size)
            return new CosignOutcome.Malformed("The size that was cosigned last is larger than the checkpoint's.");
        var before = _heads.Find(head.Origin);
        if (asked.Old != (before?.Size ?? 0))
            return new CosignOutcome.OtherSize(before?.Size ?? 0);
        var root = Convert.ToBase64String(head.Root);
        if (before?.Size == head.Size && before.Root != root)
        {
            Log.OtherHistory(_log, head.Origin, head.Size);
            return new CosignOutcome.OtherRoot();
        }
        if (!IsProven(asked, before, head))
        {
            Log.WrongProof(_log, head.Origin, asked.Old, head.Size);
            return new CosignOutcome.WrongProof();
        }
        var line = _signer.Line(note.Text, (ulong)_time.GetUtcNow().ToUnixTimeSeconds());
        var known = note.Signatures.Where(s => keys.Exists(k => k.Name == s.Name && k.Id == s.KeyId));
        var cosigned = new CosignedHead(head.Size, root, $"{note.Text}\n{string.Concat(known)}{line}");
        if (!_heads.Replace(head.Origin, before, cosigned))
            return new CosignOutcome.OtherSize(_heads.Find(head.Origin)?.Size ?? 0);
        if (before is null)
            Log.First(_log, head.Origin, head.Size);
        return new CosignOutcome.Cosigned(line);
    }

    /// <summary>The checkpoint that was cosigned last.</summary>
    /// <param name="log">SHA-256 of the log's origin, in hex.</param>
    public string? Newest(string log) =>
        _logs.Keys.FirstOrDefault(origin => Hashes.Sha256(origin) == log) is { } named
            ? _heads.Find(named)?.Note
            : null;

    public void Dispose() => _heads.Dispose();

    private static bool IsProven(AddCheckpoint asked, CosignedHead? before, Checkpoint head) =>
        asked.Old == 0 || before is null
            ? asked.Proof.Count == 0
            : MerkleTree.IsConsistent(
                (ulong)asked.Old,
                (ulong)head.Size,
                asked.Proof,
                Convert.FromBase64String(before.Root),
                head.Root
            );

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "This server is the witness {Key}; it remembers in {Folder}"
        )]
        public static partial void Opened(ILogger log, NoteKey key, string folder);

        [LoggerMessage(Level = LogLevel.Information, Message = "This witness now follows {Origin}, from size {Size}")]
        public static partial void First(ILogger log, string origin, long size);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "The log {Origin} has signed two histories of size {Size}: the second was not cosigned"
        )]
        public static partial void OtherHistory(ILogger log, string origin, long size);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The log {Origin} didn't prove that its size {Size} continues {Old}: it was not cosigned"
        )]
        public static partial void WrongProof(ILogger log, string origin, long old, long size);
    }
}
