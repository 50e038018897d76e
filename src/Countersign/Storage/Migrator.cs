using System.Data.Common;
using System.Reflection;

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
/// Brings a store's tables up to date: each step in its own transaction, recorded with its checksum. Nodes that start
/// together meet at <c>lockSql</c> and the later one finds the work done. Steps are only ever added.
/// </summary>
internal static class Migrator
{
    public static void Run(
        DbConnection connection,
        string begin,
        string? lockSql,
        IReadOnlyList<Migration> migrations,
        TimeProvider time
    )
    {
        foreach (var migration in migrations)
        {
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
                if (Applied(connection, migration, migrations) is not { } checksum)
                {
                    Execute(connection, migration.Sql);
                    Execute(
                        connection,
                        "INSERT INTO migrations (number, name, checksum, at) VALUES (@number, @name, @checksum, @at)",
                        ("number", (long)migration.Number),
                        ("name", migration.Name),
                        ("checksum", migration.Checksum),
                        ("at", Instant.ToText(time.GetUtcNow()))
                    );
                }
                else if (checksum != migration.Checksum)
                {
                    throw new InvalidOperationException(
                        $"Migration {migration.Name} in this store differs from this program's. The store was "
                            + "created by another build. Use that build, or restore a backup."
                    );
                }
                Execute(connection, "COMMIT");
            }
            catch (Exception failure)
            {
                Undo(connection, failure);
                throw;
            }
        }
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

    private static string? Applied(DbConnection connection, Migration migration, IReadOnlyList<Migration> known)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT number, checksum FROM migrations ORDER BY number";
        using var rows = command.ExecuteReader();
        string? found = null;
        while (rows.Read())
        {
            var number = rows.GetInt32(0);
            if (number == migration.Number)
                found = rows.GetString(1);
            if (number > known[^1].Number)
            {
                throw new InvalidOperationException(
                    $"This store is newer than this program (migration {number}; the program knows "
                        + $"{known[^1].Number}). Start a newer Countersign."
                );
            }
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
}
