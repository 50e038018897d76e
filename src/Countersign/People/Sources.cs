using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.People;

/// <summary>A source's key just made; the only moment at which its text is known.</summary>
public sealed record NewSourceKey(long Id, string Name, string Key);

/// <summary>
/// Who decides what a source asks, unless a policy says otherwise: so many of a group, a destination, or one admin.
/// Only the number: so many of the group that it has.
/// </summary>
public sealed record SourceReviewers(string? Group, int? Need, string? Destination, bool IsOneAdmin)
{
    /// <summary>About which field there is something to say, and what.</summary>
    internal (string Field, string Why)? Problem =>
        Need is < 1 or > 100 ? ("need", "The number of approvals must be between 1 and 100.")
        : Destination is not null && Group is not null ? ("destination", "Choose either a group or a destination.")
        : Destination is not null && Need is not null ? ("need", "A number of approvals requires a group.")
        : IsOneAdmin && (Group ?? Destination) is not null
            ? ("oneAdmin", "Choose either one admin or a group or destination.")
        : IsOneAdmin && Need is not null ? ("need", "A number of approvals requires a group.")
        : null;
}

/// <summary>
/// What a source says about the people behind its requests; a member that is null stays as it is. An empty
/// <paramref name="Owner"/> leaves it without one.
/// </summary>
public sealed record SourceRequesterRules(
    UnknownRequester? UnknownRequester = null,
    ClaimedRequester? ClaimedRequester = null,
    string? Owner = null,
    bool? RequesterRequired = null
);

/// <summary>
/// Sources: the systems that ask, each known by its key. During a rotation the old key goes on working until the next
/// rotation or until it is ended. A service person stands as creator of a source's requests.
/// </summary>
public sealed class Sources(Store store)
{
    /// <summary>Asked of the store, for what must not happen any more from this moment on.</summary>
    internal static async ValueTask<bool> IsDisabled(Reader reader, long id) =>
        await reader.Number("SELECT count(*) FROM sources WHERE id = @id AND disabled_at IS NOT NULL", new { id }) > 0;

    public async Task<AccessOutcome<NewSourceKey>> Add(
        string name,
        string kind,
        string? group,
        int? need,
        Origin origin,
        CancellationToken cancel,
        string? destination = null,
        string? owner = null,
        DateTimeOffset? keyExpires = null,
        AgentClient? client = null
    )
    {
        var decides = new SourceReviewers(group, need, destination, IsOneAdmin: (group ?? destination) is null);
        if (Problem<NewSourceKey>(name, kind, decides, owner) is { } problem)
            return problem;
        if (SetAgentClient.Problem(client, kind) is { } wrong)
            return new AccessOutcome<NewSourceKey>.Invalid(wrong.Field, wrong.Why);
        var key = Keys.NewSourceKey();
        return await store.InTransaction(
            async tx =>
            {
                if (client is not null && await SetAgentClient.IsTaken(tx, client))
                    return SetAgentClient.Taken<NewSourceKey>();
                var added = await Add(tx, name, kind, group, need, destination, owner, key, origin, keyExpires);
                if (client is not null && added is AccessOutcome<NewSourceKey>.Done)
                    await SetAgentClient.Run(tx, name, client, origin);
                return added;
            },
            cancel
        );
    }

    /// <summary>Null, or what is wrong with a source to be.</summary>
    internal static AccessOutcome<T>? Problem<T>(string name, string kind, SourceReviewers decides, string? owner) =>
        Names.Problem(name.Trim()) is { } badName ? new AccessOutcome<T>.Invalid("name", badName)
        : !SourceKinds.All.Contains(kind)
            ? new AccessOutcome<T>.Invalid("kind", $"A source's kind is one of {string.Join(", ", SourceKinds.All)}.")
        : SourceKinds.NeedsOwner(kind) && string.IsNullOrWhiteSpace(owner) ? NeedsOwner<T>(kind)
        : decides.Problem is { } problem ? new AccessOutcome<T>.Invalid(problem.Field, problem.Why)
        : null;

