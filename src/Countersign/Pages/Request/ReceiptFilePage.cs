using System.Diagnostics;
using System.Text;
using Countersign.Audit.Receipts;
using Countersign.Pages.Layout;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Witnessing;

namespace Countersign.Pages.Request;

/// <summary><c>GET /requests/{id}/receipt</c>: the receipt as a file to keep.</summary>
internal static class ReceiptFilePage
{
    public const string Path = "/requests/{id}/receipt";

    public static async Task<IResult> Show(
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
            return NotFoundPage.Page(http);
        var outcome = await make.Run(requestId, decision, caller.Viewer, cancel);
        if (outcome is ReceiptOutcome.NotSealed or ReceiptOutcome.Made { Witnesses: 0 })
            await witnesses.AskSoon(cancel);
        return outcome switch
        {
            ReceiptOutcome.Made { Receipt: var receipt } => Results.File(
                Encoding.UTF8.GetBytes(receipt.ToText()),
                "application/json",
                MakeReceipt.FileName(requestId, decision)
            ),
            ReceiptOutcome.NotSealed => Refused("request.receipt.notSealed"),
            ReceiptOutcome.NotSettled => Refused("request.receipt.notClosed"),
            ReceiptOutcome.Never => Refused("request.receipt.never"),
            ReceiptOutcome.NotFound => NotFoundPage.Page(http),
            _ => throw new UnreachableException(),
        };

        PageResult Refused(string why) => ErrorModel.Page(http, StatusCodes.Status409Conflict, http.Strings()[why]);
    }
}
