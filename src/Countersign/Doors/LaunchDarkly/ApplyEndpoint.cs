using System.Diagnostics;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>POST /api/approvals/{id}/apply</c>, without a body: the change was made. That is a fact even without an approval,
/// so the answer is 200 with the true status, and a breach is recorded if that is not approved.
/// </summary>
internal static partial class ApplyEndpoint
{
    public static async Task<IResult> Run(
        string id,
        CurrentCaller caller,
        Store store,
        MarkApplied markApplied,
        ILogger<MarkApplied> log,
        CancellationToken cancel
    )
    {
        if (
            !LaunchDarklyApprovalId.IsOne(id)
            || await RequestStatus.Find(store, caller.Source.Id, id, cancel) is not { } standing
        )
        {
            Log.Unknown(log, caller.Source.Id);
            return Answer.NotFound();
        }
        return await markApplied.Run(standing.Id, caller.Viewer, cancel) switch
        {
            MarkAppliedOutcome.Applied { Request: var request } => Answer.Of(id, request),
            MarkAppliedOutcome.Breach { Request: var request } => Answer.Of(id, request),
            MarkAppliedOutcome.AlreadyApplied { Request: var request } => Answer.Of(id, request),
            // A source is told of nothing but its own.
            MarkAppliedOutcome.NotFound or MarkAppliedOutcome.NotAllowed => Answer.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Source {Source} applied a change that it never requested approval for"
        )]
        public static partial void Unknown(ILogger log, long source);
    }
}
