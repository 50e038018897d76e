using Xunit;

namespace Countersign.Tests.Proof;

/// <summary>Published test data that lies beside the repository; without it a test is skipped.</summary>
internal static class Vectors
{
    private static readonly string Folder =
        Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "vectors")) is var beside
        && Directory.Exists(beside)
            ? beside
            : Path.GetFullPath(Path.Combine(Repository.Root, "..", "..", "shared", "vectors"));

    public static string Of(params string[] path)
    {
        Assert.SkipUnless(Directory.Exists(Folder), $"The published vectors are not at {Folder}.");
        return Path.Combine([Folder, .. path]);
    }
}
