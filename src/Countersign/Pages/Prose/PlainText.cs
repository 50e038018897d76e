using System.Buffers;
using System.Collections.Immutable;

namespace Countersign.Pages.Prose;

/// <summary>Text shown as it came: addresses become links, unified diffs are shown as diffs.</summary>
public static class PlainText
{
    private static readonly SearchValues<char> EndsAddress = SearchValues.Create(" \t\r\n<>\"'`|\\^{}");

    public static IReadOnlyList<TextBlock> Read(string text) => Read(text, Paragraphs);

    /// <summary>The diffs of a text, and between them what <paramref name="prose"/> makes of the rest.</summary>
    internal static List<TextBlock> Read(string text, Func<string, IEnumerable<TextBlock>> prose)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        var beginsDiff = UnifiedDiff.Beginnings(lines);
        var blocks = new List<TextBlock>();
        for (var at = 0; at < lines.Length; )
        {
            var end = at + 1;
            if (beginsDiff[at])
            {
                end = at + UnifiedDiff.Length(lines, at);
                blocks.Add(new TextBlock.Diff([.. lines.AsSpan(at, end - at)]));
            }
            else
            {
                while (end < lines.Length && !beginsDiff[end])
                    end++;
                blocks.AddRange(prose(string.Join('\n', lines, at, end - at)));
            }
            at = end;
        }
        return blocks;
    }

    internal static IEnumerable<TextBlock> Paragraphs(string text) =>
        text.Trim('\n') is { Length: > 0 } prose ? [new TextBlock.Paragraph(Links(prose))] : [];

    /// <summary>Addresses become links; everything else is text.</summary>
    public static IReadOnlyList<TextSpan> Links(string text)
    {
        var spans = new List<TextSpan>();
        var (from, at) = (0, 0);
        while (text.AsSpan(at).IndexOf("http", StringComparison.OrdinalIgnoreCase) is >= 0 and var found)
        {
            at += found;
            var address = AddressAt(text.AsSpan(at));
            if (address.Length > 0 && AsLink(address.ToString()) is { } link)
            {
                if (at > from)
                    spans.Add(new TextSpan.Plain(text[from..at]));
                spans.Add(link);
                at += address.Length;
                from = at;
            }
            else
            {
                at += 4;
            }
        }
        if (from < text.Length)
            spans.Add(new TextSpan.Plain(text[from..]));
        return spans;
    }

    /// <summary>Null for what isn't http or https.</summary>
    internal static Uri? WebAddress(string? address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" ? uri : null;

    private static TextSpan.Link? AsLink(string address) =>
        WebAddress(address) is { } uri ? new TextSpan.Link(uri, [new TextSpan.Plain(address)]) : null;

    private static ReadOnlySpan<char> AddressAt(ReadOnlySpan<char> text)
    {
        if (
            !text.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            && !text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        )
        {
            return [];
        }
        var length = text.IndexOfAny(EndsAddress) is >= 0 and var end ? end : text.Length;
        // What closes the sentence doesn't belong to the address.
        return text[..length].TrimEnd(".,;:!?)]*");
    }
}
