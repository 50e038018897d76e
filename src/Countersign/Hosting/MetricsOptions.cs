using System.ComponentModel;

namespace Countersign.Hosting;

/// <summary>Metrics for those who come for them; those who are sent them set the standard OTEL variables.</summary>
public sealed record MetricsOptions
{
    [Description("Whether /metrics answers, in Prometheus' format.")]
    public bool Prometheus { get; init; }
}
