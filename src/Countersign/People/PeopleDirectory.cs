using System.Collections.Frozen;
using System.Text.Json;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.People;

public enum Role
{
    Admin,
    Agent,
    EndUser,
    Service,
}

public static class Roles
{
    public static string ToWireName(this Role role) =>
        role switch
        {
            Role.Admin => "admin",
            Role.Agent => "agent",
            Role.EndUser => "end-user",
            _ => "service",
        };

    /// <summary>The roles that people may be given; a source's service person is none of them.</summary>
    public static Role? Of(string word) =>
        word switch
        {
            "admin" => Role.Admin,
            "agent" => Role.Agent,
            "end-user" => Role.EndUser,
            _ => null,
        };
}

public sealed record Person(long Id, string? Email, string Name, Role Role, bool IsDisabled, DateTimeOffset CreatedAt)
{
    /// <summary>Names and email addresses in other systems, as an admin gave them.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Whether they prove themselves with more than a password.</summary>
    public bool HasSecondFactor { get; init; }

    /// <summary>What the person was called before, oldest first.</summary>
    public IReadOnlyList<string> EarlierNames { get; init; } = [];

    /// <summary>How others read of the person: with the email address while someone else has the same name.</summary>
    public string DisplayName { get; init; } = Name;

    public Approver AsApprover => new(Party.Person(Id), DisplayName);

    /// <summary>By what other systems may call this person.</summary>
    internal KnownPerson AsKnown => KnownPerson.Of(Id, Email, [Name, .. EarlierNames, .. Aliases]);
}

public sealed record Group(long Id, string Name, IReadOnlyList<long> Members, DateTimeOffset CreatedAt)
{
    public Approver AsApprover => new(Party.Group(Id), Name);
}

public sealed record Source(
    long Id,
    string Name,
    string Kind,
    long? PersonId,
    long? GroupId,
    int? Need,
    bool IsDisabled,
    DateTimeOffset CreatedAt,
    DateTimeOffset? LastUsedAt,
    string? Destination
)
{
    /// <summary>Its own rule for requests that nothing else decides; null: one admin.</summary>
    public Policy? Policy { get; init; }

    public UnknownRequester UnknownRequester { get; init; }
    public ClaimedRequester ClaimedRequester { get; init; }

    /// <summary>The person who answers for what it sends, and so may not decide it.</summary>
    public long? OwnerId { get; init; }

    /// <summary>
    /// Of kind api: it never asks in its own name, so a request that names no requester has an unknown one.
    /// </summary>
    public bool RequesterRequired { get; init; }

    /// <summary>What LaunchDarkly is asked about each of its requests before anything approves them.</summary>
    public OpenCheck Check { get; init; }

    /// <summary>Of an agent: whose access tokens act as it.</summary>
    public AgentClient? Client { get; init; }

    /// <summary>Until when the newest key is taken; null: until it is rotated.</summary>
    public DateTimeOffset? KeyExpires { get; init; }
    public DateTimeOffset? OldKeyExpires { get; init; }

    /// <summary>During a rotation the key before the newest one works too.</summary>
    public bool HasOldKey { get; init; }

    /// <summary>The fields that its LaunchDarkly integration asks requesters for.</summary>
    public SourceForm Form { get; init; } = SourceForm.Empty;

    public SourceRules Rules =>
        new(UnknownRequester, ClaimedRequester) { ForbidsSelfApproval = SourceKinds.NeedsOwner(Kind) };

    /// <summary>What its key is called in rate limits and in the record of last use.</summary>
    public string Key { get; } = $"source:{Id}";
}

/// <summary>People, groups, keys and sources at one moment.</summary>
public sealed class PeopleSnapshot
{
    public required long Revision { get; init; }
    public required FrozenDictionary<long, Person> People { get; init; }
    public required FrozenDictionary<string, Person> PeopleByEmail { get; init; }

    /// <summary>Whom a name or an address from another system may mean.</summary>
    public required RequesterIndex Requesters { get; init; }
    public required FrozenDictionary<long, Group> Groups { get; init; }
    public required FrozenDictionary<string, Group> GroupsByName { get; init; }
    public required FrozenDictionary<long, Source> Sources { get; init; }
    public required FrozenDictionary<string, Source> SourcesByName { get; init; }
    public required FrozenDictionary<string, Source> SourcesByKey { get; init; }

    /// <summary>As whom access tokens act.</summary>
    public required FrozenDictionary<AgentClient, Source> SourcesByClient { get; init; }

    /// <summary>By hash, of keys that expire.</summary>
    public required FrozenDictionary<string, DateTimeOffset> KeysUntil { get; init; }

