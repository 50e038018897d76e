using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// The whole record as JSON lines, for archives and for those who would rather check it with a program of their own
/// (docs/operating.md says how): the public key; then seal after seal, the events it covers and itself; then what is
/// not sealed yet. Nothing is held open while the receiver takes its time: the record only grows, so reading it in
/// pieces up to the end seen at the start is as good as one look.
/// </summary>
public sealed class Export(Store store, SealKey key)
{
    private const int PageSize = 1_000;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public IProgress<(long Done, long Total)>? Progress { get; init; }

    /// <summary>
    /// Whether the tree is in it too. Readers of the earlier form take every line that is no event for a seal, so it is
    /// only there where it is asked for.
    /// </summary>
    public bool HasTree { get; init; }

    public async Task Run(Stream to, CancellationToken cancel = default)
    {
        var lines = new Lines(to);
        lines.Add(json =>
        {
            json.WriteString("type", "key");
            json.WriteString("algorithm", "ECDSA P-256 with SHA-256");
            json.WriteString("publicKey", key.PublicKey);
        });
        var (last, newest, total) = await store.ReadSnapshot(
            async reader =>
                (
                    await Sealer.Last(reader),
                    await reader.Number("SELECT max(id) FROM events"),
                    Progress is null ? 0 : await reader.Number("SELECT count(*) FROM events")
                ),
            cancel
        );
        var done = 0L;
        var covered = new IdRanges();
        var position = 0L;
        await Trees(lines, 0, position, cancel);
        for (var n = 0L; n < last.N; )
        {
            var seals = await store.Read(
                reader =>
                    reader.All<Seal>(
                        $"SELECT {Seal.Columns} FROM seals WHERE n > @n AND n <= @last ORDER BY n LIMIT 100",
                        new { n, last = last.N }
                    ),
                cancel
            );
            if (seals.Count == 0)
                break;
            foreach (var seal in seals)
            {
                // What is wrong is for verification to say; an export shows what is there.
                var ranges = IdRanges.Parse(seal.Events) ?? new IdRanges();
                foreach (var range in ranges.Ranges)
                    covered.TryAdd(range);
                foreach (
                    var sealedEvent in await store.Read(
                        reader => Seal.Covered<StoredEvent>(reader, ranges, StoredEvent.Columns, e => e.Id),
                        cancel
                    )
                )
                {
                    lines.Add(json => Write(json, sealedEvent, seal.N));
                    done++;
                }
                Progress?.Report((done, total));
                lines.Add(json => Write(json, seal));
                position += seal.Count;
                await Trees(lines, seal.N, position, cancel);
                await lines.Flush(cancel);
            }
            n = seals[^1].N;
        }
        IEnumerable<IdRange> rest = [.. covered.Gaps(1), new IdRange(covered.Highest + 1, newest)];
        foreach (var range in rest)
        {
            for (var from = range.From; from <= range.To; )
            {
                var events = await store.Read(
                    reader =>
                        reader.All<StoredEvent>(
                            $"""
                            SELECT {StoredEvent.Columns} FROM events WHERE id BETWEEN @from AND @to
                            ORDER BY id LIMIT {PageSize}
                            """,
                            new { from, to = range.To }
                        ),
                    cancel
                );
                done += events.Count;
                Progress?.Report((done, total));
                foreach (var unsealed in events)
                    lines.Add(json => Write(json, unsealed, null));
                await lines.Flush(cancel);
                from = events.Count < PageSize ? range.To + 1 : events[^1].Id + 1;
            }
        }
        await lines.Flush(cancel, always: true);
    }

