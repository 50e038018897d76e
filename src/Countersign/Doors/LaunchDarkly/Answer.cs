using System.ComponentModel.DataAnnotations;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Hosting;
using Countersign.Requests;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// What LaunchDarkly reads: <c>/_id</c>, <c>/status/value</c> and <c>/status/display</c>. The value comes from the
/// table of words and nowhere else, because LaunchDarkly looks for "approved" and "declined" anywhere inside it.
/// </summary>
internal sealed class Answer(int code, ReadOnlyMemory<byte> json) : JsonResponse(code, json)
{
    /// <summary>
    /// LaunchDarkly shows it in a narrow column; why nobody could make a request pass, and what would, fits.
    /// </summary>
    public const int MaxDisplay = 240;

    public static Answer Of(string id, ApprovalRequest request, int code = StatusCodes.Status200OK) =>
        Of(id, request.Status, request.Display, code);

    public static Answer Of(string id, Status status, string display, int code = StatusCodes.Status200OK)
    {
        var approval = new ApprovalText(
            id,
            new StatusText(status.ToLaunchDarkly(), SafeText.Line(display, MaxDisplay))
        );
        return new(code, JsonSerializer.SerializeToUtf8Bytes(approval, LaunchDarklyJson.Wire.ApprovalText));
    }

    public static Answer Refusal(int code, string name, string message) =>
        new(
            code,
            JsonSerializer.SerializeToUtf8Bytes(new RefusalText(new(name, message)), LaunchDarklyJson.Wire.RefusalText)
        );

    /// <summary>The same for an id that nobody asked under and one of another source.</summary>
    public static Answer NotFound() =>
        Refusal(StatusCodes.Status404NotFound, "not_found", "This source has no approval request with this ID.");

    public static Answer Of(IReadOnlyList<OptionText> options) =>
        new(
            StatusCodes.Status200OK,
            JsonSerializer.SerializeToUtf8Bytes(new OptionsText(options), LaunchDarklyJson.Wire.OptionsText)
        );

    public static Answer Of(IReadOnlyList<MemberText> members) =>
        new(
            StatusCodes.Status200OK,
            JsonSerializer.SerializeToUtf8Bytes(new MembersText(members), LaunchDarklyJson.Wire.MembersText)
        );
}

internal sealed record ApprovalText([property: JsonPropertyName("_id")] string Id, StatusText Status);

internal sealed record StatusText(
    [AllowedValues("pending", "approved", "declined", "cancelled")] string Value,
    [MaxLength(Answer.MaxDisplay)] string Display
);

internal sealed record RefusalText(ErrorText Error);

internal sealed record ErrorText(string Code, string Message);

internal sealed record MembersText(IReadOnlyList<MemberText> Members);

internal sealed record MemberText(string Name, string Email);

internal sealed record OptionsText(IReadOnlyList<OptionText> Options);

internal sealed record OptionText(string Label, string Value);

[JsonSerializable(typeof(OptionsText))]
[JsonSerializable(typeof(ApprovalText))]
[JsonSerializable(typeof(RefusalText))]
[JsonSerializable(typeof(MembersText))]
internal sealed partial class LaunchDarklyJson : JsonSerializerContext
{
    /// <summary>Characters beyond ASCII stand as they are.</summary>
    public static readonly LaunchDarklyJson Wire = new(
        new JsonSerializerOptions(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
    );
}