    /// <summary>Of those who have a password: its slow hash, by person.</summary>
    public required FrozenDictionary<long, string> PasswordHashes { get; init; }

    /// <summary>Token hash to token id and owner.</summary>
    public required FrozenDictionary<string, (long Id, Person Person, bool Impersonates)> Tokens { get; init; }

    /// <summary>Rows that could not be read and are left out, so nobody is known by them: which, and why.</summary>
    public IReadOnlyList<string> Unreadable { get; init; } = [];

    /// <summary>Who may answer for which party, and who is away.</summary>
    public required Pools Pools { get; init; }

    /// <summary>The policy file in force, with its names looked up among these people and groups.</summary>
    public required PolicyBook Policies { get; init; }

    public Person? FindPerson(string email) => PeopleByEmail.GetValueOrDefault(EmailAddress.KeyOf(email));

    public Group? FindGroup(string name) => GroupsByName.GetValueOrDefault(PeopleDirectory.KeyOf(name));

    public Source? FindSource(string name) => SourcesByName.GetValueOrDefault(PeopleDirectory.KeyOf(name));

    /// <summary>A policy file that is not in force, beside these people and groups.</summary>
    public PolicyBook Draft(PolicyFile file) =>
        PolicyBook.Of(
            0,
            file,
            name => FindGroup(name)?.AsApprover,
            email => FindPerson(email) is { Role: not Role.Service } person ? person.AsApprover : null
        );

    public IReadOnlyList<Group> GroupsOf(long personId) =>
        [.. Groups.Values.Where(g => g.Members.Contains(personId)).OrderBy(g => g.Id)];
}

/// <summary>
/// The snapshot that the hot path asks, so that knowing a caller costs one hash and one look-up. It follows the store,
/// whoever wrote: a revoked token stops within a moment in every process. A snapshot that could not be checked for
/// <see cref="Oldest"/> is not used, because it may still know somebody who was shut out.
/// </summary>
public sealed class PeopleDirectory(Store store, TimeProvider? clock = null) : IPolicyNames, IDisposable
{
    internal const string Signal = "directory";

    /// <summary>
    /// People, groups, absences or what names them changed: every node reads them anew, and requests are looked at.
    /// </summary>
    internal static async ValueTask Changed(Tx tx)
    {
        await tx.Signal(Signal);
        await CheckForBlocked.MustFollow(tx);
    }

    private static readonly TimeSpan Oldest = TimeSpan.FromSeconds(5);

#pragma warning disable RS0030 // Its steady time stamps, not the time of day; tests of age bring their own.
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
#pragma warning restore RS0030
    private readonly SemaphoreSlim _one = new(1);
    private PeopleSnapshot? _snapshot;
    private long _checkedAt;

    /// <summary>How names are compared; email addresses are by <see cref="EmailAddress.KeyOf"/>.</summary>
    public static string KeyOf(string name) => name.Trim().ToLowerInvariant();

    /// <summary>How long ago the snapshot was last found to be what the store has.</summary>
    internal TimeSpan Age => _clock.GetElapsedTime(Interlocked.Read(ref _checkedAt));

    private bool IsFresh => Age < Oldest;

    /// <summary>Early enough that what was good when a call began is still good while it is answered.</summary>
    private bool NeedsNoLook => Age < Oldest / 2;

    /// <summary>The latest snapshot; <see cref="StoreUnavailable"/> when it could not be checked of late.</summary>
    public PeopleSnapshot Current =>
        _snapshot is { } snapshot && IsFresh
            ? snapshot
            : throw new StoreUnavailable("The data about people and keys couldn't be compared with the store.");

    /// <summary>
    /// The latest snapshot. A caller who finds one that was not checked for too long checks it: a server too busy for
    /// its background work is no reason to turn away a caller while the store can be read.
    /// </summary>
    public ValueTask<PeopleSnapshot> UpToDate(CancellationToken cancel) =>
        _snapshot is { } snapshot && NeedsNoLook ? new(snapshot) : Refresh(onlyIfStale: true, cancel);

    /// <summary>
    /// Reads again if anything has changed since; what an unknown credential does once before it is refused.
    /// </summary>
    public ValueTask<PeopleSnapshot> Refresh(CancellationToken cancel = default) => Refresh(onlyIfStale: false, cancel);

