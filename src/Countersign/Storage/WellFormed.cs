using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Storage;

/// <summary>
/// Text without half surrogate pairs. What came from outside or was cut may hold a half, which has no UTF-8 form: one
/// engine would refuse it, the other store something else than was hashed. U+FFFD takes its place, which is as long.
/// </summary>
public static partial class WellFormed
{
    /// <summary>The same instance where nothing has to be replaced, which is nearly always.</summary>
    public static string Text(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') || !HasHalf(text))
            return text;
        return string.Create(
            text.Length,
            text,
            static (into, from) =>
            {
                from.CopyTo(into);
                for (var i = 0; i < into.Length; i++)
                {
                    if (char.IsHighSurrogate(into[i]) && i + 1 < into.Length && char.IsLowSurrogate(into[i + 1]))
                        i++;
                    else if (char.IsSurrogate(into[i]))
                        into[i] = '\uFFFD';
                }
            }
        );
    }

    public static bool HasHalf(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]))
                return true;
        }
        return false;
    }

    /// <summary>At most this many characters, and never half of the last one.</summary>
    public static string Cut(string text, int longest) =>
        text.Length <= longest ? text : text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)];

    /// <summary>
    /// JSON whose escapes name no half of a surrogate pair: what readers of the text would otherwise throw at.
    /// </summary>
    public static string Json(string json) =>
        json.Contains(@"\ud", StringComparison.OrdinalIgnoreCase)
            ? HalfPairs().Replace(json, match => match.Groups["half"].Success ? @"\uFFFD" : match.Value)
            : json;

    /// <inheritdoc cref="Json(string)"/>
    public static ReadOnlyMemory<byte> Json(ReadOnlyMemory<byte> json) =>
        json.Span.IndexOf(@"\ud"u8) < 0 && json.Span.IndexOf(@"\uD"u8) < 0
            ? json
            : Encoding.UTF8.GetBytes(Json(Encoding.UTF8.GetString(json.Span)));

    /// <summary>Walks over escapes so that a doubled backslash begins none; whole pairs are taken together.</summary>
    [GeneratedRegex(
        """(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"""
            + """|(?<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\[^u])""",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex HalfPairs();
}
