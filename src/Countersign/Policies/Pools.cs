namespace Countersign.Policies;

/// <summary>A person as far as it matters for who may answer.</summary>
/// <param name="AwayUntil">Set while the person is out of office.</param>
/// <param name="DelegateId">Whom they chose; whether that person stands in is for <see cref="Delegates"/>.</param>
public sealed record PoolMember(
    long Id,
    string Name,
    bool IsDisabled = false,
    DateTimeOffset? AwayUntil = null,
    long? DelegateId = null
);

/// <summary>Who belongs to which party, at one moment.</summary>
public sealed class Pools(
    IReadOnlyDictionary<long, PoolMember> people,
    IReadOnlyDictionary<string, IReadOnlyList<long>> members
)
{
    public static readonly Pools Empty = new(
        new Dictionary<long, PoolMember>(),
        new Dictionary<string, IReadOnlyList<long>>()
    );

    /// <summary>
    /// Disabled people, absent people and the parties of one person are rare; without them, counting the members of a
    /// group will do.
    /// </summary>
    private readonly int _away = people.Values.Count(p => p.IsDisabled || p.AwayUntil is not null);

    public PoolMember? Find(long id) => people.GetValueOrDefault(id);

    /// <summary>Everyone in a party, also those who cannot answer now.</summary>
    public IReadOnlyList<long> Of(Party party) =>
        members.TryGetValue(party.Text, out var ids) ? ids
        : party.Text.StartsWith("person:", StringComparison.Ordinal)
        && long.TryParse(
            party.Text.AsSpan("person:".Length),
            System.Globalization.CultureInfo.InvariantCulture,
            out var id
        )
        && people.ContainsKey(id)
            ? [id]
        : [];

    public IReadOnlyList<long> Of(Step step) =>
        step.From is [var one] ? Of(one.Party) : [.. step.From.SelectMany(a => Of(a.Party)).Distinct()];

    /// <summary>At least so many of a party can answer, whoever may be away.</summary>
    public int AtLeast(Step step) => step.From.Count == 0 ? 0 : step.From.Max(a => Of(a.Party).Count) - _away;

    /// <summary>How many of them are people who could be in a party; what a source creates under is none.</summary>
    public int Known(IReadOnlyList<long> ids)
    {
        var known = 0;
        for (var i = 0; i < ids.Count; i++)
            known += people.ContainsKey(ids[i]) ? 1 : 0;
        return known;
    }

    /// <summary>Those who are out of office and not disabled.</summary>
    public IEnumerable<PoolMember> Away =>
        _away == 0 ? [] : people.Values.Where(p => p.AwayUntil is not null && !p.IsDisabled);
}
