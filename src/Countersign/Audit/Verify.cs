using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>What a look at the whole record came to.</summary>
/// <param name="Ok">Nothing is wrong with the record, nor with any request.</param>
/// <param name="Events">Events in the store; <paramref name="Sealed"/> of them are covered by seals, the others wait
/// for theirs.</param>
/// <param name="Head">The last seal, <c>n:hash</c>. Kept outside the hub, it shows later that nothing up to it was cut
/// off.</param>
/// <param name="Problems">Everything that is wrong, in words, up to a hundred; <paramref name="MoreProblems"/> says
/// how many beyond.</param>
public sealed record Verification(
    bool Ok,
    long Events,
    long Sealed,
    long Unsealed,
    string Head,
    IReadOnlyList<string> Problems,
    long MoreProblems
)
{
    /// <summary>Bodies of settled requests that are no longer kept; their digests are proven all the same.</summary>
    public long BodiesForgotten { get; init; }

    /// <summary>Events of archived requests: sealed by their hashes, while what they say is in a file.</summary>
    public long Archived { get; init; }
    public long ArchivedRequests { get; init; }

    /// <summary>Events of which texts were erased with a person.</summary>
    public long Erased { get; init; }

    /// <summary>Of them, those that were found in a file that was given, as they were written.</summary>
    public long ProvenByArchive { get; init; }

    /// <summary>The first of them.</summary>
    public string? Problem => Problems is [var first, ..] ? first : null;
}

/// <summary>
/// Proves the record against itself and against the key, while others go on writing:
/// <code>
///   1  every stamped policy is the text that its hash names
///   2  every history: numbers without a gap, each event's hash over the one before, the last where its subject says
///   3  every request, its revisions, decisions and comments follow from its events, and its events from the law of
/// states;
///      what is planned for it follows from them and its policy, and remembered answers name requests that are there;
///      people, groups, tokens, sessions and sources are what their events say
///   4  every seal: in order, signed with the hub's key, over the one before and over events that are all there
///      and every tree: roots, tiles and checkpoints follow from the events that seals cover
///   5  no event lies among sealed ones without a seal
///   6  an earlier head, when one is given, is still there
/// </code>
/// What the store says about its own key counts for nothing. Tables are read page by page and side by side, so memory
/// holds a few thousand rows and the ranges of sealed ids, however long the record is.
/// </summary>
public sealed class Verify(Store store, SealKey key)
{
    /// <summary>Off only for tests of what lies beneath the doors, which hand in policies of their own.</summary>
    internal bool ChecksPolicies { get; init; } = true;

    /// <summary>Hears now and then how many events were looked at, and of how many.</summary>
    public IProgress<(long Done, long Total)>? Progress { get; init; }

    public Task<Verification> Run(SealHead? earlier, CancellationToken cancel = default) => Run(earlier, [], cancel);

    /// <param name="archives">Files of archived requests, whose events are held beside the hashes that stayed.</param>
    public async Task<Verification> Run(SealHead? earlier, IReadOnlyList<string> archives, CancellationToken cancel) =>
        await store.ReadSnapshot(
            async reader =>
            {
                var events = await reader.Number("SELECT count(*) FROM events");
                var head = await Sealer.Last(reader);
                var problems = new ProblemList();
                await Stamps(reader, key, problems, cancel);
                var histories = new EventChainCheck(
                    reader,
                    problems,
                    ChecksPolicies,
                    Instant.ToText(store.Now),
                    cancel,
                    key,
                    done => Progress?.Report((done, events))
                );
                await Guarded("The histories", histories.Run, problems);
                // Two of one number may stand where one page of events ends and the next begins.
                if (problems.Count == 0 && histories.Events != events)
                {
                    problems.Add(
                        $"{events - histories.Events} events have the number that another event of the same history "
                            + "has: they were put there."
                    );
                }
                await Guarded("The idempotency keys", () => IdempotencyCheck.Run(reader, problems, cancel), problems);
                var seals = new SealCheck(reader, key, problems, cancel);
                var proven = new HashSet<string>();
                var provenEvents = 0L;
                foreach (var file in archives)
                    provenEvents += await ProveArchive(reader, file, proven, problems, cancel);
                var before = problems.Count;
                await Guarded("The seals", () => seals.Run(earlier), problems);
                var covered =
                    problems.Count == before
                        ? seals.Covered.Count
                        : Math.Min(
                            events,
                            await reader.Number("SELECT sum(count) FROM seals WHERE count BETWEEN 0 AND 5000")
                        );
                return new Verification(
                    problems.Count == 0,
                    events,
                    covered,
                    events - covered,
                    head.ToString(),
                    problems.Named,
                    problems.Count - problems.Named.Count
                )
                {
                    BodiesForgotten = histories.BodiesForgotten,
                    ArchivedRequests = histories.ArchivedRequests,
                    Erased = histories.ErasedEvents,
                    Archived = histories.ArchivedEvents,
                    ProvenByArchive = provenEvents,
                };
            },
            cancel
        );

