using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Destinations;

/// <summary>
/// The way to one destination while something is due there. Turns at the store and calls go on side by side: each turn
/// takes down what has come back and claims what is next, while up to 32 callers work off what was claimed before.
/// </summary>
internal sealed partial class Lane(Store store, TakeTurn turn, DestinationCalls calls, string baseUrl, ILogger log, CancellationToken farewell) : IDisposable
{
    /// <summary>Looks again when nothing rings.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(300);

    /// <summary>What was claimed this long ago and not yet called is let go: its claim must outlast its call.</summary>
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(1);

    /// <summary>The same from the other end: token, look-ups and call together never take as long as a claim lasts.</summary>
    private static readonly TimeSpan LongestCall = ClaimDue.Length - Stale - TimeSpan.FromSeconds(15);

    private const int MostAhead = 512;

    private readonly string _holder = Lease.NewHolder();
    private readonly Doorbell _news = new();
    private readonly Lock _gate = new();
    private readonly Queue<(Link Link, Question? Question, long Since)> _next = new();
    private List<Brought> _back = [];
    private Destination _destination = null!;

    /// <summary>Claimed, and not yet taken down.</summary>
    private int _claimed;
    private int _callers;

    /// <summary>There may be something due; this is what the destination is like now.</summary>
    public void Ring(Destination destination)
    {
        _destination = destination;
        _news.Ring();
    }

    /// <summary>Returns when nothing is due and nothing under way any more; once cancelled, as soon as the calls under way have ended.</summary>
    public async Task Run(CancellationToken cancel)
    {
        for (long? failing = null; ;)
        {
            if (cancel.IsCancellationRequested)
                LetGo();
            var back = TakeBack();
            try
            {
                if (!await Turn(back, cancel))
                    return;
                failing = null;
                if (_claimed > 0)
                    await _news.Heard(Tick, CancellationToken.None);
            }
            catch (StoreUnavailable unavailable)
            {
                Log.PutOff(log, unavailable.Message);
                failing ??= Environment.TickCount64;
                if (back.Count == 0 && _claimed == 0)
                    return;
                // Kept for another attempt, but not for longer than the claims last.
                if (cancel.IsCancellationRequested || Environment.TickCount64 - failing > Stale.TotalMilliseconds)
                    _claimed -= back.Count;
                else
                    Return(back);
                await Task.Delay(Tick, CancellationToken.None);
            }
        }
    }

    public void Dispose() => _news.Dispose();

    /// <summary>False when all is done.</summary>
    private async Task<bool> Turn(List<Brought> back, CancellationToken cancel)
    {
        var most = cancel.IsCancellationRequested ? 0 : Room(back.Count);
        if (back.Count > 0 || most > 0)
        {
            var claim = await turn.Run(_destination, _holder, back, most);
            _claimed += claim.Links.Count - back.Count;
            if (claim.Links.Count > 0)
                await Start(claim);
        }
        return _claimed > 0;
    }

    private async Task<Dictionary<long, Question>> Read(Claim claim)
    {
        try
        {
            return await Questions.Of(store, _destination, claim, baseUrl, CancellationToken.None);
        }
        catch (StoreUnavailable unavailable)
        {
            Log.PutOff(log, unavailable.Message);
            await Task.Delay(Tick, CancellationToken.None);
            return [];
        }
    }

    /// <summary>
    /// How many more to claim: 32, and where calls come back quickly twice as many as have just come back, so that no caller
    /// waits for the store. Only where a crash can be looked up after: elsewhere each one claimed would be one to ask about.
    /// </summary>
    private int Room(int back)
    {
        var most = ClaimDue.MostAtATime + (_destination.Manifest.CanLookUp ? Math.Min(back * 2, MostAhead) : 0) - (_claimed - back);
        // A few at a time, so that one claim serves several.
        return most >= ClaimDue.MostAtATime / 4 || _claimed == back ? most : 0;
    }

    private async Task Start(Claim claim)
    {
        Dictionary<long, Question> questions;
        try
        {
            questions = await Read(claim);
        }
        catch (Exception fault) when (FailedWork.IsItsOwn(fault))
        {
            (questions, claim) = await ReadEach(claim);
        }
        Start(claim, questions);
    }

