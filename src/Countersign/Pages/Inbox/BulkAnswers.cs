using System.Collections.Frozen;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Inbox;

/// <summary>
/// <c>POST /</c>: one decision and one comment for several requests. Each is decided by the same rules as alone, and
/// the answer leads to a page that says which were and which weren't.
/// </summary>
internal sealed class BulkAnswers(Store store, InboxPage inbox, Decide decide, BulkResults results)
{
    public const int Max = 100;

    public async Task<IResult> Run(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var strings = http.Strings();
        var comment = form["note"].ToString().ReplaceLineEndings("\n").Trim();
        var filter = InboxFilter.Read(form["from"].ToString());
        var selected = form["request"]
            .Select(value => (value ?? "").Split(' ', 2))
            .Where(parts => parts.Length == 2)
            .Select(parts => (IsId: RequestId.TryParse(parts[0], out var id), Id: id, Digest: parts[1]))
            .Where(one => one.IsId)
            .DistinctBy(one => one.Id)
            .Take(Max)
            .ToList();
        var answer = WireNames.AnswerOf(form["do"].ToString());

        var errors = new BodyErrors();
        errors.MultiLine("note", comment, RequestLimits.MaxComment, required: false);
        var refused =
            selected.Count == 0 ? new Refused(null, strings["inbox.selectOne"])
            : answer is null ? new Refused(null, strings["inbox.chooseDecision"])
            : errors.Any ? new Refused("note", strings["form.text", RequestLimits.MaxComment])
            : answer == Answer.Reject && comment.Length == 0 ? new Refused("note", strings["inbox.rejectComment"])
            : null;
        if (refused is not null)
        {
            return await inbox.Show(
                http,
                caller,
                filter,
                new RefusedReview(selected.Select(one => one.Id.Value).ToFrozenSet(), comment),
                refused,
                cancel
            );
        }

        var done = new List<(RequestId Id, BulkResult Result)>();
        foreach (var (_, id, digest) in selected)
            done.Add((id, await One(id, digest, answer!.Value, comment, caller.Viewer, cancel)));
        return Results.Redirect(
            http.Request.PathBase
                + ResultsPage.Path
                + $"?of={results.Write(caller.Person.Id, answer!.Value, done)}"
                + $"&from={Uri.EscapeDataString(filter.Address())}"
        );
    }

    private async Task<BulkResult> One(
        RequestId id,
        string digest,
        Answer answer,
        string comment,
        Viewer viewer,
        CancellationToken cancel
    )
    {
        if (
            comment.Length == 0
            && await RequestDetails.FindRequest(store, id, viewer, cancel) is { } request
            && request.Policy.NeedsNote(answer.ToWireName())
        )
        {
            return BulkResult.CommentRequired;
        }
        return await decide.Run(id, viewer, answer, comment, digest, cancel) switch
        {
            DecideOutcome.Recorded or DecideOutcome.Settled => BulkResult.Done,
            DecideOutcome.AlreadySettled => BulkResult.AlreadyClosed,
            DecideOutcome.Changed => BulkResult.Changed,
            DecideOutcome.StepNotOpen => BulkResult.NotYet,
            DecideOutcome.NotAllowed { Rule: "requester_may_not_decide" } => BulkResult.Requester,
            DecideOutcome.NotAllowed { Rule: "note_required" } => BulkResult.CommentRequired,
            DecideOutcome.NotAllowed => BulkResult.NotReviewer,
            _ => BulkResult.NotFound,
        };
    }
}
