using System.Data.Common;
using System.Diagnostics;
using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Storage;

/// <summary>One numbered step of the schema, as embedded in the program.</summary>
internal sealed record Migration(int Number, string Name, string Sql)
{
    public string Checksum { get; } = Hashes.Sha256(Sql.ReplaceLineEndings("\n"));

    public static IReadOnlyList<Migration> For(string dialect)
    {
        var assembly = Assembly.GetExecutingAssembly();
        const string prefix = "Migrations.";
        var suffix = $".{dialect}.sql";
        return
        [
            .. from name in assembly.GetManifestResourceNames()
            where name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal)
            let plain = name[prefix.Length..^suffix.Length]
            orderby plain
            select new Migration(
                int.Parse(plain[..3], System.Globalization.CultureInfo.InvariantCulture),
                plain,
                Text(assembly, name)
            ),
        ];
    }

    private static string Text(Assembly assembly, string resource)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}

/// <summary>
/// Brings a store's tables up to date, in one transaction, so that a store is as it was or as this program needs it.
/// Each step is recorded with its checksum. Nodes that start together meet at <c>lockSql</c>, or at SQLite's lock for
/// writers, and the later one finds the work done. Steps are only ever added.
/// </summary>
internal static partial class Migrator
{
    /// <param name="copy">
    /// Makes the way back: called before a store that is in use changes, with what it has, while no one else can write.
    /// </param>
    public static Migrated Run(
        DbConnection connection,
        string begin,
        string? lockSql,
        IReadOnlyList<Migration> migrations,
        TimeProvider time,
        ILogger? log = null,
        Func<Recorded, string>? copy = null
    )
    {
        log ??= NullLogger.Instance;
        Execute(connection, begin);
        try
        {
            if (lockSql is not null)
                Execute(connection, lockSql);
            Execute(
                connection,
                """
                CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL,
                checksum TEXT NOT NULL, at TEXT NOT NULL)
                """
            );
            var recorded = Check(connection, migrations);
            var last = recorded.Count == 0 ? null : recorded[^1];
            var pending = migrations.Where(m => recorded.All(r => r.Number != m.Number)).ToList();
            string? copied = null;
            if (pending.Count > 0 && last is null)
                Log.Creating(log, pending.Count);
            if (pending.Count > 0 && last is not null)
            {
                Log.Migrating(log, last.Name, pending[^1].Name, pending.Count);
                copied = copy?.Invoke(last);
            }
            foreach (var migration in pending)
                Apply(connection, migration, time, log);
            Execute(connection, "COMMIT");
            return new Migrated(last?.Name, [.. pending.Select(p => p.Name)], copied);
        }
        catch (Exception failure)
        {
            Undo(connection, failure);
            throw;
        }
    }

    private static void Apply(DbConnection connection, Migration migration, TimeProvider time, ILogger log)
    {
        var since = Stopwatch.GetTimestamp();
        Execute(connection, migration.Sql);
        Execute(
            connection,
            "INSERT INTO migrations (number, name, checksum, at) VALUES (@number, @name, @checksum, @at)",
            ("number", (long)migration.Number),
            ("name", migration.Name),
            ("checksum", migration.Checksum),
            ("at", Instant.ToText(time.GetUtcNow()))
        );
        var took = (long)Stopwatch.GetElapsedTime(since).TotalMilliseconds;
        Log.Applied(log, migration.Name, took);
    }

    private static void Undo(DbConnection connection, Exception failure)
    {
        try
        {
            Execute(connection, "ROLLBACK");
        }
        catch (DbException) when (failure is DbException)
        {
            // A full disk or a lost connection has undone it already; the first failure is the one to tell of.
        }
    }

    /// <summary>What the store has, in rising order; throws where this program would do harm to it.</summary>
    private static List<Recorded> Check(DbConnection connection, IReadOnlyList<Migration> known)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT number, name, checksum FROM migrations ORDER BY number";
        using var rows = command.ExecuteReader();
        var found = new List<Recorded>();
        while (rows.Read())
        {
            var (number, name) = (rows.GetInt32(0), rows.GetString(1));
            if (number > known[^1].Number)
                throw Schema.Newer(name, known[^1].Name);
            if (known.FirstOrDefault(k => k.Number == number)?.Checksum != rows.GetString(2))
                throw Schema.Different(name);
            found.Add(new Recorded(number, name));
        }
        return found;
    }

    private static void Execute(DbConnection connection, string sql, params (string Name, object Value)[] arguments)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in arguments)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
        command.ExecuteNonQuery();
    }

    /// <summary>A step that the store has.</summary>
    internal sealed record Recorded(int Number, string Name);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Creating a new store: {Count} migrations")]
        public static partial void Creating(ILogger log, int count);

        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "Migrating the store from {From} to {To} ({Count} migrations)"
        )]
        public static partial void Migrating(ILogger log, string from, string to, int count);

        [LoggerMessage(Level = LogLevel.Debug, Message = "Applied migration {Name} in {Milliseconds} ms")]
        public static partial void Applied(ILogger log, string name, long milliseconds);
    }
}
