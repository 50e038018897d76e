using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Countersign.Audit;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Countersign.Doors.Api;

public sealed record PersonBody
{
    public required string Email { get; init; }
    public required string Name { get; init; }

    [
        Description("What the person can do; `agent` unless it says otherwise."),
        AllowedValues("admin", "agent", "end-user")
    ]
    public string? Role { get; init; }

    [Description("Without one, the person signs in by a link.")]
    public string? Password { get; init; }
}

public sealed record PasswordBody
{
    public required string Password { get; init; }
}

public sealed record GroupBody
{
    [Description("The group's name."), Example("SRE")]
    public required string Name { get; init; }

    [Description("The members' emails."), Example("ann@example.com")]
    public IReadOnlyList<string>? Members { get; init; }
}

public sealed record TokenBody
{
    [Description("Whose token it is.")]
    public required string Email { get; init; }

    [Description("Whether it can act for other people; only for an admin's token.")]
    public bool Impersonates { get; init; }
}

public sealed record SourceBody
{
    [Description("The source's name."), Example("checkout")]
    public required string Name { get; init; }

    [
        Description("What calls; `api` unless it says otherwise."),
        AllowedValues("launchdarkly", "github", "gitlab", "azure", "terraform", "flagger", "agent", "pipeline", "api")
    ]
    public string? Kind { get; init; }

    [Description("The group that decides.")]
    public string? Group { get; init; }

    [Description("How many approvals of the group are required."), Example(2)]
    public int? Need { get; init; }

    [Description("The destination that decides, instead of a group."), Example("jira")]
    public string? Destination { get; init; }

    [
        Description("The email of the person who answers for the source, and so can't decide its requests."),
        Example("rita@example.com")
    ]
    public string? Owner { get; init; }

    /// <summary>Until when its key is taken: a day, a time, a duration such as 90d, or never.</summary>
    public string? KeyExpires { get; init; }

    [Description("Of kind `agent`: the OAuth client whose access tokens act as it.")]
    public string? OauthClient { get; init; }

    [Description("The subject of these tokens, where it isn't the client itself.")]
    public string? OauthSubject { get; init; }
}

/// <summary>
/// What is to change about who decides (a group and its number, only the number, a destination, or one admin) and about
/// the people behind the requests. What is not named stays.
/// </summary>
public sealed record SourceChangeBody
{
    [Description("The group that decides.")]
    public string? Group { get; init; }

    [Description("How many approvals of the group are required; alone, it keeps the group."), Example(2)]
    public int? Need { get; init; }

    [Description("The destination that decides."), Example("jira")]
    public string? Destination { get; init; }

    [Description("One admin decides, neither a group nor a destination.")]
    public bool OneAdmin { get; init; }

    [
        Description("The effect of a requester who isn't recognized: one more approval, a refusal, or none."),
        AllowedValues("one_more", "refuse", "allow")
    ]
    public string? UnknownRequester { get; init; }

    [
        Description("The effect of a requester who is only named: none, or one more approval."),
        AllowedValues("accept", "one_more")
    ]
    public string? ClaimedRequester { get; init; }

    [
        Description(
            "The email of the person who answers for the source, and so can't decide its requests; empty for no owner."
        ),
        Example("rita@example.com")
    ]
    public string? Owner { get; init; }

    [Description("Of kind `api`: whether each request must name its requester.")]
    public bool? RequesterRequired { get; init; }

    /// <summary>Until when the newest key is taken: a day, a time, a duration such as 90d, or never.</summary>
    public string? KeyExpires { get; init; }

    [Description("Of kind `agent`: the OAuth client whose access tokens act as it; empty for none.")]
    public string? OauthClient { get; init; }

    [Description("The subject of these tokens, where it isn't the client itself. Only with `oauthClient`.")]
    public string? OauthSubject { get; init; }
}

public sealed record AliasBody
{
    [Description("A name or an email that the person has in another system."), Example("alee")]
    public required string Alias { get; init; }

    [Description("Also if an active request would be left without a possible approval.")]
    public bool Force { get; init; }
}

/// <summary>A person as a file describes them; what is not named stays as it is.</summary>
public sealed record ImportedPersonBody
{
    [Required]
    public string? Email { get; init; }

    [Description("Required for a person who isn't here yet.")]
    public string? Name { get; init; }

    [Description("A new person is an agent unless it says otherwise."), AllowedValues("admin", "agent", "end-user")]
    public string? Role { get; init; }

