using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Countersign.Requests;
using Countersign.SignIn;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Pages.Inbox;

/// <summary>
/// What became of one request of several that were decided at once. Stands in addresses: only add to it.
/// </summary>
public enum BulkResult
{
    Done,
    AlreadyClosed,
    Changed,
    NotYet,
    Requester,
    NotReviewer,
    CommentRequired,
    NotFound,
}

/// <summary>
/// The results of one form as they stand in the address of the page that shows them, so that it can be reloaded without
/// deciding again. They hold ids and codes and no text, and are signed for the person they are shown to.
/// </summary>
internal sealed class BulkResults(RootKey rootKey)
{
    private const int TagSize = 12,
        IdSize = RequestId.Length;
    private readonly byte[] _key = rootKey.Derive("bulk results");

    public string Write(long person, Answer answer, IReadOnlyList<(RequestId Id, BulkResult Result)> results)
    {
        var text = new StringBuilder().Append((char)('0' + (int)answer));
        foreach (var (id, result) in results)
            text.Append((char)('0' + (int)result)).Append(id.Value);
        return text + WebEncoders.Base64UrlEncode(Tag(person, text.ToString()));
    }

    /// <summary>Null for what wasn't written here, or for another person.</summary>
    public (Answer Answer, IReadOnlyList<(RequestId Id, BulkResult Result)> Results)? Read(long person, string written)
    {
        var end = written.Length - (TagSize * 4 / 3);
        if (end < 1 || (end - 1) % (IdSize + 1) != 0 || end > 1 + (BulkAnswers.Max * (IdSize + 1)))
            return null;
        var text = written[..end];
        var tag = Encoding.ASCII.GetBytes(WebEncoders.Base64UrlEncode(Tag(person, text)));
        if (!CryptographicOperations.FixedTimeEquals(tag, Encoding.ASCII.GetBytes(written[end..])))
            return null;
        var results = new List<(RequestId, BulkResult)>();
        for (var at = 1; at < end; at += IdSize + 1)
            results.Add((RequestId.Of(text.Substring(at + 1, IdSize)), (BulkResult)(text[at] - '0')));
        return ((Answer)(text[0] - '0'), results);
    }

    private byte[] Tag(long person, string text)
    {
        var signed = new byte[sizeof(long) + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteInt64BigEndian(signed, person);
        Encoding.UTF8.GetBytes(text, signed.AsSpan(sizeof(long)));
        return HMACSHA256.HashData(_key, signed)[..TagSize];
    }
}
