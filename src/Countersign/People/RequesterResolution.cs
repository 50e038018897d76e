using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.People;

/// <summary>
/// Who asks, and so may not decide: the same for every door.
/// <code>
///   a person, by their own credential         proven
///   named in the call: emails and names       claimed by everyone who matches either, none when no one does
///   a source that names no one                proven: it asks in its own name, unless a requester is required of it
///   a source that owes a name and gives none  none
///   an agent or a pipeline whose owner is     none, even if it names one: no one answers for it
///   gone or disabled
/// </code>
/// The caller is barred beside the people they name, and so is the owner of the source.
/// </summary>
public static class RequesterResolution
{
    /// <summary>A person who is signed in, or calls with a token.</summary>
    public static Requester Of(Person person) =>
        new(person.Id, person.Name, [person.Id], Certainty.Proven) { DisplayName = person.DisplayName };

    /// <param name="claim">What the call says about who asks.</param>
    /// <param name="shownAs">How the requester is called, unless one person is found.</param>
    public static Requester Named(
        this PeopleSnapshot directory,
        RequesterClaim claim,
        string shownAs,
        Source source,
        Person? caller = null
    )
    {
        var (people, requester, certainty) = directory.Requesters.Match(claim);
        var barred = new SortedSet<long>(people);
        Bar(barred, source, caller);
        var one = requester is { } only ? directory.People.GetValueOrDefault(only) : null;
        return new Requester(
            one?.Id,
            one?.Name ?? shownAs,
            [.. barred],
            directory.LacksOwner(source) ? Certainty.None
                : people is [var self] && self == caller?.Id ? Certainty.Proven
                : certainty
        )
        {
            Claim = claim with { People = people },
            DisplayName = one?.DisplayName ?? shownAs,
        };
    }

    /// <summary>
    /// The requester of a call that names one by email, name or both, or doesn't. LaunchDarkly's sources, and those
    /// that are set so, owe a name.
    /// </summary>
    public static Requester Resolve(
        this PeopleSnapshot directory,
        string? email,
        string? name,
        Source source,
        Person? caller = null
    )
    {
        var shown = new[] { name, email }.FirstOrDefault(text => !string.IsNullOrWhiteSpace(text))?.Trim();
        return shown is null
            ? Unnamed(
                source,
                caller,
                source.Name,
                source.RequesterRequired || source.Kind == SourceKinds.LaunchDarkly || directory.LacksOwner(source)
            )
            : directory.Named(RequesterClaim.Of([email], [name]), shown, source, caller);
    }

    /// <summary>Nothing in the call says who asks.</summary>
    public static Requester Unnamed(Source source, Person? caller, string shownAs, bool mustBeNamed)
    {
        var barred = new SortedSet<long>();
        Bar(barred, source, caller);
        return new Requester(
            caller?.Id,
            caller?.Name ?? shownAs,
            [.. barred],
            mustBeNamed && caller is null ? Certainty.None : Certainty.Proven
        )
        {
            DisplayName = caller?.DisplayName ?? shownAs,
        };
    }

    /// <summary>The person who would have to answer for what it sends is gone, or not let in any more.</summary>
    public static bool LacksOwner(this PeopleSnapshot directory, Source source) =>
        SourceKinds.NeedsOwner(source.Kind)
        && !(
            source.OwnerId is { } owner
            && directory.People.TryGetValue(owner, out var person)
            && person is { IsDisabled: false, Role: not Role.Service }
        );

    private static void Bar(SortedSet<long> barred, Source source, Person? caller)
    {
        if (caller is not null)
            barred.Add(caller.Id);
        if (source.OwnerId is { } owner)
            barred.Add(owner);
    }
}
