using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json.Serialization;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Doors.Zendesk;

public sealed record PhotoShape(string ContentUrl);

public sealed record NamedShape(long Id, string Name);

public sealed record PersonShape(long Id, string Name, PhotoShape Photo);

public sealed record DecisionShape(
    string Id,
    string DecidedAt,
    PersonShape DecidedByUser,
    string? DecisionNotes,
    [AllowedValues("approved", "rejected")] string Status,
    [AllowedValues("API_ORIGINATION", "UI_ORIGINATION", "SLACK_ORIGINATION")] string OriginationType
);

public sealed record AuthorShape(
    long Id,
    string Name,
    string Avatar,
    string? Email,
    [AllowedValues("end-user", "agent", "admin")] string Role
);

public sealed record MessageShape(string Id, string Message, string CreatedAt, AuthorShape Author);

/// <summary>
/// What the list holds: people and groups as objects, of the two assignees only the one that there is.
/// </summary>
public sealed record ListItem
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NamedShape? AssigneeGroup { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NamedShape? AssigneeUser { get; init; }
    public required IReadOnlyList<MessageShape> ClarificationFlowMessages { get; init; }
    public required string CreatedAt { get; init; }
    public required PersonShape CreatedByUser { get; init; }
    public required string? DecidedAt { get; init; }
    public required IReadOnlyList<DecisionShape> Decisions { get; init; }
    public required string Id { get; init; }
    public required string Message { get; init; }

    [AllowedValues("API_ORIGINATION", "UI_ORIGINATION")]
    public required string OriginationType { get; init; }

    [AllowedValues("active", "approved", "rejected", "withdrawn")]
    public required string Status { get; init; }
    public required string Subject { get; init; }
    public required long? TicketId { get; init; }
    public required string? WithdrawnReason { get; init; }

    internal static ListItem From(RequestDetails details, Shapes shapes)
    {
        var (user, group) = shapes.AssigneeOf(details);
        return new ListItem
        {
            AssigneeUser = group is null ? user : null,
            AssigneeGroup = group,
            ClarificationFlowMessages = shapes.MessagesOf(details),
            CreatedAt = Shapes.Time(details.Request.CreatedAt),
            CreatedByUser = shapes.CreatorOf(details.Request),
            DecidedAt = Shapes.DecidedAt(details.Request),
            Decisions = shapes.DecisionsOf(details),
            Id = details.Request.Id.Value,
            Message = details.Current.Message,
            OriginationType = details.Request.SentBy.ToZendesk(),
            Status = details.Request.Status.ToZendesk(),
            Subject = details.Request.Subject,
            TicketId = details.Request.TicketId,
            WithdrawnReason = details.WithdrawnReason,
        };
    }
}

/// <summary>What creating answers: ids only, all ten members always, the assignee that is not there as null.</summary>
public sealed record CreatedItem(
    long? AssigneeGroupId,
    long? AssigneeUserId,
    string CreatedAt,
    long? CreatedById,
    string Id,
    string Message,
    [AllowedValues("API_ORIGINATION", "UI_ORIGINATION")] string OriginationType,
    [AllowedValues("active", "approved", "rejected", "withdrawn")] string Status,
    string Subject,
    long? TicketId
)
{
    internal static CreatedItem From(ApprovalRequest request, string message) =>
        new(
            request.AssigneeGroup,
            request.AssigneeUser,
            Shapes.Time(request.CreatedAt),
            request.CreatorId,
            request.Id.Value,
            message,
            request.SentBy.ToZendesk(),
            request.Status.ToZendesk(),
            request.Subject,
            request.TicketId
        );
}

public sealed record TicketFieldShape(long Id, System.Text.Json.JsonElement Value, string TitleInPortal);

public sealed record TicketDetailsShape(
    long Id,
    string? Priority,
    string Status,
    PersonShape Requester,
    IReadOnlyList<TicketFieldShape> CustomFields
);

/// <summary>
/// What show and decision answer. Zendesk's own page reads <c>assignee_user</c>, <c>created_by_user</c>,
/// <c>decisions</c> and all of <c>ticket_details</c> without looking, so they are never null; only the last may be
/// missing as a whole.
/// </summary>
public sealed record ShownItem
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NamedShape? AssigneeGroup { get; init; }
    public required PersonShape AssigneeUser { get; init; }
    public required IReadOnlyList<MessageShape> ClarificationFlowMessages { get; init; }
    public required string CreatedAt { get; init; }
    public required PersonShape CreatedByUser { get; init; }
    public required string? DecidedAt { get; init; }
    public required IReadOnlyList<DecisionShape> Decisions { get; init; }

    /// <summary>Ours: names the content. A decision sends it back where a request has more than one revision.</summary>
    public required string Digest { get; init; }
    public required string Id { get; init; }
    public required string Message { get; init; }

    [AllowedValues("API_ORIGINATION", "UI_ORIGINATION")]
    public required string OriginationType { get; init; }

    [AllowedValues("active", "approved", "rejected", "withdrawn")]
    public required string Status { get; init; }
    public required string Subject { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TicketDetailsShape? TicketDetails { get; init; }
    public required long? TicketId { get; init; }
    public required string? WithdrawnReason { get; init; }

    internal static ShownItem From(RequestDetails details, Shapes shapes, TicketRow? ticket, Person caller)
    {
        var (user, group) = shapes.AssigneeOf(details);
        return new ShownItem
        {
            AssigneeGroup = group,
            AssigneeUser = shapes.AssigneeFor(caller, details, user, group),
            ClarificationFlowMessages = shapes.MessagesOf(details),
            CreatedAt = Shapes.Time(details.Request.CreatedAt),
            CreatedByUser = shapes.CreatorOf(details.Request),
            DecidedAt = Shapes.DecidedAt(details.Request),
            Decisions = shapes.DecisionsOf(details),
            Digest = details.Request.AnswerDigest,
            Id = details.Request.Id.Value,
            Message = details.Current.Message,
            OriginationType = details.Request.SentBy.ToZendesk(),
            Status = details.Request.Status.ToZendesk(),
            Subject = details.Request.Subject,
            TicketDetails = shapes.TicketOf(ticket),
            TicketId = details.Request.TicketId,
            WithdrawnReason = details.WithdrawnReason,
        };
    }
}

