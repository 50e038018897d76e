using System.Reflection;

namespace Countersign.Destinations;

/// <summary>Manifests that come with Countersign: their names may stand where a file is asked for.</summary>
public static class ShippedManifests
{
    private const string Prefix = "Manifests.";
    private const string Suffix = ".json";

    public static readonly IReadOnlyList<string> Names =
    [
        .. from resource in Assembly.GetExecutingAssembly().GetManifestResourceNames()
        where
            resource.StartsWith(Prefix, StringComparison.Ordinal) && resource.EndsWith(Suffix, StringComparison.Ordinal)
        orderby resource
        select resource[Prefix.Length..^Suffix.Length],
    ];

    /// <summary>Null when there is none of this name.</summary>
    public static string? Find(string name)
    {
        using var stream = Names.Contains(name)
            ? Assembly.GetExecutingAssembly().GetManifestResourceStream(Prefix + name + Suffix)
            : null;
        if (stream is null)
            return null;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
