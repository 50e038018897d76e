namespace Countersign.Simulator;

/// <summary>Hears what happens while a simulation runs; one call at a time.</summary>
public interface ISimulationObserver
{
    void Started(Case started);

    /// <param name="occurrence">How often this rule has been broken by now.</param>
    void Found(Finding finding, int occurrence);

    /// <summary>LaunchDarkly or the application believes something new of a request.</summary>
    void Changed(ApprovalTicket ticket);

    void Interrupted();
}

/// <summary>What a simulation found: every rule that was broken, and the cases that were played.</summary>
/// <param name="observer">Told at once; null when only the result counts.</param>
public sealed class SimulationReport(ISimulationObserver? observer = null)
{
    private const int MaxFindings = 2000;

    private readonly Lock _lock = new();
    private readonly List<Finding> _findings = [];
    private readonly Dictionary<Rule, int> _occurrences = [];
    private readonly List<(Case Case, int Calls)> _played = [];
    private readonly List<Case> _skipped = [];

    /// <summary>At most 2000; <see cref="OccurrencesOf"/> counts the others too.</summary>
    public IReadOnlyList<Finding> Findings => Locked(() => _findings.ToList());

    /// <summary>The cases that were played, each with the calls it took.</summary>
    public IReadOnlyList<(Case Case, int Calls)> Played => Locked(() => _played.ToList());

    public IReadOnlyList<Case> Skipped => Locked(() => _skipped.ToList());

    /// <summary>LaunchDarkly and the application agree, and the protocol was kept.</summary>
    public bool IsClean => !Findings.Any(f => f.Rule.Severity == Severity.Wrong);

    public int OccurrencesOf(Rule rule) => Locked(() => _occurrences.GetValueOrDefault(rule));

    internal void Find(Rule rule, string ofCase, string? request, string what) =>
        Locked(() =>
        {
            var finding = new Finding(rule, ofCase, request, what);
            var occurrence = _occurrences[rule] = _occurrences.GetValueOrDefault(rule) + 1;
            if (_findings.Count < MaxFindings)
                _findings.Add(finding);
            observer?.Found(finding, occurrence);
            return occurrence;
        });

    internal void Tell(ApprovalTicket ticket)
    {
        lock (_lock)
            observer?.Changed(ticket);
    }

    internal void Start(Case started)
    {
        lock (_lock)
            observer?.Started(started);
    }

    internal void Interrupt()
    {
        lock (_lock)
            observer?.Interrupted();
    }

    internal void Finish(Case played, int calls)
    {
        lock (_lock)
            _played.Add((played, calls));
    }

    internal void Skip(Case skipped)
    {
        lock (_lock)
            _skipped.Add(skipped);
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_lock)
            return read();
    }
}
