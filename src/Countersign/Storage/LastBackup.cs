namespace Countersign.Storage;

/// <summary>
/// When <c>countersign backup</c> last made a copy, kept in the store: the command line makes it, and servers report
/// it.
/// </summary>
/// <param name="At">When the last copy was made, or null if none was.</param>
/// <param name="FailedAt">Of an attempt since then that failed; null where none did.</param>
internal sealed record LastBackup(DateTimeOffset? At, DateTimeOffset? FailedAt)
{
    private const string Made = "backup made",
        Failed = "backup failed";

    public static async ValueTask<LastBackup> Of(Reader reader) =>
        new(await Time(reader, Made), await Time(reader, Failed));

    /// <summary>
    /// False where this couldn't be kept: the store is of another version, or can't be written. A copy that was made
    /// is good all the same.
    /// </summary>
    public static async Task<bool> TryKeep(StoreOptions place, TimeProvider time, bool isMade)
    {
        try
        {
            await using var store = await Store.Open(place, time, allowed: TableChanges.None);
            var now = Instant.ToText(store.Now);
            var values = new Dictionary<string, string?> { [Failed] = isMade ? null : now };
            if (isMade)
                values[Made] = now;
            await HubValues.Keep(store, values, CancellationToken.None);
            return true;
        }
        catch (Exception failure)
            when (failure is StoreUnavailable or SchemaMismatch or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static async ValueTask<DateTimeOffset?> Time(Reader reader, string name) =>
        await HubValues.Find(reader, name) is { } time ? Instant.Parse(time) : null;
}
