using System.Security.Cryptography;

namespace Countersign.SignIn;

/// <summary>
/// Codes to keep for the day on which a second factor is lost. Each works once. They hold 118 bits, too many
/// to guess, so the store can keep a plain hash.
/// </summary>
public static class RecoveryCodes
{
    public const int Count = 10;

    /// <summary>Without letters and digits that look alike.</summary>
    private const string Alphabet = "23456789abcdefghjkmnpqrstuvwxyz";
    private const int Length = 24,
        Group = 4;

    /// <summary>In groups of four: <c>k7rm-x2qd-…</c>.</summary>
    public static IReadOnlyList<string> New() =>
        [
            .. Enumerable
                .Range(0, Count)
                .Select(_ =>
                    string.Join(
                        '-',
                        RandomNumberGenerator.GetString(Alphabet, Length).Chunk(Group).Select(g => new string(g))
                    )
                ),
        ];

    /// <summary>Also if it was typed with spaces, without hyphens or in capitals.</summary>
    internal static string HashOf(string code) => Keys.HashOf(Plain(code));

    /// <summary>Whether it has the form of a recovery code.</summary>
    internal static bool IsOne(string code) => Plain(code).Length == Length;

    private static string Plain(string code) =>
        string.Concat(code.Where(char.IsAsciiLetterOrDigit).Select(char.ToLowerInvariant));
}
