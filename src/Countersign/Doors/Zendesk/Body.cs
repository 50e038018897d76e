using System.Text.Json;
using Countersign.Hosting;

namespace Countersign.Doors.Zendesk;

/// <summary>
/// A JSON body as this door takes it: the members flat or under the name of what they describe, members that nobody
/// knows passed over as the original does, those that are known checked for their type.
/// </summary>
internal sealed class Body
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    private readonly JsonElement _members;

    private Body(JsonElement members, string text, string digest) => (_members, Text, Digest) = (members, text, digest);

    /// <summary>The body as it came, and the digest of all of it.</summary>
    public string Text { get; }
    public string Digest { get; }

    public BodyErrors Mistakes { get; } = new();

    /// <summary>The body, or the answer to one that is none.</summary>
    /// <param name="wrapper">The name under which the members may lie.</param>
    public static async ValueTask<(Body? Body, IResult? Refusal)> Read(HttpContext http, string wrapper)
    {
        if (!http.Request.HasJsonContentType())
        {
            return (
                null,
                Refusal.Titled(
                    StatusCodes.Status415UnsupportedMediaType,
                    "Unsupported media type",
                    "Send JSON, with Content-Type: application/json."
                )
            );
        }
        if (await BodyBytes.Read(http, BodyBytes.MaxSize) is not { } bytes)
        {
            return (
                null,
                Refusal.Titled(
                    StatusCodes.Status413PayloadTooLarge,
                    "Too large",
                    $"A body can have at most {BodyBytes.MaxSize / 1024} KiB."
                )
            );
        }
        try
        {
            var root = JsonElement.Parse(bytes, Strict);
            if (root.ValueKind != JsonValueKind.Object)
                return (null, Unreadable("The body must be a JSON object."));
            // Also reads every text once, so that a lone surrogate is found here and nowhere later.
            var digest = Requests.Digest.Of(root);
            var members =
                root.TryGetProperty(wrapper, out var wrapped) && wrapped.ValueKind == JsonValueKind.Object
                    ? wrapped
                    : root;
            return (new Body(members, System.Text.Encoding.UTF8.GetString(bytes), digest), null);
        }
        catch (JsonException broken)
        {
            return (
                null,
                Unreadable(
                    broken.LineNumber is { } line
                        ? $"The body isn't JSON: line {line + 1}, byte {broken.BytePositionInLine + 1}."
                        : "The body can't be read: it's nested too deeply, or a member appears twice."
                )
            );
        }
        catch (InvalidOperationException)
        {
            return (null, Unreadable("The body contains invalid Unicode (half of a surrogate pair)."));
        }
    }

    /// <summary>
    /// A whole number; null when the member is missing, null or wrong, and then the mistake is noted.
    /// </summary>
    public long? Number(string name, bool required = false)
    {
        if (Find(name) is not { } value)
        {
            if (required)
                Mistakes.Add(name, "This is required.");
            return null;
        }
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number))
            return number;
        Mistakes.Add(name, "This must be a whole number.");
        return null;
    }

    /// <summary>A line of text.</summary>
    public string? Line(string name, int longest, bool required = false)
    {
        var text = String(name, out var isWrong);
        if (!isWrong)
            Mistakes.SingleLine(name, text, longest, required);
        return text?.Trim();
    }

    /// <summary>Text that may have several lines.</summary>
    public string? Lines(string name, int longest, bool required = false)
    {
        var text = String(name, out var isWrong);
        if (!isWrong)
            Mistakes.MultiLine(name, text, longest, required);
        return text;
    }

    /// <summary>
    /// An object inside the body, with mistakes of its own; null when the member is missing or no object.
    /// </summary>
    public Body? Inside(string name) =>
        Find(name) is { ValueKind: JsonValueKind.Object } inner ? new Body(inner, "", "") : null;

    /// <summary>The member as it came; null when it is missing or null.</summary>
    public JsonElement? Find(string name) =>
        _members.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private string? String(string name, out bool isWrong)
    {
        isWrong = false;
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        isWrong = true;
        Mistakes.Add(name, "This must be a string.");
        return null;
    }

    private static IResult Unreadable(string why) =>
        Refusal.Titled(StatusCodes.Status400BadRequest, "Invalid request", why);
}
