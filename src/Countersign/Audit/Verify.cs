using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>What a look at the whole record came to.</summary>
/// <param name="Ok">Nothing is wrong with the record, nor with any request.</param>
/// <param name="Events">Events in the store; <paramref name="Sealed"/> of them are covered by seals, the others wait for theirs.</param>
/// <param name="Head">The last seal, <c>n:hash</c>. Kept outside the hub, it shows later that nothing up to it was cut off.</param>
/// <param name="Problems">Everything that is wrong, in words, up to a hundred; <paramref name="MoreProblems"/> says
/// how many beyond.</param>
public sealed record Verification(bool Ok, long Events, long Sealed, long Unsealed, string Head,
    IReadOnlyList<string> Problems, long MoreProblems)
{
    /// <summary>Bodies of settled requests that are no longer kept; their digests are proven all the same.</summary>
    public long BodiesForgotten { get; init; }

    /// <summary>The first of them.</summary>
    public string? Problem => Problems is [var first, ..] ? first : null;
}

/// <summary>
/// Proves the record against itself and against the key, while others go on writing:
/// <code>
///   1  every stamped policy is the text that its hash names
///   2  every history: numbers without a gap, each event's hash over the one before, the last where its subject says
///   3  every request, its revisions, decisions and comments follow from its events, and its events from the law of states;
///      people, groups, tokens, sessions and sources are what their events say
///   4  every seal: in order, signed with the hub's key, over the one before and over events that are all there
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

    public async Task<Verification> Run(SealHead? earlier, CancellationToken cancel = default) =>
        await store.ReadSnapshot(async reader =>
        {
            var events = await reader.Number("SELECT count(*) FROM events");
            var head = await Sealer.Last(reader);
            var problems = new ProblemList();
            await Stamps(reader, problems, cancel);
            var histories = new HistoryCheck(reader, problems, ChecksPolicies, cancel);
            await Guarded("The histories", histories.Run, problems);
            var seals = new SealCheck(reader, key, problems, cancel);
            var before = problems.Count;
            await Guarded("The seals", () => seals.Run(earlier), problems);
            var covered = problems.Count == before ? seals.Covered.Count
                : Math.Min(events, await reader.Number("SELECT sum(count) FROM seals WHERE count BETWEEN 0 AND 5000"));
            return new Verification(problems.Count == 0, events, covered, events - covered, head.ToString(),
                problems.Named, problems.Count - problems.Named.Count)
            {
                BodiesForgotten = histories.BodiesForgotten,
            };
        }, cancel);

    private static async ValueTask Guarded(string what, Func<ValueTask> check, ProblemList problems)
    {
        try
        {
            await check();
        }
        catch (Exception fault) when (HistoryCheck.IsOfOneSubject(fault))
        {
            problems.Add($"{what} can't be checked any further: {fault.Message}");
        }
    }

    private static async ValueTask Stamps(Reader reader, ProblemList problems, CancellationToken cancel)
    {
        await foreach (var stamp in Pages.Each<StampRow, HashKey>(
            reader, "SELECT hash, policy FROM stamps WHERE hash > @Hash ORDER BY hash", new HashKey(""), s => new HashKey(s.Hash), 500, cancel))
        {
            if (Hashes.Sha256(stamp.Policy) != stamp.Hash)
            {
                problems.Add(
                    $"The stamped policy {stamp.Hash} is not the text that its hash names: it was changed, and with it who may decide.");
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

/// <summary>A table in the order of its key, a page at a time: short statements, and no reader stays open between them.</summary>
internal static class Pages
{
    public static async IAsyncEnumerable<T> Each<T, TKey>(
        Reader reader, string sql, TKey start, Func<T, TKey> keyOf, int size, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
        where TKey : notnull
    {
        var text = $"{sql} LIMIT {size}";
        for (var from = start; ;)
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
