using System.Text.RegularExpressions;
using Xunit;
using RepositoryFiles = Countersign.Tests.Documentation.Texts;

namespace Countersign.Tests.Pages;

/// <summary>What holds for every Razor slice, by its text.</summary>
public sealed partial class SliceRulesTests
{
    private const int MaxLine = 120;

    private static readonly IReadOnlyList<(string File, string Text)> Slices =
    [
        .. RepositoryFiles.Files([".cshtml"]).Select(file => (file, Repository.Read(file.Split('/')))),
    ];

    [Fact]
    public void Everything_is_encoded_and_no_script_or_style_stands_in_markup() =>
        Assert.Empty(
            from slice in Slices
            from Match found in Raw().Matches(slice.Text)
            select $"{slice.File}: {found.Value.Trim()}"
        );

    [Fact]
    public void Every_form_that_is_posted_carries_its_proof() =>
        Assert.Empty(
            from slice in Slices
            from Match form in PostedForm().Matches(slice.Text)
            where !form.Value.Contains("@await AntiforgeryField()", StringComparison.Ordinal)
            // It goes to GitHub, which must not get the proof.
            where !slice.File.EndsWith("/GitHubAppSlice.cshtml", StringComparison.Ordinal)
            select $"{slice.File}: {form.Value.Split('\n')[0]}"
        );

    [Fact]
    public void No_line_is_longer_than_120_columns() =>
        Assert.Empty(
            from slice in Slices
            from line in slice.Text.Split('\n').Select((text, i) => (Text: text, Number: i + 1))
            where line.Text.Length > MaxLine
            select $"{slice.File}:{line.Number}: {line.Text.Length} columns"
        );

    [GeneratedRegex(
        @"new HtmlString|HtmlContentBuilder|Html\.Raw|WriteLiteral|<style|<script(?! src=)|javascript:"
            + @"|\s(style|on[a-z]+)=",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Raw();

    [GeneratedRegex("""<form\b[^>]*method="post".*?</form>""", RegexOptions.Singleline, 10_000)]
    private static partial Regex PostedForm();
}
