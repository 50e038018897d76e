using System.Diagnostics;
using System.Globalization;
using Countersign.Doors.Api;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Zendesk;

/// <summary>
/// The earlier API, which Zendesk's own help center still calls. The id of the workflow instance is taken and passed
/// over, as there: one request is one instance.
/// </summary>
internal static class InstanceEndpoints
{
    private const string ObjectKey = "standard::approval_workflow_instance";

    public static void Map(RouteGroupBuilder api)
    {
        var instances = api.MapGroup("/approval_workflow_instances");
        instances
            .MapPost("", Create)
            .Produces<InstanceAnswer>(201)
            .Describe(Tags.Zendesk, ZendeskOperations.CreateInstance);
        instances
            .MapPost("/{instance}/approval_requests", CreateIn)
            .Produces<ShowAnswer>(201)
            .Describe(Tags.Zendesk, ZendeskOperations.CreateIn);
        instances
            .MapPost("/{instance}/approval_requests/search", SearchEndpoint.Run)
            .Produces<SearchAnswer>()
            .Describe(Tags.Zendesk, ZendeskOperations.Search);
        instances
            .MapGet("/{instance}/approval_requests/{id}", ShowEndpoint.Run)
            .Produces<ShowAnswer>()
            .Describe(Tags.Zendesk, ZendeskOperations.ShowIn);
        instances
            .MapPatch("/{instance}/approval_requests/{id}/decision", DecisionEndpoint.Run)
            .Produces<ShowAnswer>()
            .Describe(Tags.Zendesk, ZendeskOperations.Decide);
    }

    /// <summary>
    /// An instance holds nothing that a request does not, so none is kept; the answer lets the client go on.
    /// </summary>
    private static async Task<IResult> Create(HttpContext http, CurrentCaller caller, RequestIds ids, Store store)
    {
        if (caller.Person.Role is not (Role.Agent or Role.Admin))
            return Refusal.Forbidden("Only agents and admins can request approval.");
        var (body, refusal) = await Body.Read(http, "approval_workflow_instance");
        if (body is null)
            return refusal!;
        var name = body.Line("name", SubmitBody.MaxSubject, required: true);
        var ticket = body.Number("ticket_id", required: true);
        if (body.Mistakes.Any)
            return Refusal.Attributes(body.Mistakes);
        var (id, now, me) = (
            ids.Next(store.Now).Value,
            Shapes.Time(store.Now),
            caller.Person.Id.ToString(CultureInfo.InvariantCulture)
        );
        return Answer.Of(
            new InstanceAnswer(
                new InstanceRecord(
                    id,
                    name!,
                    ObjectKey,
                    new Dictionary<string, string?>
                    {
                        ["standard::completed_at"] = null,
                        ["standard::status"] = "pending",
                        ["standard::ticket"] = ticket!.Value.ToString(CultureInfo.InvariantCulture),
                    },
                    now,
                    now,
                    me,
                    me,
                    null,
                    $"{ZendeskConventions.RootOf(http.Request)}/custom_objects/{ObjectKey}/records/{id}.json"
                )
            ),
            StatusCodes.Status201Created
        );
    }

    private static async Task<IResult> CreateIn(
        HttpContext http,
        CurrentCaller caller,
        Submit submit,
        PeopleDirectory directory,
        ZendeskOptions zendesk,
        Store store,
        CancellationToken cancel
    )
    {
        var (submission, repeatable, refusal) = await CreateEndpoint.Read(http, caller, directory, zendesk, cancel);
        if (submission is null)
            return refusal!;
        return await submit.Run(submission, caller.Viewer.Origin, repeatable, cancel) switch
        {
            SubmitOutcome.Created { Request: var created } => Answer.Of(
                new ShowAnswer((await ShowEndpoint.Find(created.Id, caller, store, directory, cancel))!),
                StatusCodes.Status201Created
            ),
            SubmitOutcome.Replayed { Answer: var answer }
                when RequestId.TryParse(IdIn(answer), out var id)
                    && await ShowEndpoint.Find(id, caller, store, directory, cancel) is { } shown => Answer.Of(
                new ShowAnswer(shown),
                StatusCodes.Status201Created
            ),
            var refused => CreateEndpoint.Refused(refused),
        };
    }

