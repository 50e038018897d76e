using System.Collections.Concurrent;
using System.Text;
using Countersign.Gates;
using Countersign.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Trace;
using Xunit;

namespace Countersign.Tests.Hosting;

/// <summary>Traces as they are exported over OTLP.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task Traces_name_paths_but_no_secret_that_stands_in_one()
    {
        const string Secret = "secretOfTheCanary4711";
        var received = new ConcurrentQueue<string>();
        await using var collector = await Collector(received);
        await using var host = await ApiHost.Start(
            Engine.Sqlite,
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Urls.First()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        );
        var key = await host.Hub.AddSource("rollouts", kind: SourceKinds.Flagger);
        var sources = host.Services.GetRequiredService<GateSources>();
        var secret = new Dictionary<string, string> { ["secret"] = Secret };
        Some.Done(await sources.Set("rollouts", secret, Some.Operator, default));
        await host.Noticed();
        using var canary = host.Nobody();
        var hook = new
        {
            name = "shop",
            @namespace = "prod",
            phase = "Progressing",
            checksum = "1",
        };
        await canary.Post($"/gates/flagger/{key.Id}/{Secret}/confirm-rollout", hook);
        // A call's trace ends after its answer.
        var tracer = host.Services.GetRequiredService<TracerProvider>();
        await Eventually.True(
            () =>
                tracer.ForceFlush()
                && received.Any(t => t.Contains($"/gates/flagger/{key.Id}", StringComparison.Ordinal)),
            "the call's trace has come"
        );
        Assert.All(received, trace => Assert.DoesNotContain(Secret, trace, StringComparison.Ordinal));
    }

    /// <summary>As a collector takes them over HTTP.</summary>
    private static async Task<WebApplication> Collector(ConcurrentQueue<string> received)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddLogging(logging => logging.ClearProviders());
        var app = builder.Build();
        app.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            received.Enqueue(Encoding.Latin1.GetString(body.ToArray()));
        });
        await app.StartAsync();
        return app;
    }
}
