using System.ComponentModel;
using Countersign.Configuration;

namespace Countersign.LaunchDarkly;

/// <summary>How LaunchDarkly is asked.</summary>
public sealed record LaunchDarklyOptions
{
    [Description("How long a request waits for LaunchDarkly to confirm its requester and its change.")]
    [MinDuration("1s")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(10);
}
