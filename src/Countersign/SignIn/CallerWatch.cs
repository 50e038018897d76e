using Countersign.Hosting;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>
/// Watches over an answer that lasts: a stream, a wait, an export. The caller is looked up again twice a second, and by
/// the answer itself before each thing that it tells, so that a revoked token, an ended session or key, a disabled
/// person or source ends the answer, and another role is that of the next event.
/// </summary>
public sealed class CallerWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly Callers _callers;
    private readonly Func<Caller, bool> _mayGoOn;
    private readonly CancellationTokenSource _ended;
    private readonly Task _watching;
    private volatile Caller _caller;

    private CallerWatch(Caller caller, Callers callers, Func<Caller, bool> mayGoOn, CancellationTokenSource ended)
    {
        (_caller, _callers, _mayGoOn, _ended) = (caller, callers, mayGoOn, ended);
        Ended = ended.Token;
        _watching = Watch();
    }

    /// <summary>The caller as last looked up.</summary>
    public Caller Caller => _caller;

    /// <summary>Whether the answer ends because its caller is not let in any more.</summary>
    public bool IsShutOut { get; private set; }

    /// <summary>Cancelled when the caller is not let in any more, has gone, or the server stops.</summary>
    public CancellationToken Ended { get; }

    /// <param name="mayGoOn">What the caller must be as well, beyond being let in.</param>
    public static CallerWatch Over(HttpContext http, Caller caller, Func<Caller, bool>? mayGoOn = null)
    {
        var stopping = http.RequestServices.GetRequiredService<Drain>().Ended;
        return new CallerWatch(
            caller,
            http.RequestServices.GetRequiredService<Callers>(),
            mayGoOn ?? (_ => true),
            CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping)
        );
    }

    /// <summary>Looks the caller up; false ends the answer. A store that cannot say counts as no.</summary>
    public async ValueTask<bool> IsStillLetIn()
    {
        try
        {
            if (await _callers.FindAgain(_caller, Ended) is { } now && _mayGoOn(now))
            {
                _caller = now;
                return true;
            }
            IsShutOut = true;
        }
        catch (StoreUnavailable)
        {
            // The caller comes back and is told why.
        }
        await _ended.CancelAsync();
        return false;
    }

    public void EndAfter(TimeSpan longest) => _ended.CancelAfter(longest);

    private async Task Watch()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(Ended) && await IsStillLetIn()) { }
        }
        catch (OperationCanceledException)
        {
            // The answer is over.
        }
        finally
        {
            // Without the watch nothing more is sent, no matter why it ended.
            await _ended.CancelAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _watching;
        _ended.Dispose();
    }
}
