using System.Security.Cryptography;
using System.Text;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// A seal as it lies in the store: it fixes which events come next in the order of the whole hub, and ties them to
/// everything sealed before. Seals are only ever added.
/// </summary>
internal sealed class Seal
{
    /// <summary>
    /// Enough that a busy hub keeps up, few enough that one seal is read and written in milliseconds.
    /// </summary>
    public const int MaxEvents = 5_000;

    public const string Columns = "n, at, events, count, hash, signature";

    /// <summary>Ids missing between two ranges that are cheaper to read over than to ask twice.</summary>
    private const long Nearby = 200;

    public long N { get; init; }
    public required string At { get; init; }

    /// <summary>Which events, as <see cref="IdRanges"/> writes them: in rising order of ids.</summary>
    public required string Events { get; init; }
    public long Count { get; init; }
    public required string Hash { get; init; }
    public required string Signature { get; init; }

    /// <summary>
    /// SHA-256 over six lines and then the hash of every event covered, a line each, in rising order of ids. Each line
    /// ends with a line feed. What is signed is this hash, so that any tool that checks ECDSA with SHA-256 can check
    /// the text.
    /// </summary>
    public static string HashOf(
        string previous,
        long n,
        string at,
        string events,
        long count,
        IEnumerable<string> hashes
    )
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(Encoding.UTF8.GetBytes($"countersign-seal-v1\n{previous}\n{n}\n{at}\n{events}\n{count}\n"));
        foreach (var hash in hashes)
            sha.AppendData(Encoding.UTF8.GetBytes($"{hash}\n"));
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    /// <summary>The events that are still there of those a seal covers, in rising order of ids.</summary>
    public static async ValueTask<List<T>> Covered<T>(Reader reader, IdRanges ranges, string columns, Func<T, long> id)
    {
        var found = new List<T>();
        foreach (var (from, to) in ranges.Spans(Nearby))
        {
            found.AddRange(
                await reader.All<T>(
                    $"SELECT {columns} FROM events WHERE id BETWEEN @from AND @to ORDER BY id",
                    new { from, to }
                )
            );
        }
        found.RemoveAll(row => !ranges.Contains(id(row)));
        return found;
    }
}

/// <summary>An event as far as a seal looks at it.</summary>
internal sealed class SealedEvent
{
    public const string Columns = "id, hash";

    public long Id { get; init; }
    public long Position { get; init; }
    public required string Hash { get; init; }
}

/// <summary>
/// A seal that somebody took down earlier, to ask later whether it is still there: <c>17:ab3f…</c>, or <c>0:</c> before
/// the first.
/// </summary>
public sealed record SealHead(long N, string Hash)
{
    public static readonly SealHead None = new(0, "");

    public static SealHead? TryParse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (
            colon < 0
            || !long.TryParse(
                text.AsSpan(0, colon),
                System.Globalization.NumberStyles.None,
                System.Globalization.CultureInfo.InvariantCulture,
                out var n
            )
        )
        {
            return null;
        }
        var hash = text[(colon + 1)..].Trim().ToLowerInvariant();
        return n == 0 ? (hash.Length == 0 ? None : null)
            : hash.Length == 2 * SHA256.HashSizeInBytes && hash.All(char.IsAsciiHexDigitLower) ? new SealHead(n, hash)
            : null;
    }

    public override string ToString() => $"{N}:{Hash}";
}
