using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;
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

    public static Answer Of(string id, ApprovalRequest request, int code = StatusCodes.Status200OK) => Of(id, request.Status, request.Display, code);

    public static Answer Of(string id, Status status, string display, int code = StatusCodes.Status200OK) => new(code, JsonText.BytesOf((id, status, display), static (writer, of) =>
    {
        writer.WriteStartObject();
        writer.WriteString("_id"u8, of.id);
        writer.WriteStartObject("status"u8);
        writer.WriteString("value"u8, of.status.LaunchDarkly());
        writer.WriteString("display"u8, Plainly.Line(of.display, LongestDisplay));
        writer.WriteEndObject();
        writer.WriteEndObject();
    }));

    public static Answer Refusal(int code, string name, string message) => new(code, JsonText.BytesOf((name, message), static (writer, of) =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("error"u8);
        writer.WriteString("code"u8, of.name);
        writer.WriteString("message"u8, of.message);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }));

    /// <summary>The same for an id that nobody asked under and one of another source.</summary>
    public static Answer NotFound() => Refusal(StatusCodes.Status404NotFound, "not_found", "This source has asked for no approval with this id.");

    public static Answer Of(Action<Utf8JsonWriter> write) => new(StatusCodes.Status200OK, JsonText.BytesOf(write, static (writer, write) => write(writer)));
}
