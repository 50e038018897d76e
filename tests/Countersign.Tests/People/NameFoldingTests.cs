using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class NameFoldingTests
{
    [Theory]
    [InlineData("Ann Smith")]
    [InlineData("ANN SMITH")]
    [InlineData("  Ann \t Smith ")]
    [InlineData("Ann\u00A0Smith")]
    [InlineData("A\u200Bnn Smith")]
    [InlineData("Ann \u200FSmith")]
    [InlineData("Ann Smi\u00ADth")]
    [InlineData("Ann Smith.")]
    [InlineData("Ann Smith ,.")]
    [InlineData("Ａｎｎ　Ｓｍｉｔｈ")]
    [InlineData("Ann \u017Fmith")]
    [InlineData("Ann&#32;Smith")]
    [InlineData("Ann&nbsp;Smith")]
    [InlineData("Ann&amp;nbsp;Smith")]
    [InlineData("Ann Sm\u0131th")]
    public void A_name_in_another_spelling_is_the_same_name(string spelling) =>
        Assert.Equal("ann smith", NameFolding.Name(spelling));

    [Theory]
    [InlineData("Anna Smith")]
    [InlineData("Аnn Smith")]
    [InlineData("Ann Smithe")]
    [InlineData("AnnSmith")]
    public void Another_name_stays_another(string name) => Assert.NotEqual("ann smith", NameFolding.Name(name));

    [Theory]
    [InlineData("ann@example.test")]
    [InlineData("ANN@Example.Test ")]
    [InlineData("ann+tag@example.test")]
    [InlineData("ann+a+b@example.test")]
    [InlineData("a\u200Bnn@example.test.")]
    [InlineData("ann＠example.test")]
    public void An_address_in_another_spelling_is_the_same_address(string spelling) =>
        Assert.Equal("ann@example.test", NameFolding.Email(spelling));

    [Fact]
    public void Letters_with_several_small_forms_and_accents_in_pieces_are_the_same()
    {
        Assert.Equal(NameFolding.Name("ΟΔΥΣΣΕΥΣ"), NameFolding.Name("Οδυσσευς"));
        Assert.Equal(NameFolding.Name("Jose\u0301"), NameFolding.Name("JOSÉ"));
        Assert.Equal(NameFolding.Name("Jose\u200B\u0301"), NameFolding.Name("José"));
        Assert.Equal(NameFolding.Name("GROSSMANN"), NameFolding.Name("Großmann"));
        Assert.Equal(NameFolding.Name("\u212Aim"), NameFolding.Name("kim"));
    }

    [Theory]
    [InlineData('\u2010')]
    [InlineData('\u2011')]
    [InlineData('\u2013')]
    [InlineData('\u2015')]
    [InlineData('\u2212')]
    public void Every_dash_is_one_character(char dash)
    {
        Assert.Equal("anna-lena", NameFolding.Name($"Anna{dash}Lena"));
        Assert.Equal("o'neill", NameFolding.Name("O\u2019Neill"));
    }

    [Theory]
    [InlineData("\"Ann Smith\"")]
    [InlineData("(Ann Smith)")]
    [InlineData(".,Ann Smith")]
    public void Punctuation_around_a_name_is_not_part_of_it(string text) =>
        Assert.Equal("ann smith", NameFolding.Name(text));

    [Theory]
    [InlineData("Ann Smith", false)]
    [InlineData("Анна", false)]
    [InlineData("Аnn", true)]
    [InlineData("123", false)]
    public void Letters_of_two_alphabets_in_one_name_are_noticed(string text, bool mixes) =>
        Assert.Equal(mixes, NameFolding.MixesAlphabets(text));

    [Theory]
    [InlineData("")]
    [InlineData(" . ")]
    [InlineData("\ud83d")]
    [InlineData("a\udc00b")]
    public void Any_text_can_be_folded(string text)
    {
        Assert.NotNull(NameFolding.Name(text));
        Assert.NotNull(NameFolding.Email(text));
    }
}
