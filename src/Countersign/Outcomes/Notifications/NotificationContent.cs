using System.Text.Json;
using Countersign.Configuration;
using Countersign.Policies;
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

    /// <summary>What the request changes, for what reason and where; null for news about no request.</summary>
    public RequestSummary? Summary { get; init; }

    /// <summary>Whether the change is for an environment that must not be overlooked.</summary>
    public bool IsCritical { get; init; }

    /// <summary>What changes, or, for news about no request, the news.</summary>
    public string Title => Summary?.Headline.Text ?? Headline;

    /// <summary>The requester's reason, where the title doesn't say it.</summary>
    public string Why => Request?.SentBy == SentBy.LaunchDarkly ? Summary?.Reason ?? "" : "";

    /// <summary>The page where one sees what it is about.</summary>
    public string Path =>
        Request is { } request
            ? $"/requests/{request.Id}"
            : News.Kind switch
            {
                "webhook.disabled" => "/webhooks",
                "destination.dead" => "/destinations",
                _ => "/",
            };

    /// <summary>True when the answer that is asked for is not needed any more.</summary>
    public bool IsTooLate => Reason == NotificationReason.Asked && Request is null or { IsSettled: true };

    /// <summary>
    /// Null when the receiver may not see what it is about, which may have changed since the event.
    /// </summary>
    public static async ValueTask<NotificationContent?> Of(
        Store store,
        PageOptions pages,
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
        var viewer = await store.Read(reader => ViewerOf(reader, receiver), cancel);
        var about = news.Request is { } id ? await RequestDetails.Find(store, id, viewer, cancel) : null;
        if (about is null && !await store.Read(reader => IsStillTold(reader, news, viewer), cancel))
            return null;
        using var data = JsonDocument.Parse(news.Data);
        var (actor, source) = await store.Read(
            async reader =>
                (
                    await NameOf(reader, ActorOf(news, data.RootElement)),
                    about is null
                        ? ""
                        : await reader.Text(
                            "SELECT name FROM sources WHERE id = @id",
                            new { id = about.Request.SourceId }
                        ) ?? ""
                ),
            cancel
        );
        var reason = Recipients.Why(news.Kind, receiver, about?.Request);
        var (headline, more) =
            reason == NotificationReason.Named
                ? ("A request was opened in your name.", "If that was not you, open it and choose Not me.")
                : Words(news, about?.Request, actor, data.RootElement);
        var summary = about is null ? null : SummaryOf(about);
        return new NotificationContent(news, about, source, headline, more)
        {
            Reason = reason,
            Summary = summary,
            IsCritical = summary is not null && pages.IsCritical(summary.Environment),
        };
    }

    /// <summary>A person as they are now; a channel in chat is for everyone who reads it.</summary>
    public static async ValueTask<Viewer> ViewerOf(Reader reader, string receiver)
    {
        var origin = new Origin(Actor.Hub, "hub", "");
        if (new Party(receiver).IdAfter("person:") is not { } person)
            return Viewer.Hub(origin);
        var role = await reader.Text("SELECT role FROM people WHERE id = @person", new { person });
        return new Viewer(Party.Person(person), person, role == "admin", "", origin);
    }

    /// <summary>Of what is about no request: alarms are for those who look after it now.</summary>
    private static async ValueTask<bool> IsStillTold(Reader reader, StoredEvent news, Viewer viewer) =>
        news.Request is null
        && (
            Recipients.Why(news.Kind) != NotificationReason.Alarm
            || viewer.PersonId is not { } person
            || (await Recipients.Alarmed(reader, news)).Contains(person)
        );

    private static RequestSummary SummaryOf(RequestDetails about)
    {
        using var facts = JsonDocument.Parse(about.Current.Facts);
        return RequestSummary.Of(
            about.Request.SentBy,
            about.Request.Subject,
            about.Current.Message,
            facts.RootElement,
            about.Described
        );
    }

    /// <summary>
    /// All changes that LaunchDarkly described, each in a line, where there is more to say than the title says. The
    /// last line tells how many more there are.
    /// </summary>
    public IReadOnlyList<string> Changes()
    {
        if (About?.Described is not { Changes: { Count: > 0 } changes } || (changes.Count == 1 && IsSaid(changes[0])))
            return [];
        var lines = changes.Take(RequestSummary.MaxChanges).Select(Line).ToList();
        if (changes.Count > lines.Count)
            lines.Add($"And {changes.Count - lines.Count} more");
        return lines;
    }

    private bool IsSaid(DescribedChange change) =>
        change is { IsUnderstood: true, IsEverywhere: false, Targets: null, Before: null }
        && Title.EndsWith(ChangeText.English.Of(change).Text, StringComparison.Ordinal);

    private static string Line(DescribedChange change)
    {
        var line = Short(ChangeText.English.Of(change).Text, MaxLine);
        if (change.Targets is { First: { Count: > 0 } first } targets)
        {
            line +=
                $": {string.Join(", ", first.Take(MaxTargets))}"
                + (targets.Count > MaxTargets ? $" and {targets.Count - MaxTargets} more" : "");
        }
        if (change.IsEverywhere)
            line += " (in all environments)";
        return change.IsUnderstood ? line : line + " (not understood: check it in LaunchDarkly)";
    }

    private const int MaxLine = 500,
        MaxTargets = 10;

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

    /// <summary>Without what stands in <see cref="Changes"/> already.</summary>
    public string Message =>
        Short(
            About switch
            {
                null => "",
                { Described.Changes.Count: > 0 } => LaunchDarklyChanges.BeforeChanges(About.Current.Message).Trim(),
                _ => About.Current.Message,
            },
            MaxText
        );

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
            "request.delegated" when news.Actor == Actor.Operator.Text => (
                $"You review this in place of {actor}.",
                null
            ),
            "request.delegated" => ($"{actor} asks you to review this in their place.", null),
            "request.reassigned" => ($"{actor} assigned this to {Said("name")}.", null),
            "request.checked" => (
                data.TryGetProperty("dismissed", out var dismissed) && dismissed.ValueKind == JsonValueKind.True
                    ? "The change in LaunchDarkly is another one now, so earlier reviews were dismissed."
                    : $"{request?.RequesterName} requests your approval.",
                null
            ),
            "request.commented" => ($"{actor} said:", Said("text")),
            "request.approved" => ($"{request?.Display ?? "Approved"}.", Said("note")),
            "request.rejected" => ($"{request?.Display ?? "Declined"}.", Said("note")),
            "request.withdrawn" => ($"Withdrawn by {actor}.", Said("reason")),
            "request.breached" => (
                data.TryGetProperty("approvedByRequester", out _)
                    ? "This change was applied, and its approval came from its requester."
                    : "This change was applied without an approval.",
                null
            ),
            "request.apply_failed" => ("The change couldn't be applied in LaunchDarkly.", Said("why")),
            "request.gate_undelivered" => (
                "The decision couldn't be delivered to the system that waits for it.",
                Said("why")
            ),
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

    /// <summary>Whom the words name: of a delegation the reviewer, whoever set it up.</summary>
    private static string ActorOf(StoredEvent news, JsonElement data) =>
        news.Kind == "request.delegated" && data.TryGetProperty("person", out var person)
            ? $"person:{person}"
            : news.Actor;

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
