using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// The digest that answers refer to: SHA-256 over the whole parsed body in canonical form. Members are sorted
/// ordinally, there is no white space, and numbers keep their raw text, so two bodies have one digest exactly when they
/// say the same.
/// </summary>
public static class Digest
{
    private static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>Of an object with more members than this the sorting library sorts better.</summary>
    private const int Few = 32;

    /// <summary>What stands in a body as it stands in the canonical form.</summary>
    private static readonly SearchValues<byte> Same = SearchValues.Create([
        .. Enumerable.Range(0x20, 0x5F).Select(c => (byte)c).Where(c => c is not ((byte)'\\' or (byte)'"')),
    ]);

    /// <summary>The second half of an escape that the canonical form writes in the same way.</summary>
    private static readonly SearchValues<byte> SameEscapes = SearchValues.Create("nrtbf\\\""u8);

    public static string Of(JsonElement body)
    {
        var canonical = new ArrayBufferWriter<byte>(4096);
        Write(canonical, body);
        return Hashes.Sha256(canonical.WrittenSpan);
    }

    public static string Of(string body)
    {
        using var document = JsonDocument.Parse(body);
        return Of(document.RootElement);
    }

    /// <summary>The canonical form itself, of which <see cref="Of(string)"/> is the hash.</summary>
    public static string TextOf(string body)
    {
        using var document = JsonDocument.Parse(body);
        var canonical = new ArrayBufferWriter<byte>(4096);
        Write(canonical, document.RootElement);
        return Encoding.UTF8.GetString(canonical.WrittenSpan);
    }

    private static void Write(ArrayBufferWriter<byte> canonical, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                canonical.Write("{"u8);
                var isFirst = true;
                foreach (var member in Sorted(value))
                {
                    canonical.Write(isFirst ? "\""u8 : ",\""u8);
                    isFirst = false;
                    WriteText(canonical, JsonMarshal.GetRawUtf8PropertyName(member), member, static m => m.Name);
                    canonical.Write("\":"u8);
                    Write(canonical, member.Value);
                }
                canonical.Write("}"u8);
                break;
            case JsonValueKind.Array:
                canonical.Write("["u8);
                var comma = ""u8;
                foreach (var item in value.EnumerateArray())
                {
                    canonical.Write(comma);
                    Write(canonical, item);
                    comma = ","u8;
                }
                canonical.Write("]"u8);
                break;
            case JsonValueKind.String:
                canonical.Write("\""u8);
                WriteText(canonical, JsonMarshal.GetRawUtf8Value(value)[1..^1], value, static v => v.GetString()!);
                canonical.Write("\""u8);
                break;
            case JsonValueKind.Undefined:
                canonical.Write("null"u8);
                break;
            default:
                canonical.Write(JsonMarshal.GetRawUtf8Value(value));
                break;
        }
    }

    /// <summary>Most texts are plain and stand as they came; the others are read and written anew.</summary>
    private static void WriteText<T>(
        ArrayBufferWriter<byte> canonical,
        ReadOnlySpan<byte> raw,
        T from,
        Func<T, string> read
    )
    {
        if (IsCanonical(raw))
            canonical.Write(raw);
        else
            canonical.Write(JsonEncodedText.Encode(read(from), Encoder).EncodedUtf8Bytes);
    }

    private static bool IsCanonical(ReadOnlySpan<byte> raw)
    {
        while (true)
        {
            var other = raw.IndexOfAnyExcept(Same);
            if (other < 0)
                return true;
            if (raw[other] != '\\' || other + 1 >= raw.Length || !SameEscapes.Contains(raw[other + 1]))
                return false;
            raw = raw[(other + 2)..];
        }
    }

    private static IEnumerable<JsonProperty> Sorted(JsonElement value)
    {
        var count = value.GetPropertyCount();
        if (count > Few)
            return value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal);
        var members = new JsonProperty[count];
        var filled = 0;
        foreach (var member in value.EnumerateObject())
        {
            var at = filled++;
            for (; at > 0 && Compare(members[at - 1], member) > 0; at--)
                members[at] = members[at - 1];
            members[at] = member;
        }
        return members;
    }

    private static int Compare(in JsonProperty left, in JsonProperty right)
    {
        var one = JsonMarshal.GetRawUtf8PropertyName(left);
        var other = JsonMarshal.GetRawUtf8PropertyName(right);
        // Beyond ASCII the order of bytes is not that of characters, and an escape hides one.
        return IsPlain(one) && IsPlain(other)
            ? one.SequenceCompareTo(other)
            : string.CompareOrdinal(left.Name, right.Name);
    }

    private static bool IsPlain(ReadOnlySpan<byte> name) => !name.ContainsAnyExcept(Same);
}
