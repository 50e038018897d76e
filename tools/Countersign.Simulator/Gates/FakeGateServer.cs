using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Countersign.Simulator.Gates;

/// <summary>A call that a hub made to the system that waits for it.</summary>
public sealed record GateServerCall(
    string Method,
    string Path,
    IReadOnlyDictionary<string, string> Headers,
    string Body
)
{
    public string Header(string name) => Headers.GetValueOrDefault(name, "");

    public JsonNode Json => JsonNode.Parse(Body)!;
}

/// <param name="Text">Sent as HTML; JSON where null.</param>
public sealed record GateServerAnswer(int Status, JsonNode? Json = null, string? Text = null);

/// <summary>A system that waits, on the loopback interface: what each of them has in common.</summary>
public abstract class FakeGateServer : IAsyncDisposable
{
    private readonly ConcurrentQueue<GateServerCall> _calls = new();
    private readonly Lock _lock = new();
    private WebApplication _app = null!;

    protected FakeGateServer(TimeProvider time) => Time = time;

    protected TimeProvider Time { get; }
    protected DateTimeOffset Now => Time.GetUtcNow();

    /// <summary>Without a slash at the end.</summary>
    public string Address { get; private set; } = "";
    public IReadOnlyList<GateServerCall> Calls => [.. _calls];

    /// <summary>Answered before anything is done, one per call.</summary>
    public ConcurrentQueue<int> Refusals { get; } = new();

    /// <summary>For how many calls something in between answers with a page to sign in, and 200.</summary>
    public int ShowsPages { get; set; }

    /// <summary>For how many calls the connection is cut after they were taken.</summary>
    public int LosesAnswers { get; set; }

    /// <summary>What happens elsewhere while a call is on its way.</summary>
    public Func<GateServerCall, Task>? Before { get; set; }

    /// <summary>What Retry-After says of a refusal, in seconds.</summary>
    public int? RetryAfter { get; set; }

    protected abstract GateServerAnswer Serve(GateServerCall call);

    protected async Task Listen(int port)
    {
        // Nothing of the process's own settings: they may name addresses, and describe another program.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server => server.Listen(IPAddress.Loopback, port));
        _app = builder.Build();
        _app.Run(Run);
        await _app.StartAsync();
        Address = _app
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First()
            .TrimEnd('/');
    }

    private async Task Run(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var call = new GateServerCall(
            http.Request.Method,
            http.Request.Path.Value + http.Request.QueryString.Value,
            http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync()
        );
        if (Before is { } before)
            await before(call);
        GateServerAnswer answer;
        lock (_lock)
        {
            _calls.Enqueue(call);
            answer =
                ShowsPages > 0 ? new GateServerAnswer(200, Text: "<html><title>Sign in</title></html>")
                : Refusals.TryDequeue(out var refusal) ? new GateServerAnswer(refusal)
                : Serve(call);
            if (ShowsPages > 0)
                ShowsPages--;
            if (LosesAnswers > 0 && answer.Status < 300 && call.Method != HttpMethods.Get)
            {
                LosesAnswers--;
                http.Abort();
                return;
            }
        }
        http.Response.StatusCode = answer.Status;
        if (RetryAfter is { } after && answer.Status is 429 or 503)
            http.Response.Headers.RetryAfter = after.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (answer.Status == 204)
            return;
        http.Response.ContentType = answer.Text is null
            ? "application/json; charset=utf-8"
            : "text/html; charset=utf-8";
        await http.Response.WriteAsync(answer.Text ?? answer.Json?.ToJsonString() ?? "{}");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
