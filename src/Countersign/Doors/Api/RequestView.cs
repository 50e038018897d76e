using System.Text.Json;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Doors.Api;

public sealed record PartyView(string Party, string Name)
{
    public static PartyView From(Approver approver) => new(approver.Party.Text, approver.Name);
}

public sealed record StepView(string Name, int Need, IReadOnlyList<PartyView> From);

public sealed record DecisionView(
    int N,
    PartyView Person,
    string Answer,
    string Note,
    string Digest,
    string Via,
    string At,
    PartyView? For = null
);

public sealed record SaidView(int N, string Actor, string Text, string Via, string At);

/// <summary>
/// A request as the API shows it. Lists and answers to changes leave out what is long; GET of one request has it all.
/// </summary>
public sealed record RequestView
{
    public required string Id { get; init; }
    public required string Status { get; init; }

    /// <summary>In a few words: what is still missing, or who decided.</summary>
    public required string Display { get; init; }
    public required string Subject { get; init; }
    public required string Source { get; init; }
    public string? ExternalId { get; init; }
    public required string SentBy { get; init; }
    public required string Requester { get; init; }

    /// <summary>How sure that is: proven, claimed or none.</summary>
    public required string RequesterCertainty { get; init; }

    /// <summary>The people whom the call may mean; none of them may decide. Left out where it names no one.</summary>
    public IReadOnlyList<PartyView>? RequesterMatches { get; init; }
    public PartyView? Assignee { get; init; }
    public required int Revision { get; init; }

    /// <summary>Names the content. A decision sends it back, so that nobody approves what they have not seen.</summary>
    public required string Digest { get; init; }
    public required string CreatedAt { get; init; }
    public string? ExpiresAt { get; init; }
    public string? SettledAt { get; init; }
    public string? AppliedAt { get; init; }

    /// <summary>Set when the change was applied without an approval.</summary>
    public string? BreachedAt { get; init; }

    /// <summary>Set when an admin approved it past its policy.</summary>
    public string? BrokeGlassAt { get; init; }

    /// <summary>Set when what was said and shown was moved to a file; <see cref="Archive"/> is its name.</summary>
    public string? ArchivedAt { get; init; }
    public string? Archive { get; init; }

    /// <summary>Set while nobody left could make it pass: why, and what would change that.</summary>
    public StuckView? Stuck { get; init; }
    public required string Policy { get; init; }

    public string? Message { get; init; }
    public JsonElement? Facts { get; init; }
    public IReadOnlyList<StepView>? Steps { get; init; }
    public IReadOnlyList<DecisionView>? Decisions { get; init; }
    public IReadOnlyList<SaidView>? Comments { get; init; }

    public static RequestView From(ApprovalRequest request, PeopleSnapshot directory) =>
        new()
        {
            Id = request.Id.Value,
            Status = request.Status.ToWireName(),
            Display = request.Display,
            Subject = request.Subject,
            Source = directory.Sources.TryGetValue(request.SourceId, out var source) ? source.Name : "",
            ExternalId = request.ExternalId,
            SentBy = request.SentBy.ToWireName(),
            Requester = request.RequesterName,
            RequesterCertainty = request.Certainty.ToWireName(),
            RequesterMatches = Matches(request, directory),
            Assignee = AssigneeOf(request, directory),
            Revision = request.Revision,
            Digest = request.Digest,
            CreatedAt = Instant.ToText(request.CreatedAt),
            ExpiresAt = Time(request.ExpiresAt),
            SettledAt = Time(request.SettledAt),
            AppliedAt = Time(request.AppliedAt),
            BreachedAt = Time(request.BreachedAt),
            BrokeGlassAt = Time(request.BrokeGlassAt),
            Stuck = StuckView.From(request.Stuck),
            Policy = request.Policy.Name,
        };

    public static IResult Answer(
        ApprovalRequest request,
        PeopleSnapshot directory,
        int code = StatusCodes.Status200OK
    ) => JsonResponse.Of(From(request, directory), ApiJson.Wire.RequestView, code);

    public static RequestView From(RequestDetails details, PeopleSnapshot directory) =>
        From(details.Request, directory) with
        {
            ArchivedAt = Time(details.Archived?.At),
            Archive = details.Archived?.File,
            Message = details.Current.Message,
            Facts = JsonElement.Parse(details.Current.Facts),
            Steps =
            [
                .. details.Request.Policy.Steps.Select(s => new StepView(
                    s.Name,
                    s.Need,
                    [.. s.From.Select(PartyView.From)]
                )),
            ],
            Decisions =
            [
                .. details.Decisions.Select(d => new DecisionView(
                    d.N,
                    new PartyView(Party.Person(d.PersonId).Text, d.PersonName),
                    d.Answer.ToWireName(),
                    d.Note,
                    d.Digest,
                    d.Via,
                    Instant.ToText(d.At),
                    d.ForPerson is { } absent ? new PartyView(Party.Person(absent).Text, d.ForPersonName ?? "") : null
                )),
            ],
            Comments =
            [
                .. details.Comments.Select(c => new SaidView(c.N, c.Actor, c.Text, c.Via, Instant.ToText(c.At))),
            ],
        };

    private static IReadOnlyList<PartyView>? Matches(ApprovalRequest request, PeopleSnapshot directory) =>
        request.Claim is { } claim
            ?
            [
                .. claim
                    .People.Select(directory.People.GetValueOrDefault)
                    .OfType<Person>()
                    .Select(p => PartyView.From(p.AsApprover)),
            ]
            : null;

    private static PartyView? AssigneeOf(ApprovalRequest request, PeopleSnapshot directory) =>
        request.AssigneeUser is { } user && directory.People.TryGetValue(user, out var person)
            ? PartyView.From(person.AsApprover)
        : request.AssigneeGroup is { } id && directory.Groups.TryGetValue(id, out var group)
            ? PartyView.From(group.AsApprover)
        : null;

    private static string? Time(DateTimeOffset? time) => time is { } at ? Instant.ToText(at) : null;
}
