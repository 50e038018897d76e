namespace Countersign.Audit;

/// <summary>What verification found: the first hundred in words, the rest counted.</summary>
internal sealed class ProblemList
{
    public const int MaxNamed = 100;

    private readonly List<string> _named = [];

    public IReadOnlyList<string> Named => _named;
    public long Count { get; private set; }

    /// <param name="problem">Null: nothing is wrong.</param>
    public void Add(string? problem)
    {
        if (problem is null || (_named.Count > 0 && _named[^1] == problem))
            return;
        Count++;
        if (_named.Count < MaxNamed)
            _named.Add(problem);
    }
}
