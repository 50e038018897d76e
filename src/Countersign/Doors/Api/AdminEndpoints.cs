using Countersign.Audit;
using Countersign.Hosting;
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
    public string? Role { get; init; }
    public string? Password { get; init; }
}

public sealed record PasswordBody
{
    public required string Password { get; init; }
}

public sealed record GroupBody
{
    public required string Name { get; init; }

    /// <summary>E-mail addresses.</summary>
    public IReadOnlyList<string>? Members { get; init; }
}

public sealed record TokenBody
{
    /// <summary>Whose token it is.</summary>
    public required string Email { get; init; }

    /// <summary>Whether it may also speak for other people; for an admin's token.</summary>
    public bool Impersonates { get; init; }
}

public sealed record SourceBody
{
    public required string Name { get; init; }
    public string? Kind { get; init; }
    public string? Group { get; init; }
    public int? Need { get; init; }

    /// <summary>The workflow system that decides, instead of a group.</summary>
    public string? Destination { get; init; }

    /// <summary>Email address of the person who answers for the source, and so may not decide its requests.</summary>
    public string? Owner { get; init; }
}

/// <summary>
/// What is to change about who decides (a group and its number, only the number, a destination, or one admin) and about
/// the people behind the requests. What is not named stays.
/// </summary>
public sealed record SourceChangeBody
{
    public string? Group { get; init; }
    public int? Need { get; init; }
    public string? Destination { get; init; }

    /// <summary>Neither a group nor a destination decides.</summary>
    public bool OneAdmin { get; init; }

    /// <summary>
    /// What a request costs whose requester is not recognized: one_more approval, refuse, or allow (nothing).
    /// </summary>
    public string? UnknownRequester { get; init; }

    /// <summary>What a request costs whose requester is only named: accept (nothing) or one_more approval.</summary>
    public string? ClaimedRequester { get; init; }

    /// <summary>
    /// Email address of the person who answers for the source, and so may not decide its requests; empty for no one.
    /// </summary>
    public string? Owner { get; init; }

    /// <summary>
    /// Of kind api: whether a request must name its requester; otherwise one without asks in the source's name.
    /// </summary>
    public bool? RequesterRequired { get; init; }
}

public sealed record AliasBody
{
    /// <summary>A name or an email address that the person has in another system.</summary>
    public required string Alias { get; init; }

    /// <summary>Also if no reviewer could approve an active request any more.</summary>
    public bool Force { get; init; }
}

/// <summary>A person as a file describes them; what is not named stays as it is.</summary>
public sealed record ImportedPersonBody
{
    public string? Email { get; init; }

    /// <summary>Needed for a person who is not here yet.</summary>
    public string? Name { get; init; }

    /// <summary>admin, agent or end-user. A new person is an agent unless it says otherwise.</summary>
    public string? Role { get; init; }

    /// <summary>Names of groups to be a member of. Other memberships stay.</summary>
    public IReadOnlyList<string?>? Groups { get; init; }

    /// <summary>Names and email addresses in other systems, to be added to those the person has.</summary>
    public IReadOnlyList<string?>? Aliases { get; init; }
}

public sealed record ImportBody
{
    public required IReadOnlyList<ImportedPersonBody?> People { get; init; }

    /// <summary>Also if no reviewer could approve an active request any more.</summary>
    public bool Force { get; init; }
}

public sealed record AliasesView(IReadOnlyList<Alias> Aliases);

public sealed record PersonView(
    long Id,
    string? Email,
    string Name,
    string Role,
    bool Disabled,
    string CreatedAt,
    IReadOnlyList<string> Aliases,
    IReadOnlyList<string> EarlierNames
)
{
    public static PersonView From(Person person) =>
        new(
            person.Id,
            person.Email,
            person.Name,
            person.Role.ToWireName(),
            person.IsDisabled,
            Instant.ToText(person.CreatedAt),
            person.Aliases,
            person.EarlierNames
        );
}

public sealed record GroupView(long Id, string Name, IReadOnlyList<string> Members, string CreatedAt)
{
    public static GroupView From(Group group, PeopleSnapshot snapshot) =>
        new(
            group.Id,
            group.Name,
            [.. group.Members.Select(m => snapshot.People[m].Email ?? snapshot.People[m].Name)],
            Instant.ToText(group.CreatedAt)
        );
}

