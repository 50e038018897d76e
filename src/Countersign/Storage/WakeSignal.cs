namespace Countersign.Storage;

/// <summary>
/// Wakes a worker that waits for news. Rung any number of times before somebody looks, it rings once; rung after its
/// owner has gone, it does nothing, because whoever commits rings it and may outlive a stopping server.
/// </summary>
public sealed class WakeSignal : IDisposable
{
    private readonly SemaphoreSlim _rung = new(0, 1);

    public void Set()
    {
        // Mostly it rings already; asking first costs nothing, which matters because every writer comes by here.
        if (_rung.CurrentCount > 0)
            return;
        try
        {
            _rung.Release();
        }
        catch (Exception late) when (late is SemaphoreFullException or ObjectDisposedException) { }
    }

    /// <summary>False when nobody rang for so long.</summary>
    public Task<bool> WaitAsync(TimeSpan wait, CancellationToken cancel) => _rung.WaitAsync(wait, cancel);

    public void Dispose() => _rung.Dispose();
}
