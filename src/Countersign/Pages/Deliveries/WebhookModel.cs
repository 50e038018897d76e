using Countersign.Outcomes.Webhooks;
using Countersign.Pages.Parts;
using Countersign.People;

namespace Countersign.Pages.Deliveries;

/// <summary>All webhooks.</summary>
public sealed record WebhooksModel(IReadOnlyList<Webhook> Webhooks, PeopleSnapshot People, bool IsSendingOff);

/// <summary>The form that adds a webhook, with what was typed into it.</summary>
public sealed record NewWebhookModel(string Url, string Events, string Sources)
{
    public Refused? Refused { get; init; }
}

/// <summary>One webhook.</summary>
public sealed record WebhookModel(Webhook Webhook, PeopleSnapshot People, bool HasOldSecret)
{
    /// <summary>What the form before has led to, shown this one time.</summary>
    public WebhookNews? News { get; init; }

    public string Path => WebhooksPage.AddressOf(Webhook.Id);
}

/// <summary>What came of a form: a new secret, a test, or how many deliveries go once more.</summary>
public sealed record WebhookNews(string? Secret = null, WebhookTest? Test = null, int? Replayed = null);
