using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Countersign.Bench.Servers;

/// <summary>A private PostgreSQL as it comes, with <c>fsync</c> on, on loopback only; gone with the bench.</summary>
internal sealed class PostgresCluster : IAsyncDisposable
{
    private readonly Process _process;

    private PostgresCluster(Process process, string connectionString) =>
        (_process, ConnectionString) = (process, connectionString);

    public string ConnectionString { get; }

    public static async Task<PostgresCluster> Start(string folder)
    {
        var programs =
            System
                .IO.Directory.GetDirectories("/usr/lib/postgresql")
                .Select(version => Path.Combine(version, "bin"))
                .Where(bin => File.Exists(Path.Combine(bin, "initdb")))
                .MaxBy(bin => int.Parse(Path.GetFileName(Path.GetDirectoryName(bin)!), CultureInfo.InvariantCulture))
            ?? throw new InvalidOperationException("There is no PostgreSQL server here.");
        // PostgreSQL refuses to run as root.
        string[] other =
            Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
        if (other.Length > 0)
            await Run(folder, ["chown", "postgres:", folder]);
        var data = Path.Combine(folder, "data");
        await Run(
            folder,
            [
                .. other,
                Path.Combine(programs, "initdb"),
                "-D",
                data,
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ]
        );
        var port = Server.FreeAddress().Port;
        var process = Children.Start(
            Command(
                folder,
                [
                    .. other,
                    Path.Combine(programs, "postgres"),
                    "-D",
                    data,
                    "-p",
                    $"{port}",
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "unix_socket_directories=",
                    "-c",
                    "max_connections=200",
                ]
            )
        );
        _ = process.StandardOutput.ReadToEndAsync();
        _ = process.StandardError.ReadToEndAsync();
        var cluster = new PostgresCluster(
            process,
            $"Host=127.0.0.1;Port={port};Username=postgres;Password=unused;Database=postgres"
        );
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await using var connection = new NpgsqlConnection(cluster.ConnectionString);
                await connection.OpenAsync();
                return cluster;
            }
            catch (NpgsqlException) when (attempt < 100 && !process.HasExited)
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Ids of all requests.</summary>
    public async Task<HashSet<string>> Requests()
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT id FROM requests", connection);
        await using var rows = await command.ExecuteReaderAsync();
        var ids = new HashSet<string>();
        while (await rows.ReadAsync())
            ids.Add(rows.GetString(0));
        return ids;
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (!_process.HasExited)
        {
            // QUIT is PostgreSQL's immediate shutdown: nobody will read this data again.
            using var kill = Process.Start("kill", ["-QUIT", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
            await _process.WaitForExitAsync();
        }
        Children.Forget(_process);
        _process.Dispose();
    }

    private static async Task Run(string folder, string[] command)
    {
        using var process = Process.Start(Command(folder, command))!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', command)}: {await output}{await errors}");
    }

    private static ProcessStartInfo Command(string folder, string[] command)
    {
        var info = new ProcessStartInfo(command[0])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in command.Skip(1))
            info.ArgumentList.Add(argument);
        return info;
    }
}
