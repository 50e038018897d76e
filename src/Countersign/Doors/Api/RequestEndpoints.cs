using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using Countersign.Configuration;
using Countersign.Gates;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Api;

public sealed record DecisionBody : IChecked
{
    public const int MaxNote = RequestLimits.MaxComment;

    [Description("Your decision."), Required, AllowedValues("approve", "reject", "abstain")]
    public string? Answer { get; init; }

    [Description("A comment with the decision."), MaxLength(MaxNote)]
    public string? Note { get; init; }

    [
        Description("The digest of the content that you reviewed. Required once a request has more than one revision."),
        MaxLength(64)
    ]
    public string? Digest { get; init; }

    public void Check(BodyErrors mistakes)
    {
        if (Answer is null || WireNames.AnswerOf(Answer) is null)
            mistakes.Add("answer", "Must be approve, reject or abstain.");
        mistakes.MultiLine("note", Note, MaxNote, required: false);
        mistakes.SingleLine("digest", Digest, 64, required: false);
    }
}

public sealed record CommentBody : IChecked
{
    [Description("The comment."), Required, MaxLength(Comment.MaxText), Example("Is the dashboard ready?")]
    public string? Text { get; init; }

    public void Check(BodyErrors mistakes) => mistakes.MultiLine("text", Text, Comment.MaxText, required: true);
}

public sealed record WithdrawalBody : IChecked
{
    [Description("Why."), MaxLength(DecisionBody.MaxNote)]
    public string? Reason { get; init; }

    public void Check(BodyErrors mistakes) =>
        mistakes.MultiLine("reason", Reason, DecisionBody.MaxNote, required: false);
}

public sealed record DelegationBody : IChecked
{
    [
        Description("The email or name of the person who decides instead."),
        Required,
        MaxLength(254),
        Example("ben@example.com")
    ]
    public string? To { get; init; }

    public void Check(BodyErrors mistakes) => mistakes.SingleLine("to", To, 254, required: true);
}

/// <summary>Either a person or a group.</summary>
public sealed record AssignmentBody : IChecked
{
    [Description("The email or name of a person."), MaxLength(254), Example("ann@example.com")]
    public string? Person { get; init; }

    [Description("The name of a group."), MaxLength(254)]
    public string? Group { get; init; }

    public void Check(BodyErrors mistakes)
    {
        mistakes.SingleLine("person", Person, 254, required: false);
        mistakes.SingleLine("group", Group, 254, required: false);
        if (Person is null == Group is null)
            mistakes.Add("person", "Name either a person or a group.");
    }
}

public sealed record BreakGlassBody : IChecked
{
    [Description("Why it can't wait, in at least 20 characters."), Required, MaxLength(DecisionBody.MaxNote)]
    public string? Reason { get; init; }

    [
        Description("The digest of the content that you reviewed. Required once a request has more than one revision."),
        MaxLength(64)
    ]
    public string? Digest { get; init; }

    public void Check(BodyErrors mistakes)
    {
        mistakes.MultiLine("reason", Reason, DecisionBody.MaxNote, required: true);
        mistakes.SingleLine("digest", Digest, 64, required: false);
    }
}

