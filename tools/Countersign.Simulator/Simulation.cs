using System.Collections.Concurrent;

namespace Countersign.Simulator;

/// <summary>What is to be played, and how.</summary>
public sealed record SimulationPlan
{
    public required string Key { get; init; }
    public string? RotatedKey { get; init; }

    /// <summary>How often each case is played.</summary>
    public int Requests { get; init; } = 5;

    public IReadOnlyList<Case> Cases { get; init; } = Simulator.Cases.Usual;
    public Escaping Escaping { get; init; } = Escaping.Go;

    /// <summary>Who asks for the believable changes, in turn.</summary>
    public IReadOnlyList<string> Requesters { get; init; } = BelievableChanges.Requesters;
    public bool AutoApply { get; init; }

    /// <summary>How many times faster than LaunchDarkly's own the clock runs.</summary>
    public double Speed { get; init; } = 600;

    /// <summary>Open one change now and then instead of all at once.</summary>
    public TimeSpan? Every { get; init; }

    /// <summary>
    /// With <see cref="Every"/>: how many to open at the start, and how many may be open before it pauses.
    /// </summary>
    public (int AtFirst, int MaxOpen) Trickle { get; init; } = (1, int.MaxValue);

    /// <summary>How long to wait for people to decide; zero for not at all.</summary>
    public TimeSpan WaitAtMost { get; init; } = TimeSpan.FromMinutes(2);

    public TimeSpan PollInterval => TimeSpan.FromMinutes(5) / Speed;
    public TimeSpan MembersInterval => TimeSpan.FromHours(4) / Speed;
}

/// <summary>
/// LaunchDarkly, as an approval application knows it. It plays the cases one after the other; everything that they
/// leave open is polled on a compressed clock until a decision is made and LaunchDarkly has done its part. At the
/// very end all requests are polled once more, including closed ones.
/// </summary>
public sealed class Simulation(
    SimulationPlan plan,
    ApprovalApplication application,
    SimulationReport report,
    TimeProvider time
)
{
    private const int PollsAtOnce = 16,
        PageViewEvery = 7;

    private readonly ConcurrentQueue<ApprovalTicket> _books = new();
    private readonly BelievableChanges _changes = new(time, plan.Requesters);

    public IReadOnlyList<ApprovalTicket> Tickets => [.. _books];

    /// <summary>Ends when all is settled, when the plan's patience ends, or when it is interrupted.</summary>
    public async Task Run(CancellationToken cancel)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var watcher = Watch(enough.Token);
        try
        {
            foreach (var one in plan.Cases)
                await Play(one, cancel);
            if (plan.RotatedKey is not null)
                await Play(Cases.RotatedKey, cancel);
            else
                report.Skip(Cases.RotatedKey);
            await Settle(cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            report.Interrupt();
        }
        await enough.CancelAsync();
        await watcher;
        if (!cancel.IsCancellationRequested)
            await VisitAll(t => t.ExternalId.Length > 0 && !t.IsDeleted, cancel);
    }

    private async Task Play(Case one, CancellationToken cancel)
    {
        var before = application.Calls.Value;
        report.Start(one);
        await one.Run(PlayOf(one, cancel));
        report.Finish(one, application.Calls.Value - before);
    }

    private Play PlayOf(Case one, CancellationToken cancel) =>
        new(one, plan, application, report, _changes, _books, cancel);

    private async Task Settle(CancellationToken cancel)
    {
        var until = time.GetTimestamp();
        while (_books.Any(t => !t.IsSettled) && time.GetElapsedTime(until) < plan.WaitAtMost)
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancel);
    }

    /// <summary>Polls what is open, and lists the members again in their own, slower rhythm.</summary>
    private async Task Watch(CancellationToken stop)
    {
        var (round, membersRead) = (0, time.GetTimestamp());
        try
        {
            while (true)
            {
                await Task.Delay(plan.PollInterval, time, stop);
                round++;
                await VisitAll(t => !t.IsSettled, stop, pageView: round % PageViewEvery == 0);
                if (time.GetElapsedTime(membersRead) >= plan.MembersInterval)
                {
                    membersRead = time.GetTimestamp();
                    await Cases.Usual[0].Run(PlayOf(Cases.Usual[0], stop));
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end of the simulation.
        }
    }

    private Task VisitAll(Func<ApprovalTicket, bool> which, CancellationToken stop, bool pageView = false) =>
        Parallel.ForEachAsync(
            _books.Where(which),
            new ParallelOptions { MaxDegreeOfParallelism = PollsAtOnce, CancellationToken = stop },
            async (ticket, cancel) =>
            {
                var play = PlayOf(new Case(ticket.Case, "", _ => Task.CompletedTask), cancel);
                // A member who looks at LaunchDarkly's page has it polled several times in a row.
                for (var n = pageView ? 3 : 1; n > 0; n--)
                    await play.Poll(ticket, cancel);
                if (ticket is { Review: ReviewStatus.Approved, IsApplied: false, IsDeleted: false })
                    await OnceApproved(play, ticket, cancel);
            }
        );

    private static async Task OnceApproved(Play play, ApprovalTicket ticket, CancellationToken cancel)
    {
        switch (ticket.Then)
        {
            case Simulator.OnceApproved.Apply:
                await play.Apply(ticket, cancel);
                break;
            case Simulator.OnceApproved.ApplyTwice:
                await play.Apply(ticket, cancel);
                await play.Apply(ticket, cancel);
                await play.Delete(ticket, cancel);
                break;
            case Simulator.OnceApproved.Cancel:
                await play.Delete(ticket, cancel);
                break;
            case Simulator.OnceApproved.ApplyAndCancelAtOnce:
                await Cases.ApplyAndCancelAtOnce(play, ticket, cancel);
                break;
            case Simulator.OnceApproved.CreateAgain:
                await play.CreateAgain(ticket, cancel);
                ticket.Then = Simulator.OnceApproved.Nothing;
                break;
            default:
                return;
        }
        if (!ticket.IsDeleted)
            await play.Poll(ticket, cancel);
    }
}