    [Description("Names of groups to be a member of. Other memberships stay."), Example("SRE")]
    public IReadOnlyList<string?>? Groups { get; init; }

    [Description("Names and emails in other systems, added to those the person has."), Example("alee")]
    public IReadOnlyList<string?>? Aliases { get; init; }
}

public sealed record ImportBody
{
    public required IReadOnlyList<ImportedPersonBody?> People { get; init; }

    [Description("Also if an active request would be left without a possible approval.")]
    public bool Force { get; init; }
}

public sealed record AliasesView(IReadOnlyList<Alias> Aliases);

public sealed record PersonView(
    long Id,
    string? Email,
    string Name,
    [AllowedValues("admin", "agent", "end-user")] string Role,
    bool Disabled,
    bool SecondFactor,
    string CreatedAt,
    [Description("Names and emails in other systems."), Example("alee")] IReadOnlyList<string> Aliases,
    [Description("What the person was called before."), Example("Ann Smith")] IReadOnlyList<string> EarlierNames
)
{
    public static PersonView From(Person person) =>
        new(
            person.Id,
            person.Email,
            person.Name,
            person.Role.ToWireName(),
            person.IsDisabled,
            person.HasSecondFactor,
            Instant.ToText(person.CreatedAt),
            person.Aliases,
            person.EarlierNames
        );
}

public sealed record GroupView(
    long Id,
    [Description("The group's name."), Example("SRE")] string Name,
    [Description("The members' emails."), Example("ann@example.com")] IReadOnlyList<string> Members,
    string CreatedAt
)
{
    public static GroupView From(Group group, PeopleSnapshot snapshot) =>
        new(
            group.Id,
            group.Name,
            [.. group.Members.Select(m => snapshot.People[m].Email ?? snapshot.People[m].Name)],
            Instant.ToText(group.CreatedAt)
        );
}

public sealed record RoleBody
{
    [AllowedValues("admin", "agent", "end-user")]
    public required string Role { get; init; }
}

public sealed record NameBody
{
    public required string Name { get; init; }
}

/// <param name="How">
/// password, oidc, oidc-fresh (the provider asked for a proof), set-up or mail; behind a plus the second factor: app,
/// passkey or recovery-code.
/// </param>
public sealed record SessionView(
    long Id,
    string? Email,
    [Description("How the person signed in, such as `password` or `password+app`.")] string How,
    string Browser,
    string Address,
    string CreatedAt,
    string LastUsedAt,
    [Description("When it ends."), Format("date-time"), Example("2026-03-11T05:06:07.000Z")] string Until
)
{
    public static SessionView From(Session session, Person? person) =>
        new(
            session.Id,
            person?.Email,
            session.How,
            session.Browser,
            session.Address,
            Instant.ToText(session.CreatedAt),
            Instant.ToText(session.LastUsedAt),
            Instant.ToText(session.Until)
        );
}

public sealed record SessionsView(IReadOnlyList<SessionView> Sessions);

public sealed record PeopleView(IReadOnlyList<PersonView> People);

public sealed record GroupsView(IReadOnlyList<GroupView> Groups);

public sealed record TokensView(IReadOnlyList<TokenView> Tokens);

/// <summary>The beginnings of bodies that could not be read, the latest first.</summary>
public sealed record RejectedBodiesView(IReadOnlyList<RejectedBody> Bodies);

public sealed record SourcesView(IReadOnlyList<SourceView> Sources);

