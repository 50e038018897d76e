using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Countersign.Audit.Receipts;
using Countersign.Hosting;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Witnessing;

namespace Countersign.Doors.Api;

public sealed record EarlierCheckpointView(
    [Description("A checkpoint that witnesses signed before the event was logged.")] string Checkpoint,
    [Description("Hashes that lead from it to the checkpoint of the proof, one a line.")] string Consistency
);

/// <summary>The form of a receipt, for the API's description; receipts are sent as they are made.</summary>
public sealed record ReceiptView(
    [Description("Always `countersign-receipt-v1`.")] string Format,
    [Description("The event's text in the log's tree.")] string Leaf,
    [Description("Parts of the event that you may see: `facts`, `people`, `words` and `origin`.")]
        IReadOnlyDictionary<string, string> Parts,
    [Description("The proof that the event is in the signed log, as `c2sp.org/tlog-proof`.")] string Proof,
    [Description("The content that was decided on, for admins and the source that sent it.")] string? Content = null,
    [Description("The policy that the decisions are weighed by.")] string? Policy = null,
    EarlierCheckpointView? NotBefore = null
);

/// <summary><c>GET /api/v1/requests/{id}/receipt[?decision=1]</c>: a file that others can verify without us.</summary>
internal static class ReceiptEndpoint
{
    public const string Path = "/requests/{id}/receipt";

    /// <summary>The log's head is signed about once a second.</summary>
    private const int RetrySeconds = 1;

    public static async Task<IResult> Run(
        string id,
        long? decision,
        HttpContext http,
        CurrentCaller caller,
        MakeReceipt make,
        Witnesses witnesses,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        var outcome = await make.Run(requestId, decision, caller.Viewer, cancel);
        // Who wants a receipt may want a witnessed one; it doesn't wait for that.
        if (outcome is ReceiptOutcome.NotSealed or ReceiptOutcome.Made { Witnesses: 0 })
            await witnesses.AskSoon(cancel);
        var headers = http.Response.Headers;
        switch (outcome)
        {
            case ReceiptOutcome.Made { Receipt: var receipt }:
                headers.ContentDisposition = $"attachment; filename=\"{MakeReceipt.FileName(requestId, decision)}\"";
                return TypedResults.Text(receipt.ToText(), "application/json");
            case ReceiptOutcome.NotSealed:
                headers.RetryAfter = RetrySeconds.ToString(CultureInfo.InvariantCulture);
                return Problems.Of(409, "not_sealed", "The receipt isn't ready yet. Try again in a second.");
            case ReceiptOutcome.NotSettled:
                return Problems.Of(
                    409,
                    "not_closed",
                    "This request isn't closed. For the receipt of one decision, add ?decision= and its number."
                );
            case ReceiptOutcome.Never:
                return Problems.Of(
                    409,
                    "no_receipt",
                    "There is no receipt: this is older than the log's receipts, or was archived."
                );
            case ReceiptOutcome.NotFound:
                return Problems.NotFound();
            default:
                throw new UnreachableException();
        }
    }
}
