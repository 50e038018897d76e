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
    RequestPageLoader loader,
    Decide decide,
    Comment comment,
    Withdraw withdraw
)
{
    private const string CommentAction = "comment",
        WithdrawAction = "withdraw";

    public async Task<IResult> Run(string id, HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (!RequestId.TryParse(id, out var requestId))
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var (what, digest, t) = (form["do"].ToString(), form["digest"].ToString(), http.Strings());
        var (note, reply) = (Typed("note"), Typed("text"));
        // There are two boxes for reviewers, one beside the buttons and one below the activity; none is lost.
        var said = string.Join("\n\n", new[] { note, reply }.Where(text => text.Length > 0));

        var mistakes = new BodyErrors();
        mistakes.MultiLine(
            "note",
            said,
            what == CommentAction ? Comment.MaxText : DecisionBody.MaxNote,
            required: false
        );
        if (mistakes.Any)
            return await Wrong(string.Join(' ', mistakes.ByField["note"]));
        if (await RequestDetails.FindRequest(store, requestId, caller.Viewer, cancel) is not { } asked)
            return NotFoundPage.Page(http);
        if (said.Length == 0 && NeedsNote(asked.Policy, what))
        {
            return await Wrong(
                t["request.commentMissing." + (what is "reject" or WithdrawAction or CommentAction ? what : "policy")]
            );
        }

        var done = Results.Redirect($"{http.Request.PathBase}/requests/{id}");
        switch (what)
        {
            case CommentAction:
                return await comment.Run(requestId, caller.Viewer, said, cancel) switch
                {
                    CommentOutcome.Added => done,
                    CommentOutcome.AlreadySettled { Request: var request } => await Conflict(t.Closed(request)),
                    CommentOutcome.TooMany => await Conflict(t["request.refused.comments", Comment.MaxPerRequest]),
                    CommentOutcome.NotFound => NotFoundPage.Page(http),
                    _ => throw new UnreachableException(),
                };
            case WithdrawAction:
                return await withdraw.Run(requestId, caller.Viewer, said, cancel) switch
                {
                    WithdrawOutcome.Withdrawn => done,
                    WithdrawOutcome.AlreadySettled { Request: var request } => await Conflict(t.Closed(request)),
                    WithdrawOutcome.NotAllowed => await Back(
                        StatusCodes.Status403Forbidden,
                        model => model.Refused = new Refusal(t["request.refused.withdraw"])
                    ),
                    WithdrawOutcome.NotFound => NotFoundPage.Page(http),
                    _ => throw new UnreachableException(),
                };
        }
        if (WireNames.AnswerOf(what) is not { } answer)
        {
            return await Back(
                StatusCodes.Status422UnprocessableEntity,
                model => model.Refused = new Refusal(t["request.refused.nothing"])
            );
        }
        // Without a digest it's unknown which content was decided on.
        return await decide.Run(requestId, caller.Viewer, answer, said, digest, cancel) switch
        {
            DecideOutcome.Recorded or DecideOutcome.Settled => done,
            DecideOutcome.AlreadySettled { Request: var request } => await Conflict(t.Closed(request)),
            DecideOutcome.Changed => await Conflict(t["request.refused.changed"], changed: true),
            DecideOutcome.StepNotOpen { Step: var step } => await Conflict(t["request.review.later", step]),
            DecideOutcome.NotAllowed { Rule: var rule } => await Back(
                StatusCodes.Status403Forbidden,
                model => model.Refused = new Refusal(t.NotAllowed(rule))
            ),
            DecideOutcome.NotFound => NotFoundPage.Page(http),
            _ => throw new UnreachableException(),
        };

        string Typed(string name) => form[name].ToString().ReplaceLineEndings("\n").Trim();

        Task<IResult> Conflict(string why, bool changed = false) =>
            Back(
                StatusCodes.Status409Conflict,
                model => (model.Refused, model.HasChanged) = (new Refusal(why), changed)
            );

        // Beside the field that belongs to the button, and above everything with a link to it.
        Task<IResult> Wrong(string why) =>
            Back(
                StatusCodes.Status422UnprocessableEntity,
                model =>
                {
                    var isReply = model.MayDecide && what is CommentAction or WithdrawAction;
                    model.NoteError = isReply ? null : why;
                    model.ReplyError = isReply ? why : null;
                    model.Refused = new Refusal(why, isReply ? "text" : "note");
                }
            );

        // Read again: what comes back is as it is now, and says what is different from what was seen.
        async Task<IResult> Back(int status, Action<RequestPageModel> because)
        {
            if (await loader.Find(requestId, caller, digest, cancel) is not { } model)
                return NotFoundPage.Page(http);
            (model.Note, model.Reply) = model.MayDecide ? (note, reply) : (said, "");
            because(model);
            return await RequestPage.Of(http, model, status);
        }
    }

    /// <summary>A decision needs what the policy says; a comment or a withdrawal without words says nothing.</summary>
    private static bool NeedsNote(Policy policy, string what) =>
        WireNames.AnswerOf(what) is null || policy.NeedsNote(what);
}
