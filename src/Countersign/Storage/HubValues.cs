namespace Countersign.Storage;

/// <summary>What is kept once for the whole hub, by name: how far a job has come, the public address.</summary>
internal static class HubValues
{
    public static ValueTask<string?> Find(Reader reader, string name) =>
        reader.Text("SELECT value FROM hub WHERE name = @name", new { name });

    /// <param name="value">Null removes it.</param>
    public static async ValueTask Set(Tx tx, string name, string? value)
    {
        if (value is null)
        {
            await tx.Execute("DELETE FROM hub WHERE name = @name", new { name });
            return;
        }
        await tx.Execute(
            "INSERT INTO hub (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = @value",
            new { name, value }
        );
    }

    /// <summary>All of them or none.</summary>
    public static Task Keep(Store store, IReadOnlyDictionary<string, string?> values, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                foreach (var (name, value) in values)
                    await Set(tx, name, value);
            },
            cancel
        );
}
