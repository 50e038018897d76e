using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes.Email;

/// <summary>What a link in a mail is good for.</summary>
internal abstract record MailLink(long Delivery, long Person, DateTimeOffset Until)
{
    /// <summary>To give this one answer to this one content of this one request.</summary>
    internal sealed record Decide(
        long Delivery,
        long Person,
        DateTimeOffset Until,
        RequestId Request,
        string Digest,
        Answer Answer
    ) : MailLink(Delivery, Person, Until);

    internal sealed record SignIn(long Delivery, long Person, DateTimeOffset Until) : MailLink(Delivery, Person, Until);
}

/// <summary>
/// Links that stand for a person, because their mailbox received them. All that a link is good for is written in it and
/// signed with a key that is not in the database; that it was used is noted there, under the delivery that carried it.
/// </summary>
public sealed class MailLinks(RootKey rootKey)
{
    /// <summary>Uses of links that are good for nothing any more, used or not.</summary>
    public static CleaningStep OldUses(Store store, RetentionOptions keep) =>
        CleaningStep.Delete(
            "used links",
            store,
            keep.UsedLinks,
            """
            DELETE FROM used_links
            WHERE delivery_id IN (SELECT delivery_id FROM used_links WHERE at <= @oldest LIMIT @chunk)
            """
        );

    private const int MacSize = 32;
    private readonly byte[] _key = rootKey.Derive("mail links");

    internal string Write(MailLink link)
    {
        var until = link.Until.ToUnixTimeSeconds();
        var text = link switch
        {
            MailLink.Decide d => string.Create(
                CultureInfo.InvariantCulture,
                $"d|{d.Delivery}|{d.Person}|{until}|{d.Request}|{d.Digest}|{d.Answer.ToWireName()}"
            ),
            _ => string.Create(CultureInfo.InvariantCulture, $"s|{link.Delivery}|{link.Person}|{until}"),
        };
        var plain = Encoding.ASCII.GetBytes(text);
        return Base64Url.EncodeToString([.. HMACSHA256.HashData(_key, plain), .. plain]);
    }

    /// <summary>Null for everything that is not exactly what was written, and for what is over.</summary>
    internal MailLink? Read(string token, DateTimeOffset now)
    {
        if (token.Length is < 50 or > 500 || !Base64Url.IsValid(token))
            return null;
        var bytes = Base64Url.DecodeFromChars(token);
        if (
            bytes.Length <= MacSize
            || !CryptographicOperations.FixedTimeEquals(
                HMACSHA256.HashData(_key, bytes.AsSpan(MacSize)),
                bytes.AsSpan(0, MacSize)
            )
        )
        {
            return null;
        }
        // Ours, so it can be read.
        var parts = Encoding.ASCII.GetString(bytes.AsSpan(MacSize)).Split('|');
        var (delivery, person) = (Number(parts[1]), Number(parts[2]));
        var until = DateTimeOffset.FromUnixTimeSeconds(Number(parts[3]));
        return until <= now ? null
            : parts[0] == "s" ? new MailLink.SignIn(delivery, person, until)
            : WireNames.AnswerOf(parts[6]) is { } answer
                ? new MailLink.Decide(delivery, person, until, RequestId.Of(parts[4]), parts[5], answer)
            : null;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
