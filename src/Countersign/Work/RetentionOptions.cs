using System.ComponentModel;
using Countersign.Configuration;

namespace Countersign.Work;

/// <summary>How long everything is kept that would otherwise grow for ever.</summary>
public sealed record RetentionOptions
{
    [Description("How long finished deliveries and their attempts are kept."), MinDuration("1h")]
    public TimeSpan Deliveries { get; init; } = TimeSpan.FromDays(30);

    [
        Description("How long the use of an email link is remembered; at least as long as links are valid."),
        MinDuration("3d")
    ]
    public TimeSpan UsedLinks { get; init; } = TimeSpan.FromDays(30);

    [Description("How long a repeated call gets the first response."), MinDuration("24h")]
    public TimeSpan IdempotencyKeys { get; init; } = LeastIdempotencyKeys;

    [Description("How long the beginnings of bodies that couldn't be read are kept."), MinDuration("1h")]
    public TimeSpan RejectedBodies { get; init; } = TimeSpan.FromDays(90);

    [Description("How long after a request is closed its chat messages can still be updated."), MinDuration("1h")]
    public TimeSpan ChatMessages { get; init; } = TimeSpan.FromDays(30);

    [Description("How long after a request is closed its original body is kept."), MinDuration("1h")]
    public TimeSpan Bodies { get; init; } = TimeSpan.FromDays(365);

    [Description("How long jobs that failed for good stay listed."), MinDuration("1h")]
    public TimeSpan SetAsideWork { get; init; } = TimeSpan.FromDays(90);

    [Description("How long the daily figures of Insights are kept."), MinDuration("100d")]
    public TimeSpan Insights { get; init; } = TimeSpan.FromDays(400);

    /// <summary>Clients rely on this much, and links that decide are good for that long.</summary>
    public static readonly TimeSpan LeastIdempotencyKeys = TimeSpan.FromHours(24),
        LeastUsedLinks = TimeSpan.FromDays(3);
}
