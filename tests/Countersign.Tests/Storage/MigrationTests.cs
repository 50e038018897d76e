using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

public sealed class MigrationTests
{
    [Theory, BothEngines]
    public async Task Nodes_that_start_at_once_on_an_empty_place_agree(Engine engine)
    {
        await using var test = await TestStore.Place(engine);
        var stores = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => test.OpenAnother()))).Soon();
        foreach (var store in stores)
            Assert.Equal(1, await store.Read(r => r.Number("SELECT count(*) FROM migrations WHERE number = 1")));
        Assert.Equal(2, await stores[0].Read(r => r.Number("SELECT count(*) FROM sources")));
    }

    [Theory, BothEngines]
    public async Task A_store_of_another_build_is_refused(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Tamper("UPDATE migrations SET checksum = 'another'");
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => test.OpenAnother());
        Assert.Contains("another build", refusal.Message, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_store_newer_than_the_program_is_refused_and_left_as_it_is(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Tamper("INSERT INTO migrations (number, name, checksum, at) VALUES (999, '999_future', '', '')");
        var tables = await Shape(test);
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => test.OpenAnother());
        Assert.Contains("newer than this program", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(tables, await Shape(test));
    }

    [Theory, BothEngines]
    public async Task Rows_that_name_no_request_are_left_behind_when_foreign_keys_come_and_all_others_stay(Engine engine)
    {
        await using var test = await TestStore.Place(engine);
        await using (var connection = await test.OpenRaw())
        {
            var all = Migration.For(engine == Engine.Sqlite ? "sqlite" : "postgres");
            var earlier = all.TakeWhile(m => !m.Name.EndsWith("_foreign_keys", StringComparison.Ordinal)).ToList();
            Migrator.Run(connection, "BEGIN", lockSql: null, earlier, test.Clock);
        }
        await test.Tamper("""
            INSERT INTO requests (id, source_id, sent_by, status, display, revision, digest, stamp, barred, subject, search,
              requester_name, created_at, events, head)
              VALUES ('kept', 1, 'api', 'active', '', 1, '', '', '[]', '', '', '', '', 0, '');
            INSERT INTO people (id, name, role, created_at) VALUES (1, 'Ann', 'agent', '');
            INSERT INTO groups (id, name, name_key, created_at) VALUES (1, 'SRE', 'sre', '');
            INSERT INTO parties (party, request_id) VALUES ('admins', 'kept'), ('person:1', 'kept'), ('admins', 'gone');
            INSERT INTO waiting (party, request_id) VALUES ('admins', 'kept'), ('admins', 'gone');
            INSERT INTO chats (request_id, receiver, channel, ts) VALUES ('kept', '', '', ''), ('gone', '', '', '');
            INSERT INTO claimed_members (group_id, person_id) VALUES (1, 1), (1, 404), (404, 1)
            """);
        var store = await test.OpenAnother();
        foreach (var (table, rows) in new[] { ("parties", 2), ("waiting", 1), ("chats", 1), ("claimed_members", 1) })
            Assert.Equal((table, rows), (table, await store.Read(r => r.Number($"SELECT count(*) FROM {table}"))));
    }

    [Fact]
    public void Both_dialects_have_the_same_steps_and_a_checksum_does_not_depend_on_line_ends()
    {
        var (sqlite, postgres) = (Migration.For("sqlite"), Migration.For("postgres"));
        Assert.Equal(sqlite.Select(m => m.Name), postgres.Select(m => m.Name));
        Assert.Equal(sqlite.Select(m => m.Number).Distinct().Order(), sqlite.Select(m => m.Number));
        Assert.Equal(new Migration(1, "x", "a\nb").Checksum, new Migration(1, "x", "a\r\nb").Checksum);
    }

    [Fact]
    public async Task Both_engines_have_the_same_tables_columns_and_indexes()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await using var sqlite = await TestStore.Start(Engine.Sqlite);
        await using var postgres = await TestStore.Start(Engine.Postgres);
        Assert.Equal(await Shape(sqlite), await Shape(postgres));
    }

    /// <summary>Every column with whether it may be null, and every named index, one per line.</summary>
    private static async Task<List<string>> Shape(TestStore test)
    {
        var rows = await test.Store.Read(r => r.All<Line>(test.Engine == Engine.Sqlite
            ? """
              SELECT t.name || '.' || c.name || CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' not null' ELSE '' END AS text
              FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
              UNION ALL SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
              """
            : """
              SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END AS text
              FROM information_schema.columns WHERE table_schema = 'public'
              UNION ALL SELECT 'index ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
              WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
              """));
        return [.. rows.Select(r => r.Text).Order(StringComparer.Ordinal)];
    }

    private sealed class Line
    {
        public required string Text { get; init; }
    }
}
