using Countersign.Storage;

namespace Countersign.Tests;

/// <summary>
/// A transaction that has begun and stays open until it is released. On SQLite all other writers wait behind it.
/// </summary>
internal sealed class Held : IDisposable
{
    private readonly ManualResetEventSlim _release = new();
    private Task _work = Task.CompletedTask;

    public static async Task<Held> Of(Store store, Func<Tx, ValueTask>? work = null)
    {
        var held = new Held();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        held._work = Task.Run(() =>
            store.InTransaction(async tx =>
            {
                if (work is not null)
                    await work(tx);
                begun.TrySetResult();
                held._release.Wait(TimeSpan.FromMinutes(1));
            })
        );
        await Task.WhenAny(begun.Task, held._work).Soon();
        return held;
    }

    /// <summary>Lets it end, and returns once it has.</summary>
    public Task Release()
    {
        _release.Set();
        return _work.Soon();
    }

    public void Dispose() => _release.Set();
}
