using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Countersign.Outcomes.Email;

/// <summary>How the mail server took a message.</summary>
internal abstract record SmtpOutcome
{
    private SmtpOutcome() { }

    public sealed record Taken(int Code, string Answer) : SmtpOutcome;

    /// <param name="ForGood">The server will not take this message for this address, ever; the next one may do.</param>
    public sealed record Refused(int Code, string Answer, bool ForGood) : SmtpOutcome;

    public sealed record Failed(Failure Failure, string Detail) : SmtpOutcome;
}

/// <summary>
/// One message over one connection, through the guard of everything that goes out: STARTTLS (demanded, never optional) or
/// TLS from the beginning, AUTH PLAIN or LOGIN and only when encrypted, everything within one bound of time.
/// </summary>
internal sealed class Smtp(Egress egress, MailOptions options)
{
    private const int LongestLine = 2_000;
    private const int MostLines = 100;

    public async Task<SmtpOutcome> Send(string from, string to, string message, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(egress.Patience);
        try
        {
            return await Converse(from, to, message, patience.Token);
        }
        catch (Exception failure) when (!cancel.IsCancellationRequested && Egress.Explain(failure) is { } explained)
        {
            return new SmtpOutcome.Failed(explained.Failure, explained.Detail);
        }
    }

    private async Task<SmtpOutcome> Converse(string from, string to, string message, CancellationToken cancel)
    {
        var stream = await egress.Connect(options.Host!, options.Port, cancel, Trust.Operator);
        try
        {
            if (options.Security == MailSecurity.Tls)
                stream = await egress.Secure(stream, options.Host!, cancel);
            if (await Read(stream, cancel) is not { Code: 220 } greeting)
                throw new EgressException(Failure.Reset, "What answered is not a mail server.");
            var hello = await Ask(stream, "EHLO countersign", cancel);
            if (options.Security == MailSecurity.StartTls)
            {
                if (!hello.Has("STARTTLS"))
                    throw new EgressException(Failure.Tls, "The mail server does not offer STARTTLS.");
                if (await Ask(stream, "STARTTLS", cancel) is not { Code: 220 })
                    throw new EgressException(Failure.Tls, "The mail server refused STARTTLS.");
                stream = await egress.Secure(stream, options.Host!, cancel);
                // Whatever was said before was not protected: asked again.
                hello = await Ask(stream, "EHLO countersign", cancel);
            }
            if (!hello.IsGood)
                return Refused(hello, forGood: false);
            if (options.User is not null && await Authenticate(stream, hello, cancel) is { IsGood: false } denied)
                return Refused(denied, forGood: false);
            if (await Ask(stream, $"MAIL FROM:<{from}>", cancel) is { IsGood: false } sender)
                return Refused(sender, forGood: false);
            if (await Ask(stream, $"RCPT TO:<{to}>", cancel) is { IsGood: false } recipient)
                return Refused(recipient, recipient.Code is >= 500 and < 600);
            if (await Ask(stream, "DATA", cancel) is { Code: not 354 } data)
                return Refused(data, forGood: false);
            await Write(stream, Stuffed(message) + "\r\n.\r\n", cancel);
            var taken = await Read(stream, cancel);
            if (!taken.IsGood)
                return Refused(taken, taken.Code is >= 500 and < 600);
            try
            {
                await Write(stream, "QUIT\r\n", cancel);
            }
            catch (IOException)
            {
                // It has the message; how it says goodbye is its own affair.
            }
            return new SmtpOutcome.Taken(taken.Code, taken.Text);
        }
        finally
        {
            await stream.DisposeAsync();
        }
    }

    private async Task<Reply> Authenticate(Stream stream, Reply hello, CancellationToken cancel)
    {
        if (hello.Offers("AUTH", "PLAIN") || !hello.Offers("AUTH", "LOGIN"))
            return await Ask(stream, "AUTH PLAIN " + Base64($"\0{options.User}\0{options.Password}"), cancel);
        if (await Ask(stream, "AUTH LOGIN", cancel) is { Code: not 334 } name)
            return name;
        return await Ask(stream, Base64(options.User!), cancel) is { Code: not 334 } word ? word : await Ask(stream, Base64(options.Password ?? ""), cancel);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static SmtpOutcome.Refused Refused(Reply reply, bool forGood) => new(reply.Code, reply.Text, forGood);

    /// <summary>A line that begins with a dot would end the message; it gets a second one, which the receiver takes off.</summary>
    private static string Stuffed(string message)
    {
        var stuffed = message.Replace("\r\n.", "\r\n..", StringComparison.Ordinal);
        return stuffed.StartsWith('.') ? "." + stuffed : stuffed;
    }

    private static async Task<Reply> Ask(Stream stream, string command, CancellationToken cancel)
    {
        if (command.AsSpan().IndexOfAny('\r', '\n') >= 0)
            throw new InvalidOperationException("A line break in an SMTP command.");
        await Write(stream, command + "\r\n", cancel);
        return await Read(stream, cancel);
    }

    private static async Task Write(Stream stream, string text, CancellationToken cancel)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text), cancel);
        await stream.FlushAsync(cancel);
    }

    /// <summary>Byte by byte, so that nothing is read past the line after which TLS begins.</summary>
    private static async Task<Reply> Read(Stream stream, CancellationToken cancel)
    {
        var lines = new List<string>();
        var one = new byte[1];
        while (lines.Count < MostLines)
        {
            var line = new StringBuilder();
            while (line.Length < LongestLine)
            {
                if (await stream.ReadAsync(one, cancel) == 0)
                    throw new EgressException(Failure.Reset, "The mail server ended the connection.");
                if (one[0] == '\n')
                    break;
                line.Append((char)one[0]);
            }
            var text = line.ToString().TrimEnd('\r');
            if (text.Length < 3 || !int.TryParse(text.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var code))
                throw new EgressException(Failure.Reset, "What answered is not a mail server.");
            lines.Add(text.Length > 4 ? text[4..] : "");
            if (text.Length < 4 || text[3] != '-')
                return new Reply(code, lines);
        }
        throw new EgressException(Failure.TooLarge, "The mail server's answer has no end.");
    }

    private sealed record Reply(int Code, IReadOnlyList<string> Lines)
    {
        public bool IsGood => Code is >= 200 and < 300;

        public string Text => $"{Code} {string.Join(' ', Lines)}";

        public bool Has(string word) => Lines.Any(l => string.Equals(l.Split(' ')[0], word, StringComparison.OrdinalIgnoreCase));

        public bool Offers(string word, string way) =>
            Lines.Any(l => l.Split(' ', '=') is [var first, .. var rest] && string.Equals(first, word, StringComparison.OrdinalIgnoreCase) && rest.Contains(way, StringComparer.OrdinalIgnoreCase));
    }
}
