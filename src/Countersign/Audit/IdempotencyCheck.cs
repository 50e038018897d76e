using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Answers that are given once more to repeated calls: each names a request that is there, and the call that it
/// belongs to brought one of that request's contents.
/// </summary>
internal static class IdempotencyCheck
{
    public static async ValueTask Run(Reader reader, ProblemList problems, CancellationToken cancel)
    {
        await foreach (
            var row in Pages.Each<Row, Key>(
                reader,
                "SELECT key, body, answer FROM idempotency WHERE key > @After ORDER BY key",
                new Key(""),
                r => new Key(r.Key),
                500,
                cancel
            )
        )
        {
            if (RequestOf(row.Answer) is not { } id)
            {
                problems.Add($"The answer under the idempotency key {row.Key} names no request.");
            }
            else if (await reader.Number("SELECT count(*) FROM requests WHERE id = @id", new { id }) == 0)
            {
                problems.Add(
                    $"The answer under the idempotency key {row.Key} names request {id}, which is not in the store."
                );
            }
            else if (
                await reader.Number(
                    "SELECT count(*) FROM revisions WHERE request_id = @id AND digest = @digest",
                    new { id, digest = row.Body }
                ) == 0
            )
            {
                problems.Add(
                    $"The call under the idempotency key {row.Key} brought none of the contents of request {id}."
                );
            }
        }
    }

    /// <summary>An answer is a request's id, or a document with it: at the top, or one level below.</summary>
    private static string? RequestOf(string answer)
    {
        if (!answer.StartsWith('{'))
            return answer;
        try
        {
            var root = JsonElement.Parse(answer);
            return IdIn(root) ?? root.EnumerateObject().Select(m => IdIn(m.Value)).FirstOrDefault(id => id is not null);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? IdIn(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty("id", out var id)
        && id.ValueKind == JsonValueKind.String
            ? id.GetString()
            : null;

    private sealed record Key(string After);

    private sealed class Row
    {
        public required string Key { get; init; }
        public required string Body { get; init; }
        public required string Answer { get; init; }
    }
}