    async Task<IReadOnlyList<PolicyProblem>> IPolicyNames.FindUnknown(PolicyFile file, CancellationToken cancel)
    {
        var snapshot = await Refresh(cancel);
        var destinations = await store.Read(
            reader => reader.All<DestinationName>("SELECT name FROM destinations"),
            cancel
        );
        return snapshot
            .Draft(file)
            .UnknownNames(snapshot.Sources.Values.Select(s => s.Name), destinations.ConvertAll(d => d.Name));
    }

    ValueTask IPolicyNames.NotifyPublished(Tx tx) => Changed(tx);

    async Task IPolicyNames.Reload(CancellationToken cancel) => await Refresh(cancel);

    private async ValueTask<PeopleSnapshot> Refresh(bool onlyIfStale, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (onlyIfStale && _snapshot is { } checkedMeanwhile && NeedsNoLook)
                return checkedMeanwhile;
            var asked = _clock.GetTimestamp();
            var revision = await store.Read(
                r => r.Number("SELECT revision FROM signals WHERE name = @name", new { name = Signal }),
                cancel
            );
            if (_snapshot?.Revision != revision)
            {
                _snapshot = await store.ReadSnapshot(
                    reader => Load(reader, revision, _snapshot?.Policies ?? PolicyBook.Empty),
                    cancel
                );
            }
            Interlocked.Exchange(ref _checkedAt, asked);
            return _snapshot!;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private static async ValueTask<PeopleSnapshot> Load(Reader reader, long revision, PolicyBook lastPolicies)
    {
        var unreadable = new List<string>();
        // The revision was read before the rows: should they change in between, the next look reads them again.
        var personRows = await reader.All<PersonRow>(
            $"""
            SELECT id, email, name, {Requests.PersonNames.Sql("people")} AS display_name, role, password_hash,
            created_at, disabled_at
            FROM people
            """
        );
        var aliases = (await reader.All<TextRow>("SELECT person_id, text FROM aliases ORDER BY id")).ToLookup(
            r => r.PersonId,
            r => r.Text
        );
        var earlier = (
            await reader.All<TextRow>("SELECT person_id, text FROM former_names ORDER BY person_id, n")
        ).ToLookup(r => r.PersonId, r => r.Text);
        var secured = (await reader.All<MemberRow>("SELECT DISTINCT 0 AS group_id, person_id FROM second_factors"))
            .Select(r => r.PersonId)
            .ToHashSet();
        var people = Readable(
            personRows,
            r => r.ToPerson(aliases, earlier, secured),
            r => $"person {r.Id}",
            unreadable
        );
        var members = (
            await reader.All<MemberRow>("SELECT group_id, person_id FROM members ORDER BY person_id")
        ).ToLookup(m => m.GroupId, m => m.PersonId);
        var groups = Readable(
                await reader.All<GroupRow>("SELECT id, name, created_at FROM groups"),
                g => new Group(g.Id, g.Name, [.. members[g.Id]], Instant.Parse(g.CreatedAt)),
                g => $"group {g.Id}",
                unreadable
            )
            .ToFrozenDictionary(g => g.Id);
        var sourceRows = await reader.All<SourceRow>(
            """
            SELECT id, name, kind, person_id, key_hash, old_key_hash, group_id, need, destination, created_at,
            last_used_at, disabled_at, key_expires_at, old_key_expires_at,
              unknown_requester, claimed_requester, owner_id, requester_required,
              c.token, c.webhook_secret, c.identify, c.describe, f.variables AS form,
              a.client, a.subject
            FROM sources LEFT JOIN launchdarkly_connections c ON c.source_id = id
            LEFT JOIN agent_clients a ON a.source_id = id
            LEFT JOIN source_forms f ON f.source_id = id
            """
        );
        var sources = Readable(sourceRows, r => r.ToSource(groups), r => $"source {r.Id}", unreadable)
            .ToDictionary(s => s.Id);
        var byId = people.ToFrozenDictionary(p => p.Id);
        var tokens = await reader.All<TokenRow>(
            "SELECT id, person_id, hash, impersonates FROM tokens WHERE revoked_at IS NULL"
        );
        var byEmail = people.Where(p => p.Email is not null).ToFrozenDictionary(p => EmailAddress.KeyOf(p.Email!));
        var groupsByName = groups.Values.ToFrozenDictionary(g => KeyOf(g.Name));
        return new PeopleSnapshot
        {
            Revision = revision,
            Unreadable = unreadable,
            People = byId,
            Pools = await Requests.PoolRows.All(reader),
            Policies = await PolicyFiles.Load(
                reader,
                lastPolicies,
                name => groupsByName.GetValueOrDefault(KeyOf(name))?.AsApprover,
                email =>
                    byEmail.GetValueOrDefault(EmailAddress.KeyOf(email)) is { Role: not Role.Service } person
                        ? person.AsApprover
                        : null
            ),
            PeopleByEmail = byEmail,
            Requesters = RequesterIndex.Of(people.Where(p => p.Role != Role.Service).Select(p => p.AsKnown)),
            PasswordHashes = personRows
                .Where(p => p.PasswordHash is not null)
                .ToFrozenDictionary(p => p.Id, p => p.PasswordHash!),
            Groups = groups,
            GroupsByName = groupsByName,
            Sources = sources.ToFrozenDictionary(),
            SourcesByName = sources.Values.ToFrozenDictionary(s => KeyOf(s.Name)),
            SourcesByKey = (
                from row in sourceRows
                where row.DisabledAt is null && sources.ContainsKey(row.Id)
                from hash in new[] { row.KeyHash, row.OldKeyHash }
                where hash is not null
                select (hash, sources[row.Id])
            ).ToFrozenDictionary(p => p.hash, p => p.Item2),
            SourcesByClient = sources
                .Values.Where(s => s is { IsDisabled: false, Client: not null })
                .ToFrozenDictionary(s => s.Client!),
            KeysUntil = (
                from row in sourceRows
                where sources.ContainsKey(row.Id)
                from key in new[] { (row.KeyHash, row.KeyExpiresAt), (row.OldKeyHash, row.OldKeyExpiresAt) }
                where key.Item1 is not null && key.Item2 is not null
                select (Hash: key.Item1, Until: Instant.Parse(key.Item2))
            ).ToFrozenDictionary(k => k.Hash, k => k.Until),
            Tokens = tokens
                .Where(t => byId.TryGetValue(t.PersonId, out var owner) && !owner.IsDisabled)
                .ToFrozenDictionary(t => t.Hash, t => (t.Id, byId[t.PersonId], t.Impersonates != 0)),
        };
    }

    /// <summary>One unreadable row must not make all that call unknown.</summary>
    private static List<T> Readable<TRow, T>(
        List<TRow> rows,
        Func<TRow, T> read,
        Func<TRow, string> name,
        List<string> unreadable
    )
    {
        var all = new List<T>(rows.Count);
        foreach (var row in rows)
        {
            try
            {
                all.Add(read(row));
            }
            catch (Exception failure) when (failure is FormatException or JsonException or KeyNotFoundException)
            {
                unreadable.Add($"{name(row)}: {JobWorker.ErrorOf(failure)}");
            }
        }
        return all;
    }

    private sealed class DestinationName
    {
        public required string Name { get; init; }
    }

    private sealed class PersonRow
    {
        public long Id { get; init; }
        public string? Email { get; init; }
        public required string Name { get; init; }
        public required string DisplayName { get; init; }
        public required string Role { get; init; }
        public string? PasswordHash { get; init; }
        public required string CreatedAt { get; init; }
        public string? DisabledAt { get; init; }

        public Person ToPerson(ILookup<long, string> aliases, ILookup<long, string> earlier, HashSet<long> secured) =>
            new(
                Id,
                Email,
                Name,
                Roles.Of(Role) ?? Countersign.People.Role.Service,
                DisabledAt is not null,
                Instant.Parse(CreatedAt)
            )
            {
                DisplayName = DisplayName,
                Aliases = [.. aliases[Id]],
                EarlierNames = [.. earlier[Id]],
                HasSecondFactor = secured.Contains(Id),
            };
    }

    private sealed class TextRow
    {
        public long PersonId { get; init; }
        public required string Text { get; init; }
    }

    private sealed class MemberRow
    {
        public long GroupId { get; init; }
        public long PersonId { get; init; }
    }

    private sealed class GroupRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }
        public required string CreatedAt { get; init; }
    }

    private sealed class TokenRow
    {
        public long Impersonates { get; init; }
        public long Id { get; init; }
        public long PersonId { get; init; }
        public required string Hash { get; init; }
    }

    private sealed class SourceRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }
        public required string Kind { get; init; }
        public long? PersonId { get; init; }
        public string? KeyHash { get; init; }
        public string? OldKeyHash { get; init; }
        public string? KeyExpiresAt { get; init; }
        public string? OldKeyExpiresAt { get; init; }
        public long? GroupId { get; init; }
        public long? Need { get; init; }
        public string? Destination { get; init; }
        public required string CreatedAt { get; init; }
        public string? LastUsedAt { get; init; }
        public string? DisabledAt { get; init; }
        public required string UnknownRequester { get; init; }
        public required string ClaimedRequester { get; init; }
        public long? OwnerId { get; init; }
        public long RequesterRequired { get; init; }
        public string? Token { get; init; }
        public string? WebhookSecret { get; init; }
        public long? Identify { get; init; }
        public long? Describe { get; init; }
        public string? Client { get; init; }
        public string? Subject { get; init; }

        /// <summary>Without a token and a webhook there is no one to ask.</summary>
        private OpenCheck Check =>
            (Identify == 1 && (Token ?? WebhookSecret) is not null ? OpenCheck.Requester : OpenCheck.None)
            | (Describe == 1 && Token is not null ? OpenCheck.Change : OpenCheck.None);
        public string? Form { get; init; }

        public Source ToSource(FrozenDictionary<long, Group> groups) =>
            new(
                Id,
                Name,
                Kind,
                PersonId,
                GroupId,
                (int?)Need,
                DisabledAt is not null,
                Instant.Parse(CreatedAt),
                LastUsedAt is null ? null : Instant.Parse(LastUsedAt),
                Destination
            )
            {
                Policy =
                    Destination is not null ? new Policy("destination", []) { Destination = Destination }
                    : GroupId is { } group ? PolicySelection.OfSource(groups[group].AsApprover, (int)(Need ?? 1))
                    : null,
                // A word that this program does not know is taken for the strictest it knows.
                UnknownRequester = RequesterRules.UnknownOf(UnknownRequester) ?? Policies.UnknownRequester.Refuse,
                ClaimedRequester = RequesterRules.ClaimedOf(ClaimedRequester) ?? Policies.ClaimedRequester.OneMore,
                OwnerId = OwnerId,
                RequesterRequired = RequesterRequired != 0,
                HasOldKey = OldKeyHash is not null,
                KeyExpires = KeyExpiresAt is null ? null : Instant.Parse(KeyExpiresAt),
                OldKeyExpires = OldKeyExpiresAt is null ? null : Instant.Parse(OldKeyExpiresAt),
                Check = Check,
                Form = SourceForm.Read(Form),
                Client = Client is null ? null : new AgentClient(Client, Subject ?? Client),
            };
    }
}

