namespace Countersign.Tests;

/// <summary>Generated cases that are the same in every run, so that a failure can be looked at again.</summary>
public static class Seeded
{
#pragma warning disable RS0030 // A fixed seed: this decides nothing but which cases a test looks at.
    public static Random Random(int seed) => new(seed);
#pragma warning restore RS0030

    public static List<T> Shuffled<T>(this Random random, IEnumerable<T> items)
    {
        var shuffled = items.ToArray();
        random.Shuffle(shuffled);
        return [.. shuffled];
    }
}
