using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Api;

public sealed record PolicyTextBody : IChecked
{
    [Description("The policy file, in YAML."), Required]
    public string? Text { get; init; }

    [Description("The version that you changed: if another one is active, nothing is published."), Example(4)]
    public long? BasedOn { get; init; }

    public void Check(BodyErrors mistakes)
    {
        if (Text is null)
            mistakes.Add("text", "Send the policy file as a string.");
    }
}

public sealed record ApplyBody
{
    [Description("Only say what would change.")]
    public bool DryRun { get; init; }
}

/// <summary>
/// A request as somebody imagines it: what is sent to <c>POST /requests</c>, and the source that would send it.
/// </summary>
public sealed record ExplainBody : IChecked
{
    [Description("The source that would send it; `api` unless it says otherwise.")]
    public string? Source { get; init; }
    public AssigneeBody? Assignee { get; init; }
    public RequesterBody? Requester { get; init; }

    [AnyMembers]
    public JsonElement? Facts { get; init; }

    [Description("A policy file to test instead of the active one.")]
    public string? Policies { get; init; }

    // What a whole request has besides is taken and makes no difference.
    public string? Subject { get; init; }
    public string? Message { get; init; }
    public string? ExternalId { get; init; }

    public void Check(BodyErrors mistakes)
    {
        if (Facts is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Object) })
            mistakes.Add("facts", "Facts must be an object of names and values.");
        if (Assignee is { Person: null, Group: null } or { Person: not null, Group: not null })
            mistakes.Add("assignee", "Name either a person or a group.");
    }
}

public sealed record PolicyVersionView(
    long Version,
    string Hash,
    [Description("Who published it."), Example("Root")] string SetBy,
    string SetAt,
    string? Text
)
{
    public static PolicyVersionView From(PolicyVersion version, bool withText) =>
        new(version.Version, version.Hash, version.Actor, Instant.ToText(version.At), withText ? version.Text : null);
}

public sealed record PolicyVersionsView(IReadOnlyList<PolicyVersionView> Versions);

public sealed record CheckedView(bool Ok, int Policies, IReadOnlyList<PolicyProblem> Problems);

public sealed record SetView(long Version, bool Changed, string Diff, IReadOnlyList<PolicyProblem> Warnings);

public sealed record RestampedView(
    string Id,
    string Subject,
    string OldPolicy,
    string NewPolicy,
    string Before,
    string After,
    IReadOnlyList<string> Lost,
    string? Left
)
{
    public static RestampedView From(Restamped change) =>
        new(
            change.Id.Value,
            change.Subject,
            change.From,
            change.To,
            change.Before,
            change.After,
            change.Lost,
            change.Left
        );
}

public sealed record AppliedView(bool DryRun, IReadOnlyList<RestampedView> Changes);

public sealed record StuckView(string Why, string Fix)
{
    public static StuckView? From(Blocked? stuck) => stuck is null ? null : new StuckView(stuck.Why, stuck.Fix);
}

public sealed record ExplanationView(
    string Policy,
    [
        Description("What decides: the policy file, an assignee, the source, or the built-in rule."),
        AllowedValues("file", "assignee", "source", "built-in")
    ]
        string DecidedBy,
    long Version,
    string Outcome,
    IReadOnlyList<SkippedPolicy> PassedOver,
    IReadOnlyList<ExplainedStep> Steps,
    StuckView? Stuck,
    IReadOnlyList<string> Times,
    bool SelfApproval,
    [AllowedValues("any", "never")] string Rejection,
    [Description("The decisions that require a comment."), AllowedValues("approve", "reject", "abstain")]
        IReadOnlyList<string> NoteRequired,
    bool MailDecisions,
    bool BreakGlass,
    string? Presumed
)
{
    public static ExplanationView From(PolicyExplanation explained) =>
        new(
            explained.Policy,
            explained.DecidedBy,
            explained.Version,
            explained.Outcome,
            explained.PassedOver,
            explained.Steps,
            StuckView.From(explained.Stuck),
            explained.Times,
            explained.Stamped.AllowsSelfApproval,
            explained.Stamped.Rejection == Policies.Rejection.Never ? "never" : "any",
            explained.Stamped.NoteRequired ?? ["reject"],
            explained.Stamped.AllowsMailDecisions,
            !explained.Stamped.ForbidsBreakGlass,
            explained.Presumed
        );
}

