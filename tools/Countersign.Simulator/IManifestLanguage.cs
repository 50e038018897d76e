namespace Countersign.Simulator;

/// <summary>
/// How the templates and patterns of an approval manifest are understood. The caller provides it: the simulator itself
/// knows no template language. What cannot be used throws <see cref="FormatException"/>.
/// </summary>
public interface IManifestLanguage
{
    /// <param name="isBody">The template makes JSON, and the values in its scope are escaped for that already.</param>
    /// <param name="html">How to escape what stands between two braces.</param>
    Func<IReadOnlyDictionary<string, object?>, string> Template(string text, bool isBody, Func<string, string> html);

    /// <summary>Whether a pattern matches anywhere in a value.</summary>
    Func<string, bool> Pattern(string text);
}
