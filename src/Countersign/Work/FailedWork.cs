using System.Globalization;
using Countersign.Storage;

namespace Countersign.Work;

/// <summary>A piece of background work that throws. While <see cref="DueAt"/> is set it is tried again then; without it, it is set aside.</summary>
public sealed class FailedItem
{
    public required string Kind { get; init; }
    public required string Key { get; init; }

    /// <summary>What it is about, such as <c>request:01J…</c>; empty where that is not known.</summary>
    public required string Subject { get; init; }
    public long Attempts { get; init; }
    public required string Error { get; init; }
    public required string Since { get; init; }
    public string? DueAt { get; init; }
}

/// <summary>
/// Pieces of background work that throw, of every worker: each is tried again later and later, and after
/// <see cref="MaxAttempts"/> set aside until an admin retries it, so that it holds up neither its neighbours nor the worker.
/// A store that cannot serve is no fault of a piece of work and is never recorded here.
/// </summary>
public sealed class FailedWork(Store store)
{
    public const int MaxAttempts = 8;

    /// <summary>The kind of deliveries that can't be recorded.</summary>
    public const string Delivery = "delivery";

    private const int MaxError = 500;
    private static readonly TimeSpan[] Waits =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(30), TimeSpan.FromHours(1), TimeSpan.FromHours(2),
    ];

    /// <summary>True of a failure that belongs to the piece of work and not to the store or the end of the server.</summary>
    public static bool IsItsOwn(Exception failure) => failure is not (StoreUnavailable or OperationCanceledException);

    /// <summary>What a query adds to leave out what waits for another attempt or is set aside.</summary>
    /// <param name="kind">One of the kinds.</param>
    /// <param name="key">An SQL expression: the key of the row that is looked at.</param>
    public static string NotFailed(string kind, string key) =>
        $"NOT EXISTS (SELECT 1 FROM failed_work f WHERE f.kind = '{kind}' AND f.key = {key} AND (f.due_at IS NULL OR f.due_at > @now))";

    /// <summary>Writes down a failure. True when that was the last attempt.</summary>
    /// <param name="whenSetAside">What its worker does then, so that it does not come across it again.</param>
    public Task<bool> Record(
        string kind, string key, string subject, Exception failure, long position = 0, Func<Tx, ValueTask>? whenSetAside = null, CancellationToken cancel = default)
    {
        var spread = 0.9 + (Jitter.Next() / 5);
        return store.InTransaction(async tx =>
        {
            var attempts = (int)await tx.Number($"SELECT attempts FROM failed_work WHERE kind = @kind AND key = @key{tx.ForUpdate}", new { kind, key }) + 1;
            var isLast = attempts >= MaxAttempts;
            await Write(tx, kind, key, subject, position, attempts, failure, isLast ? null : tx.Now + (Waits[Math.Min(attempts, Waits.Length) - 1] * spread));
            if (isLast && whenSetAside is not null)
                await whenSetAside(tx);
            return isLast;
        }, cancel);
    }

    /// <summary>Sets something aside at once: what cannot be read does not become readable by another attempt.</summary>
    public static ValueTask SetAside(Tx tx, string kind, string key, string subject, Exception failure) =>
        Write(tx, kind, key, subject, 0, 1, failure, null);

    public static async ValueTask Clear(Tx tx, string kind, string key) =>
        await tx.Execute("DELETE FROM failed_work WHERE kind = @kind AND key = @key", new { kind, key });

    /// <summary>The oldest first.</summary>
    public ValueTask<List<FailedItem>> List(CancellationToken cancel) => store.Read(reader => reader.All<FailedItem>(
        "SELECT kind, key, subject, attempts, error, since, due_at FROM failed_work ORDER BY since, kind, key LIMIT 200"), cancel);

    public static async ValueTask<long> CountSetAside(Reader reader) => await reader.Number("SELECT count(*) FROM failed_work WHERE due_at IS NULL");

    /// <summary>What was to be tried again and no longer exists, such as a reminder of a request that was settled meanwhile.</summary>
    public static CleaningStep OldRetries(Store store) => CleaningStep.Delete(
        "failed work that no longer exists", store, TimeSpan.FromDays(1),
        "DELETE FROM failed_work WHERE (kind, key) IN (SELECT kind, key FROM failed_work WHERE due_at <= @oldest LIMIT @chunk)");

    public static CleaningStep OldSetAside(Store store, Retention keep) => CleaningStep.Delete(
        "failed work that was set aside", store, keep.SetAsideWork,
        """
        DELETE FROM failed_work WHERE (kind, key) IN (
          SELECT kind, key FROM failed_work WHERE due_at IS NULL AND since <= @oldest LIMIT @chunk)
        """);

    /// <summary>The error as it is kept and shown: one line of bounded length.</summary>
    internal static string ErrorOf(Exception failure)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{failure.GetType().Name}: {failure.Message}");
        var line = string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c));
        return line.Length > MaxError ? line[..MaxError] : line;
    }

    private static async ValueTask Write(
        Tx tx, string kind, string key, string subject, long position, int attempts, Exception failure, DateTimeOffset? due) =>
        await tx.Execute(
            """
            INSERT INTO failed_work (kind, key, subject, position, attempts, error, since, due_at)
            VALUES (@kind, @key, @subject, @position, @attempts, @error, @now, @due)
            ON CONFLICT (kind, key) DO UPDATE SET attempts = @attempts, error = @error, due_at = @due
            """,
            new { kind, key, subject, position, attempts = (long)attempts, error = ErrorOf(failure), now = tx.Now, due });
}
