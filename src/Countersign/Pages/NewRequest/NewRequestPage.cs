using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Countersign.Doors.Api;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.NewRequest;

/// <summary>
/// <c>/new</c>: an agent asks a person or a group. A setting turns it off, while the doors for programs go on.
/// </summary>
internal sealed class NewRequestPage(
    Submit submit,
    PeopleDirectory directory,
    PageOptions pages,
    ZendeskOptions zendesk
)
{
    private const string BuiltIn = "api",
        PersonPrefix = "person:",
        GroupPrefix = "group:";
    private const int MaxNames = 2_000;

    /// <summary>What was typed, so that it comes back with what is wrong with it.</summary>
    private sealed record Typed(string Subject, string Message, string Assignee, string Ticket, string Key);

    public static bool MayAsk(Caller? caller, PageOptions pages) =>
        pages.NewRequests && caller?.Person is { Role: Role.Admin or Role.Agent };

    public IResult Show(HttpContext http) =>
        MayAsk(http.FindCaller(), pages)
            ? Page(
                http,
                new Typed("", "", "", "", RandomNumberGenerator.GetHexString(24)),
                new BodyErrors(),
                StatusCodes.Status200OK
            )
            : NotFoundPage.Page(http);

    public async Task<IResult> Run(HttpContext http, CancellationToken cancel)
    {
        if (http.FindCaller() is not { Person: { } asker } caller || !MayAsk(caller, pages))
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var typed = new Typed(
            form["subject"].ToString().Trim(),
            form["message"].ToString().ReplaceLineEndings("\n").Trim(),
            form["assignee"].ToString(),
            form["ticket"].ToString().Trim().TrimStart('#'),
            form["key"].ToString()
        );
        var (says, mistakes) = (Texts.For(http), new BodyErrors());
        mistakes.SingleLine("subject", typed.Subject, SubmitBody.MaxSubject, required: true);
        mistakes.MultiLine("message", typed.Message, SubmitBody.MaxMessage, required: false);
        var assignee = Find(typed.Assignee);
        if (assignee is null)
            mistakes.Add("assignee", says.ChooseWhoDecides);
        else if (assignee.Party == Party.Person(asker.Id))
            mistakes.Add("assignee", says.NotYourself);
        long? ticket = null;
        if (typed.Ticket.Length > 0)
        {
            if (
                long.TryParse(typed.Ticket, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number is >= 1 and <= TicketRow.GreatestId
            )
            {
                ticket = number;
            }
            else
            {
                mistakes.Add("ticket", says.TicketIsANumber);
            }
        }
        if (mistakes.Any)
            return Page(http, typed, mistakes, StatusCodes.Status422UnprocessableEntity);

        var body = Body(typed, ticket);
        var digest = Digest.Of(body);
        var snapshot = directory.Current;
        var requester = RequesterResolution.Of(asker);
        var source = snapshot.FindSource(BuiltIn)!;
        var (policy, stuck) = snapshot.WhoDecides(source, null, requester, "{}", assignee);
        var submission = new Submission
        {
            SourceId = source.Id,
            SentBy = SentBy.Page,
            Subject = typed.Subject,
            Message = typed.Message,
            Body = body,
            Digest = digest,
            Requester = requester,
            CreatorId = asker.Id,
            Assignee = assignee,
            TicketId = ticket,
            TicketTerms = ticket is null ? null : zendesk.Terms,
            Policy = policy,
            Stuck = stuck,
        };
        // Sent twice from the same form it is one request; other words from it are another.
        var repeatable = typed.Key.Length is > 0 and <= 100
            ? new Repeatable(
                Hashes.Sha256($"page\n{caller.Viewer.Party}\n{typed.Key}\n{digest}"),
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
                mistakes.Add("ticket", says.TicketTaken);
                break;
            case SubmitOutcome.TicketFull:
                mistakes.Add("ticket", says.TicketFull(TicketRow.MaxInactive));
                break;
            case SubmitOutcome.NoTicket:
                mistakes.Add("ticket", says.NoSuchTicket);
                break;
            case SubmitOutcome.AssigneeAsks:
                mistakes.Add("assignee", says.TicketsRequesterMayNotDecide);
                break;
            default:
                throw new UnreachableException();
        }
        return Page(http, typed, mistakes, StatusCodes.Status422UnprocessableEntity);
    }

    private Approver? Find(string assignee)
    {
        var snapshot = directory.Current;
        if (assignee.StartsWith(GroupPrefix, StringComparison.Ordinal))
            return snapshot.FindGroup(assignee[GroupPrefix.Length..])?.AsApprover;
        return
            assignee.StartsWith(PersonPrefix, StringComparison.Ordinal)
            && snapshot.FindPerson(assignee[PersonPrefix.Length..])
                is { IsDisabled: false, Role: not Role.Service } person
            ? person.AsApprover
            : null;
    }

    /// <summary>What is kept of it, as if a program had sent it.</summary>
    private static string Body(Typed typed, long? ticket)
    {
        var body = new JsonObject
        {
            ["subject"] = typed.Subject,
            ["message"] = typed.Message,
            ["assignee"] = typed.Assignee,
        };
        if (ticket is { } number)
            body["ticket"] = number;
        return body.ToJsonString(History.Json);
    }

    private PageResponse Page(HttpContext http, Typed typed, BodyErrors mistakes, int status)
    {
        return new PageResponse(
            Texts.For(http).NewRequest,
            html =>
            {
                var says = html.Says;
                html.Add($"<p class=\"lede\">{says.NewRequestLede}</p>");
                html.Form(
                    "/new",
                    form =>
                    {
                        form.Hidden("key", typed.Key);
                        form.Field(
                            new Field("subject", says.Subject)
                            {
                                Value = typed.Subject,
                                Required = true,
                                Longest = SubmitBody.MaxSubject,
                                Hint = says.SubjectHint,
                                Error = Wrong("subject"),
                            }
                        );
                        form.Field(
                            new Field("message", says.Message)
                            {
                                Value = typed.Message,
                                Lines = 6,
                                Longest = SubmitBody.MaxMessage,
                                Hint = says.MessageHint,
                                Error = Wrong("message"),
                            }
                        );
                        WhoDecidesField(form, typed.Assignee, Wrong("assignee"));
                        form.Field(
                            new Field("ticket", says.TicketOptional)
                            {
                                Value = typed.Ticket,
                                Longest = 20,
                                Error = Wrong("ticket"),
                            }
                        );
                        form.Add($"<div class=\"buttons\">").Button(says.Ask, "main").Add($"</div>");
                    },
                    css: "sheet new"
                );
            }
        )
        {
            Section = "/new",
            Status = status,
        };

        string? Wrong(string field) => mistakes.ByField.TryGetValue(field, out var why) ? string.Join(' ', why) : null;
    }

    private void WhoDecidesField(Html form, string chosen, string? error)
    {
        var (says, snapshot) = (form.Says, directory.Current);
        var me = form.Caller!.Person!.Id;
        form.Add(
            $"<div class=\"field\"><label for=\"f-assignee\">{says.WhoDecides}</label><select id=\"f-assignee\" name=\"assignee\" required{Parts.Attribute("aria-describedby", error is null ? null : "f-assignee-error")}{Parts.Attribute("aria-invalid", error is null ? null : "true")}><option value=\"\">{says.Choose}</option>"
        );
        form.Add($"<optgroup label=\"{says.Groups}\">");
        foreach (
            var group in snapshot.Groups.Values.OrderBy(g => g.Name, StringComparer.OrdinalIgnoreCase).Take(MaxNames)
        )
        {
            Option(GroupPrefix + group.Name, group.Name);
        }
        form.Add($"</optgroup><optgroup label=\"{says.People}\">");
        foreach (
            var person in snapshot
                .People.Values.Where(p =>
                    p is { IsDisabled: false, Email: not null, Role: not Role.Service } && p.Id != me
                )
                .OrderBy(p => p.Name, StringComparer.OrdinalIgnoreCase)
                .Take(MaxNames)
        )
        {
            Option(PersonPrefix + person.Email, $"{person.Name} ({person.Email})");
        }
        form.Add($"</optgroup></select>");
        if (error is not null)
            form.Add($"<p class=\"error\" id=\"f-assignee-error\">{error}</p>");
        form.Add($"</div>");

        void Option(string value, string text) =>
            form.Add($"<option value=\"{value}\"{Parts.Flag("selected", value == chosen)}>{text}</option>");
    }
}
