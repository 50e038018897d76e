using System.Globalization;
using System.Text;

namespace Countersign.Destinations.Manifest;

/// <summary>In a body every value is escaped for JSON before a template prints it.</summary>
internal static class JsonText
{
    /// <summary>What JSON.stringify makes of a string, without the quotes around it.</summary>
    public static string Escape(string text)
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

    /// <summary>The way back, for what <see cref="Escape"/> wrote.</summary>
    public static string Unescape(string text)
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
