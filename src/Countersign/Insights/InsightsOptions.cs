using System.ComponentModel;

namespace Countersign.Insights;

/// <summary>What Insights shows.</summary>
public sealed record InsightsOptions
{
    [Description("Whether Insights shows figures of each reviewer.")]
    public bool Reviewers { get; init; } = true;
}
