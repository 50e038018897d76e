namespace Countersign.Storage;

/// <summary>
/// Logs that the store can't be read or written: one line when that begins, one a minute while it goes on, and one when
/// it ends, however many callers it meets.
/// </summary>
internal sealed partial class Outage(string what, ILogger log, TimeProvider time)
{
    internal static readonly TimeSpan Summary = TimeSpan.FromMinutes(1);

    /// <summary>A store that comes and goes within this time hasn't come back yet.</summary>
    internal static readonly TimeSpan Calm = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private volatile bool _isOn;
    private DateTimeOffset _began,
        _last,
        _told;
    private long _failed;

    /// <param name="count">The callers that heard it.</param>
    public void Failed(string reason, int count = 1)
    {
        lock (_lock)
        {
            _last = time.GetUtcNow();
            _failed += count;
            if (!_isOn)
            {
                (_isOn, _began, _told, _failed) = (true, _last, _last, count);
                Log.Began(log, what, reason);
            }
            else if ((_last - _told).Duration() >= Summary)
            {
                _told = _last;
                var seconds = Seconds(_last);
                Log.GoesOn(log, what, seconds, _failed, reason);
            }
        }
    }

    public void Succeeded()
    {
        if (!_isOn)
            return;
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (!_isOn || (now - _last).Duration() < Calm)
                return;
            _isOn = false;
            var seconds = Seconds(_last);
            Log.Ended(log, what, seconds, _failed);
        }
    }

    private long Seconds(DateTimeOffset until) => (long)Math.Ceiling((until - _began).Duration().TotalSeconds);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "The store can't be {What}: {Reason}")]
        public static partial void Began(ILogger log, string what, string reason);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "The store can't be {What} since {Seconds} s; {Calls} calls failed: {Reason}"
        )]
        public static partial void GoesOn(ILogger log, string what, long seconds, long calls, string reason);

        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "The store can be {What} again; for {Seconds} s it couldn't, and {Calls} calls failed"
        )]
        public static partial void Ended(ILogger log, string what, long seconds, long calls);
    }
}
