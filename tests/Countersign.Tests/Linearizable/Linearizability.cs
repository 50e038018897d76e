namespace Countersign.Tests.Linearizable;

/// <summary>
/// One call of one client. <see cref="Answer"/> is null when none came: it may have happened, or not.
/// </summary>
public sealed record Operation(string Name, long Begun, long Ended, string? Answer)
{
    public override string ToString() =>
        $"[{Begun}..{(Answer is null ? "?" : Ended)}] {Name} → {Answer ?? "no answer"}";
}

/// <summary>
/// Whether answers that were given at the same time could have come one after the other: some order of the calls, in
/// which none stands before one that had ended when it began, gives every answer. Wing and Gong's search, which
/// remembers where it has been.
/// </summary>
public static class Linearizability
{
    /// <param name="apply">What comes of a call in a state: the state after it, and its answer.</param>
    public static bool Holds<TState>(
        IReadOnlyList<Operation> history,
        TState start,
        Func<TState, string, (TState After, string Answer)> apply
    )
        where TState : notnull
    {
        if (history.Count > 60)
            throw new ArgumentException("A request's history is short.", nameof(history));
        var seen = new HashSet<(ulong Done, TState State)>();
        return Search(0, start);

        bool Search(ulong done, TState state)
        {
            if (!seen.Add((done, state)))
                return false;
            var isOver = true;
            var firstEnd = long.MaxValue;
            for (var i = 0; i < history.Count; i++)
            {
                if ((done & (1UL << i)) == 0 && history[i].Answer is not null)
                    (isOver, firstEnd) = (false, Math.Min(firstEnd, history[i].Ended));
            }
            if (isOver)
                return true;
            for (var i = 0; i < history.Count; i++)
            {
                if ((done & (1UL << i)) != 0 || history[i].Begun > firstEnd)
                    continue;
                var (after, answer) = apply(state, history[i].Name);
                if ((history[i].Answer is null || history[i].Answer == answer) && Search(done | (1UL << i), after))
                    return true;
            }
            return false;
        }
    }
}
