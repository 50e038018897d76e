using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>Why a body is no creation: in words for whoever set up the integration, and the text that came.</summary>
internal sealed record Unreadable(string Why, string Text);

/// <summary>
/// The body of a creation as LaunchDarkly renders it from a template. Everything but <c>_id</c> may be missing, empty
/// or of another type than usual, and what we do not know is kept in the text. <see cref="Field"/> says which members
/// come HTML-escaped.
/// </summary>
internal sealed partial class CreationBody
{
    /// <summary>A template can repeat a member; which of the two was meant nobody can say.</summary>
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    private CreationBody(string id, string text, string digest, JsonElement root)
    {
        (Id, Text, Digest) = (id, text, digest);
        Comment = Field.Raw(root, "comment").Trim();
        Details = Field.Raw(root, "details");
        ShortDescription = Field.Raw(root, "shortDescription").Trim();
        Timestamp = Field.Raw(root, "timestamp").Trim();
        Link = Field.Escaped(root, "_site", "href");
        RequesterEmail = Field.Escaped(root, "requestedBy", "email").Trim();
        Project = new Named(
            Field.Escaped(root, "project", "key"),
            Field.Raw(root, "project", "name"),
            Field.List(root, escaped: false, "project", "tags")
        );
        Environment = new Named(
            Field.Escaped(root, "environment", "key"),
            Field.Raw(root, "environment", "name"),
            Field.List(root, escaped: true, "environment", "tags")
        );
        Flag = new Named(
            Field.Escaped(root, "flag", "key"),
            Field.Raw(root, "flag", "name"),
            Field.List(root, escaped: true, "flag", "tags")
        );
        // The page about set-up calls them by another name than the template does.
        var form = new List<(string, string)>(4);
        Field.Form(root, "approvalFormVariables", form);
        Field.Form(root, "additionalFormVariables", form);
        Form = form;
    }

    public string Id { get; }

    /// <summary>The body as it came, but for half surrogate pairs.</summary>
    public string Text { get; }
    public string Digest { get; }
    public string Comment { get; }
    public string Details { get; }
    public string ShortDescription { get; }
    public string Timestamp { get; }
    public string Link { get; }
    public string RequesterEmail { get; }
    public Named Project { get; }
    public Named Environment { get; }
    public Named Flag { get; }
    public IReadOnlyList<(string Key, string Value)> Form { get; }

    /// <summary>A project, an environment or a flag. If it is missing, everything is empty.</summary>
    public sealed record Named(string Key, string Name, IReadOnlyList<string> Tags);

    /// <summary>The body, or why it is none.</summary>
    public static (CreationBody? Body, Unreadable? Problem) Read(byte[] sent)
    {
        var bytes = sent.AsMemory(sent.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0);
        var text = Encoding.UTF8.GetString(bytes.Span);
        if (!Utf8.IsValid(bytes.Span))
        {
            return (null, new Unreadable($"The body isn't valid UTF-8 at byte {FirstInvalid(bytes.Span) + 1}.", text));
        }
        try
        {
            // The text is kept, hashed and read again later, so it is mended before anything else looks at it.
            var mended = WellFormed.Json(text);
            using var document = JsonDocument.Parse(
                ReferenceEquals(mended, text) ? bytes : Encoding.UTF8.GetBytes(mended),
                Strict
            );
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                return (null, new Unreadable("The body must be a JSON object.", text));
            if (
                !root.TryGetProperty("_id", out var id)
                || id.ValueKind != JsonValueKind.String
                || !LaunchDarklyApprovalId.IsOne(id.GetString()!)
            )
            {
                return (
                    null,
                    new Unreadable("_id must be the approval's ID: 1 to 200 letters, digits, - and _.", text)
                );
            }
            return (new CreationBody(id.GetString()!, mended, Requests.Digest.Of(root), root), null);
        }
        catch (JsonException broken)
        {
            return (null, new Unreadable(Why(broken, text), text));
        }
    }

