using Countersign.Doors.Api;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Inbox;

/// <summary>
/// <c>POST /</c>: one answer and one note to several requests. Each answers for itself, by the same rules as alone:
/// what was refused says why, the others are done.
/// </summary>
internal sealed class BulkAnswers(Store store, PeopleDirectory directory, EnvironmentNames places, Decide decide)
{
    private const int Most = 100;

    /// <summary>The note and the buttons below a list that may be chosen from.</summary>
    public static void Bar(Html form, string note, string? error)
    {
        form.Add($"<div class=\"bulk\">");
        form.Field(
            new Field("note", form.Says.BulkNote)
            {
                Value = note,
                Error = error,
                Longest = DecisionBody.MaxNote,
                Id = "bulk-note",
            }
        );
        form.Add($"<div class=\"buttons\">");
        form.Button(form.Says.ApproveChosen, "yes", "do", "approve");
        form.Button(form.Says.RejectChosen, "no", "do", "reject");
        form.Add($"</div></div>");
    }

    public async Task<IResult> Run(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var says = Texts.For(http);
        var note = form["note"].ToString().ReplaceLineEndings("\n").Trim();
        var chosen = form["request"]
            .Select(value => (value ?? "").Split(' ', 2))
            .Where(parts => parts.Length == 2)
            .Select(parts => (Good: RequestId.TryParse(parts[0], out var id), Id: id, Digest: parts[1]))
            .Where(c => c.Good)
            .DistinctBy(c => c.Id)
            .Take(Most)
            .ToList();
        var answer = WireNames.AnswerOf(form["do"].ToString());

        var mistakes = new BodyErrors();
        mistakes.MultiLine("note", note, DecisionBody.MaxNote, required: false);
        var noteError =
            mistakes.Any ? string.Join(' ', mistakes.ByField["note"])
            : answer == Answer.Reject && note.Length == 0 ? says.NoteNeeded("reject")
            : null;
        if (chosen.Count == 0 || answer is null || noteError is not null)
        {
            return await AskAgain(
                http,
                caller,
                [.. chosen.Select(c => c.Id)],
                note,
                chosen.Count == 0 ? says.NothingChosen
                    : answer is null ? says.NoAnswerChosen
                    : noteError!,
                noteError,
                cancel
            );
        }

        var done = new List<(ApprovalRequest? Request, bool Good, string What)>();
        foreach (var (_, id, digest) in chosen)
        {
            if (
                note.Length == 0
                && await RequestDetails.FindRequest(store, id, caller.Viewer, cancel) is { } asked
                && asked.Policy.NeedsNote(answer.Value.ToWireName())
            )
            {
                done.Add((asked, false, says.NoteNeeded(answer.Value.ToWireName())));
                continue;
            }
            var outcome = await decide.Run(id, caller.Viewer, answer.Value, note, digest, cancel);
            var (request, good, what) = outcome switch
            {
                DecideOutcome.Recorded { Request: var r } => (r, true, r.Display),
                DecideOutcome.Settled { Request: var r } => (r, true, r.Display),
                DecideOutcome.AlreadySettled { Request: var r } => (r, false, says.TooLateShort(r)),
                DecideOutcome.Changed { Request: var r } => (r, false, says.ChangedShort),
                DecideOutcome.StepNotOpen { Step: var step } => (
                    (ApprovalRequest?)null,
                    false,
                    says.NotYourTurnYet(step)
                ),
                DecideOutcome.NotAllowed { Rule: var rule } => (null, false, says.NotAllowed(rule)),
                _ => (null, false, says.NotFound),
            };
            done.Add((request ?? await RequestDetails.FindRequest(store, id, caller.Viewer, cancel), good, what));
        }
        return new PageResponse(
            says.WhatBecame,
            html =>
            {
                html.Notice(
                    done.TrueForAll(d => d.Good) ? Tone.Good : Tone.Careful,
                    html.Says.BulkDone(answer.Value, done.Count(d => d.Good), done.Count(d => !d.Good))
                );
                html.Table(
                    html.Says.WhatBecame,
                    [html.Says.Subject, html.Says.YourAnswer, html.Says.StatusName],
                    done,
                    (h, one) =>
                    {
                        h.Add($"<td>");
                        if (one.Request is { } request)
                            h.Add($"<a href=\"{h.Base}/requests/{request.Id.Value}\">{request.Subject}</a>");
                        else
                            h.Text(h.Says.NotFoundTitle);
                        h.Add($"</td><td>")
                            .Badge(one.Good ? Tone.Good : Tone.Careful, one.Good ? h.Says.Taken : h.Says.NotTaken)
                            .Add($"</td><td>{one.What}</td>");
                    }
                );
                html.Add($"<p><a class=\"button main\" href=\"{html.Base}/\">{html.Says.BackToInbox}</a></p>");
            }
        )
        {
            Section = "/",
        };
    }

    /// <summary>Nothing was sent: the same choice and the same note again, with what is missing.</summary>
    private async Task<IResult> AskAgain(
        HttpContext http,
        CurrentCaller caller,
        IReadOnlyList<RequestId> chosen,
        string note,
        string why,
        string? noteError,
        CancellationToken cancel
    )
    {
        var requests = new List<ApprovalRequest>();
        foreach (var id in chosen)
        {
            if (await RequestDetails.FindRequest(store, id, caller.Viewer, cancel) is { } request)
                requests.Add(request);
        }
        var rows = new RequestRows(directory.Current, await places.Of(requests, cancel));
        return new PageResponse(
            Texts.For(http).NothingSent,
            html =>
            {
                if (noteError is null)
                    html.Notice(Tone.Bad, why);
                if (requests.Count > 0)
                {
                    html.Form(
                        "/",
                        form =>
                        {
                            rows.Write(form, requests, mayChoose: true, chosen.Select(id => id.Value).ToHashSet());
                            Bar(form, note, noteError);
                        }
                    );
                }
                html.Add($"<p><a href=\"{html.Base}/\">{html.Says.BackToInbox}</a></p>");
            }
        )
        {
            Section = "/",
            Status = StatusCodes.Status422UnprocessableEntity,
        };
    }
}
