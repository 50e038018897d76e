namespace Countersign.Simulator.Rest;

/// <summary>What a call gets instead of its proper answer.</summary>
public enum RestFault
{
    None,

    /// <summary>429 with the time at which the window ends.</summary>
    RouteLimit,

    /// <summary>429 with a time that has passed already.</summary>
    RouteLimitInThePast,

    /// <summary>429 with <c>Retry-After</c>.</summary>
    AddressLimit,

    /// <summary>200 with a sign-in page.</summary>
    Html,

    /// <summary>502 with a proxy's page.</summary>
    BadGateway,

    /// <summary>503 with a JSON error.</summary>
    Unavailable,

    /// <summary>The connection breaks.</summary>
    Breaks,

    /// <summary>302 to another host.</summary>
    Redirects,

    /// <summary>200 with half of a JSON object.</summary>
    CutShort,

    /// <summary>200 with JSON that doesn't end.</summary>
    Endless,

    /// <summary>200 with JSON that isn't what was asked for.</summary>
    OtherJson,
}

/// <summary>
/// How the simulated REST API misbehaves. Everything is off at the start and can be switched at any time.
/// </summary>
public sealed class RestTraps
{
    private readonly Lock _lock = new();
    private int _left;
    private RestFault _fault;
    private Func<RestCall, bool> _which = _ => true;
    private TaskCompletionSource? _held;

    /// <summary>Answers <paramref name="fault"/> to the next calls.</summary>
    /// <param name="times">To how many calls; to all by default.</param>
    /// <param name="which">Only to these; the others get their answers and don't count.</param>
    public void Answer(RestFault fault, int times = int.MaxValue, Func<RestCall, bool>? which = null)
    {
        lock (_lock)
            (_fault, _left, _which) = (fault, times, which ?? (_ => true));
    }

    /// <summary>Calls get no answer until the result is disposed of.</summary>
    public IDisposable Hold()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
            _held = held;
        return new Release(() =>
        {
            lock (_lock)
                _held = null;
            held.TrySetResult();
        });
    }

    /// <summary>How long to wait after an address limit, and for how long a route limit lasts.</summary>
    public TimeSpan Wait { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A missing right answers 401, as for a bad token, instead of 403.</summary>
    public bool MissingRightsAnswer401 { get; set; }

    /// <summary>Instructions come as a text that contains JSON, as some samples of the documentation have it.</summary>
    public bool InstructionsAsText { get; set; }

    /// <summary>An apply succeeds, but its answer is lost.</summary>
    public bool ApplyAnswerIsLost { get; set; }

    /// <summary>A conflict answers 200, with the failure in the body only.</summary>
    public bool ConflictAnswers200 { get; set; }

    /// <summary>The link to the next page leads to this host.</summary>
    public string? LinksLeadTo { get; set; }

    /// <summary>The member list never ends: each page links to itself.</summary>
    public bool PagesNeverEnd { get; set; }

    internal RestFault Take(RestCall call)
    {
        lock (_lock)
        {
            if (_fault == RestFault.None || _left == 0 || !_which(call))
                return RestFault.None;
            _left--;
            return _fault;
        }
    }

    internal Task Gate()
    {
        lock (_lock)
            return _held?.Task ?? Task.CompletedTask;
    }

    private sealed class Release(Action release) : IDisposable
    {
        public void Dispose() => release();
    }
}
