using System.Text.RegularExpressions;

namespace Countersign.Tests.Documentation;

/// <param name="Fence">The language of the Markdown code block that the line is in; empty outside of one.</param>
public sealed record TextLine(int Number, string Text, string? Fence);

/// <summary>The repository's own text files, line by line.</summary>
public static partial class Texts
{
    private static readonly string[] Folders = ["bench", "docs", "src", "tests", "tools"];

    private static readonly string[] Built = ["bin", "obj", "node_modules", "TestResults"];

    /// <summary>Paths from the root of the repository, with slashes.</summary>
    public static IEnumerable<string> Files(IReadOnlyCollection<string> kinds) =>
        from file in Directory
            .EnumerateFiles(Repository.Root)
            .Concat(
                Folders
                    .Select(folder => Path.Combine(Repository.Root, folder))
                    .Where(Directory.Exists)
                    .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            )
        let path = Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')
        where kinds.Contains(Path.GetExtension(path)) && !path.Split('/').Any(Built.Contains)
        orderby path
        select path;

    public static IEnumerable<TextLine> Lines(string file)
    {
        var markdown = file.EndsWith(".md", StringComparison.Ordinal);
        string? fence = null;
        var number = 0;
        foreach (var text in Repository.Read(file.Split('/')).Split('\n'))
        {
            number++;
            if (markdown && text.TrimStart().StartsWith("```", StringComparison.Ordinal))
                fence = fence is null ? text.Trim().Trim('`') : null;
            yield return new(number, text, fence);
        }
    }

    /// <summary>
    /// The string literals of a C# file, line by line. A quick reading, not a parser: what stands between the strings
    /// inside a hole may be taken for one, which does no harm to a search for words.
    /// </summary>
    public static IEnumerable<TextLine> Strings(string file)
    {
        var isRaw = false;
        foreach (var line in Lines(file))
        {
            if (!isRaw && line.Text.TrimStart().StartsWith("//", StringComparison.Ordinal))
                continue;
            var turns = RawQuotes().Count(line.Text) % 2 == 1;
            if (isRaw || turns)
            {
                yield return line;
            }
            else
            {
                foreach (Match literal in Literal().Matches(line.Text))
                {
                    yield return line with
                    {
                        Text = literal.Groups["text"].Value,
                    };
                }
            }
            isRaw ^= turns;
        }
    }

    [GeneratedRegex("\"{3,}", RegexOptions.None, 10_000)]
    private static partial Regex RawQuotes();

    [GeneratedRegex(@"""(?<text>(?:[^""\\]|\\.)*)""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Literal();
}
