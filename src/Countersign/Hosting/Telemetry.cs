using Countersign.Doors.Gates;
using Countersign.SignIn;
using Countersign.Storage;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Countersign.Hosting;

/// <summary>
/// Traces, metrics and logs for those who collect them: over OTLP where the standard variable
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names a collector, and metrics for Prometheus by <c>Metrics:Prometheus</c>.
/// Without either nothing is measured.
/// </summary>
internal static class Telemetry
{
    public static void AddTelemetry(
        this IServiceCollection services,
        IConfiguration configuration,
        MetricsOptions options
    )
    {
        var overOtlp = !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        if (!overOtlp && !options.Prometheus)
            return;
        services.AddSingleton<EngineGauges>().AddHostedService(s => s.GetRequiredService<EngineGauges>());
        var telemetry = services
            .AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("countersign", serviceVersion: Product.Version))
            .WithMetrics(metrics =>
            {
                metrics
                    .AddAspNetCoreInstrumentation()
                    .AddHttpClientInstrumentation()
                    .AddRuntimeInstrumentation()
                    .AddStoreInstrumentation();
                metrics.AddMeter(
                    RefusalLog.MeterName,
                    Work.WorkLoop.MeterName,
                    EngineGauges.MeterName,
                    "Microsoft.AspNetCore.Authentication"
                );
                if (options.Prometheus)
                    metrics.AddPrometheusExporter();
            });
        if (!overOtlp)
            return;
        telemetry.WithTracing(tracing =>
            tracing
                .AddAspNetCoreInstrumentation(options =>
                    options.EnrichWithHttpRequest = (trace, request) => trace.SetTag("url.path", Shown(request))
                )
                .AddHttpClientInstrumentation(options =>
                    // Addresses of receivers may hold secrets, too.
                    options.EnrichWithHttpRequestMessage = (trace, request) =>
                        trace.SetTag("url.full", request.RequestUri?.GetLeftPart(UriPartial.Authority))
                )
                .AddStoreInstrumentation()
        );
        telemetry.WithLogging();
        telemetry.UseOtlpExporter();
    }

    /// <summary>The path, without what follows a gate's source: there its secret may stand.</summary>
    private static string Shown(HttpRequest request) =>
        request.Path.StartsWithSegments(GateEndpoints.Path)
            ? request.PathBase + string.Join('/', request.Path.Value!.Split('/').Take(4))
            : request.PathBase + request.Path;

    public static void MapTelemetry(this IEndpointRouteBuilder routes, MetricsOptions options)
    {
        if (options.Prometheus)
            routes.MapPrometheusScrapingEndpoint().AllowAnonymous().DisableRateLimiting();
    }
}
