using Countersign.Audit;
using Xunit;

namespace Countersign.Tests.Audit;

public sealed class IdRangesTests
{
    [Fact]
    public void Ids_in_any_order_make_the_same_ranges()
    {
        var random = Seeded.Random(5);
        for (var round = 0; round < 200; round++)
        {
            var ids = Enumerable.Range(1, 60).Where(_ => random.Next(3) > 0).Select(i => (long)i).ToList();
            var ranges = IdRanges.Of(random.Shuffled(ids));
            Assert.Equal(IdRanges.Of(ids).ToString(), ranges.ToString());
            Assert.Equal(ids.Count, ranges.Count);
            Assert.Equal(
                Enumerable.Range(1, 60).Where(i => !ids.Contains(i) && i < ids[^1]),
                ranges.Gaps(1).SelectMany(g => Enumerable.Range((int)g.From, (int)g.Count))
            );
            Assert.All(Enumerable.Range(0, 62), i => Assert.Equal(ids.Contains(i), ranges.Contains(i)));
            Assert.Equal(ranges.ToString(), IdRanges.Parse(ranges.ToString())!.ToString());
            Assert.All(ids, id => Assert.False(ranges.TryAdd(new IdRange(id, id + random.Next(3)))));
        }
    }

    [Fact]
    public void Neighbours_are_joined() =>
        Assert.Equal("1-40,42-50,99", IdRanges.Of([99, .. Range(42, 50), .. Range(1, 40)]).ToString());

    [Fact]
    public void What_lies_near_is_read_at_once() =>
        Assert.Equal([new IdRange(1, 14), new IdRange(30, 30)], IdRanges.Of([1, 2, 7, 10, 14, 30]).Spans(5));

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-3")]
    [InlineData("4-3")]
    [InlineData("3-3")]
    [InlineData("1,2")]
    [InlineData("5,1")]
    [InlineData("1-4,3")]
    [InlineData("01")]
    [InlineData("1 ,3")]
    [InlineData("1-2-3")]
    [InlineData("1-9223372036854775807")]
    [InlineData("9223372036854775808")]
    public void A_text_that_is_not_written_our_way_is_not_read(string text) => Assert.Null(IdRanges.Parse(text));

    private static IEnumerable<long> Range(int from, int to) =>
        Enumerable.Range(from, to - from + 1).Select(i => (long)i);
}
