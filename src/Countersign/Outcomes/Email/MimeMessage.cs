using System.Globalization;
using System.Net.Mail;
using System.Text;

namespace Countersign.Outcomes.Email;

/// <summary>
/// A mail as it goes over the wire: ASCII lines, a text and an HTML part, both quoted-printable. Whatever a subject or a name
/// holds stays inside its header.
/// </summary>
internal sealed record MimeMessage
{
    public required MailAddress From { get; init; }
    public MailAddress? ReplyTo { get; init; }
    public required MailAddress To { get; init; }
    public required string Subject { get; init; }
    public required DateTimeOffset Date { get; init; }

    /// <summary>The same in every attempt, so that mail programs know a repeated one.</summary>
    public required string MessageId { get; init; }

    /// <summary>What all mail about one request refers to: programs show it as one thread.</summary>
    public string? Thread { get; init; }
    public required string Text { get; init; }
    public required string Html { get; init; }

    public string ToWire()
    {
        // A quoted-printable text never holds "=_".
        const string boundary = "=_countersign_parts";
        var wire = new StringBuilder();
        Header(wire, "From", Address(From));
        if (ReplyTo is not null)
            Header(wire, "Reply-To", Address(ReplyTo));
        Header(wire, "To", Address(To));
        Header(wire, "Subject", Encoded(Subject));
        Header(wire, "Date", Date.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture));
        Header(wire, "Message-ID", $"<{MessageId}>");
        if (Thread is not null)
        {
            Header(wire, "In-Reply-To", $"<{Thread}>");
            Header(wire, "References", $"<{Thread}>");
        }
        Header(wire, "Auto-Submitted", "auto-generated");
        Header(wire, "X-Auto-Response-Suppress", "All");
        Header(wire, "MIME-Version", "1.0");
        Header(wire, "Content-Type", $"multipart/alternative; boundary=\"{boundary}\"");
        wire.Append("\r\n");
        foreach (var (type, text) in new[] { ("plain", Text), ("html", Html) })
        {
            wire.Append(CultureInfo.InvariantCulture, $"--{boundary}\r\nContent-Type: text/{type}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
            wire.Append(QuotedPrintable(text)).Append("\r\n");
        }
        return wire.Append(CultureInfo.InvariantCulture, $"--{boundary}--\r\n").ToString();
    }

    /// <summary>RFC 2047: what is not plain ASCII goes in encoded words of at most 75 characters, cut between characters.</summary>
    internal static string Encoded(string text)
    {
        text = OneLine(text);
        if (text.All(c => c is >= ' ' and <= '~') && !text.Contains("=?", StringComparison.Ordinal))
            return text;
        var words = new List<string>();
        var word = new List<byte>();
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            var length = rune.EncodeToUtf8(bytes);
            if (word.Count + length > 45)
            {
                words.Add($"=?UTF-8?B?{Convert.ToBase64String([.. word])}?=");
                word.Clear();
            }
            word.AddRange(bytes[..length]);
        }
        words.Add($"=?UTF-8?B?{Convert.ToBase64String([.. word])}?=");
        return string.Join("\r\n ", words);
    }

    internal static string QuotedPrintable(string text)
    {
        var encoded = new StringBuilder();
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            var bytes = Encoding.UTF8.GetBytes(line);
            var column = 0;
            for (var i = 0; i < bytes.Length; i++)
            {
                var plain = bytes[i] is >= 33 and <= 126 and not (byte)'=' || (bytes[i] is (byte)' ' or (byte)'\t' && i + 1 < bytes.Length);
                var size = plain ? 1 : 3;
                // One place stays for the mark that the line goes on.
                if (column + size > 75)
                {
                    encoded.Append("=\r\n");
                    column = 0;
                }
                if (plain)
                    encoded.Append((char)bytes[i]);
                else
                    encoded.Append(CultureInfo.InvariantCulture, $"={bytes[i]:X2}");
                column += size;
            }
            encoded.Append("\r\n");
        }
        return encoded.ToString();
    }

    /// <summary>Line breaks and other controls would begin a header of the sender's choice.</summary>
    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c)).Trim();

    private static string Address(MailAddress address)
    {
        if (address.DisplayName.Length == 0)
            return $"<{address.Address}>";
        var name = OneLine(address.DisplayName);
        var shown = name.All(c => c is >= ' ' and <= '~') ? $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"" : Encoded(name);
        return $"{shown} <{address.Address}>";
    }

    private static void Header(StringBuilder wire, string name, string value) => wire.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
}
