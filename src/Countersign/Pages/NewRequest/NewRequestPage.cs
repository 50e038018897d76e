using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Countersign.Configuration;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.NewRequest;

/// <summary>
/// <c>/new</c>: an agent or admin submits a request. A setting turns it off, while the doors for programs go on.
/// </summary>
internal sealed class NewRequestPage(
    Submit submit,
    RequestList listing,
    RequestSummaries summaries,
    PeopleDirectory directory,
    PageOptions pages,
    ZendeskOptions zendesk,
    RequestTypes types
)
{
    public const string Path = "/new";
    private const string BuiltIn = "api";
    private const int MaxNames = 2_000;

    /// <summary>The names that policies know the two fields by.</summary>
    private const string EnvironmentFact = "environment",
        LinkFact = "link";

    public static bool MayAsk(Caller? caller, PageOptions pages) =>
        pages.NewRequests && caller?.Person is { Role: Role.Admin or Role.Agent };

    /// <summary>The form; before it, where there are types, what is requested.</summary>
    public async Task<IResult> Show(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (!MayAsk(caller.Caller, pages))
            return NotFoundPage.Page(http);
        var list = await types.Find(cancel);
        var asked = http.Request.Query["type"];
        var type = asked.Count > 0 ? list.Find(asked.ToString()) : null;
        if (list.Types.Count > 0 && type is null && !(asked.Count > 0 && asked.ToString().Length == 0))
        {
            return new PageResult(
                new PageFrame(http.Strings()["nav.newRequest"]) { Section = Path },
                NewRequestChoiceSlice.Create(list)
            );
        }
        return await Page(
            http,
            caller,
            new NewRequestForm
            {
                Type = type?.Name ?? "",
                Key = RandomNumberGenerator.GetHexString(24),
                Reviewer =
                    Proposed(type, caller.Person)
                    ?? (directory.Current.Policies.Version == 0 ? "" : NewRequestForm.ByPolicy),
            },
            [],
            cancel
        );
    }

    public static string AddressOf(string type) => $"{Path}?type={Uri.EscapeDataString(type)}";

    /// <summary>The reviewers that a type proposes, if they are there and are not the requester.</summary>
    private string? Proposed(RequestType? type, Person me)
    {
        var reviewer =
            type?.ReviewerGroup is { } group ? NewRequestForm.GroupPrefix + group
            : type?.ReviewerPerson is { } person ? NewRequestForm.PersonPrefix + person
            : null;
        return reviewer is not null && Find(reviewer) is { } found && found.Party != Party.Person(me.Id)
            ? (
                type!.ReviewerGroup is not null
                    ? NewRequestForm.GroupPrefix + found.Name
                    : NewRequestForm.PersonPrefix + directory.Current.FindPerson(type.ReviewerPerson!)!.Email
            )
            : null;
    }

    public async Task<IResult> Run(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (!MayAsk(caller.Caller, pages))
            return NotFoundPage.Page(http);
        var form = NewRequestForm.Read(await http.Request.ReadFormAsync(cancel));
        await directory.Refresh(cancel);
        var strings = http.Strings();
        var type = (await types.Find(cancel)).Find(form.Type);
        var (errors, assignee, ticket) = Check(form, type, caller.Person, strings);
        if (form.Type.Length > 0 && type is null)
            errors["type"] = strings["new.type.gone"];
        if (errors.Count > 0)
            return await Page(http, caller, form, errors, cancel);

        var (snapshot, requester) = (directory.Current, RequesterResolution.Of(caller.Person));
        var (source, facts) = (snapshot.FindSource(BuiltIn)!, Facts(form, type));
        var body = Body(form, facts, ticket);
        var digest = Digest.Of(body);
        var (policy, stuck) = snapshot.WhoDecides(source, null, requester, facts.ToJsonString(History.Json), assignee);
        var submission = new Submission
        {
            SourceId = source.Id,
            SentBy = SentBy.Page,
            Subject = form.Title,
            Message = form.Description,
            Facts = facts.ToJsonString(History.Json),
            Body = body,
            Digest = digest,
            Requester = requester,
            CreatorId = caller.Person.Id,
            Assignee = assignee,
            TicketId = ticket,
            TicketTerms = ticket is null ? null : zendesk.Terms,
            Policy = policy,
            Stuck = stuck,
        };
        // Sent twice from the same form it is one request; other words from it are another.
        var repeatable = form.Key.Length is > 0 and <= 100
            ? new Repeatable(
                Hashes.Sha256($"page\n{caller.Viewer.Party}\n{form.Key}\n{digest}"),
                digest,
                created => created.Id.Value
            )
            : null;
        switch (await submit.Run(submission, caller.Viewer.Origin, repeatable, cancel))
        {
            case SubmitOutcome.Created { Request: var created }:
                return Results.Redirect($"{http.Request.PathBase}/requests/{created.Id}");
            case SubmitOutcome.Replayed { Answer: var id }:
                return Results.Redirect($"{http.Request.PathBase}/requests/{id}");
            case SubmitOutcome.TicketTaken:
                errors["ticket"] = strings["new.ticket.taken"];
                break;
            case SubmitOutcome.TicketFull:
                errors["ticket"] = strings["new.ticket.full", TicketRow.MaxInactive];
                break;
            case SubmitOutcome.NoTicket:
                errors["ticket"] = strings["new.ticket.none"];
                break;
            case SubmitOutcome.AssigneeAsks:
                errors["assignee"] = strings["new.reviewer.ticket"];
                break;
            default:
                throw new UnreachableException();
        }
        return await Page(http, caller, form, errors, cancel);
    }

    /// <summary>The same rules as for requests of the API.</summary>
    private (Dictionary<string, string> Errors, Approver? Assignee, long? Ticket) Check(
        NewRequestForm form,
        RequestType? type,
        Person me,
        IStringLocalizer strings
    )
    {
        var errors = new Dictionary<string, string>();
        Line("subject", form.Title, RequestLimits.MaxTitle);
        if (form.Title.Length == 0)
            errors["subject"] = strings["form.required"];
        Lines("message", form.Description, RequestLimits.MaxDescription);
        foreach (var field in type?.Fields ?? [])
        {
            if (TypeFacts.Problem(field, form.ValueOf(field), strings) is { } problem)
                errors[NewRequestForm.FieldPrefix + field.Name] = problem;
        }
        Line("environment", form.Environment, RequestLimits.MaxFactName);
        if (form.Link.Length > 0 && !IsLink(form.Link))
            errors["link"] = strings["new.link.invalid"];
        CheckDetails();

        Approver? assignee = null;
        if (form.Reviewer != NewRequestForm.ByPolicy)
        {
            assignee = Find(form.Reviewer);
            if (assignee is null)
                errors["assignee"] = strings["new.reviewer.required"];
            else if (assignee.Party == Party.Person(me.Id))
                errors["assignee"] = strings["new.reviewer.self"];
        }
        long? ticket = null;
        if (
            form.Ticket.Length > 0
            && long.TryParse(form.Ticket, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number is >= 1 and <= TicketRow.GreatestId
        )
        {
            ticket = number;
        }
        else if (form.Ticket.Length > 0)
        {
            errors["ticket"] = strings["new.ticket.invalid"];
        }
        return (errors, assignee, ticket);

        void CheckDetails()
        {
            var names = (type?.Fields ?? []).Select(f => f.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
            if (type is not null)
                names.Add(RequestTypes.TypeFact);
            if (form.Environment.Length > 0)
                names.Add(EnvironmentFact);
            if (form.Link.Length > 0)
                names.Add(LinkFact);
            foreach (var (n, (name, value)) in form.Details.Index())
            {
                var (nameField, valueField) = ($"detail-name-{n + 1}", $"detail-value-{n + 1}");
                Line(nameField, name, RequestLimits.MaxFactName);
                Lines(valueField, value, RequestLimits.MaxFactValue);
                if (name.Length == 0 && value.Length > 0)
                    errors[nameField] = strings["form.required"];
                else if (name.Length > 0 && !names.Add(name))
                    errors[nameField] = strings["new.detail.twice"];
            }
        }

        void Line(string field, string text, int longest)
        {
            var found = new BodyErrors();
            found.SingleLine(field, text, longest, required: false);
            if (found.Any)
                errors[field] = strings["form.line", longest];
        }

        void Lines(string field, string text, int longest)
        {
            var found = new BodyErrors();
            found.MultiLine(field, text, longest, required: false);
            if (found.Any)
                errors[field] = strings["form.text", longest];
        }
    }

    internal static bool IsLink(string link) =>
        link.Length <= RequestLimits.MaxFactValue
        && Uri.TryCreate(link, UriKind.Absolute, out var uri)
        && uri.Scheme is "https" or "http";

    private Approver? Find(string reviewer)
    {
        var snapshot = directory.Current;
        if (reviewer.StartsWith(NewRequestForm.GroupPrefix, StringComparison.Ordinal))
            return snapshot.FindGroup(reviewer[NewRequestForm.GroupPrefix.Length..])?.AsApprover;
        return
            reviewer.StartsWith(NewRequestForm.PersonPrefix, StringComparison.Ordinal)
            && snapshot.FindPerson(reviewer[NewRequestForm.PersonPrefix.Length..])
                is { IsDisabled: false, Role: not Role.Service } person
            ? person.AsApprover
            : null;
    }

    private static JsonObject Facts(NewRequestForm form, RequestType? type)
    {
        var facts = new JsonObject();
        if (type is not null)
            TypeFacts.Add(facts, type, form);
        // Where the type asks for the same, its field is the one that people saw.
        if (form.Environment.Length > 0 && type?.Field(EnvironmentFact) is null)
            facts[EnvironmentFact] = form.Environment;
        if (form.Link.Length > 0 && type?.Field(LinkFact) is null)
            facts[LinkFact] = form.Link;
        foreach (var (name, value) in form.Details.Where(d => d.Name.Length > 0))
            facts[name] = value;
        return facts;
    }

    /// <summary>What is kept of it, as if a program had sent it.</summary>
    private static string Body(NewRequestForm form, JsonObject facts, long? ticket)
    {
        var body = new JsonObject
        {
            ["subject"] = form.Title,
            ["message"] = form.Description,
            ["assignee"] = form.Reviewer,
        };
        if (facts.Count > 0)
            body["facts"] = facts.DeepClone();
        if (ticket is { } number)
            body["ticket"] = number;
        return body.ToJsonString(History.Json);
    }

    private async Task<IResult> Page(
        HttpContext http,
        CurrentCaller caller,
        NewRequestForm form,
        Dictionary<string, string> errors,
        CancellationToken cancel
    )
    {
        if (!MayAsk(caller.Caller, pages))
            return NotFoundPage.Page(http);
        var snapshot = directory.Current;
        var seen = await listing.Run(caller.Viewer, new Filter(), RequestList.MaxPage, null, cancel);
        var known = await summaries.Of(seen.Requests, cancel);
        var list = await types.Find(cancel);
        var model = new NewRequestModel(form)
        {
            Errors = errors,
            Type = list.Find(form.Type),
            HasTypes = list.Types.Count > 0,
            Groups =
            [
                .. snapshot.Groups.Values.OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase).Take(MaxNames),
            ],
            People =
            [
                .. snapshot
                    .People.Values.Where(p =>
                        p is { IsDisabled: false, Email: not null, Role: not Role.Service } && p.Id != caller.Person.Id
                    )
                    .OrderBy(p => p.Name, StringComparer.CurrentCultureIgnoreCase)
                    .Take(MaxNames),
            ],
            Environments =
            [
                .. known
                    .Values.Select(summary => summary.Environment)
                    .Where(e => e.Length > 0)
                    .Distinct(StringComparer.OrdinalIgnoreCase)
                    .Order(StringComparer.CurrentCultureIgnoreCase),
            ],
        };
        return new PageResult(
            new PageFrame(model.Type?.Name ?? http.Strings()["nav.newRequest"])
            {
                Section = Path,
                Breadcrumbs = model.Type is null ? [] : [(Path, http.Strings()["nav.newRequest"])],
            },
            NewRequestSlice.Create(model)
        )
        {
            Status = errors.Count > 0 ? StatusCodes.Status422UnprocessableEntity : StatusCodes.Status200OK,
        };
    }
}
