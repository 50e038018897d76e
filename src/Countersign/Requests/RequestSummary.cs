using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// What a request is about, at a glance: the change before its reason, as lists, pages and messages lead with it.
/// </summary>
/// <param name="Headline">What changes.</param>
/// <param name="MoreChanges">How many further changes there are beside the one in the headline.</param>
/// <param name="Reason">Why, in the requester's words; empty where they gave none.</param>
/// <param name="Environment">Where; empty where the content names no environment.</param>
public sealed record RequestSummary(Headline Headline, int MoreChanges, string Reason, string Environment)
{
    private const int MaxHeadline = 200,
        MaxReason = 300,
        MaxEnvironment = 60;

    private static readonly string[] EnvironmentFacts = ["environment.name", "environment", "place"];

    /// <summary>More changes than this are told by their number in lists and messages.</summary>
    public const int MaxChanges = 20;

    /// <summary>The first changes as LaunchDarkly described them; empty where it hasn't.</summary>
    public IReadOnlyList<DescribedChange> Described { get; private init; } = [];

    /// <summary>The flag that changes; empty where the content names none.</summary>
    public string Flag { get; private init; } = "";

    /// <param name="described">What LaunchDarkly said that changes; null where it wasn't asked.</param>
    public static RequestSummary Of(
        SentBy sentBy,
        string subject,
        string message,
        JsonElement facts,
        DescribedChanges? described = null
    )
    {
        if (described is { Changes: [var first, ..] })
        {
            var name = Cut(Text(facts, "flag.name") ?? Text(facts, "flag") ?? "", MaxHeadline);
            var headline = ChangeText.English.Headline(first, name);
            return new RequestSummary(
                headline with
                {
                    After = Cut(headline.After, MaxHeadline),
                },
                described.Changes.Count - 1,
                Cut(Text(facts, "comment") ?? "", MaxReason),
                EnvironmentOf(facts)
            )
            {
                // Lists keep many summaries, and show neither targets nor what isn't understood.
                Described =
                [
                    .. described
                        .Changes.Take(MaxChanges)
                        .Select(c =>
                            c with
                            {
                                Raw = null,
                                Targets = c.Targets is { } t ? t with { First = [] } : null,
                            }
                        ),
                ],
                Flag = name,
            };
        }
        var environment = EnvironmentOf(facts);
        if (sentBy != SentBy.LaunchDarkly)
        {
            return new RequestSummary(
                new Headline(Cut(subject, MaxHeadline), "", ""),
                0,
                Cut(FirstLine(message), MaxReason),
                environment
            );
        }
        var flag = Cut(Text(facts, "flag.name") ?? Text(facts, "flag") ?? "", MaxHeadline);
        var changes = LaunchDarklyChanges.Read(Text(facts, "details") ?? message);
        var comment = Cut(Text(facts, "comment") ?? "", MaxReason);
        if (changes.Count == 0)
        {
            return flag.Length > 0
                ? new RequestSummary(Headline.OfUnknownChange(flag), 0, comment, environment)
                : new RequestSummary(new Headline(Cut(subject, MaxHeadline), "", ""), 0, "", environment);
        }
        return new RequestSummary(
            Headline.Of(Cut(changes[0], MaxHeadline), flag),
            changes.Count - 1,
            comment,
            environment
        );
    }

    /// <summary>The environment that a content names; empty where it names none.</summary>
    public static string EnvironmentOf(JsonElement facts)
    {
        foreach (var name in EnvironmentFacts)
        {
            if (Text(facts, name) is { Length: > 0 } environment)
                return WellFormed.Cut(environment, MaxEnvironment);
        }
        return "";
    }

    private static string? Text(JsonElement facts, string name) =>
        facts.ValueKind == JsonValueKind.Object
        && facts.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static string FirstLine(string text)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (!line.IsWhiteSpace())
                return line.Trim().ToString();
        }
        return "";
    }

    private static string Cut(string text, int max) => text.Length <= max ? text : WellFormed.Cut(text, max - 1) + "…";
}

/// <summary>A sentence that names what changes, with the name set apart so that it can be emphasized.</summary>
/// <param name="Subject">The thing that changes; empty where the sentence names none.</param>
public sealed record Headline(string Before, string Subject, string After)
{
    private const string TheFlag = "the flag";

    /// <summary>Whether only the thing is known, and not what happens to it.</summary>
    public bool IsUnknownChange { get; private init; }

    public string Text => Before + Subject + After;

    public static Headline OfUnknownChange(string flag) => new("Change ", flag, "") { IsUnknownChange = true };

    /// <summary>
    /// "Turn off the flag" names the flag in its place; any other change stands behind the flag's name.
    /// </summary>
    public static Headline Of(string change, string flag)
    {
        if (flag.Length == 0)
            return new Headline(change, "", "");
        var at = change.IndexOf(TheFlag, StringComparison.OrdinalIgnoreCase);
        var end = at + TheFlag.Length;
        var isWord = at >= 0 && (end == change.Length || !char.IsLetterOrDigit(change[end]));
        return isWord ? new Headline(change[..at], flag, change[end..]) : new Headline("", flag, ": " + change);
    }
}

/// <summary>The changes that LaunchDarkly's details list in prose.</summary>
public static class LaunchDarklyChanges
{
    private const string Opening = "Requested change is:",
        OpeningOfMany = "Requested changes are:";
    private const int MaxChanges = 200;

    /// <summary>One entry a change, without bullets; empty where the details don't say what changes.</summary>
    public static IReadOnlyList<string> Read(string details)
    {
        var changes = new List<string>();
        var isOpen = false;
        foreach (var raw in details.AsSpan().EnumerateLines())
        {
            var line = raw.Trim();
            if (!isOpen)
            {
                isOpen = IsOpening(line);
                continue;
            }
            if (line is ['*' or '-' or '•', ' ', ..])
                line = line[2..].TrimStart();
            if (line.IsEmpty)
                continue;
            if (changes.Count == MaxChanges)
                break;
            changes.Add(line.ToString());
        }
        return changes;
    }

    /// <summary>What the details say before they list the changes.</summary>
    public static string BeforeChanges(string details)
    {
        var lines = details.ReplaceLineEndings("\n").Split('\n');
        var at = Array.FindIndex(lines, line => IsOpening(line.AsSpan().Trim()));
        return at < 0 ? details : string.Join('\n', lines, 0, at);
    }

    private static bool IsOpening(ReadOnlySpan<char> line) =>
        line.Equals(Opening, StringComparison.OrdinalIgnoreCase)
        || line.Equals(OpeningOfMany, StringComparison.OrdinalIgnoreCase);
}
