using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Countersign.Tests.Disks;

/// <summary>
/// A PostgreSQL server of a test's own, from the binaries that <c>./test.sh</c> uses: a primary, or a standby that
/// follows one.
/// </summary>
public sealed class PostgresNode : IAsyncDisposable
{
    private static readonly string? Binaries = FindBinaries();

    private readonly string _folder;
    private string[] _settings;
    private Process? _process;
    private int _port;

    private PostgresNode(string folder, string[] settings) => (_folder, _settings) = (folder, settings);

    /// <summary>Why there is none, or null.</summary>
    public static string? Missing =>
        !OperatingSystem.IsLinux() ? "The servers of this test are started on Linux only."
        : Binaries is null ? "No PostgreSQL 15 or newer on this machine."
        : null;

    public string Connection(string database, string more = "") =>
        $"Host=127.0.0.1;Port={_port};Username=postgres;Database={database};Password=unused;{more}";

    /// <summary>
    /// A primary and its standby, which begin with the same files. A synchronous one has confirmed every commit before
    /// anyone hears of it.
    /// </summary>
    public static async Task<(PostgresNode Primary, PostgresNode Standby)> StartPair(bool isSynchronous)
    {
        var root = Path.Combine(
            Path.GetTempPath(),
            $"countersign-pair-{Environment.ProcessId}-{Stopwatch.GetTimestamp()}"
        );
        System.IO.Directory.CreateDirectory(root);
        var (first, second) = (Path.Combine(root, "primary"), Path.Combine(root, "standby"));
        if (Environment.IsPrivilegedProcess)
            await Run("chown", "postgres:", root);
        await Run(
            "initdb",
            $"--pgdata={first}",
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8"
        );
        await Run("cp", "-a", first, second);
        await File.WriteAllTextAsync(Path.Combine(second, "standby.signal"), "");
        if (Environment.IsPrivilegedProcess)
            await Run("chown", "postgres:", Path.Combine(second, "standby.signal"));
        var primary = new PostgresNode(first, isSynchronous ? ["synchronous_standby_names=standby"] : []);
        var standby = new PostgresNode(second, []);
        try
        {
            await primary.Start();
            standby._settings =
            [
                $"primary_conninfo=host=127.0.0.1 port={primary._port} user=postgres application_name=standby",
            ];
            await standby.Start();
            await Eventually.True(
                async () =>
                    await primary.Ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") is 1L,
                "the standby follows"
            );
            return (primary, standby);
        }
        catch
        {
            await standby.DisposeAsync();
            await primary.DisposeAsync();
            throw;
        }
    }

    /// <summary>On its earlier port, if it had one, because the other knows it by that.</summary>
    public async Task Start()
    {
        for (var attempt = 1; ; attempt++)
        {
            if (_port == 0 || attempt > 1)
                _port = FreePort();
            var lastLine = await TryStart();
            if (lastLine is null)
                return;
            if (attempt == 10)
                throw new InvalidOperationException($"PostgreSQL doesn't start: {lastLine}");
        }
    }

    public async Task<object?> Ask(string sql)
    {
        await using var connection = new NpgsqlConnection(Connection("postgres", "Pooling=false"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteScalarAsync();
    }

    public async Task Promote()
    {
        if (await Ask("SELECT pg_promote(true, 300)") is not true)
            throw new InvalidOperationException("The standby was not promoted.");
    }

    /// <summary>
    /// PostgreSQL's immediate end: no process of it writes or answers anything any more, as when the machine is gone.
    /// </summary>
    public async Task Kill()
    {
        if (_process is null)
            return;
        if (!_process.HasExited)
            await Run("kill", "-QUIT", _process.Id.ToString(CultureInfo.InvariantCulture));
        await _process.WaitForExitAsync().Soon();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await Kill();
        System.IO.Directory.Delete(_folder, recursive: true);
        var root = Path.GetDirectoryName(_folder)!;
        if (!System.IO.Directory.EnumerateFileSystemEntries(root).Any())
            System.IO.Directory.Delete(root);
    }

    /// <summary>Null once it serves, else the last line that it wrote.</summary>
    private async Task<string?> TryStart()
    {
        var settings = new[]
        {
            $"port={_port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=100",
            "shared_buffers=32MB",
            "fsync=off",
            "autovacuum=off",
        };
        var (program, arguments) = Command(
            "postgres",
            ["-D", _folder, .. settings.Concat(_settings).SelectMany(s => new[] { "-c", s })]
        );
        _process = Process.Start(
            new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true }
        )!;
        var last = "";
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            if (line.Contains("ready to accept", StringComparison.Ordinal))
            {
                _ = _process.StandardError.ReadToEndAsync();
                return null;
            }
            last = line;
        }
        await Kill();
        return last;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task Run(string program, params string[] arguments)
    {
        var (command, all) = program == "initdb" ? Command(program, arguments) : (program, arguments);
        var (code, _, error) = await Programs.Run(command, all, "/", TimeSpan.FromMinutes(2));
        if (code != 0)
            throw new InvalidOperationException($"{program}: {error}");
    }

    /// <summary>One of PostgreSQL's programs, which refuse to run as root.</summary>
    private static (string Program, string[] Arguments) Command(string name, string[] arguments)
    {
        var program = Path.Combine(Binaries!, name);
        return Environment.IsPrivilegedProcess
            ? ("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", program, .. arguments])
            : (program, arguments);
    }

    private static string? FindBinaries()
    {
        const string all = "/usr/lib/postgresql";
        var versions = System.IO.Directory.Exists(all)
            ? System.IO.Directory.GetDirectories(all).Select(Path.GetFileName)
            : [];
        var newest = versions
            .Select(name => int.TryParse(name, CultureInfo.InvariantCulture, out var version) ? version : 0)
            .DefaultIfEmpty()
            .Max();
        return newest >= 15 ? Path.Combine(all, $"{newest}", "bin") : null;
    }
}
