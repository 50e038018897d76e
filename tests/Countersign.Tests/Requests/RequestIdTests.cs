using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class RequestIdTests
{
    [Fact]
    public void Each_id_is_greater_than_the_one_before_also_within_a_millisecond_and_when_the_clock_goes_back()
    {
        var clock = new TestClock();
        var ids = new RequestIds();
        var random = Seeded.Random(1);
        var last = "";
        for (var i = 0; i < 20_000; i++)
        {
            clock.Advance(
                TimeSpan.FromMilliseconds(
                    random.Next(10) switch
                    {
                        0 => 1,
                        1 => -50,
                        2 => 40,
                        _ => 0,
                    }
                )
            );
            var id = ids.Next(clock.Now).Value;
            Assert.True(string.CompareOrdinal(last, id) < 0, $"{last} is followed by {id}");
            Assert.True(RequestId.TryParse(id, out var parsed) && parsed.Value == id);
            last = id;
        }
    }

    [Fact]
    public async Task Ids_made_at_once_differ()
    {
        var ids = new RequestIds();
        var now = new TestClock().Now;
        var made = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ => Task.Run(() => Enumerable.Range(0, 5000).Select(_ => ids.Next(now).Value).ToList()))
        );
        Assert.Equal(40_000, made.SelectMany(m => m).Distinct().Count());
        Assert.All(made, m => Assert.Equal(m.Order(StringComparer.Ordinal), m));
    }

    [Fact]
    public void An_id_tells_when_it_was_made()
    {
        var clock = new TestClock();
        var id = new RequestIds().Next(clock.Now).Value;
        Assert.True(string.CompareOrdinal(RequestId.FirstAt(clock.Now), id) <= 0);
        Assert.True(string.CompareOrdinal(RequestId.FirstAt(clock.Now.AddMilliseconds(1)), id) > 0);
        Assert.Equal("01ARYZ6S41", RequestId.FirstAt(DateTimeOffset.FromUnixTimeMilliseconds(1469918176385))[..10]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("01ARYZ6S41TSV4RRFFQ69G5FA")]
    [InlineData("01ARYZ6S41TSV4RRFFQ69G5FAVX")]
    [InlineData("81ARYZ6S41TSV4RRFFQ69G5FAV")]
    [InlineData("01aryz6s41tsv4rrffq69g5fav")]
    [InlineData("01ARYZ6S41TSV4RRFFQ69G5FAU")]
    [InlineData("01ARYZ6S41TSV4RRFFQ69G5FA ")]
    [InlineData("../../../../etc/passwd0000")]
    [InlineData("' OR 1=1 --00000000000000")]
    [InlineData("０1ARYZ6S41TSV4RRFFQ69G5FA")]
    public void What_is_no_id_is_not_read_as_one(string? text) => Assert.False(RequestId.TryParse(text, out _));
}
