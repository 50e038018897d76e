using System.Security.Cryptography;
using System.Text;
using Countersign.Requests;
using Countersign.SignIn;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Hosting;

/// <summary>Cursors: a position in a list, opaque, and signed so that a changed one is told from ours.</summary>
public sealed class Cursors(RootKey rootKey)
{
    private const int TagSize = 12;
    private readonly byte[] _key = rootKey.Derive("list cursors");

    public string Write(Position position)
    {
        var expires = position.Expires is { } time ? "@" + time : "";
        var text = Encoding.ASCII.GetBytes((position.Newer ? "+" : "-") + position.Id + expires);
        return WebEncoders.Base64UrlEncode([.. text, .. Tag(text)]);
    }

    public Position? Read(string cursor)
    {
        if (cursor.Length > 100)
            return null;
        byte[] bytes;
        try
        {
            bytes = WebEncoders.Base64UrlDecode(cursor);
        }
        catch (FormatException)
        {
            return null;
        }
        if (
            bytes.Length <= TagSize
            || !CryptographicOperations.FixedTimeEquals(bytes.AsSpan(^TagSize..), Tag(bytes.AsSpan(..^TagSize)))
        )
        {
            return null;
        }
        var text = Encoding.ASCII.GetString(bytes.AsSpan(..^TagSize));
        var end = text.IndexOf('@', StringComparison.Ordinal);
        return new Position(text[1..(end < 0 ? text.Length : end)], text[0] == '+')
        {
            Expires = end < 0 ? null : text[(end + 1)..],
        };
    }

    private ReadOnlySpan<byte> Tag(ReadOnlySpan<byte> text) => HMACSHA256.HashData(_key, text).AsSpan(0, TagSize);
}
