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
