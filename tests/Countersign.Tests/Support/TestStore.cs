using System.Data.Common;
using Countersign.Audit;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Countersign.Tests;

/// <summary>A store of a test's own on either engine: a folder that goes away, or a database that is dropped.</summary>
public sealed class TestStore : IAsyncDisposable
{
    private static readonly Lazy<Task<byte[]>> Template = new(MakeTemplate);

    private static int _made;

    private readonly List<Store> _others = [];
    private bool _endsPlace = true;

    private TestStore(Engine engine, StoreOptions options) => (Engine, Options) = (engine, options);

    public Engine Engine { get; }
    public StoreOptions Options { get; }
    public TestClock Clock { get; } = new();

    /// <summary>What lies outside the store and says what was signed. All nodes of a test share it.</summary>
    public string SignedFile { get; } =
        Path.Combine(
            Path.GetTempPath(),
            $"countersign-test-{Environment.ProcessId}-{Interlocked.Increment(ref _made)}.signed"
        );
    public Store Store { get; private set; } = null!;

    public static async Task<TestStore> Start(Engine engine)
    {
        var test = await Place(engine, migrated: true);
        try
        {
            test.Store = await Store.Open(test.Options, test.Clock);
            return test;
        }
        catch
        {
            await test.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Only the place, for tests of how a store begins: an empty folder, or (unless <paramref name="migrated"/>) a
    /// database without tables.
    /// </summary>
    internal static async Task<TestStore> Place(Engine engine, bool migrated = false) =>
        new(
            engine,
            engine == Engine.Sqlite
                ? new StoreOptions(await Folder(migrated), null)
                : new StoreOptions("", await PostgresServer.CreateDatabase(migrated))
        );

    /// <summary>On a PostgreSQL server of the test's own: the database ends with that. Not open yet.</summary>
    internal static TestStore On(string database) =>
        new(Engine.Postgres, new StoreOptions("", database)) { _endsPlace = false };

    private static async Task<string> Folder(bool migrated)
    {
        var folder = System.IO.Directory.CreateTempSubdirectory("countersign-test-").FullName;
        if (migrated)
            await File.WriteAllBytesAsync(new StoreOptions(folder, null).SqliteFile, await Template.Value);
        return folder;
    }

    /// <summary>Opens what lies at the place as a server would, and brings it up to date.</summary>
    internal async Task Migrate() => Store = await Store.Open(Options, Clock);

    /// <summary>A file with all tables and nothing in it, migrated once and copied for every test.</summary>
    private static async Task<byte[]> MakeTemplate()
    {
        var options = new StoreOptions(await Folder(migrated: false), null);
        await (await Store.Open(options, new TestClock())).DisposeAsync();
        var file = await File.ReadAllBytesAsync(options.SqliteFile);
        System.IO.Directory.Delete(options.DataFolder, recursive: true);
        return file;
    }

    /// <summary>
    /// The same place once more: what a second node, or the command line in another process, sees. Ends with the test.
    /// </summary>
    public async Task<Store> OpenAnother(TimeProvider? clock = null)
    {
        var store = await Store.Open(Options, clock ?? Clock);
        lock (_others)
            _others.Add(store);
        return store;
    }

    /// <summary>
    /// Set by whoever writes past the hub on purpose: the record then no longer proves what lies in the store.
    /// </summary>
    public bool IsTampered { get; set; }

    /// <summary>Past every rule of ours, as an intruder with the database's password would.</summary>
    public async Task<int> Tamper(string sql)
    {
        IsTampered = true;
        await using var connection = await OpenRaw();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>As where no process has the store open: after a power cut, this one wouldn't either.</summary>
    public async Task Close()
    {
        await Store.DisposeAsync();
        Store = null!;
    }

    public async Task Reopen() => Store = await Store.Open(Options, Clock);

    public async Task<DbConnection> OpenRaw()
    {
        // The first to use SQLite decides which library serves the process.
        SqliteLibrary.Use();
        DbConnection connection =
            Engine == Engine.Sqlite
                ? new SqliteConnection(
                    new SqliteConnectionStringBuilder
                    {
                        DataSource = Options.SqliteFile,
                        Pooling = false,
                        DefaultTimeout = 30,
                    }.ToString()
                )
                : new NpgsqlConnection(
                    new NpgsqlConnectionStringBuilder(Options.Database) { Pooling = false }.ConnectionString
                );
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>
    /// What every story ends with: the record proves itself, to the last row. Not asked where a test wrote past the
    /// hub, or where the store can no longer be read.
    /// </summary>
    /// <param name="checksPolicies">Whether all policies came in through doors.</param>
    public async Task MustVerify(SealKey? key, bool checksPolicies)
    {
        if (IsTampered)
            return;
        using var ofNobody = key is null
            ? new SealKey(
                RootKey.Load(
                    Path.Combine(Path.GetTempPath(), $"countersign-test-{Environment.ProcessId}.key"),
                    mayCreate: true
                )
            )
            : null;
        Verification found;
        try
        {
            // Another connection, because a test may have ended the first.
            await using var store = Store.OpenAsIs(Options, Clock);
            found = await new Verify(store, key ?? ofNobody!) { ChecksPolicies = checksPolicies }.Run(null);
        }
        catch (StoreUnavailable)
        {
            return;
        }
        if (!found.Ok)
        {
            throw new InvalidOperationException(
                "The record does not prove itself at the end of this "
                    + $"story:\n{string.Join('\n', found.Problems.Take(20))}"
            );
        }
    }

    public ValueTask<long> Number(string sql, object? arguments = null) =>
        Store.Read(reader => reader.Number(sql, arguments));

    public ValueTask<string?> Text(string sql, object? arguments = null) =>
        Store.Read(reader => reader.Text(sql, arguments));

    /// <summary>Every consumer of the log but the sealer stands at its end, as where it has no one to tell.</summary>
    public async Task Follow()
    {
        await Store.GivePositions();
        var end = await Store.Read(EventLog.End);
        await Store.InTransaction(async tx =>
            await tx.Execute("UPDATE cursors SET position = @end WHERE name <> 'sealer'", new { end })
        );
    }

    /// <summary>Whether every consumer of the log but the sealer has handled all that happened.</summary>
    public async ValueTask<bool> IsFollowed()
    {
        var end = await Store.Read(EventLog.End);
        return await Count("events") == await Store.Read(r => EventLog.Count(r, end))
            && await Number("SELECT count(*) FROM cursors WHERE name <> 'sealer' AND position < @end", new { end })
                == 0;
    }

    public ValueTask<long> Count(string table) => Number($"SELECT count(*) FROM {table}");

    /// <summary>Every value of these tables as one text: to see that nothing has changed.</summary>
    public async Task<string> Everything(params string[] tables)
    {
        var all = new System.Text.StringBuilder();
        await using var connection = await OpenRaw();
        foreach (var table in tables)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = $"SELECT * FROM {table} ORDER BY 1, 2";
            await using var rows = await command.ExecuteReaderAsync();
            all.Append(table).Append('\n');
            while (await rows.ReadAsync())
                all.AppendJoin('|', Enumerable.Range(0, rows.FieldCount).Select(rows.GetValue)).Append('\n');
        }
        return all.ToString();
    }

    public ValueTask<List<StoredEvent>> Events(string? subject = null) =>
        Store.Read(reader =>
            reader.All<StoredEvent>(
                $"SELECT {StoredEvent.Columns} FROM events WHERE @subject = '' OR subject = @subject ORDER BY id",
                new { subject = subject ?? "" }
            )
        );

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _others)
            await store.DisposeAsync();
        if (Store is not null)
            await Store.DisposeAsync();
        File.Delete(SignedFile);
        if (Engine == Engine.Sqlite)
            System.IO.Directory.Delete(Options.DataFolder, recursive: true);
        else if (_endsPlace)
            await PostgresServer.Drop(Options.Database!);
    }
}
