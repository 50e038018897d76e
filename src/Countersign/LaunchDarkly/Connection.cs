using System.ComponentModel;
using System.Globalization;

namespace Countersign.LaunchDarkly;

/// <summary>How a source's LaunchDarkly is asked, with its secrets in clear, here and nowhere else.</summary>
internal sealed record Connection
{
    public required long SourceId { get; init; }
    public required Uri BaseUrl { get; init; }
    public string? Token { get; init; }
    public string? WebhookSecret { get; init; }
    public bool Identify { get; init; }
    public bool Describe { get; init; }
    public bool Apply { get; init; }
    public bool ImportMembers { get; init; }

    /// <summary>The LaunchDarkly account to which the token belongs, once that is known.</summary>
    public string? AccountId { get; init; }

    /// <summary>What jobs call it: its limit of calls at once, and its pauses, are its own.</summary>
    public string Receiver => SourceId.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The same as admins see it.</summary>
/// <param name="CheckedAt">When LaunchDarkly last answered, or last failed to.</param>
/// <param name="Problem">Why it couldn't be asked then; null where it could.</param>
public sealed record ConnectionView(
    long SourceId,
    string Source,
    string BaseUrl,
    bool HasToken,
    bool HasWebhookSecret,
    bool Identify,
    bool Describe,
    bool Apply,
    bool ImportMembers,
    string? AccountId,
    DateTimeOffset? CheckedAt,
    string? Problem
);

/// <summary>
/// What to change about a connection. Null leaves a value as it is; an empty token or secret removes it.
/// </summary>
public sealed record ConnectionChange
{
    [Description("Where LaunchDarkly is. Another address removes the token.")]
    public string? BaseUrl { get; init; }

    [Description("An API access token. Never returned.")]
    public string? Token { get; init; }

    [Description("The secret with which LaunchDarkly signs its webhook. Never returned.")]
    public string? WebhookSecret { get; init; }

    [Description("Ask LaunchDarkly who requested a change.")]
    public bool? Identify { get; init; }

    [Description("Ask LaunchDarkly what changes.")]
    public bool? Describe { get; init; }

    [Description("Apply a change as soon as LaunchDarkly knows that it's approved.")]
    public bool? Apply { get; init; }

    [Description("Import the account's members every day.")]
    public bool? ImportMembers { get; init; }
}
