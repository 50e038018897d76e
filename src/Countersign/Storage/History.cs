using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Countersign.Storage;

/// <summary>
/// Who did it. One text form, in events and in columns: <c>person:7</c>, <c>source:2</c>, <c>destination:1</c>,
/// <c>hub</c>, <c>operator</c>.
/// </summary>
public readonly record struct Actor(string Text) : ISqlText
{
    /// <summary>Countersign itself: expiry, sealing, migrations.</summary>
    public static readonly Actor Hub = new("hub");

    /// <summary>Whoever runs the command line on the machine; the address names the account.</summary>
    public static readonly Actor Operator = new("operator");

    public static Actor Person(long id) => new($"person:{id}");

    public static Actor Source(long id) => new($"source:{id}");

    public string ToSqlText() => Text;

    public override string ToString() => Text;
}

/// <summary>Through which door an act came, and from which address.</summary>
public sealed record Origin(Actor Actor, string Via, string Address);

/// <summary>Where a subject's history stands: how many events it has and the hash of the last.</summary>
public readonly record struct Head(long Count, string Hash)
{
    public static readonly Head None = new(0, "");
}

/// <summary>An event as it lies in the store.</summary>
public class StoredEvent
{
    public long Id { get; init; }
    public required string Subject { get; init; }
    public long N { get; init; }
    public required string At { get; init; }
    public required string Kind { get; init; }
    public required string Actor { get; init; }
    public required string Via { get; init; }
    public required string Address { get; init; }
    public required string Data { get; init; }
    public required string Hash { get; init; }

    /// <summary>Who took part, as they were known then; of events that settle a request.</summary>
    public string? People { get; init; }

    /// <summary>Of its parts (<see cref="EventLeaf"/>); null in events of the earlier form.</summary>
    public string? Salts { get; init; }

    /// <summary>Where it stands in the log; known of events that <see cref="EventLog"/> found.</summary>
    public long Position { get; init; }

    internal const string Columns = "id, subject, n, at, kind, actor, via, address, data, hash, people, salts";

    /// <summary>The hash that it must have after the one before it; null where it can't be one of ours.</summary>
    /// <param name="previous">Empty for the first.</param>
    public string? HashAfter(string previous) =>
        Salts is null
            ? History.HashOf(previous, Subject, N, At, Kind, Actor, Via, Address, Data)
            : EventLeaf.Of(this)?.HashAfter(previous);
}

public static class History
{
    /// <summary>How JSON is kept in the store: characters beyond ASCII stand as they are.</summary>
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <param name="data">Any object, or a text that is written already.</param>
    public static EventText Text(object data) => data is EventText text ? text : new(ToJson(data));

    public static string ToJson(object data) => JsonSerializer.Serialize(data, Json);

    /// <summary>
    /// The hash that tied an event of the earlier form to the one before it: SHA-256 over ten lines. No field but the
    /// last can hold a line break, so the lines cannot be read in two ways. Events get <see cref="EventLeaf"/>'s now.
    /// </summary>
    public static string HashOf(
        string previous,
        string subject,
        long n,
        string at,
        string kind,
        string actor,
        string via,
        string address,
        string data
    ) =>
        Hashes.Sha256OfLines(
            "countersign-event-v1",
            previous,
            subject,
            n.ToString(CultureInfo.InvariantCulture),
            at,
            kind,
            actor,
            via,
            address,
            data
        );
}

/// <summary>SHA-256 as 64 lower-case hex digits, the form in which hashes are kept and shown.</summary>
public static class Hashes
{
    public static string Sha256(string text)
    {
        // Most texts hashed are an event or a key; only long bodies take the heap.
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var size = Encoding.UTF8.GetMaxByteCount(text.Length);
        var bytes = size <= 4096 ? stackalloc byte[size] : new byte[size];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(text, bytes)], hash);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>Of texts with a line break between them.</summary>
    public static string Sha256OfLines(params ReadOnlySpan<string> lines)
    {
        var most = 0;
        foreach (var line in lines)
            most += Encoding.UTF8.GetMaxByteCount(line.Length) + 1;
        var bytes = ArrayPool<byte>.Shared.Rent(most);
        var length = 0;
        foreach (var line in lines)
        {
            length += Encoding.UTF8.GetBytes(line, bytes.AsSpan(length));
            bytes[length++] = (byte)'\n';
        }
        var hash = Sha256(bytes.AsSpan(0, length - 1));
        ArrayPool<byte>.Shared.Return(bytes);
        return hash;
    }

    public static string Sha256(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return Convert.ToHexStringLower(hash);
    }
}
