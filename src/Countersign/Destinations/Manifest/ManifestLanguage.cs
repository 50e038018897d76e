using Countersign.Simulator;

namespace Countersign.Destinations.Manifest;

/// <summary>Manifests are played in the same template language and by the same patterns as destinations use.</summary>
internal sealed class ManifestLanguage : IManifestLanguage
{
    public Func<IReadOnlyDictionary<string, object?>, string> Template(
        string text,
        bool isBody,
        Func<string, string> html
    )
    {
        var template = new Templates(html).Of(text, isBody);
        return template.CompileProblem() is { } problem
            ? throw new FormatException($"The manifest is invalid: {problem}")
            : template.Render;
    }

    public Func<string, bool> Pattern(string text) => StatusPattern.Parse(text).IsMatch;
}
