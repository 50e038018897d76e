using System.Text.Json;
using Countersign.Requests;
using Countersign.Review.Frame;
using Countersign.Storage;

namespace Countersign.Review.Request;

/// <summary>What has happened, oldest first: asked, answered, said, settled, applied.</summary>
internal static class TimelineSection
{
    public static void Write(Html html, Sight sight)
    {
        html.Add($"<section class=\"sheet\" id=\"timeline\" data-part><h2>{html.Says.History}</h2><ol class=\"timeline\">");
        foreach (var e in sight.Story.Events)
            Entry(html, sight, e);
        html.Add($"</ol></section>");
    }

    private static void Entry(Html html, Sight sight, StoredEvent e)
    {
        using var data = JsonDocument.Parse(e.Data);
        var says = html.Says;
        var answer = Text(data, "answer") is { } word ? Words.AnswerOf(word) : null;
        var tone = answer is { } given ? Tones.Of(given) : e.Kind switch { "request.breached" => Tone.Bad, "request.revised" or "request.conflicted" => Tone.Careful, "request.applied" => Tone.Good, _ => Tone.Plain };
        html.Add($"<li class=\"{Css(tone)}\" id=\"event-{e.N}\"><p><strong>{sight.Actor(says, e.Actor)}</strong> {says.Happened(e.Kind, answer)} <span class=\"soft\">");
        html.Time(Instant.Parse(e.At)).Add($"{says.Via(e.Via)}</span></p>");
        if (says.Settles(e.Kind, answer) is { } settles)
            html.Add($"<p class=\"soft\">{settles}</p>");
        if (Said(data) is { Length: > 0 } said)
        {
            html.Add($"<blockquote>");
            MessageText.Write(html, said);
            html.Add($"</blockquote>");
        }
        html.Add($"</li>");
    }

    /// <summary>What somebody said with it, under whichever name.</summary>
    private static string? Said(JsonDocument data) => Text(data, "note") ?? Text(data, "text") ?? Text(data, "reason");

    private static string? Text(JsonDocument data, string name) =>
        data.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Css(Tone tone) => tone switch { Tone.Good => "good", Tone.Bad => "bad", Tone.Careful => "careful", _ => "plain" };
}