public sealed record ListLinks(string? Next, string? Prev);

public sealed record ListMeta(string? AfterCursor, string? BeforeCursor, bool HasMore);

public sealed record ListAnswer(IReadOnlyList<ListItem> ApprovalRequests, ListLinks Links, ListMeta Meta);

public sealed record CreateAnswer(CreatedItem ApprovalRequest);

public sealed record ShowAnswer(ShownItem ApprovalRequest);

/// <summary>
/// Our requests in Zendesk's shape, also those of other doors: a request without an assignee of its own shows the
/// open step's first group or person as one.
/// </summary>
internal sealed class Shapes(PeopleSnapshot directory, DateTimeOffset now)
{
    /// <summary>
    /// A plain grey square. Without any picture the help center's page would load one from somebody else's server.
    /// </summary>
    public const string Picture =
        "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9"
        + "IjAgMCAxIDEiPjxwYXRoIGZpbGw9IiM4NzkyOWQiIGQ9Ik0wIDBoMXYxSDB6Ii8+PC9zdmc+";

    private static readonly PhotoShape Photo = new(Picture);

    /// <summary>To the second, as the original and its clients have it.</summary>
    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>When it was settled, also by a withdrawal.</summary>
    public static string? DecidedAt(ApprovalRequest request) => request.SettledAt is { } at ? Time(at) : null;

    public static PersonShape Of(Person person) => new(person.Id, person.DisplayName, Photo);

    public PersonShape PersonOf(long id, string name) =>
        directory.People.TryGetValue(id, out var person) ? Of(person) : new PersonShape(id, name, Photo);

    public PersonShape CreatorOf(ApprovalRequest request) =>
        PersonOf(request.CreatorId ?? request.RequesterId ?? 0, request.RequesterName);

    /// <summary>
    /// The answers that count: of each person the latest to the current content, newest first. Zendesk knows no
    /// abstentions.
    /// </summary>
    public IReadOnlyList<DecisionShape> DecisionsOf(RequestDetails details) =>
        [
            .. from decision in details.Decisions
            where decision.Revision == details.Request.Revision
            group decision by decision.PersonId into own
            let last = own.Last()
            let word = last.Answer.ToZendesk()
            where word is not null
            orderby last.N descending
            select new DecisionShape(
                $"{details.Request.Id}-{last.N}",
                Time(last.At),
                PersonOf(last.PersonId, last.PersonName),
                last.Note.Length == 0 ? null : last.Note,
                word,
                WireNames.ZendeskOrigination(last.Via)
            ),
        ];

    public IReadOnlyList<MessageShape> MessagesOf(RequestDetails details) =>
        [
            .. details.Comments.Select(c => new MessageShape(
                $"msg_{details.Request.Id}_{c.N}",
                c.Text,
                Time(c.At),
                AuthorOf(c.Actor)
            )),
        ];

    /// <summary>The assignee that was named; else the open step's first group; else its first person.</summary>
    public (NamedShape? User, NamedShape? Group) AssigneeOf(RequestDetails details)
    {
        var request = details.Request;
        if (request.AssigneeUser is { } user)
        {
            return (
                new NamedShape(user, directory.People.TryGetValue(user, out var named) ? named.DisplayName : ""),
                null
            );
        }
        if (request.AssigneeGroup is { } group)
            return (null, GroupOf(group, ""));
        var from = OpenStep(details)?.From ?? [];
        foreach (var approver in from)
        {
            if (approver.Party.IdAfter("group:") is { } id)
                return (null, GroupOf(id, approver.Name));
        }
        foreach (var approver in from)
        {
            if (approver.Party.IdAfter("person:") is { } id)
            {
                return (
                    new NamedShape(
                        id,
                        directory.People.TryGetValue(id, out var person) ? person.DisplayName : approver.Name
                    ),
                    null
                );
            }
        }
        // Any admin decides: the first who may stands for them.
        return
            from.Any(a => a.Party == Party.Admins)
            && FirstOf(directory.People.Values.Where(p => p.Role == Role.Admin), request) is { } admin
            ? (new NamedShape(admin.Id, admin.DisplayName), null)
            : (null, null);
    }