    /// <summary>Inside a transaction that has more to do; everything was checked before.</summary>
    internal static async ValueTask<AccessOutcome<NewSourceKey>> Add(
        Tx tx,
        string name,
        string kind,
        string? group,
        int? need,
        string? destination,
        string? owner,
        string key,
        Origin origin,
        DateTimeOffset? keyExpires = null
    )
    {
        name = name.Trim();
        var hash = Keys.HashOf(key);
        var keyUntil = keyExpires is { } expires ? Instant.ToText(expires) : null;
        if (
            await tx.Number("SELECT id FROM sources WHERE name_key = @key", new { key = PeopleDirectory.KeyOf(name) })
            != 0
        )
        {
            return new AccessOutcome<NewSourceKey>.Exists("a source with this name");
        }
        var (groupId, leftTo) = (await GroupOf(tx, group), await DestinationOf(tx, destination));
        if (groupId is null && group is not null)
            return Groups.NoGroup<NewSourceKey>();
        if (leftTo is null && destination is not null)
            return NoDestination<NewSourceKey>();
        long? ownerId = string.IsNullOrWhiteSpace(owner) ? null : await OwnerOf(tx, owner, kind);
        if (ownerId == 0)
            return NoOwner<NewSourceKey>(kind);
        var person = await tx.Number(
            "INSERT INTO people (name, role, created_at) VALUES (@name, 'service', @now) RETURNING id",
            new { name, now = tx.Now }
        );
        var id = await tx.Number(
            """
            INSERT INTO sources (name, name_key, kind, person_id, key_hash, group_id, need, destination,
            owner_id, created_at, key_expires_at)
            VALUES (@name, @nameKey, @kind, @person, @hash, @groupId, @need, @destination, @ownerId, @now, @keyUntil)
            RETURNING id
            """,
            new
            {
                name,
                nameKey = PeopleDirectory.KeyOf(name),
                kind,
                person,
                hash,
                groupId,
                need,
                destination = leftTo,
                ownerId,
                now = tx.Now,
                keyUntil,
            }
        );
        await tx.Append(
            $"source:{id}",
            origin,
            "source.added",
            new
            {
                name,
                kind,
                group = groupId,
                need,
                destination = leftTo,
                owner = ownerId,
                person,
                key = Keys.Fingerprint(hash),
                keyUntil,
            }
        );
        await PeopleDirectory.Changed(tx);
        return new AccessOutcome<NewSourceKey>.Done(new NewSourceKey(id, name, key));
    }

    /// <summary>
    /// Others decide what it asks from now on. What it asked already keeps the people who were asked.
    /// </summary>
    public Task<AccessOutcome<long>> Set(
        string name,
        SourceReviewers wanted,
        Origin origin,
        CancellationToken cancel
    ) => Set(name, wanted, null, origin, cancel);

    /// <summary>
    /// What it costs from now on that a requester is not known or not proven, and who answers for the source.
    /// </summary>
    public Task<AccessOutcome<long>> Set(
        string name,
        SourceRequesterRules wanted,
        Origin origin,
        CancellationToken cancel
    ) => Set(name, null, wanted, origin, cancel);

    /// <summary>Both at once or neither; null leaves that half as it is.</summary>
    public async Task<AccessOutcome<long>> Set(
        string name,
        SourceReviewers? decides,
        SourceRequesterRules? asks,
        Origin origin,
        CancellationToken cancel
    )
    {
        if (decides?.Problem is { } problem)
            return new AccessOutcome<long>.Invalid(problem.Field, problem.Why);
        if (decides is null or { Group: null, Need: null, Destination: null, IsOneAdmin: false })
            decides = null;
        if (asks == new SourceRequesterRules())
            asks = null;
        if (decides is null && asks is null)
        {
            return new AccessOutcome<long>.Invalid(
                "group",
                "Nothing to change. Give a group, a number of approvals, a destination, one admin, an owner, "
                    + "or how requesters are treated."
            );
        }
        return await store.InTransaction(tx => Set(tx, name, decides, asks, origin), cancel);
    }