/// <summary>Keeps the snapshot fresh for as long as the server runs.</summary>
public sealed partial class PeopleDirectoryRefresher(
    Store store,
    PeopleDirectory directory,
    ILogger<PeopleDirectoryRefresher> log
) : BackgroundService
{
    private long _noted = -1;

    /// <summary>Of which keys the log has warned, and on which day.</summary>
    private readonly Dictionary<long, DateTime> _warned = [];

    /// <summary>Nobody is served before the first look.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await directory.Refresh(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var changed = store.MaybeChanged(stoppingToken);
        return new WorkLoop("people and keys", log, maxWait: TimeSpan.FromSeconds(1)).Run(
            async cancel =>
            {
                try
                {
                    await changed;
                }
                finally
                {
                    // Asked for before looking, so that a change during the look is heard of.
                    changed = store.MaybeChanged(cancel);
                }
            },
            async cancel =>
            {
                var snapshot = await directory.Refresh(cancel);
                Warn(snapshot);
                if (snapshot.Revision == _noted)
                    return;
                _noted = snapshot.Revision;
                foreach (var unreadable in snapshot.Unreadable)
                    Log.Unreadable(log, unreadable);
            },
            stoppingToken
        );
    }

    /// <summary>Once a day of each key that expires soon or has expired.</summary>
    private void Warn(PeopleSnapshot snapshot)
    {
        foreach (var source in snapshot.Sources.Values)
        {
            var now = store.Now;
            if (
                source is not { IsDisabled: false, KeyExpires: { } until }
                || !KeyExpiry.IsNear(until, now)
                || _warned.GetValueOrDefault(source.Id) == now.UtcDateTime.Date
            )
            {
                continue;
            }
            _warned[source.Id] = now.UtcDateTime.Date;
            if (until <= now)
                Log.KeyExpired(log, source.Name, Instant.ToText(until));
            else
                Log.KeyExpires(log, source.Name, Instant.ToText(until));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The key of the source {Source} expires at {Until}. Rotate it before: countersign source "
                + "rotate <name>"
        )]
        public static partial void KeyExpires(ILogger log, string source, string until);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The key of the source {Source} expired at {Until}; its calls are refused. Rotate it: "
                + "countersign source rotate <name>"
        )]
        public static partial void KeyExpired(ILogger log, string source, string until);

        [LoggerMessage(Level = LogLevel.Error, Message = "Skipped, because it can't be read: {What}")]
        public static partial void Unreadable(ILogger log, string what);
    }
}
