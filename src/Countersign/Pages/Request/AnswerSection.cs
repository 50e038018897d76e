using Countersign.Doors.Api;
using Countersign.Pages.Layout;

namespace Countersign.Pages.Request;

/// <summary>What the reader can do now, or why nothing; and after it, what happens next.</summary>
internal static class AnswerSection
{
    public const string Approve = "approve",
        Reject = "reject",
        Abstain = "abstain",
        Comment = "comment",
        Withdraw = "withdraw";

    public static void Write(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        html.Add($"<section class=\"sheet answer\" aria-label=\"{says.YourAnswer}\">");
        html.Add($"<div id=\"mine\" data-part>");
        Mine(html, sight);
        html.Add($"</div>");
        var mayComment = !request.IsSettled;
        if (sight.MayDecide || mayComment || sight.MayWithdraw)
            html.Form($"/requests/{request.Id.Value}", form => Fields(form, sight, mayComment), id: "answer");
        else if (sight.Note.Length > 0)
            html.Add($"<p class=\"soft\">{says.WhatYouWrote}</p><blockquote><p>{sight.Note}</p></blockquote>");
        html.Add($"</section>");
    }

    private static void Fields(Html form, RequestPageModel sight, bool mayComment)
    {
        var says = form.Says;
        form.Hidden("digest", sight.Request.Digest);
        form.Field(
            new Field("note", says.Note)
            {
                Value = sight.Note,
                Error = sight.NoteError,
                Lines = 3,
                Longest = DecisionBody.MaxNote,
                Id = "note",
                Hint =
                    sight.MayDecide ? says.NoteHint
                    : mayComment ? says.CommentHint
                    : says.WithdrawHint,
            }
        );
        if (sight.MayDecide)
        {
            form.Add($"<div class=\"buttons decide\">");
            form.Button(says.Approve, "yes", "do", Approve);
            form.Button(says.Reject, "no", "do", Reject);
            form.Button(says.Abstain, null, "do", Abstain);
            form.Add($"</div>");
        }
        form.Add($"<div class=\"buttons\">");
        if (mayComment)
            form.Button(says.Comment, null, "do", Comment);
        if (sight.MayWithdraw)
            form.Button(says.Withdraw, "quiet", "do", Withdraw);
        form.Add($"</div>");
    }

    /// <summary>The reader's own answer and what comes of it, or why there is nothing to decide.</summary>
    private static void Mine(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        if (sight.Mine is { } mine)
        {
            html.Notice(
                Tones.Of(mine.Answer),
                h =>
                {
                    h.Add($"<p><strong>{says.YouAnswered(mine.Answer)}</strong> ").Ago(mine.At).Add($"</p>");
                    if (says.Next(request, sight.IsFromLaunchDarkly) is { } next)
                        h.Add($"<p>{next}</p>");
                }
            );
        }
        else if (request.IsSettled)
        {
            html.Add($"<p>{says.SettledAlready(request)}</p>");
            if (says.Next(request, sight.IsFromLaunchDarkly) is { } next)
                html.Add($"<p class=\"soft\">{next}</p>");
        }
        if (request.IsSettled)
            return;
        if (sight.IsAsker)
        {
            html.Add($"<p class=\"soft\">{says.AskerMayNotDecide}</p>");
        }
        else if (sight.MySteps.Count == 0)
        {
            html.Add(
                $"<p class=\"soft\">{(request.Policy.Destination is { } destination ? says.DecidedElsewhere(destination) : says.NotYourTurnEver)}</p>"
            );
        }
        else if (!sight.MayDecide)
        {
            html.Add(
                $"<p class=\"soft\">{says.NotYourTurnYet(says.StepName(request.Policy.Steps[sight.MySteps[0]]))}</p>"
            );
        }
        else if (sight.Mine is not null)
        {
            html.Add($"<p class=\"soft small\">{says.MayChange}</p>");
        }
        else
        {
            html.Add($"<h2>{says.YourAnswer}</h2>");
        }
    }
}
