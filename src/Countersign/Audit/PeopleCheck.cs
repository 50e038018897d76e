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
/// adds its events to
/// <see cref="Take(StoredEvent, string, Told)"/> and its rows to <see cref="Stored"/>. A column that no event of a row
/// tells of is not compared; of secrets, events tell a hash. Tables of this kind are small and are compared as a
/// whole.
/// </summary>
internal sealed class PeopleCheck
{
    /// <summary>Row by row, in words, and of each row column by column.</summary>
    private readonly SortedDictionary<string, Dictionary<string, string?>> _told = new(StringComparer.Ordinal);

    /// <summary>How often each person was renamed.</summary>
    private readonly Dictionary<string, int> _renamings = [];

    private readonly HashSet<long> _servicePeople = [];

    public PeopleCheck()
    {
        // The two that come with the store, and what nobody can change about them.
        foreach (var (id, name) in BuiltIn)
        {
            Timeline.BuiltIn(id, name);
            _told[$"Source {id}"] = new()
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
        Told told;
        try
        {
            told = EventData.Read<Told>(next.Data);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return "holds data that Countersign does not write.";
        }
        var id = next.Subject[(colon + 1)..];
        if (!Take(next, id, told))
            return "tells of something that no event before it has made.";
        if (
            long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || kind == PolicyFiles.Subject
        )
        {
            Remember(next, number, told);
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
        foreach (var (gone, told) in _told)
        {
            // Without its hint, a request has no requester that LaunchDarkly named, which costs an approval more.
            if (
                !gone.StartsWith(Hint, StringComparison.Ordinal)
                && !(
                    gone.StartsWith(UsedLink, StringComparison.Ordinal)
                    && string.CompareOrdinal(told.GetValueOrDefault("at"), longAgo) < 0
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
        if (!_told.Remove(row, out var told))
        {
            if (!NeedsNoEvent(name, stored))
                problems.Add($"{row} is in the store, but no event tells of it.");
            return;
        }
        foreach (var (column, value) in told)
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
    private void Remember(StoredEvent next, long id, Told told)
    {
        switch (next.Kind)
        {
            case "person.added":
                Timeline.Person(next, id, _ => new(default, told.Role ?? "", false, 0, false, null));
                Timeline.Email(id, told.Email ?? "");
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
                Timeline.Person(next, id, p => p is null ? null : p with { Role = told.Role ?? "" });
                break;
            case "person.absence_set":
                Timeline.Person(
                    next,
                    id,
                    p => p is null ? null : p with { IsAway = told.Begun, Delegate = told.StandIn }
                );
                break;
            case "person.absence_began":
                Timeline.Person(next, id, p => p is null ? null : p with { IsAway = true });
                break;
            case "person.absence_ended":
                Timeline.Person(next, id, p => p is null ? null : p with { IsAway = false, Delegate = null });
                break;
            case "group.added":
                Timeline.Group(next, id, told.Name ?? "");
                foreach (var member in told.Members ?? [])
                    Timeline.Member(next, id, member, isIn: true);
                break;
            case "group.renamed":
                Timeline.Group(next, id, told.Name ?? "");
                break;
            case "group.member_added" or "group.member_removed" when told.Person is { } person:
                Timeline.Member(next, id, person, isIn: next.Kind == "group.member_added");
                break;
            case "source.added":
                Timeline.Source(
                    next,
                    id,
                    _ =>
                        new(default, told.Name ?? "", told.Group, told.Need, told.Destination)
                        {
                            Kind = told.Kind ?? "",
                            Owner = told.Owner,
                        }
                );
                break;
            case "source.changed":
                Timeline.Source(
                    next,
                    id,
                    s =>
                        new(default, s?.Name ?? "", told.Group, told.Need, told.Destination)
                        {
                            Kind = s?.Kind ?? "",
                            Owner = told.UnknownRequester is null ? s?.Owner : told.Owner,
                        }
                );
                break;
            case "destination.added":
                Timeline.Destination(next, id, told.Name ?? "");
                break;
            case "destination.link_resolved" when told is { Request: { } request, By: "Exists" }:
                Timeline.Link(request, new RecordedLink(next.Id, id, told.Content, told.ExternalId, told.Url, null));
                break;
            case "destination.opened_late" when told.Request is { } request:
                Timeline.Link(request, new RecordedLink(next.Id, id, told.Content, told.ExternalId, told.Url, null));
                break;
            case "ticket.added" or "ticket.changed" when told.Assignee is { } assignee:
                // Events of an earlier form do not say who assigned it; then, whoever it was saw all its requests.
                if (!SaysWhoAssigned(next))
                    Timeline.Assignee(id, assignee);
                else if (told.AssignedBy is not null)
                    Timeline.Assigned(id, assignee, told.Requests ?? []);
                break;
            case "ticket.request_shared" when told.Assignee is { } assignee:
                Timeline.Shared(id, assignee, told.Requests ?? []);
                break;
            case "policy.set" when told.Version is { } version:
                Timeline.PolicyFile(next, version);
                break;
        }
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
            case "person.erased":
                return Erase(id);
            case "person.absence_set":
                _told[$"The absence of person {id}"] = new()
                {
                    ["starts_at"] = told.From,
                    ["ends_at"] = told.To,
                    ["stand_in"] = $"{told.StandIn}",
                    ["begun"] = told.Begun ? "1" : "0",
                };
                return true;
            case "person.absence_began":
                return Set($"The absence of person {id}", "begun", "1");
            case "person.absence_ended":
                return _told.Remove($"The absence of person {id}");
            case "policy.set":
                _told[$"Policy version {told.Version}"] = new()
                {
                    ["hash"] = told.Hash,
                    ["text"] = told.Hash,
                    ["actor"] = next.Actor,
                    ["at"] = next.At,
                };
                return true;
            case RequestTypes.Subject + ".set":
                _told.Remove($"Request types version {told.Version - 1}");
                _told[$"Request types version {told.Version}"] = new()
                {
                    ["hash"] = told.Hash,
                    ["text"] = told.Hash,
                    ["actor"] = next.Actor,
                    ["at"] = next.At,
                };
                return true;
            case "token.added":
                _told[$"Token {told.Token}"] = new()
                {
                    ["person_id"] = id,
                    ["created_at"] = next.At,
                    ["revoked_at"] = null,
                    ["impersonates"] = told.Impersonates ? "1" : "0",
                };
                if (told.Key is not null)
                    Set($"Token {told.Token}", "hash_of_key", told.Key);
                return true;
            case "token.revoked":
                return Set($"Token {told.Token}", "revoked_at", next.At);
            case "session.started":
                _told[$"Session {told.Session}"] = new()
                {
                    ["person_id"] = id,
                    ["created_at"] = next.At,
                    ["until"] = told.Until,
                };
                if (told.Key is not null)
                    Set($"Session {told.Session}", "hash_of_key", told.Key);
                return true;
            case "session.ended":
                return _told.Remove($"Session {told.Session}");
            case "person.second_factor_added":
                _told[$"Second factor {told.Factor}"] = new()
                {
                    ["person_id"] = id,
                    ["kind"] = told.Kind,
                    ["secrets"] = told.Sealed,
                    ["created_at"] = next.At,
                };
                return true;
            case "person.second_factor_reencrypted":
                return Set($"Second factor {told.Factor}", "secrets", told.Sealed);
            case "person.second_factor_removed":
                if (!_told.Remove($"Second factor {told.Factor}"))
                    return false;
                if (FactorsOf(id).Count == 0)
                    Remove(RecoveryCodesOf(id));
                return true;
            case "person.second_factor_reset":
                Remove(FactorsOf(id));
                Remove(RecoveryCodesOf(id));
                return true;
            case "person.recovery_codes_made":
                Remove(RecoveryCodesOf(id));
                for (var n = 1; n <= told.Codes?.Length; n++)
                    _told[RecoveryCode($"{n}", id)] = new() { ["hash_of_key"] = told.Codes[n - 1] };
                return true;
            case "person.recovery_code_used":
                return _told.Remove(RecoveryCode($"{told.Code}", id));
            case "person.renamed":
                return Rename(id, told.Name);
            case "person.alias_added":
                _told[$"Alias {told.Alias}"] = new()
                {
                    ["person_id"] = id,
                    ["kind"] = told.Kind,
                    ["text"] = Hashes.Sha256(told.Text ?? ""),
                    ["key"] = Hashes.Sha256(PeopleDirectory.KeyOf(told.Text ?? "")),
                    ["created_at"] = next.At,
                };
                return true;
            case "person.alias_removed":
                return _told.Remove($"Alias {told.Alias}");
            case "person.role_changed":
                return Set($"Person {id}", "role", told.Role);
            case "person.linked":
                _told[$"Way in {told.Identity}"] = new()
                {
                    ["person_id"] = id,
                    ["issuer"] = told.Issuer,
                    ["identity_subject"] = told.Subject,
                    ["created_at"] = next.At,
                };
                return true;
            case "group.added":
                _told[$"Group {id}"] = new()
                {
                    ["name"] = told.Name,
                    ["name_key"] = PeopleDirectory.KeyOf(told.Name ?? ""),
                    ["created_at"] = next.At,
                };
                foreach (var person in told.Members ?? [])
                    _told[Membership(id, person)] = [];
                return true;
            case "group.renamed":
                return Set($"Group {id}", "name", told.Name)
                    && Set($"Group {id}", "name_key", PeopleDirectory.KeyOf(told.Name ?? ""));
            case "group.member_added":
                _told[Membership(id, told.Person)] = [];
                return true;
            case "group.member_removed":
                return _told.Remove(Membership(id, told.Person));
            case "source.added":
                _told[$"Source {id}"] = new()
                {
                    ["name"] = told.Name,
                    ["name_key"] = PeopleDirectory.KeyOf(told.Name ?? ""),
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
                    ["old_key_hash"] = null,
                    ["key_expires_at"] = told.KeyUntil,
                    ["old_key_expires_at"] = null,
                };
                // Events of an earlier form name neither the key nor the service person.
                if (told.Key is not null)
                    Set($"Source {id}", "key_hash", told.Key);
                if (told.Person is { } servant)
                {
                    Set($"Source {id}", "other", $"{servant}");
                    _told[$"Person {servant}"] = new()
                    {
                        ["email"] = null,
                        ["email_key"] = null,
                        ["name"] = told.Name,
                        ["role"] = "service",
                        ["created_at"] = next.At,
                        ["disabled_at"] = null,
                        ["disablings"] = "0",
                    };
                }
                return true;
            case "source.rotated":
                return Rotate($"Source {id}", told);
            case "source.key_expiry_set":
                return Set($"Source {id}", "key_expires_at", told.KeyUntil);
            case "source.old_key_ended":
                return Set($"Source {id}", "old_key_hash", null) && Set($"Source {id}", "old_key_expires_at", null);
            case "source.changed":
                return Set($"Source {id}", "group_id", $"{told.Group}")
                    && Set($"Source {id}", "need", $"{told.Need}")
                    && Set($"Source {id}", "destination", told.Destination)
                    && SetWhoAsks($"Source {id}", told);
            case "source.disabled":
                return Set($"Source {id}", "disabled_at", next.At);
            case "source.enabled":
                return Set($"Source {id}", "disabled_at", null);
            case "source.launchdarkly_set":
                _told[$"The LaunchDarkly connection of source {id}"] = new()
                {
                    ["base_url"] = told.BaseUrl,
                    ["identify"] = told.Identify ? "1" : "0",
                    ["describe"] = told.Describe ? "1" : "0",
                    ["apply"] = told.Apply ? "1" : "0",
                    ["import_members"] = told.ImportMembers ? "1" : "0",
                    ["token"] = told.Sealed ?? "",
                    ["webhook_secret"] = told.Secret ?? "",
                };
                return true;
            case "source.launchdarkly_reencrypted":
                return Set(
                    $"The LaunchDarkly connection of source {id}",
                    told.Secret is null ? "token" : "webhook_secret",
                    told.Secret ?? told.Sealed
                );
            case "source.gate_set":
                _told[$"The gate of source {id}"] = new()
                {
                    ["settings"] = SettingsText(null, told.Settings),
                    ["secrets"] = told.Sealed,
                };
                return true;
            case "source.gate_reencrypted":
                return Set($"The gate of source {id}", "secrets", told.Sealed);
            case "source.form_set":
                _told[$"The form of source {id}"] = new() { ["text"] = told.Variables };
                return true;
            case "source.oauth_client_set":
                if (told.Client is null)
                    return _told.Remove($"The OAuth client of source {id}");
                _told[$"The OAuth client of source {id}"] = new()
                {
                    ["client"] = told.Client,
                    ["subject"] = told.Subject,
                };
                return true;
            case "source.requester_hinted":
                _told[$"{Hint}{told.Approval} of source {id}"] = new() { ["text"] = told.Hash, ["at"] = next.At };
                return true;
            case "source.members_imported":
                foreach (var (member, person) in told.Linked ?? [])
                    _told[$"Member {member} of source {id}"] = new() { ["person_id"] = $"{person}" };
                return true;
            case "source.launchdarkly_removed":
                return _told.Remove($"The LaunchDarkly connection of source {id}");
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
            case "webhook.deleted":
                return _told.Remove($"Webhook {id}");
            case "person.channel_off":
                _told[Muted(id, told.Channel)] = [];
                return true;
            case "person.channel_on":
                return _told.Remove(Muted(id, told.Channel));
            case "person.link_used":
                _told[$"{UsedLink}{told.Delivery}"] = new() { ["at"] = next.At };
                return true;
            case "destination.added":
                _told[$"Destination {id}"] = new()
                {
                    ["name"] = told.Name,
                    ["name_key"] = PeopleDirectory.KeyOf(told.Name ?? ""),
                    ["manifest"] = told.Manifest,
                    ["settings"] = SettingsText(null, told.Settings),
                    ["created_at"] = next.At,
                    ["paused_at"] = null,
                };
                return told.Sealed is null || Set($"Destination {id}", "secrets", told.Sealed);
            case "destination.changed":
                if (told.Sealed is { } secrets)
                    Set($"Destination {id}", "secrets", secrets);
                else if (_told.TryGetValue($"Destination {id}", out var known))
                    known.Remove("secrets");
                return _told.TryGetValue($"Destination {id}", out var destination)
                    && Set($"Destination {id}", "settings", SettingsText(destination["settings"], told.Settings));
            case "destination.reencrypted":
                return Set($"Destination {id}", "secrets", told.Sealed);
            case "destination.paused":
                return Set($"Destination {id}", "paused_at", next.At);
            case "destination.resumed":
                return Set($"Destination {id}", "paused_at", null);
            case "ticket.added" or "ticket.changed":
                // The first event of a ticket that a request made up only changes it.
                if (
                    _told.TryAdd(
                        $"Ticket {id}",
                        new()
                        {
                            ["other"] = "",
                            ["third"] = "",
                            ["assigned_by"] = "",
                            ["assigned_by_admin"] = "0",
                        }
                    ) && SaysWhoAssigned(next)
                )
                {
                    Set($"Ticket {id}", "requesters", "");
                }
                if (told.Requester is { } asks && _told[$"Ticket {id}"].TryGetValue("requesters", out var asked))
                {
                    Set(
                        $"Ticket {id}",
                        "requesters",
                        RequestRow.WriteNumbers(RequestRow.ReadNumbers(asked ?? "").Append(asks).Distinct().Order())
                    );
                }
                if (told.AssignedBy is { } by)
                {
                    Set($"Ticket {id}", "assigned_by", $"{by}");
                    Set($"Ticket {id}", "assigned_by_admin", told.ByAdmin ? "1" : "0");
                }
                return SetIf($"Ticket {id}", "other", told.Requester)
                    && SetIf($"Ticket {id}", "third", told.Assignee)
                    && (told.Subject is null || Set($"Ticket {id}", "subject", told.Subject))
                    && (told.Status is null || Set($"Ticket {id}", "status", told.Status));
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
        _told.TryGetValue(row, out var columns)
        && long.TryParse(columns[column], CultureInfo.InvariantCulture, out var before)
        && Set(row, column, $"{before + 1}");

    /// <summary>What named the person is gone, and all that they called themselves.</summary>
    private bool Erase(string id)
    {
        if (
            !_told.TryGetValue($"Person {id}", out var person)
            || !long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        )
        {
            return false;
        }
        (person["name"], person["email"], person["email_key"]) = (
            ErasedPerson.Name(number),
            ErasedPerson.Email(number),
            null
        );
        var gone = _told
            .Where(row =>
                (
                    row.Key.StartsWith("Alias ", StringComparison.Ordinal)
                    || row.Key.StartsWith("Way in ", StringComparison.Ordinal)
                )
                && row.Value.GetValueOrDefault("person_id") == id
            )
            .Select(row => row.Key)
            .ToList();
        for (var n = 1; n <= _renamings.GetValueOrDefault(id); n++)
            gone.Add($"Earlier name {n} of person {id}");
        gone.AddRange(_told.Keys.Where(row => row.StartsWith(Muted(id, ""), StringComparison.Ordinal)));
        gone.ForEach(row => _told.Remove(row));
        Remove(FactorsOf(id));
        Remove(RecoveryCodesOf(id));
        return true;
    }

    private List<string> FactorsOf(string person) =>
        [
            .. from row in _told
            where row.Key.StartsWith("Second factor ", StringComparison.Ordinal)
            where row.Value.GetValueOrDefault("person_id") == person
            select row.Key,
        ];

    private List<string> RecoveryCodesOf(string person) =>
        [
            .. _told.Keys.Where(row =>
                row.StartsWith("Recovery code ", StringComparison.Ordinal)
                && row.EndsWith($" of person {person}", StringComparison.Ordinal)
            ),
        ];

    private static string RecoveryCode(string n, string person) => $"Recovery code {n} of person {person}";

    private void Remove(List<string> rows) => rows.ForEach(row => _told.Remove(row));

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
    private bool SetWhoAsks(string source, Told told) =>
        told.UnknownRequester is null
        || (
            Set(source, "unknown_requester", told.UnknownRequester)
            && Set(source, "claimed_requester", told.ClaimedRequester)
            && Set(source, "owner_id", $"{told.Owner}")
            && Set(source, "requester_required", told.RequesterRequired ? "1" : "0")
        );

    private static bool SaysWhoAssigned(StoredEvent next) =>
        next.Data.Contains("\"byAdmin\":", StringComparison.Ordinal);

    private bool SetIf(string row, string column, long? value) => value is null || Set(row, column, $"{value}");

    /// <summary>The key becomes the old one. Which it was, an event of an earlier form did not say.</summary>
    private bool Rotate(string row, Told told)
    {
        if (!_told.TryGetValue(row, out var columns))
            return false;
        var key = told.Key;
        (columns["old_key_expires_at"], columns["key_expires_at"]) = (columns["key_expires_at"], told.KeyUntil);
        if (key is not null && columns.TryGetValue("key_hash", out var before))
            columns["old_key_hash"] = before;
        else
            columns.Remove("old_key_hash");
        if (key is not null)
            columns["key_hash"] = key;
        else
            columns.Remove("key_hash");
        return true;
    }

    private static string Muted(string person, string? channel) => $"What person {person} switched off, {channel}";

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

    private static string Membership(string group, long? person) =>
        $"The membership in group {group} of person {person}";

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