/// <param name="Owner">Email address of the person who answers for it.</param>
public sealed record SourceView(
    long Id,
    string Name,
    string Kind,
    string? Group,
    int? Need,
    string? Destination,
    bool Disabled,
    string CreatedAt,
    string? LastUsedAt,
    string UnknownRequester,
    string ClaimedRequester,
    string? Owner,
    bool RequesterRequired
)
{
    public static SourceView From(Source source, PeopleSnapshot snapshot) =>
        new(
            source.Id,
            source.Name,
            source.Kind,
            source.GroupId is { } group ? snapshot.Groups[group].Name : null,
            source.Need,
            source.Destination,
            source.IsDisabled,
            Instant.ToText(source.CreatedAt),
            source.LastUsedAt is { } used ? Instant.ToText(used) : null,
            source.UnknownRequester.ToWireName(),
            source.ClaimedRequester.ToWireName(),
            source.OwnerId is { } owner ? snapshot.People[owner].Email : null,
            source.RequesterRequired
        );
}

public sealed record RoleBody
{
    public required string Role { get; init; }
}

public sealed record NameBody
{
    public required string Name { get; init; }
}

/// <param name="How">password, oidc, oidc-fresh (the provider asked for a proof), set-up or mail.</param>
public sealed record SessionView(
    long Id,
    string? Email,
    string How,
    string Browser,
    string Address,
    string CreatedAt,
    string LastUsedAt,
    string Until
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
        AbsenceEndpoints.Map(api, admin);
        DestinationEndpoints.Map(admin);
        OutcomeEndpoints.Map(admin);
        WorkEndpoints.Map(admin);
        admin.MapGet("/people", ListPeople).Produces<PeopleView>();
        admin.MapPost("/people", AddPerson).Produces<PersonView>(201).RequireRecentSignIn();
        admin
            .MapPost(
                "/people/{email}/disable",
                async (string email, CurrentCaller caller, Accounts people, CancellationToken cancel) =>
                    Plain(await people.Disable(email, caller.Viewer.Origin, cancel))
            )
            .RequireRecentSignIn();
        admin
            .MapPost(
                "/people/{email}/enable",
                async (string email, CurrentCaller caller, Accounts people, CancellationToken cancel) =>
                    Plain(await people.Enable(email, caller.Viewer.Origin, cancel))
            )
            .RequireRecentSignIn();
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
            .RequireRecentSignIn();
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
            .RequireRecentSignIn();
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
            .RequireRecentSignIn();
        admin.MapPut(
            "/people/{email}/name",
            async (
                string email,
                JsonBody<NameBody> body,
                CurrentCaller caller,
                Accounts people,
                CancellationToken cancel
            ) => Plain(await people.Rename(email, body.Value.Name, caller.Viewer.Origin, cancel))
        );
        admin.MapGet("/people/{email}/aliases", ListAliases).Produces<AliasesView>();
        admin.MapPost("/people/{email}/aliases", AddAlias).Produces<Alias>(201);
        admin.MapDelete(
            "/people/{email}/aliases/{id:long}",
            async (string email, long id, CurrentCaller caller, Aliases aliases, CancellationToken cancel) =>
                Plain(await aliases.Remove(email, id, caller.Viewer.Origin, cancel))
        );
        admin.MapPost("/people/import", Import).Produces<ImportedPeople>();
        admin.MapGet("/sessions", ListSessions).Produces<SessionsView>();
        admin.MapDelete(
            "/sessions/{id:long}",
            async (long id, CurrentCaller caller, Sessions sessions, CancellationToken cancel) =>
                Plain(await sessions.End(id, null, "ended by an admin", caller.Viewer.Origin, cancel))
        );
        admin.MapGet("/groups", ListGroups).Produces<GroupsView>();
        admin.MapPost("/groups", AddGroup).Produces<GroupView>(201);
        admin.MapPatch("/groups/{name}", RenameGroup).Produces<GroupView>();
        admin.MapPut(
            "/groups/{name}/members/{email}",
            async (string name, string email, CurrentCaller caller, Groups groups, CancellationToken cancel) =>
                Plain(await groups.AddMember(name, email, caller.Viewer.Origin, cancel))
        );
        admin.MapDelete(
            "/groups/{name}/members/{email}",
            async (string name, string email, CurrentCaller caller, Groups groups, CancellationToken cancel) =>
                Plain(await groups.RemoveMember(name, email, caller.Viewer.Origin, cancel))
        );
        admin.MapGet(
            "/tokens",
            async (Tokens tokens, CancellationToken cancel) =>
                TypedResults.Ok(new TokensView(await tokens.List(cancel)))
        );
        admin.MapPost("/tokens", AddToken).Produces<NewToken>(201).RequireRecentSignIn();
        admin.MapDelete(
            "/tokens/{id:long}",
            async (long id, CurrentCaller caller, Tokens tokens, CancellationToken cancel) =>
                Plain(await tokens.Revoke(id, caller.Viewer.Origin, cancel))
        );
        admin.MapGet("/sources", ListSources).Produces<SourcesView>();
        admin.MapGet("/sources/{name}/rejected-bodies", ListRejectedBodies).Produces<RejectedBodiesView>();
        admin.MapPost("/sources", AddSource).Produces<NewSourceKey>(201);
        admin.MapPatch("/sources/{name}", ChangeSource).Produces<SourceView>();
        admin.MapPost("/sources/{name}/key", RotateSource).Produces<NewSourceKey>();
        admin.MapDelete(
            "/sources/{name}/old-key",
            async (string name, CurrentCaller caller, Sources sources, CancellationToken cancel) =>
                Plain(await sources.EndOldKey(name, caller.Viewer.Origin, cancel))
        );
        admin.MapPost(
            "/sources/{name}/disable",
            async (string name, CurrentCaller caller, Sources sources, CancellationToken cancel) =>
                Plain(await sources.Disable(name, caller.Viewer.Origin, cancel))
        );
        admin.MapPost(
            "/sources/{name}/enable",
            async (string name, CurrentCaller caller, Sources sources, CancellationToken cancel) =>
                Plain(await sources.Enable(name, caller.Viewer.Origin, cancel))
        );
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
        CancellationToken cancel
    ) =>
        Answer(
            await sources.Add(
                body.Value.Name,
                body.Value.Kind ?? "api",
                body.Value.Group,
                body.Value.Need,
                caller.Viewer.Origin,
                cancel,
                body.Value.Destination,
                body.Value.Owner
            ),
            key => TypedResults.Json(key, ApiJson.Wire.NewSourceKey, statusCode: 201)
        );

    private static async Task<IResult> ChangeSource(
        string name,
        JsonBody<SourceChangeBody> body,
        CurrentCaller caller,
        Sources sources,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var wanted = body.Value;
        var (unknown, claimed) = (
            RequesterRules.UnknownOf(wanted.UnknownRequester ?? ""),
            RequesterRules.ClaimedOf(wanted.ClaimedRequester ?? "")
        );
        if (unknown is null && wanted.UnknownRequester is not null)
            return Problems.Invalid("unknownRequester", "Must be one_more, refuse or allow.");
        if (claimed is null && wanted.ClaimedRequester is not null)
            return Problems.Invalid("claimedRequester", "Must be accept or one_more.");
        var outcome = await sources.Set(
            name,
            new SourceReviewers(wanted.Group, wanted.Need, wanted.Destination, wanted.OneAdmin),
            new SourceRequesterRules(unknown, claimed, wanted.Owner, wanted.RequesterRequired),
            caller.Viewer.Origin,
            cancel
        );
        var snapshot = await directory.Refresh(cancel);
        return Answer(outcome, id => TypedResults.Ok(SourceView.From(snapshot.Sources[id], snapshot)));
    }

    private static async Task<IResult> RotateSource(
        string name,
        CurrentCaller caller,
        Sources sources,
        CancellationToken cancel
    ) => Answer(await sources.Rotate(name, caller.Viewer.Origin, cancel), key => TypedResults.Ok(key));

    private static ProblemHttpResult WouldBlock(string text) =>
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
