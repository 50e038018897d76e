using Countersign.Storage;

namespace Countersign.Destinations.Links;

/// <summary>
/// Writes down that a ticket is being opened, before the call leaves. Found again without a result it means that the
/// ticket may be there, so it is never sent twice unlooked.
/// </summary>
internal sealed class StartOpening(Store store)
{
    /// <summary>False when it is not to be opened any more, or another run is opening it.</summary>
    public Task<bool> Run(long link, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
                await tx.Execute("UPDATE links SET state = 'sending' WHERE id = @link AND state = 'new'", new { link })
                == 1,
            cancel
        );
}
