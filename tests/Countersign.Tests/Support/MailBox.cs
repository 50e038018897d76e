using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using MimeKit;

namespace Countersign.Tests;

/// <summary>A mail as it came: the envelope, the headers, and both parts decoded.</summary>
/// <param name="Wire">Each byte as one character.</param>
public sealed record Mail(string From, string To, string Wire)
{
    private readonly MimeMessage _message = MimeMessage.Load(new MemoryStream(Encoding.Latin1.GetBytes(Wire)));

    /// <summary>Empty when the mail has none.</summary>
    public string Header(string name) => _message.Headers[name] ?? "";

    public string Text => _message.TextBody ?? "";
    public string Html => _message.HtmlBody ?? "";
}

/// <summary>
/// A mail server on loopback that takes everything, or says no as the test wants. For what real ones do there is one
/// from npm.
/// </summary>
public sealed class MailBox : LoopbackServer
{
    private readonly ConcurrentQueue<Mail> _mails = new();
    private readonly ConcurrentQueue<string> _commands = new();
    private readonly Func<string, string?> _answer;
    private int _connections;
    private int _count;

    /// <summary>Whether it keeps what comes; it counts in any case.</summary>
    public bool Keeps { get; init; } = true;

    /// <summary>How many mails have come.</summary>
    public int Count => _count;

    /// <param name="answer">To a command: another answer than "250 ok"; null for the usual, empty to hang up.</param>
    public MailBox(Func<string, string?>? answer = null) => _answer = answer ?? (_ => null);

    public IReadOnlyList<Mail> Mails => [.. _mails];

    /// <summary>All that was said to it, connection by connection only where one follows the other.</summary>
    public IReadOnlyList<string> Commands => [.. _commands];

    public int Connections => _connections;

    protected override async Task Serve(TcpClient client)
    {
        Interlocked.Increment(ref _connections);
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        await using var writer = new StreamWriter(client.GetStream(), Encoding.ASCII)
        {
            NewLine = "\r\n",
            AutoFlush = true,
        };
        await writer.WriteLineAsync("220 mailbox");
        var (from, to) = ("", "");
        while (await reader.ReadLineAsync(End) is { } command)
        {
            if (Keeps)
                _commands.Enqueue(command);
            if (_answer(command) is { } other)
            {
                // No answer at all: it hangs up.
                if (other.Length == 0)
                    return;
                await writer.WriteLineAsync(other);
                continue;
            }
            if (command.StartsWith("MAIL FROM:", StringComparison.Ordinal))
                from = Address(command);
            if (command.StartsWith("RCPT TO:", StringComparison.Ordinal))
                to = Address(command);
            if (command == "DATA")
            {
                await writer.WriteLineAsync("354 go on");
                var wire = new StringBuilder();
                while (await reader.ReadLineAsync(End) is { } line && line != ".")
                    wire.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
                Interlocked.Increment(ref _count);
                if (Keeps)
                    _mails.Enqueue(new Mail(from, to, wire.ToString()));
                if (_answer(".") is { Length: 0 })
                    return;
            }
            await writer.WriteLineAsync(command == "QUIT" ? "221 bye" : "250 ok");
            if (command == "QUIT")
                return;
        }
    }

    private static string Address(string command) =>
        Encoding.UTF8.GetString(
            Encoding.Latin1.GetBytes(
                command[
                    (command.IndexOf('<', StringComparison.Ordinal) + 1)..command.IndexOf('>', StringComparison.Ordinal)
                ]
            )
        );
}
