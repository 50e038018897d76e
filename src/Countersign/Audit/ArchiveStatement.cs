using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// What the event of an archived request says about all that was there before: the file, the hashes of the events whose
/// data went there, and of the rows that stay. It is signed with the key of the seals, since nothing in the store can
/// show any more that the request came to be what its row says.
/// </summary>
internal sealed record ArchiveStatement
{
    /// <summary>That of the request's first event, if that had one.</summary>
    public long? Form { get; init; }
    public string? File { get; init; }

    /// <summary>The file's SHA-256.</summary>
    public string? Sha256 { get; init; }

    /// <summary>How many events were archived, the first ones of the request.</summary>
    public long Count { get; init; }

    /// <summary>A hash over what stays of them.</summary>
    public string? Chain { get; init; }

    /// <summary>A hash over the rows that stay.</summary>
    public string? State { get; init; }

    /// <summary>A hash over who asked, which a person may still deny.</summary>
    public string? Asked { get; init; }
    public string[]? Parties { get; init; }
    public string? Status { get; init; }
    public string? Settled { get; init; }
    public string? Applied { get; init; }
    public string? Breached { get; init; }
    public long Revision { get; init; }
    public string? Digest { get; init; }
    public string? Stamp { get; init; }
    public long? Ticket { get; init; }
    public string? Signature { get; init; }

    /// <summary>What is signed.</summary>
    public string HashFor(string subject) =>
        HashOf(
            "countersign-archived-v1",
            subject,
            $"{Form}",
            File,
            Sha256,
            $"{Count}",
            Chain,
            State,
            Asked,
            string.Join(',', Parties ?? []),
            Status,
            Settled,
            Applied,
            Breached,
            $"{Revision}",
            Digest,
            Stamp,
            $"{Ticket}"
        );

    public static string ChainOf(IEnumerable<StoredEvent> events) =>
        HashOf([.. events.SelectMany(e => new[] { $"{e.Id}", $"{e.N}", e.At, e.Kind, e.Actor, e.Via, e.Hash })]);

    public static string StateOf(
        RequestState row,
        IEnumerable<EventChainCheck.RevisionState> revisions,
        IEnumerable<EventChainCheck.DecisionState> decisions
    ) =>
        HashOf([
            row.Id,
            row.Status,
            $"{row.Revision}",
            row.Digest,
            row.Stamp,
            row.Barred,
            row.Subject,
            $"{row.SourceId}",
            row.ExternalId,
            row.SentBy,
            $"{row.CreatorId}",
            row.RequesterName,
            $"{row.AssigneeUser}",
            $"{row.AssigneeGroup}",
            $"{row.TicketId}",
            row.CreatedAt,
            row.ExpiresAt,
            row.SettledAt,
            row.BrokeGlassAt,
            row.Stuck,
            .. revisions.SelectMany(r =>
                new[] { "revision", $"{r.N}", r.Digest, r.Stamp, r.Message, r.Facts, r.Body, r.At }
            ),
            .. decisions.SelectMany(d =>
                new[]
                {
                    "decision",
                    $"{d.N}",
                    $"{d.Revision}",
                    d.Digest,
                    $"{d.PersonId}",
                    d.Answer,
                    d.Note,
                    d.Steps,
                    $"{d.Disablings}",
                    $"{d.ForPerson}",
                    d.Via,
                    d.At,
                }
            ),
        ]);

    public static string AskedOf(long? requester, string? certainty, string? claim) =>
        HashOf($"{requester}", certainty, claim);

    /// <summary>Over a list in JSON: however the texts are, two lists never read the same.</summary>
    private static string HashOf(params string?[] texts) =>
        Hashes.Sha256(JsonSerializer.Serialize(texts, History.Json));
}