    /// <summary>
    /// The parties because of which a request may show one of these assignees without having them as its own.
    /// </summary>
    public IReadOnlyList<Party> MayBeShownFor(Filter filter) =>
        [
            .. filter.AssigneeGroups.Select(Party.Group),
            .. filter.AssigneeUsers.Select(Party.Person),
            .. filter.AssigneeUsers.Any(id =>
                directory.People.TryGetValue(id, out var person) && person.Role == Role.Admin
            )
                ? [Party.Admins]
                : Array.Empty<Party>(),
        ];

    /// <summary>
    /// Whom show names as the person: the caller if they may decide, else the group's first member, never nobody.
    /// </summary>
    public PersonShape AssigneeFor(Person caller, RequestDetails details, NamedShape? user, NamedShape? group)
    {
        if (details.Request.AssigneeUser is null && MayDecide(caller, details))
            return Of(caller);
        if (user is not null)
            return PersonOf(user.Id, user.Name);
        var members =
            group is not null && directory.Groups.TryGetValue(group.Id, out var known)
                ? known.Members.Where(directory.People.ContainsKey).Select(m => directory.People[m])
                : [];
        return FirstOf(members, details.Request) is { } first
            ? Of(first)
            : new PersonShape(0, group?.Name ?? "", Photo);
    }

    /// <summary>Null where nobody knows who asked for the ticket, because the page cannot do without them.</summary>
    public TicketDetailsShape? TicketOf(TicketRow? ticket) =>
        ticket is { RequesterId: { } requester }
            ? new TicketDetailsShape(
                ticket.Id,
                Capital(ticket.Priority),
                ticket.Status,
                PersonOf(requester, ""),
                [.. FieldsOf(ticket)]
            )
            : null;

    /// <summary>Titles of fields are kept by a service desk, which we are not.</summary>
    private static IEnumerable<TicketFieldShape> FieldsOf(TicketRow ticket) =>
        from field in System.Text.Json.JsonElement.Parse(ticket.Fields).EnumerateArray()
        let value = field.GetProperty("value")
        where
            value.ValueKind
                is System.Text.Json.JsonValueKind.String
                    or System.Text.Json.JsonValueKind.True
                    or System.Text.Json.JsonValueKind.False
                    or System.Text.Json.JsonValueKind.Array
        let id = field.GetProperty("id").GetInt64()
        select new TicketFieldShape(id, value, $"Field {id}");

    /// <summary>Whether this person may decide it, now or in a later step, for themselves or as a delegate.</summary>
    private bool MayDecide(Person caller, RequestDetails details)
    {
        var verdict = Weigh.Of(details.Request, details.Decisions, now);
        return ReviewerSeat.Of(details.Request, details.Decisions, verdict, directory.Pools, caller.Id).Steps.Count > 0;
    }

    /// <summary>Whether it is or was this person's to decide.</summary>
    public bool IsDecidedBy(Person caller, RequestDetails details) =>
        MayDecide(caller, details) || details.Decisions.Any(d => d.PersonId == caller.Id);

    private AuthorShape AuthorOf(string actor)
    {
        if (new Party(actor).IdAfter("person:") is { } id && directory.People.TryGetValue(id, out var person))
            return new AuthorShape(id, person.DisplayName, Picture, person.Email, RoleOf(person));
        var source =
            new Party(actor).IdAfter("source:") is { } known && directory.Sources.TryGetValue(known, out var found)
                ? found
                : null;
        return new AuthorShape(
            source?.PersonId ?? 0,
            source?.Name ?? "Countersign",
            Picture,
            null,
            Role.Agent.ToWireName()
        );
    }

    /// <summary>A source's service person is an agent to Zendesk's clients, which know three roles.</summary>
    public static string RoleOf(Person person) => (person.Role == Role.Service ? Role.Agent : person.Role).ToWireName();

    /// <summary>
    /// Of a request that is settled the first; none where a policy answers by itself or leaves it to another system.
    /// </summary>
    private Step? OpenStep(RequestDetails details)
    {
        var steps = details.Request.Policy.Steps;
        return steps.Count > 1
            && Weigh.Of(details.Request, details.Decisions, now) is Verdict.StillPending { OpenStep: var open }
                ? steps[Math.Min(open, steps.Count - 1)]
            : steps is [var first, ..] ? first
            : null;
    }

    private NamedShape GroupOf(long id, string name) =>
        new(id, directory.Groups.TryGetValue(id, out var group) ? group.Name : name);

    private static Person? FirstOf(IEnumerable<Person> people, ApprovalRequest request)
    {
        var able = people.Where(p => !p.IsDisabled).OrderBy(p => p.Id).ToList();
        return able.Find(p => !request.Bars(p.Id)) ?? able.FirstOrDefault();
    }

    private static string? Capital(string? word) =>
        word is { Length: > 0 } ? char.ToUpperInvariant(word[0]) + word[1..] : null;
}
