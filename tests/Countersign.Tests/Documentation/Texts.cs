namespace Countersign.Tests.Documentation;

/// <param name="Fence">The language of the Markdown code block that the line is in; empty outside of one.</param>
public sealed record TextLine(int Number, string Text, string? Fence);

/// <summary>The repository's own text files, line by line.</summary>
public static class Texts
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
}
