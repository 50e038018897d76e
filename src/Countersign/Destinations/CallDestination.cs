using System.Globalization;
using Countersign.Destinations.Links;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Destinations;

/// <summary>
/// Does what is next for one link: opens the ticket, looks for one that may have been opened, asks how it stands, or
/// passes on what is pending. The job says when, the link says what.
/// </summary>
internal sealed partial class CallDestination(
    Store store,
    DestinationCache book,
    DestinationCalls calls,
    StartOpening start,
    DestinationOptions options,
    ILogger<CallDestination> log
) : IJobHandler
{
    /// <summary>Calls at once at one destination, on each node.</summary>
    public const int MaxAtOnce = 32;

    /// <summary>How long a link waits whose destination can't be used at this moment.</summary>
    private static readonly TimeSpan UnusableWait = TimeSpan.FromMinutes(1);

    public string Kind => LinkJob.Kind;

    /// <summary>Access token, look-up of members and the call itself, each once more after a 401.</summary>
    public TimeSpan MaxRun => TimeSpan.FromSeconds(105);

    public string? WhyNotDiscard =>
        "Dismiss it on the destination's page or with: countersign destination resolve <link> --give-up";

    public async ValueTask<int> AtOnce(Reader reader, string receiver)
    {
        const string usable = "SELECT count(*) FROM destinations WHERE id = @id AND paused_at IS NULL";
        return await reader.Number(usable, new { id = LinkJob.DestinationOf(receiver) }) > 0 ? MaxAtOnce : 0;
    }

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var id = IdOf(job);
        Link? link;
        try
        {
            link = await store.Read(reader => LinkRow.Find(reader, id), cancel);
        }
        catch (FormatException unreadable)
        {
            return new JobResult.SetAside(JobWorker.ErrorOf(unreadable));
        }
        if (link is null)
            return new JobResult.Done();
        if (!(await book.All(cancel)).TryGetValue(link.DestinationId, out var destination) || destination.IsPaused)
            return new JobResult.Again(store.Now + UnusableWait);
        if (await Call(destination, link, cancel) is not { } result)
            return new JobResult.Done();
        return new JobResult.Done(tx => RecordCall.Take(tx, destination, result, options.PollEvery))
        {
            Lock = tx => LinkRow.Lock(tx, id),
            WriteLate = tx => RecordCall.TakeLate(tx, destination, result, options.PollEvery),
        };
    }

    public ValueTask WhenSetAside(Tx tx, Job job) => LinkRow.NoteSetAside(tx, IdOf(job));

    private static long IdOf(Job job) => long.Parse(job.Key, CultureInfo.InvariantCulture);

    /// <summary>Null when there is nothing to open any more.</summary>
    private async Task<CallResult?> Call(Destination destination, Link link, CancellationToken cancel)
    {
        Manifest.ForwardedRequest forwarded;
        try
        {
            forwarded =
                await ForwardedRequests.Of(
                    store,
                    destination.Manifest,
                    link.RequestId,
                    link.Revision,
                    options.BaseUrl,
                    cancel
                ) ?? throw new InvalidDataException("The content of its request is gone.");
        }
        catch (Exception fault) when (JobWorker.IsItsOwn(fault))
        {
            Log.Unreadable(log, fault, destination.Id, link.Id);
            var why = $"The request can't be read. {JobWorker.ErrorOf(fault)}";
            CallOutcome notCalled =
                link.State == LinkState.New ? new CallOutcome.NotOpened(why) : new CallOutcome.Failed(why);
            return new CallResult(link, notCalled, null, Jitter.Next());
        }
        if (link.State == LinkState.New && !await start.Run(link.Id, cancel))
            return null;
        var (outcome, shown) = await calls.Proceed(destination, link, forwarded, cancel);
        Log.Called(log, destination.Id, link.Id, outcome.GetType().Name);
        if (
            outcome
            is CallOutcome.Told { Reported.MatchedBoth: true }
                or CallOutcome.Opened { Reported.MatchedBoth: true }
        )
        {
            Log.Both(log, destination.Id, link.Id);
        }
        return new CallResult(link, outcome, shown, Jitter.Next());
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Destination {Destination}, link {Link}: {Outcome}")]
        public static partial void Called(ILogger log, long destination, long link, string outcome);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Destination {Destination}, link {Link}: the status matches both patterns and rejects the request"
        )]
        public static partial void Both(ILogger log, long destination, long link);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "Destination {Destination}, link {Link}: the request cannot be read"
        )]
        public static partial void Unreadable(ILogger log, Exception fault, long destination, long link);
    }
}