    private static string Why(JsonException broken, string text)
    {
        if (broken.LineNumber is not { } line)
            return "The body isn't the expected JSON: a member appears twice.";
        var why = $"The body isn't JSON: line {line + 1}, byte {(broken.BytePositionInLine ?? 0) + 1}.";
        return text.Contains("map[", StringComparison.Ordinal)
                ? why
                    + " It contains a dump of LaunchDarkly's own data, which happens when an additional form "
                    + "variable has no value. Give each one a default."
            : EscapedQuote().IsMatch(text)
                ? why
                    + " It contains a quote that was escaped twice, as older versions of the integration do. "
                    + "Leave quotes out of names and comments, or use the current integration."
            : why;
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        var characters = new char[bytes.Length];
        Utf8.ToUtf16(bytes, characters, out var read, out _, replaceInvalidSequences: false);
        return read;
    }

    [GeneratedRegex("""\\&(?:quot|#34|#x22);""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex EscapedQuote();
}

/// <summary>
/// Reads one member of any type. LaunchDarkly's template writes some members with <c>{{ }}</c>, which
/// HTML-escapes, and the others with <c>{{{ }}}</c>, which does not: a flag whose name really is <c>R&amp;amp;D</c>
/// keeps it.
/// </summary>
internal static class Field
{
    /// <summary>The text at this path, as it is, or "" if it is missing.</summary>
    public static string Raw(JsonElement root, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(name, out root))
                return "";
        }
        return TextOf(root);
    }

    /// <summary>The text at this path, of which the template escaped the characters that HTML minds.</summary>
    public static string Escaped(JsonElement root, params ReadOnlySpan<string> path) =>
        Entities.Decode(Raw(root, path));

    public static IReadOnlyList<string> List(JsonElement root, bool escaped, string parent, string name) =>
        root.TryGetProperty(parent, out var holder)
        && holder.ValueKind == JsonValueKind.Object
        && holder.TryGetProperty(name, out var list)
        && list.ValueKind == JsonValueKind.Array
            ? Texts(list, escaped)
            : [];

    private static List<string> Texts(JsonElement list, bool escaped)
    {
        var texts = new List<string>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            if (TextOf(item) is { Length: > 0 } text)
                texts.Add(escaped ? Entities.Decode(text) : text);
        }
        return texts;
    }

    /// <summary>
    /// Form variables: the template makes texts of all values, escapes the keys, and promises no order.
    /// </summary>
    public static void Form(JsonElement root, string name, List<(string Key, string Value)> into)
    {
        if (!root.TryGetProperty(name, out var form) || form.ValueKind != JsonValueKind.Object)
            return;
        foreach (var variable in form.EnumerateObject())
            into.Add((Entities.Decode(SafeText.Text(variable.Name)), TextOf(variable.Value)));
    }

    private static string TextOf(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => SafeText.Text(value.GetString()!),
            JsonValueKind.Null or JsonValueKind.Undefined => "",
            _ => value.GetRawText(),
        };
}

/// <summary>The characters that a template escapes, in the spellings of the renderers that are known.</summary>
internal static partial class Entities
{
    public static string Decode(string text) =>
        text.Contains('&', StringComparison.Ordinal)
            ? Known()
                .Replace(
                    text,
                    match =>
                        match.ValueSpan switch
                        {
                            "&amp;" => "&",
                            "&lt;" => "<",
                            "&gt;" => ">",
                            "&quot;" => "\"",
                            "&apos;" => "'",
                            var number => (
                                (char)(
                                    number[2] is 'x' or 'X'
                                        ? int.Parse(
                                            number[3..^1],
                                            NumberStyles.AllowHexSpecifier,
                                            CultureInfo.InvariantCulture
                                        )
                                        : int.Parse(number[2..^1], NumberStyles.None, CultureInfo.InvariantCulture)
                                )
                            ).ToString(),
                        }
                )
            : text;

    [GeneratedRegex(
        "&(?:amp|lt|gt|quot|apos|#39|#34|#38|#60|#62|#[xX](?:22|26|27|3[cC]|3[eE]|3[dD]|60));",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex Known();
}
