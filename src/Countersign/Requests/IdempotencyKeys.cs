using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>The answers given under callers' idempotency keys, for as long as they may be repeated.</summary>
internal sealed class IdempotencyKeys(TimeSpan life)
{
    /// <summary>The answer under this key, locked, or null if none still holds.</summary>
    public async ValueTask<Earlier?> Find(Tx tx, string key)
    {
        var row = await tx.First<Row>(
            $"SELECT body, status, answer FROM idempotency WHERE key = @key AND at > @oldest{tx.ForUpdate}",
            new { key, oldest = tx.Now - life }
        );
        return row is null ? null : new Earlier(row.Body, (int)row.Status, row.Answer);
    }

    public async ValueTask Keep(Tx tx, string key, string call, int status, string answer)
    {
        // An expired answer under the same key makes room; a live one, written by another node a moment ago, does not,
        // and this transaction then runs again and replays it.
        await tx.Execute(
            "DELETE FROM idempotency WHERE key = @key AND at <= @oldest",
            new { key, oldest = tx.Now - life }
        );
        await tx.Execute(
            "INSERT INTO idempotency (key, body, status, answer, at) VALUES (@key, @body, @status, @answer, @at)",
            new
            {
                key,
                body = call,
                status,
                answer,
                at = tx.Now,
            }
        );
    }

    /// <param name="Call">A hash of the call that was answered.</param>
    public sealed record Earlier(string Call, int Status, string Answer);

    private sealed class Row
    {
        public required string Body { get; init; }
        public long Status { get; init; }
        public required string Answer { get; init; }
    }
}
