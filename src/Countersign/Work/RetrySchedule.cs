namespace Countersign.Work;

/// <summary>
/// When to try again: a pure function. Each step is the wait before that attempt, counted from the one before; the
/// first is the wait before the first. After the last attempt there is none.
/// </summary>
public sealed record RetrySchedule(IReadOnlyList<TimeSpan> Steps)
{
    /// <summary>Eight attempts within about four hours.</summary>
    public static readonly RetrySchedule Default = new([
        TimeSpan.Zero,
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(2),
    ]);

    /// <summary>
    /// The wait after <paramref name="tries"/> attempts, 10 % shorter (jitter 0) to 10 % longer (jitter 1); null when
    /// there is no further attempt.
    /// </summary>
    public TimeSpan? WaitAfter(int tries, double jitter) =>
        tries < Steps.Count ? Steps[tries] * (0.9 + (0.2 * jitter)) : null;

    /// <summary>From the first attempt to the last.</summary>
    public TimeSpan Whole => Steps.Aggregate(TimeSpan.Zero, (sum, step) => sum + step);
}
