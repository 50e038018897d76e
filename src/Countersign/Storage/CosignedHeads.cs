using Microsoft.Data.Sqlite;

namespace Countersign.Storage;

/// <summary>The checkpoint of a log that a witness cosigned last.</summary>
/// <param name="Root">In base64, as in the checkpoint.</param>
/// <param name="Note">With the signature of the log and the cosignature.</param>
public sealed record CosignedHead(long Size, string Root, string Note);

/// <summary>
/// What a witness remembers: one checkpoint per log, in a small SQLite file of its own. A replacement is on the disk
/// when <see cref="Replace"/> returns, and happens only where the file still holds what was checked, also when several
/// processes have it open.
/// </summary>
public sealed class CosignedHeads : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Lock _one = new();

    private CosignedHeads(SqliteConnection connection) => _connection = connection;

    /// <summary>Throws <see cref="StoreUnavailable"/> where the file can't be used.</summary>
    public static CosignedHeads Open(string file)
    {
        SqliteLibrary.Use();
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = file,
                Pooling = false,
                DefaultTimeout = 5,
            }.ToString()
        );
        try
        {
            PrivateFile.Ensure(file);
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                CREATE TABLE IF NOT EXISTS heads (
                  origin TEXT PRIMARY KEY,
                  size INTEGER NOT NULL,
                  root TEXT NOT NULL,
                  note TEXT NOT NULL
                ) WITHOUT ROWID;
                """;
            command.ExecuteNonQuery();
            return new CosignedHeads(connection);
        }
        catch (Exception failure)
        {
            connection.Dispose();
            if (failure is SqliteException or IOException or UnauthorizedAccessException)
                throw new StoreUnavailable($"The witness's file {file} can't be used: {failure.Message}", failure);
            throw;
        }
    }

    public CosignedHead? Find(string origin)
    {
        lock (_one)
        {
            using var command = Command("SELECT size, root, note FROM heads WHERE origin = @origin");
            command.Parameters.AddWithValue("@origin", origin);
            return Guarded(() =>
            {
                using var row = command.ExecuteReader();
                return row.Read() ? new CosignedHead(row.GetInt64(0), row.GetString(1), row.GetString(2)) : null;
            });
        }
    }

    /// <summary>Check and storing are one statement: of several callers with the same head before, one wins.</summary>
    /// <param name="before">What is there, as the caller has checked it; null for the first of a log.</param>
    /// <returns>False where something else is there by now.</returns>
    public bool Replace(string origin, CosignedHead? before, CosignedHead head)
    {
        lock (_one)
        {
            using var command = Command(
                before is null
                    ? """
                    INSERT INTO heads (origin, size, root, note) VALUES (@origin, @size, @root, @note)
                    ON CONFLICT (origin) DO NOTHING
                    """
                    : """
                    UPDATE heads SET size = @size, root = @root, note = @note
                    WHERE origin = @origin AND size = @sizeBefore AND root = @rootBefore
                    """
            );
            command.Parameters.AddWithValue("@origin", origin);
            command.Parameters.AddWithValue("@size", head.Size);
            command.Parameters.AddWithValue("@root", head.Root);
            command.Parameters.AddWithValue("@note", head.Note);
            if (before is not null)
            {
                command.Parameters.AddWithValue("@sizeBefore", before.Size);
                command.Parameters.AddWithValue("@rootBefore", before.Root);
            }
            return Guarded(() => command.ExecuteNonQuery() == 1);
        }
    }

    public void Dispose() => _connection.Dispose();

    private SqliteCommand Command(string sql)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }

    private static T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException failure)
        {
            throw new StoreUnavailable("The witness can't use its file at the moment.", failure);
        }
    }
}
