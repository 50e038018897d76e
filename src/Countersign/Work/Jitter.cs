using System.Security.Cryptography;

namespace Countersign.Work;

/// <summary>Keeps many things that failed together from being tried again together.</summary>
internal static class Jitter
{
    /// <summary>Between 0 and 1.</summary>
    public static double Next() => RandomNumberGenerator.GetInt32(1_000_001) / 1_000_000d;
}
