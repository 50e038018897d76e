namespace Countersign.Outcomes;

/// <summary>
/// When to try again: a pure function. Each step is the wait before that attempt, counted from the one before; the first is
/// the wait before the first. After the last attempt there is none.
/// </summary>
public sealed record DeliverySchedule(IReadOnlyList<TimeSpan> Steps)
{
    /// <summary>Ten attempts within a little more than three days: long enough for a long weekend.</summary>
    public static readonly DeliverySchedule Default = new(
    [
        TimeSpan.Zero, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2),
        TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ]);

    /// <summary>The wait after <paramref name="tries"/> attempts, 10 % shorter (jitter 0) to 10 % longer (jitter 1); null when there is no further attempt.</summary>
    public TimeSpan? WaitAfter(int tries, double jitter) => tries < Steps.Count ? Steps[tries] * (0.9 + (0.2 * jitter)) : null;

    /// <summary>From the first attempt to the last.</summary>
    public TimeSpan Whole => Steps.Aggregate(TimeSpan.Zero, (sum, step) => sum + step);
}
