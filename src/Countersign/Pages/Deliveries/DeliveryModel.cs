using System.Globalization;
using Countersign.Outcomes;
using Countersign.Outcomes.Webhooks;
using Countersign.People;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Deliveries;

/// <summary>A page of deliveries, the newest first.</summary>
public sealed record DeliveriesModel(DeliveryPage Page, DeliveryNames Names)
{
    /// <summary>What the list is filtered by; empty: everything.</summary>
    public string State { get; init; } = "";
    public string Endpoint { get; init; } = "";

    /// <summary>Further back than the first page.</summary>
    public bool IsLater { get; init; }
    public bool IsSendingOff { get; init; }

    public string Address(long? before, string? state = null, string? endpoint = null) =>
        Query(DeliveriesPage.Path, before, state ?? State, endpoint ?? Endpoint);

    public string CsvAddress => Query(DeliveriesPage.CsvPath, null, State, Endpoint);

    private static string Query(string path, long? before, string state, string endpoint)
    {
        var query = QueryString.Create(
            new Dictionary<string, string?>
            {
                ["before"] = before?.ToString(CultureInfo.InvariantCulture),
                ["state"] = state.Length > 0 ? state : null,
                ["endpoint"] = endpoint.Length > 0 ? endpoint : null,
            }.Where(pair => pair.Value is not null)
        );
        return path + query.ToUriComponent();
    }
}

/// <summary>One delivery: what was sent to whom, and how each attempt went.</summary>
public sealed record DeliveryModel(DeliveryDetails Details, DeliveryNames Names)
{
    /// <summary>
    /// Readable: JSON with a line for each member, cut where it is very long; null: nothing was sent yet.
    /// </summary>
    public string? Sent { get; init; }

    public bool MayReplay => Details.Delivery.State is "failed" or "delivered";
    public string Path => $"{DeliveriesPage.Path}/{Details.Delivery.Id.ToString(CultureInfo.InvariantCulture)}";
}

/// <summary>
/// What stored words are called: receivers by what people know them as, events and channels in words.
/// </summary>
public sealed class DeliveryNames(IStringLocalizer strings, PeopleSnapshot people, IReadOnlyList<Webhook> webhooks)
{
    public string Event(string kind) => strings.Find("delivery.event." + kind) ?? kind;

    public string Channel(string channel) => strings.Find("delivery.channel." + channel) ?? channel;

    public string Failure(string word) =>
        strings.Find("delivery.failure." + word.Replace(' ', '_')) is { } known ? known : word;

    /// <summary>A person's name, a webhook's URL, a chat's channel.</summary>
    public string Receiver(string receiver)
    {
        var name = receiver[(receiver.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return receiver.StartsWith("webhook:", StringComparison.Ordinal)
                ? webhooks.FirstOrDefault(w => w.Name == receiver)?.ShownUrl ?? strings["delivery.deletedWebhook", name]
            : receiver.StartsWith("person:", StringComparison.Ordinal)
            && long.TryParse(name, CultureInfo.InvariantCulture, out var id)
            && people.People.TryGetValue(id, out var person)
                ? person.DisplayName
            : name;
    }

    /// <summary>The page of a receiver, below the path base; null where it has none.</summary>
    public string? PageOf(string receiver) =>
        webhooks.FirstOrDefault(w => w.Name == receiver) is { } webhook ? WebhooksPage.AddressOf(webhook.Id) : null;
}

/// <summary>How one delivery stands.</summary>
public sealed record DeliveryStateModel(DeliveryRow Delivery, DeliveryNames Names);
