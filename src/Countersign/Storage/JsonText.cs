using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Countersign.Storage;

/// <summary>
/// JSON written by hand into memory that each thread keeps, so that what is written thousands of times a second leaves
/// nothing behind but its result. Characters beyond ASCII stand as they are.
/// </summary>
internal sealed class JsonText : IDisposable
{
    /// <summary>Beyond this the memory is given back; hardly anything is as long.</summary>
    private const int LargestKept = 64 * 1024;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Null while it is in use, so that whoever writes JSON within JSON gets another.</summary>
    [ThreadStatic]
    private static JsonText? _idle;

    private readonly ArrayBufferWriter<byte> _bytes = new(4096);
    private readonly Utf8JsonWriter _json;

    private JsonText() => _json = new Utf8JsonWriter(_bytes, Plain);

    public static string Of<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        using var text = Take();
        return Encoding.UTF8.GetString(text.Written(value, write));
    }

    public static byte[] BytesOf<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        using var text = Take();
        return text.Written(value, write).ToArray();
    }

    /// <summary>The hash of bytes that need not be JSON.</summary>
    public static string Sha256Of<T>(T value, Action<ArrayBufferWriter<byte>, T> write)
    {
        using var text = Take();
        write(text._bytes, value);
        return Hashes.Sha256(text._bytes.WrittenSpan);
    }

    /// <summary>Back to the thread, for its next text.</summary>
    public void Dispose()
    {
        if (_bytes.Capacity <= LargestKept)
            _idle = this;
        else
            _json.Dispose();
    }

    private static JsonText Take()
    {
        var text = _idle ?? new JsonText();
        _idle = null;
        text._bytes.ResetWrittenCount();
        text._json.Reset();
        return text;
    }

    private ReadOnlySpan<byte> Written<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        write(_json, value);
        _json.Flush();
        return _bytes.WrittenSpan;
    }
}
