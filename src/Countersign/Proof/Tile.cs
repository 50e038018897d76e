using System.Globalization;
using System.Runtime.InteropServices;

namespace Countersign.Proof;

/// <summary>
/// 256 neighbouring hashes of one height of the tree (<c>c2sp.org/tlog-tiles</c>): level 0 holds leaf hashes, and each
/// level above it the roots of full tiles below. A full tile never changes.
/// </summary>
/// <param name="Width">How many hashes it has: 256, or fewer at the right edge of the tree.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Tile(int Level, long N, int Width = Tile.FullWidth)
{
    public const int FullWidth = 256;

    /// <summary>Heights of the tree that a tile spans.</summary>
    public const int Height = 8;

    private const int MaxLevel = 63;

    public string Path => $"tile/{Level.ToString(CultureInfo.InvariantCulture)}/{Rest}";

    /// <summary>Of the leaves' texts.</summary>
    public string EntriesPath => $"tile/entries/{Rest}";

    private string Rest => NumberPath(N) + (Width == FullWidth ? "" : $".p/{Width}");

    /// <summary>The tiles that hold all hashes of a tree.</summary>
    public static IEnumerable<Tile> OfTree(long size)
    {
        for (var (level, count) = (0, size); count > 0; level++, count /= FullWidth)
        {
            for (var n = 0L; n < count / FullWidth; n++)
                yield return new Tile(level, n);
            if (count % FullWidth is > 0 and var rest)
                yield return new Tile(level, count / FullWidth, (int)rest);
        }
    }

    /// <summary>The path behind <c>tile/</c>: <c>0/x001/234</c>, <c>1/000.p/17</c>, <c>entries/000</c>.</summary>
    public static bool TryParse(string path, out Tile tile, out bool isEntries)
    {
        (tile, isEntries) = (default, false);
        var parts = path.Split('/');
        if (parts.Length < 2)
            return false;
        isEntries = parts[0] == "entries";
        var level = 0;
        if (!isEntries && (!TryNumber(parts[0], out level) || level > MaxLevel))
            return false;
        var (width, end) = (FullWidth, parts.Length);
        if (parts[^2].EndsWith(".p", StringComparison.Ordinal))
        {
            if (!TryNumber(parts[^1], out width) || width is 0 or >= FullWidth)
                return false;
            parts[^2] = parts[^2][..^2];
            end--;
        }
        var n = 0L;
        for (var i = 1; i < end; i++)
        {
            var digits = parts[i];
            if (i < end - 1)
            {
                if (!digits.StartsWith('x'))
                    return false;
                digits = digits[1..];
            }
            if (digits.Length != 3 || !digits.All(char.IsAsciiDigit) || n > long.MaxValue / 1000 - 1)
                return false;
            n = (n * 1000) + int.Parse(digits, CultureInfo.InvariantCulture);
        }
        tile = new Tile(level, n, width);
        // One tile has one path.
        return (isEntries ? tile.EntriesPath : tile.Path) == "tile/" + path;
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static string NumberPath(long n)
    {
        var path = (n % 1000).ToString("000", CultureInfo.InvariantCulture);
        for (n /= 1000; n > 0; n /= 1000)
            path = $"x{(n % 1000).ToString("000", CultureInfo.InvariantCulture)}/{path}";
        return path;
    }
}
