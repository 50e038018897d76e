using System.Diagnostics;
using System.Text.Json;
using Countersign.Doors.Api;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Zendesk;

/// <summary><c>POST /api/v2/approval_requests</c>: an agent asks, for a ticket, one person or one group.</summary>
internal static class CreateEndpoint
{
    private const string Wrapper = "approval_request";
    private const string BuiltIn = "zendesk";
    private const int MaxKey = 255;

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Submit submit,
        PeopleDirectory directory,
        ZendeskOptions zendesk,
        CancellationToken cancel
    )
    {
        var (submission, repeatable, refusal) = await Read(http, caller, directory, zendesk, cancel);
        if (submission is null)
            return refusal!;
        var outcome = await submit.Run(submission, caller.Viewer.Origin, repeatable, cancel);
        if (repeatable is not null)
            http.Response.Headers["x-idempotency-lookup"] = outcome is SubmitOutcome.Replayed ? "hit" : "miss";
        return outcome is SubmitOutcome.Created { Request: var created }
            ? Answer.Of(new CreateAnswer(CreatedItem.From(created, submission.Message)), StatusCodes.Status201Created)
            : Refused(outcome);
    }

    /// <summary>What a body asks for; the same for both generations of the API.</summary>
    public static async ValueTask<(Submission? Submission, Repeatable? Repeatable, IResult? Refusal)> Read(
        HttpContext http,
        CurrentCaller caller,
        PeopleDirectory directory,
        ZendeskOptions zendesk,
        CancellationToken cancel
    )
    {
        if (caller.Person.Role is not (Role.Agent or Role.Admin))
            return (null, null, Refusal.Forbidden("Only agents and admins can request approval."));
        var key = http.Request.Headers["Idempotency-Key"].ToString();
        if (key.Length > MaxKey)
        {
            return (
                null,
                null,
                Refusal.Titled(
                    StatusCodes.Status400BadRequest,
                    "Invalid request",
                    $"Idempotency-Key can have at most {MaxKey} characters."
                )
            );
        }
        var (body, refusal) = await Body.Read(http, Wrapper);
        if (body is null)
            return (null, null, refusal);

        var subject = body.Line("subject", SubmitBody.MaxSubject, required: true);
        var message = body.Lines("message", SubmitBody.MaxMessage, required: true);
        var ticket = body.Number("ticket_id", required: true);
        if (ticket is < 1 or > TicketRow.GreatestId)
            body.Mistakes.Add("ticket_id", $"A ticket's id is from 1 to {TicketRow.GreatestId}.");
        var assignee = Assignee(body, await Fresh(body, directory, cancel), caller.Person);
        if (body.Mistakes.Any)
            return (null, null, Refusal.Attributes(body.Mistakes));

        var creator = caller.Person;
        var requester = RequesterResolution.Of(creator);
        var source = directory.Current.FindSource(BuiltIn)!;
        var (policy, stuck) = directory.Current.WhoDecides(source, null, requester, "{}", assignee);
        var submission = new Submission
        {
            SourceId = source.Id,
            SentBy = SentBy.Zendesk,
            Subject = subject!,
            Message = message!,
            Body = body.Text,
            Digest = body.Digest,
            Requester = requester,
            CreatorId = creator.Id,
            Assignee = assignee,
            TicketId = ticket,
            TicketTerms = zendesk.Terms,
            Policy = policy,
            Stuck = stuck,
        };
        var repeatable =
            key.Length == 0
                ? null
                : new Repeatable(
                    Hashes.Sha256($"{caller.Viewer.Party}\n{http.Request.Path}\n{key}"),
                    body.Digest,
                    created =>
                        JsonSerializer.Serialize(
                            new CreateAnswer(CreatedItem.From(created, submission.Message)),
                            ZendeskJson.Default.CreateAnswer
                        )
                );
        return (submission, repeatable, null);
    }

    public static IResult Refused(SubmitOutcome outcome) =>
        outcome switch
        {
            SubmitOutcome.Replayed { Status: var status, Answer: var answer } => TypedResults.Text(
                System.Text.Encoding.UTF8.GetBytes(answer),
                Answer.MediaType,
                status
            ),
            SubmitOutcome.KeyTaken => Answer.Of(
                new ErrorWithDescription(
                    "IdempotentRequestError",
                    "Request parameters don't match the given idempotency key"
                ),
                StatusCodes.Status400BadRequest
            ),
            SubmitOutcome.TicketTaken => Refusal.Listed(
                StatusCodes.Status422UnprocessableEntity,
                "ApprovalRequestCreationFailed",
                "Approval request couldn't be sent because one active, approved, or denied request already exists"
            ),
            SubmitOutcome.TicketFull => Refusal.Listed(
                StatusCodes.Status422UnprocessableEntity,
                "ApprovalRequestCreationFailed",
                "Approval request couldn't be sent because 50 inactive requests already exist"
            ),
            SubmitOutcome.NoTicket => Refusal.Attribute("ticket_id", "There is no such ticket."),
            SubmitOutcome.AssigneeAsks => Refusal.Attribute(
                "assignee_user_id",
                "The ticket's requester can't be the approver."
            ),
            _ => throw new UnreachableException(),
        };

    /// <summary>
    /// Exactly one of a person and a group. <c>assignee_user</c> is what the earlier API calls the person.
    /// </summary>
    private static Approver? Assignee(Body body, PeopleSnapshot directory, Person caller)
    {
        var (id, alias, groupId) = (
            body.Number("assignee_user_id"),
            body.Number("assignee_user"),
            body.Number("assignee_group_id")
        );
        if (body.Mistakes.ByField.Keys.Any(k => k.StartsWith("assignee_", StringComparison.Ordinal)))
            return null;
        if (id is not null && alias is not null && id != alias)
            body.Mistakes.Add("assignee_user", "This names a different person than assignee_user_id.");
        if ((id ?? alias) is null == groupId is null)
        {
            body.Mistakes.Add(
                "assignee_user_id",
                "Name either a person or a group: assignee_user_id or assignee_group_id."
            );
            return null;
        }
        if (groupId is { } group)
        {
            if (directory.Groups.TryGetValue(group, out var found))
                return found.AsApprover;
            body.Mistakes.Add("assignee_group_id", "There is no such group.");
            return null;
        }
        if (
            !directory.People.TryGetValue((id ?? alias)!.Value, out var person)
            || person is { IsDisabled: true } or { Role: Role.Service }
        )
        {
            body.Mistakes.Add("assignee_user_id", "There is no such person, or the account is disabled.");
        }
        else if (person.Id == caller.Id)
        {
            body.Mistakes.Add("assignee_user_id", "Requesters can't approve their own requests. Name someone else.");
        }
        return person?.AsApprover;
    }

    /// <summary>The people and groups; read again when the one who is named may have been made a moment ago.</summary>
    private static async ValueTask<PeopleSnapshot> Fresh(Body body, PeopleDirectory directory, CancellationToken cancel)
    {
        var current = directory.Current;
        return
            Named("assignee_user_id") is { } user && !current.People.ContainsKey(user)
            || Named("assignee_user") is { } alias && !current.People.ContainsKey(alias)
            || Named("assignee_group_id") is { } group && !current.Groups.ContainsKey(group)
            ? await directory.Refresh(cancel)
            : current;

        long? Named(string name) =>
            body.Find(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var id) ? id : null;
    }
}
