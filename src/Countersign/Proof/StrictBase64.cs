namespace Countersign.Proof;

/// <summary>
/// Base64 in which each run of bytes has one text: padded, without white space, and without loose bits at the end, so
/// that no two readers see different things.
/// </summary>
internal static class StrictBase64
{
    public static bool TryDecode(string text, out byte[] bytes)
    {
        var buffer = new byte[(text.Length / 4 * 3) + 3];
        bytes = [];
        if (!Convert.TryFromBase64String(text, buffer, out var length))
            return false;
        bytes = buffer[..length];
        return Convert.ToBase64String(bytes) == text;
    }

    public static bool TryDecode(string text, int size, out byte[] bytes) =>
        TryDecode(text, out bytes) && bytes.Length == size;
}
