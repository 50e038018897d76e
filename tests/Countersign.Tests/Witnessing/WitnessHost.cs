using Countersign.Doors.Witness;
using Countersign.Proof;
using Countersign.Storage;
using Countersign.Witnessing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Countersign.Tests.Witnessing;

/// <summary>A whole <c>countersign witness</c> on a loopback port.</summary>
internal sealed class WitnessHost : IAsyncDisposable
{
    private readonly string _folder;
    private readonly WebApplication _app;

    private WitnessHost(string folder, WebApplication app) => (_folder, _app) = (folder, app);

    public Uri Base => new(_app.Urls.First() + WitnessEndpoints.Path);
    public NoteKey Key => _app.Services.GetRequiredService<Cosign>().Key;
    public WitnessAddress Address => new(Key, Base);

    /// <param name="logs">The keys of the logs that it follows.</param>
    public static async Task<WitnessHost> Start(TestClock clock, params string[] logs)
    {
        var folder = System.IO.Directory.CreateTempSubdirectory("countersign-witness-").FullName;
        var options = new CountersignOptions(
            new ConfigurationBuilder()
                .AddInMemoryCollection(
                    new Dictionary<string, string?>
                    {
                        ["Urls"] = "http://127.0.0.1:0",
                        ["Witness:Logs"] = string.Join(',', logs),
                        ["Witness:Name"] = "witness.example.test",
                        ["Witness:Folder"] = folder,
                        ["Shutdown:Drain"] = "0s",
                        ["Logging:LogLevel:Default"] = "None",
                    }
                )
                .Build()
        );
        var app = WitnessServer.Build(
            options,
            [],
            services => services.AddSingleton<TimeProvider>(clock).AddLogging(logging => logging.ClearProviders())
        );
        await app.StartAsync();
        return new WitnessHost(folder, app);
    }

    /// <summary>Sends what a log would, and gets the answer as it is.</summary>
    public async Task<(int Status, string? Type, string Body)> Send(string body)
    {
        using var http = new HttpClient();
        using var answer = await http.PostAsync(
            new Uri($"{Base}/add-checkpoint"),
            new StringContent(body),
            Xunit.TestContext.Current.CancellationToken
        );
        return (
            (int)answer.StatusCode,
            answer.Content.Headers.ContentType?.MediaType,
            await answer.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken)
        );
    }

    public async Task<(int Status, string Body)> Newest(string origin)
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(
            new Uri($"{Base}/{Hashes.Sha256(origin)}/checkpoint"),
            Xunit.TestContext.Current.CancellationToken
        );
        return (
            (int)answer.StatusCode,
            await answer.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken)
        );
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }
}
