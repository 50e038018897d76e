using Countersign.Audit;
using Countersign.Proof;

namespace Countersign.Cli.Proofs;

/// <summary>
/// From a log that was seen earlier to an epoch of it that began since: what was seen must be in what the new epoch
/// says it follows, and the old log must have announced the new key, or a person gives it.
/// </summary>
internal sealed class EpochWalk(SeenLog earlier, string vkey, SeenLog now, LogSource source, string? evidence)
{
    private const string NewEpoch = "new_epoch",
        NotAnnounced = "not_announced",
        WrongHandover = "wrong_handover",
        Cut = "cut";

    private readonly List<(EpochLeaf Leaf, bool IsAnnounced)> _steps = [];

    /// <param name="given">A key that a person gave, which stands for an announcement; null for none.</param>
    /// <returns>The reply, and the key of the newest epoch where the reply is that the log goes on.</returns>
    public async Task<(Reply Reply, string Key)> Run(string? given, CancellationToken cancel)
    {
        Reply? problem;
        if (!NoteKey.TryParse(vkey, out var key, out var why))
            return (new Reply.Failed(Reply.Usage, why), vkey);
        if (given is not null && !NoteKey.TryParse(given, out _, out why))
            return (new Reply.Failed(Reply.Usage, why), vkey);
        if (await source.Chain(cancel) is not { } text)
            return (OtherLog("It doesn't say how its epochs follow each other"), vkey);
        if (EpochChain.Parse(text, out why) is not { } chain)
            return (new Reply.Failed(Reply.Invalid, why), vkey);
        // Who gives the key of the newest epoch takes it, and so all that leads there, from elsewhere.
        var isGiven = given is not null && SeenLog.Parse(now.Note, "", given).Seen is not null;
        Checkpoint? head = null;
        while (key.Name != now.Head.Origin && _steps.Count < EpochChain.MaxLeaves)
        {
            var step = chain.After(key);
            (problem, var leaf, var next, head) = step switch
            {
                Handover.Announced(var first, var nextKey, var its) => ((Reply?)null, first, nextKey, its),
                Handover.NotAnnounced(var first, var nextKey, var its) when isGiven => (null, first, nextKey, its),
                Handover.NotAnnounced(var first, _, _) => (NeedsKey(key, first), null!, null!, null),
                Handover.Wrong(var wrong) => (Wrong(wrong), null!, null!, null),
                _ => (OtherLog("None of its epochs follows that one"), null!, null!, null),
            };
            if (problem is null && _steps.Count == 0)
                problem = await Kept(chain, leaf, text, cancel);
            if (problem is not null)
                return (problem, vkey);
            _steps.Add((leaf, step is Handover.Announced));
            key = next;
        }
        var newest = key.ToString();
        if (isGiven && newest != given)
            return (Wrong($"The key that was given isn't the one that {key.Name} names."), vkey);
        if (SeenLog.Parse(now.Note, now.Head.Origin, newest) is (null, { } notSigned))
            return (notSigned, vkey);
        return (await Grown(head, text, cancel) ?? GoesOn(), newest);
    }

    /// <summary>Whether the last head that the new epoch names begins with what was seen.</summary>
    private async Task<Reply?> Kept(EpochChain chain, EpochLeaf leaf, string text, CancellationToken cancel)
    {
        var last = leaf.Previous!;
        if (last.Size < earlier.Head.Size)
        {
            return new Reply.No(
                new
                {
                    result = Cut,
                    leaf.Origin,
                    leaf.Reason,
                    seen = earlier.Head.Size,
                    named = last.Size,
                },
                $"{leaf.Origin} says that it follows {last.Origin} with {last.Size} leaves (reason: "
                    + $"{leaf.Reason}), but {earlier.Head.Size} were seen: the last ones are missing, as after a "
                    + "backup was restored. To follow the new epoch all the same, begin another file with its key."
            );
        }
        if (last.Size != earlier.Head.Size && (!source.HasTiles || chain.NumberOf(last.Origin) is null))
        {
            return new Reply.Failed(
                Reply.NotFound,
                $"The tiles of {last.Origin} are needed: name an address, a folder or \"store\".",
                CannotTell: true
            );
        }
        var number = chain.NumberOf(last.Origin);
        return await LogComparison.Of(earlier.Head, last, tile => source.Hashes(tile, number, cancel)) switch
        {
            LogComparison.Same or LogComparison.Grown => null,
            LogComparison.Unreadable(var why) => new Reply.Failed(Reply.Unavailable, why, CannotTell: true),
            _ => await ProofVerbs.TwoHistories(last, evidence, $"{earlier.Note}\n{now.Note}\n{text}", cancel),
        };
    }

    /// <summary>The checkpoint in the chain and the one beside it may be of two moments.</summary>
    private async Task<Reply?> Grown(Checkpoint? inChain, string text, CancellationToken cancel)
    {
        if (inChain is null || (!source.HasTiles && inChain.Size != now.Head.Size))
            return null;
        return await LogComparison.Of(inChain, now.Head, tile => source.Hashes(tile, null, cancel)) switch
        {
            LogComparison.Same or LogComparison.Grown or LogComparison.Behind => null,
            LogComparison.Unreadable(var why) => new Reply.Failed(Reply.Unavailable, why, CannotTell: true),
            _ => await ProofVerbs.TwoHistories(now.Head, evidence, $"{now.Note}\n{text}", cancel),
        };
    }

    private Reply.Done GoesOn() =>
        new(
            new
            {
                result = NewEpoch,
                now.Head.Origin,
                now.Head.Size,
                Epochs = _steps.Select(s => new
                {
                    s.Leaf.Origin,
                    s.Leaf.Reason,
                    Announced = s.IsAnnounced,
                }),
            },
            string.Join(
                '\n',
                _steps.Select(s =>
                    $"{s.Leaf.Previous!.Origin} ended with {s.Leaf.Previous.Size} leaves, and {s.Leaf.Origin} follows "
                    + $"(reason: {s.Leaf.Reason}), "
                    + (s.IsAnnounced ? "as the old log announced." : "which the old log did not announce.")
                )
            ) + $"\nAll that was seen is still there. {now.Head.Origin} has {now.Head.Size} leaves."
        );

    private static Reply.No NeedsKey(NoteKey key, EpochLeaf leaf) =>
        new(
            new
            {
                result = NotAnnounced,
                leaf.Origin,
                leaf.Reason,
                leaf.Vkey,
            },
            $"{leaf.Origin} says that it follows {key.Name} (reason: {leaf.Reason}), and the old log did not announce "
                + "it. Ask the hub's owner for the new key in a way that you trust, and run this once with --key."
        );

    private static Reply.No Wrong(string why) => new(new { result = WrongHandover, why }, why);

    private Reply.No OtherLog(string why) =>
        new(
            new
            {
                result = "other_origin",
                by = 0,
                now.Head.Origin,
                now.Head.Size,
            },
            $"{now.Head.Origin} isn't {earlier.Head.Origin}, and it can't be told whether it follows. {why}."
        );
}
