using System.Globalization;
using Countersign.Storage;

namespace Countersign.Tests.Audit;

/// <summary>
/// Somebody with the database's password and without the key. Changes things, and can put everything back.
/// </summary>
internal sealed class Intruder
{
    private readonly RecordedHub _recorded;

    private Intruder(RecordedHub recorded, IReadOnlyList<SchemaTable> tables) =>
        (_recorded, Tables) = (recorded, tables);

    /// <summary>All that the store has.</summary>
    public IReadOnlyList<SchemaTable> Tables { get; }

    private TestStore Place => _recorded.Hub.Place;

    public static async Task<Intruder> Of(RecordedHub recorded)
    {
        var intruder = new Intruder(recorded, await LiveSchema.Of(recorded.Hub.Place));
        foreach (var table in intruder.Tables)
            await intruder.Run($"CREATE TABLE kept_{table.Name} AS SELECT * FROM {table.Name}");
        return intruder;
    }

    /// <summary>Also past foreign keys.</summary>
    public Task Run(string sql) => Run(Place, sql);

    public static Task Run(TestStore place, string sql) =>
        place.Tamper(
            place.Engine == Engine.Postgres
                ? $"SET session_replication_role = replica; {sql}"
                : $"PRAGMA foreign_keys = OFF; {sql}"
        );

    public async Task PutBack(string? only = null)
    {
        foreach (var table in Tables.Select(t => t.Name).Where(t => only is null || only == t))
            await Run($"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}");
    }

    /// <summary>A row with any content in each empty table, so that there is something to change.</summary>
    public async Task FillEmptyTables()
    {
        var request = await Place.Text("SELECT min(id) FROM requests") ?? "";
        foreach (var table in Tables)
        {
            if (await Place.Count(table.Name) > 0)
                continue;
            var values = table.Columns.Select(c =>
                c.Words is [var word, ..] ? Literal(word)
                : c.Name == "request_id" ? Literal(request)
                : !c.IsText ? "1"
                : c.Name is "at" or "until" || c.Name.EndsWith("_at", StringComparison.Ordinal)
                    ? "'2026-03-04T05:06:07.089Z'"
                : "'filled'"
            );
            await Run($"INSERT INTO {table.Name} VALUES ({string.Join(", ", values)})");
            await Run($"INSERT INTO kept_{table.Name} SELECT * FROM {table.Name}");
        }
    }

    /// <summary>Conditions that each find one row: the first, the last and some between.</summary>
    public async Task<List<string>> Rows(string table, string key)
    {
        await using var connection = await Place.OpenRaw();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {key} FROM {table} ORDER BY {key}";
        await using var rows = await command.ExecuteReaderAsync();
        var all = new List<string>();
        while (await rows.ReadAsync())
        {
            all.Add(
                string.Join(
                    " AND ",
                    Enumerable.Range(0, rows.FieldCount).Select(i => $"{rows.GetName(i)} = {Literal(rows.GetValue(i))}")
                )
            );
        }
        return
        [
            .. all.Where(
                (_, i) => all.Count <= 12 || i == 0 || i == all.Count - 1 || i % Math.Max(1, all.Count / 3) == 1
            ),
        ];
    }

    public async Task<bool> IsUnsealed(string row)
    {
        var id = await Place.Number($"SELECT id FROM events WHERE {row}");
        var seals = await Place.Store.Read(reader =>
            reader.All<Countersign.Audit.Seal>($"SELECT {Countersign.Audit.Seal.Columns} FROM seals")
        );
        return !seals.Any(seal => Countersign.Audit.IdRanges.Parse(seal.Events)!.Contains(id));
    }

    /// <summary>One character, one number, or something where nothing was.</summary>
    public async Task Change(string table, SchemaColumn of, string row)
    {
        var column = of.Name;
        await using var connection = await Place.OpenRaw();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {column} FROM {table} WHERE {row}";
        var value = await command.ExecuteScalarAsync();
        if (value is byte[] { Length: > 0 } bytes)
        {
            bytes[^1] ^= 1;
            var hex = Convert.ToHexStringLower(bytes);
            var literal = Place.Engine == Engine.Postgres ? $"'\\x{hex}'" : $"x'{hex}'";
            await Run($"UPDATE {table} SET {column} = {literal} WHERE {row}");
            return;
        }
        if (!of.IsText)
        {
            var number = value is null or DBNull ? (long?)null : Convert.ToInt64(value, CultureInfo.InvariantCulture);
            var other = (column, number) switch
            {
                ("requester_required", { } flag) => 1 - flag,
                ("position", null) => 9_999,
                (_, null) => 99,
                (_, { } n) => n + 1_000,
            };
            await Run($"UPDATE {table} SET {column} = {Literal(other)} WHERE {row}");
            return;
        }
        object changed = (column, value) switch
        {
            ("status", "approved") => "rejected",
            ("status", "new" or "open") => "solved",
            ("status", _) => "approved",
            ("answer", "approve") => "reject",
            ("answer", "approved") => "rejected",
            ("answer", "" or "rejected") => "approved",
            ("answer", _) => "approve",
            ("role", "admin") => "agent",
            ("role", _) => "admin",
            ("kind", "launchdarkly") => "built-in",
            ("kind", "api" or "built-in") => "launchdarkly",
            ("certainty", "proven") => "none",
            ("certainty", _) => "proven",
            ("sent_by", "api") => "page",
            ("sent_by", _) => "api",
            ("kind", "name") => "email",
            ("kind", "email") => "name",
            ("unknown_requester", _) => "allow",
            ("claimed_requester", "accept") => "one_more",
            ("claimed_requester", _) => "accept",
            (_, string word) when of.Words.Contains(word) => of.Words.First(w => w != word),
            (_, null or DBNull) => column.EndsWith("_at", StringComparison.Ordinal) ? "2026-03-04T05:06:07.089Z"
            : column.EndsWith("_hash", StringComparison.Ordinal)
            || column is "external_id" or "destination" or "email" or "email_key"
                ? "other"
            : of.Words is [var word, ..] ? word
            : "7",
            (_, string { Length: 0 }) => column == "barred" ? "7" : "x",
            (_, string text) => Flipped(text),
            _ => throw new InvalidOperationException($"{table}.{column} holds {value}"),
        };
        await Run($"UPDATE {table} SET {column} = {Literal(changed)} WHERE {row}");
    }

