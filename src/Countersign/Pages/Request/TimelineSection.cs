using System.Text.Json;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Pages.Request;

/// <summary>
/// What has happened, oldest first: asked, answered, said, settled, applied; and who of those who are asked was away.
/// </summary>
internal static class TimelineSection
{
    public static void Write(Html html, RequestPageModel sight)
    {
        html.Add(
            $"<section class=\"sheet\" id=\"timeline\" data-part><h2>{html.Says.History}</h2><ol class=\"timeline\">"
        );
        var absences = new Queue<AbsenceNews>(sight.Absences);
        foreach (var e in sight.Story.Events)
        {
            while (absences.TryPeek(out var news) && news.At <= Instant.Parse(e.At))
                Absence(html, sight, absences.Dequeue());
            Entry(html, sight, e);
        }
        foreach (var news in absences)
            Absence(html, sight, news);
        html.Add($"</ol></section>");
    }

    private static void Entry(Html html, RequestPageModel sight, StoredEvent e)
    {
        using var data = JsonDocument.Parse(e.Data);
        var says = html.Says;
        var answer = Text(data, "answer") is { } word ? WireNames.AnswerOf(word) : null;
        var tone = answer is { } given
            ? Tones.Of(given)
            : e.Kind switch
            {
                "request.breached" => Tone.Bad,
                "request.broke_glass" => Tone.Loud,
                "request.disowned" => Tone.Bad,
                "request.revised" or "request.conflicted" or "request.stuck" => Tone.Careful,
                "request.applied" => Tone.Good,
                _ => Tone.Plain,
            };
        html.Add(
            $"<li class=\"{Parts.Css(tone)}\" id=\"event-{e.N}\"><p><strong>{Who(sight, says, e, data)}</strong> {says.Happened(e.Kind, answer)} <span class=\"soft\">"
        );
        html.Time(Instant.Parse(e.At)).Add($"{says.Via(e.Via)}</span></p>");
        if (says.Settles(e.Kind, answer) is { } settles)
            html.Add($"<p class=\"soft\">{settles}</p>");
        if (!sight.IsErased(e.Actor) && Said(data) is { Length: > 0 } said)
        {
            html.Add($"<blockquote>");
            MessageText.Write(html, said);
            html.Add($"</blockquote>");
        }
        html.Add($"</li>");
    }

    private static void Absence(Html html, RequestPageModel sight, AbsenceNews news)
    {
        var says = html.Says;
        html.Add(
            $"<li class=\"plain\"><p><strong>{sight.NameOf(news.PersonId) ?? says.Somebody}</strong> {says.AbsenceTold(news.Turn)} "
        );
        if (news.Turn == AbsenceTurn.Announced)
            html.Add($"{says.AwayFrom} ").Time(news.From).Add($" ");
        if (news.Turn is AbsenceTurn.Announced or AbsenceTurn.Left)
        {
            var meanwhile = says.AnswersMeanwhile(sight.DelegateNamed(news.StandIn));
            html.Add($"{says.AwayUntil} ").Time(news.Until).Add($"{meanwhile} ");
        }
        html.Add($"<span class=\"soft\">").Time(news.At).Add($"</span></p></li>");
    }

    /// <summary>A destination is called what it was called then.</summary>
    private static string Who(RequestPageModel sight, Texts says, StoredEvent e, JsonDocument data) =>
        e.Actor.StartsWith("destination:", StringComparison.Ordinal) && Text(data, "destination") is { } name
            ? name
            : sight.Actor(says, e.Actor);

    /// <summary>What somebody said with it, under whichever name.</summary>
    private static string? Said(JsonDocument data) =>
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

    private static string? Text(JsonDocument data, string name) =>
        data.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
