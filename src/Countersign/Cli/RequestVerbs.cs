using System.CommandLine;
using System.Diagnostics;
using Countersign.Doors.Api;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign request …</c>: who decides a request instead. The operator does it for people, as with absences; the
/// event says so.
/// </summary>
internal static class RequestVerbs
{
    private static readonly Argument<string> Id = new("id") { Description = "The request's ID." };

    private static readonly Option<string> From = new("--from")
    {
        Description = "The reviewer's email.",
        Required = true,
        HelpName = "email",
    };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "request",
            "Requests: delegate a review, end a delegation, reassign.",
            Delegate(terminal),
            End(terminal),
            Reassign(terminal)
        );

    private static Command Delegate(Terminal terminal)
    {
        var to = new Option<string>("--to")
        {
            Description = "The email of the person who reviews in their place.",
            Required = true,
            HelpName = "email",
        };
        return Verb.OnStore(
            terminal,
            "delegate",
            "Give a reviewer's review of one request to another person.",
            [Id, From, to],
            async (parse, hub, cancel) =>
            {
                var people = await hub.Get<PeopleDirectory>().Refresh(cancel);
                if (Reviewer(parse, people) is not { } reviewer)
                    return NoPerson(parse.GetValue(From)!);
                if (people.FindPerson(parse.GetValue(to)!) is not { } other)
                    return NoPerson(parse.GetValue(to)!);
                if (!RequestId.TryParse(parse.GetValue(Id), out var id))
                    return NoRequest();
                return await hub.Get<DelegateSeat>().Run(id, reviewer, other.Id, cancel) switch
                {
                    DelegateOutcome.Delegated { Request: var request } => Done(
                        request,
                        people,
                        $"{other.Name} reviews this request in place of {reviewer.Name}."
                    ),
                    DelegateOutcome.AlreadySettled { Request: var request } => Settled(request),
                    DelegateOutcome.StepNotOpen { Step: var step } => new Reply.Failed(
                        "step_not_open",
                        $"{reviewer.Name} can review this in a later step: {step}."
                    ),
                    DelegateOutcome.NotAllowed { Rule: var rule, Why: var why } => new Reply.Failed(rule, why),
                    DelegateOutcome.Unsuitable { Why: var why } => new Reply.Failed(Reply.Invalid, why),
                    DelegateOutcome.NotFound => NoRequest(),
                    _ => throw new UnreachableException(),
                };
            }
        );
    }

    private static Command End(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "end-delegation",
            "Give a delegated review back to the reviewer, unless the delegate has decided.",
            [Id, From],
            async (parse, hub, cancel) =>
            {
                var people = await hub.Get<PeopleDirectory>().Refresh(cancel);
                if (Reviewer(parse, people) is not { } reviewer)
                    return NoPerson(parse.GetValue(From)!);
                if (!RequestId.TryParse(parse.GetValue(Id), out var id))
                    return NoRequest();
                return await hub.Get<EndDelegation>().Run(id, reviewer, cancel) switch
                {
                    EndDelegationOutcome.Ended { Request: var request } => Done(
                        request,
                        people,
                        $"{reviewer.Name} reviews this request again."
                    ),
                    EndDelegationOutcome.AlreadySettled { Request: var request } => Settled(request),
                    EndDelegationOutcome.Used { Delegate: var used } => new Reply.Failed(
                        "delegation_used",
                        $"{used} already decided in place of {reviewer.Name}."
                    ),
                    EndDelegationOutcome.NotDelegated => new Reply.Failed(
                        "not_delegated",
                        $"{reviewer.Name} didn't delegate their review of this request."
                    ),
                    EndDelegationOutcome.NotFound => NoRequest(),
                    _ => throw new UnreachableException(),
                };
            }
        );

    private static Command Reassign(Terminal terminal)
    {
        var person = new Option<string?>("--person") { Description = "The new assignee's email.", HelpName = "email" };
        var group = new Option<string?>("--group") { Description = "The group that decides.", HelpName = "name" };
        return Verb.OnStore(
            terminal,
            "reassign",
            "Give a request that its assignee decides to another person or group.",
            [Id, person, group],
            async (parse, hub, cancel) =>
            {
                var people = await hub.Get<PeopleDirectory>().Refresh(cancel);
                var (email, name) = (parse.GetValue(person), parse.GetValue(group));
                if ((email is null) == (name is null))
                    return new Reply.Failed(Reply.Usage, "Give either --person or --group.");
                if (email is not null && people.FindPerson(email) is null)
                    return NoPerson(email);
                if (name is not null && people.FindGroup(name) is null)
                    return new Reply.Failed(Reply.NotFound, $"There is no group {name}.");
                var to = email is not null
                    ? Party.Person(people.FindPerson(email)!.Id)
                    : Party.Group(people.FindGroup(name!)!.Id);
                if (!RequestId.TryParse(parse.GetValue(Id), out var id))
                    return NoRequest();
                return await hub.Get<Reassign>().Run(id, Viewer.Hub(Hub.Origin), to, cancel) switch
                {
                    ReassignOutcome.Reassigned { Request: var request, Lost: var lost } => Done(
                        request,
                        people,
                        $"{request.Display}."
                            + (lost.Count > 0 ? $" No longer counted: {string.Join(", ", lost)}." : "")
                    ),
                    ReassignOutcome.AlreadySettled { Request: var request } => Settled(request),
                    ReassignOutcome.NotByAssignee { Policy: var policy } => new Reply.Failed(
                        "not_by_assignee",
                        $"This request is decided by {policy}, not by its assignee."
                    ),
                    ReassignOutcome.Unsuitable { Why: var why } => new Reply.Failed(Reply.Invalid, why),
                    ReassignOutcome.NotFound => NoRequest(),
                    _ => throw new UnreachableException(),
                };
            }
        );
    }

    /// <summary>The reviewer with what they may see, but what is done is done by the operator.</summary>
    private static Viewer? Reviewer(ParseResult parse, PeopleSnapshot people) =>
        people.FindPerson(parse.GetValue(From)!) is { } person
            ? new Viewer(Party.Person(person.Id), person.Id, person.Role == Role.Admin, person.Name, Hub.Origin)
            : null;

    private static Reply.Done Done(ApprovalRequest request, PeopleSnapshot people, string text) =>
        new(RequestView.From(request, people), text);

    private static Reply.Failed Settled(ApprovalRequest request) =>
        new("already_settled", $"This request is {request.Status.ToWireName()}: {request.Display}.");

    private static Reply.Failed NoPerson(string email) =>
        new(Reply.NotFound, $"There is no person with the email {email}.");

    private static Reply.Failed NoRequest() =>
        new(Reply.NotFound, "There is no request with this ID, or the reviewer can't see it.");
}