    /// <summary>Inside a transaction that has more to do; null leaves that half as it is.</summary>
    internal static async ValueTask<AccessOutcome<long>> Set(
        Tx tx,
        string name,
        SourceReviewers? decides,
        SourceRequesterRules? asks,
        Origin origin
    )
    {
        var before = await Locked(tx, name);
        if (before is null)
            return NoSource<long>();
        var (after, refused) = (before, (AccessOutcome<long>?)null);
        if (decides is not null)
            (after, refused) = await With(tx, after, decides);
        if (refused is null && asks is not null)
            (after, refused) = await With(tx, after, asks);
        if (refused is not null)
            return refused;
        await Change(tx, before, after, origin);
        return new AccessOutcome<long>.Done(before.Id);
    }

    private static async ValueTask<(SettingsRow After, AccessOutcome<long>? Refused)> With(
        Tx tx,
        SettingsRow before,
        SourceReviewers wanted
    )
    {
        var (group, destination) = (await GroupOf(tx, wanted.Group), await DestinationOf(tx, wanted.Destination));
        if (group is null && wanted.Group is not null)
            return (before, Groups.NoGroup<long>());
        if (destination is null && wanted.Destination is not null)
            return (before, NoDestination<long>());
        if (wanted is { Need: not null, Group: null })
            group = before.GroupId;
        if (wanted.Need is not null && group is null)
        {
            return (before, new AccessOutcome<long>.Invalid("need", "A number of approvals requires a group."));
        }
        // The same group named once more keeps its number.
        var need = wanted.Need ?? (group is not null && group == before.GroupId ? before.Need : null);
        return (before with { GroupId = group, Need = need, Destination = destination }, null);
    }

    private static async ValueTask<(SettingsRow After, AccessOutcome<long>? Refused)> With(
        Tx tx,
        SettingsRow before,
        SourceRequesterRules wanted
    )
    {
        if (wanted.RequesterRequired is true && before.Kind != SourceKinds.Api)
        {
            return (
                before,
                new AccessOutcome<long>.Invalid(
                    "requesterRequired",
                    "Only a source of kind api can require a requester."
                )
            );
        }
        var owner = before.OwnerId;
        if (wanted.Owner is { } email)
        {
            owner = email.Trim().Length == 0 ? null : await OwnerOf(tx, email, before.Kind);
            if (owner is null && SourceKinds.NeedsOwner(before.Kind))
                return (before, NeedsOwner<long>(before.Kind));
            // An owner who was disabled since may be named again with the rest of a form.
            if (owner == 0 && before.OwnerId is { } same && same == await OwnerOf(tx, email, SourceKinds.Api))
                owner = same;
            if (owner == 0)
                return (before, NoOwner<long>(before.Kind));
        }
        return (
            before with
            {
                UnknownRequester = wanted.UnknownRequester?.ToWireName() ?? before.UnknownRequester,
                ClaimedRequester = wanted.ClaimedRequester?.ToWireName() ?? before.ClaimedRequester,
                OwnerId = owner,
                RequesterRequired = wanted.RequesterRequired switch
                {
                    null => before.RequesterRequired,
                    true => 1,
                    false => 0,
                },
            },
            null
        );
    }

    private static ValueTask<SettingsRow?> Locked(Tx tx, string name) =>
        tx.First<SettingsRow>(
            $"""
            SELECT id, kind, group_id, need, destination, unknown_requester, claimed_requester, owner_id,
            requester_required
            FROM sources WHERE name_key = @key AND kind <> 'built-in'{tx.ForUpdate}
            """,
            new { key = PeopleDirectory.KeyOf(name) }
        );

