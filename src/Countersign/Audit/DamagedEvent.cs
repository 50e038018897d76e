using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// What an operator recorded of an event that was damaged before it was sealed, so that sealing goes on past it. It is
/// signed with the key of the seals, so that access to the database alone isn't enough to write one. Its hash is
/// sealed as it stands; what it says is proven by nothing, and verification names it from then on.
/// </summary>
internal sealed record DamagedEvent
{
    public const string Kind = "hub.event_damaged";

    public long Event { get; init; }
    public string? Subject { get; init; }
    public long N { get; init; }

    /// <summary>Its hash, which doesn't fit.</summary>
    public string? Hash { get; init; }

    /// <summary>The hash of what lay in the store when it was recorded.</summary>
    public string? Found { get; init; }
    public string? Reason { get; init; }
    public string? Signature { get; init; }

    public static DamagedEvent Of(StoredEvent e, string reason) =>
        new()
        {
            Event = e.Id,
            Subject = e.Subject,
            N = e.N,
            Hash = e.Hash,
            Found = FoundOf(e),
            Reason = reason,
        };

    public DamagedEvent SignedWith(SealKey key) => this with { Signature = key.Sign(Statement()) };

    public string Statement() =>
        Hashes.Sha256(
            JsonSerializer.Serialize(
                (string?[])["countersign-damaged-v1", $"{Event}", Subject, $"{N}", Hash, Found, Reason],
                History.Json
            )
        );

    public bool IsAbout(StoredEvent e) =>
        (Event, Subject, N, Hash, Found) == (e.Id, e.Subject, e.N, e.Hash, FoundOf(e));

    private static string FoundOf(StoredEvent e) =>
        Hashes.Sha256(
            JsonSerializer.Serialize(
                (string?[])
                    [
                        $"{e.Id}",
                        e.Subject,
                        $"{e.N}",
                        e.At,
                        e.Kind,
                        e.Actor,
                        e.Via,
                        e.Address,
                        e.Data,
                        e.Hash,
                        e.People,
                        e.Salts,
                    ],
                History.Json
            )
        );
}

/// <summary>All events that were recorded as damaged, as far as the records are signed.</summary>
internal sealed class DamagedEvents
{
    private readonly Dictionary<long, DamagedEvent> _byId = [];

    /// <param name="key">Null where signatures aren't looked at.</param>
    public static async ValueTask<DamagedEvents> Read(Reader reader, SealKey? key)
    {
        var all = new DamagedEvents();
        foreach (
            var e in await reader.All<StoredEvent>(
                $"SELECT {StoredEvent.Columns} FROM events WHERE subject = 'hub' AND kind = @kind ORDER BY id",
                new { kind = DamagedEvent.Kind }
            )
        )
        {
            if (ProblemOf(e, key, out var told) is null)
                all._byId[told.Event] = told;
        }
        return all;
    }

    public static string? ProblemOf(StoredEvent e, SealKey? key, out DamagedEvent told)
    {
        told = new DamagedEvent();
        try
        {
            told = EventData.Read<DamagedEvent>(e.Data);
        }
        catch (JsonException)
        {
            return "holds data that Countersign does not write.";
        }
        return key?.IsSignatureOfEvent(e.Id, told.Statement(), told.Signature ?? "") == false
            ? "is not signed with this hub's key: it was forged, to get a changed event sealed."
            : null;
    }

    /// <summary>Whether this event was recorded as damaged, as it lies in the store now.</summary>
    public bool Has(StoredEvent e) => _byId.TryGetValue(e.Id, out var told) && told.IsAbout(e);
}

/// <summary>What recording a damaged event came to.</summary>
public abstract record RecordDamageOutcome
{
    private RecordDamageOutcome() { }

    /// <param name="Withdrawn">The request that the event belongs to, if it could still be withdrawn.</param>
    /// <param name="Closed">The request that the event belongs to, if it could not.</param>
    public sealed record Recorded(string Subject, long N, ApprovalRequest? Withdrawn, ApprovalRequest? Closed)
        : RecordDamageOutcome;

    public sealed record NotFound : RecordDamageOutcome;

    /// <summary>It has its hash, so sealing doesn't stop at it.</summary>
    public sealed record NotDamaged : RecordDamageOutcome;

    /// <summary>A seal covers it, so what was changed was changed later, and no record makes that good.</summary>
    public sealed record IsSealed : RecordDamageOutcome;
}

/// <summary>
/// Records one damaged event, so that sealing can continue. The request it belongs to is withdrawn, because what led to
/// its state can no longer be proven.
/// </summary>
public sealed class RecordDamage(Store store, SealKey key)
{
    public Task<RecordDamageOutcome> Run(long id, string reason, Origin origin, CancellationToken cancel) =>
        store.InTransaction<RecordDamageOutcome>(
            async tx =>
            {
                var found = await tx.First<ChainedEvent>(
                    $"SELECT {ChainedEvent.Columns} FROM events WHERE id = @id",
                    new { id }
                );
                if (found is null)
                    return new RecordDamageOutcome.NotFound();
                var isSealed = await tx.Number(
                    $"""
                    SELECT count(*) FROM events WHERE id = @id
                    AND {tx.Position} <= (SELECT position FROM cursors WHERE name = @name)
                    """,
                    new { id, name = Sealer.CursorName }
                );
                if (isSealed > 0)
                    return new RecordDamageOutcome.IsSealed();
                if (found.HashAfter(found.Previous ?? "") == found.Hash)
                    return new RecordDamageOutcome.NotDamaged();
                await tx.Append("hub", origin, DamagedEvent.Kind, DamagedEvent.Of(found, reason).SignedWith(key));
                var (withdrawn, closed) = await Withdrawn(tx, found.Subject, reason, origin);
                return new RecordDamageOutcome.Recorded(found.Subject, found.N, withdrawn, closed);
            },
            cancel
        );

    private static async ValueTask<(ApprovalRequest? Withdrawn, ApprovalRequest? Closed)> Withdrawn(
        Tx tx,
        string subject,
        string reason,
        Origin origin
    )
    {
        const string prefix = "request:";
        var viewer = Viewer.Hub(origin);
        if (
            !subject.StartsWith(prefix, StringComparison.Ordinal)
            || !RequestId.TryParse(subject[prefix.Length..], out var id)
            || await RequestRow.Find(tx, id, viewer) is not { } request
        )
        {
            return (null, null);
        }
        return Withdraw.May(request, viewer, isTicketAssignee: false)
            ? (await Withdraw.By(tx, request, reason, origin), null)
            : (null, request);
    }
}
