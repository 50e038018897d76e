namespace Countersign.Tests;

/// <summary>
/// A clock that stands still until a test moves it, also backwards. Its timers are real: nothing waits for a time that
/// never comes.
/// </summary>
public sealed class TestClock : TimeProvider
{
    private readonly Lock _lock = new();
    private DateTimeOffset _now = new(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero);

    public DateTimeOffset Now
    {
        get
        {
            lock (_lock)
                return _now;
        }
        set
        {
            lock (_lock)
                _now = value;
        }
    }

    public void Advance(TimeSpan by)
    {
        lock (_lock)
            _now += by;
    }

    public override DateTimeOffset GetUtcNow() => Now;
}
