using Countersign.Policies;
using Xunit;

namespace Countersign.Tests;

/// <summary>What counts as the same text, and what does not.</summary>
public sealed class FoldingTests
{
    [Theory]
    [InlineData("production", "Production")]
    [InlineData("production", " production\u00a0")]
    [InlineData("production", "pro\u200bduc\u2060tion\ufeff")]
    [InlineData("production", "ｐｒｏｄｕｃｔｉｏｎ")]
    [InlineData("production", "PRODUCTİON")]
    [InlineData("production", "\u202eproduction\u202c")]
    [InlineData("production", "prod\u034fuction\ufe0f")]
    [InlineData("production", "product\0ion")]
    [InlineData("eu west", "EU \t\r\n  West")]
    [InlineData("straße", "STRASSE")]
    [InlineData("strasse", "STRA\u1e9eE")]
    [InlineData("office", "oﬃce")]
    [InlineData("kiosk", "\u212aio\u017fk")]
    [InlineData("é", "e\u0301")]
    [InlineData("É", "e\u0301")]
    [InlineData("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ")]
    [InlineData("", "\u200b \u200d")]
    public void These_are_the_same(string one, string other) => Assert.Equal(Folding.Fold(one), Folding.Fold(other));

    [Theory]
    [InlineData("production", "production2")]
    [InlineData("eu west", "euwest")]
    [InlineData("e", "é")]
    [InlineData("prod-1", "prod_1")]
    public void These_are_not(string one, string other) => Assert.NotEqual(Folding.Fold(one), Folding.Fold(other));

    [Fact]
    public void Folded_once_more_it_stays_the_same_and_half_a_pair_harms_nothing()
    {
        var random = Seeded.Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => (char)random.Next(0x10000))]);
            var folded = Folding.Fold(text);
            Assert.Equal(folded, Folding.Fold(folded));
        }
        Assert.Equal("pci", Folding.Fold("p\ud83dci"));
    }

    [Theory]
    [InlineData("eu *", "EU  West", true)]
    [InlineData("eu *", "EU", false)]
    [InlineData(" Prod* ", "production", true)]
    [InlineData("＊", "anything", false)]
    [InlineData("＊", "*", true)]
    [InlineData("\\*", "＊", true)]
    [InlineData("straße*", "STRASSE 5", true)]
    public void Patterns_are_folded_between_their_wildcards(string pattern, string value, bool expected) =>
        Assert.Equal(expected, new Wildcard(pattern).Matches(Wildcard.Fold(value)));
}
