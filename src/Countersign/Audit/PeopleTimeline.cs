using System.Globalization;
using Countersign.People;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Who was what when: people, memberships, absences, sources, destinations and versions of the policy file, each as of
/// any event. "As of" is the order of the whole hub: what an event rests on has a lower id than the event itself,
/// because ids are given as rows are written, and an answer locks what it rests on. Some things are read from a
/// snapshot that may be a few seconds old, or without a lock; for these, what was so within <see cref="Overlap"/>
/// before the event holds too.
/// </summary>
internal sealed class PeopleTimeline
{
    /// <summary>
    /// Longer than a snapshot is used and a transaction lasts, also with clocks that differ between nodes.
    /// </summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromMinutes(1);

    private readonly Dictionary<long, List<PersonThen>> _people = [];
    private readonly Dictionary<long, List<Membership>> _memberships = [];
    private readonly Dictionary<long, List<Named>> _groups = [];
    private readonly Dictionary<long, List<SourceThen>> _sources = [];
    private readonly Dictionary<long, List<Named>> _destinations = [];
    private readonly Dictionary<string, long> _byEmail = new(StringComparer.Ordinal);
    private readonly List<PolicyFileThen> _files = [];
    private readonly Dictionary<string, List<RecordedLink>> _links = new(StringComparer.Ordinal);
    private readonly Dictionary<long, HashSet<long>> _assignees = [];
    private readonly Dictionary<string, (long Ticket, long Assignee)> _shared = new(StringComparer.Ordinal);

    public readonly record struct Moment(long EventId, string At)
    {
        public static Moment Of(StoredEvent e) => new(e.Id, e.At);
    }

    public sealed record PersonThen(
        Moment Since,
        string Role,
        bool IsDisabled,
        long Disablings,
        bool IsAway,
        long? Delegate
    );

    public sealed record SourceThen(Moment Since, string Name, long? Group, long? Need, string? Destination)
    {
        public string Kind { get; init; } = "";
        public long? Owner { get; init; }
    }

    public sealed record PolicyFileThen(Moment Since, long Version);

    private sealed record Named(Moment Since, string Name);

    private sealed record Membership(Moment Since, long Group, bool IsIn);

    // --- What events tell, in the order of each subject ---

    public void Person(StoredEvent e, long id, Func<PersonThen?, PersonThen?> change)
    {
        var past = Past(_people, id);
        if (change(past.Count > 0 ? past[^1] : null) is { } next)
            past.Add(next with { Since = Moment.Of(e) });
    }

    public void Email(long id, string email) => _byEmail[EmailAddress.KeyOf(email)] = id;

    public void Member(StoredEvent e, long group, long person, bool isIn) =>
        Past(_memberships, person).Add(new Membership(Moment.Of(e), group, isIn));

    public void Group(StoredEvent e, long id, string name) => Past(_groups, id).Add(new Named(Moment.Of(e), name));

    public void Source(StoredEvent e, long id, Func<SourceThen?, SourceThen> change)
    {
        var past = Past(_sources, id);
        past.Add(change(past.Count > 0 ? past[^1] : null) with { Since = Moment.Of(e) });
    }

    public void BuiltIn(long id, string name) =>
        Past(_sources, id).Add(new SourceThen(default, name, null, null, null));

    public void Destination(StoredEvent e, long id, string name) =>
        Past(_destinations, id).Add(new Named(Moment.Of(e), name));

    public void PolicyFile(StoredEvent e, long version) => _files.Add(new PolicyFileThen(Moment.Of(e), version));

    /// <summary>What a destination's own history tells of a link: its request may have been settled by then.</summary>
    public void Link(string request, RecordedLink link)
    {
        if (!_links.TryGetValue(request, out var told))
            _links[request] = told = [];
        told.Add(link);
    }

    public void Assignee(long ticket, long person)
    {
        if (!_assignees.TryGetValue(ticket, out var people))
            _assignees[ticket] = people = [];
        people.Add(person);
    }

    /// <summary>
    /// The ticket gets another assignee, who sees these of its requests; the one before sees none by it.
    /// </summary>
    public void Assigned(long ticket, long assignee, IReadOnlyList<string> requests)
    {
        foreach (var request in _shared.Where(s => s.Value.Ticket == ticket).Select(s => s.Key).ToList())
            _shared.Remove(request);
        Shared(ticket, assignee, requests);
    }

    public void Shared(long ticket, long assignee, IReadOnlyList<string> requests)
    {
        foreach (var request in requests)
            _shared[request] = (ticket, assignee);
    }

    // --- What is asked ---

    /// <summary>Null when no event made this person before.</summary>
    public PersonThen? PersonAt(long id, Moment then) =>
        _people.TryGetValue(id, out var past) ? At(past, p => p.Since, then) : null;

    /// <summary>As they were, and as they had been within the overlap before.</summary>
    public IEnumerable<PersonThen> PersonAround(long id, Moment then) =>
        _people.TryGetValue(id, out var past) ? Around(past, p => p.Since, then) : [];

    /// <summary>The one or the other.</summary>
    public IEnumerable<PersonThen> States(long id, Moment then, bool around) =>
        around ? PersonAround(id, then)
        : PersonAt(id, then) is { } state ? [state]
        : [];

