using System.Collections.Concurrent;
using System.Text.Json;

namespace Countersign.Simulator;

/// <summary>
/// One case being played: LaunchDarkly's acts, each with what the protocol expects of the answer. A case says in which
/// order and under which circumstances they happen (<see cref="Cases"/>).
/// </summary>
internal sealed class Play(
    Case ofCase,
    SimulationPlan plan,
    ApprovalApplication application,
    SimulationReport report,
    BelievableChanges changes,
    ConcurrentQueue<ApprovalTicket> books,
    CancellationToken cancel
)
{
    private const int AtOnce = 8,
        FirstPolls = 3;
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(5);

    private int _asked,
        _hits;

    public SimulationPlan Plan => plan;
    public ApprovalApplication Application => application;
    public CancellationToken Cancelled => cancel;

    public int OpenRequests => books.Count(t => !t.IsSettled);

    public ProposedChange NextChange() => changes.Next();

    /// <summary>Plays it as often as the plan says, a few at a time.</summary>
    public Task Each(Func<int, Task> play) =>
        Parallel.ForAsync(
            0,
            plan.Requests,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel },
            async (i, _) => await play(i)
        );

    /// <summary>
    /// A member requests approval. Null when that came to nothing, as it must with a body that is no JSON.
    /// </summary>
    public async Task<ApprovalTicket?> Create(
        ProposedChange change,
        ApprovalApplication? at = null,
        bool maybeTooLarge = false
    )
    {
        var ticket = new ApprovalTicket(change, ofCase.Name, at ?? application);
        var body = ticket.Application.Contract.Body(change);
        if (!IsJson(body))
        {
            await CreateBroken(change.Id, body, ticket.Application);
            return null;
        }
        var answer = await ticket.Application.Send(ticket.Application.Contract.Create, "", body, cancel);
        if (maybeTooLarge && answer.Status == 413)
            return null;
        if (!HearCreation(ticket, answer, null))
            return null;
        report.Tell(ticket);
        return ticket;
    }

    /// <summary>The same creation once more, in any state that the request has reached by now.</summary>
    public async Task CreateAgain(ApprovalTicket ticket, CancellationToken stop) =>
        HearCreation(
            ticket,
            await ticket.Application.Send(
                ticket.Application.Contract.Create,
                "",
                ticket.Application.Contract.Body(ticket.Change),
                stop
            ),
            Rule.RepeatReset
        );

    /// <summary>A body that no application can make a request of: refused, and forgotten.</summary>
    public async Task CreateBroken(string id, string body, ApprovalApplication at)
    {
        var answer = await at.Send(at.Contract.Create, "", body, cancel);
        if (IsFault(answer, id))
            return;
        if (answer.Status is < 400 or >= 500)
            Find(Rule.BrokenAccepted, id, answer.ToString());
        var later = await at.Send(at.Contract.Status, id, null, cancel);
        // An application that has a status for everything has kept nothing.
        if (later.IsGood && !(await at.Send(at.Contract.Status, ProposedChange.NewId(), null, cancel)).IsGood)
            Find(Rule.BrokenKept, id, later.ToString());
    }

    /// <summary>Takes what the application says about a creation. False when there is nothing to go on with.</summary>
    public bool HearCreation(ApprovalTicket ticket, Answer answer, Rule? whenItContradicts)
    {
        var id = ticket.Change.Id;
        if (IsFault(answer, id))
            return false;
        if (!answer.IsGood)
        {
            Find(Rule.CreateRefused, id, answer.ToString());
            return false;
        }
        if (!IsJson(answer, id, out var json))
            return false;
        var reader = ticket.Application.Contract.Reader(answer.Call);
        var returned = reader.ReturnsId ? reader.Id(json) : id;
        if (string.IsNullOrEmpty(returned))
        {
            Find(Rule.IdMissing, id, answer.ToString());
            return false;
        }
        if (!returned.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
        {
            Find(Rule.IdUnsafe, id, $"The id is {returned}");
            return false;
        }
        if (ticket.ExternalId.Length == 0)
        {
            ticket.ExternalId = returned;
            if (returned != id)
                Find(Rule.IdNotEchoed, id, $"LaunchDarkly's id came back as {returned}");
        }
        else if (ticket.ExternalId != returned)
        {
            Find(Rule.DuplicateMade, id, $"First {ticket.ExternalId}, then {returned}");
        }
        Believe(ticket, answer, json, whenItContradicts);
        return true;
    }

    /// <summary>
    /// What LaunchDarkly does right after a creation, and when a member looks at its page: several polls in a row.
    /// </summary>
    public async Task PollInBurst(ApprovalTicket ticket)
    {
        for (var n = 0; n < FirstPolls; n++)
            await Poll(ticket, cancel);
    }

    public async Task Poll(ApprovalTicket ticket, CancellationToken stop, Rule? whenItContradicts = null) =>
        HearAnswer(
            ticket,
            await ticket.Application.Send(ticket.Application.Contract.Status, ticket.ExternalId, null, stop),
            Rule.StatusRefused,
            whenItContradicts
        );

    public async Task PollAtOnce(ApprovalTicket ticket, int times)
    {
        await Task.WhenAll(Enumerable.Range(0, times).Select(_ => Poll(ticket, cancel, Rule.ParallelDisagree)));
        await Poll(ticket, cancel, Rule.ParallelDisagree);
    }

    /// <summary>The change was applied in LaunchDarkly, which tells so.</summary>
    public async Task Apply(ApprovalTicket ticket, CancellationToken stop)
    {
        ticket.MarkApplied();
        HearAnswer(
            ticket,
            await ticket.Application.Send(ticket.Application.Contract.Apply, ticket.ExternalId, null, stop),
            Rule.ApplyRefused
        );
        report.Tell(ticket);
    }

    /// <summary>The request was deleted in LaunchDarkly.</summary>
    public async Task Delete(ApprovalTicket ticket, CancellationToken stop)
    {
        if (!ticket.IsApplied)
            ticket.MarkDeleted();
        HearAnswer(
            ticket,
            await ticket.Application.Send(ticket.Application.Contract.Cancel, ticket.ExternalId, null, stop),
            Rule.CancelRefused
        );
        report.Tell(ticket);
    }

    /// <summary>From now on the poller looks after it.</summary>
    public void Watch(ApprovalTicket ticket, OnceApproved then)
    {
        ticket.Then = then;
        books.Enqueue(ticket);
    }

    public void Watch(ApprovalTicket ticket) =>
        Watch(ticket, plan.AutoApply ? OnceApproved.Apply : OnceApproved.Nothing);

    public void HearAnswer(ApprovalTicket ticket, Answer answer, Rule whenRefused, Rule? whenItContradicts = null)
    {
        var id = ticket.Change.Id;
        if (IsFault(answer, id))
            return;
        if (answer.Status == 405 && whenRefused != Rule.StatusRefused)
            Find(Rule.PostRefused, id, answer.ToString());
        else if (!answer.IsGood)
            Find(whenRefused, id, answer.ToString());
        else if (IsJson(answer, id, out var json))
            Believe(ticket, answer, json, whenItContradicts);
    }

    /// <summary>What was read from an answer that belongs to no ticket.</summary>
    public static Heard? Read(Answer answer, ApprovalApplication at) =>
        answer.IsGood && answer.Json is { } json && answer.Call.Name != "members"
            ? at.Contract.Reader(answer.Call).Read(json)
            : null;

    /// <summary>Faults that say nothing about the request: no answer at all, a crash, a brake.</summary>
    public bool IsFault(Answer answer, string? id)
    {
        if (answer.Status == 0)
            Find(Rule.Unreachable, id, answer.ToString());
        else if (answer.Status == 429)
            Find(Rule.RateLimited, id, answer.ToString());
        else if (answer.Status >= 500 && answer.Status != 503)
            Find(Rule.ServerError, id, answer.ToString());
        else if (answer.Took > Slow)
            Find(Rule.SlowAnswer, id, $"{answer.Call.Name} took {answer.Took.TotalSeconds:0.0} s");
        return answer.Status is 0 or 429 or (>= 500 and not 503);
    }

    public bool IsJson(Answer answer, string? id, out JsonElement json)
    {
        json = answer.Json ?? default;
        if (answer.Json is null)
        {
            Find(
                Rule.NotJson,
                id,
                answer.Text.Length == 0
                    ? $"{answer.Call.Name} answered {answer.Status} with nothing"
                    : answer.ToString()
            );
        }
        return answer.Json is not null;
    }

    public void Find(Rule rule, string? request, string what) => report.Find(rule, ofCase.Name, request, what);

    public void Tell(ApprovalTicket ticket) => report.Tell(ticket);

    /// <summary>
    /// Something that a coincidence could explain once (a person decided at that very moment), but not every time.
    /// <see cref="FindIfAlways"/> tells when it was always so.
    /// </summary>
    public void Tally(bool hit)
    {
        Interlocked.Increment(ref _asked);
        if (hit)
            Interlocked.Increment(ref _hits);
    }

    public void FindIfAlways(Rule rule, string what)
    {
        if (_asked > 0 && _hits == _asked)
            Find(rule, null, $"{what}, {_hits} times out of {_asked}");
    }

    private void Believe(ApprovalTicket ticket, Answer answer, JsonElement json, Rule? whenItContradicts)
    {
        var (state, value) = (ticket.State, ticket.Value);
        var heard = ticket.Application.Contract.Reader(answer.Call).Read(json);
        if (heard.Oddity is { } oddity)
        {
            Find(
                oddity,
                ticket.Change.Id,
                heard.Value is null
                    ? answer.ToString()
                    : $"LaunchDarkly believes {ApprovalTicket.Words(heard.Review)}, the application says {heard.Value}"
            );
        }
        if (ticket.Hear(heard, answer, whenItContradicts) is { } broken)
        {
            Find(
                broken,
                ticket.Change.Id,
                $"LaunchDarkly believed {state}, the application said {value} and now says {heard.Value} "
                    + $"({answer.Call.Name})"
            );
        }
        if (ticket.State != state && answer.Call.Name == "status")
            report.Tell(ticket);
    }

    private static bool IsJson(string body)
    {
        try
        {
            JsonElement.Parse(body);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
