using System.Globalization;
using System.Text;

namespace Countersign.Simulator;

/// <summary>
/// How text gets into what LaunchDarkly sends: escaped for JSON in a body and, between two braces, for HTML as well.
/// Which characters become entities depends on the language of the template engine.
/// </summary>
public sealed class Escaping
{
    /// <summary>The engine in Go that LaunchDarkly most probably runs.</summary>
    public static readonly Escaping Go = new("&apos;", alsoBacktickAndEquals: false);

    /// <summary>The one in JavaScript, in which manifests are tried out.</summary>
    public static readonly Escaping Js = new("&#x27;", alsoBacktickAndEquals: true);

    private readonly Dictionary<char, string> _entities;

    private Escaping(string apostrophe, bool alsoBacktickAndEquals)
    {
        _entities = new()
        {
            ['&'] = "&amp;",
            ['<'] = "&lt;",
            ['>'] = "&gt;",
            ['"'] = "&quot;",
            ['\''] = apostrophe,
        };
        if (alsoBacktickAndEquals)
        {
            _entities['`'] = "&#x60;";
            _entities['='] = "&#x3D;";
        }
    }

    public string Html(string text) =>
        string.Concat(text.Select(c => _entities.TryGetValue(c, out var entity) ? entity : c.ToString()));

    /// <summary>What JSON.stringify makes of a string, without the quotes around it.</summary>
    public static string Json(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => escaped.Append('\\').Append(c),
                '\n' => escaped.Append("\\n"),
                '\r' => escaped.Append("\\r"),
                '\t' => escaped.Append("\\t"),
                '\b' => escaped.Append("\\b"),
                '\f' => escaped.Append("\\f"),
                < ' ' => escaped.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => escaped.Append(c),
            };
        }
        return escaped.ToString();
    }
}
