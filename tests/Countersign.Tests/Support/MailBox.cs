using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace Countersign.Tests;

/// <summary>A mail as it came: the envelope, the headers, and both parts decoded.</summary>
public sealed record Mail(string From, string To, string Wire)
{
    public string Header(string name) => Wire.Replace("\r\n ", " ", StringComparison.Ordinal).Split("\r\n").First(l => l.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];

    public string Text => Part("text/plain");
    public string Html => Part("text/html");

    private string Part(string type)
    {
        var part = Wire.Split("--=_countersign_parts").First(p => p.Contains(type, StringComparison.Ordinal));
        var body = part[(part.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..].Replace("=\r\n", "", StringComparison.Ordinal);
        var bytes = new List<byte>();
        for (var i = 0; i < body.Length; i++)
        {
            if (body[i] == '=')
            {
                bytes.Add(Convert.ToByte(body.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                bytes.Add((byte)body[i]);
            }
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }
}

/// <summary>A mail server on loopback that takes everything, or says no as the test wants. For what real ones do there is one from npm.</summary>
public sealed class MailBox : LoopbackServer
{
    private readonly ConcurrentQueue<Mail> _mails = new();
    private readonly Func<string, string?> _answer;

    /// <param name="answer">To a command: another answer than "250 ok"; null for the usual.</param>
    public MailBox(Func<string, string?>? answer = null) => _answer = answer ?? (_ => null);

    public IReadOnlyList<Mail> Mails => [.. _mails];

    protected override async Task Serve(TcpClient client)
    {
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        await using var writer = new StreamWriter(client.GetStream(), Encoding.ASCII) { NewLine = "\r\n", AutoFlush = true };
        await writer.WriteLineAsync("220 mailbox");
        var (from, to) = ("", "");
        while (await reader.ReadLineAsync(End) is { } command)
        {
            if (_answer(command) is { } other)
            {
                await writer.WriteLineAsync(other);
                continue;
            }
            if (command.StartsWith("MAIL FROM:", StringComparison.Ordinal))
                from = command[11..^1];
            if (command.StartsWith("RCPT TO:", StringComparison.Ordinal))
                to = command[9..^1];
            if (command == "DATA")
            {
                await writer.WriteLineAsync("354 go on");
                var wire = new StringBuilder();
                while (await reader.ReadLineAsync(End) is { } line && line != ".")
                    wire.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
                _mails.Enqueue(new Mail(from, to, wire.ToString()));
            }
            await writer.WriteLineAsync(command == "QUIT" ? "221 bye" : "250 ok");
        }
    }
}
