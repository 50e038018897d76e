using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>Manifests as they are published for LaunchDarkly, where copies lie beside this repository.</summary>
internal static class PublishedManifests
{
    /// <summary>The text of one of them; without copies the test is skipped and says so.</summary>
    public static string Read(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Countersign.slnx")))
                continue;
            var file = Path.Combine(folder.FullName, "..", "shared", "manifests", name);
            if (File.Exists(file))
                return File.ReadAllText(file);
            break;
        }
        Assert.Skip("No copies of the published manifests lie beside this repository.");
        return "";
    }
}
