using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <param name="Left">Requests that are old enough, but still have something to be done: news to be sent, events to be
/// sealed.</param>
public sealed record ArchiveWritten(long Requests, long Events, long Left);

/// <param name="Changed">Requests of the file that have had an event since it was written; they stay whole.</param>
/// <param name="Before">Requests of the file that had been taken from the store before.</param>
public sealed record ArchiveRemoved(long Removed, long Changed, long Before);

/// <summary>
/// Takes requests that are over into a file and what is bulky of them out of the store:
/// <code>
///   1  every request that is rejected, withdrawn or applied, and was so before the date, is written into the file
///   2  the file is on the disk, read again and checked, before anything is removed
///   3  one transaction per request empties its events, revisions and decisions and says so in an event of its own
/// </code>
/// Ending anywhere loses nothing: before 3 nothing was removed, and a repeat with the same file goes on with 3. What
/// stays goes on answering how the request stands.
/// </summary>
public sealed class Archive(Store store, SealKey key)
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>So much later than anything that could still follow it in the normal course of work.</summary>
    public static readonly TimeSpan LeastAge = TimeSpan.FromDays(1);

    public async Task<ArchiveWritten> Write(
        DateTimeOffset before,
        Stream to,
        CancellationToken cancel,
        IProgress<(long Done, long Total)>? progress = null
    )
    {
        var (written, events, left, after, date) = (0L, 0L, 0L, "", Instant.ToText(before));
        var looked = 0L;
        var total = progress is null
            ? 0
            : await store.Read(
                r => r.Number("SELECT count(*) FROM requests WHERE created_at < @date", new { date }),
                cancel
            );
        await Line(
            to,
            json =>
                json.Add(
                    "archive",
                    ("version", 1L),
                    ("before", date),
                    ("made", Instant.ToText(store.Now)),
                    ("publicKey", key.PublicKey)
                ),
            cancel
        );
        while (true)
        {
            var page = await store.Read(
                reader =>
                    reader.All<RequestState>(
                        $"""
                        SELECT {RequestState.Columns} FROM requests r WHERE id > @after AND created_at < @date
                        ORDER BY id LIMIT 200
                        """,
                        new { after, date }
                    ),
                cancel
            );
            foreach (var row in page.Where(row => IsOver(row, date)))
            {
                var request = await store.ReadSnapshot(reader => Whole.Read(reader, row.Id), cancel);
                if (request is null)
                    continue;
                if (!request.IsDone)
                {
                    left++;
                    continue;
                }
                await Line(to, request.Write, cancel);
                (written, events) = (written + 1, events + request.Events.Count);
            }
            if (page.Count == 0)
                break;
            after = page[^1].Id;
            looked += page.Count;
            progress?.Report((looked, total));
        }
        await Line(to, json => json.Add("end", ("requests", written), ("events", events)), cancel);
        return new ArchiveWritten(written, events, left);
    }

    /// <param name="file">Checked, and on the disk.</param>
    internal async Task<ArchiveRemoved> Remove(
        ArchiveFile file,
        Origin origin,
        CancellationToken cancel,
        IProgress<(long Done, long Total)>? progress = null
    )
    {
        var (removed, changed, earlier) = (0L, 0L, 0L);
        foreach (var (id, head) in file.Requests)
        {
            switch (await store.InTransaction(tx => Remove(tx, RequestId.Of(id), head, file, origin), cancel))
            {
                case Removal.Done:
                    removed++;
                    break;
                case Removal.Before:
                    earlier++;
                    break;
                default:
                    changed++;
                    break;
            }
            progress?.Report((removed + earlier + changed, file.Requests.Count));
        }
        return new ArchiveRemoved(removed, changed, earlier);
    }

    private async ValueTask<Removal> Remove(Tx tx, RequestId id, Head archived, ArchiveFile file, Origin origin)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is not { } request)
            return Removal.Changed;
        var subject = id.Subject;
        if (await ArchivedRequest.Find(tx, request) is not null)
            return Removal.Before;
        if (request.Head != archived)
            return Removal.Changed;
        var first = await tx.Text("SELECT data FROM events WHERE subject = @subject AND n = 1", new { subject });
        await tx.Execute(
            """
            UPDATE events SET data = @mark, address = '', people = NULL, salts = NULL
            WHERE subject = @subject AND n <= @last
            """,
            new
            {
                mark = ArchivedRequest.Mark,
                subject,
                last = archived.Count,
            }
        );
        var terms = await RequestTerms.Read(tx, id);
        await tx.Execute(
            "UPDATE revisions SET message = '', facts = '{}', body = '' WHERE request_id = @id",
            new { id }
        );
        await RequestTerms.Change(tx, id, terms, await RequestTerms.Read(tx, id));
        await tx.Execute("UPDATE decisions SET note = '' WHERE request_id = @id", new { id });
        foreach (var table in new[] { "comments", "request_changes", "links", "chats" })
            await tx.Execute($"DELETE FROM {table} WHERE request_id = @id", new { id });

        var row = (
            await tx.First<RequestState>($"SELECT {RequestState.Columns} FROM requests r WHERE id = @id", new { id })
        )!;
        var statement = new ArchiveStatement
        {
            Form = RequestReplay.Read(first ?? "{}").Form,
            File = file.Name,
            Sha256 = file.Sha256,
            Count = archived.Count,
            Chain = ArchiveStatement.ChainOf(await EventsOf(tx, subject)),
            State = ArchiveStatement.StateOf(
                row,
                await EventChainCheck.RevisionState.Of(tx, id),
                await EventChainCheck.DecisionState.Of(tx, id)
            ),
            Asked = ArchiveStatement.AskedOf(row.RequesterId, row.Certainty, row.Claim),
            Parties = await PartiesOf(tx, row),
            Status = row.Status,
            Settled = row.SettledAt,
            Applied = row.AppliedAt,
            Breached = row.BreachedAt,
            Revision = row.Revision,
            Digest = row.Digest,
            Stamp = row.Stamp,
            Ticket = row.TicketId,
        };
        await RequestChange.Save(
            tx,
            request,
            request,
            origin,
            ArchivedRequest.Kind,
            statement with
            {
                Signature = key.Sign(statement.HashFor(subject)),
            }
        );
        return Removal.Done;
    }

    private static bool IsOver(RequestState row, string date) =>
        (row.Status is "rejected" or "withdrawn" || (row.Status == "approved" && row.AppliedAt is not null))
        && string.CompareOrdinal(row.SettledAt, date) < 0
        && string.CompareOrdinal(row.AppliedAt ?? row.SettledAt, date) < 0;

    /// <summary>Who may see it. The ticket's assignee comes and goes with the ticket.</summary>
    private static async ValueTask<string[]> PartiesOf(Reader reader, RequestState row)
    {
        var assignee = await reader.Number(
            "SELECT assignee_id FROM tickets WHERE id = @ticket",
            new { ticket = row.TicketId ?? 0 }
        );
        var parties = await reader.All<PartyRow>(
            "SELECT party FROM parties WHERE request_id = @id ORDER BY party",
            new { id = row.Id }
        );
        return [.. parties.Select(p => p.Party).Where(p => p != Party.Person(assignee).Text)];
    }

    private static ValueTask<List<StoredEvent>> EventsOf(Reader reader, string subject) =>
        reader.All<StoredEvent>(
            $"SELECT {StoredEvent.Columns} FROM events WHERE subject = @subject ORDER BY n",
            new { subject }
        );

    private static async Task Line(Stream to, Action<Utf8JsonWriter> write, CancellationToken cancel)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        System.Buffers.BuffersExtensions.Write(buffer, "\n"u8);
        await to.WriteAsync(buffer.WrittenMemory, cancel);
    }

    private enum Removal
    {
        Done,
        Before,
        Changed,
    }

    private sealed class PartyRow
    {
        public required string Party { get; init; }
    }

    /// <summary>A request with all its rows, as they go into the file.</summary>
    private sealed record Whole(
        string Id,
        bool IsDone,
        IReadOnlyList<StoredEvent> Events,
        IReadOnlyList<(string Name, IReadOnlyList<IDictionary<string, object?>> Rows)> Tables
    )
    {
        private static readonly (string Name, string Sql)[] Parts =
        [
            ("request", "SELECT * FROM requests WHERE id = @id"),
            ("revisions", "SELECT * FROM revisions WHERE request_id = @id ORDER BY n"),
            ("decisions", "SELECT * FROM decisions WHERE request_id = @id ORDER BY n"),
            ("changes", "SELECT * FROM request_changes WHERE request_id = @id ORDER BY revision, n"),
            ("comments", "SELECT * FROM comments WHERE request_id = @id ORDER BY n"),
            ("links", "SELECT * FROM links WHERE request_id = @id ORDER BY id"),
            ("parties", "SELECT party FROM parties WHERE request_id = @id ORDER BY party"),
        ];

        /// <summary>Null where it was archived before.</summary>
        public static async ValueTask<Whole?> Read(Reader reader, string id)
        {
            var subject = RequestId.Of(id).Subject;
            var events = await EventsOf(reader, subject);
            if (events.Count == 0 || events[0].Data == ArchivedRequest.Mark)
                return null;
            var pending = await reader.Number(
                """
                SELECT (SELECT count(*) FROM deliveries WHERE subject = @subject AND state IN ('due', 'waiting'))
                  + (SELECT count(*) FROM links WHERE request_id = @id AND state <> 'closed')
                  + (SELECT count(*) FROM jobs WHERE subject = @subject)
                """,
                new { subject, id }
            );
            var tables = new List<(string, IReadOnlyList<IDictionary<string, object?>>)>();
            foreach (var (name, sql) in Parts)
                tables.Add((name, await reader.Rows(sql, new { id })));
            return new Whole(id, pending == 0 && await EventLog.CountAhead(reader, subject) == 0, events, tables);
        }

        public void Write(Utf8JsonWriter json)
        {
            json.WriteString("type", "request");
            json.WriteString("id", Id);
            foreach (var (name, rows) in Tables)
            {
                json.WriteStartArray(name);
                foreach (var row in rows)
                    json.Row(row.Select(column => (column.Key, column.Value)));
                json.WriteEndArray();
            }
            json.WriteStartArray("events");
            foreach (var e in Events)
            {
                // A text in a text: the hash is over these very characters.
                json.Row([
                    ("id", e.Id),
                    ("n", e.N),
                    ("at", e.At),
                    ("kind", e.Kind),
                    ("actor", e.Actor),
                    ("via", e.Via),
                    ("address", e.Address),
                    ("data", e.Data),
                    ("hash", e.Hash),
                    ("people", e.People),
                    ("salts", e.Salts),
                ]);
            }
            json.WriteEndArray();
        }
    }
}

internal static class JsonRows
{
    public static void Add(
        this Utf8JsonWriter json,
        string type,
        params ReadOnlySpan<(string Name, object? Value)> members
    )
    {
        json.WriteString("type", type);
        foreach (var (name, value) in members)
            json.Member(name, value);
    }

    public static void Row(this Utf8JsonWriter json, IEnumerable<(string Name, object? Value)> members)
    {
        json.WriteStartObject();
        foreach (var (name, value) in members)
            json.Member(name, value);
        json.WriteEndObject();
    }

    private static void Member(this Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNull(name);
                break;
            case string text:
                json.WriteString(name, text);
                break;
            default:
                json.WriteNumber(name, Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                break;
        }
    }
}