    /// <summary>The event holds every setting, so that the latest one alone says how the source is set.</summary>
    private static async ValueTask Change(Tx tx, SettingsRow before, SettingsRow after, Origin origin)
    {
        if (after == before)
            return;
        var settings = new
        {
            id = after.Id,
            group = after.GroupId,
            need = after.Need,
            destination = after.Destination,
            unknownRequester = after.UnknownRequester,
            claimedRequester = after.ClaimedRequester,
            owner = after.OwnerId,
            requesterRequired = after.RequesterRequired,
        };
        await tx.Execute(
            """
            UPDATE sources
            SET group_id = @group, need = @need, destination = @destination, unknown_requester = @unknownRequester,
              claimed_requester = @claimedRequester, owner_id = @owner, requester_required = @requesterRequired
            WHERE id = @id
            """,
            settings
        );
        await tx.Append(
            $"source:{after.Id}",
            origin,
            "source.changed",
            new
            {
                settings.group,
                settings.need,
                settings.destination,
                settings.unknownRequester,
                settings.claimedRequester,
                settings.owner,
                requesterRequired = after.RequesterRequired != 0,
            }
        );
        await PeopleDirectory.Changed(tx);
    }

    /// <param name="keyExpires">Until when the new key is taken; the old one keeps its own time.</param>
    public async Task<AccessOutcome<NewSourceKey>> Rotate(
        string name,
        Origin origin,
        CancellationToken cancel,
        DateTimeOffset? keyExpires = null
    )
    {
        var key = Keys.NewSourceKey();
        var hash = Keys.HashOf(key);
        var outcome = await Update(
            name,
            origin,
            "source.rotated",
            """
            UPDATE sources
            SET old_key_hash = key_hash, old_key_expires_at = key_expires_at, key_hash = @hash,
              key_expires_at = @until
            WHERE id = @id
            """,
            hash,
            cancel,
            keyExpires
        );
        return outcome switch
        {
            AccessOutcome<long>.Done { Value: var id } => new AccessOutcome<NewSourceKey>.Done(
                new NewSourceKey(id, name.Trim(), key)
            ),
            _ => NoSource<NewSourceKey>(),
        };
    }

    public Task<AccessOutcome<long>> EndOldKey(string name, Origin origin, CancellationToken cancel) =>
        Update(
            name,
            origin,
            "source.old_key_ended",
            """
            UPDATE sources SET old_key_hash = NULL, old_key_expires_at = NULL
            WHERE id = @id AND old_key_hash IS NOT NULL
            """,
            "",
            cancel
        );

    /// <summary>Of the newest key; null: it doesn't expire.</summary>
    public Task<AccessOutcome<long>> SetKeyExpiry(
        string name,
        DateTimeOffset? at,
        Origin origin,
        CancellationToken cancel
    ) => store.InTransaction(tx => SetKeyExpiry(tx, name, at, origin), cancel);

    internal static ValueTask<AccessOutcome<long>> SetKeyExpiry(
        Tx tx,
        string name,
        DateTimeOffset? at,
        Origin origin
    ) =>
        Update(
            tx,
            name,
            origin,
            "source.key_expiry_set",
            "UPDATE sources SET key_expires_at = @until WHERE id = @id AND COALESCE(key_expires_at, '') <> @untilText",
            "",
            at
        );

    public Task<AccessOutcome<long>> Disable(string name, Origin origin, CancellationToken cancel) =>
        store.InTransaction(tx => Disable(tx, name, origin), cancel);

    internal static ValueTask<AccessOutcome<long>> Disable(Tx tx, string name, Origin origin) =>
        Update(
            tx,
            name,
            origin,
            "source.disabled",
            "UPDATE sources SET disabled_at = @now WHERE id = @id AND disabled_at IS NULL",
            ""
        );

    public Task<AccessOutcome<long>> Enable(string name, Origin origin, CancellationToken cancel) =>
        store.InTransaction(tx => Enable(tx, name, origin), cancel);