    /// <summary>
    /// The heads that end with a seal, in the order of epochs: before the first of an epoch a line about the epoch, and
    /// before a head with a leaf of the log's own that leaf.
    /// </summary>
    /// <param name="position">How many events seals cover up to this one.</param>
    private async ValueTask Trees(Lines lines, long seal, long position, CancellationToken cancel)
    {
        if (!HasTree)
            return;
        var found = await store.ReadSnapshot(
            async reader =>
            {
                var heads = await reader.All<TreeHead>(
                    $"""
                    SELECT {TreeHead.Columns} FROM tree_heads h
                    WHERE h.position = @position AND h.seal = @seal ORDER BY h.epoch, h.size
                    """,
                    new { position, seal }
                );
                var all = new List<(Epoch? Epoch, TreeHead Head, string? Note)>();
                foreach (var head in heads)
                {
                    all.Add(
                        (
                            head.Size == 1 ? await Epoch.Find(reader, head.Epoch) : null,
                            head,
                            head.Note is null ? null : await Cosignatures.NoteOf(reader, head)
                        )
                    );
                }
                return all;
            },
            cancel
        );
        foreach (var (epoch, head, note) in found)
        {
            if (epoch is not null)
                lines.Add(json => Write(json, epoch));
            if (head.Leaf is not null)
                lines.Add(json => WriteLeaf(json, head));
            lines.Add(json => Write(json, head, note));
        }
    }

    private static void Write(Utf8JsonWriter json, Epoch epoch)
    {
        json.WriteString("type", "epoch");
        json.WriteNumber("epoch", epoch.Number);
        json.WriteString("origin", epoch.Origin);
        json.WriteString("vkey", epoch.Vkey);
        json.WriteString("reason", epoch.Reason);
        json.WriteNumber("afterSeal", epoch.AfterSeal);
        json.WriteString("signature", epoch.Signature);
    }

    private static void WriteLeaf(Utf8JsonWriter json, TreeHead head)
    {
        json.WriteString("type", "leaf");
        json.WriteNumber("epoch", head.Epoch);
        json.WriteNumber("index", head.First);
        json.WriteString("text", head.Leaf);
    }

    private static void Write(Utf8JsonWriter json, TreeHead head, string? note)
    {
        json.WriteString("type", "head");
        json.WriteNumber("epoch", head.Epoch);
        json.WriteNumber("size", head.Size);
        json.WriteNumber("seal", head.Seal);
        json.WriteString("root", head.Root);
        json.WriteString("note", note);
    }

    private static void Write(Utf8JsonWriter json, StoredEvent e, long? seal)
    {
        json.WriteString("type", "event");
        if (seal is { } n)
            json.WriteNumber("seal", n);
        else
            json.WriteNull("seal");
        json.WriteNumber("id", e.Id);
        json.WriteString("subject", e.Subject);
        json.WriteNumber("n", e.N);
        json.WriteString("at", e.At);
        json.WriteString("kind", e.Kind);
        json.WriteString("actor", e.Actor);
        json.WriteString("via", e.Via);
        json.WriteString("address", e.Address);
        // A text in a text: the hash is over these very characters, and a parsed object would not bring them back.
        json.WriteString("data", e.Data);
        if (e.People is not null)
            json.WriteString("people", e.People);
        if (EventLeaf.Of(e) is { } leaf)
        {
            json.WriteStartObject("parts");
            foreach (var part in leaf.Parts)
                json.WriteString(part.Name, part.Text ?? part.Digest);
            json.WriteEndObject();
        }
        json.WriteString("hash", e.Hash);
    }

    private static void Write(Utf8JsonWriter json, Seal seal)
    {
        json.WriteString("type", "seal");
        json.WriteNumber("n", seal.N);
        json.WriteString("at", seal.At);
        json.WriteString("events", seal.Events);
        json.WriteNumber("count", seal.Count);
        json.WriteString("hash", seal.Hash);
        json.WriteString("signature", seal.Signature);
    }

    private sealed class Lines(Stream to)
    {
        private const int Enough = 64 * 1024;
        private readonly ArrayBufferWriter<byte> _buffer = new(2 * Enough);

        public void Add(Action<Utf8JsonWriter> write)
        {
            using (var json = new Utf8JsonWriter(_buffer, Plain))
            {
                json.WriteStartObject();
                write(json);
                json.WriteEndObject();
            }
            _buffer.Write("\n"u8);
        }

        public async ValueTask Flush(CancellationToken cancel, bool always = false)
        {
            if (_buffer.WrittenCount < Enough && !always)
                return;
            await to.WriteAsync(_buffer.WrittenMemory, cancel);
            _buffer.ResetWrittenCount();
            if (always)
                await to.FlushAsync(cancel);
        }
    }
}
