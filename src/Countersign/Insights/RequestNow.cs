using System.Text.Json;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Insights;

/// <summary>A request as it is now, as far as it matters for what it is counted as.</summary>
internal sealed class RequestNow
{
    public required string Id { get; init; }
    public long SourceId { get; init; }
    public required string Barred { get; init; }
    public long? AssigneeGroup { get; init; }
    public required string Stamp { get; init; }
    public required string Policy { get; init; }
    public required string Facts { get; init; }
    public long Blocked { get; init; }

    public Policy ReadPolicy => Policies.Policy.Read(Stamp, Policy);

    /// <summary>Every group that it asks, whether or not it is that group's turn.</summary>
    public IEnumerable<string> Groups =>
        ReadPolicy
            .Approvers.Select(a => a.Party)
            .Where(p => p.IdAfter("group:") is not null)
            .Concat(AssigneeGroup is { } group ? [Party.Group(group)] : [])
            .Select(p => p.Text);

    public string Environment
    {
        get
        {
            using var facts = JsonDocument.Parse(Facts);
            return RequestSummary.EnvironmentOf(facts.RootElement);
        }
    }

    public static async ValueTask<Dictionary<string, RequestNow>> Find(Reader reader, IEnumerable<string> ids)
    {
        var found = new Dictionary<string, RequestNow>(StringComparer.Ordinal);
        foreach (var (list, arguments) in SqlList.Of(ids))
        {
            foreach (
                var row in await reader.All<RequestNow>(
                    $"""
                    SELECT r.id, r.source_id, r.barred, r.assignee_group, r.stamp, s.policy, v.facts,
                      CASE WHEN r.stuck IS NULL THEN 0 ELSE 1 END AS blocked
                    FROM requests r JOIN stamps s ON s.hash = r.stamp
                    JOIN revisions v ON v.request_id = r.id AND v.n = r.revision
                    WHERE r.id IN ({list})
                    """,
                    arguments
                )
            )
            {
                found[row.Id] = row;
            }
        }
        return found;
    }
}

/// <summary>The parties that active requests wait for, and the people among them who can't review.</summary>
internal sealed class WaitingNow
{
    private readonly ILookup<string, string> _waiting;
    private readonly Dictionary<string, string> _excluded;

    private WaitingNow(ILookup<string, string> waiting, Dictionary<string, string> excluded) =>
        (_waiting, _excluded) = (waiting, excluded);

    public IEnumerable<string> PartiesOf(string id) => _waiting[id];

    public string ExcludedOf(string id) => _excluded.GetValueOrDefault(id, "");

    public static async ValueTask<WaitingNow> Find(Reader reader, IReadOnlyCollection<RequestNow> requests)
    {
        var rows = new List<WaitingRow>();
        var pairs = requests.SelectMany(r => r.ReadPolicy.Approvers.Select(a => (a.Party.Text, r.Id)));
        foreach (var (list, arguments) in SqlList.OfPairs(pairs))
        {
            rows.AddRange(
                await reader.All<WaitingRow>(
                    $"""
                    SELECT w.party, w.request_id
                    FROM (VALUES {list}) k JOIN waiting w ON w.party = k.column1 AND w.request_id = k.column2
                    """,
                    arguments
                )
            );
        }
        var waiting = rows.Distinct().ToLookup(w => w.RequestId, w => w.Party);

        // Those who ask, those who have answered the content of now, and those whose delegate reviews for them.
        var candidates = requests
            .Where(r => waiting.Contains(r.Id) && !r.ReadPolicy.AllowsSelfApproval)
            .SelectMany(r => RequestRow.ReadNumbers(r.Barred).Select(person => (r.Id, Person: person)))
            .ToHashSet();
        foreach (var (list, arguments) in SqlList.Of(waiting.Select(w => w.Key)))
        {
            foreach (
                var row in await reader.All<PersonRow>(
                    $"""
                    SELECT d.request_id AS text, d.person_id
                    FROM decisions d JOIN requests r ON r.id = d.request_id AND r.revision = d.revision
                      AND r.reading = d.reading
                    WHERE d.request_id IN ({list})
                    UNION ALL SELECT g.request_id, g.person_id
                    FROM delegations g JOIN people b ON b.id = g.delegate_id AND b.disabled_at IS NULL
                    WHERE g.request_id IN ({list})
                    """,
                    arguments
                )
            )
            {
                candidates.Add((row.Text, row.PersonId));
            }
        }
        var parties = await PartiesOf(reader, candidates.Select(c => c.Person));
        return new WaitingNow(
            waiting,
            candidates
                .Where(c => waiting[c.Id].Any(w => w == Party.Person(c.Person).Text || parties[c.Person].Contains(w)))
                .GroupBy(c => c.Id)
                .ToDictionary(g => g.Key, g => RequestRow.WriteNumbers(g.Select(c => c.Person).Order()))
        );
    }

    private static async ValueTask<ILookup<long, string>> PartiesOf(Reader reader, IEnumerable<long> people)
    {
        var rows = new List<PersonRow>();
        foreach (var (list, arguments) in SqlList.Of(people))
        {
            rows.AddRange(
                await reader.All<PersonRow>(
                    $"""
                    SELECT person_id, 'group:' || group_id AS text FROM members WHERE person_id IN ({list})
                    UNION ALL SELECT id, 'admins' FROM people WHERE role = 'admin' AND id IN ({list})
                    """,
                    arguments
                )
            );
        }
        return rows.ToLookup(r => r.PersonId, r => r.Text);
    }

    private sealed record WaitingRow
    {
        public required string Party { get; init; }
        public required string RequestId { get; init; }
    }

    private sealed class PersonRow
    {
        public required string Text { get; init; }
        public long PersonId { get; init; }
    }
}