/// <summary>The policy file: look, check, set, explain, and apply to what is active. For admins.</summary>
internal static class PolicyEndpoints
{
    public static void Map(RouteGroupBuilder admin)
    {
        admin
            .MapGet("/request-types", RequestTypeEndpoints.Show)
            .Produces<RequestTypesView>()
            .Describe(Tags.RequestTypes, PolicyOperations.GetRequestTypes);
        admin
            .MapPut("/request-types", RequestTypeEndpoints.Set)
            .Produces<RequestTypesView>()
            .Describe(Tags.RequestTypes, PolicyOperations.SetRequestTypes);
        admin.MapGet("/policies", Show).Produces<PolicyVersionView>().Describe(Tags.Policies, PolicyOperations.Get);
        admin.MapPut("/policies", Set).Produces<SetView>().Describe(Tags.Policies, PolicyOperations.Publish);
        admin
            .MapGet(
                "/policies/versions",
                async (PolicyFiles files, CancellationToken cancel) =>
                    TypedResults.Ok(
                        new PolicyVersionsView([
                            .. (await files.List(cancel)).Select(v => PolicyVersionView.From(v, withText: false)),
                        ])
                    )
            )
            .Describe(Tags.Policies, PolicyOperations.ListVersions);
        admin
            .MapGet(
                "/policies/versions/{version:long}",
                async Task<IResult> (long version, PolicyFiles files, CancellationToken cancel) =>
                    await files.Find(version, cancel) is { } found
                        ? TypedResults.Ok(PolicyVersionView.From(found, withText: true))
                        : Problems.NotFound("There is no such version.")
            )
            .Produces<PolicyVersionView>()
            .Describe(Tags.Policies, PolicyOperations.GetVersion);
        admin.MapPost("/policies/check", Check).Produces<CheckedView>().Describe(Tags.Policies, PolicyOperations.Check);
        admin
            .MapPost("/policies/explain", ExplainOne)
            .Produces<ExplanationView>()
            .Describe(Tags.Policies, PolicyOperations.Explain);
        admin
            .MapPost(
                "/policies/apply",
                async (JsonBody<ApplyBody> body, CurrentCaller caller, ApplyPolicies apply, CancellationToken cancel) =>
                    TypedResults.Ok(
                        new AppliedView(
                            body.Value.DryRun,
                            [
                                .. (await apply.Run(body.Value.DryRun, caller.Viewer.Origin, cancel)).Select(
                                    RestampedView.From
                                ),
                            ]
                        )
                    )
            )
            .Describe(Tags.Policies, PolicyOperations.Apply);
    }

    /// <summary>
    /// An imagined request against the people and groups of this moment; null with what is wrong about it.
    /// </summary>
    public static (HypotheticalRequest? Imagined, string Field, string Why) Imagine(
        ExplainBody body,
        PeopleSnapshot directory
    )
    {
        var assignee = body.Assignee is { } wanted ? SubmitEndpoint.Find(wanted, directory) : null;
        if (body.Assignee is not null && assignee is null)
            return (null, "assignee", "There is no person with this email or name, or they are disabled.");
        var name = body.Source ?? "api";
        var requester =
            body.Requester is { } named && directory.FindSource(name) is { } source
                ? directory.Resolve(named.Email, named.Name, source)
                : new Requester(null, "", [], Certainty.Proven);
        return (
            new HypotheticalRequest(
                name,
                requester,
                body.Facts is { ValueKind: JsonValueKind.Object } facts ? facts.GetRawText() : "{}",
                assignee
            ),
            "",
            ""
        );
    }

    private static async Task<IResult> Show(PolicyFiles files, CancellationToken cancel) =>
        await files.Find(null, cancel) is { } version
            ? TypedResults.Ok(PolicyVersionView.From(version, withText: true))
            : Problems.NotFound(
                "No policy file is published yet. Requests are decided by their assignee, their source's "
                    + "group, or one admin."
            );

    private static async Task<IResult> Set(
        JsonBody<PolicyTextBody> body,
        CurrentCaller caller,
        PolicyFiles files,
        CancellationToken cancel
    ) =>
        await files.Set(body.Value.Text!, body.Value.BasedOn, caller.Viewer.Origin, cancel) switch
        {
            SetPoliciesOutcome.Set { Version: var version, Warnings: var warnings, Diff: var diff } => TypedResults.Ok(
                new SetView(version.Version, true, diff, warnings)
            ),
            SetPoliciesOutcome.Same { Version: var version, Warnings: var warnings } => TypedResults.Ok(
                new SetView(version.Version, false, "", warnings)
            ),
            SetPoliciesOutcome.Wrong { Problems: var problems } => Problems.Invalid(
                problems
                    .Where(p => !p.IsWarning)
                    .GroupBy(p => $"{p.Line}:{p.Column}")
                    .ToDictionary(g => g.Key, g => g.Select(p => p.ToString()).ToArray())
            ),
            SetPoliciesOutcome.Changed { Version: var version } => Problems.Of(
                409,
                "changed",
                $"Version {version} was published in the meantime. Read it, and apply your change to it."
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static async Task<IResult> Check(JsonBody<PolicyTextBody> body, PolicyFiles files, CancellationToken cancel)
    {
        var (file, problems) = await files.Check(body.Value.Text!, cancel);
        return TypedResults.Ok(new CheckedView(file is not null, file?.Rules.Count ?? 0, problems));
    }

    private static async Task<IResult> ExplainOne(
        JsonBody<ExplainBody> body,
        ExplainPolicy explain,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var (imagined, field, why) = Imagine(body.Value, await directory.Refresh(cancel));
        if (imagined is null)
            return Problems.Invalid(field, why);
        PolicyFile? draft = null;
        if (body.Value.Policies is { } text && (draft = PolicyFile.Read(text).File) is null)
            return Problems.Invalid("policies", "This file has errors; POST /policies/check lists them.");
        return TypedResults.Ok(ExplanationView.From(await explain.Run(imagined, cancel, draft)));
    }
}
