using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.SignIn;

/// <summary>
/// Codes of authenticator apps: RFC 6238 with what every app takes, SHA-1, six digits and 30 seconds.
/// </summary>
public static class Totp
{
    public const int Digits = 6;

    private const int KeySize = 20,
        StepSeconds = 30,
        Modulus = 1_000_000;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// <summary>A new key of 160 bits in base32, as people type it.</summary>
    public static string NewKey()
    {
        // 32 letters of five bits each.
        var key = new StringBuilder(KeySize * 8 / 5);
        foreach (var random in RandomNumberGenerator.GetBytes(KeySize * 8 / 5))
            key.Append(Alphabet[random % Alphabet.Length]);
        return key.ToString();
    }

    public static long StepAt(DateTimeOffset at) => at.ToUnixTimeSeconds() / StepSeconds;

    /// <summary>
    /// The time step of which this is the code: the current one, or one before or after it; null if it's none of them.
    /// </summary>
    public static long? StepOf(string key, string code, DateTimeOffset now)
    {
        if (code.Length != Digits || !code.All(char.IsAsciiDigit))
            return null;
        var current = StepAt(now);
        long? found = null;
        for (var step = current - 1; step <= current + 1; step++)
        {
            if (
                CryptographicOperations.FixedTimeEquals(
                    Encoding.ASCII.GetBytes(CodeAt(key, step)),
                    Encoding.ASCII.GetBytes(code)
                )
            )
            {
                found = step;
            }
        }
        return found;
    }

    public static string CodeAt(string key, long step)
    {
        Span<byte> counter = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        // Authenticator apps take no other hash; as a keyed hash it is sound.
#pragma warning disable CA5350
        var hash = HMACSHA1.HashData(Bytes(key), counter);
#pragma warning restore CA5350
        var offset = hash[^1] & 0xF;
        var number = BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(offset)) & int.MaxValue;
        return (number % Modulus).ToString("D6", CultureInfo.InvariantCulture);
    }

    /// <summary>What an authenticator app reads from a QR code.</summary>
    public static string Uri(string key, string issuer, string account) =>
        $"otpauth://totp/{System.Uri.EscapeDataString(issuer)}:{System.Uri.EscapeDataString(account)}"
        + $"?secret={key}&issuer={System.Uri.EscapeDataString(issuer)}";

    private static byte[] Bytes(string key)
    {
        var bytes = new byte[key.Length * 5 / 8];
        var (buffer, bits, at) = (0, 0, 0);
        foreach (var letter in key)
        {
            var value = Alphabet.IndexOf(letter, StringComparison.Ordinal);
            if (value < 0)
                throw new FormatException("Not base32.");
            (buffer, bits) = ((buffer << 5) | value, bits + 5);
            if (bits >= 8)
            {
                bits -= 8;
                bytes[at++] = (byte)(buffer >> bits);
            }
        }
        return bytes;
    }
}
