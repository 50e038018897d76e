using System.Globalization;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Pages;

/// <summary>The words of a request's page.</summary>
internal partial class Texts
{
    /// <param name="asker">Null: the reader asks.</param>
    public virtual string Question(string? asker, string? about, string? place) =>
        $"{(asker is null ? "You ask" : $"{asker} asks")} for {(about is null ? "an approval" : $"a change of {about}")}{(place is null ? "" : $" in {place}")}";

    public virtual string StatusOf(Status status) =>
        status switch
        {
            Status.Active => "Waiting",
            Status.Approved => "Approved",
            Status.Rejected => "Rejected",
            _ => "Withdrawn",
        };

    /// <summary>How it stands; what the badge and the notice of a stuck request say already is left out.</summary>
    public virtual string Standing(ApprovalRequest request) =>
        request.Status == Status.Withdrawn && request.Display == "Cancelled" ? ""
        : request.Stuck is not null
        && request.Display.IndexOf(Verdict.StillPending.StuckMark, StringComparison.Ordinal) is >= 0 and var mark
            ? request.Display[..mark]
        : request.Display;

    public virtual string Asked => "asked";
    public virtual string Expires => "expires";
    public virtual string Applied => "applied";
    public virtual string Breached => "This change was applied without an approval.";
    public virtual string You => "You";
    public virtual string Somebody => "Somebody";

    public virtual string ActorOf(string actor) =>
        actor switch
        {
            "hub" => "Countersign",
            "operator" => "An operator",
            _ => actor.StartsWith("destination:", StringComparison.Ordinal) ? "The destination" : "Somebody",
        };

    // Content
    public virtual string Subject => "Subject";
    public virtual string Facts => "Facts";
    public virtual string Message => "Message";

    public virtual string AndMoreFacts(int count) => $"… and {count} more, which the API has.";

    /// <summary>As a reader would call it: <c>form.change_ticket</c> is "Change ticket".</summary>
    public virtual string FactName(string name)
    {
        var bare = name.StartsWith("form.", StringComparison.Ordinal) ? name[5..] : name;
        bare = bare.Replace('_', ' ').Replace('-', ' ').Replace('.', ' ').Trim();
        return bare.Length == 0 ? name : char.ToUpper(bare[0], CultureInfo.InvariantCulture) + bare[1..];
    }

