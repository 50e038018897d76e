using System.Globalization;
using System.Text.Json;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

/// <summary>What events say of webhooks, destinations and tickets.</summary>
internal sealed partial class PeopleCheck
{
    private bool TakeSystems(StoredEvent next, string id, EventFields fields)
    {
        switch (next.Kind)
        {
            case "webhook.added":
                _expected[$"Webhook {id}"] = new()
                {
                    ["url"] = fields.Hash ?? Hashes.Sha256(fields.Url ?? ""),
                    ["kinds"] = fields.Events ?? "",
                    ["sources"] = fields.Sources ?? "",
                    ["owner_id"] = $"{fields.Owner}",
                    ["created_at"] = next.At,
                    ["disabled_at"] = null,
                };
                return true;
            case "webhook.disabled":
                return Set($"Webhook {id}", "disabled_at", next.At);
            case "webhook.enabled":
                return Set($"Webhook {id}", "disabled_at", null);
            case "webhook.deleted":
                return _expected.Remove($"Webhook {id}");
            case "destination.added":
                _expected[$"Destination {id}"] = new()
                {
                    ["name"] = fields.Name,
                    ["name_key"] = PeopleDirectory.KeyOf(fields.Name ?? ""),
                    ["manifest"] = fields.Manifest,
                    ["settings"] = SettingsText(null, fields.Settings),
                    ["created_at"] = next.At,
                    ["paused_at"] = null,
                };
                return fields.Sealed is null || Set($"Destination {id}", "secrets", fields.Sealed);
            case "destination.changed":
                if (fields.Sealed is { } secrets)
                    Set($"Destination {id}", "secrets", secrets);
                else if (_expected.TryGetValue($"Destination {id}", out var known))
                    known.Remove("secrets");
                return _expected.TryGetValue($"Destination {id}", out var destination)
                    && Set($"Destination {id}", "settings", SettingsText(destination["settings"], fields.Settings));
            case "destination.reencrypted":
                return Set($"Destination {id}", "secrets", fields.Sealed);
            case "destination.paused":
                return Set($"Destination {id}", "paused_at", next.At);
            case "destination.resumed":
                return Set($"Destination {id}", "paused_at", null);
            case "ticket.added" or "ticket.changed":
                // The first event of a ticket that a request made up only changes it.
                if (
                    _expected.TryAdd(
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
                if (fields.Requester is { } asks && _expected[$"Ticket {id}"].TryGetValue("requesters", out var asked))
                {
                    Set(
                        $"Ticket {id}",
                        "requesters",
                        RequestRow.WriteNumbers(RequestRow.ReadNumbers(asked ?? "").Append(asks).Distinct().Order())
                    );
                }
                if (fields.AssignedBy is { } by)
                {
                    Set($"Ticket {id}", "assigned_by", $"{by}");
                    Set($"Ticket {id}", "assigned_by_admin", fields.ByAdmin ? "1" : "0");
                }
                return SetIf($"Ticket {id}", "other", fields.Requester)
                    && SetIf($"Ticket {id}", "third", fields.Assignee)
                    && (fields.Subject is null || Set($"Ticket {id}", "subject", fields.Subject))
                    && (fields.Status is null || Set($"Ticket {id}", "status", fields.Status));
            default:
                return true;
        }
    }

    private static bool SaysWhoAssigned(StoredEvent next) =>
        next.Data.Contains("\"byAdmin\":", StringComparison.Ordinal);
}
