using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// For whom a use case works: a person or a source, known and let in by a door. What they may see is part of every
/// query; what is not theirs to see looks like what is not there.
/// </summary>
public sealed record Viewer(Party Party, long? PersonId, bool IsAdmin, string Name, Origin Origin)
{
    /// <summary>The hub's own work sees everything.</summary>
    public static Viewer Hub(Origin origin) => new(new Party("hub"), null, IsAdmin: true, "Countersign", origin);

    public bool IsSource => PersonId is null;

    /// <summary>
    /// The condition under which the viewer may see request <c>r</c>. For its source and its requester that follows
    /// from the request itself, for all others from a row in parties. An EXISTS for each reason rather than an OR
    /// inside one, because PostgreSQL then walks from the person's groups and not through the whole table. A delegate
    /// sees what they may decide for their principal, and no more.
    /// </summary>
    public const string MaySee = $"""
        (@admin = 1 OR r.source_id = @source OR r.requester_id = @person
         OR EXISTS (SELECT 1 FROM parties v WHERE v.party = 'person:' || @person AND v.request_id = r.id)
         OR EXISTS (SELECT 1 FROM parties v WHERE v.party = 'ticket-assignee:' || @person AND v.request_id = r.id)
         OR EXISTS (SELECT 1 FROM members m JOIN parties v ON v.party = 'group:' || m.group_id AND v.request_id = r.id
         WHERE m.person_id = @person)
         OR {DelegateSql.StandsIn})
        """;

    public long AdminFlag => IsAdmin ? 1 : 0;

    /// <summary>No person has this id; a source is in no group.</summary>
    public long PersonOrNone => PersonId ?? 0;

    /// <summary>No source has the id 0; a person sees nothing because of the source.</summary>
    public long SourceOrNone => Party.IdAfter("source:") ?? 0;
}
