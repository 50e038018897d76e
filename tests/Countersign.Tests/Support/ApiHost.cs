using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Hosting;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Countersign.Tests;

/// <summary>The whole server on a loopback port, on a hub's store: HTTP in, HTTP out.</summary>
public sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TestHub? _owned;

    private ApiHost(TestHub hub, WebApplication app, TestHub? owned) => (Hub, _app, _owned) = (hub, app, owned);

    public TestHub Hub { get; }
    public IServiceProvider Services => _app.Services;
    public Uri Address => new(_app.Urls.First());

    /// <summary>What stands before every path.</summary>
    public string Base => Services.GetRequiredService<ServerOptions>().PathBase;

    /// <summary>A hub and its server; both end with the test.</summary>
    public static async Task<ApiHost> Start(Engine engine, params (string Name, string Value)[] settings)
    {
        var hub = await TestHub.Start(engine);
        return await Start(hub, hub, settings, null);
    }

    /// <summary>One whose log is listened to, at every level.</summary>
    public static async Task<ApiHost> Start(
        Engine engine,
        ILoggerProvider log,
        params (string Name, string Value)[] settings
    )
    {
        var hub = await TestHub.Start(engine);
        return await Start(hub, hub, settings, log);
    }

    /// <summary>One more server on a hub that somebody else ends: another node.</summary>
    public static Task<ApiHost> Start(TestHub hub, params (string Name, string Value)[] settings) =>
        Start(hub, null, settings, null);

    /// <summary>One more server whose log is listened to.</summary>
    public static Task<ApiHost> Start(
        TestHub hub,
        ILoggerProvider log,
        params (string Name, string Value)[] settings
    ) => Start(hub, null, settings, log);

    private static async Task<ApiHost> Start(
        TestHub hub,
        TestHub? owned,
        (string Name, string Value)[] given,
        ILoggerProvider? log
    )
    {
        var keyFile = Path.Combine(Path.GetTempPath(), $"countersign-test-{Environment.ProcessId}.key");
        var values = new Dictionary<string, string?>
        {
            ["Urls"] = "http://127.0.0.1:0",
            ["RootKeyFile"] = keyFile,
            ["Proof:SignedFile"] = hub.Place.SignedFile,
            ["Shutdown:Drain"] = "0s",
            ["Logging:LogLevel:Default"] = "None",
        };
        foreach (var (name, value) in given)
            values[name] = value;
        var options = new CountersignOptions(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        if (options.Problems() is { Count: > 0 } problems)
            throw new InvalidOperationException(string.Join('\n', problems));
        var store = owned is null ? await hub.Place.OpenAnother() : hub.Store;
        string[] ofLog = log is null
            ? []
            : ["--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Microsoft.AspNetCore=Trace"];
        // What telemetry reads from the environment.
        var ofTelemetry = given.Where(s => s.Name.StartsWith("OTEL_", StringComparison.Ordinal));
        string[] switches = [.. ofLog, .. ofTelemetry.Select(s => $"--{s.Name}={s.Value}")];
        var app = Countersign.Program.Build(
            options,
            store,
            RootKey.Load(values["RootKeyFile"]!, mayCreate: true),
            switches,
            services =>
            {
                services.AddSingleton<TimeProvider>(hub.Clock);
                services.AddLogging(logging =>
                {
                    logging.ClearProviders();
                    if (log is not null)
                        logging.AddProvider(log);
                });
            }
        );
        await app.StartAsync();
        return new ApiHost(hub, app, owned);
    }

    /// <summary>Someone who calls: nobody in particular, unless given a credential.</summary>
    public ApiClient Nobody() => new(Address, null);

    public ApiClient Source(NewSourceKey key) => new(Address, new AuthenticationHeaderValue("Bearer", key.Key));

    public async Task<ApiClient> Person(Person person)
    {
        var token = Some.Done(await Hub.Tokens.Add(person.Email!, Some.Operator, default));
        return Person(person.Email!, token.Token);
    }

    /// <summary>The person in a browser: signed in, without their password.</summary>
    public async Task<Browser> SignIn(Person person)
    {
        var session = await Services
            .GetRequiredService<Sessions>()
            .Start(person.Id, "password", new ClientInfo("page", "127.0.0.1", "a test"), default);
        return new Browser(Address, (session ?? throw new InvalidOperationException("They are shut out.")).Secret);
    }

    /// <summary>A browser in which nobody has signed in yet.</summary>
    public Browser Browser() => new(Address, null);

    public ApiClient Person(string email, string token) => Person(Address, email, token);

    public static ApiClient Person(Uri address, string email, string token) =>
        new(
            address,
            new AuthenticationHeaderValue(
                "Basic",
                Convert.ToBase64String(Encoding.UTF8.GetBytes($"{email}/token:{token}"))
            )
        );

    /// <summary>The server knows what was changed beside it, as it would a moment later.</summary>
    public async Task Noticed() => await Services.GetRequiredService<PeopleDirectory>().Refresh();

    public Task Stop() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        if (_owned is not null)
            await _owned.DisposeAsync();
    }
}

