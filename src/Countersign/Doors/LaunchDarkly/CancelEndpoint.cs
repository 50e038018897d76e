using System.Diagnostics;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>POST /api/approvals/{id}/cancel</c>, without a body: somebody deletes the approval in LaunchDarkly. Nothing here
/// may stand in the way of that, so it is 200 in every state and also for an id that we do not know.
/// </summary>
internal static partial class CancelEndpoint
{
    private const string Reason = "Deleted in LaunchDarkly";

    public static async Task<IResult> Run(
        string id,
        CurrentCaller caller,
        Store store,
        Withdraw withdraw,
        ILogger<Withdraw> log,
        CancellationToken cancel
    )
    {
        if (
            !LaunchDarklyApprovalId.IsOne(id)
            || await RequestStatus.Find(store, caller.Source.Id, id, cancel) is not { } standing
        )
        {
            return Unknown(id, caller, log);
        }
        return await withdraw.Run(standing.Id, caller.Viewer, Reason, cancel) switch
        {
            WithdrawOutcome.Withdrawn { Request: var request } => Answer.Of(id, request),
            WithdrawOutcome.AlreadySettled { Request: var request } => Answer.Of(id, request),
            // A source is told of nothing but its own.
            WithdrawOutcome.NotFound or WithdrawOutcome.NotAllowed => Unknown(id, caller, log),
            _ => throw new UnreachableException(),
        };
    }

    private static Answer Unknown(string id, CurrentCaller caller, ILogger log)
    {
        Log.Unknown(log, caller.Source.Id);
        return Answer.Of(id, Status.Withdrawn, "Cancelled");
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Source {Source} cancelled an approval that it never requested"
        )]
        public static partial void Unknown(ILogger log, long source);
    }
}