    internal static ValueTask<AccessOutcome<long>> Enable(Tx tx, string name, Origin origin) =>
        Update(
            tx,
            name,
            origin,
            "source.enabled",
            "UPDATE sources SET disabled_at = NULL WHERE id = @id AND disabled_at IS NOT NULL",
            ""
        );

    private Task<AccessOutcome<long>> Update(
        string name,
        Origin origin,
        string kind,
        string sql,
        string hash,
        CancellationToken cancel,
        DateTimeOffset? until = null
    ) => store.InTransaction(tx => Update(tx, name, origin, kind, sql, hash, until), cancel);

    private static async ValueTask<AccessOutcome<long>> Update(
        Tx tx,
        string name,
        Origin origin,
        string kind,
        string sql,
        string hash,
        DateTimeOffset? until = null
    )
    {
        var keyUntil = until is { } expires ? Instant.ToText(expires) : null;
        var id = await tx.Number(
            "SELECT id FROM sources WHERE name_key = @key AND kind <> 'built-in'",
            new { key = PeopleDirectory.KeyOf(name) }
        );
        if (id == 0)
            return NoSource<long>();
        if (
            await tx.Execute(
                sql,
                new
                {
                    id,
                    now = tx.Now,
                    hash,
                    until = keyUntil,
                    untilText = keyUntil ?? "",
                }
            ) == 1
        )
        {
            await tx.Append(
                $"source:{id}",
                origin,
                kind,
                new { key = hash.Length > 0 ? Keys.Fingerprint(hash) : null, keyUntil }
            );
            await PeopleDirectory.Changed(tx);
        }
        return new AccessOutcome<long>.Done(id);
    }

    private static async ValueTask<long?> GroupOf(Tx tx, string? name) =>
        name is not null
        && await tx.Number("SELECT id FROM groups WHERE name_key = @key", new { key = PeopleDirectory.KeyOf(name) })
            is not 0
                and var id
            ? id
            : null;

    /// <summary>0 when no person has the address, or that person can't own a source of this kind.</summary>
    private static ValueTask<long> OwnerOf(Tx tx, string email, string kind) =>
        tx.Number(
            $"""
            SELECT id FROM people WHERE email_key = @key AND role <> 'service'
            {(SourceKinds.NeedsOwner(kind) ? "AND disabled_at IS NULL" : "")}
            """,
            new { key = EmailAddress.KeyOf(email) }
        );

    private static AccessOutcome<T> NeedsOwner<T>(string kind) =>
        new AccessOutcome<T>.Invalid(
            "owner",
            $"A source of kind {kind} needs an owner: the email of the person who answers for it and can't decide "
                + "its requests."
        );

    private static AccessOutcome<T> NoOwner<T>(string kind) =>
        SourceKinds.NeedsOwner(kind)
            ? new AccessOutcome<T>.Invalid("owner", "There is no person with this email, or they are disabled.")
            : Accounts.NoPerson<T>();

    /// <summary>By the name that it has there.</summary>
    private static async ValueTask<string?> DestinationOf(Tx tx, string? name) =>
        name is null
            ? null
            : await tx.Text(
                "SELECT name FROM destinations WHERE name_key = @key",
                new { key = PeopleDirectory.KeyOf(name) }
            );

    private static AccessOutcome<T> NoDestination<T>() => new AccessOutcome<T>.NotFound("a destination with this name");

    private static AccessOutcome<T> NoSource<T>() => new AccessOutcome<T>.NotFound("a source with this name");

    private sealed record SettingsRow
    {
        public long Id { get; init; }
        public string Kind { get; init; } = "";
        public long? GroupId { get; init; }
        public long? Need { get; init; }
        public string? Destination { get; init; }
        public string UnknownRequester { get; init; } = "";
        public string ClaimedRequester { get; init; } = "";
        public long? OwnerId { get; init; }
        public long RequesterRequired { get; init; }
    }
}
