using Countersign.Storage;

namespace Countersign.Access;

/// <summary>A source's key just made; the only moment at which its text is known.</summary>
public sealed record NewKey(long Id, string Name, string Key);

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
        if (need is not null && group is null)
            return new AccessOutcome<NewKey>.Invalid("need", "A number of approvals needs a group to come from.");
        if (need is < 1 or > 100)
            return new AccessOutcome<NewKey>.Invalid("need", "The number of approvals is between 1 and 100.");
        if (destination is not null && group is not null)
            return new AccessOutcome<NewKey>.Invalid("destination", "Either a group decides or a destination.");
        var key = Keys.NewSourceKey();
        var hash = Keys.HashOf(key);
        return await store.InTransaction<AccessOutcome<NewKey>>(async tx =>
        {
            if (await tx.Number("SELECT id FROM sources WHERE name_key = @key", new { key = Directory.KeyOf(name) }) != 0)
                return new AccessOutcome<NewKey>.Exists("a source with this name");
            long? groupId = null;
            if (group is not null)
            {
                groupId = await tx.Number("SELECT id FROM groups WHERE name_key = @key", new { key = Directory.KeyOf(group) });
                if (groupId == 0)
                    return Groups.NoGroup<NewKey>();
            }
            var leftTo = destination is null ? null : await tx.Text("SELECT name FROM destinations WHERE name_key = @key", new { key = Directory.KeyOf(destination) });
            if (leftTo is null && destination is not null)
                return new AccessOutcome<NewKey>.NotFound("a destination with this name");
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

    private static AccessOutcome<T> NoSource<T>() => new AccessOutcome<T>.NotFound("a source with this name");
}
