using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// A proxy of another make in front of nodes, with our example of its configuration: only addresses, ports and the
/// certificate are replaced.
/// </summary>
public sealed class Proxy : IAsyncDisposable
{
    public const string Host = "approvals.example.com";

    private readonly Process _process;
    private readonly DirectoryInfo _folder;
    private readonly StringBuilder _said = new();

    private Proxy(DirectoryInfo folder, string program, string[] arguments, int http, int https)
    {
        (_folder, Http, Https) = (folder, http, https);
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder.FullName,
                Environment = { ["XDG_DATA_HOME"] = folder.FullName, ["XDG_CONFIG_HOME"] = folder.FullName },
            },
        };
        _process.OutputDataReceived += (_, line) => Said(line.Data);
        _process.ErrorDataReceived += (_, line) => Said(line.Data);
    }

    public int Http { get; }
    public int Https { get; }

    /// <summary>Why there is no such proxy here, or null.</summary>
    public static string? Missing(string name) => Find(name) is null ? $"{name} isn't installed." : null;

    public static async Task<Proxy> Start(string name, Uri one, Uri two)
    {
        var program = Find(name);
        var folder = Directory.CreateTempSubdirectory("countersign-proxy-");
        var (http, https) = (FreePort(), FreePort());
        var (certificate, key) = Certificate(folder);
        string Example(string file) => Repository.Read("deploy", "proxy", file);
        var file = Path.Combine(folder.FullName, "configuration");
        var (text, arguments) = name switch
        {
            "nginx" => (
                $$"""
                daemon off;
                pid {{folder.FullName}}/pid;
                error_log stderr;
                {{(Environment.UserName == "root" ? "user root;" : "")}}
                events {}
                http {
                access_log off;
                client_body_temp_path {{folder.FullName}}/body;
                proxy_temp_path {{folder.FullName}}/proxied;
                fastcgi_temp_path {{folder.FullName}}/unused;
                uwsgi_temp_path {{folder.FullName}}/unused;
                scgi_temp_path {{folder.FullName}}/unused;
                {{Example("nginx.conf")}}
                }
                """.Replace("listen 80;", $"listen 127.0.0.1:{http};", StringComparison.Ordinal).Replace(
                    "listen 443 ssl;",
                    $"listen 127.0.0.1:{https} ssl;",
                    StringComparison.Ordinal
                ).Replace("/etc/ssl/certs/approvals.example.com.pem", certificate, StringComparison.Ordinal).Replace(
                    "/etc/ssl/private/approvals.example.com.key",
                    key,
                    StringComparison.Ordinal
                ),
                new[] { "-e", "stderr", "-p", folder.FullName, "-c", file }
            ),
            "haproxy" => (
                Example("haproxy.cfg")
                    .Replace("bind :80", $"bind 127.0.0.1:{http}", StringComparison.Ordinal)
                    .Replace("bind :443", $"bind 127.0.0.1:{https}", StringComparison.Ordinal)
                    .Replace("/etc/haproxy/approvals.example.com.pem", certificate, StringComparison.Ordinal)
                    // Other tests keep this machine busy.
                    .Replace("timeout check 3s", "timeout check 30s", StringComparison.Ordinal),
                ["-db", "-f", file]
            ),
            "caddy" => (
                $"{{\nadmin off\nhttp_port {http}\nhttps_port {https}\nskip_install_trust\n}}\n"
                    + Example("Caddyfile")
                        .Replace(
                            $"\n{Host} {{\n",
                            $"\n{Host} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}\n",
                            StringComparison.Ordinal
                        ),
                ["run", "--adapter", "caddyfile", "--config", file]
            ),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
        };
        // The second node, as the examples say where to put it.
        var second = text.Contains("# server", StringComparison.Ordinal)
            ? text.Replace("# server", "server", StringComparison.Ordinal)
                .Replace("10.0.0.2:5080", two.Authority, StringComparison.Ordinal)
            : text.Replace("127.0.0.1:5080", $"127.0.0.1:5080 {two.Authority}", StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, second.Replace("127.0.0.1:5080", one.Authority, StringComparison.Ordinal));
        var proxy = new Proxy(folder, program!, arguments, http, https);
        await proxy.Listen();
        return proxy;
    }

    public ApiClient Api(ApiClient asDirectly) =>
        new(new Uri($"https://{Host}"), asDirectly.Http.DefaultRequestHeaders.Authorization, WayTo(Https));

    /// <summary>A browser on a machine with this address.</summary>
    public Browser Browser(string from) => new(new Uri($"https://{Host}"), null, WayTo(Https, from));

    /// <summary>Without TLS.</summary>
    public ApiClient Plain() => new(new Uri($"http://{Host}"), null, WayTo(Http));

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task Listen()
    {
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.True(
            async () =>
            {
                lock (_said)
                    Assert.False(_process.HasExited, _said.ToString());
                try
                {
                    using var tcp = new TcpClient();
                    await tcp.ConnectAsync(IPAddress.Loopback, Https);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            $"{_process.StartInfo.FileName} listens"
        );
    }

    private void Said(string? line)
    {
        lock (_said)
            _said.AppendLine(line);
    }

    private static SocketsHttpHandler WayTo(int port, string from = "127.0.0.1") =>
        new()
        {
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                    await socket.ConnectAsync(IPAddress.Loopback, port, cancel);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
            SslOptions = new SslClientAuthenticationOptions
            {
                // Ours, made a moment ago: no authority knows it.
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == $"CN={Host}",
            },
        };

    private static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Concat(["/usr/sbin", "/usr/local/sbin"])
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>One file holds both, as HAProxy wants it; the other the key alone.</summary>
    private static (string Certificate, string Key) Certificate(DirectoryInfo folder)
    {
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Host}", pair, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Host);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(
            new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero)
        );
        var (certificate, key) = (Path.Combine(folder.FullName, "tls.pem"), Path.Combine(folder.FullName, "tls.key"));
        var secret = pair.ExportPkcs8PrivateKeyPem();
        File.WriteAllText(certificate, $"{made.ExportCertificatePem()}\n{secret}\n");
        File.WriteAllText(key, secret);
        return (certificate, key);
    }
}
