using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Doors.Api;

public sealed record PartyView(
    [Description("Who it is, such as `person:3`, `group:1` or `admins`."), Example("person:3")] string Party,
    string Name
)
{
    public static PartyView From(Approver approver) => new(approver.Party.Text, approver.Name);
}

public sealed record StepView(
    [Description("The step's name."), Example("SRE")] string Name,
    [Description("How many approvals it requires."), Example(2)] int Need,
    [Description("Who can approve.")] IReadOnlyList<PartyView> From
);

public sealed record DecisionView(
    [Description("The decision's number in its request, from 1.")] int N,
    PartyView Person,
    [AllowedValues("approve", "reject", "abstain")] string Answer,
    string Note,
    [Description("The digest of the content that was reviewed.")] string Digest,
    [Description("How it came, such as `page`, `api`, `mail` or `slack`."), Example("page")] string Via,
    string At,
    [Description("The person for whom a delegate decided.")] PartyView? For = null
);

/// <summary>A review that its holder has given to another person.</summary>
public sealed record DelegationView(PartyView From, PartyView To);

public sealed record SaidView(
    [Description("The comment's number in its request, from 1.")] int N,
    [Description("Who wrote it, such as `person:3` or `source:2`."), Example("person:3")] string Actor,
    string Text,
    [Description("How it came, such as `page` or `api`."), Example("api")] string Via,
    string At
);

/// <summary>One change that LaunchDarkly described.</summary>
/// <param name="Kind">LaunchDarkly's own word for it.</param>
/// <param name="Understood">False where Countersign doesn't know all of it; <paramref name="Raw"/> has it.</param>
/// <param name="Text">All of it in an English sentence.</param>
/// <param name="Targets">How many individual targets come or go; the first of them are listed.</param>
/// <param name="Percentages">What variations rise to.</param>
public sealed record ChangeView(
    [Description("LaunchDarkly's own word for it."), Example("turnFlagOn")] string Kind,
    [Description("False where Countersign doesn't know all of it; `raw` has it.")] bool Understood,
    [Description("All of it in an English sentence."), Example("Turns the flag on.")] string Text,
    string? Before,
    string? After,
    [Description("How many individual targets come or go; the first of them are listed.")] int? Targets,
    IReadOnlyList<string>? FirstTargets,
    [Description("What variations rise to.")] IReadOnlyList<decimal> Percentages,
    [Description("Whether everyone gets another variation.")] bool Everywhere,
    string? Raw
)
{
    public static ChangeView From(DescribedChange change)
    {
        var lines = ChangeText.English.Of(change);
        return new ChangeView(
            change.Kind,
            change.IsUnderstood,
            lines.Text,
            lines.Before.Length > 0 ? lines.Before : null,
            lines.After.Length > 0 ? lines.After : null,
            change.Targets?.Count,
            change.Targets?.First,
            [.. change.Percentages.Select(share => share / 1_000m)],
            change.IsEverywhere,
            change.Raw
        );
    }
}

public sealed record CommitView(
    [Description("The commit's SHA.")] string Sha,
    [Description("The account, or the name in the commit. Left out where it isn't known."), Example("octo-jane")]
        string? Author,
    [Description("The first line of its message.")] string Title
);

/// <summary>What a deployment brings beside what is there.</summary>
public sealed record CommitsView(
    [Description("The commit that was deployed last. Left out where none was, or it isn't known.")] string? Base,
    [Description("When that was.")] string? BaseAt,
    [Description("The commit that would be deployed.")] string Head,
    [Description("The source's own comparison.")] string? Link,
    [Description("How many commits come."), Example(3)] int Ahead,
    [Description("How many commits of the last deployment are left out.")] int Behind,
    [Description("The first 50 of them, the oldest first.")] IReadOnlyList<CommitView> List,
    [Description("Why they couldn't be read. Left out where they could.")] string? Problem,
    string? ReadAt
)
{
    public static CommitsView From(NewCommits commits) =>
        new(
            commits.Base,
            commits.BaseAt,
            commits.Head,
            commits.Link,
            commits.Ahead,
            commits.Behind,
            [.. commits.Commits.Select(c => new CommitView(c.Sha, c.Author.Length > 0 ? c.Author : null, c.Title))],
            commits.Problem,
            commits.ReadAt is { } at ? Instant.ToText(at) : null
        );
}

/// <summary>
/// A request as the API shows it. Lists and answers to changes leave out what is long; GET of one request has it all.
/// </summary>
public sealed record RequestView
{
    [Description("A ULID: IDs sort by the time at which requests were created."), Example("01KB3ZQ4M6W8T0Y2N4R6P8X1CD")]
    public required string Id { get; init; }

    [AllowedValues("active", "approved", "rejected", "withdrawn")]
    public required string Status { get; init; }

    [
        Description("In a few words: what is still missing, or who decided."),
        Example("1 of 2 approvals, waiting for SRE")
    ]
    public required string Display { get; init; }

