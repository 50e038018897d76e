using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>When a request was archived, and the name of the file that holds what was taken from the store.</summary>
public sealed record ArchivedRequest(DateTimeOffset At, string File)
{
    public const string Kind = "request.archived";

    /// <summary>What stands in the place of an archived event's data.</summary>
    public const string Mark = """{"archived":true}""";

    /// <summary>Null where the request is whole. Only settled ones are looked for.</summary>
    public static async ValueTask<ArchivedRequest?> Find(Reader reader, ApprovalRequest request) =>
        request.IsSettled
        && await reader.First<Row>(
            "SELECT at, data FROM events WHERE subject = @subject AND kind = @kind",
            new { subject = request.Id.Subject, kind = Kind }
        )
            is { } row
            ? Of(row.At, row.Data)
            : null;

    public static ArchivedRequest? Find(IEnumerable<StoredEvent> events) =>
        events.LastOrDefault(e => e.Kind == Kind) is { } found ? Of(found.At, found.Data) : null;

    private static ArchivedRequest Of(string at, string data)
    {
        using var json = JsonDocument.Parse(data);
        return new ArchivedRequest(
            Instant.Parse(at),
            json.RootElement.TryGetProperty("file", out var file) ? file.GetString() ?? "" : ""
        );
    }

    private sealed class Row
    {
        public required string At { get; init; }
        public required string Data { get; init; }
    }
}