    /// <summary>
    /// Adds an event to a history that looks like Countersign's own: the next number, the right hash, and the head
    /// moved on.
    /// </summary>
    public static async Task Append(
        TestStore place,
        string subject,
        string kind,
        string actor,
        string data,
        string via = "api",
        string? at = null
    )
    {
        var last = (await place.Events(subject)).OrderBy(e => e.N).LastOrDefault();
        var (n, id) = ((last?.N ?? 0) + 1, await place.Number("SELECT max(id) FROM events") + 1);
        at ??= Instant.ToText(place.Clock.Now);
        var hash = History.HashOf(last?.Hash ?? "", subject, n, at, kind, actor, via, "127.0.0.1", data);
        await place.Tamper(
            $"""
            INSERT INTO events (id, subject, n, at, kind, actor, via, address, data, hash)
            VALUES ({id}, '{subject}', {n}, '{at}', '{kind}', '{actor}', '{via}', '127.0.0.1', {Literal(
                data
            )}, '{hash}')
            """
        );
        await place.Tamper(
            subject.StartsWith("request:", StringComparison.Ordinal)
                ? $"UPDATE requests SET events = {n}, head = '{hash}' WHERE id = '{subject["request:".Length..]}'"
                : $"UPDATE event_heads SET n = {n}, hash = '{hash}' WHERE subject = '{subject}'"
        );
    }

    /// <summary>
    /// Changes the data of a request's events and makes every hash anew, up to the request's own head.
    /// </summary>
    public async Task Rewrite(string requestId, Func<string, string> change)
    {
        var head = Head.None;
        foreach (var e in (await Place.Events($"request:{requestId}")).OrderBy(e => e.N))
        {
            var data = change(e.Data);
            head = new Head(
                e.N,
                History.HashOf(head.Hash, e.Subject, e.N, e.At, e.Kind, e.Actor, e.Via, e.Address, data)
            );
            await Run(
                $"""
                UPDATE events SET data = {Literal(data)}, hash = '{head.Hash}', people = NULL, salts = NULL
                WHERE id = {e.Id}
                """
            );
        }
        await Run($"UPDATE requests SET head = '{head.Hash}' WHERE id = '{requestId}'");
    }

    /// <summary>
    /// Makes everything from this event on undone, in every table: what restoring an older copy would do.
    /// </summary>
    public async Task CutAt(long id)
    {
        await Run(
            $"""
            DELETE FROM parties
            WHERE request_id IN (SELECT substr(subject, 9) FROM events WHERE id >= {id} AND kind = 'request.submitted');
            DELETE FROM waiting
            WHERE request_id IN (SELECT substr(subject, 9) FROM events WHERE id >= {id} AND kind = 'request.submitted');
            DELETE FROM comments
            WHERE request_id IN (SELECT substr(subject, 9) FROM events WHERE id >= {id} AND kind = 'request.submitted');
            DELETE FROM decisions
            WHERE request_id IN (SELECT substr(subject, 9) FROM events WHERE id >= {id} AND kind = 'request.submitted');
            DELETE FROM revisions
            WHERE request_id IN (SELECT substr(subject, 9) FROM events WHERE id >= {id} AND kind = 'request.submitted');
            DELETE FROM requests
            WHERE id IN (SELECT substr(subject, 9) FROM events WHERE id >= {id} AND kind = 'request.submitted');
            UPDATE people
            SET disabled_at = (SELECT max(e.at) FROM events e WHERE e.subject = 'person:' || people.id AND e.kind =
            'person.disabled')
            WHERE 'person:' || id IN (SELECT subject FROM events WHERE id >= {id} AND kind = 'person.enabled');
            DELETE FROM idempotency;
            DELETE FROM events WHERE id >= {id};
            UPDATE event_heads SET n = (SELECT max(n) FROM events e WHERE e.subject = event_heads.subject);
            UPDATE event_heads
            SET hash = (SELECT hash FROM events e WHERE e.subject = event_heads.subject AND e.n = event_heads.n);
            """
        );
    }

    private static string Flipped(string text)
    {
        var at = text.Length / 2;
        var other = text[at] == 'a' ? 'b' : 'a';
        return string.Concat(text.AsSpan(0, at), other.ToString(), text.AsSpan(at + 1));
    }

    private static string Literal(object value) =>
        value switch
        {
            string text => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'",
            _ => Convert.ToInt64(value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
        };
}
