using System.Buffers.Binary;
using Countersign.Storage;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.SignIn;

/// <summary>
/// A column whose texts are encrypted with the key ring. Every feature that stores such a text has one, so that
/// replacing the root key reaches it (<see cref="ReencryptSecrets"/>).
/// </summary>
/// <param name="Key">The column that identifies a row.</param>
/// <param name="Purpose">The purpose for which the key ring protects the texts.</param>
internal sealed record EncryptedColumn(string Table, string Column, string Key, string Purpose)
{
    /// <summary>The column with the person that a text is bound to, as a second purpose.</summary>
    public string? Person { get; init; }

    /// <summary>Whether rows are identified by a text instead of a number.</summary>
    public bool HasTextKey { get; init; }

    /// <summary>
    /// Makes the event for a new text from its row and its hash. Required where an event has the hash of the text,
    /// because <c>audit verify</c> compares them.
    /// </summary>
    public Func<EncryptedText, string, ReencryptedEvent>? Event { get; init; }

    /// <summary>The texts that are encrypted with one of these keys of the ring.</summary>
    public async ValueTask<List<EncryptedText>> Find(Reader reader, IReadOnlySet<Guid> keys)
    {
        var all = await reader.All<EncryptedText>(
            $"SELECT CAST({Key} AS TEXT) AS key, {Person ?? "NULL"} AS person, {Column} AS text FROM {Table} "
                + $"WHERE {Column} IS NOT NULL ORDER BY {Key}"
        );
        return all.FindAll(row => row.RingKey is { } key && keys.Contains(key));
    }
}

internal sealed record ReencryptedEvent(string Subject, string Kind, object Data);

internal sealed class EncryptedText
{
    /// <summary>Every text that data protection has encrypted begins with it, and then has its key's ID.</summary>
    private const uint MagicHeader = 0x09F0C9F0;

    public required string Key { get; init; }
    public long? Person { get; init; }
    public required string Text { get; init; }

    /// <summary>The key of the ring that encrypted it, or null if the text wasn't encrypted with a ring.</summary>
    public Guid? RingKey
    {
        get
        {
            try
            {
                ReadOnlySpan<byte> payload = WebEncoders.Base64UrlDecode(Text);
                return payload.Length > 20 && BinaryPrimitives.ReadUInt32BigEndian(payload) == MagicHeader
                    ? new Guid(payload.Slice(4, 16))
                    : null;
            }
            catch (FormatException)
            {
                return null;
            }
        }
    }
}
