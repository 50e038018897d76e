using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Countersign.Tests;

/// <summary>A call written byte by byte, as no well-behaved client would send it.</summary>
internal static class RawCall
{
    /// <summary>
    /// Sends the lines as they are and reads the first answer; 0 when the server just closed the connection.
    /// </summary>
    /// <param name="lines">The request line and the headers, separated by line feeds, without Host.</param>
    public static async Task<(int Status, string Text)> Send(Uri server, string lines, string body = "")
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(server.Host, server.Port);
        await using var stream = tcp.GetStream();
        var headers = lines.Split('\n');
        var head = string.Join("\r\n", [headers[0], $"Host: {server.Authority}", "Connection: close", .. headers[1..]]);
        var answer = new StringBuilder();
        try
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes($"{head}\r\n\r\n{body}"));
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer) is var read and > 0)
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
        catch (IOException)
        {
            // Closed on what was still to come; what was answered before counts.
        }
        var text = answer.ToString();
        return text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)
            ? (int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture), text)
            : (0, text);
    }
}