/// <summary>One request: look, answer, say something, take it back, tell that it was applied.</summary>
internal static class RequestEndpoints
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(2);

    /// <summary>
    /// <c>GET /api/v1/requests/{id}[?wait=30s]</c>; with <c>wait</c> it answers as soon as the request is settled.
    /// </summary>
    public static async Task<IResult> Get(
        string id,
        string? wait,
        HttpContext http,
        CurrentCaller caller,
        Store store,
        PeopleDirectory directory,
        WaitForRequest waiting,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        var viewer = caller.Viewer;
        if (wait is not null)
        {
            if (Durations.Parse(wait) is not { } patience || patience > MaxWait)
                return Problems.Malformed($"wait is a duration such as 30s, at most {MaxWait.TotalSeconds:0}s.");
            await using var watch = CallerWatch.Over(http, caller.Caller);
            await waiting.UntilSettled(requestId, watch, patience, cancel);
            if (watch.IsShutOut)
            {
                http.Response.Headers.WWWAuthenticate = ApiEndpoints.Door.WwwAuthenticate;
                return Problems.Of(StatusCodes.Status401Unauthorized, "unauthenticated", ApiEndpoints.Door.HowToCall);
            }
            viewer = watch.Caller.Viewer;
        }
        return await RequestDetails.Find(store, requestId, viewer, cancel) is { } details
            ? JsonResponse.Of(RequestView.From(details, directory.Current), ApiJson.Wire.RequestView)
            : Problems.NotFound();
    }

    public static async Task<IResult> DecideOn(
        string id,
        JsonBody<DecisionBody> body,
        CurrentCaller caller,
        Decide decide,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        var outcome = await decide.Run(
            requestId,
            caller.Viewer,
            WireNames.AnswerOf(body.Value.Answer!)!.Value,
            body.Value.Note ?? "",
            body.Value.Digest,
            cancel
        );
        return outcome switch
        {
            DecideOutcome.Recorded { Request: var request } => RequestView.Answer(request, directory.Current),
            DecideOutcome.Settled { Request: var request } => RequestView.Answer(request, directory.Current),
            DecideOutcome.AlreadySettled { Request: var request } => Settled(request, directory),
            DecideOutcome.Changed { Request: var request } => Problems.Of(
                409,
                "changed",
                "The content has changed. Read it again and send its digest.",
                request: RequestView.From(request, directory.Current)
            ),
            DecideOutcome.StepNotOpen { Step: var step } => Problems.Of(
                409,
                "step_not_open",
                $"Your step, {step}, isn't open yet."
            ),
            DecideOutcome.NotAllowed { Rule: var rule, Why: var why } => Problems.NotAllowed(rule, why),
            DecideOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>
    /// <c>POST /api/v1/requests/{id}/delegation</c>: the caller gives their own review to another person.
    /// </summary>
    public static async Task<IResult> DelegateOn(
        string id,
        JsonBody<DelegationBody> body,
        CurrentCaller caller,
        DelegateSeat delegates,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        if (
            SubmitEndpoint
                .Find(new AssigneeBody { Person = body.Value.To }, directory.Current)
                ?.Party.IdAfter("person:")
            is not { } to
        )
        {
            return Problems.Invalid("to", "There is no person with this email, or they are disabled.");
        }
        return await delegates.Run(requestId, caller.Viewer, to, cancel) switch
        {
            DelegateOutcome.Delegated { Request: var request } => RequestView.Answer(request, directory.Current),
            DelegateOutcome.AlreadySettled { Request: var request } => Settled(request, directory),
            DelegateOutcome.StepNotOpen { Step: var step } => Problems.Of(
                409,
                "step_not_open",
                $"Your step, {step}, isn't open yet."
            ),
            DelegateOutcome.NotAllowed { Rule: var rule, Why: var why } => Problems.NotAllowed(rule, why),
            DelegateOutcome.Unsuitable { Why: var why } => Problems.Invalid("to", why),
            DelegateOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary><c>DELETE /api/v1/requests/{id}/delegation</c>: the caller takes their review back.</summary>
    public static async Task<IResult> EndDelegationOn(
        string id,
        CurrentCaller caller,
        EndDelegation end,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        return await end.Run(requestId, caller.Viewer, cancel) switch
        {
            EndDelegationOutcome.Ended { Request: var request } => RequestView.Answer(request, directory.Current),
            EndDelegationOutcome.AlreadySettled { Request: var request } => Settled(request, directory),
            EndDelegationOutcome.Used { Delegate: var name } => Problems.Of(
                409,
                "delegation_used",
                $"{name} has already decided for you."
            ),
            EndDelegationOutcome.NotDelegated => Problems.Of(
                409,
                "not_delegated",
                "You didn't delegate your review of this request."
            ),
            EndDelegationOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>
    /// <c>POST /api/v1/requests/{id}/assignee</c>: an admin gives a request that its assignee decides to another one.
    /// </summary>
    public static async Task<IResult> ReassignOn(
        string id,
        JsonBody<AssignmentBody> body,
        CurrentCaller caller,
        Reassign reassign,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        var (person, group) = (body.Value.Person, body.Value.Group);
        var field = person is null ? "group" : "person";
        if (
            SubmitEndpoint.Find(new AssigneeBody { Person = person, Group = group }, directory.Current)
            is not { Party: var to }
        )
        {
            return Problems.Invalid(field, "There is no person or group with this name, or they are disabled.");
        }
        return await reassign.Run(requestId, caller.Viewer, to, cancel) switch
        {
            ReassignOutcome.Reassigned { Request: var request } => RequestView.Answer(request, directory.Current),
            ReassignOutcome.AlreadySettled { Request: var request } => Settled(request, directory),
            ReassignOutcome.NotByAssignee { Policy: var policy } => Problems.Of(
                409,
                "not_by_assignee",
                $"This request is decided by {policy}, not by its assignee."
            ),
            ReassignOutcome.Unsuitable { Why: var why } => Problems.Invalid(field, why),
            ReassignOutcome.NotAllowed => Problems.NotAllowed("admins_only", "Only admins can reassign a request."),
            ReassignOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    public static async Task<IResult> CommentOn(
        string id,
        JsonBody<CommentBody> body,
        CurrentCaller caller,
        Comment comment,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        return await comment.Run(requestId, caller.Viewer, body.Value.Text!, cancel) switch
        {
            CommentOutcome.Added { Request: var request } => RequestView.Answer(
                request,
                directory.Current,
                StatusCodes.Status201Created
            ),
            CommentOutcome.AlreadySettled { Request: var request } => Settled(request, directory),
            CommentOutcome.TooMany => Problems.Of(
                409,
                "conflict",
                $"A request can have at most {Comment.MaxPerRequest} comments."
            ),
            CommentOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    public static async Task<IResult> WithdrawOne(
        string id,
        JsonBody<WithdrawalBody> body,
        CurrentCaller caller,
        Withdraw withdraw,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        return await withdraw.Run(requestId, caller.Viewer, body.Value.Reason ?? "", cancel) switch
        {
            WithdrawOutcome.Withdrawn { Request: var request } => RequestView.Answer(request, directory.Current),
            WithdrawOutcome.AlreadySettled { Request: var request } => Settled(request, directory),
            WithdrawOutcome.NotAllowed => Problems.NotAllowed(
                "not_yours",
                "Only the requester, the source, the ticket's assignee or an admin can withdraw a request."
            ),
            WithdrawOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>
    /// <c>POST /api/v1/requests/{id}/not-me</c>: the person in whose name it was opened says that it was not they.
    /// </summary>
    public static async Task<IResult> NotMe(
        string id,
        CurrentCaller caller,
        Disown disown,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        return await disown.Run(requestId, caller.Viewer, cancel) switch
        {
            DisownOutcome.Disowned { Request: var request } => RequestView.Answer(request, directory.Current),
            DisownOutcome.NotInYourName => Problems.NotAllowed(
                "not_in_your_name",
                "This request wasn't opened in your name."
            ),
            DisownOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    public static async Task<IResult> BreakGlassOn(
        string id,
        JsonBody<BreakGlassBody> body,
        CurrentCaller caller,
        OverridePolicy breakGlass,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        return await breakGlass.Run(requestId, caller.Viewer, body.Value.Reason!, body.Value.Digest, cancel) switch
        {
            OverrideOutcome.Approved { Request: var request } => RequestView.Answer(request, directory.Current),
            OverrideOutcome.AlreadySettled { Request: var request } => Settled(request, directory),
            OverrideOutcome.Changed { Request: var request } => Problems.Of(
                409,
                "changed",
                "The content has changed. Read it again and send its digest.",
                request: RequestView.From(request, directory.Current)
            ),
            OverrideOutcome.BeingConfirmed { Request: var request } => Problems.Of(
                409,
                "being_confirmed",
                "LaunchDarkly is still being asked about this request. Try again in a moment.",
                request: RequestView.From(request, directory.Current)
            ),
            OverrideOutcome.ReasonTooShort => Problems.Invalid(
                "reason",
                $"Give a reason of at least {OverridePolicy.ShortestReason} characters."
            ),
            OverrideOutcome.Forbidden => Problems.NotAllowed(
                "break_glass_forbidden",
                "This request's policy doesn't allow overrides."
            ),
            OverrideOutcome.NotAllowed => Problems.NotAllowed("admins_only", "Only admins can override a policy."),
            OverrideOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    public static async Task<IResult> Applied(
        string id,
        CurrentCaller caller,
        MarkApplied markApplied,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        return await markApplied.Run(requestId, caller.Viewer, cancel) switch
        {
            MarkAppliedOutcome.Applied { Request: var request } => RequestView.Answer(request, directory.Current),
            MarkAppliedOutcome.Breach { Request: var request } => RequestView.Answer(request, directory.Current),
            MarkAppliedOutcome.AlreadyApplied { Request: var request } => RequestView.Answer(
                request,
                directory.Current
            ),
            MarkAppliedOutcome.NotAllowed => Problems.NotAllowed(
                "not_yours",
                "Only the source, the requester or an admin can report that a change was applied."
            ),
            MarkAppliedOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult Settled(
        ApprovalRequest request,
        PeopleDirectory directory
    ) =>
        Problems.Of(
            409,
            "already_settled",
            $"This request is {request.Status.ToWireName()}: {request.Display}.",
            request: RequestView.From(request, directory.Current)
        );
}
