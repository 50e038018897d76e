using Npgsql;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Countersign.Storage;

/// <summary>What the store and its driver tell about themselves, for whoever collects it.</summary>
public static class StoreInstrumentation
{
    public static MeterProviderBuilder AddStoreInstrumentation(this MeterProviderBuilder metrics) =>
        metrics.AddMeter(Meters.Name).AddNpgsqlInstrumentation();

    public static TracerProviderBuilder AddStoreInstrumentation(this TracerProviderBuilder tracing) =>
        tracing.AddNpgsql();
}
