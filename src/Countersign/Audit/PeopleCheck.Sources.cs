using System.Globalization;
using System.Text.Json;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

/// <summary>What events say of sources.</summary>
internal sealed partial class PeopleCheck
{
    private bool TakeSources(StoredEvent next, string id, EventFields fields)
    {
        switch (next.Kind)
        {
            case "source.added":
                _expected[$"Source {id}"] = new()
                {
                    ["name"] = fields.Name,
                    ["name_key"] = PeopleDirectory.KeyOf(fields.Name ?? ""),
                    ["kind"] = fields.Kind,
                    ["group_id"] = $"{fields.Group}",
                    ["need"] = $"{fields.Need}",
                    ["destination"] = fields.Destination,
                    ["created_at"] = next.At,
                    ["disabled_at"] = null,
                    ["unknown_requester"] = UnknownRequester.OneMore.ToWireName(),
                    ["claimed_requester"] = ClaimedRequester.Accept.ToWireName(),
                    ["owner_id"] = $"{fields.Owner}",
                    ["requester_required"] = "0",
                    ["old_key_hash"] = null,
                    ["key_expires_at"] = fields.KeyUntil,
                    ["old_key_expires_at"] = null,
                };
                // Events of an earlier form name neither the key nor the service person.
                if (fields.Key is not null)
                    Set($"Source {id}", "key_hash", fields.Key);
                if (fields.Person is { } servant)
                {
                    Set($"Source {id}", "other", $"{servant}");
                    _expected[$"Person {servant}"] = new()
                    {
                        ["email"] = null,
                        ["email_key"] = null,
                        ["name"] = fields.Name,
                        ["role"] = "service",
                        ["created_at"] = next.At,
                        ["disabled_at"] = null,
                        ["disablings"] = "0",
                    };
                }
                return true;
            case "source.rotated":
                return Rotate($"Source {id}", fields);
            case "source.key_expiry_set":
                return Set($"Source {id}", "key_expires_at", fields.KeyUntil);
            case "source.old_key_ended":
                return Set($"Source {id}", "old_key_hash", null) && Set($"Source {id}", "old_key_expires_at", null);
            case "source.changed":
                return Set($"Source {id}", "group_id", $"{fields.Group}")
                    && Set($"Source {id}", "need", $"{fields.Need}")
                    && Set($"Source {id}", "destination", fields.Destination)
                    && SetWhoAsks($"Source {id}", fields);
            case "source.disabled":
                return Set($"Source {id}", "disabled_at", next.At);
            case "source.enabled":
                return Set($"Source {id}", "disabled_at", null);
            case "source.launchdarkly_set":
                _expected[$"The LaunchDarkly connection of source {id}"] = new()
                {
                    ["base_url"] = fields.BaseUrl,
                    ["identify"] = fields.Identify ? "1" : "0",
                    ["describe"] = fields.Describe ? "1" : "0",
                    ["apply"] = fields.Apply ? "1" : "0",
                    ["import_members"] = fields.ImportMembers ? "1" : "0",
                    ["token"] = fields.Sealed ?? "",
                    ["webhook_secret"] = fields.Secret ?? "",
                };
                return true;
            case "source.launchdarkly_reencrypted":
                return Set(
                    $"The LaunchDarkly connection of source {id}",
                    fields.Secret is null ? "token" : "webhook_secret",
                    fields.Secret ?? fields.Sealed
                );
            case "source.gate_set":
                _expected[$"The gate of source {id}"] = new()
                {
                    ["settings"] = SettingsText(null, fields.Settings),
                    ["secrets"] = fields.Sealed,
                };
                return true;
            case "source.gate_reencrypted":
                return Set($"The gate of source {id}", "secrets", fields.Sealed);
            case "source.form_set":
                _expected[$"The form of source {id}"] = new() { ["text"] = fields.Variables };
                return true;
            case "source.oauth_client_set":
                if (fields.Client is null)
                    return _expected.Remove($"The OAuth client of source {id}");
                _expected[$"The OAuth client of source {id}"] = new()
                {
                    ["client"] = fields.Client,
                    ["subject"] = fields.Subject,
                };
                return true;
            case "source.requester_hinted":
                _expected[$"{Hint}{fields.Approval} of source {id}"] = new()
                {
                    ["text"] = fields.Hash,
                    ["at"] = next.At,
                };
                return true;
            case "source.members_imported":
                foreach (var (member, person) in fields.Linked ?? [])
                    _expected[$"Member {member} of source {id}"] = new() { ["person_id"] = $"{person}" };
                return true;
            case "source.launchdarkly_removed":
                return _expected.Remove($"The LaunchDarkly connection of source {id}");
            default:
                return true;
        }
    }

    /// <summary>An event from before there were these settings says nothing about them.</summary>
    private bool SetWhoAsks(string source, EventFields fields) =>
        fields.UnknownRequester is null
        || (
            Set(source, "unknown_requester", fields.UnknownRequester)
            && Set(source, "claimed_requester", fields.ClaimedRequester)
            && Set(source, "owner_id", $"{fields.Owner}")
            && Set(source, "requester_required", fields.RequesterRequired ? "1" : "0")
        );

    /// <summary>The key becomes the old one. Which it was, an event of an earlier form did not say.</summary>
    private bool Rotate(string row, EventFields fields)
    {
        if (!_expected.TryGetValue(row, out var columns))
            return false;
        var key = fields.Key;
        (columns["old_key_expires_at"], columns["key_expires_at"]) = (columns["key_expires_at"], fields.KeyUntil);
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
}