    public virtual string Changed(int content, bool sincePageWasOpened) =>
        sincePageWasOpened
            ? "What changed since you opened this page"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"The content has changed: this is version {content}. What is different?"
            );

    public virtual string EarlierAnswersDoNotCount => "Answers to the earlier content no longer count.";

    // Origin
    public virtual string Origin => "Where it comes from";
    public virtual string AskedBy => "Asked by";
    public virtual string SentByName => "Sent by";

    public virtual string SentByOf(SentBy sentBy) =>
        sentBy switch
        {
            SentBy.Page => "Page",
            SentBy.LaunchDarkly => "LaunchDarkly",
            SentBy.Zendesk => "Zendesk API",
            _ => "API",
        };

    public virtual string Source => "Source";
    public virtual string ItsId => "Its id there";
    public virtual string Ticket => "Ticket";
    public virtual string Policy => "Policy";

    /// <summary>What decides where no policy of the file does has a name that programs read.</summary>
    public virtual string PolicyName(string name) =>
        name switch
        {
            "source" => "what is set for the source",
            "assignee" => "whoever was named",
            _ => name,
        };

    public virtual string ContentNumber => "Version";
    public virtual string OpenInLaunchDarkly => "Open in LaunchDarkly";
    public virtual string OpenWhereItCameFrom => "Open where it came from";
    public virtual string CopyLink => "Copy link";
    public virtual string LinkCopied => "Link copied";

    // Who must say yes
    public virtual string WhoMustSayYes => "Who must say yes";
    public virtual string WhoSaidYes => "Who was asked";

    public virtual string StepName(Step step) =>
        step.Name switch
        {
            "admins" => "Administrators",
            "assignee" => "Assignee",
            _ => step.Name,
        };

    public virtual string Filled(int have, int need) =>
        string.Create(CultureInfo.InvariantCulture, $"{have} of {need}");

    public virtual string OpensLater => ", after the step before it";

    /// <summary>How sure it is who asked.</summary>
    public virtual string RequesterStanding(ApprovalRequest request, IReadOnlyList<string> matches) =>
        request.Certainty switch
        {
            Certainty.Proven => "Confirmed: asked with their own account or key.",
            Certainty.Claimed when matches.Count > 0 =>
                $"Named by the source, not confirmed. Matches {WireNames.Names(matches)}.",
            Certainty.Claimed => "Named by the source, not confirmed.",
            _ => "Not recognized: matches no one here.",
        };

    /// <summary>What it costs that the requester is not confirmed.</summary>
    public virtual string RequesterCosts(ApprovalRequest request) =>
        (request.Certainty, request.Policy) switch
        {
            (_, { RefusesRequester: true }) => "Requests like this are refused.",
            (_, { RequesterUnknown: true }) => "Needs 1 more approval because the requester is not recognized.",
            (_, { RequesterClaimed: true }) => "Needs 1 more approval because the requester is not confirmed.",
            (Certainty.Proven, _) => "",
            _ => "Needs no extra approval.",
        };

    public virtual string OpenedInYourName => "This request was opened in your name.";

    public virtual string OpenedInYourNameWhy(string? source) =>
        $"{source ?? "The source"} named you as the requester, so you can't approve it. If you didn't ask for this, choose Not me.";

    public virtual string NotMe => "Not me";

    public virtual string NotMeAsk(ApprovalRequest request) =>
        request.IsSettled
            ? "The request is closed already and stays as it is. Admins are told that you didn't ask for it."
        : request.Claim is { People.Count: > 1 } ? "Reviewers and admins are told that you didn't ask for this."
        : request.Policy.UnknownRequester switch
        {
            Countersign.Policies.UnknownRequester.Refuse =>
                "Reviewers and admins are told that you didn't ask for this, and the request is rejected.",
            Countersign.Policies.UnknownRequester.Allow =>
                "Reviewers and admins are told that you didn't ask for this.",
            _ => "Reviewers and admins are told that you didn't ask for this, and the request needs 1 more approval.",
        };

    public virtual string DisownedBy(IReadOnlyList<string> names) =>
        $"{(names.Count == 0 ? "The person named as the requester" : WireNames.Names(names))} did not ask for this request, though it was opened in their name.";

    public virtual string MayNotDecide(IReadOnlyList<string> names) =>
        names.Count == 0
            ? ""
            : $"{WireNames.Names(names)} can't decide this request: it is theirs, or names them as the requester.";

    public virtual string AnyOf(string group, IReadOnlyList<string> names, int most) =>
        names.Count switch
        {
            0 => $"Nobody in {group} could answer now",
            _ when names.Count <= most => $"Any of {group}: {string.Join(", ", names)}",
            _ => string.Create(
                CultureInfo.InvariantCulture,
                $"Any of {group}: {string.Join(", ", names.Take(most))} and {names.Count - most} more"
            ),
        };

    // The answer
    public virtual string YourAnswer => "Your answer";
    public virtual string Note => "Note";
    public virtual string NoteHint =>
        "Needed to reject, comment or withdraw; everyone who sees this request can read it.";
    public virtual string CommentHint => "Everyone who sees this request can read it.";
    public virtual string WithdrawHint => "Say why you withdraw it.";
    public virtual string Approve => "Approve";
    public virtual string Reject => "Reject";
    public virtual string Abstain => "Abstain";
    public virtual string Comment => "Comment";
    public virtual string Withdraw => "Withdraw";

    public virtual string NoteNeeded(string what) =>
        what switch
        {
            "reject" => "Say in a few words why you reject this, so that whoever asked knows what to change.",
            "withdraw" => "Say in a few words why this is withdrawn.",
            "approve" or "abstain" => "The policy of this request wants a note with this answer.",
            _ => "Write what you want to say.",
        };

    public virtual string YouAnswered(Answer answer) =>
        answer switch
        {
            Answer.Approve => "You approved this",
            Answer.Reject => "You rejected this",
            _ => "You abstained",
        };

    public virtual string WhatYouWrote => "What you wrote:";
    public virtual string MayChange => "Until it is settled you can change your answer; the latest counts.";
    public virtual string AskerMayNotDecide =>
        "Requesters can't approve their own requests, and this one is yours or names you.";
    public virtual string NotYourTurnEver => "The policy of this request does not name you; you can read and comment.";

    public virtual string DecidedElsewhere(string destination) =>
        $"{destination} decides this; you can read and comment.";

    public virtual string NotYourTurnYet(string step) => $"Your step, {step}, opens after the ones before it.";

    public virtual string SettledAlready(ApprovalRequest request) =>
        request.Status switch
        {
            Status.Approved => "This is approved. Nothing is left to decide.",
            Status.Rejected => "This is rejected. Nothing is left to decide.",
            _ => "This was withdrawn. Nothing is left to decide.",
        };

    /// <summary>What happens next, as far as we know how the source hears of it.</summary>
    public virtual string? Next(ApprovalRequest request, bool isFromLaunchDarkly) =>
        (request.Status, isFromLaunchDarkly) switch
        {
            (Status.Active, _) => $"It goes on waiting: {Standing(request)}.",
            (Status.Approved, true) when request.AppliedAt is not null => "LaunchDarkly has applied the change.",
            (Status.Withdrawn, _) => null,
            (_, true) => "LaunchDarkly will see this within five minutes, or now if its page is reloaded.",
            _ => "Whoever asked sees it as soon as they look.",
        };

    // LaunchDarkly's button
    public virtual string SeveralApprovals => "Which one?";
    public virtual string SeveralApprovalsWhy =>
        "Several sources know an approval by this id. Choose the one you came for.";

    // Refusals
    public virtual string TooLate(ApprovalRequest request) =>
        $"Too late: this request is settled. {request.Display}. Nothing was sent; what you wrote is still below.";

    public virtual string ChangedMeanwhile =>
        "The content changed while you were reading, so your answer was not taken. See what is different, then answer again.";
    public virtual string NotYoursToWithdraw =>
        "A request is withdrawn by the person who asked for it, by the ticket's assignee or by an admin. Being named in it is not enough.";
    public virtual string NoAnswerChosen => "Choose one of the buttons.";

    public virtual string TooManyComments(int most) =>
        string.Create(CultureInfo.InvariantCulture, $"A request takes at most {most} comments.");

    public virtual string NotAllowed(string rule) =>
        rule switch
        {
            "requester_may_not_decide" => AskerMayNotDecide,
            "person_disabled" => "This account is disabled.",
            _ => NotYourTurnEver,
        };

    // History
    public virtual string History => "History";

    public virtual string Happened(string kind, Answer? answer) =>
        (kind, answer) switch
        {
            (_, Answer.Approve) => "approved",
            (_, Answer.Reject) => "rejected",
            (_, Answer.Abstain) => "abstained",
            ("request.submitted", _) => "asked",
            ("request.revised", _) => "changed the content",
            ("request.commented", _) => "commented",
            ("request.withdrawn", _) => "withdrew it",
            ("request.withdrawal_refused", _) => "tried to withdraw it, too late",
            ("request.applied", _) => "applied the change",
            ("request.linked", _) => "opened it there",
            ("request.answer_refused", _) => "answered, but the answer does not count",
            ("request.held", _) => "could not be told whether it was opened there; an admin has to look",
            ("request.breached", _) => "applied the change without an approval",
            ("request.conflicted", _) => "sent other content after it was settled; that was refused",
            ("request.approved", _) => "approved it",
            ("request.rejected", _) => "ended it without an approval",
            ("request.step_opened", _) => "opened the next step",
            ("request.reminded", _) => "reminded those who are asked",
            ("request.escalated", _) => "asked others too, since nobody had answered",
            ("request.restamped", _) => "put it under the policy that is in force now",
            ("request.stuck", _) => "found that nobody left could approve it",
            ("request.freed", _) => "found that it can be approved again",
            ("request.broke_glass", _) => "approved past the policy",
            ("request.disowned", _) => "said this request is not theirs",
            (ArchivedRequest.Kind, _) => "archived it",
            ("request.redacted", _) => "erased a person whom it named",
            ("request.barred", _) => "found another person who may have asked",
            ("request.reweighed", _) => "weighed the answers again, as somebody was disabled",
            _ => kind.Replace("request.", "", StringComparison.Ordinal).Replace('_', ' '),
        };

    public virtual string ArchivedOn => "Archived on";

    public virtual string ArchivedTo(string file) => $"to {file}. What was said and shown is in that file.";

    public virtual string AbsenceTold(AbsenceTurn turn) =>
        turn switch
        {
            AbsenceTurn.Announced => "will be away",
            AbsenceTurn.Left => "is away",
            AbsenceTurn.Returned => "is back",
            _ => "does not go away after all",
        };

    public virtual string AwayFrom => "from";
    public virtual string AwayUntil => "until";

    public virtual string AnswersMeanwhile(string? standIn) => $"; {standIn ?? "nobody"} answers meanwhile";

    public virtual string AwayNow(string name, string? standIn) =>
        $"{name} (away, {(standIn is null ? "nobody stands in" : $"{standIn} stands in")})";

    public virtual string? Settles(string kind, Answer? answer) =>
        (kind, answer) switch
        {
            ("request.approved", not null) => "With that it is approved.",
            ("request.rejected", not null) => "With that it is rejected.",
            _ => null,
        };

    public virtual string Via(string via) =>
        via switch
        {
            "page" => "",
            "api" => " · API",
            "launchdarkly" => " · LaunchDarkly",
            "zendesk" => " · Zendesk API",
            "cli" => " · command line",
            _ => " · " + via,
        };
}
