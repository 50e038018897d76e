using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Countersign.SignIn;

/// <summary>
/// Looks passwords up in a list that is too large to load: a file of lines <c>HASH:COUNT</c> in the order of their
/// SHA-1 hashes, or a folder with one file per prefix of five hex digits, whose lines leave the prefix out. Both are as
/// the downloader of Have I Been Pwned writes them.
/// </summary>
public static class BreachedPasswords
{
    private const int HashLength = 40,
        PrefixLength = 5,
        MaxLine = 80;

    /// <summary>Whether it is there and begins as such a list does.</summary>
    public static bool IsReadable(string place)
    {
        try
        {
            if (Directory.Exists(place))
                return PartOf(place, "00000") is { } first && Begins(first, HashLength - PrefixLength);
            return File.Exists(place) && Begins(place, HashLength);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Throws an <see cref="IOException"/> when the list can't be read.</summary>
    public static bool Contains(string place, string password)
    {
        // The list is of these hashes; nothing is protected by them.
#pragma warning disable CA5350
        var hash = Convert.ToHexString(SHA1.HashData(Encoding.UTF8.GetBytes(password)));
#pragma warning restore CA5350
        if (!Directory.Exists(place))
            return Contains(place, hash, HashLength);
        var part =
            PartOf(place, hash[..PrefixLength])
            ?? throw new FileNotFoundException($"There is no file for {hash[..PrefixLength]} in {place}.");
        return Contains(part, hash[PrefixLength..], HashLength - PrefixLength);
    }

    private static string? PartOf(string folder, string prefix) =>
        new[] { prefix + ".txt", prefix }.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    private static bool Begins(string file, int length)
    {
        using var handle = File.OpenHandle(file);
        return LineAt(handle, 0, RandomAccess.GetLength(handle), length) is not null;
    }

    private static bool Contains(string file, string wanted, int length)
    {
        using var handle = File.OpenHandle(file, options: FileOptions.RandomAccess);
        var (from, to) = (0L, RandomAccess.GetLength(handle));
        var end = to;
        // Of the lines that begin in [from, to), the wanted one is one, if it is there.
        while (from < to)
        {
            var middle = from + ((to - from) / 2);
            var start = StartOfLine(handle, middle);
            var (hash, next) =
                LineAt(handle, start, end, length)
                ?? throw new InvalidDataException($"{file} holds a line at {start} that is no hash.");
            switch (string.Compare(hash, wanted, StringComparison.OrdinalIgnoreCase))
            {
                case 0:
                    return true;
                case < 0:
                    from = next;
                    break;
                default:
                    to = start;
                    break;
            }
        }
        return false;
    }

    /// <summary>Where the line begins that this byte is of.</summary>
    private static long StartOfLine(SafeFileHandle handle, long at)
    {
        Span<byte> before = stackalloc byte[MaxLine];
        var start = Math.Max(0, at - before.Length);
        var read = Fill(handle, before[..(int)(at - start)], start);
        var line = before[..read].LastIndexOf((byte)'\n');
        return line >= 0 ? start + line + 1
            : start == 0 ? 0
            : throw new InvalidDataException($"A line before {at} is too long.");
    }

    /// <summary>The hash that stands there, and where the next line begins; null where none stands.</summary>
    private static (string Hash, long Next)? LineAt(SafeFileHandle handle, long start, long end, int length)
    {
        Span<byte> bytes = stackalloc byte[MaxLine];
        var read = Fill(handle, bytes, start);
        var line = bytes[..read].IndexOf((byte)'\n');
        if (line < 0 && start + read < end)
            return null;
        var text = Encoding.ASCII.GetString(bytes[..(line < 0 ? read : line)]).TrimEnd('\r');
        var hash = text.Split(':')[0];
        return hash.Length == length && hash.All(char.IsAsciiHexDigit)
            ? (hash, line < 0 ? end : start + line + 1)
            : null;
    }

    private static int Fill(SafeFileHandle handle, Span<byte> bytes, long at)
    {
        var read = 0;
        while (read < bytes.Length && RandomAccess.Read(handle, bytes[read..], at + read) is > 0 and var more)
            read += more;
        return read;
    }
}
