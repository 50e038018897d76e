using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Outcomes.Notifications;

/// <summary>What is to be told to a person about one event, in words: the same for mail and chat.</summary>
internal sealed record NotificationContent(
    StoredEvent News,
    RequestDetails? About,
    string Source,
    string Headline,
    string? More
)
{
    private const int MaxText = 2_000;

    public ApprovalRequest? Request => About?.Request;

    /// <summary>Why the receiver hears of it.</summary>
    public NotificationReason? Reason { get; init; }

    /// <summary>The page where one sees what it is about.</summary>
    public string Path =>
        Request is { } request
            ? $"/requests/{request.Id}"
            : News.Kind switch
            {
                "webhook.disabled" => "/deliveries",
                "destination.dead" => "/destinations",
                _ => "/",
            };

    /// <summary>True when the answer that is asked for is not needed any more.</summary>
    public bool IsTooLate => Reason == NotificationReason.Asked && Request is null or { IsSettled: true };

    public static async ValueTask<NotificationContent?> Of(
        Store store,
        long eventId,
        string receiver,
        CancellationToken cancel
    )
    {
        if (
            await store.Read(
                reader =>
                    reader.First<StoredEvent>(
                        $"SELECT {StoredEvent.Columns} FROM events WHERE id = @eventId",
                        new { eventId }
                    ),
                cancel
            )
            is not { } news
        )
        {
            return null;
        }
        var about = news.Request is { } id
            ? await RequestDetails.Find(store, id, Viewer.Hub(new Origin(Actor.Hub, "hub", "")), cancel)
            : null;
        var (actor, source) = await store.Read(
            async reader =>
                (
                    await NameOf(reader, news.Actor),
                    about is null
                        ? ""
                        : await reader.Text(
                            "SELECT name FROM sources WHERE id = @id",
                            new { id = about.Request.SourceId }
                        ) ?? ""
                ),
            cancel
        );
        using var data = JsonDocument.Parse(news.Data);
        var reason = Recipients.Why(news.Kind, receiver, about?.Request);
        var (headline, more) =
            reason == NotificationReason.Named
                ? ("A request was opened in your name.", "If that was not you, open it and choose Not me.")
                : Words(news, about?.Request, actor, data.RootElement);
        return new NotificationContent(news, about, source, headline, more) { Reason = reason };
    }

    /// <summary>More than anybody fills in; the request's page has them.</summary>
    private const int MaxFacts = 50;

    /// <summary>The facts as they came, each on a line.</summary>
    public IReadOnlyList<(string Name, string Value)> Facts()
    {
        if (About is null)
            return [];
        using var facts = JsonDocument.Parse(About.Current.Facts);
        return
        [
            .. facts
                .RootElement.EnumerateObject()
                .Where(f => f.Name is not ("comment" or "details" or "requester" or "link"))
                .Take(MaxFacts)
                .Select(f =>
                    (
                        Short(f.Name, 100),
                        Short(
                            f.Value.ValueKind == JsonValueKind.Array
                                ? string.Join(", ", f.Value.EnumerateArray().Select(v => v.ToString()))
                                : f.Value.ToString(),
                            300
                        )
                    )
                ),
        ];
    }

    public string Message => Short(About?.Current.Message ?? "", MaxText);

    public static string Short(string text, int most) =>
        text.Length <= most
            ? text
            : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[most - 1]) ? most - 1 : most), "…");

    private static (string Headline, string? More) Words(
        StoredEvent news,
        ApprovalRequest? request,
        string actor,
        JsonElement data
    )
    {
        string Said(string member) =>
            data.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString()!
                : "";
        return news.Kind switch
        {
            "request.submitted" => ($"{request?.RequesterName} requests your approval.", null),
            "request.revised" => ("The request was updated. Review the new revision.", null),
            "request.step_opened" => (
                Said("stepName") is { Length: > 0 } step ? $"It's your turn now: {step}." : "It's your turn now.",
                null
            ),
            "request.reminded" => ("Reminder: this request still needs your review.", null),
            "request.escalated" => ("No one responded in time, so more people can review this now.", null),
            "request.freed" => ("This request is no longer blocked and needs your review.", null),
            "request.commented" => ($"{actor} said:", Said("text")),
            "request.approved" => ($"{request?.Display ?? "Approved"}.", Said("note")),
            "request.rejected" => ($"{request?.Display ?? "Declined"}.", Said("note")),
            "request.withdrawn" => ($"Withdrawn by {actor}.", Said("reason")),
            "request.breached" => ("This change was applied without an approval.", null),
            "request.disowned" => ($"{actor} says that they didn't request this.", request?.Display),
            "request.stuck" => ("This request is blocked.", $"{Said("why")}. {Said("fix")}."),
            "request.broke_glass" => ($"{actor} overrode the policy and approved this.", Said("reason")),
            "destination.dead" => (
                $"The destination {Said("destination")} hasn't responded for an hour, and requests are waiting for it.",
                null
            ),
            "webhook.disabled" => (
                Said("url") is { Length: > 0 } url ? $"The webhook to {url} was disabled." : "A webhook was disabled.",
                Said("why")
            ),
            Recipients.SignInLink => ("Here is your sign-in link.", null),
            _ => (news.Kind, null),
        };
    }

    private static async ValueTask<string> NameOf(Reader reader, string actor)
    {
        var colon = actor.IndexOf(':', StringComparison.Ordinal);
        if (
            colon < 0
            || !long.TryParse(actor.AsSpan(colon + 1), System.Globalization.CultureInfo.InvariantCulture, out var id)
        )
        {
            return actor == "hub" ? "Countersign" : "The operator";
        }
        return (
                actor[..colon] == "person"
                    ? await reader.Text($"SELECT {PersonNames.Sql("people")} FROM people WHERE id = @id", new { id })
                : actor[..colon] == "source" ? await reader.Text("SELECT name FROM sources WHERE id = @id", new { id })
                : null
            ) ?? actor;
    }
}
