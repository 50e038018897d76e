using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Proof;

namespace Countersign.Storage;

/// <summary>
/// What an event says, as JSON, in the text that is kept, with the salts and digests of its parts. Made before the
/// transaction where that can be, because in there everybody who writes waits.
/// </summary>
public sealed class EventText
{
    /// <param name="people">Who took part, as they were known then: JSON; null for most events.</param>
    public EventText(string json, string? people = null)
    {
        (Json, People) = (json, people);
        Span<byte> random = stackalloc byte[4 * EventLeaf.SaltSize];
        RandomNumberGenerator.Fill(random);
        var (facts, words) = EventLeaf.Split(Encoding.UTF8.GetBytes(json)) ?? throw new JsonException("No object.");
        Facts = PartOf(EventLeaf.FactsPart, facts, random[..EventLeaf.SaltSize]);
        PeopleThen = PartOf(EventLeaf.PeoplePart, Bytes(people), random[EventLeaf.SaltSize..][..EventLeaf.SaltSize]);
        Words = PartOf(EventLeaf.WordsPart, words, random[(2 * EventLeaf.SaltSize)..][..EventLeaf.SaltSize]);
        OriginSalt = Base64Url.EncodeToString(random[(3 * EventLeaf.SaltSize)..]);
    }

    public string Json { get; }
    public string? People { get; }
    internal (string Salt, string Digest) Facts { get; }
    internal (string Salt, string Digest) PeopleThen { get; }
    internal (string Salt, string Digest) Words { get; }
    internal string OriginSalt { get; }

    internal string Salts => $"{EventLeaf.Version} {Facts.Salt} {PeopleThen.Salt} {Words.Salt} {OriginSalt}";

    private static byte[] Bytes(string? text) => text is null ? [] : Encoding.UTF8.GetBytes(text);

    private static (string, string) PartOf(string name, byte[] json, ReadOnlySpan<byte> salt)
    {
        if (json.Length == 0)
            return (EventLeaf.Nothing, EventLeaf.Nothing);
        var text = Base64Url.EncodeToString(salt);
        return (text, EventLeaf.DigestOf(name, text, json));
    }
}

/// <summary>A part of an event: its text with the salt, or only its digest.</summary>
/// <param name="Json">Null where there is no such part.</param>
/// <param name="Salt">Null where the part was erased: then guesses can't be tested against the digest.</param>
public sealed record EventPart(string Name, string? Json, string? Salt, string Digest)
{
    /// <summary>What the digest is of; null where the part is empty or erased.</summary>
    public string? Text => Json is null || Salt is null ? null : EventLeaf.PartText(Name, Salt, Json);

    public bool IsErased => Salt is null && Digest != EventLeaf.Nothing;
}

/// <summary>
/// An event as a leaf of the log's tree: a text of eleven lines in which subject, number, time, kind and door stand
/// openly, and everything else as the digest of a salted part. The event's hash is the RFC 6962 leaf hash of this
/// text, so a history and the tree share it, a part can be shown alone, and a part can be erased without a trace.
/// </summary>
public sealed class EventLeaf
{
    public const string FactsPart = "facts",
        PeoplePart = "people",
        WordsPart = "words",
        OriginPart = "origin";

    /// <summary>In place of the digest of a part that is empty, and of the hash before the first.</summary>
    internal const string Nothing = "-";
    internal const int SaltSize = 16;

    /// <summary>Which members are words; it counts up when the list changes, and earlier lists are kept.</summary>
    internal const int Version = 1;

    /// <summary>In place of a salt: the digest of a part that was erased.</summary>
    private const char Erased = '=';

    /// <summary>
    /// Members that hold what people wrote or what names them; all others are facts: our own words and numbers.
    /// </summary>
    private static readonly HashSet<string> WordsOfVersion1 =
    [
        "account",
        "baseUrl",
        "changes",
        "claim",
        "diff",
        "display",
        "email",
        "external",
        "externalId",
        "fix",
        "issuer",
        "lost",
        "name",
        "names",
        "note",
        "reason",
        "requesterName",
        "settings",
        "subject",
        "text",
        "toNames",
        "url",
        "value",
        "why",
    ];

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> IsWord =
        WordsOfVersion1.GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    private readonly StoredEvent _event;

    private EventLeaf(StoredEvent e, EventPart facts, EventPart people, EventPart words, EventPart origin)
    {
        _event = e;
        Parts = [facts, people, words, origin];
    }

    /// <summary>Facts, people, words and origin.</summary>
    public IReadOnlyList<EventPart> Parts { get; }

    /// <summary>Null where the event has the earlier form, or does not hold what such an event holds.</summary>
    public static EventLeaf? Of(StoredEvent e)
    {
        if (e.Salts?.Split(' ') is not ["1", var facts, var people, var words, var origin])
            return null;
        if (Split(Encoding.UTF8.GetBytes(e.Data)) is not var (ofFacts, ofWords))
            return null;
        return
            PartOf(FactsPart, facts, ofFacts) is { } one
            && PartOf(PeoplePart, people, e.People is null ? [] : Encoding.UTF8.GetBytes(e.People)) is { } two
            && PartOf(WordsPart, words, ofWords) is { } three
            && PartOf(OriginPart, origin, Encoding.UTF8.GetBytes(OriginJson(e.Actor, e.Address))) is { } four
            ? new EventLeaf(e, one, two, three, four)
            : null;
    }

