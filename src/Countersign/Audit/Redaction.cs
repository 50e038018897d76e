using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// What an event says about texts that were replaced because they named a person who was erased: a hash of what stands
/// there now. It is signed with the key of the seals, so that nobody with the database alone can pass a change off as
/// one.
/// </summary>
internal sealed record Redaction
{
    /// <summary>Of a request, and of a stamped policy (an event of the hub).</summary>
    public const string OfRequest = "request.redacted",
        OfStamp = "stamp.redacted",
        OfEvents = "hub.events_redacted";

    /// <summary>An event in <see cref="Replaced"/> of <see cref="OfEvents"/>.</summary>
    public static string PlaceOf(StoredEvent e) => $"{e.Subject}#{e.N}";

    /// <summary>What is said of an event there: everything in it that can be erased, as it is now.</summary>
    public static string TextOf(StoredEvent e) => string.Join('\n', e.Actor, e.Address, e.People ?? "", e.Data);

    public long Person { get; init; }

    /// <summary>
    /// By row and column: <c>subject</c>, <c>decision:2:note</c>, <c>revision:1:content</c>; or by stamp.
    /// </summary>
    public SortedDictionary<string, string>? Replaced { get; init; }
    public string? Signature { get; init; }

    public string HashFor(string subject) =>
        Hashes.Sha256(
            JsonSerializer.Serialize(
                (string[])
                    [
                        "countersign-redacted-v1",
                        subject,
                        $"{Person}",
                        .. (Replaced ?? []).SelectMany(r => new[] { r.Key, r.Value }),
                    ],
                History.Json
            )
        );

    public Redaction SignedWith(SealKey key, string subject) => this with { Signature = key.Sign(HashFor(subject)) };
}

/// <summary>All that was replaced, by subject.</summary>
internal sealed class Redactions
{
    private readonly Dictionary<string, Dictionary<string, string>> _bySubject = [];

    /// <summary>Those that are signed; an event that is not is named where its history is walked.</summary>
    public static async ValueTask<Redactions> Read(Reader reader, string kind, SealKey? key)
    {
        var all = new Redactions();
        foreach (
            var e in await reader.All<StoredEvent>(
                $"SELECT {StoredEvent.Columns} FROM events WHERE kind = @kind ORDER BY id",
                new { kind }
            )
        )
        {
            if (ProblemOf(e, key, out var told) is not null)
                continue;
            if (!all._bySubject.TryGetValue(e.Subject, out var replaced))
                all._bySubject[e.Subject] = replaced = [];
            foreach (var (place, hash) in told.Replaced ?? [])
                replaced[place] = hash;
        }
        return all;
    }

    public static string? ProblemOf(StoredEvent e, SealKey? key, out Redaction told)
    {
        told = new Redaction();
        try
        {
            told = EventData.Read<Redaction>(e.Data);
        }
        catch (JsonException)
        {
            return "holds data that Countersign does not write.";
        }
        return key?.IsSignatureOfEvent(e.Id, told.HashFor(e.Subject), told.Signature ?? "") == false
            ? "is not signed with this hub's key: it was forged, to pass a change off as an erasure."
            : null;
    }

    /// <summary>Whether this is what stands in this place since a person was erased.</summary>
    public bool Allow(string subject, string place, string? stored) =>
        _bySubject.TryGetValue(subject, out var replaced)
        && replaced.TryGetValue(place, out var hash)
        && Hashes.Sha256(stored ?? "") == hash;
}
