using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>Manifests as they are published for LaunchDarkly, where copies lie beside this repository.</summary>
internal static class PublishedManifests
{
    /// <summary>The text of one of them; without copies the test is skipped and says so.</summary>
    public static string Read(string name)
    {
        var file = Path.Combine(Repository.Root, "..", "shared", "manifests", name);
        Assert.SkipUnless(File.Exists(file), "No copies of the published manifests lie beside this repository.");
        return File.ReadAllText(file);
    }
}
