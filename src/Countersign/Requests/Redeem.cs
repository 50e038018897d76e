using System.Text.Json;
using Countersign.Policies;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

public abstract record RedeemOutcome
{
    private RedeemOutcome() { }

    /// <summary>The approval is used up now: the caller who got this may act, and no other.</summary>
    public sealed record Redeemed(ApprovalRequest Request) : RedeemOutcome;

    /// <summary>The same call under the same idempotency key: the first answer once more.</summary>
    public sealed record Replayed(string Answer) : RedeemOutcome;

    /// <summary>Another call under a key that was already used.</summary>
    public sealed record KeyTaken : RedeemOutcome;

    /// <summary>Used, or reported as applied, before.</summary>
    public sealed record AlreadyUsed(ApprovalRequest Request) : RedeemOutcome;

    public sealed record NotApproved(ApprovalRequest Request) : RedeemOutcome;

    /// <summary>Not what was approved. Nothing is used up, but it's on record.</summary>
    public sealed record DigestMismatch(ApprovalRequest Request) : RedeemOutcome;

    /// <summary>Approved too long ago.</summary>
    public sealed record Expired(ApprovalRequest Request) : RedeemOutcome;

    /// <summary>Only the source that asked may.</summary>
    public sealed record NotAllowed : RedeemOutcome;

    public sealed record NotFound : RedeemOutcome;
}

/// <summary>
/// The source that asked uses its approval, once: the request then counts as applied, in the transaction that says so,
/// so what is being done can't be withdrawn, and what was withdrawn can't be done.
/// </summary>
public sealed class Redeem(Store store, RetentionOptions? retention = null)
{
    /// <summary>The event, beside the request that it tells of.</summary>
    public const string Kind = "request.redeemed";

    /// <summary>
    /// The fact by which a source names the content that it is going to act on, as SHA-256 in hexadecimal. Without it
    /// the content is the request itself.
    /// </summary>
    public const string ContentFact = "content_sha256";

    private readonly IdempotencyKeys _keys = new((retention ?? new RetentionOptions()).IdempotencyKeys);

    /// <param name="digest">Of the content that is about to be acted on.</param>
    /// <param name="key">Names the call, so that it can be repeated.</param>
    /// <param name="answer">Writes the answer that a repeated call gets.</param>
    public Task<RedeemOutcome> Run(
        RequestId id,
        Viewer viewer,
        string digest,
        string? key,
        Func<ApprovalRequest, string> answer,
        CancellationToken cancel
    )
    {
        // Of one request: the same key at another one is another call.
        var named = key is null ? null : Hashes.Sha256($"redemption\n{viewer.Party}\n{id}\n{key}");
        return store.InTransaction<RedeemOutcome>(
            async tx =>
            {
                if (await RequestRow.Find(tx, id, viewer) is not { } request)
                    return new RedeemOutcome.NotFound();
                if (viewer.Party != Party.Source(request.SourceId))
                    return new RedeemOutcome.NotAllowed();
                var isThis = IsSame(digest, await ContentOf(tx, request));
                if (named is not null && await _keys.Find(tx, named) is { } earlier)
                    return isThis ? new RedeemOutcome.Replayed(earlier.Answer) : new RedeemOutcome.KeyTaken();
                if (request.AppliedAt is not null)
                    return new RedeemOutcome.AlreadyUsed(request);
                request = await Settle.IfExpired(tx, request);
                if (request.Status != Status.Approved)
                    return new RedeemOutcome.NotApproved(request);
                if (!isThis)
                {
                    var refused = new { reason = "digest_mismatch", digest };
                    return new RedeemOutcome.DigestMismatch(
                        await RequestChange.Save(
                            tx,
                            request,
                            request,
                            viewer.Origin,
                            "request.redemption_refused",
                            refused
                        )
                    );
                }
                if (request.GrantExpiresAt is not { } until || tx.Now >= until)
                    return new RedeemOutcome.Expired(request);

                var redeemed = await RequestChange.Save(
                    tx,
                    request,
                    request with
                    {
                        AppliedAt = tx.Now,
                        Display = "Approved, applied",
                    },
                    viewer.Origin,
                    Kind,
                    new { status = request.Status.ToWireName(), digest = request.Digest }
                );
                if (named is not null)
                    await _keys.Keep(tx, named, request.Digest, 200, answer(redeemed));
                return new RedeemOutcome.Redeemed(redeemed);
            },
            cancel
        );
    }

    /// <summary>What the digest must be: that of the content which the facts name, else that of the request.</summary>
    private static async ValueTask<string> ContentOf(Tx tx, ApprovalRequest request)
    {
        var facts = await tx.Text(
            "SELECT facts FROM revisions WHERE request_id = @id AND n = @n",
            new { id = request.Id, n = request.Revision }
        );
        return ContentOf(facts) ?? request.Digest;
    }

    /// <summary>Hexadecimal digits are the same in either case.</summary>
    private static bool IsSame(string digest, string content) =>
        string.Equals(digest, content, StringComparison.OrdinalIgnoreCase);

    /// <summary>Null where the facts name no content.</summary>
    public static string? ContentOf(string? facts)
    {
        if (string.IsNullOrEmpty(facts))
            return null;
        using var document = JsonDocument.Parse(facts);
        return
            document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.TryGetProperty(ContentFact, out var content)
            ? content.ValueKind == JsonValueKind.String
                ? content.GetString()
                : content.GetRawText()
            : null;
    }
}
