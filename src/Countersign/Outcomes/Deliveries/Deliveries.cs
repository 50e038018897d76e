using System.ComponentModel.DataAnnotations;
using Countersign.Hosting.OpenApi;
using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>A delivery as pages and the API show it.</summary>
public sealed class DeliveryRow
{
    /// <summary>Behind an earlier one of its order it waits.</summary>
    internal const string PublicState =
        "CASE WHEN d.state = 'due' AND j.state = 'behind' THEN 'waiting' ELSE d.state END";

    internal const string Columns =
        "d.id, d.event_id, d.kind, d.subject, d.receiver, d.channel, d.endpoint, "
        + PublicState
        + " AS state, COALESCE(j.next_at, d.settled_at, d.created_at) AS due_at, d.attempts, d.folded_into, "
        + "d.created_at, d.settled_at, "
        + "(SELECT r.subject FROM requests r WHERE r.id = substr(d.subject, 9)) AS about, "
        + "(SELECT a.failure FROM attempts a WHERE a.delivery_id = d.id AND a.n = d.attempts) AS last_failure";

    public long Id { get; init; }
    public long EventId { get; init; }
    public required string Kind { get; init; }

    [Example("request:01KB3ZQ4M6W8T0Y2N4R6P8X1CD")]
    public required string Subject { get; init; }

    /// <summary>What the request asks for, where the news is about one.</summary>
    public string? About { get; init; }
    public required string Receiver { get; init; }
    public required string Channel { get; init; }
    public required string Endpoint { get; init; }

    /// <summary>
    /// due, waiting (behind an earlier one), folded (told in a summary), delivered, dropped (needed no longer),
    /// failed.
    /// </summary>
    [AllowedValues("due", "waiting", "folded", "delivered", "dropped", "failed")]
    public required string State { get; init; }
    public required string DueAt { get; init; }
    public long Attempts { get; init; }
    public long? FoldedInto { get; init; }
    public required string CreatedAt { get; init; }
    public string? SettledAt { get; init; }

    /// <summary>The word for how the last attempt failed, if it did.</summary>
    public string? LastFailure { get; init; }
}

public sealed class AttemptRow
{
    public long N { get; init; }
    public required string At { get; init; }
    public long Took { get; init; }
    public string? Failure { get; init; }
    public long? Status { get; init; }
    public required string Answer { get; init; }

    /// <summary>
    /// The first line and the headers of the call, secrets masked; null where there is no such thing, as in mail.
    /// </summary>
    public string? Call { get; init; }
}

/// <summary>With what was sent, and what came back each time.</summary>
public sealed record DeliveryDetails(DeliveryRow Delivery, string? Sent, IReadOnlyList<AttemptRow> Attempts);

public sealed record DeliveryPage(IReadOnlyList<DeliveryRow> Deliveries, long? Next);

/// <summary>What was sent, is being sent, and was given up: looked at, and sent again by hand.</summary>
public sealed class Deliveries(Store store)
{
    public const int PageSize = 50;
    private const int Chunk = 200;

    /// <summary>
    /// A page looks at no more rows than this: an unusual mixture may answer a short page that goes on.
    /// </summary>
    private const int MaxLookedAt = 2_000;

    public static readonly IReadOnlyList<string> States =
    [
        "due",
        "waiting",
        "folded",
        "delivered",
        "dropped",
        "failed",
    ];

    /// <summary>The newest first, from below <paramref name="before"/>.</summary>
    public async ValueTask<DeliveryPage> List(string? state, string? endpoint, long? before, CancellationToken cancel)
    {
        var arguments = new
        {
            state = state ?? "",
            endpoint = endpoint ?? "",
            before = before ?? long.MaxValue,
            looked = MaxLookedAt,
            most = PageSize,
        };
        var range = endpoint is null
            ? "SELECT * FROM deliveries WHERE id < @before ORDER BY id DESC LIMIT @looked"
            : "SELECT * FROM deliveries WHERE endpoint = @endpoint AND id < @before ORDER BY id DESC LIMIT @looked";
        return await store.Read(
            async reader =>
            {
                var rows = await reader.All<DeliveryRow>(
                    $"""
                    SELECT {DeliveryRow.Columns} FROM ({range}) d {DeliveryJob.PendingJob}
                    WHERE @state = '' OR {DeliveryRow.PublicState} = @state ORDER BY d.id DESC LIMIT @most
                    """,
                    arguments
                );
                if (rows.Count == PageSize)
                    return new DeliveryPage(rows, rows[^1].Id);
                var lowest = await reader.Number(
                    $"SELECT CASE WHEN count(*) = @looked THEN min(id) ELSE 0 END FROM ({range}) r",
                    arguments
                );
                return new DeliveryPage(rows, lowest > 0 ? lowest : null);
            },
            cancel
        );
    }

    public ValueTask<DeliveryDetails?> Find(long id, CancellationToken cancel) =>
        store.Read(
            async reader =>
                await reader.First<DeliveryRow>(
                    $"SELECT {DeliveryRow.Columns} FROM deliveries d {DeliveryJob.PendingJob} WHERE d.id = @id",
                    new { id }
                )
                    is not { } delivery
                    ? null
                    : new DeliveryDetails(
                        delivery,
                        await reader.Text("SELECT sent FROM deliveries WHERE id = @id", new { id }),
                        await reader.All<AttemptRow>(
                            """
                            SELECT n, at, took, failure, status, answer, call FROM attempts WHERE delivery_id = @id
                            ORDER BY n
                            """,
                            new { id }
                        )
                    ),
            cancel
        );

    /// <summary>
    /// Puts one on its way again, with the id it had. False when it is not there or still on its way.
    /// </summary>
    public async Task<bool> Replay(long id, CancellationToken cancel)
    {
        var replayed = await store.InTransaction(
            async tx =>
                await Again(
                    tx,
                    await tx.All<Delivery>(
                        $"""
                        SELECT {Delivery.Columns} FROM deliveries
                        WHERE id = @id AND state IN ('delivered', 'failed'){tx.ForUpdate}
                        """,
                        new { id }
                    )
                ),
            cancel
        );
        return replayed.Count == 1;
    }

    /// <summary>
    /// Puts all that failed at an endpoint since a time on their way again, those of one line in their order; how
    /// many.
    /// </summary>
    public async Task<int> ReplayFailed(string endpoint, DateTimeOffset since, CancellationToken cancel)
    {
        var replayed = 0;
        long after = 0;
        while (true)
        {
            var some = await store.InTransaction(
                async tx =>
                    await Again(
                        tx,
                        await tx.All<Delivery>(
                            $"""
                            SELECT {Delivery.Columns} FROM deliveries
                            WHERE endpoint = @endpoint AND id > @after AND state = 'failed' AND created_at >= @since
                            ORDER BY id LIMIT @most{tx.ForUpdate}
                            """,
                            new
                            {
                                endpoint,
                                after,
                                since,
                                most = Chunk,
                            }
                        )
                    ),
                cancel
            );
            replayed += some.Count;
            if (some.Count < Chunk)
                return replayed;
            after = some[^1].Id;
        }
    }

    private static async ValueTask<List<Delivery>> Again(Tx tx, List<Delivery> settled)
    {
        foreach (var one in settled)
            await DeliveryJob.Again(tx, one);
        return settled;
    }
}
