using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Takes a person's words and addresses out of events. Hashes stay, and so does every proof: in place of the salt of a
/// part that changed stands its digest, and without the salt guesses at its text can't be tested. One signed event says
/// which events were changed and what stands there now.
/// </summary>
internal static class ErasedEvents
{
    /// <summary>What people write beside a request, and what names a person in their own history.</summary>
    private static readonly string[] Written = ["note", "text", "reason"],
        OfPerson = ["account", "email", "issuer", "name", "subject", "text"];

    /// <summary>What admins wrote is named and left to them, in rows as in the events that tell of them.</summary>
    private static readonly string[] Configured =
    [
        "destination:",
        "group:",
        "policy",
        "request_types",
        "source:",
        "webhook:",
    ];

    /// <summary>The event as it becomes; null where it doesn't name them.</summary>
    /// <param name="isAbout">Whether the subject has to do with the person.</param>
    public static StoredEvent? Of(StoredEvent e, PersonToErase person, bool isAbout)
    {
        if (e.Data == ArchivedRequest.Mark)
            return null;
        var (isTheirs, isOfThem) = (e.Actor == person.Party, e.Subject == person.Party);
        var isAnswer = e.Data.Contains($"\"person\":{person.Id},", StringComparison.Ordinal);
        isAbout |= isTheirs || isOfThem || isAnswer;
        var isConfigured = Array.Exists(Configured, c => e.Subject.StartsWith(c, StringComparison.Ordinal));
        var data = isConfigured ? e.Data : person.Terms.Replace(e.Data, isAbout);
        if (isOfThem)
        {
            data = Without(data, OfPerson, person.Name);
        }
        else if (e.Subject.StartsWith("request:", StringComparison.Ordinal))
        {
            // As the rows beside it: an answer's comment is emptied, and another text says whose it was.
            if (isAnswer)
                data = Without(data, ["note"], "");
            if (isTheirs)
                data = Without(data, Written, person.Name);
        }
        var people = e.People is null ? null : person.Terms.Replace(e.People, isAbout: true);
        var mayBeTheirAddress = isTheirs || (e.Actor == Actor.Hub.Text && (isOfThem || data != e.Data));
        var address = mayBeTheirAddress ? "" : e.Address;
        if (data == e.Data && people == e.People && address == e.Address)
            return null;
        var becomes = Changed(e, data, people, address, e.Salts);
        return EventLeaf.Of(e) is { } leaf
            ? Changed(e, data, people, address, EventLeaf.SaltsWithout(leaf, becomes))
            : becomes;
    }

    /// <summary>Writes what events become, and the signed event that says so.</summary>
    public static async ValueTask Write(
        Tx tx,
        PersonToErase person,
        IEnumerable<(StoredEvent Before, StoredEvent Becomes)> events,
        SealKey key,
        Origin origin
    )
    {
        var replaced = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (before, becomes) in events)
        {
            var written = await tx.Execute(
                """
                UPDATE events SET data = @data, people = @people, address = @address, salts = @salts
                WHERE id = @id AND data = @before
                """,
                new
                {
                    data = becomes.Data,
                    people = becomes.People,
                    address = becomes.Address,
                    salts = becomes.Salts,
                    id = becomes.Id,
                    before = before.Data,
                }
            );
            // One that was archived meanwhile says nothing any more.
            if (written == 1)
                replaced[Redaction.PlaceOf(becomes)] = Hashes.Sha256(Redaction.TextOf(becomes));
        }
        if (replaced.Count == 0)
            return;
        var told = new Redaction { Person = person.Id, Replaced = replaced };
        await tx.Append("hub", origin, Redaction.OfEvents, told.SignedWith(key, "hub"));
    }

    /// <summary>With other texts in these members, where they are there.</summary>
    private static string Without(string data, string[] members, string instead)
    {
        try
        {
            if (JsonNode.Parse(data) is not JsonObject told)
                return data;
            var isChanged = false;
            foreach (var member in members)
            {
                if (
                    told[member] is JsonValue value
                    && value.TryGetValue<string>(out var text)
                    && text.Length > 0
                    && text != instead
                )
                {
                    told[member] = instead;
                    isChanged = true;
                }
            }
            return isChanged ? told.ToJsonString(History.Json) : data;
        }
        catch (JsonException)
        {
            return data;
        }
    }

    private static StoredEvent Changed(StoredEvent e, string data, string? people, string address, string? salts) =>
        new()
        {
            Id = e.Id,
            Subject = e.Subject,
            N = e.N,
            At = e.At,
            Kind = e.Kind,
            Actor = e.Actor,
            Via = e.Via,
            Address = address,
            Data = data,
            Hash = e.Hash,
            People = people,
            Salts = salts,
        };
}
