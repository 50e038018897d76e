using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Countersign.Storage;

/// <summary>The store could not be copied; the message says how it can be.</summary>
public sealed class CopyFailed(string message) : Exception(message);

/// <summary>
/// Copies a database with <c>pg_dump</c>, which knows how to do so while others write. It gets the connection in
/// variables: arguments can be read by every account of the machine.
/// </summary>
internal static class PostgresDump
{
    private const string Program = "pg_dump";

    public static async Task Run(string connectionString, string file, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(Program, ["--format=custom", "--no-password", $"--file={file}"])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
        };
        // Would win over the variables.
        start.Environment.Remove("PGSERVICE");
        foreach (var (name, value) in Variables(connectionString))
            start.Environment[name] = value;
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            throw new CopyFailed(
                "The store was not copied: pg_dump isn't installed here. Install the client programs of PostgreSQL, of "
                    + "the server's version or newer, and run this again; or run on another machine: "
                    + "pg_dump --format=custom --file=countersign.dump with the connection that `Database` has."
            );
        }
        try
        {
            var errors = await process.StandardError.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            if (process.ExitCode != 0)
            {
                throw new CopyFailed(
                    $"The store was not copied: {errors.Trim()} Its client programs must be of the server's version or "
                        + "newer, and the account must be able to read every table."
                );
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Npgsql's connection string as the variables of PostgreSQL's own programs.</summary>
    internal static Dictionary<string, string> Variables(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        var hosts = (settings.Host ?? "").Split(',', StringSplitOptions.TrimEntries);
        var variables = new Dictionary<string, string>
        {
            ["PGHOST"] = string.Join(',', hosts.Select(HostOf)),
            ["PGPORT"] = string.Join(',', hosts.Select(host => PortOf(host, settings.Port))),
            ["PGSSLMODE"] = settings.SslMode switch
            {
                SslMode.VerifyCA => "verify-ca",
                SslMode.VerifyFull => "verify-full",
                var mode => mode.ToString().ToLowerInvariant(),
            },
            ["PGAPPNAME"] = "countersign backup",
        };
        foreach (
            var (name, value) in new[]
            {
                ("PGDATABASE", settings.Database ?? settings.Username),
                ("PGUSER", settings.Username),
                ("PGPASSWORD", settings.Password),
                ("PGPASSFILE", settings.Passfile),
                ("PGSSLROOTCERT", settings.RootCertificate),
                ("PGSSLCERT", settings.SslCertificate),
                ("PGSSLKEY", settings.SslKey),
                ("PGOPTIONS", settings.Options),
            }
        )
        {
            if (value is { Length: > 0 })
                variables[name] = value;
        }
        return variables;
    }

    /// <summary>A host may have a port of its own; a folder of sockets and a bare IPv6 address have none.</summary>
    private static int ColonOf(string host) =>
        host is ['/', ..] || host.Count(c => c == ':') > 1 && !host.Contains("]:", StringComparison.Ordinal)
            ? -1
            : host.LastIndexOf(':');

    private static string HostOf(string host) => (ColonOf(host) is > 0 and var at ? host[..at] : host).Trim('[', ']');

    private static string PortOf(string host, int port) =>
        ColonOf(host) is > 0 and var at ? host[(at + 1)..] : port.ToString(CultureInfo.InvariantCulture);
}
