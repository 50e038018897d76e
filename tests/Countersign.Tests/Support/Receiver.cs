using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Countersign.Tests;

/// <summary>What a receiver got.</summary>
public sealed record Received(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>What a receiver does with a call.</summary>
public abstract record Conduct
{
    public sealed record Answers(int Status, string Body = "", string Headers = "") : Conduct;

    /// <summary>Says nothing, and keeps the connection.</summary>
    public sealed record Hangs : Conduct;

    /// <summary>Breaks the connection before an answer.</summary>
    public sealed record Resets : Conduct;

    /// <summary>One byte now and then, for ever.</summary>
    public sealed record Drips : Conduct;

    /// <summary>An answer without end, and without saying how long it is.</summary>
    public sealed record Floods : Conduct;

    /// <summary>Less than it said there would be.</summary>
    public sealed record CutsShort(string Body) : Conduct;
}

/// <summary>Somebody who is told outcomes: an HTTP server on loopback that does as the test says.</summary>
public sealed class Receiver : LoopbackServer
{
    private readonly Func<Received, Conduct> _conduct;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentQueue<Received> _received = new();

    public Receiver(Func<Received, Conduct> conduct, X509Certificate2? certificate = null) =>
        (_conduct, _certificate) = (conduct, certificate);

    public Receiver(Conduct conduct)
        : this(_ => conduct) { }

    public Uri Address => new($"{(_certificate is null ? "http" : "https")}://127.0.0.1:{Port}/hook");
    public IReadOnlyList<Received> Calls => [.. _received];

    /// <summary>A certificate for 127.0.0.1 and localhost that nobody vouches for but itself.</summary>
    public static X509Certificate2 Certificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true)
        );
        using var made = request.CreateSelfSigned(
            new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2049, 1, 1, 0, 0, 0, TimeSpan.Zero)
        );
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    protected override async Task Serve(TcpClient client)
    {
        Stream stream = client.GetStream();
        if (_certificate is not null)
        {
            var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificate = _certificate },
                End
            );
            stream = tls;
        }
        while (await Read(stream) is { } call)
        {
            _received.Enqueue(call);
            if (!await Act(_conduct(call), client, stream))
                return;
        }
    }

    private async Task<bool> Act(Conduct conduct, TcpClient client, Stream stream)
    {
        switch (conduct)
        {
            case Conduct.Answers(var status, var body, var headers):
                var bytes = Encoding.UTF8.GetBytes(body);
                await Say(stream, $"HTTP/1.1 {status} X\r\nContent-Length: {bytes.Length}\r\n{headers}\r\n");
                await stream.WriteAsync(bytes, End);
                return true;
            case Conduct.Resets:
                client.LingerState = new LingerOption(true, 0);
                client.Close();
                return false;
            case Conduct.CutsShort(var part):
                await Say(stream, $"HTTP/1.1 200 OK\r\nContent-Length: {part.Length + 100}\r\n\r\n{part}");
                client.Close();
                return false;
            case Conduct.Drips:
                await Say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                while (true)
                {
                    await Say(stream, ".");
                    await Task.Delay(20, End);
                }
            case Conduct.Floods:
                await Say(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                while (true)
                    await Say(stream, new string('x', 65536));
            default:
                await Task.Delay(Timeout.Infinite, End);
                return false;
        }
    }

    private async Task<Received?> Read(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, End) == 0)
                return null;
            head.Append((char)one[0]);
        }
        var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var first = lines[0].Split(' ');
        var headers = lines
            .Skip(1)
            .Select(l => l.Split(": ", 2))
            .ToDictionary(l => l[0], l => l[1], StringComparer.OrdinalIgnoreCase);
        var body = new byte[
            headers.TryGetValue("Content-Length", out var length) ? int.Parse(length, CultureInfo.InvariantCulture) : 0
        ];
        await stream.ReadExactlyAsync(body, End);
        return new Received(first[0], first[1], headers, Encoding.UTF8.GetString(body));
    }

    private async Task Say(Stream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text), End);
}