    /// <summary>One request that cannot be put into words is put off, like a call that failed; the others are asked.</summary>
    private async Task<(Dictionary<long, Question> Questions, Claim Claim)> ReadEach(Claim claim)
    {
        var questions = new Dictionary<long, Question>();
        var unreadable = new List<Brought>();
        foreach (var link in claim.Links)
        {
            try
            {
                if (await Questions.Of(store, _destination.Manifest, link.RequestId, link.Revision, baseUrl, CancellationToken.None) is { } question)
                    questions[link.Id] = question;
            }
            catch (Exception fault) when (FailedWork.IsItsOwn(fault))
            {
                Log.Fault(log, fault, _destination.Id, link.Id);
                var why = $"The request cannot be read. {FailedWork.ErrorOf(fault)}";
                unreadable.Add(new Brought(link, link.State == LinkState.New ? new Exchanged.NotOpened(why) : new Exchanged.Failed(why), null, Jitter.Next()));
            }
        }
        lock (_gate)
            _back.AddRange(unreadable);
        _news.Ring();
        return (questions, claim with { Links = [.. claim.Links.Where(l => !unreadable.Exists(u => u.Claimed.Id == l.Id))] });
    }

    private void Start(Claim claim, Dictionary<long, Question> questions)
    {
        int more;
        lock (_gate)
        {
            foreach (var link in claim.Links)
                _next.Enqueue((link, questions.GetValueOrDefault(link.Id), Environment.TickCount64));
            more = Math.Min(ClaimDue.MostAtATime - _callers, _next.Count);
            _callers += more;
        }
        for (; more > 0; more--)
            _ = Task.Run(Work, CancellationToken.None);
    }

    private async Task Work()
    {
        while (true)
        {
            (Link Link, Question? Question, long Since) next;
            lock (_gate)
            {
                if (!_next.TryDequeue(out next))
                {
                    _callers--;
                    return;
                }
            }
            var isStale = next.Question is null || Environment.TickCount64 - next.Since > Stale.TotalMilliseconds;
            var brought = isStale ? NotTried(next.Link) : await Call(next.Link, next.Question!);
            lock (_gate)
                _back.Add(brought);
            _news.Ring();
        }
    }

    private async Task<Brought> Call(Link link, Question question)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(farewell);
        limit.CancelAfter(LongestCall);
        try
        {
            var (exchanged, shown) = await calls.Proceed(_destination, link, question, limit.Token);
            Log.Exchanged(log, _destination.Id, link.Id, exchanged.GetType().Name);
            if (exchanged is Exchanged.Told { Heard.MatchedBoth: true } or Exchanged.Opened { Heard.MatchedBoth: true })
                Log.Both(log, _destination.Id, link.Id);
            return new Brought(link, exchanged, shown, Jitter.Next());
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
        }
        catch (StoreUnavailable unavailable)
        {
            Log.PutOff(log, unavailable.Message);
        }
        catch (Exception fault)
        {
            // A mistake of ours in one call must not stop those behind it.
            Log.Fault(log, fault, _destination.Id, link.Id);
        }
        // The claim runs out, and whoever finds it knows that the call may have arrived.
        return new Brought(link, new Exchanged.Lost(), null, 0);
    }

    private static Brought NotTried(Link link) => new(link, new Exchanged.NotTried(), null, 0);

    /// <summary>What has come back, without what is never heard of again.</summary>
    private List<Brought> TakeBack()
    {
        List<Brought> back;
        lock (_gate)
            (back, _back) = (_back, []);
        _claimed -= back.RemoveAll(a => a.Exchanged is Exchanged.Lost);
        return back;
    }

    private void Return(List<Brought> back)
    {
        lock (_gate)
            _back.InsertRange(0, back);
    }

    /// <summary>What was claimed and not called goes back as it was.</summary>
    private void LetGo()
    {
        lock (_gate)
        {
            while (_next.TryDequeue(out var next))
                _back.Add(NotTried(next.Link));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Destination {Destination}, link {Link}: {Outcome}")]
        public static partial void Exchanged(ILogger log, long destination, long link, string outcome);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Destination {Destination}, link {Link}: the status matches both patterns of the manifest and counts as declined")]
        public static partial void Both(ILogger log, long destination, long link);

        [LoggerMessage(Level = LogLevel.Error, Message = "Destination {Destination}, link {Link}: the call could not be made")]
        public static partial void Fault(ILogger log, Exception fault, long destination, long link);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Destinations are put off: {Reason}")]
        public static partial void PutOff(ILogger log, string reason);
    }
}
