using Countersign.Storage;

namespace Countersign.Hosting;

/// <summary>
/// Whether this node can write: a store that can only be read looks healthy from the outside. One small write every few
/// seconds at most, however often readiness is asked for.
/// </summary>
internal sealed class WriteProbe(Store store, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5),
        Patience = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _one = new(1);
    private DateTimeOffset? _wrote;

    public void Dispose() => _one.Dispose();

    /// <summary>Throws <see cref="StoreUnavailable"/> where writing fails or takes too long.</summary>
    public async Task Run(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            var now = time.GetUtcNow();
            if (_wrote is { } wrote && (now - wrote).Duration() < Interval)
                return;
            _wrote = null;
            var values = new Dictionary<string, string?> { ["written"] = Instant.ToText(now) };
            await HubValues.Keep(store, values, cancel).WaitAsync(Patience, cancel);
            _wrote = now;
        }
        catch (TimeoutException late)
        {
            throw new StoreUnavailable("The store doesn't accept writes in time.", late);
        }
        finally
        {
            _one.Release();
        }
    }
}
