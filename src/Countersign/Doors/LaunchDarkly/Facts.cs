using System.Globalization;
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
    public static string Json(CreationBody body, Requester requester, DateTimeOffset received) => JsonText.Of((body, requester, received), static (json, of) =>
    {
        var (body, requester, received) = of;
        json.WriteStartObject();
        Write(json, "project", "project.name", "project.tags", body.Project);
        Write(json, "environment", "environment.name", "environment.tags", body.Environment);
        Write(json, "flag", "flag.name", "flag.tags", body.Flag);
        Write(json, "requester", requester.Name);
        Write(json, "requester.email", body.RequesterEmail);
        Write(json, "comment", body.Comment);
        Write(json, "details", body.Details);
        Write(json, "description", body.ShortDescription);
        WriteForm(json, body.Form);
        if (Time(body.Timestamp) is { } time)
        {
            var text = Instant.ToText(time);
            Write(json, "timestamp", text);
            if (time > received.AddMinutes(1))
                Write(json, "scheduled", text);
        }
        // Whatever a page makes of it, it can only ever lead to a page.
        if (Uri.TryCreate(body.Link, UriKind.Absolute, out var link) && link.Scheme is "https" or "http")
            Write(json, "link", body.Link);
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, string name, string value)
    {
        if (value.Length > 0)
            json.WriteString(name, value);
    }

    private static void Write(Utf8JsonWriter json, string key, string name, string tags, CreationBody.Named named)
    {
        Write(json, key, named.Key);
        Write(json, name, named.Name);
        if (named.Tags.Count == 0)
            return;
        json.WriteStartArray(tags);
        foreach (var tag in named.Tags)
            json.WriteStringValue(tag);
        json.WriteEndArray();
    }

    /// <summary>Of two variables whose names are one when unescaped, the first counts.</summary>
    private static void WriteForm(Utf8JsonWriter json, IReadOnlyList<(string Key, string Value)> form)
    {
        var written = form.Count > 1 ? new HashSet<string>(StringComparer.Ordinal) : null;
        foreach (var (key, value) in form)
        {
            if (written is null || written.Add(key))
                json.WriteString($"form.{key}", value);
        }
    }

    private static DateTimeOffset? Time(string milliseconds) =>
        long.TryParse(milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(number)
            : null;
}
