using Countersign.Storage;

namespace Countersign.Access;

/// <summary>A source's key just made; the only moment at which its text is known.</summary>
public sealed record NewKey(long Id, string Name, string Key);

/// <summary>
/// Who decides what a source asks, unless a policy says otherwise: so many of a group, a destination, or one admin. Only
/// the number: so many of the group that it has.
/// </summary>
public sealed record WhoDecidesFor(string? Group, int? Need, string? Destination, bool IsOneAdmin)
{
    /// <summary>About which field there is something to say, and what.</summary>
    internal (string Field, string Why)? Problem =>
        Need is < 1 or > 100 ? ("need", "The number of approvals is between 1 and 100.")
        : Destination is not null && Group is not null ? ("destination", "Either a group decides or a destination.")
        : Destination is not null && Need is not null ? ("need", "A number of approvals needs a group to come from.")
        : IsOneAdmin && (Group ?? Destination) is not null ? ("oneAdmin", "Either one admin decides or somebody named.")
        : IsOneAdmin && Need is not null ? ("need", "A number of approvals needs a group to come from.")
        : null;
}

/// <summary>
/// Sources: the systems that ask, each known by its key. During a rotation the old key goes on working until the next
/// rotation or until it is ended. A service person stands as creator of a source's requests.
/// </summary>
public sealed class Sources(Store store)
{
    public async Task<AccessOutcome<NewKey>> Add(string name, string kind, string? group, int? need, Origin origin, CancellationToken cancel, string? destination = null)
    {
        name = name.Trim();
        if (Names.Problem(name) is { } bad)
            return new AccessOutcome<NewKey>.Invalid("name", bad);
        if (kind is not ("launchdarkly" or "api"))
            return new AccessOutcome<NewKey>.Invalid("kind", "A source is of kind launchdarkly or api.");
        if (new WhoDecidesFor(group, need, destination, IsOneAdmin: (group ?? destination) is null).Problem is { } problem)
            return new AccessOutcome<NewKey>.Invalid(problem.Field, problem.Why);
        var key = Keys.NewSourceKey();
        var hash = Keys.HashOf(key);
        return await store.InTransaction<AccessOutcome<NewKey>>(async tx =>
        {
            if (await tx.Number("SELECT id FROM sources WHERE name_key = @key", new { key = Directory.KeyOf(name) }) != 0)
                return new AccessOutcome<NewKey>.Exists("a source with this name");
            var (groupId, leftTo) = (await GroupOf(tx, group), await DestinationOf(tx, destination));
            if (groupId is null && group is not null)
                return Groups.NoGroup<NewKey>();
            if (leftTo is null && destination is not null)
                return NoDestination<NewKey>();
            var person = await tx.Number("INSERT INTO people (name, role, created_at) VALUES (@name, 'service', @now) RETURNING id", new { name, now = tx.Now });
            var id = await tx.Number(
                """
                INSERT INTO sources (name, name_key, kind, person_id, key_hash, group_id, need, destination, created_at)
                VALUES (@name, @nameKey, @kind, @person, @hash, @groupId, @need, @destination, @now) RETURNING id
                """,
                new { name, nameKey = Directory.KeyOf(name), kind, person, hash, groupId, need, destination = leftTo, now = tx.Now });
            await tx.Append($"source:{id}", origin, "source.added", new { name, kind, group = groupId, need, destination = leftTo });
            await tx.Signal(Directory.Signal);
            return new AccessOutcome<NewKey>.Done(new NewKey(id, name, key));
        }, cancel);
    }

