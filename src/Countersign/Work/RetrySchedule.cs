using System.Diagnostics.CodeAnalysis;
using Countersign.Configuration;

namespace Countersign.Work;

/// <summary>
/// When to try again: a pure function. Each step is the wait before that attempt, counted from the one before; the
/// first is the wait before the first. After the last attempt there is none.
/// </summary>
public sealed record RetrySchedule(IReadOnlyList<TimeSpan> Steps) : IParsable<RetrySchedule>
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

    /// <summary>As it is written: <c>0s,5s,5m</c>.</summary>
    public override string ToString() => string.Join(',', Steps.Select(Durations.Text));

    public static RetrySchedule Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var schedule) ? schedule : throw new FormatException($"{s} isn't a schedule.");

    public static bool TryParse(string? s, IFormatProvider? provider, [NotNullWhen(true)] out RetrySchedule? result)
    {
        var steps = (s ?? "").Split(',', StringSplitOptions.TrimEntries).Select(Durations.Parse).ToList();
        result = steps.Contains(null) ? null : new RetrySchedule([.. steps.OfType<TimeSpan>()]);
        return result is not null;
    }

    /// <summary>From the first attempt to the last.</summary>
    public TimeSpan Whole => Steps.Aggregate(TimeSpan.Zero, (sum, step) => sum + step);
}
