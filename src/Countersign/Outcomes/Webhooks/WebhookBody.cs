using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Outcomes.Webhooks;

/// <summary>
/// What a webhook is told: the event, and the request it is about in a few members. docs/notifications.md shows one.
/// </summary>
public static class WebhookBody
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Null when the event is not there.</summary>
    internal static async ValueTask<string?> Of(Reader reader, long eventId, OutcomeOptions options)
    {
        if (
            await reader.First<StoredEvent>(
                $"SELECT {StoredEvent.Columns} FROM events WHERE id = @eventId",
                new { eventId }
            )
            is not { } news
        )
        {
            return null;
        }
        RequestPart? request = null;
        if (news.Request is { } id)
        {
            request = await reader.First<RequestPart>(
                """
                SELECT r.id, r.subject, r.status, r.display, s.name AS source, r.external_id,
                r.requester_name AS requester, r.revision, r.digest
                FROM requests r JOIN sources s ON s.id = r.source_id WHERE r.id = @id
                """,
                new { id }
            );
            request?.Url = options.Link($"/requests/{id}");
        }
        return JsonSerializer.Serialize(
            new Body(
                news.Kind,
                news.At,
                new BodyData(news.Id, news.Subject, news.Actor, news.Via, request, JsonElement.Parse(news.Data))
            ),
            Json
        );
    }

    public static string Test(DateTimeOffset now) =>
        JsonSerializer.Serialize(
            new
            {
                type = "webhook.test",
                timestamp = Instant.ToText(now),
                data = new { message = "This is a test message from Countersign." },
            },
            Json
        );

    private sealed record Body(string Type, string Timestamp, BodyData Data);

    private sealed record BodyData(
        long Event,
        string Subject,
        string Actor,
        string Via,
        RequestPart? Request,
        JsonElement Details
    );

    private sealed class RequestPart
    {
        public required string Id { get; init; }
        public required string Subject { get; init; }
        public required string Status { get; init; }
        public required string Display { get; init; }
        public required string Source { get; init; }
        public string? ExternalId { get; init; }
        public required string Requester { get; init; }
        public long Revision { get; init; }
        public required string Digest { get; init; }
        public string? Url { get; set; }
    }
}
