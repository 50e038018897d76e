using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Doors.Api;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Zendesk;

/// <summary>Light tickets, for agents; whoever asked for a ticket sees it and what was said in public.</summary>
internal static class TicketEndpoints
{
    private const int MaxComment = 65_535;
    private const int MaxTags = 100;

    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/tickets", Create)
            .RequireAuthorization(Permissions.Agent)
            .Describe(Tags.Zendesk, ZendeskOperations.CreateTicket);
        api.MapGet("/tickets/{id:long}", Show).Describe(Tags.Zendesk, ZendeskOperations.Ticket);
        api.MapPut("/tickets/{id:long}", Update)
            .RequireAuthorization(Permissions.Agent)
            .Describe(Tags.Zendesk, ZendeskOperations.UpdateTicket);
        api.MapGet("/tickets/{id:long}/comments", Comments).Describe(Tags.Zendesk, ZendeskOperations.TicketComments);
    }

    private static async Task<IResult> Create(
        HttpContext http,
        CurrentCaller caller,
        Tickets tickets,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var (wanted, refusal) = await Read(http, caller, directory, isNew: true, cancel);
        if (wanted is null)
            return refusal!;
        if (await tickets.Add(wanted, caller.Person.Id, caller.Viewer.Origin, cancel) is not TicketOutcome.Done done)
            throw new UnreachableException();
        http.Response.Headers.Location = $"{ZendeskConventions.RootOf(http.Request)}/tickets/{done.Ticket.Id}.json";
        return Changed(http, caller, done, wanted, StatusCodes.Status201Created);
    }

    private static async Task<IResult> Update(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Tickets tickets,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var (wanted, refusal) = await Read(http, caller, directory, isNew: false, cancel);
        if (wanted is null)
            return refusal!;
        return await tickets.Change(id, wanted, caller.Person.Id, caller.Viewer.Origin, cancel) switch
        {
            TicketOutcome.Done done => Changed(http, caller, done, wanted, StatusCodes.Status200OK),
            TicketOutcome.Closed => Refusal.Record("status", "Status: closed prevents ticket update"),
            TicketOutcome.Waits { Field: var field } => Refusal.Record(
                field,
                "This ticket has an active approval request. Decide or withdraw it first."
            ),
            TicketOutcome.NotFound => Refusal.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    private static async Task<IResult> Show(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Store store,
        CancellationToken cancel
    ) =>
        await Find(id, caller, store, cancel) is { } ticket
            ? Collection.One("ticket", Shape(ticket, http.Request))
            : Refusal.NotFound();

    private static async Task<IResult> Comments(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Tickets tickets,
        Store store,
        CancellationToken cancel
    )
    {
        if (await Find(id, caller, store, cancel) is null)
            return Refusal.NotFound();
        var all = await tickets.Comments(id, cancel);
        return Collection.Of(
            http,
            "comments",
            [
                .. from said in all
                where said.IsPublic == 1 || IsAgent(caller.Person)
                select (said.N, (JsonNode)Shape(id, said)),
            ]
        );
    }

    private static async ValueTask<TicketRow?> Find(
        long id,
        CurrentCaller caller,
        Store store,
        CancellationToken cancel
    ) =>
        await TicketRow.Find(store, id, cancel) is { } ticket
        && (IsAgent(caller.Person) || ticket.RequesterId == caller.Person.Id)
            ? ticket
            : null;

    private static bool IsAgent(Person person) => person.Role is Role.Agent or Role.Admin;

    private static IResult Changed(
        HttpContext http,
        CurrentCaller caller,
        TicketOutcome.Done done,
        TicketChange wanted,
        int status
    ) =>
        Collection.Write(
            new JsonObject
            {
                ["ticket"] = Shape(done.Ticket, http.Request),
                ["audit"] = new JsonObject
                {
                    ["id"] = done.Audit,
                    ["ticket_id"] = done.Ticket.Id,
                    ["created_at"] = Time(done.Ticket.UpdatedAt ?? done.Ticket.CreatedAt),
                    ["author_id"] = caller.Person.Id,
                    ["events"] = new JsonArray([
                        .. wanted.Comment is { } body
                            ?
                            [
                                new JsonObject
                                {
                                    ["id"] = done.Audit,
                                    ["type"] = "Comment",
                                    ["author_id"] = caller.Person.Id,
                                    ["body"] = body,
                                    ["public"] = wanted.IsPublic,
                                },
                            ]
                            : System.Array.Empty<JsonNode>(),
                    ]),
                },
            },
            status
        );

    private static JsonObject Shape(TicketRow ticket, HttpRequest request) =>
        new()
        {
            ["id"] = ticket.Id,
            ["url"] = $"{ZendeskConventions.RootOf(request)}/tickets/{ticket.Id}.json",
            ["external_id"] = ticket.ExternalId,
            ["subject"] = ticket.Subject,
            ["raw_subject"] = ticket.Subject,
            ["priority"] = ticket.Priority,
            ["status"] = ticket.Status,
            ["type"] = ticket.Type,
            ["requester_id"] = ticket.RequesterId,
            ["submitter_id"] = ticket.RequesterId,
            ["assignee_id"] = ticket.AssigneeId,
            ["group_id"] = ticket.GroupId,
            ["organization_id"] = null,
            ["tags"] = JsonNode.Parse(ticket.Tags),
            ["custom_fields"] = JsonNode.Parse(ticket.Fields),
            ["fields"] = JsonNode.Parse(ticket.Fields),
            ["via"] = new JsonObject { ["channel"] = "api" },
            ["created_at"] = Time(ticket.CreatedAt),
            ["updated_at"] = Time(ticket.UpdatedAt ?? ticket.CreatedAt),
        };

    private static JsonObject Shape(long ticket, TicketComment said) =>
        new()
        {
            ["id"] = (ticket * 10_000) + said.N,
            ["type"] = "Comment",
            ["author_id"] = said.AuthorId,
            ["body"] = said.Body,
            ["plain_body"] = said.Body,
            ["html_body"] = System.Net.WebUtility.HtmlEncode(said.Body),
            ["public"] = said.IsPublic == 1,
            ["attachments"] = new JsonArray(),
            ["created_at"] = Time(said.At),
        };

    private static string Time(string stored) => Shapes.Time(Instant.Parse(stored));

    private static async ValueTask<(TicketChange? Wanted, IResult? Refusal)> Read(
        HttpContext http,
        CurrentCaller caller,
        PeopleDirectory directory,
        bool isNew,
        CancellationToken cancel
    )
    {
        var (body, refusal) = await Body.Read(http, "ticket");
        if (body is null)
            return (null, refusal);
        var snapshot = await directory.Refresh(cancel);
        var comment = body.Inside("comment");
        var text =
            comment?.Lines("body", MaxComment)
            ?? comment?.Lines("html_body", MaxComment)
            ?? (isNew ? body.Lines("description", MaxComment) : null);
        if (comment is not null && text is null && !comment.Mistakes.Any)
            comment.Mistakes.Add("body", "This is required.");
        var subject =
            body.Line("subject", SubmitBody.MaxSubject) is { Length: > 0 } given ? given
            : isNew ? FirstLine(text)
            : null;
        if (isNew && subject is null && !body.Mistakes.Any)
            body.Mistakes.Add("comment", "A ticket needs a comment or a subject.");
        var wanted = new TicketChange
        {
            Subject = subject,
            Status = Word(body, "status", Tickets.Statuses),
            Priority = Word(body, "priority", Tickets.Priorities),
            Type = Word(body, "type", ["problem", "incident", "question", "task"]),
            RequesterId = Person(body, "requester_id", snapshot) ?? Named(body, snapshot),
            AssigneeId = Person(body, "assignee_id", snapshot),
            GroupId = body.Number("group_id") is { } group
                ? snapshot.Groups.ContainsKey(group)
                    ? group
                    : Wrong(body, "group_id", "There is no such group.")
                : null,
            ExternalId = body.Line("external_id", 200),
            Tags = Words(body, "tags"),
            AddTags = Words(body, "additional_tags") ?? [],
            RemoveTags = Words(body, "remove_tags") ?? [],
            Fields = Fields(body),
            Comment = text,
            IsPublic = comment?.Find("public") is not { ValueKind: JsonValueKind.False },
        };
        if (comment is not null)
        {
            foreach (var (field, why) in comment.Mistakes.ByField)
                body.Mistakes.Add($"comment.{field}", string.Join(' ', why));
        }
        return body.Mistakes.Any ? (null, Refusal.Record(body.Mistakes)) : (wanted, null);
    }

    private static string? FirstLine(string? text) =>
        text?.Split('\n', 2)[0].Trim() is { Length: > 0 } line ? line[..Math.Min(line.Length, 100)] : null;

    private static string? Word(Body body, string name, IReadOnlyList<string> known)
    {
        if (body.Line(name, 20) is not { Length: > 0 } word)
            return null;
        if (known.Contains(word))
            return word;
        body.Mistakes.Add(name, $"Say {string.Join(", ", known)}.");
        return null;
    }

    private static long? Person(Body body, string name, PeopleSnapshot directory) =>
        body.Number(name) is not { } id ? null
        : directory.People.TryGetValue(id, out var person) && person is { IsDisabled: false } ? id
        : Wrong(body, name, "There is no such person, or the account is disabled.");

    /// <summary>The requester by address. People are added by admins, not by tickets.</summary>
    private static long? Named(Body body, PeopleSnapshot directory) =>
        body.Inside("requester")?.Line("email", 254) is not { Length: > 0 } email ? null
        : directory.FindPerson(email) is { IsDisabled: false } person ? person.Id
        : Wrong(body, "requester", "There is no person with this email.");

    private static long? Wrong(Body body, string name, string why)
    {
        body.Mistakes.Add(name, why);
        return null;
    }

    private static List<string>? Words(Body body, string name)
    {
        if (body.Find(name) is not { } value)
            return null;
        if (
            value.ValueKind == JsonValueKind.Array
            && value.GetArrayLength() <= MaxTags
            && value
                .EnumerateArray()
                .All(v =>
                    v.ValueKind == JsonValueKind.String
                    && v.GetString() is { Length: > 0 and <= 100 } word
                    && !word.Any(char.IsControl)
                )
        )
        {
            return [.. value.EnumerateArray().Select(v => v.GetString()!)];
        }
        body.Mistakes.Add(name, $"A list of at most {MaxTags} words.");
        return null;
    }

    private static string? Fields(Body body)
    {
        if ((body.Find("custom_fields") ?? body.Find("fields")) is not { } value)
            return null;
        if (
            value.ValueKind == JsonValueKind.Array
            && value.GetArrayLength() <= MaxTags
            && value.GetRawText().Length <= MaxComment
            && value
                .EnumerateArray()
                .All(f =>
                    f.ValueKind == JsonValueKind.Object
                    && f.TryGetProperty("id", out var id)
                    && id.ValueKind == JsonValueKind.Number
                    && id.TryGetInt64(out _)
                    && f.TryGetProperty("value", out _)
                )
        )
        {
            return value.GetRawText();
        }
        body.Mistakes.Add("custom_fields", "A list of id and value.");
        return null;
    }
}
