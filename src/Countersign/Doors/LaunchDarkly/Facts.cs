using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// What a creation says, for people: how it reads, and by which names pages, policies and messages find its parts. A part
/// that LaunchDarkly left out is no fact; a form variable that was left blank is one.
/// </summary>
internal static class Facts
{
    private const int LongestSubject = 1_000;
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The comment; without one what LaunchDarkly says in short.</summary>
    public static string Subject(CreationBody body) => Plainly.Line(
        body.Comment.Length > 0 ? body.Comment
        : body.ShortDescription.Length > 0 ? body.ShortDescription
        : body.Flag.Name.Length > 0 ? $"A change of {body.Flag.Name}"
        : $"LaunchDarkly approval {body.Id}", LongestSubject);

    /// <summary>The details, without the comment that LaunchDarkly repeats in their first line.</summary>
    public static string Message(CreationBody body)
    {
        var details = body.Details.ReplaceLineEndings("\n");
        if (body.Comment.Length == 0)
            return body.Details;
        foreach (var opening in new[] { $"Created approval request: {body.Comment}", body.Comment })
        {
            var comment = opening.ReplaceLineEndings("\n");
            if (details.StartsWith(comment, StringComparison.Ordinal) && details.AsSpan(comment.Length).TrimStart(" \t") is [] or ['\n', ..])
                return details[comment.Length..].TrimStart();
        }
        return body.Details;
    }

    /// <param name="received">LaunchDarkly's timestamp is when it was asked, or the future moment for which a change is scheduled.</param>
    public static string Json(CreationBody body, Requester requester, DateTimeOffset received)
    {
        var facts = new Dictionary<string, object>(StringComparer.Ordinal);
        Add(facts, "project", body.Project);
        Add(facts, "environment", body.Environment);
        Add(facts, "flag", body.Flag);
        Add(facts, "requester", requester.Name);
        Add(facts, "requester.email", body.RequesterEmail);
        Add(facts, "comment", body.Comment);
        Add(facts, "details", body.Details);
        Add(facts, "description", body.ShortDescription);
        foreach (var (key, value) in body.Form)
            facts.TryAdd($"form.{key}", value);
        if (Time(body.Timestamp) is { } time)
        {
            Add(facts, "timestamp", Instant.ToText(time));
            if (time > received.AddMinutes(1))
                Add(facts, "scheduled", Instant.ToText(time));
        }
        // Whatever a page makes of it, it can only ever lead to a page.
        if (Uri.TryCreate(body.Link, UriKind.Absolute, out var link) && link.Scheme is "https" or "http")
            Add(facts, "link", body.Link);
        return Write(facts);
    }

    private static void Add(Dictionary<string, object> facts, string name, string value)
    {
        if (value.Length > 0)
            facts.TryAdd(name, value);
    }

    private static void Add(Dictionary<string, object> facts, string name, CreationBody.Named named)
    {
        Add(facts, name, named.Key);
        Add(facts, name + ".name", named.Name);
        if (named.Tags.Count > 0)
            facts.TryAdd(name + ".tags", named.Tags);
    }

    private static DateTimeOffset? Time(string milliseconds) =>
        long.TryParse(milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(number)
            : null;

    private static string Write(Dictionary<string, object> facts)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in facts)
            {
                if (value is string text)
                {
                    writer.WriteString(name, text);
                    continue;
                }
                writer.WriteStartArray(name);
                foreach (var item in (IReadOnlyList<string>)value)
                    writer.WriteStringValue(item);
                writer.WriteEndArray();
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
