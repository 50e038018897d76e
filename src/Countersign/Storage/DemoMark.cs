namespace Countersign.Storage;

/// <summary>
/// A store that the demo made carries a mark, so that demo people with printed passwords never come to serve in
/// earnest, and the demo never asks its questions in a store that somebody uses.
/// </summary>
internal static class DemoMark
{
    private const string Name = "demo";

    /// <summary>Throws when this store is the demo's.</summary>
    public static async Task KeepOut(Store store, CancellationToken cancel)
    {
        if (await store.Read(IsOn, cancel))
        {
            throw new IOException(
                "This store belongs to the demo, which prints its passwords and keys. Run it with "
                    + "countersign demo, or choose another folder with --data."
            );
        }
    }

    /// <summary>Marks a store that is new. False when it holds anything and is not the demo's.</summary>
    public static Task<bool> Claim(Store store, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                if (await tx.Number("SELECT count(*) FROM hub WHERE name = @Name", new { Name }) > 0)
                    return true;
                // Everything that happens to a hub leaves an event.
                if (await tx.Number("SELECT count(*) FROM events") > 0)
                    return false;
                await tx.Execute("INSERT INTO hub (name, value) VALUES (@Name, @now)", new { Name, now = tx.Now });
                return true;
            },
            cancel
        );

    private static async ValueTask<bool> IsOn(Reader reader) =>
        await reader.Number("SELECT count(*) FROM hub WHERE name = @Name", new { Name }) > 0;
}
