using System.Diagnostics;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Request;

/// <summary>
/// <c>POST /requests/{id}/delegation</c>: a reviewer gives their review to another person, or takes it back.
/// <c>POST /requests/{id}/assignee</c>: an admin gives the request to another assignee.
/// </summary>
internal sealed class SeatActions(
    RequestPageLoader loader,
    PeopleDirectory directory,
    DelegateSeat delegateSeat,
    EndDelegation endDelegation,
    Reassign reassign
)
{
    public const string Delegate = "delegate",
        End = "end",
        DelegateField = "delegate-to",
        AssigneeField = "reassign-to";

    public static string DelegationPath(RequestId id) => $"/requests/{id}/delegation";

    public static string AssigneePath(RequestId id) => $"/requests/{id}/assignee";

    public async Task<IResult> RunDelegation(
        string id,
        HttpContext http,
        CurrentCaller caller,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var (t, done) = (http.Strings(), Results.Redirect($"{http.Request.PathBase}/requests/{id}"));
        if (form["do"] == End)
        {
            return await endDelegation.Run(requestId, caller.Viewer, cancel) switch
            {
                EndDelegationOutcome.Ended or EndDelegationOutcome.NotDelegated => done,
                EndDelegationOutcome.AlreadySettled { Request: var request } => await Refuse(409, t.Closed(request)),
                EndDelegationOutcome.Used { Delegate: var name } => await Refuse(
                    409,
                    t["request.refused.delegationUsed", name]
                ),
                EndDelegationOutcome.NotFound => NotFoundPage.Page(http),
                _ => throw new UnreachableException(),
            };
        }
        if ((await directory.Refresh(cancel)).FindPerson(form["to"].ToString()) is not { } person)
            return await Wrong(t["request.delegate.unknown"]);
        return await delegateSeat.Run(requestId, caller.Viewer, person.Id, cancel) switch
        {
            DelegateOutcome.Delegated => done,
            DelegateOutcome.AlreadySettled { Request: var request } => await Refuse(409, t.Closed(request)),
            DelegateOutcome.StepNotOpen { Step: var step } => await Refuse(409, t["request.review.later", step]),
            DelegateOutcome.NotAllowed { Rule: var rule } => await Refuse(403, t.NotAllowed(rule)),
            DelegateOutcome.Unsuitable => await Wrong(t["request.delegate.unsuitable", person.DisplayName]),
            DelegateOutcome.NotFound => NotFoundPage.Page(http),
            _ => throw new UnreachableException(),
        };

        Task<IResult> Refuse(int status, string why) =>
            Back(requestId, http, caller, status, model => model.Refused = new Refusal(why), cancel);

        Task<IResult> Wrong(string why) =>
            Back(
                requestId,
                http,
                caller,
                StatusCodes.Status422UnprocessableEntity,
                model => (model.DelegateError, model.Refused) = (why, new Refusal(why, DelegateField)),
                cancel
            );
    }

    public async Task<IResult> RunAssignee(string id, HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (!RequestId.TryParse(id, out var requestId))
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var t = http.Strings();
        if (PartyOf(await directory.Refresh(cancel), form["to"].ToString().Trim()) is not { } party)
            return await Wrong(t["request.reassign.unknown"]);
        return await reassign.Run(requestId, caller.Viewer, party, cancel) switch
        {
            ReassignOutcome.Reassigned => Results.Redirect($"{http.Request.PathBase}/requests/{id}"),
            ReassignOutcome.AlreadySettled { Request: var request } => await Refuse(t.Closed(request)),
            ReassignOutcome.NotByAssignee => await Refuse(t["request.reassign.notByAssignee"]),
            ReassignOutcome.Unsuitable { Why: var why } => await Wrong(why),
            ReassignOutcome.NotAllowed or ReassignOutcome.NotFound => NotFoundPage.Page(http),
            _ => throw new UnreachableException(),
        };

        Task<IResult> Refuse(string why) =>
            Back(
                requestId,
                http,
                caller,
                StatusCodes.Status409Conflict,
                model => model.Refused = new Refusal(why),
                cancel
            );

        Task<IResult> Wrong(string why) =>
            Back(
                requestId,
                http,
                caller,
                StatusCodes.Status422UnprocessableEntity,
                model => (model.AssigneeError, model.Refused) = (why, new Refusal(why, AssigneeField)),
                cancel
            );
    }

    /// <summary>One of those to choose from, or an email or a group's name as typed.</summary>
    private static Party? PartyOf(PeopleSnapshot snapshot, string to)
    {
        var party = new Party(to);
        return party.IdAfter("person:") is { } id
            ? snapshot.People.ContainsKey(id)
                ? party
                : null
            : party.IdAfter("group:") is { } group
                ? snapshot.Groups.ContainsKey(group)
                    ? party
                    : null
                : snapshot.FindPerson(to) is { } person
                    ? Party.Person(person.Id)
                    : snapshot.FindGroup(to) is { } named
                        ? Party.Group(named.Id)
                        : null;
    }

    // As it is now, with why it was refused.
    private async Task<IResult> Back(
        RequestId id,
        HttpContext http,
        CurrentCaller caller,
        int status,
        Action<RequestPageModel> because,
        CancellationToken cancel
    )
    {
        if (await loader.Find(id, caller, null, cancel) is not { } model)
            return NotFoundPage.Page(http);
        because(model);
        return await RequestPage.Of(http, model, status);
    }
}
