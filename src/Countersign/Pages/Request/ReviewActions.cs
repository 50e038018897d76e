using System.Diagnostics;
using Countersign.Doors.Api;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Request;

/// <summary>
/// <c>POST /requests/{id}</c>: approve, reject, abstain, comment, withdraw. What is taken leads back to the page, which
/// shows it; what is refused comes back with the reason and with what was typed.
/// </summary>
internal sealed class ReviewActions(
    Store store,
    RequestPageLoader sights,
    Decide decide,
    Comment comment,
    Withdraw withdraw
)
{
    public async Task<IResult> Run(string id, HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (!RequestId.TryParse(id, out var requestId))
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var (what, digest) = (form["do"].ToString(), form["digest"].ToString());
        var note = form["note"].ToString().ReplaceLineEndings("\n").Trim();
        var says = Texts.For(http);

        async Task<IResult> Back(int status, string? noteError = null, string? refused = null, bool changed = false)
        {
            // Read again: what comes back is as it is now, and says what is different from what was seen.
            if (await sights.Find(requestId, caller, digest, cancel) is not { } sight)
                return NotFoundPage.Page(http);
            (sight.Note, sight.NoteError, sight.Refused, sight.HasChanged) = (note, noteError, refused, changed);
            return RequestPage.Of(sight, status);
        }

        var mistakes = new BodyErrors();
        mistakes.MultiLine(
            "note",
            note,
            what == AnswerSection.Comment ? Comment.MaxText : DecisionBody.MaxNote,
            required: false
        );
        if (mistakes.Any)
            return await Back(StatusCodes.Status422UnprocessableEntity, string.Join(' ', mistakes.ByField["note"]));
        if (await RequestDetails.FindRequest(store, requestId, caller.Viewer, cancel) is not { } asked)
            return NotFoundPage.Page(http);
        if (note.Length == 0 && NeedsNote(asked.Policy, what))
            return await Back(StatusCodes.Status422UnprocessableEntity, says.NoteNeeded(what));

        var done = Results.Redirect($"{http.Request.PathBase}/requests/{id}");
        switch (what)
        {
            case AnswerSection.Comment:
                return await comment.Run(requestId, caller.Viewer, note, cancel) switch
                {
                    CommentOutcome.Added => done,
                    CommentOutcome.AlreadySettled { Request: var request } => await Back(
                        StatusCodes.Status409Conflict,
                        refused: says.TooLate(request)
                    ),
                    CommentOutcome.TooMany => await Back(
                        StatusCodes.Status409Conflict,
                        refused: says.TooManyComments(Comment.MaxPerRequest)
                    ),
                    CommentOutcome.NotFound => NotFoundPage.Page(http),
                    _ => throw new UnreachableException(),
                };
            case AnswerSection.Withdraw:
                return await withdraw.Run(requestId, caller.Viewer, note, cancel) switch
                {
                    WithdrawOutcome.Withdrawn => done,
                    WithdrawOutcome.AlreadySettled { Request: var request } => await Back(
                        StatusCodes.Status409Conflict,
                        refused: says.TooLate(request)
                    ),
                    WithdrawOutcome.NotAllowed => await Back(
                        StatusCodes.Status403Forbidden,
                        refused: says.NotYoursToWithdraw
                    ),
                    WithdrawOutcome.NotFound => NotFoundPage.Page(http),
                    _ => throw new UnreachableException(),
                };
        }
        if (WireNames.AnswerOf(what) is not { } answer)
            return await Back(StatusCodes.Status422UnprocessableEntity, refused: says.NoAnswerChosen);
        // Without a digest nobody knows which content was answered.
        return await decide.Run(requestId, caller.Viewer, answer, note, digest, cancel) switch
        {
            DecideOutcome.Recorded or DecideOutcome.Settled => done,
            DecideOutcome.AlreadySettled { Request: var request } => await Back(
                StatusCodes.Status409Conflict,
                refused: says.TooLate(request)
            ),
            DecideOutcome.Changed => await Back(
                StatusCodes.Status409Conflict,
                refused: says.ChangedMeanwhile,
                changed: true
            ),
            DecideOutcome.StepNotOpen { Step: var step } => await Back(
                StatusCodes.Status409Conflict,
                refused: says.NotYourTurnYet(step)
            ),
            DecideOutcome.NotAllowed { Rule: var rule } => await Back(
                StatusCodes.Status403Forbidden,
                refused: says.NotAllowed(rule)
            ),
            DecideOutcome.NotFound => NotFoundPage.Page(http),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>An answer needs what the policy says; a comment or a withdrawal without words says nothing.</summary>
    private static bool NeedsNote(Policy policy, string what) =>
        WireNames.AnswerOf(what) is null || policy.NeedsNote(what);
}
