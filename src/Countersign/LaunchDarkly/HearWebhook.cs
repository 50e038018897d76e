using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.LaunchDarkly;

public abstract record HearWebhookOutcome
{
    private HearWebhookOutcome() { }

    /// <summary>It is LaunchDarkly's, whether or not it says anything about a request.</summary>
    public sealed record Heard : HearWebhookOutcome;

    /// <summary>Not signed, or with another secret; or there is no such webhook.</summary>
    public sealed record NotSigned : HearWebhookOutcome;

    /// <summary>LaunchDarkly's, but not what it documents.</summary>
    public sealed record Unreadable : HearWebhookOutcome;
}

/// <summary>
/// LaunchDarkly's signed webhook: an entry of its audit log. It has no time stamp and may come late, twice or never, so
/// it decides nothing: it hurries the job that asks, and where there is no token it says who created an approval.
/// </summary>
internal sealed class HearWebhook(Store store, Connections connections)
{
    private static readonly string[] Actions =
    [
        "createApprovalRequest",
        "updateApprovalRequest",
        "reviewApprovalRequest",
        "applyApprovalRequest",
        "deleteApprovalRequest",
    ];

    /// <param name="signature">The bare hexadecimal HMAC-SHA256 of the body as it came.</param>
    public async Task<HearWebhookOutcome> Run(long source, byte[] body, string? signature, CancellationToken cancel)
    {
        var connection = await connections.Open(source, cancel);
        if (connection?.WebhookSecret is not { Length: > 0 } secret || !IsSigned(body, signature, secret))
            return new HearWebhookOutcome.NotSigned();
        JsonElement entry;
        try
        {
            using var document = JsonDocument.Parse(body, LaunchDarklyJson.Strict);
            entry = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return new HearWebhookOutcome.Unreadable();
        }
        if (
            (connection.AccountId is { } account && entry.Text("_accountId") is { } theirs && theirs != account)
            || ActionsOf(entry).Intersect(Actions).ToList() is not { Count: > 0 } actions
            || ApprovalOf(entry) is not { } approval
            || approval.Text("_id") is not { } id
            || !LaunchDarklyApprovalId.IsOne(id)
        )
        {
            return new HearWebhookOutcome.Heard();
        }
        var creator = actions.Contains("createApprovalRequest") ? CreatorOf(entry, approval) : null;
        await store.InTransaction(
            async tx =>
            {
                if (creator is { } known)
                {
                    await Hints.Keep(
                        tx,
                        source,
                        id,
                        known.Member,
                        known.Email,
                        known.Name,
                        approval.Text("resourceId") ?? ResourceOf(entry)
                    );
                }
                var request = await tx.Text(
                    "SELECT id FROM requests WHERE source_id = @source AND external_id = @id",
                    new { source, id }
                );
                if (request is not null)
                    await Jobs.Hurry(tx, OpenChecks.JobKind, request);
                if (request is not null)
                    await Jobs.Hurry(tx, OpenChecks.ApplyJobKind, request);
            },
            cancel
        );
        return new HearWebhookOutcome.Heard();
    }

    internal static bool IsSigned(byte[] body, string? signature, string secret)
    {
        var expected = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body);
        var given = new byte[expected.Length];
        return signature is { Length: 64 }
            && Convert.FromHexString(signature, given, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == given.Length
            && CryptographicOperations.FixedTimeEquals(expected, given);
    }

    /// <summary>All of them: the one that matters need not be the first.</summary>
    private static IEnumerable<string> ActionsOf(JsonElement entry) =>
        entry.Member("accesses") is { ValueKind: JsonValueKind.Array } accesses
            ? accesses.EnumerateArray().Select(a => a.Text("action")).OfType<string>()
            : [];

    private static string ResourceOf(JsonElement entry) =>
        entry.Member("accesses") is { ValueKind: JsonValueKind.Array } accesses
            ? accesses.EnumerateArray().Select(a => a.Text("resource")).OfType<string>().FirstOrDefault() ?? ""
            : "";

    private static JsonElement? ApprovalOf(JsonElement entry) =>
        entry.Member("currentVersion") is { ValueKind: JsonValueKind.Object } current ? current
        : entry.Member("previousVersion") is { ValueKind: JsonValueKind.Object } previous ? previous
        : null;

    /// <summary>The member who acted, where they are the one who asked.</summary>
    private static (string Member, string Email, string Name)? CreatorOf(JsonElement entry, JsonElement approval) =>
        entry.Member("member") is { ValueKind: JsonValueKind.Object } member
        && member.Text("_id") is { } id
        && member.Text("email") is { } email
        && approval.Text("requestorId") == id
            ? (id, email.Trim(), $"{member.Text("firstName")} {member.Text("lastName")}".Trim())
            : null;
}
