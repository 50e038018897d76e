using System.Globalization;
using System.Text.Json;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

/// <summary>What events say of people, their credentials and their groups.</summary>
internal sealed partial class PeopleCheck
{
    private bool TakePeople(StoredEvent next, string id, EventFields fields)
    {
        switch (next.Kind)
        {
            case "person.added":
                _expected[$"Person {id}"] = new()
                {
                    ["email"] = fields.Email,
                    ["email_key"] = EmailAddress.KeyOf(fields.Email ?? ""),
                    ["name"] = fields.Name,
                    ["role"] = fields.Role,
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
                _expected[$"The absence of person {id}"] = new()
                {
                    ["starts_at"] = fields.From,
                    ["ends_at"] = fields.To,
                    ["stand_in"] = $"{fields.StandIn}",
                    ["begun"] = fields.Begun ? "1" : "0",
                };
                return true;
            case "person.absence_began":
                return Set($"The absence of person {id}", "begun", "1");
            case "person.absence_ended":
                return _expected.Remove($"The absence of person {id}");
            case "token.added":
                _expected[$"Token {fields.Token}"] = new()
                {
                    ["person_id"] = id,
                    ["created_at"] = next.At,
                    ["revoked_at"] = null,
                    ["impersonates"] = fields.Impersonates ? "1" : "0",
                };
                if (fields.Key is not null)
                    Set($"Token {fields.Token}", "hash_of_key", fields.Key);
                return true;
            case "token.revoked":
                return Set($"Token {fields.Token}", "revoked_at", next.At);
            case "session.started":
                _expected[$"Session {fields.Session}"] = new()
                {
                    ["person_id"] = id,
                    ["created_at"] = next.At,
                    ["until"] = fields.Until,
                };
                if (fields.Key is not null)
                    Set($"Session {fields.Session}", "hash_of_key", fields.Key);
                return true;
            case "session.ended":
                return _expected.Remove($"Session {fields.Session}");
            case "person.second_factor_added":
                _expected[$"Second factor {fields.Factor}"] = new()
                {
                    ["person_id"] = id,
                    ["kind"] = fields.Kind,
                    ["secrets"] = fields.Sealed,
                    ["created_at"] = next.At,
                };
                return true;
            case "person.second_factor_reencrypted":
                return Set($"Second factor {fields.Factor}", "secrets", fields.Sealed);
            case "person.second_factor_removed":
                if (!_expected.Remove($"Second factor {fields.Factor}"))
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
                for (var n = 1; n <= fields.Codes?.Length; n++)
                    _expected[RecoveryCode($"{n}", id)] = new() { ["hash_of_key"] = fields.Codes[n - 1] };
                return true;
            case "person.recovery_code_used":
                return _expected.Remove(RecoveryCode($"{fields.Code}", id));
            case "person.renamed":
                return Rename(id, fields.Name);
            case "person.alias_added":
                _expected[$"Alias {fields.Alias}"] = new()
                {
                    ["person_id"] = id,
                    ["kind"] = fields.Kind,
                    ["text"] = Hashes.Sha256(fields.Text ?? ""),
                    ["key"] = Hashes.Sha256(PeopleDirectory.KeyOf(fields.Text ?? "")),
                    ["created_at"] = next.At,
                };
                return true;
            case "person.alias_removed":
                return _expected.Remove($"Alias {fields.Alias}");
            case "person.role_changed":
                return Set($"Person {id}", "role", fields.Role);
            case "person.linked":
                _expected[$"Way in {fields.Identity}"] = new()
                {
                    ["person_id"] = id,
                    ["issuer"] = fields.Issuer,
                    ["identity_subject"] = fields.Subject,
                    ["created_at"] = next.At,
                };
                return true;
            case "group.added":
                _expected[$"Group {id}"] = new()
                {
                    ["name"] = fields.Name,
                    ["name_key"] = PeopleDirectory.KeyOf(fields.Name ?? ""),
                    ["created_at"] = next.At,
                };
                foreach (var person in fields.Members ?? [])
                    _expected[Membership(id, person)] = [];
                return true;
            case "group.renamed":
                return Set($"Group {id}", "name", fields.Name)
                    && Set($"Group {id}", "name_key", PeopleDirectory.KeyOf(fields.Name ?? ""));
            case "group.member_added":
                _expected[Membership(id, fields.Person)] = [];
                return true;
            case "group.member_removed":
                return _expected.Remove(Membership(id, fields.Person));
            case "person.channel_off":
                _expected[Muted(id, fields.Channel)] = [];
                return true;
            case "person.channel_on":
                return _expected.Remove(Muted(id, fields.Channel));
            case "person.link_used":
                _expected[$"{UsedLink}{fields.Delivery}"] = new() { ["at"] = next.At };
                return true;
            default:
                return true;
        }
    }

    /// <summary>What named the person is gone, and all that they called themselves.</summary>
    private bool Erase(string id)
    {
        if (
            !_expected.TryGetValue($"Person {id}", out var person)
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
        var gone = _expected
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
        gone.AddRange(_expected.Keys.Where(row => row.StartsWith(Muted(id, ""), StringComparison.Ordinal)));
        gone.ForEach(row => _expected.Remove(row));
        Remove(FactorsOf(id));
        Remove(RecoveryCodesOf(id));
        return true;
    }

    private List<string> FactorsOf(string person) =>
        [
            .. from row in _expected
            where row.Key.StartsWith("Second factor ", StringComparison.Ordinal)
            where row.Value.GetValueOrDefault("person_id") == person
            select row.Key,
        ];

    private List<string> RecoveryCodesOf(string person) =>
        [
            .. _expected.Keys.Where(row =>
                row.StartsWith("Recovery code ", StringComparison.Ordinal)
                && row.EndsWith($" of person {person}", StringComparison.Ordinal)
            ),
        ];

    private static string RecoveryCode(string n, string person) => $"Recovery code {n} of person {person}";

    /// <summary>The nth renaming makes the nth earlier name.</summary>
    private bool Rename(string id, string? name)
    {
        if (!_expected.TryGetValue($"Person {id}", out var person))
            return false;
        var n = _renamings[id] = _renamings.GetValueOrDefault(id) + 1;
        _expected[$"Earlier name {n} of person {id}"] = new() { ["text"] = Hashes.Sha256(person["name"] ?? "") };
        person["name"] = name;
        return true;
    }

    private static string Muted(string person, string? channel) => $"What person {person} switched off, {channel}";

    private static string Membership(string group, long? person) =>
        $"The membership in group {group} of person {person}";
}
