using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>What the last verification that an admin asked for found, until the next one.</summary>
public sealed record LogCheck(DateTimeOffset At, string Actor, Verification Found);

/// <summary>
/// Verifies the log and keeps what was found, so that a page can redirect to it and every admin sees it. It's a note
/// of when the log was verified and never a proof: anyone who can change the store can change it.
/// </summary>
public sealed class LogChecks(Store store, Verify verify)
{
    public async Task Run(SealHead? earlier, Origin origin, CancellationToken cancel)
    {
        var found = await verify.Run(earlier, cancel);
        await store.InTransaction(
            async tx =>
                await tx.Execute(
                    """
                    INSERT INTO log_checks (id, at, actor, result) VALUES (1, @at, @actor, @result)
                    ON CONFLICT (id) DO UPDATE SET at = excluded.at, actor = excluded.actor, result = excluded.result
                    """,
                    new
                    {
                        at = tx.Now,
                        actor = origin.Actor.Text,
                        result = JsonSerializer.Serialize(found, JsonSerializerOptions.Web),
                    }
                ),
            cancel
        );
    }

    /// <summary>The last check, null before the first; and the newest checkpoint of the log.</summary>
    public ValueTask<(LogCheck? Last, SealHead Checkpoint)> Find(CancellationToken cancel) =>
        store.Read(
            async reader =>
                (
                    (await reader.First<Row>("SELECT at, actor, result FROM log_checks WHERE id = 1"))?.ToCheck(),
                    await Sealer.Last(reader)
                ),
            cancel
        );

    private sealed class Row
    {
        public required string At { get; init; }
        public required string Actor { get; init; }
        public required string Result { get; init; }

        /// <summary>Null for what another version wrote.</summary>
        public LogCheck? ToCheck()
        {
            try
            {
                var found = JsonSerializer.Deserialize<Verification>(Result, JsonSerializerOptions.Web);
                return found is null ? null : new LogCheck(Instant.Parse(At), Actor, found);
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }
}
