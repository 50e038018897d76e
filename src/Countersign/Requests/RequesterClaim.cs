using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Policies;

namespace Countersign.Requests;

/// <summary>
/// What a call says about who asks. Kept with the request, because a person may turn out later to be the one who was
/// named, and because those who were found are told and may say that it was not they.
/// </summary>
public sealed record RequesterClaim(IReadOnlyList<string> Emails, IReadOnlyList<string> Names)
{
    /// <summary>A sentence that can be read in more ways than this is nobody's name.</summary>
    public const int MaxReadings = 20;

    /// <summary>Of all calls about one request together.</summary>
    private const int MaxTogether = 100;

    /// <summary>No person has a longer name, folded or not.</summary>
    private const int MaxText = 400;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Those it matched and who have not said that it was not they.</summary>
    public IReadOnlyList<long> People { get; init; } = [];

    /// <summary>Those it matched who have said so.</summary>
    public IReadOnlyList<long> Disowned { get; init; } = [];

    public bool IsEmpty => Emails.Count == 0 && Names.Count == 0;

    /// <summary>Nothing says who asks.</summary>
    public static readonly RequesterClaim Nothing = new([], []);

    /// <summary>
    /// Texts as they came. They are kept as they are compared, which says less about people and takes less room.
    /// </summary>
    public static RequesterClaim Of(IEnumerable<string?> emails, IEnumerable<string?> names) =>
        new(Folded(emails, NameFolding.Email), Folded(names, NameFolding.Name));

    /// <summary>The list was cut, so some people it may mean are missing from it.</summary>
    public bool IsFull => Emails.Count >= MaxTogether || Names.Count >= MaxTogether;

    /// <summary>
    /// Combined with an earlier call about the same request: people whom that call named are barred too, even if they
    /// are only recognized later, and those who said that it was not they aren't asked again.
    /// </summary>
    public RequesterClaim After(RequesterClaim earlier) =>
        new([.. earlier.Emails.Union(Emails).Take(MaxTogether)], [.. earlier.Names.Union(Names).Take(MaxTogether)])
        {
            People = [.. People.Except(earlier.Disowned)],
            Disowned = earlier.Disowned,
        };

    /// <summary>One of those it matched has said that it was not they.</summary>
    public RequesterClaim DisownedBy(long person) =>
        this with
        {
            People = [.. People.Where(p => p != person)],
            Disowned = [.. Disowned, person],
        };

    /// <summary>The one text form, in the column and in events.</summary>
    public string ToText() =>
        JsonSerializer.Serialize(
            new Stored
            {
                Emails = Given(Emails),
                Names = Given(Names),
                People = Given(People),
                Disowned = Given(Disowned),
            },
            Json
        );

    public static RequesterClaim? Read(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        var stored = JsonSerializer.Deserialize<Stored>(text, Json) ?? new Stored();
        return new RequesterClaim(stored.Emails ?? [], stored.Names ?? [])
        {
            People = stored.People ?? [],
            Disowned = stored.Disowned ?? [],
        };
    }

    private static List<string> Folded(IEnumerable<string?> texts, Func<string, string> fold) =>
        [
            .. texts
                .OfType<string>()
                .Select(fold)
                .Where(t => t.Length is > 0 and <= MaxText)
                .Distinct()
                .Take(MaxReadings),
        ];

    private static T[]? Given<T>(IReadOnlyList<T> values) => values.Count == 0 ? null : [.. values];

    private sealed class Stored
    {
        public string[]? Emails { get; init; }
        public string[]? Names { get; init; }
        public long[]? People { get; init; }
        public long[]? Disowned { get; init; }
    }
}

/// <summary>What is known of one person by which they may be named.</summary>
public sealed record KnownPerson(long Id, IReadOnlyList<string> Emails, IReadOnlyList<string> Names)
{
    /// <param name="names">Names and addresses, in other systems too.</param>
    public static KnownPerson Of(long id, string? email, IReadOnlyList<string> names) =>
        new(id, [.. names.Append(email).OfType<string>().Where(n => n.Contains('@', StringComparison.Ordinal))], names);
}

/// <param name="People">Everyone who is meant, or may be; none of them may decide.</param>
/// <param name="Requester">The one who is: the only one, or of several the one whose address it is.</param>
/// <param name="Certainty">Claimed or none: a text proves nothing.</param>
public sealed record RequesterMatch(IReadOnlyList<long> People, long? Requester, Certainty Certainty);

/// <summary>
/// Finds the people whom a claim may mean. Email address and name are both always looked at, and everyone who matches
/// either is found:
/// <code>
///   emails   folded, without plus-tag
///   names    folded, words in any order, initials ignored; or the same letters with nothing between them
///   a name that holds an address is looked at as an address, too
/// </code>
/// Built once for all people, so that looking one claim up does not depend on how many there are.
/// </summary>
public sealed class RequesterIndex
{
    private readonly Dictionary<string, long[]> _byEmail;
    private readonly Dictionary<string, long[]> _byName;

    private RequesterIndex(Dictionary<string, long[]> byEmail, Dictionary<string, long[]> byName) =>
        (_byEmail, _byName) = (byEmail, byName);

    public static RequesterIndex Of(IEnumerable<KnownPerson> people)
    {
        var (emails, names) = (new List<(string Key, long Id)>(), new List<(string Key, long Id)>());
        foreach (var person in people)
        {
            emails.AddRange(person.Emails.Select(email => (NameFolding.Email(email), person.Id)));
            names.AddRange(person.Names.SelectMany(NameFolding.Keys).Select(key => (key, person.Id)));
        }
        return new RequesterIndex(Grouped(emails), Grouped(names));
    }

    public RequesterMatch Match(RequesterClaim claim)
    {
        var found = new SortedSet<long>();
        var isDoubtful = claim.Names.Count >= RequesterClaim.MaxReadings;
        foreach (var email in claim.Emails)
            Add(found, _byEmail, NameFolding.Email(email));
        long? ofAddress = found.Count == 1 ? found.Min : null;
        foreach (var name in claim.Names)
        {
            var matched = NameFolding.Keys(name).Aggregate(false, (any, key) => Add(found, _byName, key) || any);
            foreach (var word in name.Contains('@', StringComparison.Ordinal) ? name.Split(' ') : [])
            {
                matched =
                    (word.Contains('@', StringComparison.Ordinal) && Add(found, _byEmail, NameFolding.Email(word)))
                    || matched;
            }
            isDoubtful |= !matched && NameFolding.MixesAlphabets(name);
        }
        return new RequesterMatch(
            [.. found],
            found.Count == 1 ? found.Min : ofAddress,
            found.Count > 0 && !isDoubtful ? Certainty.Claimed : Certainty.None
        );
    }

    private static bool Add(SortedSet<long> found, Dictionary<string, long[]> index, string key)
    {
        if (key.Length == 0 || !index.TryGetValue(key, out var people))
            return false;
        found.UnionWith(people);
        return true;
    }

    private static Dictionary<string, long[]> Grouped(List<(string Key, long Id)> entries) =>
        entries
            .Where(e => e.Key.Length > 0)
            .GroupBy(e => e.Key, e => e.Id)
            .ToDictionary(g => g.Key, g => g.Distinct().ToArray());
}
