namespace Countersign.Tests;

/// <summary>The files that the tests were built from.</summary>
public static class Repository
{
    public static readonly string Root = Find(new DirectoryInfo(AppContext.BaseDirectory));

    /// <summary>A text of it, with the line ends that its authors see.</summary>
    public static string Read(params string[] path) =>
        File.ReadAllText(Path.Combine([Root, .. path])).ReplaceLineEndings("\n");

    private static string Find(DirectoryInfo? folder) =>
        folder is null ? throw new InvalidOperationException("The tests run outside of the repository.")
        : File.Exists(Path.Combine(folder.FullName, "Countersign.slnx")) ? folder.FullName
        : Find(folder.Parent);
}
