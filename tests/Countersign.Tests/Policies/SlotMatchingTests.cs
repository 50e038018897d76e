using Countersign.Policies;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Whether all slots can be filled with different people, beside a search through all ways to seat them.
/// </summary>
public sealed class SlotMatchingTests
{
    private const int Cases = 4000;

    [Fact]
    public void It_agrees_with_trying_every_seat_for_everybody() =>
        ForEach(
            (needs, people) =>
            {
                var shortages = SlotMatching.Shortages(needs, people);
                var lacking = needs.Sum() - MaxSeated(needs, people);
                Assert.Equal(lacking, shortages.Sum(s => s.Missing));
                Assert.Equal(lacking == 0, SlotMatching.IsPossible(needs, people));
            }
        );

    [Fact]
    public void One_more_person_never_makes_it_impossible_and_those_it_asks_for_make_it_possible() =>
        ForEach(
            (needs, people) =>
            {
                var before = SlotMatching.Shortages(needs, people);
                for (var step = 0; step < needs.Count; step++)
                {
                    Assert.True(
                        SlotMatching.Shortages(needs, [.. people, 1UL << step]).Sum(s => s.Missing)
                            <= before.Sum(s => s.Missing)
                    );
                }
                foreach (var rival in before.SelectMany(s => s.Rivals))
                {
                    Assert.True(
                        SlotMatching.Shortages(needs, [.. people, 1UL << rival]).Sum(s => s.Missing)
                            < before.Sum(s => s.Missing)
                    );
                }
                Assert.True(
                    SlotMatching.IsPossible(
                        needs,
                        people.Concat(before.SelectMany(s => Enumerable.Repeat(1UL << s.Step, s.Missing)))
                    )
                );
            }
        );

    [Fact]
    public void The_order_of_people_changes_nothing() =>
        ForEach(
            (needs, people) =>
                Assert.Equal(
                    Say(SlotMatching.Shortages(needs, people)),
                    Say(SlotMatching.Shortages(needs, people.AsEnumerable().Reverse()))
                )
        );

    /// <summary>The person who moved to make room for one moves again to make room for another.</summary>
    [Fact]
    public void People_move_more_than_once()
    {
        const ulong First = 1,
            Second = 2,
            Third = 4,
            Fourth = 8,
            Fifth = 16;
        Assert.True(
            SlotMatching.IsPossible([1, 1, 1, 1, 0], [First | Third, Second | Third, First | Fourth, Second | Fifth])
        );
        Assert.False(
            SlotMatching.IsPossible([1, 1, 1, 1, 1], [First | Third, Second | Third, First | Fourth, Second | Fifth])
        );
    }

    private static IEnumerable<string> Say(IReadOnlyList<Shortage> shortages) =>
        shortages.Select(s => $"{s.Missing} in {s.Step} of {string.Join(',', s.Rivals)}");

    private static void ForEach(Action<IReadOnlyList<int>, List<ulong>> law)
    {
        for (var seed = 0; seed < Cases; seed++)
        {
            var random = Seeded.Random(seed);
            var steps = random.Next(1, 5);
            int[] needs = [.. Enumerable.Range(0, steps).Select(_ => random.Next(0, 4))];
            List<ulong> people =
            [
                .. Enumerable.Range(0, random.Next(0, 8)).Select(_ => (ulong)random.Next(1 << steps)),
            ];
            try
            {
                law(needs, people);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException(
                    $"With seed {seed}: needs {string.Join(' ', needs)}, people "
                        + $"{string.Join(' ', people.Select(p => Convert.ToString((long)p, 2)))}",
                    failure
                );
            }
        }
    }

    private static int MaxSeated(IReadOnlyList<int> needs, List<ulong> people)
    {
        var free = needs.ToArray();
        return Try(0);

        int Try(int person)
        {
            if (person == people.Count)
                return 0;
            var best = Try(person + 1);
            for (var step = 0; step < free.Length; step++)
            {
                if ((people[person] >> step & 1) == 0 || free[step] == 0)
                    continue;
                free[step]--;
                best = Math.Max(best, 1 + Try(person + 1));
                free[step]++;
            }
            return best;
        }
    }
}
