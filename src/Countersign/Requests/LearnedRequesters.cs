using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// A person may turn out to be the requester only after the request came: by an alias, another name, or because they
/// were added here. Before anybody decides, those who have a say are compared with what the call said about the
/// requester, as the store knows them now; those who match are barred from then on, and their earlier decisions don't
/// count. So is a person who became the owner of an agent or a pipeline after it asked.
/// </summary>
internal static class LearnedRequesters
{
    private static readonly Origin OfHub = new(Actor.Hub, "hub", "");

    /// <param name="person">Who is about to decide; those for whom they may answer are looked at as well.</param>
    public static async ValueTask<ApprovalRequest> Bar(
        Tx tx,
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        long person
    )
    {
        var owner = await OwnerSince(tx, request);
        if (request.Claim is not { IsEmpty: false } claim)
            return owner is { } other ? await Save(tx, request, decisions, [other], OfHub) : request;
        var asked = decisions
            .SelectMany(d => new[] { d.PersonId, d.ForPerson ?? d.PersonId })
            .Append(person)
            .Distinct()
            .Except(request.Barred)
            .ToList();
        var known = await Known(tx, asked, person);
        var found = RequesterIndex
            .Of(known)
            .Match(claim)
            .People.Concat(owner is { } one ? [one] : [])
            .Except(request.Barred)
            .Distinct()
            .ToList();
        return found.Count == 0 ? request : await Save(tx, request, decisions, found, OfHub);
    }

    /// <summary>
    /// The owner whom its agent or pipeline has now, where that is not the one who was barred when the request came.
    /// </summary>
    private static async ValueTask<long?> OwnerSince(Tx tx, ApprovalRequest request)
    {
        var owner = await tx.Number(
            $"SELECT owner_id FROM sources WHERE id = @id AND kind IN ({SourceKinds.OwnedInSql})",
            new { id = request.SourceId }
        );
        return owner == 0 || request.Barred.Contains(owner) ? null : owner;
    }

    /// <summary>They are barred from now on; what they answered no longer counts.</summary>
    public static async ValueTask<ApprovalRequest> Save(
        Tx tx,
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        IReadOnlyList<long> found,
        Origin origin
    )
    {
        var next = request with { Barred = [.. request.Barred.Union(found).Order()] };
        var verdict = Weigh.Of(next with { ExpiresAt = null }, decisions, tx.Now);
        if (verdict is Verdict.StillPending)
        {
            await RequestChange.Waiting(tx, request, decisions, next.Policy, verdict);
            next = next with { Display = verdict.Display };
        }
        return await RequestChange.Save(
            tx,
            request,
            next,
            origin,
            "request.barred",
            new { people = found, barred = next.Barred }
        );
    }

    private static ValueTask<List<KnownPerson>> Known(Tx tx, List<long> people, long person) =>
        Known(tx, people, "id IN (SELECT person_id FROM absences WHERE stand_in = @me)", person);

    /// <summary>What these people are called, here and elsewhere, now and before.</summary>
    public static ValueTask<List<KnownPerson>> Known(Reader reader, IReadOnlyList<long> people) =>
        Known(reader, people, "id = @me", people[0]);

    private static async ValueTask<List<KnownPerson>> Known(
        Reader reader,
        IReadOnlyList<long> people,
        string or,
        long me
    )
    {
        var (who, arguments) = SqlList.Whole(people.Append(me));
        arguments["me"] = me;
        var persons = $"SELECT id FROM people WHERE role <> 'service' AND (id IN ({who}) OR {or})";
        var rows = await reader.All<NameRow>(
            $"""
            SELECT id, name FROM people WHERE id IN ({persons})
            UNION ALL SELECT id, email FROM people WHERE id IN ({persons}) AND email IS NOT NULL
            UNION ALL SELECT person_id, text FROM aliases WHERE person_id IN ({persons})
            UNION ALL SELECT person_id, text FROM former_names WHERE person_id IN ({persons})
            """,
            arguments
        );
        return [.. rows.GroupBy(r => r.Id, r => r.Name).Select(names => KnownPerson.Of(names.Key, null, [.. names]))];
    }

    private sealed class NameRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }
    }
}
