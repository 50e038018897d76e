namespace Countersign.Policies;

/// <summary>A step that cannot be filled with different people, and how many it lacks.</summary>
/// <param name="Rivals">The steps that need the same people, itself among them.</param>
public sealed record Shortage(int Step, int Missing, IReadOnlyList<int> Rivals);

/// <summary>
/// Can every slot be filled with a person of its own? People who can fill the same steps are alike, so they are counted
/// by the set of their steps, and the counts are led to the steps by augmenting paths: the work grows with the number
/// of different sets, not with the number of people.
/// </summary>
public static class SlotMatching
{
    /// <summary>A set of steps is a mask.</summary>
    public const int MaxSteps = 64;

    public static bool IsPossible(IReadOnlyList<int> needs, IEnumerable<ulong> people) =>
        Shortages(needs, people) is [];

    /// <summary>
    /// Empty when it is possible. So many more people in each step that is named make it so, and fewer do not.
    /// </summary>
    public static IReadOnlyList<Shortage> Shortages(IReadOnlyList<int> needs, IEnumerable<ulong> people)
    {
        var hall = new Hall(needs.Count, people);
        List<Shortage>? shortages = null;
        for (var step = 0; step < needs.Count; step++)
        {
            if (hall.Fill(step, needs[step]) is > 0 and var missing)
                (shortages ??= []).Add(new Shortage(step, missing, hall.LastReached()));
        }
        return shortages is null ? [] : shortages;
    }

    private sealed class Hall
    {
        private readonly int _steps;
        private readonly ulong[] _masks;
        private readonly int[] _free;

        /// <summary>How many of each kind sit in each step.</summary>
        private readonly int[,] _seated;
        private readonly int[] _cameFrom;
        private readonly int[] _by;
        private readonly Queue<int> _queue = new();

        public Hall(int steps, IEnumerable<ulong> people)
        {
            _steps = steps;
            var counts = new Dictionary<ulong, int>();
            foreach (var mask in people)
            {
                if (mask != 0)
                    System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, mask, out _)++;
            }
            // Those with the fewest choices sit down first, so that few have to move.
            _masks = [.. counts.Keys.OrderBy(System.Numerics.BitOperations.PopCount).ThenBy(mask => mask)];
            _free = [.. _masks.Select(mask => counts[mask])];
            _seated = new int[_masks.Length, steps];
            (_cameFrom, _by) = (new int[steps], new int[steps]);
        }

        /// <summary>Seats so many in a step, moving others where that makes room; how many could not be.</summary>
        public int Fill(int step, int need)
        {
            for (var kind = 0; kind < _masks.Length && need > 0; kind++)
            {
                if ((_masks[kind] >> step & 1) == 0 || _free[kind] == 0)
                    continue;
                var some = Math.Min(need, _free[kind]);
                _free[kind] -= some;
                _seated[kind, step] += some;
                need -= some;
            }
            while (need > 0 && MakeRoom(step, need) is > 0 and var moved)
                need -= moved;
            return need;
        }

        /// <summary>The steps that a fruitless search went through: they compete for the same people.</summary>
        public IReadOnlyList<int> LastReached() => [.. Enumerable.Range(0, _steps).Where(s => _cameFrom[s] >= 0)];

        /// <summary>
        /// Searches from a step through those whose occupants could sit in it instead, until somebody is free.
        /// </summary>
        private int MakeRoom(int step, int most)
        {
            Array.Fill(_cameFrom, -1);
            _queue.Clear();
            _cameFrom[step] = step;
            _queue.Enqueue(step);
            while (_queue.TryDequeue(out var at))
            {
                for (var kind = 0; kind < _masks.Length; kind++)
                {
                    if ((_masks[kind] >> at & 1) == 0)
                        continue;
                    if (_free[kind] > 0)
                        return Move(step, at, kind, most);
                    for (var other = 0; other < _steps; other++)
                    {
                        if (_cameFrom[other] >= 0 || _seated[kind, other] == 0)
                            continue;
                        (_cameFrom[other], _by[other]) = (at, kind);
                        _queue.Enqueue(other);
                    }
                }
            }
            return 0;
        }

        private int Move(int step, int end, int kind, int most)
        {
            most = Math.Min(most, _free[kind]);
            for (var at = end; at != step; at = _cameFrom[at])
                most = Math.Min(most, _seated[_by[at], at]);
            _free[kind] -= most;
            _seated[kind, end] += most;
            for (var at = end; at != step; at = _cameFrom[at])
            {
                _seated[_by[at], at] -= most;
                _seated[_by[at], _cameFrom[at]] += most;
            }
            return most;
        }
    }
}
