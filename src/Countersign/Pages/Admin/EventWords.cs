using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Admin;

/// <param name="Path">Where it leads; null: nowhere.</param>
public sealed record EventPart(string Text, string? Path = null, bool IsName = false);

/// <summary>
/// Events as sentences: <c>event.&lt;kind&gt;</c> of the resource files, with who did it as {0}, whom or what it is
/// about as {1}, and what the event's data says from {2} on. A kind without a sentence shows its name.
/// </summary>
public sealed partial class EventWords(
    IStringLocalizer t,
    PeopleSnapshot snapshot,
    IReadOnlyDictionary<string, string> subjects
)
{
    private const int MaxText = 120;

    public IReadOnlyList<EventPart> Sentence(StoredEvent e)
    {
        var data = Read(e.Data);
        EventPart?[] arguments = [NameOf(e.Actor), NameOf(e.Subject), .. Details(e.Kind, data)];
        foreach (var name in Names(e, data))
        {
            if (t[name] is { ResourceNotFound: false } found && Fill(found.Value, arguments) is { } sentence)
                return sentence;
        }
        return Fill(t["event.other"], [arguments[0], arguments[1], new EventPart(e.Kind)])!;
    }

    public string Text(StoredEvent e) => string.Concat(Sentence(e).Select(p => p.Text));

    /// <summary>What an event's data names that the directory of people doesn't know.</summary>
    public static IEnumerable<string> SubjectsOf(StoredEvent e)
    {
        yield return e.Subject;
        yield return e.Actor;
        if (
            e.Kind.StartsWith("destination.", StringComparison.Ordinal)
            && TextOf(Read(e.Data), "request") is { } request
        )
        {
            yield return "request:" + request;
        }
    }

    /// <summary><c>person:7</c> as people read it, with the page about them.</summary>
    public EventPart NameOf(string party)
    {
        var colon = party.IndexOf(':', StringComparison.Ordinal);
        var (kind, id) = colon < 0 ? (party, "") : (party[..colon], party[(colon + 1)..]);
        _ = long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        var known = subjects.GetValueOrDefault(party);
        return kind switch
        {
            "hub" => new EventPart("Countersign", null, IsName: true),
            "operator" => new EventPart(t["actor.operator"], null, IsName: true),
            "policy" => new EventPart(t["nav.policies"], "/policies", IsName: true),
            RequestTypes.Subject => new EventPart(t["nav.requestTypes"], "/request-types", IsName: true),
            "person" when snapshot.People.TryGetValue(number, out var person) => new EventPart(
                person.DisplayName,
                person.Role == Role.Service ? null : $"{PeoplePage.Path}/{number}",
                IsName: true
            ),
            "group" when snapshot.Groups.TryGetValue(number, out var group) => new EventPart(
                group.Name,
                $"{GroupPage.Path}/{number}",
                IsName: true
            ),
            "source" when snapshot.Sources.TryGetValue(number, out var source) => new EventPart(
                source.Name,
                $"{SourcesPage.Path}/{number}",
                IsName: true
            ),
            "request" => new EventPart(known is null ? id : Short(known), $"/requests/{id}", IsName: true),
            "destination" when known is not null => new EventPart(
                known,
                "/destinations/" + Uri.EscapeDataString(known),
                IsName: true
            ),
            "webhook" when known is not null => new EventPart(known, null, IsName: true),
            "ticket" => new EventPart(known is null ? "#" + id : Short(known), null, IsName: true),
            _ => new EventPart(party, null, IsName: true),
        };
    }

    /// <summary>The most telling sentence first.</summary>
    private static IEnumerable<string> Names(StoredEvent e, JsonElement data)
    {
        var name = "event." + e.Kind;
        if (TextOf(data, "expired") == "true")
            yield return name + ".expired";
        if (e.Kind == "request.answered" && TextOf(data, "answer") is { } answer)
            yield return $"{name}.{answer}";
        var isDecision = e.Kind is "request.answered" or "request.approved" or "request.rejected";
        if (isDecision && TextOf(data, "for") is not null)
            yield return name + ".for";
        // On the command line, for the reviewer.
        if (e.Kind is "request.delegated" or "request.delegation_revoked" && e.Actor == Actor.Operator.Text)
            yield return name + ".for";
        if (e.Kind == "request.breached" && data.TryGetProperty("approvedByRequester", out _))
            yield return name + ".byRequester";
        if (e.Actor == e.Subject)
            yield return name + ".self";
        yield return name;
    }

    /// <summary>From {2} on; null where the data doesn't say it.</summary>
    private EventPart?[] Details(string kind, JsonElement data)
    {
        return kind switch
        {
            "policy.set" => [Said("version")],
            "person.role_changed" => [Word("role", "event.role.")],
            "person.renamed" or "group.renamed" => [Said("name")],
            "person.alias_added" => [Said("text")],
            "person.channel_on" or "person.channel_off" => [Word("channel", "event.channel.")],
            "person.absence_set" => [Day("from"), Day("to")],
            "group.member_added" or "group.member_removed" => [Party("person", "person:")],
            "request.step_opened" or "request.reminded" => [Said("stepName")],
            "request.escalated" => [Said("stepName"), Said("toNames")],
            "request.linked" or "request.held" or "request.answer_refused" or "request.answer_kept" =>
            [
                Said("destination"),
            ],
            "request.apply_failed" or "request.gate_undelivered" or "request.gate_passed" or "request.gate_gone" =>
            [
                Said("why"),
            ],
            "request.restamped" => [Said("policy")],
            "request.barred" => [Parties("people")],
            "request.redacted" or "stamp.redacted" or "hub.events_redacted" => [Party("person", "person:")],
            "request.reweighed" => [Party("without", "person:")],
            "request.answered" or "request.approved" or "request.rejected" => [Party("for", "person:")],
            "request.delegated" or "request.delegation_revoked" =>
            [
                Party("delegate", "person:"),
                Party("person", "person:"),
            ],
            "request.reassigned" => [Said("name")],
            "destination.link_resolved" or "destination.opened_late" => [Party("request", "request:")],
            "sign_in.failed" => [Said("account"), Said("count")],
            "webhook.deleted" => [Said("url")],
            "work.retried" or "work.discarded" => [Said("kind")],
            "bodies.forgotten" => [Day("before")],
            _ => [],
        };

        EventPart? Said(string member) => TextOf(data, member) is { } text ? new EventPart(Short(text)) : null;

        EventPart? Word(string member, string prefix) =>
            TextOf(data, member) is { } word
                ? new EventPart(t[prefix + word] is { ResourceNotFound: false } known ? known.Value : word)
                : null;

        EventPart? Day(string member) =>
            DateTimeOffset.TryParse(TextOf(data, member), CultureInfo.InvariantCulture, out var at)
                ? new EventPart(at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture))
                : null;

        EventPart? Party(string member, string prefix) => TextOf(data, member) is { } id ? NameOf(prefix + id) : null;

        EventPart? Parties(string member) =>
            data.ValueKind == JsonValueKind.Object
            && data.TryGetProperty(member, out var ids)
            && ids.ValueKind == JsonValueKind.Array
                ? new EventPart(string.Join(", ", ids.EnumerateArray().Select(id => NameOf($"person:{id}").Text)))
                : null;
    }

    private static List<EventPart>? Fill(string format, EventPart?[] arguments)
    {
        var parts = new List<EventPart>();
        var at = 0;
        foreach (Match placeholder in Placeholder().Matches(format))
        {
            var index = placeholder.Value[1] - '0';
            if (index >= arguments.Length || arguments[index] is not { } argument)
                return null;
            if (placeholder.Index > at)
                parts.Add(new EventPart(format[at..placeholder.Index]));
            parts.Add(argument);
            at = placeholder.Index + placeholder.Length;
        }
        if (at < format.Length)
            parts.Add(new EventPart(format[at..]));
        return parts;
    }

    /// <summary>A member as a text; a list's entries are separated by commas. Null if it is missing.</summary>
    private static string? TextOf(JsonElement data, string member) =>
        data.ValueKind != JsonValueKind.Object || !data.TryGetProperty(member, out var value)
            ? null
            : value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => value.GetString(),
                JsonValueKind.True => "true",
                JsonValueKind.False => "false",
                JsonValueKind.Array => string.Join(", ", value.EnumerateArray()),
                _ => value.GetRawText(),
            };

    private static JsonElement Read(string data)
    {
        try
        {
            using var document = JsonDocument.Parse(data);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Someone changed it past the program; verification says so.
            return default;
        }
    }

    private static string Short(string text) => text.Length > MaxText ? WellFormed.Cut(text, MaxText) + "…" : text;

    [GeneratedRegex(@"\{[0-9]\}", RegexOptions.None, 1_000)]
    private static partial Regex Placeholder();
}
