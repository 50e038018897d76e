using Countersign.Insights;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Work;

namespace Countersign.Tests.Insights;

/// <summary>A hub whose figures are brought up to date when a test asks for them.</summary>
internal sealed class InsightsHub : IAsyncDisposable
{
    private InsightsHub(TestHub hub)
    {
        Hub = hub;
        Cursor = new LogCursor(hub.Store, Consumer);
        Clockwork = PolicyHub.ClockworkOn(hub.Store);
    }

    public TestHub Hub { get; }
    public SummaryConsumer Consumer { get; } = new(new RetentionOptions());
    public LogCursor Cursor { get; }
    public JobWorker Clockwork { get; }

    public static async Task<InsightsHub> Start(Engine engine)
    {
        var hub = await TestHub.Start(engine);
        hub.HasPoliciesOfItsOwn = true;
        return new InsightsHub(hub);
    }

    public ValueTask<InsightsOutcome> Look(
        Person person,
        int days = 30,
        long? group = null,
        InsightsOptions? options = null
    ) =>
        Look(
            new ReadInsights(Hub.Store, new PeopleDirectory(Hub.Store), options ?? new(), Consumer),
            person,
            days,
            group
        );

    public async ValueTask<InsightsOutcome> Look(ReadInsights read, Person person, int days = 30, long? group = null)
    {
        await Cursor.ToTheEnd(Hub.Store);
        return await read.Run(Some.Viewer(person), new InsightsQuery(days, group), default);
    }

    public async ValueTask<InsightsReport> Report(
        Person person,
        int days = 30,
        long? group = null,
        InsightsOptions? options = null
    ) =>
        await Look(person, days, group, options) is InsightsOutcome.Found found
            ? found.Report
            : throw new InvalidOperationException("No figures.");

    public Task<ApprovalRequest> Ask(string environment, params Approver[] approvers) =>
        Ask(environment, Some.Policy(approvers));

    public Task<ApprovalRequest> Ask(string environment, Policy policy, Func<Submission, Submission>? change = null) =>
        Hub.Ask(
            policy,
            s =>
            {
                s = s with { Facts = $$"""{"environment":"{{environment}}"}""" };
                return change?.Invoke(s) ?? s;
            }
        );

    /// <summary>What a running server does a moment later.</summary>
    public sealed class Follower(TestHub hub)
    {
        public Task ToTheEnd() =>
            new LogCursor(hub.Store, new SummaryConsumer(new RetentionOptions())).ToTheEnd(hub.Store);
    }

    public void After(double hours) => Hub.Clock.Advance(TimeSpan.FromHours(hours));

    public async ValueTask DisposeAsync()
    {
        Clockwork.Dispose();
        await Hub.DisposeAsync();
    }
}
