using System.Diagnostics;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Zendesk;

public sealed record MessagesAnswer(IReadOnlyList<MessageShape> ClarificationFlowMessages);

/// <summary><c>POST /api/v2/approval_clarification_flow_messages</c>: a comment; the answer is all of them.</summary>
internal static class MessageEndpoint
{
    private const string Failed = "ApprovalClarificationFlowMessageCreationFailed";

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Comment comment,
        Store store,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var (body, refusal) = await Body.Read(http, "approval_clarification_flow_message");
        if (body is null)
            return refusal!;
        var id = body.Line("approval_request_id", 100, required: true);
        var message = body.Lines("message", Comment.MaxText, required: true);
        if (body.Mistakes.Any)
            return Refusal.Attributes(body.Mistakes);
        if (!RequestId.TryParse(id, out var requestId))
            return Refusal.NotFound();
        return await comment.Run(requestId, caller.Viewer, message!, cancel) switch
        {
            CommentOutcome.Added
                when await RequestDetails.Find(store, requestId, caller.Viewer, cancel) is { } details => Answer.Of(
                new MessagesAnswer(new Shapes(directory.Current, store.Now).MessagesOf(details)),
                StatusCodes.Status201Created
            ),
            CommentOutcome.AlreadySettled { Request: var request } => Refusal.Listed(
                StatusCodes.Status422UnprocessableEntity,
                Failed,
                $"The approval request is already {request.Status.ToZendesk()}"
            ),
            CommentOutcome.TooMany => Refusal.Listed(
                StatusCodes.Status422UnprocessableEntity,
                Failed,
                $"An approval request can have at most {Comment.MaxPerRequest} comments"
            ),
            CommentOutcome.Added or CommentOutcome.NotFound => Refusal.NotFound(),
            _ => throw new UnreachableException(),
        };
    }
}
