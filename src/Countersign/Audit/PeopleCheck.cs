using System.Globalization;
using System.Text.Json;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

/// <summary>
/// Holds the rows of everything but requests beside what their histories say: people, groups, keys, sources,
/// destinations, tickets and what goes with them. Whoever adds a table that bears on a decision, or on who may see,
/// adds its events to <see cref="Take(StoredEvent, string, EventFields)"/> and its rows to <see cref="Stored"/>. A
/// column that no event of a row tells of is not compared; of secrets, events tell a hash. Tables of this kind are
/// small and are compared as a whole.
/// </summary>
internal sealed partial class PeopleCheck
{
    /// <summary>Row by row, in words, and of each row column by column.</summary>
    private readonly SortedDictionary<string, Dictionary<string, string?>> _expected = new(StringComparer.Ordinal);

    /// <summary>How often each person was renamed.</summary>
    private readonly Dictionary<string, int> _renamings = [];

    private readonly HashSet<long> _servicePeople = [];

    public PeopleCheck()
    {
        // The two that come with the store, and what nobody can change about them.
        foreach (var (id, name) in BuiltIn)
        {
            Timeline.BuiltIn(id, name);
            _expected[$"Source {id}"] = new()
            {
                ["name"] = name,
                ["name_key"] = name,
                ["kind"] = "built-in",
                ["other"] = "",
                ["created_at"] = "2026-01-01T00:00:00.000Z",
                ["key_hash"] = null,
                ["old_key_hash"] = null,
                ["key_expires_at"] = null,
                ["old_key_expires_at"] = null,
                ["group_id"] = "",
                ["need"] = "",
                ["destination"] = null,
                ["disabled_at"] = null,
                ["unknown_requester"] = UnknownRequester.OneMore.ToWireName(),
                ["claimed_requester"] = ClaimedRequester.Accept.ToWireName(),
                ["owner_id"] = "",
                ["requester_required"] = "0",
            };
        }
    }

    private static readonly (long Id, string Name)[] BuiltIn = [(1, "api"), (2, "zendesk")];

    public PeopleTimeline Timeline { get; } = new();

    /// <summary>Null, or what is wrong with this event. Events of other subjects change nothing here.</summary>
    public string? Take(StoredEvent next)
    {
        var colon = next.Subject.IndexOf(':', StringComparison.Ordinal);
        var kind = colon < 0 ? next.Subject : next.Subject[..colon];
        if (
            kind
            is not (
                PolicyFiles.Subject
                or RequestTypes.Subject
                or "person"
                or "group"
                or "source"
                or "webhook"
                or "destination"
                or "ticket"
            )
        )
        {
            return null;
        }
        var dot = next.Kind.IndexOf('.', StringComparison.Ordinal);
        var about = dot < 0 ? next.Kind : next.Kind[..dot];
        if (about is "token" or "session" ? kind != "person" : about != kind)
            return "is of a kind that does not belong into this history.";
        EventFields fields;
        try
        {
            fields = EventData.Read<EventFields>(next.Data);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return "holds data that Countersign does not write.";
        }
        var id = next.Subject[(colon + 1)..];
        if (!Take(next, id, fields))
            return "tells of something that no event before it has made.";
        if (
            long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || kind == PolicyFiles.Subject
        )
        {
            Remember(next, number, fields);
        }
        return null;
    }

