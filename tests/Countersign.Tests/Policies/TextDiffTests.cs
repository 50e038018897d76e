using Countersign.Policies;
using Xunit;

namespace Countersign.Tests;

public sealed class TextDiffTests
{
    [Theory]
    [InlineData("", "a\nb", "+a +b")]
    [InlineData("a\nb", "", "-a -b")]
    [InlineData("a\nb\nc", "a\nx\nc", " a -b +x  c")]
    [InlineData("a\nb\nc", "a\nx\ny\nc", " a -b +x +y  c")]
    [InlineData("a\nb\nc\nd", "x\nb\ny\nd", "-a +x  b -c +y  d")]
    [InlineData("a\n\nb", "a\n\n\nb", " a   +  b")]
    [InlineData("a\r\nb", "a\nb\n", " a  b +")]
    [InlineData("A\na ", "a\na", "-A +a -a  +a")]
    [InlineData("a\na\na", "a\na", " a  a -a")]
    public void Lines_that_went_stand_before_those_that_came(string before, string after, string expected)
    {
        var lines = TextDiff.Lines(before, after);
        Assert.Equal(expected.Length, string.Join(' ', lines.Select(l => l.Mark + l.Text)).Length);
        Assert.Equal(
            before.ReplaceLineEndings("\n"),
            string.Join('\n', lines.Where(l => l.Mark != '+').Select(l => l.Text))
        );
        Assert.Equal(
            after.ReplaceLineEndings("\n"),
            string.Join('\n', lines.Where(l => l.Mark != '-').Select(l => l.Text))
        );
        Assert.DoesNotContain(lines.Zip(lines.Skip(1)), pair => pair is { First.Mark: '+', Second.Mark: '-' });
    }

    [Fact]
    public void An_excerpt_shows_two_lines_around_each_change_and_where_lines_are_left_out()
    {
        string Text(params int[] changed) =>
            string.Join('\n', Enumerable.Range(1, 20).Select(i => changed.Contains(i) ? $"new {i}" : $"{i}")) + "\n";
        Assert.Equal(
            "  2\n  3\n- 4\n+ new 4\n  5\n  6\n…\n  13\n  14\n- 15\n+ new 15\n  16\n  17\n",
            TextDiff.Excerpt(Text(), Text(4, 15))
        );
        Assert.Equal("", TextDiff.Excerpt(Text(), Text()));
        Assert.Equal("+ 1\n", TextDiff.Excerpt("", "1\n"));
    }

    [Fact]
    public void A_stretch_that_is_too_long_to_compare_is_shown_as_replaced()
    {
        static string Text(string word) =>
            "first\n"
            + string.Concat(Enumerable.Range(0, 1000).Select(i => i % 2 == 0 ? $"{word} {i}\n" : $"{i}\n"))
            + "last";
        var lines = TextDiff.Lines(Text("old"), Text("new"));
        // Both texts begin with "first" and end with an odd line and "last".
        Assert.Equal(
            (999, 999, 3),
            (lines.Count(l => l.Mark == '-'), lines.Count(l => l.Mark == '+'), lines.Count(l => l.Mark == ' '))
        );
    }
}
