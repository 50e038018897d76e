using System.Collections.Concurrent;

namespace Countersign.Policies;

/// <summary>
/// The policy file in force, ready to be asked: compiled once, with the names of groups and people looked up in the
/// directory of the same moment. A file that cannot be read is no permission: everything then takes one admin.
/// </summary>
public sealed class PolicyBook
{
    private static readonly Policy Unreadable = new(
        "policy file unreadable",
        [new Step("admins", 1, [new Approver(Party.Admins, "an admin")])]
    );

    private readonly Matcher _matcher;
    private readonly Func<string, Approver?> _group;
    private readonly Func<string, Approver?> _person;

    /// <summary>
    /// A rule's policy, for each number of people that "all" may mean: stamped once, used by many requests.
    /// </summary>
    private readonly ConcurrentDictionary<string, Policy> _resolved = new();

    private PolicyBook(
        long version,
        PolicyFile? file,
        Matcher matcher,
        Func<string, Approver?> group,
        Func<string, Approver?> person
    ) => (Version, File, _matcher, _group, _person) = (version, file, matcher, group, person);

    public static readonly PolicyBook Empty = Of(0, PolicyFile.Empty, _ => null, _ => null);

    /// <summary>0: none was ever set.</summary>
    public long Version { get; }

    /// <summary>Null when it cannot be read.</summary>
    public PolicyFile? File { get; }

    public static PolicyBook Of(
        long version,
        PolicyFile? file,
        Func<string, Approver?> group,
        Func<string, Approver?> person
    ) => new(version, file, new Matcher(file?.Rules ?? []), group, person);

    /// <summary>The same file beside a changed directory.</summary>
    public PolicyBook With(Func<string, Approver?> group, Func<string, Approver?> person) =>
        new(Version, File, _matcher, group, person);

    /// <summary>The policy of the first rule that matches, or null when none does.</summary>
    public Policy? For(in PolicyQuery question, Pools pools, IReadOnlyList<long> barred) =>
        File is null ? Unreadable
        : _matcher.Find(question) is >= 0 and var rule ? Resolved(rule, pools, barred)
        : null;

    public int Find(in PolicyQuery question) => _matcher.Find(question);

    public bool IsPresumed(int rule, in PolicyQuery question) => _matcher.IsPresumed(rule, question);

    public (int Condition, IReadOnlyList<string> Found) Explain(int rule, in PolicyQuery question) =>
        _matcher.Explain(rule, question);

    /// <summary>
    /// Groups, people, sources and destinations that the file names and nobody has made: warnings, since they may come
    /// later.
    /// </summary>
    public IReadOnlyList<PolicyProblem> UnknownNames(
        IEnumerable<string> sources,
        IReadOnlyCollection<string> destinations
    )
    {
        var problems = new List<PolicyProblem>();
        var known = sources.Select(Wildcard.Fold).ToList();
        foreach (var (rule, i) in (File?.Rules ?? []).Select((rule, i) => (rule, i)))
        {
            var place = $"policies[{i}] of \"{rule.Name}\"";
            foreach (
                var pool in rule
                    .Steps.Select(s => s.From)
                    .Concat(rule.Escalate is { } escalate ? [escalate.To] : Array.Empty<PoolRule>())
            )
            {
                problems.AddRange(
                    pool.Groups.Where(g => _group(g.Name) is null)
                        .Select(g => new PolicyProblem(
                            g.Line,
                            g.Column,
                            "unknown-group",
                            place,
                            $"There is no group {g.Name} yet.",
                            $"Add it with: countersign group add \"{g.Name}\"",
                            IsWarning: true
                        ))
                );
                problems.AddRange(
                    pool.People.Where(p => _person(p.Name) is null)
                        .Select(p => new PolicyProblem(
                            p.Line,
                            p.Column,
                            "unknown-person",
                            place,
                            $"There is no person with the email {p.Name} yet.",
                            $"Add them with: countersign user add {p.Name} --name <name>",
                            IsWarning: true
                        ))
                );
            }
            problems.AddRange(
                from condition in rule.When
                where condition.Key == Condition.Source
                from source in condition.AnyOf
                where !known.Exists(new Wildcard(source).Matches)
                select new PolicyProblem(
                    rule.Line,
                    1,
                    "unknown-source",
                    place,
                    $"There is no source {source} yet.",
                    $"Add it with: countersign source add \"{source}\"",
                    IsWarning: true
                )
            );
            if (
                rule.Destination is { } destination
                && !destinations.Contains(destination, StringComparer.OrdinalIgnoreCase)
            )
            {
                problems.Add(
                    new PolicyProblem(
                        rule.Line,
                        1,
                        "unknown-destination",
                        place,
                        $"There is no destination {destination} yet.",
                        $"Add it with: countersign destination add \"{destination}\" --manifest FILE",
                        IsWarning: true
                    )
                );
            }
        }
        return problems;
    }