    public async ValueTask Compare(Reader reader, ProblemList problems, CancellationToken cancel)
    {
        foreach (var (name, sql) in Stored)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                await foreach (var stored in reader.Each<StoredRow>(sql))
                    Compare(name, stored, problems);
            }
            catch (Exception fault) when (EventChainCheck.IsOfOneSubject(fault))
            {
                problems.Add($"The rows called \"{name}\" can't be read: {fault.Message}");
            }
        }
        var now = Instant.Parse(
            await reader.Text("SELECT at FROM events ORDER BY id DESC LIMIT 1") ?? Instant.ToText(default)
        );
        var longAgo = Instant.ToText(
            now > default(DateTimeOffset) + RetentionOptions.LeastUsedLinks
                ? now - RetentionOptions.LeastUsedLinks
                : now
        );
        foreach (var (gone, fields) in _expected)
        {
            // Without its hint, a request has no requester that LaunchDarkly named, which costs an approval more.
            if (
                !gone.StartsWith(Hint, StringComparison.Ordinal)
                && !(
                    gone.StartsWith(UsedLink, StringComparison.Ordinal)
                    && string.CompareOrdinal(fields.GetValueOrDefault("at"), longAgo) < 0
                )
            )
            {
                problems.Add($"{gone} is gone: events tell of it.");
            }
        }
    }

    private void Compare(string name, StoredRow stored, ProblemList problems)
    {
        var row = string.Format(CultureInfo.InvariantCulture, name, stored.Id, stored.Other, stored.Name);
        if (name == SourceRows && stored.Other is { } servant)
            _servicePeople.Add(servant);
        if (!_expected.Remove(row, out var fields))
        {
            if (!NeedsNoEvent(name, stored))
                problems.Add($"{row} is in the store, but no event tells of it.");
            return;
        }
        foreach (var (column, value) in fields)
        {
            if (value != stored[column])
                problems.Add($"{row}: its {Column(column)} is not what its events say.");
        }
    }

    /// <summary>
    /// A ticket that a request named is only a number until an event says more; a link that was used works no more,
    /// which takes nothing from anybody; and the service people of sources made before events named them.
    /// </summary>
    private bool NeedsNoEvent(string name, StoredRow stored) =>
        name switch
        {
            TicketRows => stored is { Other: null, Third: null, AssignedBy: null, AssignedByAdmin: 0, Requesters: "" },
            UsedLinkRows => true,
            PersonRows => stored.Role == "service" && stored.Email is null && _servicePeople.Contains(stored.Id),
            _ => false,
        };

    private static string Column(string column) =>
        column switch
        {
            "other" => "owner",
            "third" => "assignee",
            _ => column,
        };

    /// <summary>The same for questions about the past.</summary>
    private void Remember(StoredEvent next, long id, EventFields fields)
    {
        switch (next.Kind)
        {
            case "person.added":
                Timeline.Person(next, id, _ => new(default, fields.Role ?? "", false, 0, false, null));
                Timeline.Email(id, fields.Email ?? "");
                break;
            case "person.disabled":
                Timeline.Person(
                    next,
                    id,
                    p => p is null ? null : p with { IsDisabled = true, Disablings = p.Disablings + 1 }
                );
                break;
            case "person.enabled":
                Timeline.Person(next, id, p => p is null ? null : p with { IsDisabled = false });
                break;
            case "person.erased":
                Timeline.Erased.Add(id);
                break;
            case "person.role_changed":
                Timeline.Person(next, id, p => p is null ? null : p with { Role = fields.Role ?? "" });
                break;
            case "person.absence_set":
                Timeline.Person(
                    next,
                    id,
                    p => p is null ? null : p with { IsAway = fields.Begun, Delegate = fields.StandIn }
                );
                break;
            case "person.absence_began":
                Timeline.Person(next, id, p => p is null ? null : p with { IsAway = true });
                break;
            case "person.absence_ended":
                Timeline.Person(next, id, p => p is null ? null : p with { IsAway = false, Delegate = null });
                break;
            case "group.added":
                Timeline.Group(next, id, fields.Name ?? "");
                foreach (var member in fields.Members ?? [])
                    Timeline.Member(next, id, member, isIn: true);
                break;
            case "group.renamed":
                Timeline.Group(next, id, fields.Name ?? "");
                break;
            case "group.member_added" or "group.member_removed" when fields.Person is { } person:
                Timeline.Member(next, id, person, isIn: next.Kind == "group.member_added");
                break;
            case "source.added":
                Timeline.Source(
                    next,
                    id,
                    _ =>
                        new(default, fields.Name ?? "", fields.Group, fields.Need, fields.Destination)
                        {
                            Kind = fields.Kind ?? "",
                            Owner = fields.Owner,
                        }
                );
                break;
            case "source.changed":
                Timeline.Source(
                    next,
                    id,
                    s =>
                        new(default, s?.Name ?? "", fields.Group, fields.Need, fields.Destination)
                        {
                            Kind = s?.Kind ?? "",
                            Owner = fields.UnknownRequester is null ? s?.Owner : fields.Owner,
                        }
                );
                break;
            case "destination.added":
                Timeline.Destination(next, id, fields.Name ?? "");
                break;
            case "destination.link_resolved" when fields is { Request: { } request, By: "Exists" }:
                Timeline.Link(
                    request,
                    new RecordedLink(next.Id, id, fields.Content, fields.ExternalId, fields.Url, null)
                );
                break;
            case "destination.opened_late" when fields.Request is { } request:
                Timeline.Link(
                    request,
                    new RecordedLink(next.Id, id, fields.Content, fields.ExternalId, fields.Url, null)
                );
                break;
            case "ticket.added" or "ticket.changed" when fields.Assignee is { } assignee:
                // Events of an earlier form do not say who assigned it; then, whoever it was saw all its requests.
                if (!SaysWhoAssigned(next))
                    Timeline.Assignee(id, assignee);
                else if (fields.AssignedBy is not null)
                    Timeline.Assigned(id, assignee, fields.Requests ?? []);
                break;
            case "ticket.request_shared" when fields.Assignee is { } assignee:
                Timeline.Shared(id, assignee, fields.Requests ?? []);
                break;
            case "policy.set" when fields.Version is { } version:
                Timeline.PolicyFile(next, version);
                break;
        }
    }

    private bool Take(StoredEvent next, string id, EventFields fields) =>
        next.Subject.Split(':')[0] switch
        {
            "person" or "group" => TakePeople(next, id, fields),
            "source" => TakeSources(next, id, fields),
            "webhook" or "destination" or "ticket" => TakeSystems(next, id, fields),
            _ => TakePolicies(next, fields),
        };

    private bool TakePolicies(StoredEvent next, EventFields fields)
    {
        switch (next.Kind)
        {
            case "policy.set":
                _expected[$"Policy version {fields.Version}"] = new()
                {
                    ["hash"] = fields.Hash,
                    ["text"] = fields.Hash,
                    ["actor"] = next.Actor,
                    ["at"] = next.At,
                };
                return true;
            case RequestTypes.Subject + ".set":
                _expected.Remove($"Request types version {fields.Version - 1}");
                _expected[$"Request types version {fields.Version}"] = new()
                {
                    ["hash"] = fields.Hash,
                    ["text"] = fields.Hash,
                    ["actor"] = next.Actor,
                    ["at"] = next.At,
                };
                return true;
            default:
                return true;
        }
    }

    private bool Set(string row, string column, string? value)
    {
        if (!_expected.TryGetValue(row, out var columns))
            return false;
        columns[column] = value;
        return true;
    }

    private bool Count(string row, string column) =>
        _expected.TryGetValue(row, out var columns)
        && long.TryParse(columns[column], CultureInfo.InvariantCulture, out var before)
        && Set(row, column, $"{before + 1}");

    private void Remove(List<string> rows) => rows.ForEach(row => _expected.Remove(row));

    private bool SetIf(string row, string column, long? value) => value is null || Set(row, column, $"{value}");

    /// <summary>Values by name, in one order: given ones over those there.</summary>
    private static string SettingsText(string? before, Dictionary<string, string>? given)
    {
        var all = new SortedDictionary<string, string>(
            before is null ? [] : JsonSerializer.Deserialize<Dictionary<string, string>>(before) ?? [],
            StringComparer.Ordinal
        );
        foreach (var (key, value) in given ?? [])
            all[key] = value;
        return JsonSerializer.Serialize(all);
    }

    /// <summary>In one order, and as it is when it holds no values any more.</summary>
    private static string Plain(string settings)
    {
        try
        {
            return SettingsText(settings, null);
        }
        catch (JsonException)
        {
            return settings;
        }
    }

    /// <summary>Of which the event has the hash.</summary>
    private const string HintText = "member_id || '\n' || email || '\n' || name || '\n' || resource";

    private const string SourceRows = "Source {0}",
        PersonRows = "Person {0}",
        TicketRows = "Ticket {0}",
        Hint = "The hint on approval ",
        UsedLink = "The use of link ",
        UsedLinkRows = UsedLink + "{0}";

    /// <summary>
    /// How a row is called, and the rows. Sources come before people, of whom some stand only for a source.
    /// </summary>
    private static readonly (string Name, string Sql)[] Stored =
    [
        (
            SourceRows,
            """
            SELECT id, person_id AS other, name, name_key, kind, key_hash, old_key_hash, key_expires_at,
              old_key_expires_at, group_id, need, destination,
              created_at, disabled_at, unknown_requester, claimed_requester, owner_id, requester_required
            FROM sources ORDER BY id
            """
        ),
        (
            PersonRows,
            "SELECT id, email, email_key, name, role, created_at, disabled_at, disablings FROM people ORDER BY id"
        ),
        ("Alias {0}", "SELECT id, person_id AS other, kind, text, key, created_at FROM aliases ORDER BY id"),
        (
            "Earlier name {0} of person {1}",
            "SELECT n AS id, person_id AS other, text FROM former_names ORDER BY person_id, n"
        ),
        ("Group {0}", "SELECT id, name, name_key, created_at FROM groups ORDER BY id"),
        (
            "The membership in group {0} of person {1}",
            "SELECT group_id AS id, person_id AS other FROM members ORDER BY group_id, person_id"
        ),
        (
            "Token {0}",
            """
            SELECT id, person_id AS other, created_at, revoked_at, impersonates, hash AS hash_of_key FROM tokens
            ORDER BY id
            """
        ),
        (
            "Session {0}",
            "SELECT id, person_id AS other, created_at, until, hash AS hash_of_key FROM sessions ORDER BY id"
        ),
        (
            "Second factor {0}",
            "SELECT id, person_id AS other, kind, secret AS secrets, created_at FROM second_factors ORDER BY id"
        ),
        (
            "Recovery code {0} of person {1}",
            "SELECT n AS id, person_id AS other, hash AS hash_of_key FROM recovery_codes ORDER BY person_id, n"
        ),
        (
            "The absence of person {0}",
            "SELECT person_id AS id, stand_in, starts_at, ends_at, begun FROM absences ORDER BY person_id"
        ),
        ("Policy version {0}", "SELECT version AS id, hash, text, actor, at FROM policy_files ORDER BY version"),
        ("Request types version {0}", "SELECT version AS id, hash, text, actor, at FROM request_types"),
        ("Webhook {0}", "SELECT id, url, kinds, sources, owner_id, created_at, disabled_at FROM webhooks ORDER BY id"),
        (
            "Way in {0}",
            "SELECT id, person_id AS other, issuer, subject AS identity_subject, created_at FROM identities ORDER BY id"
        ),
        (
            "Destination {0}",
            """
            SELECT id, name, name_key, manifest, settings, secrets, created_at, paused_at FROM destinations
            ORDER BY id
            """
        ),
        (
            TicketRows,
            """
            SELECT id, requester_id AS other, assignee_id AS third, subject, status, assigned_by, assigned_by_admin,
            requesters
            FROM tickets ORDER BY id
            """
        ),
        (
            "The LaunchDarkly connection of source {0}",
            """
            SELECT source_id AS id, base_url, token, webhook_secret, identify, describe, apply, import_members
            FROM launchdarkly_connections ORDER BY source_id
            """
        ),
        ("The gate of source {0}", "SELECT source_id AS id, settings, secrets FROM gates ORDER BY source_id"),
        ("The form of source {0}", "SELECT source_id AS id, variables AS text FROM source_forms ORDER BY source_id"),
        (
            "The OAuth client of source {0}",
            "SELECT source_id AS id, client, subject FROM agent_clients ORDER BY source_id"
        ),
        (
            Hint + "{2} of source {0}",
            $"""
            SELECT source_id AS id, approval_id AS name, {HintText} AS text, at FROM launchdarkly_hints
            ORDER BY source_id, approval_id
            """
        ),
        (
            "Member {2} of source {0}",
            """
            SELECT source_id AS id, member_id AS name, person_id AS other FROM launchdarkly_members
            ORDER BY source_id, member_id
            """
        ),
        (UsedLinkRows, "SELECT delivery_id AS id, at FROM used_links ORDER BY delivery_id"),
        (
            "What person {0} switched off, {2}",
            "SELECT person_id AS id, channel AS name FROM mutes ORDER BY person_id, channel"
        ),
    ];

    private sealed class EventFields
    {
        public string? Email { get; init; }
        public string? Name { get; init; }
        public string? Role { get; init; }
        public string? Url { get; init; }
        public string? Events { get; init; }
        public string? Sources { get; init; }
        public long? Owner { get; init; }
        public string? Kind { get; init; }
        public long[]? Members { get; init; }
        public long? Person { get; init; }
        public long? Token { get; init; }
        public bool Impersonates { get; init; }
        public long? Session { get; init; }
        public long? Factor { get; init; }
        public string[]? Codes { get; init; }
        public long? Code { get; init; }
        public long? Identity { get; init; }
        public string? Issuer { get; init; }
        public string? Subject { get; init; }
        public string? Until { get; init; }
        public long? Group { get; init; }
        public long? Need { get; init; }
        public string? From { get; init; }
        public string? To { get; init; }
        public long? StandIn { get; init; }
        public bool Begun { get; init; }
        public long? Version { get; init; }
        public string? Hash { get; init; }
        public string? Destination { get; init; }
        public long? Alias { get; init; }
        public string? Text { get; init; }
        public string? UnknownRequester { get; init; }
        public string? ClaimedRequester { get; init; }
        public bool RequesterRequired { get; init; }
        public string? Key { get; init; }
        public string? KeyUntil { get; init; }
        public string? Channel { get; init; }
        public long? Delivery { get; init; }
        public string? Manifest { get; init; }
        public Dictionary<string, string>? Settings { get; init; }
        public string? Sealed { get; init; }
        public string? Secret { get; init; }
        public string? BaseUrl { get; init; }
        public bool Identify { get; init; }
        public bool Describe { get; init; }
        public bool Apply { get; init; }
        public bool ImportMembers { get; init; }
        public long? Requester { get; init; }
        public long? Assignee { get; init; }
        public string? Status { get; init; }
        public string? Request { get; init; }
        public string? By { get; init; }

        /// <summary>Of a ticket, by whom it was assigned: a person, where other events say a word.</summary>
        public long? AssignedBy => long.TryParse(By, CultureInfo.InvariantCulture, out var by) ? by : null;
        public bool ByAdmin { get; init; }
        public string[]? Requests { get; init; }
        public long? Content { get; init; }
        public string? ExternalId { get; init; }
        public string? Variables { get; init; }
        public string? Client { get; init; }
        public string? Approval { get; init; }
        public Dictionary<string, long>? Linked { get; init; }
    }

    private sealed class StoredRow
    {
        public long Id { get; init; }
        public long? Other { get; init; }
        public long? Third { get; init; }
        public string? Email { get; init; }
        public string? EmailKey { get; init; }
        public string? Name { get; init; }
        public string? NameKey { get; init; }
        public string? Role { get; init; }
        public string? Kind { get; init; }
        public long? GroupId { get; init; }
        public long? Need { get; init; }
        public string? Destination { get; init; }
        public string? CreatedAt { get; init; }
        public string? DisabledAt { get; init; }
        public long Disablings { get; init; }
        public string? RevokedAt { get; init; }
        public string? Url { get; init; }
        public string? Kinds { get; init; }
        public string? Sources { get; init; }
        public long? OwnerId { get; init; }
        public string? Issuer { get; init; }
        public string? IdentitySubject { get; init; }
        public long Impersonates { get; init; }
        public string? Until { get; init; }
        public long? StandIn { get; init; }
        public string? StartsAt { get; init; }
        public string? EndsAt { get; init; }
        public long Begun { get; init; }
        public string? Hash { get; init; }
        public string? Text { get; init; }
        public string? Actor { get; init; }
        public string? At { get; init; }
        public string? Key { get; init; }
        public string? UnknownRequester { get; init; }
        public string? ClaimedRequester { get; init; }
        public long RequesterRequired { get; init; }
        public string? KeyHash { get; init; }
        public string? OldKeyHash { get; init; }
        public string? KeyExpiresAt { get; init; }
        public string? OldKeyExpiresAt { get; init; }
        public string? HashOfKey { get; init; }
        public string? Manifest { get; init; }
        public string? Settings { get; init; }
        public string? Secrets { get; init; }
        public string? PausedAt { get; init; }
        public string? Subject { get; init; }
        public string? Status { get; init; }
        public long? AssignedBy { get; init; }
        public long AssignedByAdmin { get; init; }
        public string? Requesters { get; init; }
        public string? BaseUrl { get; init; }
        public string? Token { get; init; }
        public string? WebhookSecret { get; init; }
        public long Identify { get; init; }
        public long Describe { get; init; }
        public long Apply { get; init; }
        public long ImportMembers { get; init; }
        public string? Client { get; init; }

        public string? this[string column] =>
            column switch
            {
                "person_id" or "other" => $"{Other}",
                "third" => $"{Third}",
                "email" => Email,
                "email_key" => EmailKey,
                "name" => Name,
                "name_key" => NameKey,
                "role" => Role,
                "kind" => Kind,
                "group_id" => $"{GroupId}",
                "need" => $"{Need}",
                "destination" => Destination,
                "created_at" => CreatedAt,
                "disabled_at" => DisabledAt,
                "disablings" => $"{Disablings}",
                "revoked_at" => RevokedAt,
                "unknown_requester" => UnknownRequester,
                "claimed_requester" => ClaimedRequester,
                "requester_required" => $"{RequesterRequired}",
                "kinds" => Kinds,
                "client" => Client,
                "sources" => Sources,
                "owner_id" => $"{OwnerId}",
                "impersonates" => $"{Impersonates}",
                "issuer" => Issuer,
                "identity_subject" => IdentitySubject,
                "until" => Until,
                "stand_in" => $"{StandIn}",
                "starts_at" => StartsAt,
                "ends_at" => EndsAt,
                "begun" => $"{Begun}",
                "hash" => Hash,
                // Of a text, and of an address that may hold a secret, the record keeps the hash.
                "text" => Hashes.Sha256(Text ?? ""),
                "key" => Hashes.Sha256(Key ?? ""),
                "url" => Hashes.Sha256(Url ?? ""),
                "key_hash" => KeyHash is null ? null : Keys.Fingerprint(KeyHash),
                "old_key_hash" => OldKeyHash is null ? null : Keys.Fingerprint(OldKeyHash),
                "key_expires_at" => KeyExpiresAt,
                "old_key_expires_at" => OldKeyExpiresAt,
                "hash_of_key" => Keys.Fingerprint(HashOfKey ?? ""),
                "manifest" => Hashes.Sha256(Manifest ?? ""),
                "settings" => Plain(Settings ?? "{}"),
                "secrets" => Hashes.Sha256(Secrets ?? ""),
                "paused_at" => PausedAt,
                "assigned_by" => $"{AssignedBy}",
                "assigned_by_admin" => $"{AssignedByAdmin}",
                "requesters" => Requesters,
                "subject" => Subject,
                "status" => Status,
                "actor" => Actor,
                "at" => At,
                "base_url" => BaseUrl,
                "token" => Token is null ? "" : Hashes.Sha256(Token),
                "webhook_secret" => WebhookSecret is null ? "" : Hashes.Sha256(WebhookSecret),
                "identify" => $"{Identify}",
                "describe" => $"{Describe}",
                "apply" => $"{Apply}",
                "import_members" => $"{ImportMembers}",
                _ => throw new ArgumentOutOfRangeException(nameof(column)),
            };
    }
}
