using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// A store that cannot serve: every caller it touches hears so, nothing half stands, and it recovers by itself.
/// </summary>
public sealed class UnavailableTests
{
    /// <summary>
    /// One row too big for what is left: SQLite then ends the whole transaction, not only the statement.
    /// </summary>
    private const string MoreThanFits = "INSERT INTO hub (name, value) VALUES ('big', hex(zeroblob(1000000)))";

    /// <summary>
    /// Many rows in one statement: of these SQLite undoes the statement and lets the transaction stand.
    /// </summary>
    private const string ManyRows = """
        INSERT INTO events (subject, n, at, kind, actor, via, address, data, hash)
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
        SELECT 'full', n, '', '', '', '', '', hex(zeroblob(1000)), '' FROM numbers
        """;

    [Fact]
    public async Task A_disk_that_fills_up_under_a_batch_undoes_all_of_it_and_tells_everyone()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var held = await Held.Of(test.Store);
        var filling = test.Store.InTransaction(FillDisk);
        var before = test.Store.InTransaction(tx => Put(tx, "before"));
        var big = test.Store.InTransaction(async tx =>
        {
            await tx.Execute(MoreThanFits);
        });
        var after = test.Store.InTransaction(tx => Put(tx, "after"));

        await held.Release();
        var reason = (await Assert.ThrowsAsync<StoreUnavailable>(() => filling.Soon())).Message;
        Assert.Equal("The disk that holds the store is full.", reason);
        Assert.Equal(reason, (await Assert.ThrowsAsync<StoreUnavailable>(() => before.Soon())).Message);
        Assert.Equal(reason, (await Assert.ThrowsAsync<StoreUnavailable>(() => big.Soon())).Message);
        // Came after the batch that died, and found a store that serves again.
        await after.Soon();
        Assert.Equal("after", await test.Text("SELECT name FROM hub"));
        Assert.Equal(1, await test.Count("hub"));
    }

    [Fact]
    public async Task A_full_disk_that_stops_one_statement_stops_one_caller()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var held = await Held.Of(test.Store, FillDisk);
        var before = test.Store.InTransaction(tx => Put(tx, "before"));
        var many = test.Store.InTransaction(async tx =>
        {
            await Put(tx, "with many");
            await tx.Execute(ManyRows);
        });
        await held.Release();
        await before.Soon();
        Assert.Equal(
            "The disk that holds the store is full.",
            (await Assert.ThrowsAsync<StoreUnavailable>(() => many.Soon())).Message
        );
        Assert.Equal(0, await test.Count("events"));
        Assert.Equal(1, await test.Count("hub"));

        // Somebody makes room.
        await test.Store.InTransaction(async tx =>
        {
            await tx.Number("PRAGMA max_page_count = 1000000");
        });
        await test.Store.InTransaction(async tx =>
        {
            await tx.Execute(ManyRows);
        });
        Assert.Equal(2000, await test.Count("events"));
    }

    [Fact]
    public async Task A_commit_that_fails_acknowledges_nobody()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var held = await Held.Of(test.Store);
        var innocent = test.Store.InTransaction(tx => Put(tx, "innocent"));
        var failing = test.Store.InTransaction(FailAtCommit);
        await held.Release();
        await Assert.ThrowsAsync<StoreUnavailable>(() => innocent.Soon());
        await Assert.ThrowsAsync<StoreUnavailable>(() => failing.Soon());
        Assert.Equal(0, await test.Count("hub"));
        Assert.Equal(0, await test.Count("tokens"));
        await test.Store.InTransaction(tx => Put(tx, "again"));
        Assert.Equal(1, await test.Count("hub"));
    }

    [Fact]
    public async Task Who_comes_while_a_batch_is_long_under_way_is_not_undone_with_it()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var held = await Held.Of(test.Store, FailAtCommit);
        var newcomer = test.Store.InTransaction(tx => Put(tx, "newcomer"));
        await Assert.ThrowsAsync<StoreUnavailable>(() => held.Release());
        await newcomer.Soon();
        Assert.Equal("newcomer", await test.Text("SELECT name FROM hub"));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_named_as_the_reason_and_read_all_the_same()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        await test.Store.InTransaction(tx => Put(tx, "before"));
        await test.Store.InTransaction(async tx =>
        {
            await tx.Execute("PRAGMA query_only = ON");
        });
        Assert.Equal(
            "The store's file can't be written.",
            (await Assert.ThrowsAsync<StoreUnavailable>(() => test.Store.InTransaction(tx => Put(tx, "now")))).Message
        );
        Assert.Equal(1, await test.Count("hub"));
        // The next attempt opens the file anew.
        await test.Store.InTransaction(tx => Put(tx, "later"));
        Assert.Equal(2, await test.Count("hub"));
    }

    [Fact]
    public async Task A_lock_kept_by_another_process_is_waited_for_and_then_named_as_the_reason()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        await using var other = await test.OpenRaw();
        await Run(other, "BEGIN IMMEDIATE");
        var failure = await Assert.ThrowsAsync<StoreUnavailable>(() =>
            test.Store.InTransaction(tx => Put(tx, "now")).Soon()
        );
        Assert.Equal("Another process keeps the store locked.", failure.Message);
        Assert.Equal(0, await test.Count("hub"));
        await Run(other, "COMMIT");
        await test.Store.InTransaction(tx => Put(tx, "later"));
        Assert.Equal(1, await test.Count("hub"));
    }

    [Fact]
    public async Task A_file_that_is_no_store_is_refused_with_a_reason()
    {
        await using var test = await TestStore.Place(Engine.Sqlite);
        await File.WriteAllTextAsync(test.Options.SqliteFile, new string('x', 5000));
        Assert.Equal(
            "The store's file is damaged.",
            (await Assert.ThrowsAsync<StoreUnavailable>(() => test.OpenAnother())).Message
        );
    }

    [Theory, PostgresOnly]
    public async Task A_connection_that_dies_in_a_transaction_undoes_it_and_the_next_one_is_served(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        using var held = await Held.Of(test.Store, tx => Put(tx, "dying"));
        await PostgresServer.EndConnections(test.Options.Database!);
        var failure = await Assert.ThrowsAsync<StoreUnavailable>(() => held.Release());
        Assert.True(failure.OutcomeUnknown);
        await Recovers(test);
        Assert.Equal(0, await test.Number("SELECT count(*) FROM hub WHERE name = 'dying'"));
    }

    [Theory, PostgresOnly]
    public async Task A_connection_that_dies_between_two_statements_leaves_no_doubt(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var failure = await Assert.ThrowsAsync<StoreUnavailable>(() =>
            test.Store.InTransaction(async tx =>
            {
                await Put(tx, "dying");
                await PostgresServer.EndConnections(test.Options.Database!);
                await Put(tx, "dead");
            })
        );
        Assert.False(failure.OutcomeUnknown);
        await Recovers(test);
    }

    [Theory, PostgresOnly]
    public async Task While_the_database_takes_no_connections_readers_and_writers_hear_why(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var another = await test.OpenAnother();
        await PostgresServer.AllowConnections(test.Options.Database!, allow: false);
        await PostgresServer.EndConnections(test.Options.Database!);
        for (var i = 0; i < 5; i++)
        {
            await Assert.ThrowsAsync<StoreUnavailable>(() => test.Store.InTransaction(tx => Put(tx, "now")));
            await Assert.ThrowsAsync<StoreUnavailable>(async () =>
                await another.Read(r => r.Number("SELECT count(*) FROM hub"))
            );
        }
        await Assert.ThrowsAsync<StoreUnavailable>(() => Store.Open(test.Options, test.Clock));
        await PostgresServer.AllowConnections(test.Options.Database!, allow: true);
        await Recovers(test);
        Assert.Equal(1, await another.Read(r => r.Number("SELECT count(*) FROM hub")));
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_a_reason_and_no_crash()
    {
        using var nobody = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        nobody.Start();
        var port = ((System.Net.IPEndPoint)nobody.LocalEndpoint).Port;
        nobody.Stop();
        var failure = await Assert.ThrowsAsync<StoreUnavailable>(() =>
            Store.Open(new StoreOptions("", $"Host=127.0.0.1;Port={port};Username=x;Password=hunter2"), new TestClock())
        );
        Assert.Equal("PostgreSQL doesn't respond.", failure.Message);
    }

    private static async ValueTask Put(Tx tx, string name) =>
        await tx.Execute("INSERT INTO hub (name, value) VALUES (@name, '')", new { name });

    /// <summary>From now on the file may not grow, as if nothing were left on its disk.</summary>
    private static async ValueTask FillDisk(Tx tx) => await tx.Number("PRAGMA max_page_count = 1");

    /// <summary>A token of nobody, which SQLite is told to find out about only when all is to be committed.</summary>
    private static async ValueTask FailAtCommit(Tx tx)
    {
        await tx.Execute("PRAGMA defer_foreign_keys = ON");
        await tx.Execute("INSERT INTO tokens (person_id, hash, created_at) VALUES (404, '', '')");
    }

    private static async Task Run(System.Data.Common.DbConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Each dead connection in the pool is found out by one caller; then the store serves.</summary>
    private static Task Recovers(TestStore test) =>
        Eventually.True(
            async () =>
            {
                try
                {
                    await test.Store.InTransaction(tx => Put(tx, "recovered"));
                    return true;
                }
                catch (StoreUnavailable)
                {
                    return false;
                }
            },
            "the store serves again"
        );
}
