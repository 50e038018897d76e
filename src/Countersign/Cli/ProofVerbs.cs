using System.CommandLine;
using System.Globalization;
using System.Text;
using Countersign.Audit;
using Countersign.Cli.Proofs;
using Countersign.Proof;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Cli;

/// <summary><c>countersign proof …</c>: the log's signed tree, its keys, and whether it only grew.</summary>
internal static class ProofVerbs
{
    public const string Inconsistent = "inconsistent",
        NotSigned = "not_signed",
        NotSignedBy = "wrong_key";

    /// <summary>A person's token for an address that needs one, as <c>email/token:…</c>.</summary>
    private const string KeyVariable = "COUNTERSIGN_KEY";

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "proof",
            "The log's signed tree: keys, new-epoch, moved, export, compare, follow.",
            Keys(terminal),
            NewEpoch(terminal),
            Moved(terminal),
            TakeOut(terminal),
            Compare(terminal),
            Follow(terminal)
        );

    private static Command Keys(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "keys",
            "Print the keys that verify the log, one for each epoch, and what ties each to the one before.",
            [],
            async (_, hub, cancel) =>
            {
                var epochs = await hub.Get<LogFiles>().Epochs(cancel);
                if (epochs.Count == 0)
                    return new Reply.Failed(Reply.NotFound, "The log has no tree yet. A server begins it.");
                var tree = hub.Get<LogTree>();
                var obstacle = await tree.Obstacle(cancel);
                return new Reply.Done(
                    new
                    {
                        Epochs = epochs.Select(e => new
                        {
                            e.Epoch.Number,
                            e.Epoch.Origin,
                            Key = e.Epoch.Vkey,
                            MlDsaKey = tree.MlDsaKeyOf(e.Epoch)?.ToString(),
                            e.Epoch.StartedAt,
                            e.Epoch.Reason,
                            e.Size,
                            e.FirstLeaf,
                            e.LastLeaf,
                            e.Epoch.Signature,
                            Checkpoint = e.Note,
                        }),
                        NotSigned = obstacle,
                    },
                    string.Join("\n\n", epochs.Select(e => Shown(e, tree.MlDsaKeyOf(e.Epoch))))
                        + (obstacle is null ? "" : $"\n\nThe log isn't signed. {obstacle}")
                );
            }
        );

    private static string Shown(LogEpoch e, NoteKey? mlDsa) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            Epoch {e.Epoch.Number} ({e.Epoch.Reason}) since {e.Epoch.StartedAt}: {e.Epoch.Origin}, {e.Size} leaves
            {e.Epoch.Vkey}
            """
        )
        + (mlDsa is null ? "" : $"\n{mlDsa}")
        + (e.LastLeaf is null ? "" : $"\nEnded as planned. Its last leaf names the key of the next epoch.");

    private static Command NewEpoch(Terminal terminal)
    {
        var reason = new Option<string>("--reason")
        {
            Description =
                "Why: restore (a backup was restored), theft (the key file may have been read), copy (this "
                + "store goes on as a hub of its own) or other.",
            Required = true,
        };
        reason.AcceptOnlyFromAmong([.. EpochReason.Given]);
        return Verb.OnStore(
            terminal,
            "new-epoch",
            "Begin another signed tree of the log, with a key of its own: after a restore, or where a copy goes on.",
            [reason],
            async (parse, hub, cancel) =>
            {
                var tree = hub.Get<LogTree>();
                var begun = await tree.Begin(
                    parse.GetValue(reason)!,
                    cancel,
                    (tx, epoch) =>
                        tx.Append(
                            "hub",
                            Hub.Origin,
                            "proof.epoch_started",
                            new
                            {
                                epoch = epoch.Number,
                                origin = epoch.Origin,
                                vkey = epoch.Vkey,
                                cause = epoch.Reason,
                            }
                        )
                );
                if (begun is null)
                {
                    return new Reply.Failed(
                        NotSigned,
                        tree.Trouble
                            ?? "Another process began an epoch at the same time. Look at: countersign proof keys"
                    );
                }
                using var sealer = new Sealer(
                    hub.Store,
                    hub.Get<SealKey>(),
                    tree,
                    Hub.Clock,
                    NullLogger<Sealer>.Instance
                );
                await sealer.SealAll(cancel);
                return new Reply.Done(
                    new
                    {
                        begun.Number,
                        begun.Origin,
                        Key = begun.Vkey,
                        begun.Reason,
                    },
                    $"""
                    Epoch {begun.Number} has begun: {begun.Origin}
                    Its key: {begun.Vkey}
                    Give the key to those who verify. Where several nodes share the store, set on each of them:
                    Proof:Origin={begun.Origin}
                    """
                );
            }
        );
    }

    private static Command Moved(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "moved",
            "Say that this hub has another public address now and goes on with its log; a server signs it again.",
            [],
            async (_, hub, cancel) =>
            {
                var address = hub.Get<SigningPlace>().Address;
                if (await hub.Get<LogTree>().Moved(Hub.Origin, cancel) is not { } before)
                {
                    return new Reply.Failed(
                        Reply.NotFound,
                        "The log was last signed at this public address. Start the server with the new one first."
                    );
                }
                return new Reply.Done(
                    new { Before = before, Address = address },
                    $"The log of {before} goes on at {address ?? "no public address"}, with its name and its key."
                );
            }
        );

    private static Command TakeOut(Terminal terminal)
    {
        var folder = new Argument<string>("folder") { Description = "The folder to write to; made if it isn't there." };
        return Verb.Reading(
            terminal,
            "export",
            "Write the signed log as files that a web server can show: checkpoint, tiles and leaves.",
            [folder],
            async (parse, hub, cancel) =>
            {
                var (target, log) = (Path.GetFullPath(parse.GetValue(folder)!), hub.Get<LogFiles>());
                var epochs = (await log.Epochs(cancel)).Where(e => e.Note is not null).ToList();
                if (epochs.Count == 0)
                    return new Reply.Failed(NotSigned, "The log has no signed checkpoint yet.");
                var files = 0L;
                foreach (var epoch in epochs)
                {
                    var number = epoch.Epoch.Number.ToString(CultureInfo.InvariantCulture);
                    var at = epoch == epochs[^1] ? target : Path.Combine(target, "epochs", number);
                    await MakeRoom(epoch, at, cancel);
                    foreach (var tile in Tile.OfTree(epoch.Size))
                    {
                        files += await Write(log, epoch, at, tile.Path, tile.Width, cancel);
                        if (tile.Level == 0)
                            files += await Write(log, epoch, at, tile.EntriesPath, tile.Width, cancel);
                    }
                    // Last, so that what it names is there.
                    await Put(Path.Combine(at, "checkpoint"), Encoding.UTF8.GetBytes(epoch.Note!), cancel);
                    files++;
                }
                if (await log.Chain(cancel) is { } chain)
                {
                    await Put(Path.Combine(target, LogSource.ChainFile), Encoding.UTF8.GetBytes(chain), cancel);
                    files++;
                }
                return new Reply.Done(
                    new
                    {
                        folder = target,
                        files,
                        epochs[^1].Epoch.Origin,
                        epochs[^1].Size,
                    },
                    $"Wrote {files} files to {target}: {epochs[^1].Epoch.Origin} with {epochs[^1].Size} leaves."
                );
            }
        );
    }

    /// <summary>Takes away the tiles of an epoch that has ended, since those of another have the same names.</summary>
    private static async Task MakeRoom(LogEpoch epoch, string folder, CancellationToken cancel)
    {
        var (checkpoint, tiles) = (Path.Combine(folder, "checkpoint"), Path.Combine(folder, "tile"));
        var isOfIt =
            File.Exists(checkpoint)
            && (await File.ReadAllTextAsync(checkpoint, cancel)).StartsWith(
                epoch.Epoch.Origin + "\n",
                StringComparison.Ordinal
            );
        if (isOfIt || !System.IO.Directory.Exists(tiles))
            return;
        File.Delete(checkpoint);
        System.IO.Directory.Delete(tiles, recursive: true);
    }

    private static async Task<long> Write(
        LogFiles log,
        LogEpoch epoch,
        string folder,
        string path,
        int width,
        CancellationToken cancel
    )
    {
        var file = Path.Combine(folder, path);
        // Full ones never change.
        if (width == Tile.FullWidth && File.Exists(file))
            return 0;
        if (await log.Tile(epoch.Epoch.Number, path["tile/".Length..], cancel) is not { } bytes)
            return 0;
        await Put(file, bytes, cancel);
        return 1;
    }

    private static async Task Put(string file, byte[] bytes, CancellationToken cancel)
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var fresh = $"{file}.{Environment.ProcessId}.part";
        await File.WriteAllBytesAsync(fresh, bytes, cancel);
        File.Move(fresh, file, overwrite: true);
    }

    private static readonly Option<string?> Key = new("--key")
    {
        Description =
            "The key that must have signed, as proof keys prints it. Later epochs are checked from it on; the key of "
            + "one that wasn't announced is given here once.",
        HelpName = "vkey",
    };

    private static Command Compare(Terminal terminal)
    {
        const string what = "an address, an exported folder, a file with a checkpoint, or \"store\"";
        var old = new Argument<string>("old") { Description = $"What was seen earlier: {what}." };
        var now = new Argument<string>("new") { Description = $"What is there now: {what}." };
        var evidence = EvidenceOption();
        return Verb.Plain(
            terminal,
            "compare",
            "Check that a log still begins with what was seen of it earlier. Exits with 1 if it doesn't.",
            [old, now, Key, evidence],
            async (parse, cancel) =>
            {
                var (options, problems) = Verb.ReadOptions(parse);
                if (options is null)
                    return problems!;
                var key = Environment.GetEnvironmentVariable(KeyVariable);
                await using var earlier = await LogSource.Open(parse.GetValue(old)!, options, key);
                await using var later = await LogSource.Open(parse.GetValue(now)!, options, key);
                var vkey = parse.GetValue(Key);
                var (before, problem) = await SeenLog.Read(earlier, parse.GetValue(old)!, vkey, cancel);
                if (before is null)
                    return problem!;
                (var after, problem) = await SeenLog.Read(later, parse.GetValue(now)!, null, cancel);
                if (after is null)
                    return problem!;
                if (before.Head.Origin != after.Head.Origin && vkey is not null)
                {
                    var walk = new EpochWalk(before, vkey, after, later, parse.GetValue(evidence));
                    return (await walk.Run(given: null, cancel)).Reply;
                }
                if (SeenLog.Parse(after.Note, parse.GetValue(now)!, vkey) is (null, { } notSigned))
                    return notSigned;
                return await Judge(before, after, earlier, later, parse.GetValue(evidence), cancel);
            }
        );
    }

    private static Command Follow(Terminal terminal)
    {
        var file = new Argument<string>("file")
        {
            Description = "Holds the key and the last checkpoint that was seen; made at the first run.",
        };
        var source = new Argument<string>("source")
        {
            Description =
                "Where the log is: an address such as https://approvals.example.com/proof, an exported "
                + "folder, or \"store\".",
        };
        var evidence = EvidenceOption();
        return Verb.Plain(
            terminal,
            "follow",
            "Remember a log's checkpoint, and at each further run check that the log only grew. For cron.",
            [file, source, Key, evidence],
            async (parse, cancel) =>
            {
                var (options, problems) = Verb.ReadOptions(parse);
                if (options is null)
                    return problems!;
                var (kept, from) = (Path.GetFullPath(parse.GetValue(file)!), parse.GetValue(source)!);
                var before = File.Exists(kept) ? await File.ReadAllTextAsync(kept, cancel) : null;
                var vkey = before?.Split('\n')[0] ?? parse.GetValue(Key);
                if (vkey is null)
                {
                    return new Reply.Failed(
                        Reply.Usage,
                        "The first run needs the log's key: --key, as `countersign proof keys` prints it."
                    );
                }
                await using var log = await LogSource.Open(
                    from,
                    options,
                    Environment.GetEnvironmentVariable(KeyVariable)
                );
                var (seen, problem) = await SeenLog.Read(log, from, null, cancel);
                if (seen is null)
                    return problem!;
                SeenLog? last = null;
                if (before is not null)
                {
                    (last, problem) = SeenLog.Parse(before[(vkey.Length + 1)..], kept, vkey);
                    if (last is null)
                        return problem!;
                }
                Reply reply;
                if (last is not null && last.Head.Origin != seen.Head.Origin)
                {
                    var walk = new EpochWalk(last, vkey, seen, log, parse.GetValue(evidence));
                    (reply, vkey) = await walk.Run(parse.GetValue(Key), cancel);
                }
                else if (SeenLog.Parse(seen.Note, from, vkey) is (null, { } notSigned))
                {
                    return notSigned;
                }
                else if (last is null)
                {
                    reply = new Reply.Done(
                        new
                        {
                            result = "first",
                            seen.Head.Origin,
                            seen.Head.Size,
                        },
                        $"{seen.Head.Origin} has {seen.Head.Size} leaves. Later runs check that it only grows."
                    );
                }
                else
                {
                    reply = await Judge(last, seen, log, log, parse.GetValue(evidence), cancel);
                }
                if (reply is Reply.Done)
                    await Put(kept, Encoding.UTF8.GetBytes($"{vkey}\n{seen.Note}"), cancel);
                return reply;
            }
        );
    }

    private static Option<string?> EvidenceOption() =>
        new("--evidence")
        {
            Description = "The file to write both checkpoints to, if they contradict each other.",
            HelpName = "file",
        };

    private static async Task<Reply> Judge(
        SeenLog earlier,
        SeenLog now,
        LogSource ofEarlier,
        LogSource ofNow,
        string? evidence,
        CancellationToken cancel
    )
    {
        var larger = earlier.Head.Size > now.Head.Size ? ofEarlier : ofNow;
        if (!larger.HasTiles && earlier.Head.Origin == now.Head.Origin && earlier.Head.Size != now.Head.Size)
        {
            return new Reply.Failed(
                Reply.NotFound,
                "The larger of the two is a checkpoint alone. Its tiles are needed: name an address, a folder or "
                    + "\"store\".",
                CannotTell: true
            );
        }
        var found = await LogComparison.Of(earlier.Head, now.Head, tile => larger.Hashes(tile, null, cancel));
        object Document(string result, long by = 0) =>
            new
            {
                result,
                by,
                now.Head.Origin,
                now.Head.Size,
            };
        switch (found)
        {
            case LogComparison.Same:
                return new Reply.Done(Document("same"), $"The same log: {now.Head.Origin}, {now.Head.Size} leaves.");
            case LogComparison.Grown(var by):
                return new Reply.Done(
                    Document("grown", by),
                    $"{now.Head.Origin} has grown by {by} leaves to {now.Head.Size}; all earlier ones are still there."
                );
            case LogComparison.Behind(var by):
                return new Reply.No(
                    Document("behind", by),
                    $"{now.Head.Origin} has {by} leaves less than before: it was restored from a backup or cut."
                );
            case LogComparison.OtherOrigin:
                return new Reply.No(
                    Document("other_origin"),
                    $"{now.Head.Origin} isn't {earlier.Head.Origin}: another epoch has begun, or it's another log. "
                        + "Give the key of the earlier one with --key, to check how one handed over to the other."
                );
            case LogComparison.Unreadable(var why):
                return new Reply.Failed(Reply.Unavailable, why, CannotTell: true);
            default:
                return await TwoHistories(now.Head, evidence, $"{earlier.Note}\n{now.Note}", cancel);
        }
    }

    internal static async Task<Reply> TwoHistories(
        Checkpoint head,
        string? evidence,
        string checkpoints,
        CancellationToken cancel
    )
    {
        var file = Path.GetFullPath(evidence ?? $"evidence-{head.Size}.txt");
        await Put(file, Encoding.UTF8.GetBytes(checkpoints), cancel);
        return new Reply.No(
            new { result = Inconsistent, evidence = file },
            $"Inconsistent: {head.Origin} has two histories. {file} holds both checkpoints. Keep it."
        );
    }
}
