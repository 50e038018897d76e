using System.Globalization;
using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// What a creation says, for people: how it reads, and by which names pages, policies and messages find its parts. A
/// part that LaunchDarkly left out is no fact; a form variable that was left blank is one.
/// </summary>
internal static class Facts
{
    private const int MaxSubject = 1_000;

    /// <summary>The comment; without one what LaunchDarkly says in short.</summary>
    public static string Subject(CreationBody body) =>
        SafeText.Line(
            body.Comment.Length > 0 ? body.Comment
                : body.ShortDescription.Length > 0 ? body.ShortDescription
                : body.Flag.Name.Length > 0 ? $"A change of {body.Flag.Name}"
                : $"LaunchDarkly approval {body.Id}",
            MaxSubject
        );

    /// <summary>The details, without the comment that LaunchDarkly repeats in their first line.</summary>
    public static string Message(CreationBody body)
    {
        var details = body.Details.ReplaceLineEndings("\n");
        if (body.Comment.Length == 0)
            return body.Details;
        foreach (var opening in new[] { $"Created approval request: {body.Comment}", body.Comment })
        {
            var comment = opening.ReplaceLineEndings("\n");
            if (
                details.StartsWith(comment, StringComparison.Ordinal)
                && details.AsSpan(comment.Length).TrimStart(" \t") is [] or ['\n', ..]
            )
            {
                return details[comment.Length..].TrimStart();
            }
        }
        return body.Details;
    }

    /// <param name="received">LaunchDarkly's timestamp is when it was asked, or the future moment for which a change is
    /// scheduled.</param>
    /// <param name="formProblems">What is wrong with the form variables, as the source's form says.</param>
    public static string Json(
        CreationBody body,
        Requester requester,
        DateTimeOffset received,
        IReadOnlyList<string>? formProblems = null
    )
    {
        var facts = new JsonObject();
        AddNamed(facts, "project", body.Project);
        AddNamed(facts, "environment", body.Environment);
        AddNamed(facts, "flag", body.Flag);
        Add(facts, "requester", requester.Name);
        Add(facts, "requester.email", body.RequesterEmail);
        Add(facts, "comment", body.Comment);
        Add(facts, "details", body.Details);
        Add(facts, "description", body.ShortDescription);
        // Of two variables whose names are one when unescaped, the first counts.
        foreach (var (key, value) in body.Form)
            facts.TryAdd($"form.{key}", value);
        if (formProblems is { Count: > 0 })
            facts.Add(SourceForm.ProblemsFact, new JsonArray([.. formProblems.Select(p => JsonValue.Create(p))]));
        if (Time(body.Timestamp) is { } time)
        {
            var text = Instant.ToText(time);
            Add(facts, "timestamp", text);
            if (time > received.AddMinutes(1))
                Add(facts, "scheduled", text);
        }
        // Limited to web addresses, so that a link on a page can only lead to a page.
        if (Uri.TryCreate(body.Link, UriKind.Absolute, out var link) && link.Scheme is "https" or "http")
            Add(facts, "link", body.Link);
        return facts.ToJsonString(History.Json);
    }

    private static void Add(JsonObject facts, string name, string value)
    {
        if (value.Length > 0)
            facts.Add(name, value);
    }

    private static void AddNamed(JsonObject facts, string name, CreationBody.Named named)
    {
        Add(facts, name, named.Key);
        Add(facts, $"{name}.name", named.Name);
        if (named.Tags.Count > 0)
            facts.Add($"{name}.tags", new JsonArray([.. named.Tags.Select(tag => JsonValue.Create(tag))]));
    }

    private static DateTimeOffset? Time(string milliseconds) =>
        long.TryParse(milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(number)
            : null;
}