    public bool IsMember(long person, long group, Moment then, bool around)
    {
        if (!_memberships.TryGetValue(person, out var past))
            return false;
        var ofGroup = past.FindAll(m => m.Group == group);
        return around
            ? Around(ofGroup, m => m.Since, then).Any(m => m.IsIn)
            : At(ofGroup, m => m.Since, then) is { IsIn: true };
    }

    /// <summary>Whether this person belonged to the party.</summary>
    public bool Belongs(long person, Party party, Moment then, bool around) =>
        party == Party.Admins
            ? (
                around
                    ? PersonAround(person, then).Any(p => p.Role == "admin")
                    : PersonAt(person, then)?.Role == "admin"
            )
        : IdOf(party.Text, "person:") is { } one ? one == person
        : IdOf(party.Text, "group:") is { } group && IsMember(person, group, then, around);

    /// <summary>Of several people those who are known, enabled and in one of the parties.</summary>
    public int Count(IEnumerable<Party> parties, IReadOnlyCollection<long> without, Moment then) =>
        _people.Keys.Count(id =>
            !without.Contains(id)
            && PersonAt(id, then) is { IsDisabled: false }
            && parties.Any(party => Belongs(id, party, then, around: false))
        );

    /// <summary>
    /// The moment before the first change of people or groups within the overlap: as the oldest snapshot had them.
    /// </summary>
    public Moment StartOfOverlap(Moment then)
    {
        var changes = _people
            .Values.SelectMany(p => p)
            .Select(p => p.Since)
            .Concat(_memberships.Values.SelectMany(m => m).Select(m => m.Since));
        var first = changes
            .Where(c => c.EventId < then.EventId && IsRecent(c, then))
            .Select(c => c.EventId)
            .DefaultIfEmpty(then.EventId)
            .Min();
        return then with { EventId = first };
    }

    public IEnumerable<SourceThen> SourceAround(long id, Moment then) =>
        _sources.TryGetValue(id, out var past) ? Around(past, s => s.Since, then) : [];

    public string? DestinationAt(long id, Moment then) =>
        _destinations.TryGetValue(id, out var past) ? At(past, d => d.Since, then)?.Name : null;

    public long? DestinationNamed(string name)
    {
        foreach (var (id, past) in _destinations)
        {
            if (past.Exists(d => string.Equals(d.Name, name, StringComparison.OrdinalIgnoreCase)))
                return id;
        }
        return null;
    }

    /// <summary>Versions of the policy file that may have been in force; 0 where none was.</summary>
    public IEnumerable<long> PolicyFilesAround(Moment then)
    {
        if (_files.Count == 0 || _files[0].Since.EventId > then.EventId || IsRecent(_files[0].Since, then))
            yield return 0;
        foreach (var file in Around(_files, f => f.Since, then))
            yield return file.Version;
    }

    /// <summary>The groups that bore this name then.</summary>
    public IEnumerable<Party> GroupsNamed(string name, Moment then) =>
        from @group in _groups
        where
            Around(@group.Value, g => g.Since, then)
                .Any(g => PeopleDirectory.KeyOf(g.Name) == PeopleDirectory.KeyOf(name))
        select Party.Group(@group.Key);

    public Party? PersonOf(string email) =>
        _byEmail.TryGetValue(EmailAddress.KeyOf(email), out var id) ? Party.Person(id) : null;

    /// <summary>People who were erased; their names are no longer known.</summary>
    public HashSet<long> Erased { get; } = [];

    public IReadOnlyList<RecordedLink> LinksOf(string request) => _links.TryGetValue(request, out var told) ? told : [];

    public IReadOnlySet<long> AssigneesOf(long ticket) =>
        _assignees.TryGetValue(ticket, out var people) ? people : new HashSet<long>();

    /// <summary>Who sees this request as the assignee of its ticket.</summary>
    public Party? TicketAssigneeOf(string request) =>
        _shared.TryGetValue(request, out var shared) ? Party.TicketAssignee(shared.Assignee) : null;

    public static long? IdOf(string text, string prefix) =>
        text.StartsWith(prefix, StringComparison.Ordinal)
        && long.TryParse(text.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : null;

    private static List<T> Past<T>(Dictionary<long, List<T>> all, long id)
    {
        if (!all.TryGetValue(id, out var past))
            all[id] = past = [];
        return past;
    }

    private static T? At<T>(List<T> past, Func<T, Moment> since, Moment then)
        where T : class => past.FindLast(state => since(state).EventId < then.EventId);

    private static IEnumerable<T> Around<T>(List<T> past, Func<T, Moment> since, Moment then)
    {
        for (var i = past.Count - 1; i >= 0; i--)
        {
            if (since(past[i]).EventId >= then.EventId)
                continue;
            yield return past[i];
            // What this one replaced held until it came; long ago, nobody can have relied on that any more.
            if (!IsRecent(since(past[i]), then))
                yield break;
        }
    }

    private static bool IsRecent(Moment change, Moment then) =>
        change.At is { } at && Instant.Parse(at) >= Instant.Parse(then.At) - Overlap;
}