/// <summary>People, groups, tokens and sources: all that the command line does for them. For admins.</summary>
internal static class AdminEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var admin = api.MapGroup("").RequireAuthorization(Permissions.Admin);
        AuditEndpoints.Map(admin);
        PolicyEndpoints.Map(admin);
        SourceFormEndpoints.Map(admin);
        AbsenceEndpoints.Map(api, admin);
        DestinationEndpoints.Map(admin);
        LaunchDarklyConnectionEndpoints.Map(admin);
        OutcomeEndpoints.Map(admin);
        WorkEndpoints.Map(admin);
        admin.MapGet("/people", ListPeople).Produces<PeopleView>().Describe(Tags.People, PeopleOperations.List);
        admin
            .MapPost("/people", AddPerson)
            .Produces<PersonView>(201)
            .RequireRecentSignIn()
            .Describe(Tags.People, PeopleOperations.Add);
        admin
            .MapPost(
                "/people/{email}/disable",
                async (string email, CurrentCaller caller, Accounts people, CancellationToken cancel) =>
                    Plain(await people.Disable(email, caller.Viewer.Origin, cancel))
            )
            .RequireRecentSignIn()
            .Produces(204)
            .Describe(Tags.People, PeopleOperations.Disable);
        admin
            .MapPost(
                "/people/{email}/enable",
                async (string email, CurrentCaller caller, Accounts people, CancellationToken cancel) =>
                    Plain(await people.Enable(email, caller.Viewer.Origin, cancel))
            )
            .RequireRecentSignIn()
            .Produces(204)
            .Describe(Tags.People, PeopleOperations.Enable);
        admin
            .MapPost(
                "/people/{email}/erase",
                async (string email, CurrentCaller caller, ErasePerson erase, CancellationToken cancel) =>
                    Answer(
                        await erase.Run(email, caller.Viewer.Origin, cancel),
                        erased => TypedResults.Json(erased, ApiJson.Wire.Erased)
                    )
            )
            .Produces<Erased>()
            .RequireRecentSignIn()
            .Describe(Tags.People, PeopleOperations.Erase);
        admin
            .MapPut(
                "/people/{email}/password",
                async (
                    string email,
                    JsonBody<PasswordBody> body,
                    CurrentCaller caller,
                    Accounts people,
                    CancellationToken cancel
                ) => Plain(await people.SetPassword(email, body.Value.Password, caller.Viewer.Origin, cancel))
            )
            .RequireRecentSignIn()
            .Produces(204)
            .Describe(Tags.People, PeopleOperations.SetPassword);
        admin
            .MapDelete(
                "/people/{email}/second-factor",
                async (string email, CurrentCaller caller, SecondFactors factors, CancellationToken cancel) =>
                    Plain(await factors.Reset(email, caller.Viewer.Origin, cancel))
            )
            .RequireRecentSignIn()
            .Produces(204)
            .Describe(Tags.People, PeopleOperations.ResetSecondFactor);
        admin
            .MapPut(
                "/people/{email}/role",
                async (
                    string email,
                    JsonBody<RoleBody> body,
                    CurrentCaller caller,
                    Accounts people,
                    CancellationToken cancel
                ) =>
                    Roles.Of(body.Value.Role) is { } role
                        ? Plain(await people.SetRole(email, role, caller.Viewer.Origin, cancel))
                        : Problems.Invalid("role", "Must be admin, agent or end-user.")
            )
            .RequireRecentSignIn()
            .Produces(204)
            .Describe(Tags.People, PeopleOperations.SetRole);
        admin
            .MapPut(
                "/people/{email}/name",
                async (
                    string email,
                    JsonBody<NameBody> body,
                    CurrentCaller caller,
                    Accounts people,
                    CancellationToken cancel
                ) => Plain(await people.Rename(email, body.Value.Name, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.People, PeopleOperations.Rename);
        admin
            .MapGet("/people/{email}/aliases", ListAliases)
            .Produces<AliasesView>()
            .Describe(Tags.People, PeopleOperations.ListAliases);
        admin
            .MapPost("/people/{email}/aliases", AddAlias)
            .Produces<Alias>(201)
            .Describe(Tags.People, PeopleOperations.AddAlias);
        admin
            .MapDelete(
                "/people/{email}/aliases/{id:long}",
                async (string email, long id, CurrentCaller caller, Aliases aliases, CancellationToken cancel) =>
                    Plain(await aliases.Remove(email, id, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.People, PeopleOperations.RemoveAlias);
        admin
            .MapPost("/people/import", Import)
            .RequireRecentSignIn()
            .Produces<ImportedPeople>()
            .Describe(Tags.People, PeopleOperations.Import);
        admin
            .MapGet("/sessions", ListSessions)
            .Produces<SessionsView>()
            .Describe(Tags.Access, PeopleOperations.ListSessions);
        admin
            .MapDelete(
                "/sessions/{id:long}",
                async (long id, CurrentCaller caller, Sessions sessions, CancellationToken cancel) =>
                    Plain(await sessions.End(id, null, "ended by an admin", caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Access, PeopleOperations.EndSession);
        admin.MapGet("/groups", ListGroups).Produces<GroupsView>().Describe(Tags.Groups, PeopleOperations.ListGroups);
        admin.MapPost("/groups", AddGroup).Produces<GroupView>(201).Describe(Tags.Groups, PeopleOperations.AddGroup);
        admin
            .MapPatch("/groups/{name}", RenameGroup)
            .Produces<GroupView>()
            .Describe(Tags.Groups, PeopleOperations.RenameGroup);
        admin
            .MapPut(
                "/groups/{name}/members/{email}",
                async (string name, string email, CurrentCaller caller, Groups groups, CancellationToken cancel) =>
                    Plain(await groups.AddMember(name, email, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Groups, PeopleOperations.AddMember);
        admin
            .MapDelete(
                "/groups/{name}/members/{email}",
                async (string name, string email, CurrentCaller caller, Groups groups, CancellationToken cancel) =>
                    Plain(await groups.RemoveMember(name, email, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Groups, PeopleOperations.RemoveMember);
        admin
            .MapGet(
                "/tokens",
                async (Tokens tokens, CancellationToken cancel) =>
                    TypedResults.Ok(new TokensView(await tokens.List(cancel)))
            )
            .Describe(Tags.Access, PeopleOperations.ListTokens);
        admin
            .MapPost("/tokens", AddToken)
            .Produces<NewToken>(201)
            .RequireRecentSignIn()
            .Describe(Tags.Access, PeopleOperations.AddToken);
        admin
            .MapDelete(
                "/tokens/{id:long}",
                async (long id, CurrentCaller caller, Tokens tokens, CancellationToken cancel) =>
                    Plain(await tokens.Revoke(id, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Access, PeopleOperations.RevokeToken);
        admin.MapGet("/sources", ListSources).Produces<SourcesView>().Describe(Tags.Sources, SourceOperations.List);
        admin
            .MapGet("/sources/{name}/rejected-bodies", ListRejectedBodies)
            .Produces<RejectedBodiesView>()
            .Describe(Tags.Sources, SourceOperations.ListRejectedBodies);
        admin.MapPost("/sources", AddSource).Produces<NewSourceKey>(201).Describe(Tags.Sources, SourceOperations.Add);
        admin
            .MapPatch("/sources/{name}", ChangeSource)
            .Produces<SourceView>()
            .Describe(Tags.Sources, SourceOperations.Change);
        admin
            .MapPost("/sources/{name}/key", RotateSource)
            .Produces<NewSourceKey>()
            .Describe(Tags.Sources, SourceOperations.Rotate);
        admin
            .MapDelete(
                "/sources/{name}/old-key",
                async (string name, CurrentCaller caller, Sources sources, CancellationToken cancel) =>
                    Plain(await sources.EndOldKey(name, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Sources, SourceOperations.EndOldKey);
        admin
            .MapPost(
                "/sources/{name}/disable",
                async (string name, CurrentCaller caller, Sources sources, CancellationToken cancel) =>
                    Plain(await sources.Disable(name, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Sources, SourceOperations.Disable);
        admin
            .MapPost(
                "/sources/{name}/enable",
                async (string name, CurrentCaller caller, Sources sources, CancellationToken cancel) =>
                    Plain(await sources.Enable(name, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Sources, SourceOperations.Enable);
    }

    private static async Task<IResult> ListPeople(PeopleDirectory directory, CancellationToken cancel) =>
        TypedResults.Ok(
            new PeopleView([
                .. (await directory.Refresh(cancel))
                    .People.Values.Where(p => p.Role != Role.Service)
                    .OrderBy(p => p.Id)
                    .Select(PersonView.From),
            ])
        );

    private static async Task<IResult> AddPerson(
        JsonBody<PersonBody> body,
        CurrentCaller caller,
        Accounts people,
        CancellationToken cancel
    )
    {
        if (Roles.Of(body.Value.Role ?? "agent") is not { } role)
            return Problems.Invalid("role", "Must be admin, agent or end-user.");
        return Answer(
            await people.Add(
                body.Value.Email,
                body.Value.Name,
                role,
                body.Value.Password,
                caller.Viewer.Origin,
                cancel
            ),
            person => TypedResults.Json(PersonView.From(person), ApiJson.Wire.PersonView, statusCode: 201)
        );
    }

    private static async Task<IResult> ListAliases(
        string email,
        Aliases aliases,
        PeopleDirectory directory,
        CancellationToken cancel
    ) =>
        (await directory.Refresh(cancel)).FindPerson(email) is { } person
            ? TypedResults.Ok(new AliasesView(await aliases.List(person.Id, cancel)))
            : Plain(Accounts.NoPerson<long>());

    private static async Task<IResult> AddAlias(
        string email,
        JsonBody<AliasBody> body,
        CurrentCaller caller,
        Aliases aliases,
        CancellationToken cancel
    ) =>
        Answer(
            await aliases.Add(email, body.Value.Alias, caller.Viewer.Origin, cancel, body.Value.Force),
            alias => TypedResults.Json(alias, ApiJson.Wire.Alias, statusCode: 201)
        );

    private static async Task<IResult> Import(
        JsonBody<ImportBody> body,
        CurrentCaller caller,
        PeopleImport import,
        CancellationToken cancel
    )
    {
        var people = body.Value.People.Select(
            (p, i) => ImportedPerson.Of($"people[{i}]", p?.Email, p?.Name, p?.Role, p?.Groups, p?.Aliases)
        );
        return await import.Run([.. people], caller.Viewer.Origin, cancel, body.Value.Force) switch
        {
            ImportOutcome.Done { People: var done } => TypedResults.Ok(done),
            ImportOutcome.WouldBlock { Requests: var blocking } => WouldBlock(blocking.Text),
            ImportOutcome.Refused { Mistakes: var mistakes } => Problems.Invalid("people", string.Join(' ', mistakes)),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static async Task<IResult> ListSessions(
        Sessions sessions,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var people = directory.Current.People;
        return TypedResults.Ok(
            new SessionsView([
                .. (await sessions.List(null, cancel)).Select(s =>
                    SessionView.From(s, people.GetValueOrDefault(s.PersonId))
                ),
            ])
        );
    }

    private static async Task<IResult> ListRejectedBodies(
        string name,
        RejectedBodies bodies,
        CancellationToken cancel
    ) =>
        await bodies.List(name, cancel) is { } rejected
            ? TypedResults.Ok(new RejectedBodiesView(rejected))
            : Problems.NotFound();

    private static async Task<IResult> ListGroups(PeopleDirectory directory, CancellationToken cancel)
    {
        var snapshot = await directory.Refresh(cancel);
        return TypedResults.Ok(
            new GroupsView([.. snapshot.Groups.Values.OrderBy(g => g.Id).Select(g => GroupView.From(g, snapshot))])
        );
    }

    private static async Task<IResult> AddGroup(
        JsonBody<GroupBody> body,
        CurrentCaller caller,
        Groups groups,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var outcome = await groups.Add(body.Value.Name, body.Value.Members ?? [], caller.Viewer.Origin, cancel);
        var snapshot = await directory.Refresh(cancel);
        return Answer(
            outcome,
            group => TypedResults.Json(GroupView.From(group, snapshot), ApiJson.Wire.GroupView, statusCode: 201)
        );
    }

    private static async Task<IResult> RenameGroup(
        string name,
        JsonBody<NameBody> body,
        CurrentCaller caller,
        Groups groups,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var outcome = await groups.Rename(name, body.Value.Name, caller.Viewer.Origin, cancel);
        var snapshot = await directory.Refresh(cancel);
        return Answer(outcome, id => TypedResults.Ok(GroupView.From(snapshot.Groups[id], snapshot)));
    }

    private static async Task<IResult> AddToken(
        JsonBody<TokenBody> body,
        CurrentCaller caller,
        Tokens tokens,
        CancellationToken cancel
    ) =>
        Answer(
            await tokens.Add(body.Value.Email, caller.Viewer.Origin, cancel, body.Value.Impersonates),
            token => TypedResults.Json(token, ApiJson.Wire.NewToken, statusCode: 201)
        );

    private static async Task<IResult> ListSources(PeopleDirectory directory, CancellationToken cancel)
    {
        var snapshot = await directory.Refresh(cancel);
        return TypedResults.Ok(
            new SourcesView([.. snapshot.Sources.Values.OrderBy(s => s.Id).Select(s => SourceView.From(s, snapshot))])
        );
    }

    private static async Task<IResult> AddSource(
        JsonBody<SourceBody> body,
        CurrentCaller caller,
        Sources sources,
        TimeProvider time,
        CancellationToken cancel
    )
    {
        var (expires, problem) = KeyExpiry.Read(body.Value.KeyExpires, time.GetUtcNow());
        if (problem is not null)
            return Problems.Invalid("keyExpires", problem);
        if (body.Value is { OauthClient: null, OauthSubject: not null })
            return Problems.Invalid("oauthClient", AgentClient.SubjectAlone);
        return Answer(
            await sources.Add(
                body.Value.Name,
                body.Value.Kind ?? "api",
                body.Value.Group,
                body.Value.Need,
                caller.Viewer.Origin,
                cancel,
                body.Value.Destination,
                body.Value.Owner,
                expires,
                body.Value.OauthClient is { } client ? AgentClient.Of(client, body.Value.OauthSubject) : null
            ),
            key => TypedResults.Json(key, ApiJson.Wire.NewSourceKey, statusCode: 201)
        );
    }

    private static async Task<IResult> ChangeSource(
        string name,
        JsonBody<SourceChangeBody> body,
        CurrentCaller caller,
        Sources sources,
        SetAgentClient agentClients,
        PeopleDirectory directory,
        TimeProvider time,
        CancellationToken cancel
    )
    {
        var (wanted, origin) = (body.Value, caller.Viewer.Origin);
        var (unknown, claimed) = (
            RequesterRules.UnknownOf(wanted.UnknownRequester ?? ""),
            RequesterRules.ClaimedOf(wanted.ClaimedRequester ?? "")
        );
        if (unknown is null && wanted.UnknownRequester is not null)
            return Problems.Invalid("unknownRequester", "Must be one_more, refuse or allow.");
        if (claimed is null && wanted.ClaimedRequester is not null)
            return Problems.Invalid("claimedRequester", "Must be accept or one_more.");
        var (expires, problem) = KeyExpiry.Read(wanted.KeyExpires, time.GetUtcNow());
        if (problem is not null)
            return Problems.Invalid("keyExpires", problem);
        if (wanted is { OauthClient: null, OauthSubject: not null })
            return Problems.Invalid("oauthClient", AgentClient.SubjectAlone);
        var (reviewers, rules) = (
            new SourceReviewers(wanted.Group, wanted.Need, wanted.Destination, wanted.OneAdmin),
            new SourceRequesterRules(unknown, claimed, wanted.Owner, wanted.RequesterRequired)
        );
        var changes = new List<Func<Task<AccessOutcome<long>>>>();
        if (wanted.KeyExpires is not null)
            changes.Add(() => sources.SetKeyExpiry(name, expires, origin, cancel));
        if (wanted.OauthClient is { } id)
        {
            var client = id.Trim().Length == 0 ? null : AgentClient.Of(id, wanted.OauthSubject);
            changes.Add(() => agentClients.Run(name, client, origin, cancel));
        }
        var namesNeither =
            reviewers == new SourceReviewers(null, null, null, false) && rules == new SourceRequesterRules();
        if (changes.Count == 0 || !namesNeither)
            changes.Insert(0, () => sources.Set(name, reviewers, rules, origin, cancel));
        AccessOutcome<long> outcome = new AccessOutcome<long>.NotFound(name);
        foreach (var change in changes)
        {
            outcome = await change();
            if (outcome is not AccessOutcome<long>.Done)
                break;
        }
        var snapshot = await directory.Refresh(cancel);
        return Answer(outcome, id => TypedResults.Ok(SourceView.From(snapshot.Sources[id], snapshot)));
    }

    private static async Task<IResult> RotateSource(
        string name,
        string? expires,
        CurrentCaller caller,
        Sources sources,
        TimeProvider time,
        CancellationToken cancel
    )
    {
        var (until, problem) = KeyExpiry.Read(expires, time.GetUtcNow());
        return problem is not null
            ? Problems.Invalid("expires", problem)
            : Answer(await sources.Rotate(name, caller.Viewer.Origin, cancel, until), key => TypedResults.Ok(key));
    }

    internal static ProblemHttpResult WouldBlock(string text) =>
        Problems.Of(409, "would_block", $"{text} Send \"force\": true to do it anyway.");

    internal static IResult Plain(AccessOutcome<long> outcome) => Answer(outcome, _ => TypedResults.NoContent());

    internal static IResult Answer<T>(AccessOutcome<T> outcome, Func<T, IResult> done) =>
        outcome switch
        {
            AccessOutcome<T>.Done { Value: var value } => done(value),
            AccessOutcome<T>.Exists { What: var what } => Problems.Of(409, "conflict", $"There is already {what}."),
            AccessOutcome<T>.NotFound { What: var what } => Problems.NotFound($"There is not {what}."),
            AccessOutcome<T>.Invalid { Field: var field, Why: var why } => Problems.Invalid(field, why),
            AccessOutcome<T>.WouldBlock blocking => WouldBlock(blocking.Text),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
