using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>What a look at the log after a checkpoint came to.</summary>
/// <param name="Size">Of the tree that the checkpoint names.</param>
/// <param name="Events">Sealed since, each held against its hash.</param>
/// <param name="NotChecked">Sealed up to the checkpoint, and taken as they are.</param>
/// <param name="Unsealed">Not sealed yet, and held against their hashes too.</param>
/// <param name="Head">The last seal, <c>n:hash</c>.</param>
public sealed record VerifiedSince(
    bool Ok,
    string Origin,
    long Size,
    long Events,
    long NotChecked,
    long Unsealed,
    string Head,
    IReadOnlyList<string> Problems,
    long MoreProblems
);

public abstract record VerifySinceOutcome
{
    private VerifySinceOutcome() { }

    /// <summary>The file holds no checkpoint.</summary>
    public sealed record NoCheckpoint(string Why) : VerifySinceOutcome;

    public sealed record Looked(VerifiedSince Found) : VerifySinceOutcome;
}

/// <summary>
/// Checks what came into the log after a checkpoint that someone kept, and that the log goes on from it:
/// <code>
///   1  the checkpoint is signed with the key of its epoch, and the tree in the store has its root at its size
///   2  every seal after it: in order, signed, over the one before and over events that are all there
///   3  every tree from there on: roots, tiles and checkpoints follow from the events, later epochs from earlier ones
///   4  every event after it hashes to its hash over the one before it in its history, also those not sealed yet
/// </code>
/// It doesn't look at events up to the checkpoint, nor at whether requests, people and settings follow from events.
/// </summary>
public sealed class VerifySince(Store store, SealKey key)
{
    private const int PageSize = 500;

    /// <param name="checkpoint">A signed checkpoint, as <c>/proof/checkpoint</c> has it.</param>
    public async Task<VerifySinceOutcome> Run(string checkpoint, CancellationToken cancel = default)
    {
        if (
            SignedNote.Parse(checkpoint, out var why) is not { } note
            || Proof.Checkpoint.Parse(note.Text, out why) is not { } head
        )
        {
            return new VerifySinceOutcome.NoCheckpoint(why);
        }
        if (head.Size == 0)
            return new VerifySinceOutcome.NoCheckpoint("The checkpoint is of an empty log.");
        return new VerifySinceOutcome.Looked(
            await store.ReadSnapshot(reader => Look(reader, note, head, cancel), cancel)
        );
    }

    private async ValueTask<VerifiedSince> Look(
        Reader reader,
        SignedNote note,
        Checkpoint head,
        CancellationToken cancel
    )
    {
        var problems = new ProblemList();
        var seals = new SealCheck(reader, key, problems, cancel);
        var (from, unsealed) = (0L, 0L);
        try
        {
            if (await Start(reader, note, head, problems) is { } start)
            {
                from = start.Seal;
                await using var trees = await TreeCheck.BeginAfter(reader, key, start, cancel);
                await seals.RunAfter(start.Seal, trees);
                unsealed = await Events(reader, seals.Covered, problems, cancel);
            }
        }
        catch (Exception fault) when (EventChainCheck.IsOfOneSubject(fault))
        {
            problems.Add($"The log can't be checked any further: {fault.Message}");
        }
        return new VerifiedSince(
            problems.Count == 0,
            head.Origin,
            head.Size,
            seals.Covered.Count,
            await reader.Number("SELECT sum(count) FROM seals WHERE n <= @from", new { from }),
            unsealed,
            (await Sealer.Last(reader)).ToString(),
            problems.Named,
            problems.Count - problems.Named.Count
        );
    }

    /// <summary>The head in the store that the checkpoint names; null where it isn't there.</summary>
    private static async ValueTask<TreeHead?> Start(
        Reader reader,
        SignedNote note,
        Checkpoint head,
        ProblemList problems
    )
    {
        var epoch = await reader.First<Epoch>(
            $"SELECT {Epoch.Columns} FROM epochs e WHERE e.origin = @origin",
            new { origin = head.Origin }
        );
        if (epoch is null || !NoteKey.TryParse(epoch.Vkey, out var vkey, out _) || note.IsSignedBy(vkey, out _) != true)
        {
            problems.Add(
                $"The checkpoint is of {head.Origin}, and no epoch of this log has that name and a key that signed it."
            );
            return null;
        }
        var start = await reader.First<TreeHead>(
            $"SELECT {TreeHead.Columns} FROM tree_heads h WHERE h.epoch = @epoch AND h.size = @size",
            new { epoch = epoch.Number, size = head.Size }
        );
        if (
            start is not null
            && start.Root == Convert.ToBase64String(head.Root)
            && (await new StoredTree(reader, epoch.Number).Root(head.Size)).AsSpan().SequenceEqual(head.Root)
        )
        {
            return start;
        }
        problems.Add(
            $"The log doesn't go on from the checkpoint: {head.Origin} with {head.Size} leaves and its root isn't "
                + "there. It was cut, replaced or restored from a backup."
        );
        return null;
    }

    /// <returns>How many aren't sealed yet.</returns>
    private async ValueTask<long> Events(
        Reader reader,
        IdRanges covered,
        ProblemList problems,
        CancellationToken cancel
    )
    {
        var erasures = await Redactions.Read(reader, Redaction.OfEvents, key);
        foreach (var range in covered.Ranges)
        {
            for (var next = range.From; next <= range.To; )
            {
                cancel.ThrowIfCancellationRequested();
                var page = await reader.All<ChainedEvent>(
                    $"""
                    SELECT {ChainedEvent.Columns} FROM events WHERE id BETWEEN @next AND @to
                    ORDER BY id LIMIT {PageSize}
                    """,
                    new { next, to = range.To }
                );
                Hash(page, erasures, problems);
                next = page.Count < PageSize ? range.To + 1 : page[^1].Id + 1;
            }
        }
        var unsealed = 0L;
        var position = await reader.Number(
            "SELECT position FROM cursors WHERE name = @name",
            new { name = Sealer.CursorName }
        );
        for (var isFull = true; isFull; )
        {
            cancel.ThrowIfCancellationRequested();
            var page = await EventLog.Next<ChainedEvent>(reader, ChainedEvent.Columns, position, PageSize);
            isFull = page.Count == PageSize;
            if (isFull)
                position = page[^1].Position;
            else
                page.AddRange(await EventLog.WithoutPosition<ChainedEvent>(reader, ChainedEvent.Columns));
            Hash(page, erasures, problems);
            unsealed += page.Count;
        }
        return unsealed;
    }

    private static void Hash(List<ChainedEvent> events, Redactions erasures, ProblemList problems)
    {
        foreach (var e in events)
        {
            var named = $"Event {e.Id} ({e.Subject}, number {e.N})";
            if (e.N > 1 && e.Previous is null)
                problems.Add($"{named} follows one that is gone.");
            else if (!EventChainCheck.HasItsHash(e.Previous ?? "", e, erasures, out _))
                problems.Add($"{named} does not match its hash: it was changed since.");
        }
    }
}
