using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// For whom a use case works: a person or a source, known and let in by a door. What they may see is part of every
/// query: <see cref="Visibility"/>.
/// </summary>
public sealed record Viewer(Party Party, long? PersonId, bool IsAdmin, string Name, Origin Origin)
{
    /// <summary>The hub's own work sees everything.</summary>
    public static Viewer Hub(Origin origin) => new(new Party("hub"), null, IsAdmin: true, "Countersign", origin);

    public bool IsSource => PersonId is null;

    public long AdminFlag => IsAdmin ? 1 : 0;

    /// <summary>No person has this id; a source is in no group.</summary>
    public long PersonOrNone => PersonId ?? 0;

    /// <summary>No source has the id 0; a person sees nothing because of the source.</summary>
    public long SourceOrNone => Party.IdAfter("source:") ?? 0;
}