    private static string? IdIn(string answer)
    {
        using var document = System.Text.Json.JsonDocument.Parse(answer);
        return document.RootElement.GetProperty("approval_request").GetProperty("id").GetString();
    }
}

public sealed record InstanceRecord(
    string Id,
    string Name,
    string CustomObjectKey,
    IReadOnlyDictionary<string, string?> CustomObjectFields,
    string CreatedAt,
    string UpdatedAt,
    string CreatedByUserId,
    string UpdatedByUserId,
    string? ExternalId,
    string Url
);

public sealed record InstanceAnswer(InstanceRecord CustomObjectRecord);

/// <summary>
/// <c>PATCH …/decision</c>: approves, rejects or withdraws; <c>notes</c> go with it, <c>digest</c> says which content
/// was read.
/// </summary>
internal static class DecisionEndpoint
{
    private const string Failed = "ApprovalRequestDecisionFailed";

    public static async Task<IResult> Run(
        string id,
        HttpContext http,
        CurrentCaller caller,
        Decide decide,
        Withdraw withdraw,
        Store store,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var (body, refusal) = await Body.Read(http, "decision");
        if (body is null)
            return refusal!;
        var word = body.Line("status", 20, required: true);
        var notes = body.Lines("notes", DecisionBody.MaxNote) ?? "";
        var digest = body.Line("digest", 64);
        var status = word is null ? null : WireNames.StatusOfZendesk(word);
        if (word is { Length: > 0 } && status is null or Status.Active)
        {
            body.Mistakes.Add(
                "status",
                "Must be approved, rejected or withdrawn. A decision can't be taken back; a person's latest "
                    + "one counts while the request is active."
            );
        }
        if (body.Mistakes.Any)
            return Refusal.Attributes(body.Mistakes);
        if (!RequestId.TryParse(id, out var requestId))
            return Refusal.NotFound();

        var refused =
            status == Status.Withdrawn
                ? Refused(await withdraw.Run(requestId, caller.Viewer, notes, cancel))
                : Refused(
                    await decide.Run(
                        requestId,
                        caller.Viewer,
                        status == Status.Approved ? Requests.Answer.Approve : Requests.Answer.Reject,
                        notes,
                        digest is { Length: > 0 } ? digest : null,
                        cancel
                    )
                );
        return refused
            ?? (
                await ShowEndpoint.Find(requestId, caller, store, directory, cancel) is { } shown
                    ? Answer.Of(new ShowAnswer(shown))
                    : Refusal.NotFound()
            );
    }

    /// <summary>Null when it was done.</summary>
    private static IResult? Refused(DecideOutcome outcome) =>
        outcome switch
        {
            DecideOutcome.Recorded or DecideOutcome.Settled => null,
            DecideOutcome.AlreadySettled { Request: var request } => Settled(request),
            DecideOutcome.Changed => Refusal.Listed(
                StatusCodes.Status409Conflict,
                "changed",
                "The content has changed",
                "Read the request again and send its digest."
            ),
            DecideOutcome.StepNotOpen { Step: var step } => Refusal.Listed(
                StatusCodes.Status422UnprocessableEntity,
                Failed,
                $"Your step, {step}, isn't open yet"
            ),
            DecideOutcome.NotAllowed { Why: var why } => Refusal.Forbidden(why),
            DecideOutcome.NotFound => Refusal.NotFound(),
            _ => throw new UnreachableException(),
        };

    private static IResult? Refused(WithdrawOutcome outcome) =>
        outcome switch
        {
            WithdrawOutcome.Withdrawn => null,
            WithdrawOutcome.AlreadySettled { Request: var request } => Settled(request),
            WithdrawOutcome.NotAllowed => Refusal.Forbidden(
                "Only the creator, the ticket's assignee or an admin can withdraw a request."
            ),
            WithdrawOutcome.NotFound => Refusal.NotFound(),
            _ => throw new UnreachableException(),
        };

    private static IResult Settled(ApprovalRequest request) =>
        Refusal.Listed(
            StatusCodes.Status422UnprocessableEntity,
            Failed,
            $"The approval request is already {request.Status.ToZendesk()}"
        );
}
