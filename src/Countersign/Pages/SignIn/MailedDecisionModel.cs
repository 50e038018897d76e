using Countersign.Pages.Request;
using Countersign.Requests;

namespace Countersign.Pages.SignIn;

/// <summary>A request that is about to be approved or rejected through a link in a mail.</summary>
/// <param name="Path">Where the decision is posted.</param>
public sealed record MailedDecisionModel(RequestPageModel Request, Answer Answer, string Path)
{
    public const string Field = "Note";
    public const int MaxNote = 500;

    public string? Error { get; init; }
    public bool IsCommentRequired => Request.Request.Policy.NeedsNote(Answer.ToWireName());
}

/// <summary>What was decided through a link, on the page after it.</summary>
public sealed record MailedDecisionDoneModel(RequestId Id, string Headline);
