using System.Globalization;
using System.Text;

namespace Countersign.Cli.Simulate;

/// <summary>
/// How text gets into what LaunchDarkly sends: first every value is escaped for JSON, then, between two braces, for HTML
/// as well. Which characters the latter takes depends on the language of the template engine.
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
        _html = new() { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = apostrophe };
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

    /// <summary>
    /// What Go's engine prints for a null between the braces: not nothing, but everything that it knows at that place, in
    /// Go's own notation. The quotes in it end the JSON string that it stands in.
    /// </summary>
    public static string GoDump(ProposedChange change) =>
        $"map[_links:map[approval:map[href:{change.Link}]] approvalDescription:{change.Comment} approvalFormVariables:map[{string.Join(' ', change.Form.Select(f => $"{f.Key}:{f.Value ?? "<nil>"}"))}] approvalId:{change.Id} details:map[html:<p class=\"change\">{change.Details}</p>]]";
}
