using Countersign.Insights;
using Xunit;

namespace Countersign.Tests.Insights;

public sealed class TimeBucketsTests
{
    [Fact]
    public void A_time_is_found_again_within_a_tenth()
    {
        for (var seconds = 1.0; seconds < TimeSpan.FromDays(180).TotalSeconds; seconds *= 1.013)
        {
            var buckets = new TimeBuckets();
            buckets.Add(TimeSpan.FromSeconds(seconds));
            Assert.InRange(buckets.Percentile(0.5)!.Value.TotalSeconds, seconds * 0.9, seconds * 1.1);
        }
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(0)]
    [InlineData(0.4)]
    public void Less_than_a_second_is_half_a_second(double seconds)
    {
        var buckets = new TimeBuckets();
        buckets.Add(TimeSpan.FromSeconds(seconds));
        Assert.Equal(0.5, buckets.Percentile(0.5)!.Value.TotalSeconds);
    }

    [Fact]
    public void A_year_is_counted_as_half_a_year_or_more()
    {
        var buckets = new TimeBuckets();
        buckets.Add(TimeSpan.FromDays(365));
        Assert.InRange(buckets.Percentile(0.9)!.Value.TotalDays, 180, 365);
    }

    [Fact]
    public void The_median_and_the_90th_percentile_are_those_of_the_times_themselves_within_a_tenth()
    {
        var buckets = new TimeBuckets();
        double[] minutes = [.. Enumerable.Range(1, 1_000).Select(n => (double)n)];
        foreach (var one in minutes)
            buckets.Add(TimeSpan.FromMinutes(one));
        Assert.InRange(buckets.Percentile(0.5)!.Value.TotalMinutes, 450, 550);
        Assert.InRange(buckets.Percentile(0.9)!.Value.TotalMinutes, 810, 990);
        Assert.Equal(1_000, buckets.Total);
    }

    [Fact]
    public void Nothing_has_no_percentile() => Assert.Null(new TimeBuckets().Percentile(0.5));

    [Fact]
    public void The_text_of_several_is_their_sum()
    {
        var (one, other, both) = (new TimeBuckets(), new TimeBuckets(), new TimeBuckets());
        foreach (var hours in new[] { 1, 2, 2, 30, 700 })
            one.Add(TimeSpan.FromHours(hours));
        foreach (var seconds in new[] { 0, 5, 5, 5_000 })
            other.Add(TimeSpan.FromSeconds(seconds));
        both.Add(one.ToString());
        both.Add(other.ToString());
        both.Add(new TimeBuckets().ToString());
        one.Add(other);
        Assert.Equal(one.ToString(), both.ToString());
        Assert.Equal(9, both.Total);
    }
}