/// <summary>Calls the API and reads what it answers as JSON.</summary>
public sealed class ApiClient : IDisposable
{
    /// <param name="way">How to get there. Without it, as usual.</param>
    public ApiClient(Uri address, AuthenticationHeaderValue? authorization, SocketsHttpHandler? way = null)
    {
        way ??= new SocketsHttpHandler();
        way.AllowAutoRedirect = false;
        Http = new HttpClient(way) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
        Http.DefaultRequestHeaders.Authorization = authorization;
    }

    public HttpClient Http { get; }

    /// <summary>An answer that the API's description doesn't know fails the test that got it.</summary>
    public bool ChecksDescription { get; set; }

    public Task<ApiAnswer> Get(string path) => Send(HttpMethod.Get, path, null);

    public Task<ApiAnswer> Delete(string path) => Send(HttpMethod.Delete, path, null);

    public Task<ApiAnswer> Put(string path, object? body = null) =>
        Send(HttpMethod.Put, path, body is null ? null : Json(body));

    public Task<ApiAnswer> Post(string path, object body, params (string Name, string Value)[] headers) =>
        Send(HttpMethod.Post, path, Json(body), headers);

    public Task<ApiAnswer> PostText(string path, string body, string type = "application/json") =>
        Send(HttpMethod.Post, path, new StringContent(body, Encoding.UTF8, type));

    public Task<ApiAnswer> PostBytes(string path, byte[] body) =>
        Send(
            HttpMethod.Post,
            path,
            new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } }
        );

    public async Task<ApiAnswer> Send(
        HttpMethod method,
        string path,
        HttpContent? content,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var answer = new ApiAnswer(
            (int)response.StatusCode,
            text,
            response.Headers,
            response.Content.Headers.ContentType?.MediaType
        );
        if (ChecksDescription && path.StartsWith("/api/", StringComparison.Ordinal))
            await CheckDescription(method, path, answer);
        return answer;
    }

    public void Dispose() => Http.Dispose();

    private static async Task CheckDescription(HttpMethod method, string path, ApiAnswer answer)
    {
        var description = await ApiDescription.Read();
        if (description.Mistake(method, path, answer.Status, answer.MediaType, answer.Text) is { } mistake)
            throw new InvalidOperationException($"{method} {path}: {mistake}");
    }

    private static StringContent Json(object body) =>
        new(JsonSerializer.Serialize(body, JsonSerializerOptions.Web), Encoding.UTF8, "application/json");
}

public sealed record ApiAnswer(int Status, string Text, HttpResponseHeaders Headers, string? MediaType)
{
    public JsonNode Json => JsonNode.Parse(Text) ?? throw new InvalidOperationException("The answer is null.");

    public string? this[string name] => Json[name]?.ToString();

    /// <summary>The stable code of a refusal.</summary>
    public string? Code => this["code"];

    /// <summary>The members that a 422 names.</summary>
    public IReadOnlyList<string> Wrong => Json["errors"] is JsonObject errors ? [.. errors.Select(e => e.Key)] : [];
}
