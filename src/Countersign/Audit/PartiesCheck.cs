using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Who may see a request and whom it waits for, worked out anew from its events and held beside the rows. Both tables
/// lie in the order of parties, so requests are gathered and each gathering is held beside one walk through the table.
/// </summary>
internal sealed class PartiesCheck(Reader reader, ProblemList problems, CancellationToken cancel)
{
    /// <summary>Some megabytes of memory.</summary>
    private const int Gathered = 20_000;

    private readonly Dictionary<string, Expected?> _requests = new(StringComparer.Ordinal);
    private string _from = "";

    /// <param name="Must">Parties that must be there; <paramref name="May"/> are some that may be.</param>
    /// <param name="Waits">Each is right: while answers of someone just disabled are still being taken out, the one
    /// before is too.</param>
    /// <param name="Answerable">Parties that may be told they can still answer: a missing row gives no one a right.
    /// </param>
    private sealed record Expected(
        HashSet<string> Must,
        HashSet<string> May,
        IReadOnlySet<string>[] Waits,
        HashSet<string> Answerable,
        string? Expires = null
    )
    {
        public HashSet<string> IsWaiting { get; } = [];
    }

    public async ValueTask Add(
        RequestReplay story,
        IReadOnlyList<Policy> policies,
        Policy current,
        PeopleTimeline people
    )
    {
        var must = story.Sees.ToHashSet();
        must.UnionWith(policies.SelectMany(p => p.Approvers).Select(a => a.Party.Text));
        must.UnionWith(story.Decisions.Where(d => d.ForPerson is not null).Select(d => Party.Person(d.PersonId).Text));
        if (people.TicketAssigneeOf(story.Id) is { } assignee)
            must.Add(assignee.Text);
        var may = story.SeesByItself.ToHashSet();
        if (story.Content.Ticket is { } ticket)
            may.UnionWith(people.AssigneesOf(ticket).Select(a => Party.Person(a).Text));
        must.ExceptWith(story.SeesByItself);
        _requests[story.Id] = Expect(must, may, Verdicts(story, current, people), current) with
        {
            Expires = story.Expires,
        };
        if (_requests.Count >= Gathered)
            await Flush(toTheEnd: false);
    }

    /// <summary>One that was archived: who might see it then, and whoever the ticket has been given to.</summary>
    public async ValueTask Add(string request, IEnumerable<string> parties, long? ticket, PeopleTimeline people)
    {
        var must = parties.ToHashSet();
        if (people.TicketAssigneeOf(request) is { } assignee)
            must.Add(assignee.Text);
        var may = ticket is { } of ? people.AssigneesOf(of).Select(a => Party.Person(a).Text).ToHashSet() : [];
        _requests[request] = Expect(must, may, [], null);
        if (_requests.Count >= Gathered)
            await Flush(toTheEnd: false);
    }

    /// <summary>One of which too much is gone to say anything about it.</summary>
    public void PassOver(string request) => _requests[request] = null;

    private static Expected Expect(HashSet<string> must, HashSet<string> may, Verdict[] verdicts, Policy? policy) =>
        new(
            must,
            may,
            verdicts is []
                ? [new HashSet<string>()]
                : [.. verdicts.Select(verdict => RequestChange.WaitsFor(policy!, verdict))],
            [.. verdicts.SelectMany(verdict => RequestChange.AlsoAnswerable(policy!, verdict))]
        );

    /// <summary>How it stands while it is active: with what its authors are now, and with what they were.</summary>
    private static Verdict[] Verdicts(RequestReplay story, Policy policy, PeopleTimeline people)
    {
        if (story.Status != Status.Active)
            return [];
        var end = new PeopleTimeline.Moment(long.MaxValue, Instant.ToText(DateTimeOffset.MaxValue));
        var request = story.AsRequest(policy) with { ExpiresAt = null };
        var counting = story.Decisions.ConvertAll(d =>
            d with
            {
                AuthorDisabled =
                    people.PersonAt(d.PersonId, end) is not { IsDisabled: false } p || p.Disablings != d.Disablings,
            }
        );
        return [Weigh.Of(request, counting, default), Weigh.Of(request, story.Decisions, default)];
    }

    /// <summary>Rows of requests that no event knows are named with what was gathered around them.</summary>
    public async ValueTask Flush(bool toTheEnd)
    {
        var to = toTheEnd ? "\U0010FFFF" : _requests.Keys.Max(StringComparer.Ordinal) ?? "";
        await foreach (var row in Rows("parties", to))
        {
            if (!_requests.TryGetValue(row.RequestId, out var request))
                problems.Add($"{row.Party} may see request {row.RequestId}, of which no event tells.");
            else if (request is not null && !request.Must.Remove(row.Party) && !request.May.Contains(row.Party))
                problems.Add($"{row.Party} may see request {row.RequestId}, which does not follow from its events.");
        }
        await foreach (var row in Rows("waiting", to))
        {
            if (!_requests.TryGetValue(row.RequestId, out var request))
            {
                problems.Add($"Request {row.RequestId}, of which no event tells, waits for {row.Party}.");
            }
            else if (request is not null)
            {
                request.IsWaiting.Add(row.Party);
                if (row.ExpiresAt != request.Expires)
                {
                    problems.Add(
                        $"{row.Party} has request {row.RequestId} as expiring at {row.ExpiresAt ?? "no time"}, but its "
                            + $"events say {request.Expires ?? "that it doesn't"}."
                    );
                }
            }
        }
        await foreach (var row in Rows("answerable", to))
        {
            if (
                !_requests.TryGetValue(row.RequestId, out var request)
                || request?.Answerable.Contains(row.Party) == false
            )
            {
                problems.Add(
                    $"Delegates of {row.Party} may see request {row.RequestId}, which does not follow from its events."
                );
            }
        }
        foreach (var (id, request) in _requests)
        {
            if (request is null)
                continue;
            foreach (var party in request.Must)
                problems.Add($"{party} may not see request {id} any more: its row in parties is gone.");
            if (!request.Waits.Any(request.IsWaiting.SetEquals))
            {
                problems.Add(
                    $"Request {id} waits for {Names(request.IsWaiting)}, but its events say for "
                        + $"{Names(request.Waits[0])}."
                );
            }
        }
        _requests.Clear();
        _from = to;
    }

    private static string Names(IEnumerable<string> parties) =>
        string.Join(", ", parties.Order(StringComparer.Ordinal)) is { Length: > 0 } names ? names : "no one";

    private IAsyncEnumerable<PartyRow> Rows(string table, string to) =>
        Pages.Each<PartyRow, Key>(
            reader,
            $"""
            SELECT party, request_id{(table == "waiting" ? ", expires_at" : "")} FROM {table}
            WHERE (party, request_id) > (@Party, @RequestId) AND request_id > @From AND request_id <= @To
            ORDER BY party, request_id
            """,
            new Key("", "", _from, to),
            row => new Key(row.Party, row.RequestId, _from, to),
            5_000,
            cancel
        );

    private sealed record Key(string Party, string RequestId, string From, string To);

    private sealed class PartyRow
    {
        public required string Party { get; init; }
        public required string RequestId { get; init; }
        public string? ExpiresAt { get; init; }
    }
}