    [Description("The title.")]
    public required string Subject { get; init; }

    [Description("The source that sent it.")]
    public required string Source { get; init; }

    [Description("The caller's own ID of the request.")]
    public string? ExternalId { get; init; }

    [Description("The door through which it came."), AllowedValues("api", "page", "launchdarkly", "zendesk")]
    public required string SentBy { get; init; }

    [Description("The requester's name."), Example("Rita Roe")]
    public required string Requester { get; init; }

    [Description("How certain it is who the requester is."), AllowedValues("proven", "claimed", "none")]
    public required string RequesterCertainty { get; init; }

    [Description("The people whom the call may mean; none of them can decide. Left out where it names no one.")]
    public IReadOnlyList<PartyView>? RequesterMatches { get; init; }

    [Description("Who was named to decide.")]
    public PartyView? Assignee { get; init; }

    [Description("Reviews that were delegated.")]
    public IReadOnlyList<DelegationView>? Delegations { get; init; }

    [Description("The number of the current revision."), Example(1)]
    public required int Revision { get; init; }

    [Description("Names the content. A decision sends it back, so that no one approves what they haven't seen.")]
    public required string Digest { get; init; }

    [
        Description("What LaunchDarkly is still asked about; nothing approves the request until that has ended."),
        AllowedValues("requester", "change", "comparison")
    ]
    public IReadOnlyList<string>? Confirming { get; init; }

    [Description("The digest of LaunchDarkly's instructions, where they were read.")]
    public string? ChangeDigest { get; init; }
    public required string CreatedAt { get; init; }
    public string? ExpiresAt { get; init; }

    [Description("When it was approved, rejected or withdrawn.")]
    public string? SettledAt { get; init; }
    public string? AppliedAt { get; init; }

    [Description("Until when its source can redeem the approval. Left out where there's no approval to redeem.")]
    public string? GrantExpiresAt { get; init; }

    [Description("When the change was applied without an approval.")]
    public string? BreachedAt { get; init; }

    [Description("When an admin approved it past its policy.")]
    public string? BrokeGlassAt { get; init; }

    [Description("When its texts were moved to a file, whose name is `archive`.")]
    public string? ArchivedAt { get; init; }
    public string? Archive { get; init; }

    [Description("Set while the required approvals can't be reached: why, and what would change that.")]
    public StuckView? Stuck { get; init; }

    [Description("The policy that applies."), Example("production")]
    public required string Policy { get; init; }

    [Description("The description. Not in lists, as all that follows.")]
    public string? Message { get; init; }

    [AnyMembers]
    public JsonElement? Facts { get; init; }
    public IReadOnlyList<StepView>? Steps { get; init; }
    public IReadOnlyList<DecisionView>? Decisions { get; init; }
    public IReadOnlyList<SaidView>? Comments { get; init; }

    [Description("What changes, as LaunchDarkly described it. Left out where it wasn't asked or didn't answer.")]
    public IReadOnlyList<ChangeView>? Changes { get; init; }

    [Description(
        "Of a GitHub deployment: the commits since the last one to the same environment, read after the request "
            + "came. They are no part of the content, so policies, `digest` and reviews don't change with them."
    )]
    public CommitsView? Commits { get; init; }

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
            Delegations = DelegationsOf(request, directory),
            Revision = request.Revision,
            Digest = request.AnswerDigest,
            Confirming = request.OpenCheck.ToText()?.Split(','),
            ChangeDigest = request.ChangeDigest,
            CreatedAt = Instant.ToText(request.CreatedAt),
            ExpiresAt = Time(request.ExpiresAt),
            SettledAt = Time(request.SettledAt),
            AppliedAt = Time(request.AppliedAt),
            GrantExpiresAt = Time(request.GrantExpiresAt),
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
            Changes = details.Described is { } described ? [.. described.Changes.Select(ChangeView.From)] : null,
            Commits = details.Commits is { } commits ? CommitsView.From(commits) : null,
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

    private static IReadOnlyList<DelegationView>? DelegationsOf(ApprovalRequest request, PeopleSnapshot directory)
    {
        return request.Delegations.Count == 0
            ? null
            : [.. request.Delegations.Select(d => new DelegationView(Person(d.PersonId), Person(d.DelegateId)))];

        PartyView Person(long id) =>
            new(Party.Person(id).Text, directory.People.GetValueOrDefault(id)?.DisplayName ?? "");
    }

    private static PartyView? AssigneeOf(ApprovalRequest request, PeopleSnapshot directory) =>
        request.AssigneeUser is { } user && directory.People.TryGetValue(user, out var person)
            ? PartyView.From(person.AsApprover)
        : request.AssigneeGroup is { } id && directory.Groups.TryGetValue(id, out var group)
            ? PartyView.From(group.AsApprover)
        : null;

    private static string? Time(DateTimeOffset? time) => time is { } at ? Instant.ToText(at) : null;
}
