using Xunit;

namespace Countersign.Tests.Documentation;

/// <summary>The formatter lays out code; it leaves strings, comments, SQL, scripts and Markdown as they are.</summary>
public sealed class LineLengthTests
{
    private const int Max = 120;

    private static readonly string[] Kinds = [".cs", ".cshtml", ".sql", ".js", ".css", ".sh", ".md"];

    private static readonly string[] Exempt =
    [
        // The store keeps their checksums: a migration that has landed never changes.
        "src/Countersign/Storage/Migrations/",
        // Bodies and a manifest, byte for byte as other systems write them.
        "tests/Countersign.Tests/Simulator/BodyTests.cs",
    ];

    [Fact]
    public void No_line_is_longer_than_120_columns() =>
        Assert.Empty(
            from file in Texts.Files(Kinds)
            where !Exempt.Any(folder => file.StartsWith(folder, StringComparison.Ordinal))
            from line in Texts.Lines(file)
            where line.Text.Length > Max && !CannotBeBroken(file, line)
            select $"{file}:{line.Number}: {line.Text.Length} columns"
        );

    /// <summary>Table rows and steps of stories are single lines; a URL has no place to break.</summary>
    private static bool CannotBeBroken(string file, TextLine line) =>
        (file.EndsWith(".md", StringComparison.Ordinal) && (line.Text.StartsWith('|') || line.Fence == "story"))
        || line.Text.Trim().Split(' ').Max(word => word.Length) > Max - 20;
}
