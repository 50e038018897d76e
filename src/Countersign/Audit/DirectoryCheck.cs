using System.Globalization;
using System.Text.Json;
using Countersign.Access;
using Countersign.Policies;
using Countersign.Storage;
using Directory = Countersign.Access.Directory;

namespace Countersign.Audit;

/// <summary>
/// Holds people, groups, tokens, sessions and sources beside what their histories say: who has which role and belongs where, not the
/// hashes of passwords and keys, of which no event tells. Tables of this kind are small and are compared as a whole.
/// </summary>
internal sealed class DirectoryCheck
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Row by row, in words, and of each row column by column.</summary>
    private readonly SortedDictionary<string, Dictionary<string, string?>> _told = new(StringComparer.Ordinal);

    /// <summary>How often each person was renamed.</summary>
    private readonly Dictionary<string, int> _renamings = [];

    /// <summary>Null, or what is wrong with this event. Events of other subjects change nothing here.</summary>
    public string? Take(StoredEvent next)
    {
        var colon = next.Subject.IndexOf(':', StringComparison.Ordinal);
        if (next.Subject != PolicyFiles.Subject && (colon < 0 || next.Subject[..colon] is not ("person" or "group" or "source" or "webhook")))
            return null;
        Told told;
        try
        {
            told = JsonSerializer.Deserialize<Told>(next.Data, Json) ?? throw new JsonException("Nothing.");
        }
        catch (JsonException)
        {
            return "holds data that Countersign does not write.";
        }
        return Take(next, next.Subject[(colon + 1)..], told) ? null : "tells of something that no event before it has made.";
    }

    public async ValueTask<string?> Problem(Reader reader)
    {
        foreach (var (name, sql) in Stored)
        {
            await foreach (var stored in reader.Each<StoredRow>(sql))
            {
                var row = string.Format(CultureInfo.InvariantCulture, name, stored.Id, stored.Other);
                if (!_told.Remove(row, out var told))
                    return $"{row} is in the store, but no event tells of it.";
                foreach (var (column, value) in told)
                {
                    if (value != stored[column])
                        return $"{row}: its {column} is not what its events say.";
                }
            }
        }
        return _told.Count == 0 ? null : $"{_told.First().Key} is gone: events tell of it.";
    }

    private bool Take(StoredEvent next, string id, Told told)
    {
        switch (next.Kind)
        {
            case "person.added":
                _told[$"Person {id}"] = new()
                {
                    ["email"] = told.Email,
                    ["email_key"] = EmailAddress.KeyOf(told.Email ?? ""),
                    ["name"] = told.Name,
                    ["role"] = told.Role,
                    ["created_at"] = next.At,
                    ["disabled_at"] = null,
                    ["disablings"] = "0",
                };
                return true;
            case "person.disabled":
                return Set($"Person {id}", "disabled_at", next.At) && Count($"Person {id}", "disablings");
            case "person.enabled":
                return Set($"Person {id}", "disabled_at", null);
            case "person.absence_set":
                _told[$"The absence of person {id}"] = new() { ["starts_at"] = told.From, ["ends_at"] = told.To, ["stand_in"] = $"{told.StandIn}", ["begun"] = told.Begun ? "1" : "0" };
                return true;
            case "person.absence_began":
                return Set($"The absence of person {id}", "begun", "1");
            case "person.absence_ended":
                return _told.Remove($"The absence of person {id}");
            case "policy.set":
                _told[$"Policy version {told.Version}"] = new() { ["hash"] = told.Hash, ["text"] = told.Hash, ["actor"] = next.Actor, ["at"] = next.At };
                return true;
            case "token.added":
                _told[$"Token {told.Token}"] = new() { ["person_id"] = id, ["created_at"] = next.At, ["revoked_at"] = null, ["impersonates"] = told.Impersonates ? "1" : "0" };
                return true;
            case "token.revoked":
                return Set($"Token {told.Token}", "revoked_at", next.At);
            case "session.started":
                _told[$"Session {told.Session}"] = new() { ["person_id"] = id, ["created_at"] = next.At, ["until"] = told.Until };
                return true;
            case "session.ended":
                return _told.Remove($"Session {told.Session}");
            case "person.renamed":
                return Rename(id, told.Name);
            case "person.alias_added":
                _told[$"Alias {told.Alias}"] = new()
                {
                    ["person_id"] = id,
                    ["kind"] = told.Kind,
                    ["text"] = Hashes.Sha256(told.Text ?? ""),
                    ["key"] = Hashes.Sha256(Directory.KeyOf(told.Text ?? "")),
                    ["created_at"] = next.At,
                };
                return true;
            case "person.alias_removed":
                return _told.Remove($"Alias {told.Alias}");
            case "person.role_changed":
                return Set($"Person {id}", "role", told.Role);
            case "person.linked":
                _told[$"Way in {told.Identity}"] = new() { ["person_id"] = id, ["issuer"] = told.Issuer, ["identity_subject"] = told.Subject, ["created_at"] = next.At };
                return true;
            case "group.added":
                _told[$"Group {id}"] = new() { ["name"] = told.Name, ["name_key"] = Directory.KeyOf(told.Name ?? ""), ["created_at"] = next.At };
                foreach (var person in told.Members ?? [])
                    _told[Membership(id, person)] = [];
                return true;
            case "group.renamed":
                return Set($"Group {id}", "name", told.Name) && Set($"Group {id}", "name_key", Directory.KeyOf(told.Name ?? ""));
            case "group.member_added":
                _told[Membership(id, told.Person)] = [];
                return true;
            case "group.member_removed":
                return _told.Remove(Membership(id, told.Person));
            case "source.added":
                _told[$"Source {id}"] = new()
                {
                    ["name"] = told.Name,
                    ["name_key"] = Directory.KeyOf(told.Name ?? ""),
                    ["kind"] = told.Kind,
                    ["group_id"] = $"{told.Group}",
                    ["need"] = $"{told.Need}",
                    ["destination"] = told.Destination,
                    ["created_at"] = next.At,
                    ["disabled_at"] = null,
                    ["unknown_requester"] = UnknownRequester.OneMore.ToWireName(),
                    ["claimed_requester"] = ClaimedRequester.Accept.ToWireName(),
                    ["owner_id"] = $"{told.Owner}",
                    ["requester_required"] = "0",
                };
                return true;
            case "source.changed":
                return Set($"Source {id}", "group_id", $"{told.Group}") && Set($"Source {id}", "need", $"{told.Need}")
                    && Set($"Source {id}", "destination", told.Destination) && SetWhoAsks($"Source {id}", told);
            case "source.disabled":
                return Set($"Source {id}", "disabled_at", next.At);
            case "source.enabled":
                return Set($"Source {id}", "disabled_at", null);
            case "webhook.added":
                _told[$"Webhook {id}"] = new()
                {
                    ["url"] = told.Hash ?? Hashes.Sha256(told.Url ?? ""),
                    ["kinds"] = told.Events ?? "",
                    ["sources"] = told.Sources ?? "",
                    ["owner_id"] = $"{told.Owner}",
                    ["created_at"] = next.At,
                    ["disabled_at"] = null,
                };
                return true;
            case "webhook.disabled":
                return Set($"Webhook {id}", "disabled_at", next.At);
            case "webhook.enabled":
                return Set($"Webhook {id}", "disabled_at", null);
            default:
                return true;
        }
    }

    private bool Set(string row, string column, string? value)
    {
        if (!_told.TryGetValue(row, out var columns))
            return false;
        columns[column] = value;
        return true;
    }

    private bool Count(string row, string column) =>
        _told.TryGetValue(row, out var columns) && long.TryParse(columns[column], CultureInfo.InvariantCulture, out var before) && Set(row, column, $"{before + 1}");

    /// <summary>The nth renaming makes the nth earlier name.</summary>
    private bool Rename(string id, string? name)
    {
        if (!_told.TryGetValue($"Person {id}", out var person))
            return false;
        var n = _renamings[id] = _renamings.GetValueOrDefault(id) + 1;
        _told[$"Earlier name {n} of person {id}"] = new() { ["text"] = Hashes.Sha256(person["name"] ?? "") };
        person["name"] = name;
        return true;
    }

    /// <summary>An event from before there were these settings says nothing about them.</summary>
    private bool SetWhoAsks(string source, Told told) => told.UnknownRequester is null
        || (Set(source, "unknown_requester", told.UnknownRequester) && Set(source, "claimed_requester", told.ClaimedRequester)
            && Set(source, "owner_id", $"{told.Owner}") && Set(source, "requester_required", told.RequesterRequired ? "1" : "0"));

    private static string Membership(string group, long? person) => $"The membership in group {group} of person {person}";

    /// <summary>Service people and built-in sources come with a source and with the store; nobody signs in as one.</summary>
    private static readonly (string Name, string Sql)[] Stored =
    [
        ("Person {0}", "SELECT id, email, email_key, name, role, created_at, disabled_at, disablings FROM people WHERE role <> 'service' ORDER BY id"),
        ("Alias {0}", "SELECT id, person_id AS other, kind, text, key, created_at FROM aliases ORDER BY id"),
        ("Earlier name {0} of person {1}", "SELECT n AS id, person_id AS other, text FROM former_names ORDER BY person_id, n"),
        ("Group {0}", "SELECT id, name, name_key, created_at FROM groups ORDER BY id"),
        ("The membership in group {0} of person {1}", "SELECT group_id AS id, person_id AS other FROM members ORDER BY group_id, person_id"),
        ("Token {0}", "SELECT id, person_id AS other, created_at, revoked_at, impersonates FROM tokens ORDER BY id"),
        ("Session {0}", "SELECT id, person_id AS other, created_at, until FROM sessions ORDER BY id"),
        ("The absence of person {0}", "SELECT person_id AS id, stand_in, starts_at, ends_at, begun FROM absences ORDER BY person_id"),
        ("Policy version {0}", "SELECT version AS id, hash, text, actor, at FROM policy_files ORDER BY version"),
        ("Source {0}", """
            SELECT id, name, name_key, kind, group_id, need, destination, created_at, disabled_at,
              unknown_requester, claimed_requester, owner_id, requester_required
            FROM sources WHERE kind <> 'built-in' OR id > 2 ORDER BY id
            """),
        ("Webhook {0}", "SELECT id, url, kinds, sources, owner_id, created_at, disabled_at FROM webhooks ORDER BY id"),
        ("Way in {0}", "SELECT id, person_id AS other, issuer, subject AS identity_subject, created_at FROM identities ORDER BY id"),
    ];

    private sealed class Told
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
    }

    private sealed class StoredRow
    {
        public long Id { get; init; }
        public long? Other { get; init; }
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

        public string? this[string column] => column switch
        {
            "person_id" => $"{Other}",
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
            "actor" => Actor,
            "at" => At,
            _ => throw new ArgumentOutOfRangeException(nameof(column)),
        };
    }
}
