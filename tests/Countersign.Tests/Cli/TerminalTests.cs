using Countersign.Cli;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>What is printed where a person looks at it, and where a program reads it.</summary>
public sealed class TerminalTests
{
    private static readonly string[][] Rows =
    [
        ["1", "ann@example.test", "a long text about what Ann does here"],
        ["2", "ben@example.test", "short"],
    ];

    [Fact]
    public void Where_no_person_looks_a_table_has_one_line_per_row() =>
        Assert.Equal(
            """
            id  email             about
            1   ann@example.test  a long text about what Ann does here
            2   ben@example.test  short
            """.ReplaceLineEndings("\n"),
            Of(null).Table(["id", "email", "about"], Rows)
        );

    [Fact]
    public void A_table_is_as_wide_as_the_terminal_and_leaves_nothing_out() =>
        Assert.Equal(
            """
            id  email             about
            1   ann@example.test  a long text about
                                  what Ann does here
            2   ben@example.test  short
            """.ReplaceLineEndings("\n"),
            Of(40).Table(["id", "email", "about"], Rows)
        );

    [Theory]
    [InlineData(10)]
    [InlineData(34)]
    [InlineData(80)]
    public void The_first_column_is_never_broken(int width)
    {
        string[][] rows =
        [
            ["01ARZ3NDEKTSV4RRFFQ69G5FAV", new string('x', 50)],
        ];
        var table = Of(width).Table(["request", "what"], rows);
        Assert.Contains("01ARZ3NDEKTSV4RRFFQ69G5FAV", table, StringComparison.Ordinal);
        Assert.Equal(50, table.Count(c => c == 'x'));
    }

    [Theory]
    [InlineData(null, "xterm-256color", true)]
    [InlineData("", "xterm-256color", true)]
    [InlineData("1", "xterm-256color", false)]
    [InlineData(null, "dumb", false)]
    [InlineData(null, null, true)]
    public void Colors_are_left_out_where_no_one_wants_them(string? noColor, string? term, bool allowed) =>
        Assert.Equal(allowed, Terminal.AllowsColors(name => name == "NO_COLOR" ? noColor : term));

    [Fact]
    public void Only_a_terminal_gets_colors()
    {
        Assert.Equal("done", Of(80).Green("done"));
        Assert.Equal("\e[32mdone\e[0m", (Of(80) with { HasColors = true }).Green("done"));
        Assert.Equal("done", (Of(80) with { HasColors = true, IsJson = true }).Green("done"));
    }

    [Fact]
    public async Task A_verb_that_is_not_run_by_a_person_prints_no_colors()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        const string file = "version: 1\ngroups: [{ name: SRE }]\n";
        Assert.DoesNotContain('\e', (await shell.RunWithInput(file, "apply", "-f", "-", "--dry-run")).Output);
        Assert.DoesNotContain('\e', (await shell.Program(file, "apply", "-f", "-", "--dry-run")).Output);
    }

    private static Terminal Of(int? width) =>
        new(TextReader.Null, TextWriter.Null, TextWriter.Null, IsJson: false) { Width = width };
}