    /// <summary>Somebody else decides what it asks from now on. What it asked already keeps the people who were asked.</summary>
    public async Task<AccessOutcome<long>> Set(string name, WhoDecidesFor wanted, Origin origin, CancellationToken cancel)
    {
        if (wanted.Problem is { } problem)
            return new AccessOutcome<long>.Invalid(problem.Field, problem.Why);
        if (wanted is { Group: null, Need: null, Destination: null, IsOneAdmin: false })
            return new AccessOutcome<long>.Invalid("group", "Say who decides: a group, a number of it, a destination, or one admin.");
        return await store.InTransaction<AccessOutcome<long>>(async tx =>
        {
            var before = await tx.First<DecidersRow>($"SELECT id, group_id, need, destination FROM sources WHERE name_key = @key AND kind <> 'built-in'{tx.ForUpdate}", new { key = Directory.KeyOf(name) });
            if (before is null)
                return NoSource<long>();
            var (group, destination) = (await GroupOf(tx, wanted.Group), await DestinationOf(tx, wanted.Destination));
            if (group is null && wanted.Group is not null)
                return Groups.NoGroup<long>();
            if (destination is null && wanted.Destination is not null)
                return NoDestination<long>();
            if (wanted is { Need: not null, Group: null })
                group = before.GroupId;
            if (wanted.Need is not null && group is null)
                return new AccessOutcome<long>.Invalid("need", "A number of approvals needs a group to come from.");
            // The same group named once more keeps its number.
            var need = wanted.Need ?? (group is not null && group == before.GroupId ? before.Need : null);
            if ((group, need, destination) != (before.GroupId, before.Need, before.Destination))
            {
                await tx.Execute("UPDATE sources SET group_id = @group, need = @need, destination = @destination WHERE id = @id", new { group, need, destination, id = before.Id });
                await tx.Append($"source:{before.Id}", origin, "source.changed", new { group, need, destination });
                await tx.Signal(Directory.Signal);
            }
            return new AccessOutcome<long>.Done(before.Id);
        }, cancel);
    }

    public async Task<AccessOutcome<NewKey>> Rotate(string name, Origin origin, CancellationToken cancel)
    {
        var key = Keys.NewSourceKey();
        var hash = Keys.HashOf(key);
        var outcome = await Update(name, origin, "source.rotated", "UPDATE sources SET old_key_hash = key_hash, key_hash = @hash WHERE id = @id", hash, cancel);
        return outcome switch
        {
            AccessOutcome<long>.Done { Value: var id } => new AccessOutcome<NewKey>.Done(new NewKey(id, name.Trim(), key)),
            _ => NoSource<NewKey>(),
        };
    }

    public Task<AccessOutcome<long>> EndOldKey(string name, Origin origin, CancellationToken cancel) =>
        Update(name, origin, "source.old_key_ended", "UPDATE sources SET old_key_hash = NULL WHERE id = @id AND old_key_hash IS NOT NULL", "", cancel);

    public Task<AccessOutcome<long>> Disable(string name, Origin origin, CancellationToken cancel) =>
        Update(name, origin, "source.disabled", "UPDATE sources SET disabled_at = @now WHERE id = @id AND disabled_at IS NULL", "", cancel);

    public Task<AccessOutcome<long>> Enable(string name, Origin origin, CancellationToken cancel) =>
        Update(name, origin, "source.enabled", "UPDATE sources SET disabled_at = NULL WHERE id = @id AND disabled_at IS NOT NULL", "", cancel);

    private Task<AccessOutcome<long>> Update(string name, Origin origin, string kind, string sql, string hash, CancellationToken cancel) =>
        store.InTransaction<AccessOutcome<long>>(async tx =>
        {
            var id = await tx.Number("SELECT id FROM sources WHERE name_key = @key AND kind <> 'built-in'", new { key = Directory.KeyOf(name) });
            if (id == 0)
                return NoSource<long>();
            if (await tx.Execute(sql, new { id, now = tx.Now, hash }) == 1)
            {
                await tx.Append($"source:{id}", origin, kind, new { });
                await tx.Signal(Directory.Signal);
            }
            return new AccessOutcome<long>.Done(id);
        }, cancel);

    private static async ValueTask<long?> GroupOf(Tx tx, string? name) =>
        name is not null && await tx.Number("SELECT id FROM groups WHERE name_key = @key", new { key = Directory.KeyOf(name) }) is not 0 and var id ? id : null;

    /// <summary>By the name that it has there.</summary>
    private static async ValueTask<string?> DestinationOf(Tx tx, string? name) =>
        name is null ? null : await tx.Text("SELECT name FROM destinations WHERE name_key = @key", new { key = Directory.KeyOf(name) });

    private static AccessOutcome<T> NoDestination<T>() => new AccessOutcome<T>.NotFound("a destination with this name");

    private static AccessOutcome<T> NoSource<T>() => new AccessOutcome<T>.NotFound("a source with this name");

    private sealed class DecidersRow
    {
        public long Id { get; init; }
        public long? GroupId { get; init; }
        public long? Need { get; init; }
        public string? Destination { get; init; }
    }
}
