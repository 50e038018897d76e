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
        var refusal = await Assert.ThrowsAsync<SchemaMismatch>(() => test.OpenAnother());
        Assert.Contains("another build", refusal.Message, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_store_newer_than_the_program_is_refused_and_left_as_it_is(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Tamper("INSERT INTO migrations (number, name, checksum, at) VALUES (999, '999_future', '', '')");
        var tables = await Shape(test);
        var refusal = await Assert.ThrowsAsync<SchemaMismatch>(() => test.OpenAnother());
        Assert.Contains("newer than this program", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(tables, await Shape(test));
    }

    [Theory, BothEngines]
    public async Task Rows_that_name_no_request_are_left_behind_when_foreign_keys_come_and_all_others_stay(
        Engine engine
    )
    {
        await using var test = await TestStore.Place(engine);
        await MigrateUpTo(test, "012_foreign_keys");
        await test.Tamper(
            """
            INSERT INTO requests (id, source_id, sent_by, status, display, revision, digest, stamp, barred, subject,
            search,
              requester_name, created_at, events, head)
              VALUES ('kept', 1, 'api', 'active', '', 1, '', '', '[]', '', '', '', '', 0, '');
            INSERT INTO people (id, name, role, created_at) VALUES (1, 'Ann', 'agent', '');
            INSERT INTO groups (id, name, name_key, created_at) VALUES (1, 'SRE', 'sre', '');
            INSERT INTO parties (party, request_id) VALUES ('admins', 'kept'), ('person:1', 'kept'), ('admins', 'gone');
            INSERT INTO waiting (party, request_id) VALUES ('admins', 'kept'), ('admins', 'gone');
            INSERT INTO chats (request_id, receiver, channel, ts) VALUES ('kept', '', '', ''), ('gone', '', '', '');
            INSERT INTO claimed_members (group_id, person_id) VALUES (1, 1), (1, 404), (404, 1)
            """
        );
        var store = await test.OpenAnother();
        foreach (var (table, rows) in new[] { ("parties", 2), ("waiting", 1), ("chats", 1), ("claimed_members", 1) })
            Assert.Equal((table, rows), (table, await store.Read(r => r.Number($"SELECT count(*) FROM {table}"))));
    }

    [Theory, BothEngines]
    public async Task A_store_of_before_loses_only_rows_that_follow_from_others(Engine engine)
    {
        await using var test = await TestStore.Place(engine);
        await MigrateUpTo(test, "020_fewer_rows");
        await test.Tamper(
            """
            INSERT INTO people (id, name, role, created_at) VALUES
              (1, 'Ann', 'agent', ''), (2, 'Ben', 'agent', ''), (3, 'A system', 'service', ''), (4, 'Cem', 'agent', '');
            INSERT INTO stamps (hash, policy) VALUES
              ('of a group', '{"steps":[{"from":[{"party":"group:1","name":"SRE"}]}]}'),
              ('of Ann', '{"steps":[{"from":[{"party":"person:1","name":"Ann"}]}]}');
            INSERT INTO requests (id, source_id, external_id, sent_by, status, display, revision, digest, stamp, barred,
            subject,
              search, creator_id, requester_id, requester_name, created_at, events, head, certainty, claim)
              VALUES
              ('sent', 1, 'X-1', 'launchdarkly', 'active', 'so', 1, 'd', 'of a group', '1', 'Dark Mode',
              'dark mode' || X'0a' || 'ann' || X'0a' || 'x-1',
                3, 1, 'Ann', '2026', 1, 'h', 'claimed', 'c'),
              ('asked', 1, NULL, 'api', 'active', 'so', 1, 'd', 'of Ann', '1', 'Übergang',
              'übergang' || X'0a' || 'ann' || X'0a',
                2, 1, 'Ann', '2026', 1, 'h', 'proven', NULL);
            INSERT INTO revisions (request_id, n, digest, stamp, message, facts, body, at)
              VALUES ('sent', 1, 'd', 'of a group', 'm', '{}', '{"a":1}', '2026');
            INSERT INTO parties (party, request_id) VALUES
              ('group:1', 'sent'), ('source:1', 'sent'), ('person:1', 'sent'), ('person:3', 'sent'), ('person:4',
              'sent'),
              ('source:1', 'asked'), ('person:1', 'asked'), ('person:2', 'asked');
            INSERT INTO events (id, subject, n, at, kind, actor, via, address, data, hash) VALUES
              (1, 'request:sent', 1, '', 'request.submitted', 'source:1', '', '', '{}', ''),
              (2, 'request:asked', 1, '', 'request.submitted', 'person:2', '', '', '{}', '');
            INSERT INTO deliveries (id, event_id, kind, subject, receiver, channel, endpoint, state, due_at,
            folded_into, created_at)
              VALUES
              (7, 1, 'k', 'request:sent', 'person:1', 'mail', 'mail', 'delivered', '', NULL, ''),
              (8, 2, 'k', 'request:sent', 'person:1', 'mail', 'mail', 'folded', '', 7, ''),
              (9, 404, 'k', 'request:gone', 'person:1', 'mail', 'mail', 'delivered', '', NULL, '');
            INSERT INTO attempts (delivery_id, n, at, took, answer) VALUES (7, 1, '', 1, ''), (9, 1, '', 1, '')
            """.Replace("X'0a'", engine == Engine.Sqlite ? "char(10)" : "chr(10)", StringComparison.Ordinal)
        );
        if (engine == Engine.Postgres)
            await test.Tamper("ALTER SEQUENCE deliveries_id_seq RESTART WITH 10");

        await test.OpenAnother();

        Assert.Equal(
            """
            parties
            group:1|sent
            person:1|asked
            person:2|asked
            person:4|sent

            """.ReplaceLineEndings("\n"),
            await test.Everything("parties")
        );
        await using var connection = await test.OpenRaw();
        Assert.Equal(
            "sent|1|X-1|launchdarkly|active|so|1|d|of a group|1|Dark Mode||3|1|Ann||||2026|||||1|h|||claimed|c|||1|",
            await Row(connection, "requests WHERE id = 'sent'")
        );
        Assert.Equal("übergang\nann\n", await Row(connection, "(SELECT search FROM requests WHERE id = 'asked') s"));
        Assert.Equal("""sent|1|d|of a group|m|{}|{"a":1}|2026""", await Row(connection, "revisions"));
        Assert.Equal(
            "7,8",
            await Row(
                connection,
                engine == Engine.Sqlite
                    ? "(SELECT group_concat(id) FROM (SELECT id FROM deliveries ORDER BY id)) d"
                    : "(SELECT string_agg(id::text, ',' ORDER BY id) FROM deliveries) d"
            )
        );
        Assert.Equal("7", await Row(connection, "(SELECT folded_into FROM deliveries WHERE id = 8) d"));
        Assert.Equal("1", await Row(connection, "(SELECT count(*) FROM attempts) a"));
        // The numbers of deliveries are in links that were mailed.
        Assert.Equal(
            "10",
            await Row(
                connection,
                """
                (SELECT 1) one; INSERT INTO deliveries (event_id, kind, subject, receiver, channel, endpoint, state,
                created_at)
                  VALUES (1, 'k', '', '', '', '', 'due', '') RETURNING id
                """,
                result: 1
            )
        );
    }

    [Theory, BothEngines]
    public async Task What_was_due_at_a_destination_becomes_a_job(Engine engine)
    {
        await using var test = await TestStore.Place(engine);
        await MigrateUpTo(test, "023_link_jobs");
        await test.Tamper(
            """
            INSERT INTO stamps (hash, policy) VALUES ('s', '{}');
            INSERT INTO requests (id, source_id, sent_by, status, display, revision, digest, stamp, barred, subject,
            requester_name,
              created_at, events, head) VALUES ('asked', 1, 'api', 'active', '', 1, '', 's', '', '', '', '', 0, '');
            INSERT INTO destinations (id, name, name_key, manifest, settings, secrets, created_at)
            VALUES (3, 'D', 'd', '', '', '', '');
            INSERT INTO links (id, request_id, revision, destination_id, state, due_at, holder, until, created_at)
            VALUES
              (5, 'asked', 1, 3, 'sending', '2026-01-01', 'gone', '2026-01-02', '2025'),
              (6, 'asked', 2, 3, 'held', NULL, NULL, NULL, '2025'), (7, 'asked', 3, 3, 'open', NULL, NULL, NULL,
              '2025');
            INSERT INTO failed_work (kind, key, subject, position, attempts, error, since)
              VALUES ('link', '7', 'request:asked', 0, 8, 'It cannot be read.', '2026-02-02')
            """
        );

        await test.OpenAnother();

        await using var connection = await test.OpenRaw();
        Assert.Equal(
            "link|5|request:asked|link destination:3|waiting|2026-01-01||0",
            await Row(
                connection,
                "(SELECT kind, key, subject, receiver, state, next_at, holder, lost FROM jobs WHERE key = '5') j"
            )
        );
        Assert.Equal(
            "link destination:3|dead|8|It cannot be read.",
            await Row(connection, "(SELECT receiver, state, attempts, error FROM jobs WHERE key = '7') j")
        );
        Assert.Equal("2", await Row(connection, "(SELECT count(*) FROM jobs WHERE kind = 'link') j"));
        Assert.Equal("sending", await Row(connection, "(SELECT state FROM links WHERE id = 5) l"));
        Assert.Equal("held", await Row(connection, "(SELECT state FROM links WHERE id = 6) l"));
    }

    [Theory, BothEngines]
    public async Task What_was_due_had_failed_or_was_on_its_way_becomes_jobs(Engine engine)
    {
        await using var test = await TestStore.Place(engine);
        await MigrateUpTo(test, "022_due_jobs");
        await test.Tamper(
            """
            INSERT INTO stamps (hash, policy) VALUES ('s', '{}');
            INSERT INTO requests (id, source_id, sent_by, status, display, revision, digest, stamp, barred, subject,
              requester_name, created_at, events, head) VALUES ('01A', 1, 'api', 'active', '', 1, '', 's', '', '', '',
              '2026-01-01', 0, '');
            INSERT INTO due (subject, kind, at)
            VALUES ('request:01A', 'expire', '2026-01-04'), ('request:01A', 'remind', '2026-01-02'),
              ('person:7', 'begin', '2026-01-03'), ('person:7', 'reweigh', '2026-01-01');
            INSERT INTO failed_work (kind, key, subject, position, attempts, error, since, due_at) VALUES
              ('due', 'expire request:01A', 'request:01A', 0, 8, 'No.', '2026-01-05', NULL),
              ('due', 'reweigh person:7', 'person:7', 0, 2, 'Not yet.', '2026-01-05', '2026-01-06'),
              ('blocked', 'request:01A', 'request:01A', 0, 3, 'No.', '2026-01-05', '2026-01-07'),
              ('link', '4', 'request:01A', 0, 3, 'No.', '2026-01-05', NULL),
              ('delivery', '5', 'request:01A', 0, 8, 'No.', '2026-01-05', NULL);
            INSERT INTO events (id, subject, n, at, kind, actor, via, address, data, hash) VALUES
              (1, 'request:01A', 1, '', 'a', '', '', '', '{}', ''), (2, 'request:01A', 2, '', 'b', '', '', '', '{}',
              '');
            INSERT INTO deliveries (id, event_id, kind, subject, receiver, channel, endpoint, state, due_at, claim,
            created_at)
            VALUES
              (1, 1, 'a', 'request:01A', 'person:7', 'mail', 'mail', 'due', '2026-01-02', 'a node', '2026-01-01'),
              (2, 2, 'b', 'request:01A', 'person:7', 'mail', 'mail', 'waiting', '2026-01-01', NULL, '2026-01-01'),
              (3, 1, 'a', 'request:01A', 'person:8', 'mail', 'mail', 'delivered', '2026-01-01', NULL, '2026-01-01')
            """
        );
        var store = await test.OpenAnother();
        var jobs = await store.Read(r =>
            r.All<Line>(
                """
                SELECT kind || ' ' || key || ' ' || state || ' ' || due_at || ' ' || next_at || ' ' || attempts || ' '
                || COALESCE(error,
                '-')
                  || ' ' || COALESCE(holder, '-') || ' ' || COALESCE(order_key, '-') AS text
                FROM jobs ORDER BY kind, key
                """
            )
        );
        Assert.Equal(
            [
                "begin_absence 7 waiting 2026-01-03 2026-01-03 0 - - -",
                "delivery 1 waiting 2026-01-02 2026-01-02 0 - a node person:7 mail request:01A",
                "delivery 2 behind 2026-01-01 2026-01-01 0 - - person:7 mail request:01A",
                "expire 01A dead 2026-01-04 2026-01-04 8 No. - -",
                "index_terms all waiting 2026-01-01 2026-01-01 0 - - -",
                "look_for_blocked 01A waiting 2026-01-05 2026-01-07 3 No. - -",
                "look_for_blocked all waiting 2026-01-01 2026-01-01 0 - - -",
                "remind 01A waiting 2026-01-02 2026-01-02 0 - - -",
                "reweigh 7 waiting 2026-01-01 2026-01-06 2 Not yet. - -",
            ],
            jobs.Select(j => j.Text)
        );
        Assert.Equal(
            "due due delivered",
            string.Join(
                ' ',
                (await store.Read(r => r.All<Line>("SELECT state AS text FROM deliveries ORDER BY id"))).Select(l =>
                    l.Text
                )
            )
        );
    }

    internal static async Task MigrateUpTo(TestStore test, string next)
    {
        await using var connection = await test.OpenRaw();
        var all = Migration.For(test.Engine == Engine.Sqlite ? "sqlite" : "postgres");
        Assert.Contains(all, m => m.Name == next);
        Migrator.Run(connection, "BEGIN", lockSql: null, [.. all.TakeWhile(m => m.Name != next)], test.Clock);
    }

    private static async Task<string> Row(System.Data.Common.DbConnection connection, string from, int result = 0)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT * FROM {from}";
        await using var rows = await command.ExecuteReaderAsync();
        for (var i = 0; i < result; i++)
            Assert.True(await rows.NextResultAsync());
        Assert.True(await rows.ReadAsync());
        return string.Join('|', Enumerable.Range(0, rows.FieldCount).Select(rows.GetValue));
    }

    /// <summary>
    /// Ids of other systems name no row here. A link that was mailed works once even when the delivery that brought it
    /// is no longer kept.
    /// </summary>
    [Theory, BothEngines]
    public async Task Every_column_that_names_a_row_is_a_foreign_key(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        string[] ends = ["_id", ".stamp", ".folded_into"];
        var named = (
            await test.Store.Read(r =>
                r.All<Line>(
                    engine == Engine.Sqlite
                        ? """
                        SELECT t.name || '.' || c.name AS text FROM sqlite_master t JOIN pragma_table_info(t.name) c
                        WHERE t.type = 'table'
                        EXCEPT SELECT t.name || '.' || k."from"
                        FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) k
                        """
                        : """
                        SELECT table_name || '.' || column_name AS text FROM information_schema.columns
                        WHERE table_schema = 'public'
                        EXCEPT SELECT c.relname || '.' || a.attname
                        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) WHERE k.contype = 'f'
                        """
                )
            )
        ).Select(line => line.Text).Where(name => ends.Any(end => name.EndsWith(end, StringComparison.Ordinal)));

        Assert.Equal(
            [
                "launchdarkly_connections.account_id",
                "launchdarkly_hints.approval_id",
                "launchdarkly_hints.member_id",
                "launchdarkly_members.member_id",
                "links.external_id",
                "requests.external_id",
                "tickets.external_id",
                "used_links.delivery_id",
            ],
            named.Order(StringComparer.Ordinal)
        );
    }

    /// <summary>
    /// Events that were sealed late, told, untold and failed, as the version with an outbox left them.
    /// </summary>
    [Theory, BothEngines]
    public async Task Events_get_their_positions_and_what_the_outbox_held_is_told_by_each_consumer_and_nothing_else(
        Engine engine
    )
    {
        await using var test = await TestStore.Place(engine);
        await MigrateUpTo(test, "018_one_log");
        // On PostgreSQL event 2 was committed late, and is not sealed yet; on SQLite none can be.
        var seals =
            engine == Engine.Sqlite
                ? "(1, '', '1-3', 3, '', ''), (2, '', '4', 1, '', '')"
                : "(1, '', '1,3', 2, '', ''), (2, '', '4', 1, '', ''), (3, '', 'not ours', 9, '', '')";
        await test.Tamper(
            $"""
            INSERT INTO events (id, subject, n, at, kind, actor, via, address, data, hash)
              VALUES {string.Join(
                ", ",
                Enumerable.Range(1, 7).Select(i =>
                    $"({i}, 'request:{(i + 1) / 2}', {2 - (i % 2)}, '', 'test.happened', '', '', '', '{{}}', 'h{i}')"
                )
            )};
            INSERT INTO seals (n, at, events, count, hash, signature) VALUES {seals};
            INSERT INTO outbox (event_id, kind, due_at)
            VALUES (1, 'test.happened', '2026'), (5, 'test.happened', '2026'), (6, 'test.happened', '2026');
            INSERT INTO failed_work (kind, key, subject, position, attempts, error, since, due_at) VALUES
              ('notifications', '1', 'request:1', 1, 8, 'Broken', '2025', NULL), ('notifications', '4', 'request:2', 4,
              1, 'Told since', '2025', '2026')
            """
        );

        var store = await test.OpenAnother();
        var log = await store.Read(r => EventLog.Next(r, 0, 100));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], log.Select(e => e.Position));
        Assert.Equal(engine == Engine.Sqlite ? [1, 2, 3, 4, 5, 6, 7] : [1, 3, 4, 2, 5, 6, 7], log.Select(e => e.Id));
        Assert.Equal(
            [
                "destinations 7",
                "gates 7",
                "insights 0",
                "notifications 7",
                $"sealer {(engine == Engine.Sqlite ? 4 : 3)}",
                "webhooks 7",
            ],
            await Lines("SELECT name || ' ' || position AS text FROM cursors ORDER BY name")
        );
        foreach (var consumer in new[] { "notifications", "webhooks", "destinations" })
        {
            Assert.Equal(
                ["1 request:1 1 8 dead Broken", "5 request:3 5 0 waiting ", "6 request:3 6 0 behind "],
                await Lines(
                    $"""
                    SELECT key || ' ' || order_key || ' ' || order_no || ' ' || attempts || ' ' || state || ' ' ||
                    coalesce(error,
                    '') AS text
                    FROM jobs WHERE kind = '{consumer}' AND receiver = kind ORDER BY key
                    """
                )
            );
        }

        async Task<IEnumerable<string>> Lines(string sql) =>
            (await store.Read(r => r.All<Line>(sql))).Select(l => l.Text);
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
        // There an event gets its position after its id; on SQLite its id is its position.
        string[] positions = ["events.position", "index events_by_position", "index events_without_position"];
        Assert.Equal(await Shape(sqlite), (await Shape(postgres)).Except(positions));
    }

    /// <summary>Every column with whether it may be null, and every named index, one per line.</summary>
    private static async Task<List<string>> Shape(TestStore test)
    {
        var rows = await test.Store.Read(r =>
            r.All<Line>(
                test.Engine == Engine.Sqlite
                    ? """
                    SELECT t.name || '.' || c.name || CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' not null'
                    ELSE '' END AS text
                    FROM sqlite_master t JOIN pragma_table_info(t.name) c
                    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
                    UNION ALL SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
                    """
                    : """
                    SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null'
                    ELSE '' END AS text
                    FROM information_schema.columns WHERE table_schema = 'public'
                    UNION ALL SELECT 'index ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE c.relnamespace = 'public'::regnamespace
                    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
                    """
            )
        );
        return [.. rows.Select(r => r.Text).Order(StringComparer.Ordinal)];
    }

    private sealed class Line
    {
        public required string Text { get; init; }
    }
}