    /// <summary>One rule as it would be stamped now.</summary>
    public Policy Resolved(int index, Pools pools, IReadOnlyList<long> barred)
    {
        var rule = File!.Rules[index];
        // What "all" means is settled when a request arrives, so that the record can prove later who had to agree.
        var all = rule.Steps.Any(s => s.Need is null)
            ? string.Join(
                ',',
                rule.Steps.Select(s => s.Need ?? NumberOfAll(s, pools, rule.AllowsSelfApproval ? [] : barred))
            )
            : "";
        return _resolved.GetOrAdd($"{index}:{all}", _ => Resolve(rule, pools, barred));
    }

    private Policy Resolve(PolicyRule rule, Pools pools, IReadOnlyList<long> barred) =>
        new(
            rule.Name,
            [
                .. rule.Steps.Select(s => new Step(
                    s.Name,
                    s.Need ?? NumberOfAll(s, pools, rule.AllowsSelfApproval ? [] : barred),
                    Known(s.From)
                )
                {
                    Unknown = Unknown(s.From),
                    All = s.Need is null,
                }),
            ]
        )
        {
            AllowsSelfApproval = rule.AllowsSelfApproval,
            Rejection = rule.Rejection,
            NoteRequired = rule.NoteRequired,
            Remind = rule.Remind,
            Escalate =
                rule.Escalate is { } escalate && Known(escalate.To) is { Length: > 0 } to
                    ? new Escalation(escalate.After, to)
                    : null,
            Expire = rule.Expire,
            GrantExpires = rule.GrantExpires,
            AllowsMailDecisions = rule.AllowsMailDecisions,
            ForbidsBreakGlass = rule.ForbidsBreakGlass,
            Auto = rule.Auto,
            Destination = rule.Destination,
            UnknownRequester = rule.UnknownRequester,
            ClaimedRequester = rule.ClaimedRequester,
        };

    /// <summary>
    /// Everyone who is in it now and may answer in principle; absent people are waited for. Never nobody.
    /// </summary>
    private int NumberOfAll(StepRule step, Pools pools, IReadOnlyList<long> barred) =>
        Math.Max(
            1,
            Known(step.From)
                .SelectMany(a => pools.Of(a.Party))
                .Distinct()
                .Count(id => !barred.Contains(id) && pools.Find(id) is { IsDisabled: false })
        );

    private Approver[] Known(PoolRule pool) =>
        [
            .. pool
                .Groups.Select(g => _group(g.Name))
                .Concat(pool.People.Select(p => _person(p.Name)))
                .OfType<Approver>()
                .DistinctBy(a => a.Party),
        ];

    private string[] Unknown(PoolRule pool) =>
        [
            .. pool.Groups.Where(g => _group(g.Name) is null).Select(g => $"the group {g.Name}"),
            .. pool.People.Where(p => _person(p.Name) is null).Select(p => $"the person {p.Name}"),
        ];
}
