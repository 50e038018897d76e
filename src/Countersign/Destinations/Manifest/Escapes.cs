using System.Globalization;
using System.Text;

namespace Countersign.Destinations.Manifest;

/// <summary>
/// How text gets into what a template makes: in a body every value is escaped for JSON first. LaunchDarkly's engines
/// then escape what stands between two braces for HTML as well; which characters depends on the language of the engine.
/// </summary>
internal sealed class Escapes
{
    /// <summary>The engine in Go that LaunchDarkly most probably runs.</summary>
    public static readonly Escapes Go = new("&apos;", alsoBacktickAndEquals: false);

    /// <summary>The one in JavaScript, in which manifests are tried out.</summary>
    public static readonly Escapes Js = new("&#x27;", alsoBacktickAndEquals: true);

    private readonly Dictionary<char, string> _html;

    private Escapes(string apostrophe, bool alsoBacktickAndEquals)
    {
        _html = new()
        {
            ['&'] = "&amp;",
            ['<'] = "&lt;",
            ['>'] = "&gt;",
            ['"'] = "&quot;",
            ['\''] = apostrophe,
        };
        if (alsoBacktickAndEquals)
        {
            _html['`'] = "&#x60;";
            _html['='] = "&#x3D;";
        }
    }

    public string Html(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (_html.TryGetValue(c, out var entity))
                escaped.Append(entity);
            else
                escaped.Append(c);
        }
        return escaped.ToString();
    }

    /// <summary>What JSON.stringify makes of a string, without the quotes around it.</summary>
    public static string Json(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.AsSpan().ContainsAny('"', '\\'))
            return text;
        var escaped = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => escaped.Append("\\\""),
                '\\' => escaped.Append(@"\\"),
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

    /// <summary>The way back, for what <see cref="Json"/> wrote.</summary>
    public static string FromJson(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
            return text;
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 >= text.Length)
            {
                plain.Append(text[i]);
                continue;
            }
            i++;
            if (
                text[i] == 'u'
                && i + 4 < text.Length
                && ushort.TryParse(
                    text.AsSpan(i + 1, 4),
                    NumberStyles.AllowHexSpecifier,
                    CultureInfo.InvariantCulture,
                    out var code
                )
            )
            {
                plain.Append((char)code);
                i += 4;
                continue;
            }
            plain.Append(
                text[i] switch
                {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\b',
                    'f' => '\f',
                    var c => c,
                }
            );
        }
        return plain.ToString();
    }
}
