using Countersign.Storage;
using Npgsql;

namespace Countersign.Tests;

/// <summary>
/// The throw-away PostgreSQL server that <c>./test.sh</c> starts. Every hub gets a database of its own, copied from one
/// that was migrated once.
/// </summary>
internal static class PostgresServer
{
    private static readonly Lazy<Task<string>> Template = new(MakeTemplate);
    private static int _made;

    /// <summary>Why there is no server, or null.</summary>
    public static string? Missing { get; } =
        Environment.GetEnvironmentVariable("TEST_POSTGRES") is { Length: > 0 } ? null
        : Environment.GetEnvironmentVariable("TEST_POSTGRES_MISSING") is { Length: > 0 } reason ? reason
        : "No PostgreSQL server: run ./test.sh";

    private static string Server =>
        Environment.GetEnvironmentVariable("TEST_POSTGRES") ?? throw new InvalidOperationException(Missing);

    /// <summary>The connection string of a new database, with tables or without.</summary>
    public static async Task<string> CreateDatabase(bool migrated = true)
    {
        var name = NewName();
        // Copying files is several times quicker here than writing every page to the log.
        await Run(
            $"CREATE DATABASE {name} TEMPLATE {(migrated ? await Template.Value : "template0")} STRATEGY file_copy"
        );
        return ConnectionTo(name);
    }

    public static async Task Drop(string connectionString) =>
        await Run($"DROP DATABASE IF EXISTS {NameOf(connectionString)} WITH (FORCE)");

    /// <summary>Ends every connection of the hub's nodes to this database, as a restart of the server would.</summary>
    public static async Task EndConnections(string connectionString) =>
        await Run(
            $"""
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = '{NameOf(connectionString)}' AND application_name = 'countersign'
            """
        );

    public static async Task AllowConnections(string connectionString, bool allow) =>
        await Run($"ALTER DATABASE {NameOf(connectionString)} ALLOW_CONNECTIONS {(allow ? "true" : "false")}");

    /// <summary>A statement by the server's superuser, on the server's own database.</summary>
    public static async Task<object?> Run(string sql)
    {
        await using var connection = new NpgsqlConnection(Server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private static string NewName() => $"hub_{Environment.ProcessId}_{Interlocked.Increment(ref _made)}";

    private static string NameOf(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString).Database!;

    private static string ConnectionTo(string database) =>
        new NpgsqlConnectionStringBuilder(Server) { Database = database, Pooling = true }.ConnectionString;

    private static async Task<string> MakeTemplate()
    {
        var name = NewName();
        await Run($"CREATE DATABASE {name} TEMPLATE template0");
        await (await Store.Open(new StoreOptions("", ConnectionTo(name)), new TestClock())).DisposeAsync();
        return name;
    }
}
