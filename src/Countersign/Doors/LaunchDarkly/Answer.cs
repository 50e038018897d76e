using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Requests;
using Countersign.Web;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// What LaunchDarkly reads: <c>/_id</c>, <c>/status/value</c> and <c>/status/display</c>. The value comes from the table
/// of words and nowhere else, because LaunchDarkly looks for "approved" and "declined" anywhere inside it.
/// </summary>
internal sealed class Answer(int code, ReadOnlyMemory<byte> json) : JsonAnswer(code, json)
{
    /// <summary>LaunchDarkly shows it in a narrow column; why nobody could make a request pass, and what would, fits.</summary>
    public const int LongestDisplay = 240;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Answer Of(string id, ApprovalRequest request, int code = StatusCodes.Status200OK) => Of(id, request.Status, request.Display, code);

    public static Answer Of(string id, Status status, string display, int code = StatusCodes.Status200OK) => new(code, Written(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("_id"u8, id);
        writer.WriteStartObject("status"u8);
        writer.WriteString("value"u8, status.LaunchDarkly());
        writer.WriteString("display"u8, Plainly.Line(display, LongestDisplay));
        writer.WriteEndObject();
        writer.WriteEndObject();
    }));

    public static Answer Refusal(int code, string name, string message) => new(code, Written(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("error"u8);
        writer.WriteString("code"u8, name);
        writer.WriteString("message"u8, message);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }));

    /// <summary>The same for an id that nobody asked under and one of another source.</summary>
    public static Answer NotFound() => Refusal(StatusCodes.Status404NotFound, "not_found", "This source has asked for no approval with this id.");

    public static Answer Of(Action<Utf8JsonWriter> write) => new(StatusCodes.Status200OK, Written(write));

    private static ReadOnlyMemory<byte> Written(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
            write(writer);
        return buffer.WrittenMemory;
    }
}
