using System.Globalization;

namespace Countersign.Insights;

/// <summary>
/// How long many decisions took, as counts of times that are alike: four buckets for each doubling, from one second to
/// half a year. A percentile is the middle of its bucket, which is at most 10% off, so no request has to be looked at
/// for it.
/// </summary>
public sealed class TimeBuckets
{
    private const int Count = 98;
    private const int PerDoubling = 4;

    private readonly long[] _counts = new long[Count];

    public long Total { get; private set; }

    public void Add(TimeSpan time) => Add(BucketOf(time), 1);

    public void Add(TimeBuckets other)
    {
        for (var i = 0; i < Count; i++)
            _counts[i] += other._counts[i];
        Total += other.Total;
    }

    /// <summary>Adds what <see cref="ToString"/> wrote.</summary>
    public void Add(string text)
    {
        var rest = text.AsSpan();
        for (var i = 0; rest.Length > 0 && i < Count; i++)
        {
            var end = rest.IndexOf(',');
            var one = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            if (one.Length > 0)
                Add(i, long.Parse(one, NumberStyles.None, CultureInfo.InvariantCulture));
        }
    }

    /// <summary>
    /// The time within which this share of the decisions came; null where there are none.
    /// </summary>
    public TimeSpan? Percentile(double share)
    {
        if (Total == 0)
            return null;
        var rank = Math.Max(1, (long)Math.Ceiling(share * Total));
        for (var i = 0; ; i++)
        {
            rank -= _counts[i];
            if (rank <= 0)
                return MiddleOf(i);
        }
    }

    /// <summary>The counts from the shortest time on, an empty text for each zero: <c>,,3,1</c>.</summary>
    public override string ToString()
    {
        var last = Array.FindLastIndex(_counts, n => n > 0);
        return string.Join(',', _counts.Take(last + 1).Select(n => n == 0 ? "" : n.ToString(Invariant)));
    }

    internal static int BucketOf(TimeSpan time) =>
        time.TotalSeconds < 1
            ? 0
            : Math.Min(Count - 1, 1 + (int)Math.Floor(PerDoubling * Math.Log2(time.TotalSeconds)));

    private static TimeSpan MiddleOf(int bucket) =>
        TimeSpan.FromSeconds(bucket == 0 ? 0.5 : Math.Pow(2, (bucket - 0.5) / PerDoubling));

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    private void Add(int bucket, long n)
    {
        _counts[bucket] += n;
        Total += n;
    }
}