    public bool HasErasedPart => Parts.Any(p => p.IsErased);

    /// <param name="previous">The hash of the event before it in its history; empty for the first.</param>
    public string TextAfter(string previous) =>
        Text(
            previous,
            _event.Subject,
            _event.N,
            _event.At,
            _event.Kind,
            _event.Via,
            Parts[0].Digest,
            Parts[1].Digest,
            Parts[2].Digest,
            Parts[3].Digest
        );

    /// <inheritdoc cref="TextAfter"/>
    public string HashAfter(string previous) => HashOf(TextAfter(previous));

    /// <summary>The salts of an event of which some parts were changed: their digests take the salts' place.</summary>
    public static string SaltsWithout(EventLeaf before, StoredEvent after)
    {
        var (facts, words) = Split(Encoding.UTF8.GetBytes(after.Data)) ?? throw new JsonException("No object.");
        string?[] now = [Read(facts), after.People, Read(words), OriginJson(after.Actor, after.Address)];
        return string.Join(
            ' ',
            before
                .Parts.Select(
                    (part, i) =>
                        part.Digest == Nothing ? Nothing
                        : part.Salt is { } salt && part.Json == now[i] ? salt
                        : Erased + part.Digest
                )
                .Prepend($"{Version}")
        );

        static string? Read(byte[] json) => json.Length == 0 ? null : Encoding.UTF8.GetString(json);
    }

    internal static string Text(
        string previous,
        string subject,
        long n,
        string at,
        string kind,
        string via,
        string facts,
        string people,
        string words,
        string origin
    ) =>
        string.Join(
            '\n',
            "countersign-leaf-v1",
            previous.Length == 0 ? Nothing : previous,
            subject,
            n.ToString(CultureInfo.InvariantCulture),
            at,
            kind,
            via,
            facts,
            people,
            words,
            origin
        );

    internal static string HashOf(string text)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var length = Encoding.UTF8.GetBytes(text, bytes);
        return Convert.ToHexStringLower(MerkleTree.LeafHash(bytes.AsSpan(0, length)));
    }

    internal static string PartText(string name, string salt, string json) =>
        $"countersign-part-v1\n{name}\n{salt}\n{json}";

    internal static string DigestOf(string name, string salt, ReadOnlySpan<byte> json)
    {
        var size = 32 + name.Length + salt.Length + json.Length;
        var bytes = size <= 2048 ? stackalloc byte[size] : new byte[size];
        var length = Encoding.UTF8.GetBytes("countersign-part-v1\n", bytes);
        length += Encoding.UTF8.GetBytes(name, bytes[length..]);
        bytes[length++] = (byte)'\n';
        length += Encoding.UTF8.GetBytes(salt, bytes[length..]);
        bytes[length++] = (byte)'\n';
        json.CopyTo(bytes[length..]);
        return Hashes.Sha256(bytes[..(length + json.Length)]);
    }

    internal static string OriginJson(string actor, string address) =>
        $$"""{"actor":"{{Encoder.Encode(actor)}}","address":"{{Encoder.Encode(address)}}"}""";

    /// <summary>
    /// The facts and the words of an event, each an object with the members as they are written; empty where there are
    /// none. Null where the text is no object, or holds anything between its members: then it isn't ours.
    /// </summary>
    internal static (byte[] Facts, byte[] Words)? Split(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            var (facts, words) = (new Members(json.Length), new Members(json.Length));
            var expected = 1L;
            Span<char> name = stackalloc char[32];
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var start = reader.TokenStartIndex;
                if (start != expected || json[(int)start] != '"')
                    return null;
                var isWord =
                    !reader.ValueIsEscaped
                    && reader.ValueSpan.Length <= name.Length
                    && IsWord.Contains(name[..Encoding.UTF8.GetChars(reader.ValueSpan, name)]);
                reader.Read();
                reader.Skip();
                var end = (int)reader.BytesConsumed;
                (isWord ? ref words : ref facts).Add(json[(int)start..end]);
                expected = end + 1;
            }
            // Nothing follows the last brace, and nothing stood before the first.
            return
                reader.BytesConsumed == json.Length && json[0] == '{' && (expected == json.Length || json.Length == 2)
                ? (facts.ToArray(), words.ToArray())
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static EventPart? PartOf(string name, string salt, byte[] json)
    {
        var text = json.Length == 0 ? null : Encoding.UTF8.GetString(json);
        if (salt == Nothing)
            return text is null ? new EventPart(name, null, null, Nothing) : null;
        if (salt.Length > 0 && salt[0] == Erased)
            return new EventPart(name, text, null, salt[1..]);
        return text is null ? null : new EventPart(name, text, salt, DigestOf(name, salt, json));
    }

    private struct Members(int most)
    {
        private byte[]? _bytes;
        private int _length;

        public void Add(ReadOnlySpan<byte> member)
        {
            _bytes ??= new byte[most];
            _bytes[_length] = _length == 0 ? (byte)'{' : (byte)',';
            _length++;
            member.CopyTo(_bytes.AsSpan(_length));
            _length += member.Length;
        }

        public readonly byte[] ToArray() => _bytes is null ? [] : [.. _bytes.AsSpan(0, _length), (byte)'}'];
    }
}
