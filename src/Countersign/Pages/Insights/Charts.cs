using System.Globalization;
using Countersign.Insights;

namespace Countersign.Pages.Insights;

/// <summary>
/// Shapes of a chart, in a drawing of 1000 by 300 that is stretched to the width of the page. Words stand beside it,
/// because they must not be stretched.
/// </summary>
public static class Drawing
{
    public const int Width = 1000,
        Height = 300;

    /// <summary>A number as an attribute takes it.</summary>
    public static string N(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    public static string ViewBox => $"0 0 {Width} {Height}";

    /// <summary>The horizontal middle of one of <c>count</c> equal places.</summary>
    public static double Middle(int place, int places) => (place + 0.5) * Width / places;

    /// <summary>From the bottom up.</summary>
    public static double Y(double value, double top) => top <= 0 ? Height : Height - (value / top * Height);
}

/// <summary>How long decisions took, over time: a line for half of them and one for most.</summary>
public sealed class TimeChart
{
    /// <summary>Ends of the scale that halve well, in minutes.</summary>
    private static readonly int[] Ends =
    [
        2,
        10,
        20,
        60,
        2 * 60,
        4 * 60,
        8 * 60,
        12 * 60,
        24 * 60,
        2 * 1440,
        4 * 1440,
        8 * 1440,
        14 * 1440,
        30 * 1440,
        60 * 1440,
        120 * 1440,
        240 * 1440,
    ];

    public TimeChart(IReadOnlyList<Period> periods)
    {
        Periods = periods;
        var most = periods.Max(p => p.Counts.Times.Percentile(InsightsReport.P90)) ?? TimeSpan.Zero;
        HasAny = most > TimeSpan.Zero;
        Top = TimeSpan.FromMinutes(
            Array.Find(Ends, end => end >= most.TotalMinutes) is > 0 and var end ? end : Ends[^1]
        );
        Median = Path(InsightsReport.Median);
        Most = Path(InsightsReport.P90);
        Between = Area();
    }

    public IReadOnlyList<Period> Periods { get; }
    public bool HasAny { get; }
    public TimeSpan Top { get; }

    /// <summary>Lines as the <c>d</c> of a path, from one day with decisions to the next.</summary>
    public string Median { get; }
    public string Most { get; }

    /// <summary>What lies between the lines.</summary>
    public string Between { get; }

    /// <summary>The days in which anything was decided.</summary>
    public string Dots(double share) => string.Concat(PointsOf(share).Select(point => $"M{point}h0"));

    private string Path(double share) =>
        string.Join('L', PointsOf(share)) is { Length: > 0 } points ? "M" + points : "";

    private string Area() =>
        PointsOf(InsightsReport.P90) is { Count: > 1 } there
            ? $"M{string.Join('L', there.Concat(PointsOf(InsightsReport.Median).AsEnumerable().Reverse()))}Z"
            : "";

    /// <summary>Of those periods in which anything was decided.</summary>
    private List<string> PointsOf(double share) =>
        [
            .. Points(share)
                .Select((y, i) => y is { } at ? $"{Drawing.N(Drawing.Middle(i, Periods.Count))} {Drawing.N(at)}" : null)
                .OfType<string>(),
        ];

    private List<double?> Points(double share) =>
        [
            .. Periods.Select(p =>
                p.Counts.Times.Percentile(share) is { } time
                    ? Drawing.Y(Math.Min(time.TotalMinutes, Top.TotalMinutes), Top.TotalMinutes)
                    : (double?)null
            ),
        ];
}

/// <summary>One way in which requests are closed, from the most to the least usual.</summary>
/// <param name="Css">What its color is called.</param>
public sealed record OutcomeKind(string Css, string Text, Func<DayCounts, long> Of);

/// <summary>What was closed how over time, as bars; a mark says how many were opened.</summary>
public sealed class OutcomeChart
{
    private const double BarShare = 0.68;

    public OutcomeChart(IReadOnlyList<Period> periods, IReadOnlyList<OutcomeKind> kinds)
    {
        Periods = periods;
        Kinds = kinds;
        Top = EndOf(periods.Max(p => Math.Max(p.Counts.Closed, p.Counts.Opened)));
    }

    public IReadOnlyList<Period> Periods { get; }
    public IReadOnlyList<OutcomeKind> Kinds { get; }
    public long Top { get; }
    public double BarWidth => Drawing.Width * BarShare / Periods.Count;
    public double SlotWidth => (double)Drawing.Width / Periods.Count;

    public double LeftOf(int place) => Drawing.Middle(place, Periods.Count) - (BarWidth / 2);

    /// <summary>From the bottom up, those of which there are any.</summary>
    public IEnumerable<(string Css, double Y, double Height)> BarsOf(Period period)
    {
        var sum = 0L;
        foreach (var kind in Kinds)
        {
            var count = kind.Of(period.Counts);
            if (count == 0)
                continue;
            sum += count;
            yield return (kind.Css, Drawing.Y(sum, Top), Drawing.Height * (double)count / Top);
        }
    }

    /// <summary>An even number, so that its half is one too.</summary>
    private static long EndOf(long most)
    {
        for (var unit = 1L; ; unit *= 10)
        {
            foreach (var end in new[] { 2, 4, 6, 10, 16 })
            {
                if (end * unit >= most)
                    return end * unit;
            }
        }
    }
}
