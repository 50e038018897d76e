using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Countersign.Web;

/// <summary>Traces and metrics over OTLP, where the standard variable <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names a collector.</summary>
internal sealed class Telemetry(TracerProvider tracing, MeterProvider metering) : IHostedService, IDisposable
{
    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        if (string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            return;
        services.AddHostedService(_ => new Telemetry(
            Sdk.CreateTracerProviderBuilder().ConfigureResource(r => r.AddService("countersign"))
                .AddSource("Microsoft.AspNetCore", "Npgsql").AddOtlpExporter().Build(),
            Sdk.CreateMeterProviderBuilder().ConfigureResource(r => r.AddService("countersign"))
                .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime", "Npgsql")
                .AddMeter(Storage.Meters.Name, Refusals.MeterName, Work.WorkLoop.MeterName).AddOtlpExporter().Build()));
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken)
    {
        tracing.ForceFlush(2_000);
        metering.ForceFlush(2_000);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        tracing.Dispose();
        metering.Dispose();
    }
}
