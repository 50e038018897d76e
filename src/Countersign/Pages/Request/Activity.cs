using System.Globalization;
using System.Text.Json;
using Countersign.Pages.Layout;
using Countersign.Pages.Prose;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Request;

/// <summary>One sentence of what happened: "Jane Doe approved".</summary>
/// <param name="Verb">What follows the name.</param>
public sealed record ActivityEntry(string Who, bool IsPerson, string Verb, DateTimeOffset At, Tone Tone)
{
    /// <summary>The position of the event; null for what is told of a person's absence.</summary>
    public long? N { get; init; }

    public bool IsReader { get; init; }

    /// <summary>Through what, where it wasn't a page.</summary>
    public string? Via { get; init; }

    /// <summary>What the request became with it.</summary>
    public string? Result { get; init; }

    /// <summary>What was said with it.</summary>
    public IReadOnlyList<TextBlock> Said { get; init; } = [];

    /// <summary>Of an absence: from when, where it is still to come, until when, and who stands in.</summary>
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? Until { get; init; }
    public string? Note { get; init; }
}

/// <summary>
/// What has happened, oldest first: opened, commented, decided, closed, applied; and which reviewers were out of
/// office.
/// </summary>
internal static class Activity
{
    private const string Prefix = "request.";

    public static IEnumerable<ActivityEntry> Of(RequestPageModel model, IStringLocalizer t)
    {
        var absences = new Queue<AbsenceNews>(model.Absences);
        foreach (var e in model.Story.Events)
        {
            while (absences.TryPeek(out var news) && news.At <= Instant.Parse(e.At))
                yield return Absence(model, t, absences.Dequeue());
            if (Entry(model, t, e) is { } entry)
                yield return entry;
        }
        foreach (var news in absences)
            yield return Absence(model, t, news);
    }

    private static ActivityEntry? Entry(RequestPageModel model, IStringLocalizer t, StoredEvent e)
    {
        using var document = JsonDocument.Parse(e.Data);
        var data = document.RootElement;
        // An override is told as one act, though the approval that follows from it is an event of its own.
        if (e.Kind == "request.approved" && Is(data, "breakGlass"))
            return null;
        var answer = Text(data, "answer") is { } word ? WireNames.AnswerOf(word) : null;
        var (who, isPerson) = Who(model, t, e, data);
        return new ActivityEntry(
            who,
            isPerson,
            Verb(model, t, e, answer, data),
            Instant.Parse(e.At),
            ToneOf(e.Kind, answer)
        )
        {
            N = e.N,
            IsReader = e.Actor == Actor.Person(model.Me).Text,
            Via = t.Find("request.via." + e.Via),
            Result = answer is null ? null : t.Find("request.result." + e.Kind[Prefix.Length..]),
            Said = model.IsErased(e.Actor) ? [] : MarkdownText.Read(Said(data) ?? ""),
        };
    }

    private static string Verb(
        RequestPageModel model,
        IStringLocalizer t,
        StoredEvent e,
        Answer? answer,
        JsonElement data
    )
    {
        if (answer is { } given)
            return t["request.answered." + given.ToWireName()];
        if (Is(data, "expired"))
            return t["request.event.expired"];
        var (name, kind) = ("request.event." + e.Kind[Prefix.Length..], e.Kind[Prefix.Length..]);
        if (kind == "breached" && data.TryGetProperty("approvedByRequester", out _))
            name += ".byRequester";
        // On the command line a review is delegated for the reviewer.
        return
            e.Actor == Actor.Operator.Text
            && t.Find(name + ".for", Other(model, t, data), Named(model, t, data, "person")) is { } forPerson
            ? forPerson
            : t.Find(name, Other(model, t, data)) ?? kind.Replace('_', ' ');
    }

    /// <summary>The person or group that the sentence names beside the one who did it.</summary>
    private static string Other(RequestPageModel model, IStringLocalizer t, JsonElement data) =>
        data.TryGetProperty("delegate", out _) ? Named(model, t, data, "delegate") : Text(data, "name") ?? "";

    private static string Named(RequestPageModel model, IStringLocalizer t, JsonElement data, string member) =>
        data.TryGetProperty(member, out var id) && id.ValueKind == JsonValueKind.Number
            ? model.NameOf(id.GetInt64()) ?? t["request.someone"]
            : t["request.someone"];

    private static Tone ToneOf(string kind, Answer? answer) =>
        answer is { } given
            ? Tones.Of(given)
            : kind switch
            {
                "request.breached" or "request.disowned" or "request.redemption_refused" => Tone.Danger,
                "request.broke_glass" => Tone.Override,
                "request.revised" or "request.conflicted" or "request.stuck" => Tone.Warning,
                "request.applied" or "request.redeemed" => Tone.Success,
                _ => Tone.Neutral,
            };

    private static ActivityEntry Absence(RequestPageModel model, IStringLocalizer t, AbsenceNews news)
    {
        var isAhead = news.Turn == AbsenceTurn.Announced;
        var isAway = isAhead || news.Turn == AbsenceTurn.Left;
        return new ActivityEntry(
            model.NameOf(news.PersonId) ?? t["request.someone"],
            IsPerson: true,
            t[
                news.Turn switch
                {
                    AbsenceTurn.Announced => "request.absence.announced",
                    AbsenceTurn.Left => "request.absence.left",
                    AbsenceTurn.Returned => "request.absence.returned",
                    _ => "request.absence.canceled",
                }
            ],
            news.At,
            Tone.Neutral
        )
        {
            From = isAhead ? news.From : null,
            Until = isAway ? news.Until : null,
            Note =
                !isAway ? null
                : model.DelegateNamed(news.StandIn) is { } other ? t["request.delegate", other].Value
                : t["request.delegate.none"].Value,
        };
    }

    private static (string Name, bool IsPerson) Who(
        RequestPageModel model,
        IStringLocalizer t,
        StoredEvent e,
        JsonElement data
    )
    {
        var colon = e.Actor.IndexOf(':', StringComparison.Ordinal);
        var id = 0L;
        if (colon >= 0)
            _ = long.TryParse(e.Actor.AsSpan(colon + 1), CultureInfo.InvariantCulture, out id);
        return e.Actor.AsSpan(0, Math.Max(0, colon)) switch
        {
            "person" when model.NameOf(id) is { } name => (name, true),
            "source" when model.Directory.Sources.GetValueOrDefault(id) is { } source => (source.Name, false),
            // A destination is called what it was called then.
            "destination" => (Text(data, "destination") ?? t["request.destination"], false),
            _ => e.Actor switch
            {
                "hub" => ("Countersign", false),
                "operator" => (t["request.operator"], false),
                _ => (t["request.someone"], false),
            },
        };
    }

    /// <summary>The comment or reason that came with it, by any of its names.</summary>
    private static string? Said(JsonElement data) =>
        Text(data, "note")
        ?? Text(data, "text")
        ?? Text(data, "reason")
        ?? (
            Text(data, "why") is { } why
                ? Text(data, "fix") is { } fix
                    ? $"{why}. {fix}."
                    : why
                : null
        );

    private static string? Text(JsonElement data, string name) =>
        data.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool Is(JsonElement data, string name) =>
        data.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
}
