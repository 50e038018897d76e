using Countersign.Configuration;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Countersign.Hosting;

/// <summary>The web server itself: where it listens, how it stops, and what every answer has in common.</summary>
internal static class ServerHost
{
    private const string HostCategory = "Microsoft.Extensions.Hosting.Internal.Host";
    private static readonly TimeSpan MaxStop = TimeSpan.FromSeconds(15);

    public static WebApplicationBuilder CreateBuilder(ServerOptions server, string[] switches)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions
            {
                ApplicationName = "countersign",
                ContentRootPath = AppContext.BaseDirectory,
                EnvironmentName = Environments.Production,
            }
        );
        // Ours alone, so that the server is set up by what doctor shows: the builder has read variables of its own.
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(ConfigurationSources.TelemetryVariables());
        builder.Configuration.AddConfiguration(ConfigurationSources.Read(switches));
        builder.Logging.AddLogOutput(builder.Configuration);
        // The host logs a failed start with its stack; the caller prints the reason in a sentence.
        var hasStarted = false;
        builder.Logging.AddFilter(
            HostCategory,
            level => level >= LogLevel.Warning && (hasStarted || level < LogLevel.Error)
        );
        builder.Services.AddSystemd();
        builder.Services.AddHostedService(_ => new OnStarted(() => hasStarted = true));
        builder
            .WebHost.UseKestrelHttpsConfiguration()
            .UseUrls([.. server.Urls])
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                kestrel.Limits.MaxRequestBodySize = BodyBytes.MaxSize;
            });
        // The framework's own filters would judge hosts before a proxy is heard, and could be told by a variable to
        // believe every proxy. Both stand in our pipeline, with our settings.
        builder.Services.RemoveAll<IStartupFilter>();
        return builder;
    }

    public static IServiceCollection AddServerHost(this IServiceCollection services, ServerOptions server)
    {
        services
            .AddOptions<HostOptions>()
            .Configure<ShutdownOptions>(
                (host, shutdown) =>
                {
                    host.ShutdownTimeout = MaxStop + shutdown.Drain;
                    // Every worker goes on by itself; should one end all the same, the others still serve.
                    host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
                }
            );
        services.AddHostFiltering(options => options.AllowedHosts = [.. server.AllowedHosts]);
        services.AddHsts(options => options.MaxAge = TimeSpan.FromDays(365));
        services.AddProblemDetails().AddExceptionHandler<FaultAnswer>();
        services.AddResponseCompression(options =>
        {
            // Answers carry no secret beside text that an outsider chooses (keys are shown once, in answers to admins),
            // so TLS is no obstacle.
            options.EnableForHttps = true;
            options.MimeTypes = ResponseCompressionDefaults.MimeTypes;
        });
        services.AddSingleton<Drain>().AddHostedService(s => s.GetRequiredService<Drain>());
        return services.AddSingleton<Cursors>().AddSingleton<WriteProbe>();
    }

    private sealed class OnStarted(Action action) : IHostedLifecycleService
    {
        public Task StartedAsync(CancellationToken cancellationToken)
        {
            action();
            return Task.CompletedTask;
        }

        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