    private static async ValueTask Guarded(string what, Func<ValueTask> check, ProblemList problems)
    {
        try
        {
            await check();
        }
        catch (Exception fault) when (EventChainCheck.IsOfOneSubject(fault))
        {
            problems.Add($"{what} can't be checked any further: {fault.Message}");
        }
    }

    /// <summary>How many events of a file are those of the store, hash by hash.</summary>
    private static async ValueTask<long> ProveArchive(
        Reader reader,
        string path,
        HashSet<string> proven,
        ProblemList problems,
        CancellationToken cancel
    )
    {
        var (events, named) = (0L, new Dictionary<string, ArchiveStatement>());
        var (file, problem) = await ArchiveFile.Read(
            path,
            cancel,
            async (id, history) =>
            {
                var stored = await reader.All<StoredEvent>(
                    $"SELECT {StoredEvent.Columns} FROM events WHERE subject = @subject ORDER BY n",
                    new { subject = history[0].Subject }
                );
                // Since it was written, the request has changed and stayed whole.
                if (stored.Find(e => e.Kind == ArchivedRequest.Kind) is not { } archived)
                    return;
                if (ArchiveStatement.ChainOf(history) != ArchiveStatement.ChainOf(stored.Where(e => e.N < archived.N)))
                {
                    problems.Add(
                        $"Request {id} has other events in the archive {Path.GetFileName(path)} than in the store."
                    );
                }
                else if (proven.Add(id))
                {
                    events += history.Count;
                }
                named[id] = EventData.Read<ArchiveStatement>(archived.Data);
            }
        );
        if (file is null)
            problems.Add($"The archive {Path.GetFileName(path)} is not as it was written: {problem}");
        var others = file is null
            ? []
            : named.Where(n => n.Value.Sha256 != file.Sha256).Select(n => n.Key).Order(StringComparer.Ordinal).ToList();
        if (others.Count > 0)
        {
            problems.Add(
                $"The archive {Path.GetFileName(path)} is not the file that was archived to "
                    + $"({named[others[0]].File}): request {others[0]} names another SHA-256."
            );
        }
        return file is null || others.Count > 0 ? 0 : events;
    }

    private static async ValueTask Stamps(Reader reader, SealKey key, ProblemList problems, CancellationToken cancel)
    {
        var redactions = await Redactions.Read(reader, Redaction.OfStamp, key);
        await foreach (
            var stamp in Pages.Each<StampRow, HashKey>(
                reader,
                "SELECT hash, policy FROM stamps WHERE hash > @Hash ORDER BY hash",
                new HashKey(""),
                s => new HashKey(s.Hash),
                500,
                cancel
            )
        )
        {
            if (Hashes.Sha256(stamp.Policy) != stamp.Hash && !redactions.Allow("hub", stamp.Hash, stamp.Policy))
            {
                problems.Add(
                    $"The stamped policy {stamp.Hash} is not the text that its hash names: it was changed, "
                        + "and with it who may decide."
                );
            }
        }
    }

    private sealed record HashKey(string Hash);

    private sealed class StampRow
    {
        public required string Hash { get; init; }
        public required string Policy { get; init; }
    }
}

/// <summary>
/// A table in the order of its key, a page at a time: short statements, and no reader stays open between them.
/// </summary>
internal static class Pages
{
    public static async IAsyncEnumerable<T> Each<T, TKey>(
        Reader reader,
        string sql,
        TKey start,
        Func<T, TKey> keyOf,
        int size,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel
    )
        where TKey : notnull
    {
        var text = $"{sql} LIMIT {size}";
        for (var from = start; ; )
        {
            cancel.ThrowIfCancellationRequested();
            var page = await reader.All<T>(text, from);
            foreach (var row in page)
                yield return row;
            if (page.Count < size)
                yield break;
            from = keyOf(page[^1]);
        }
    }
}
