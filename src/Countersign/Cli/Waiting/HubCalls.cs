using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Countersign.Cli.Waiting;

/// <summary>What a call to the hub came to.</summary>
internal abstract record HubAnswer
{
    private HubAnswer() { }

    /// <summary>The hub itself has answered, with JSON.</summary>
    public sealed record Said(int Status, JsonElement Json) : HubAnswer
    {
        /// <summary>A member that is a text, or null if it is missing.</summary>
        public string? this[string name] => TextOf(Json, name);

        public string? Code => this["code"];

        /// <summary>A refusal in the hub's words.</summary>
        public string Why => this["detail"] ?? $"The hub answered {Status}.";
    }

    /// <summary>No answer, or one that says to come again: worth another try.</summary>
    public sealed record Trouble(string Why, TimeSpan? RetryAfter = null) : HubAnswer;

    /// <summary>Something else than the hub has answered, and would again.</summary>
    public sealed record NotTheHub(string Why) : HubAnswer;

    public static string? TextOf(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object
        && json.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}

/// <summary>
/// Calls to a hub from outside. Redirects aren't followed, since the key must not go elsewhere, and an answer counts
/// only when it's the hub's JSON: the pages of proxies and sign-in portals say nothing.
/// </summary>
internal sealed class HubCalls : IDisposable
{
    private const int MaxAnswer = 4 << 20;

    private readonly HttpClient _http;

    public HubCalls(Uri hub, string key)
    {
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                AutomaticDecompression = DecompressionMethods.All,
                ConnectTimeout = TimeSpan.FromSeconds(15),
                // A hub that moved to another address is found again.
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            }
        )
        {
            BaseAddress = hub,
            // Each call has its own.
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswer,
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        _http.DefaultRequestHeaders.UserAgent.TryParseAdd($"countersign-wait/{Hosting.Product.Version.Split('+')[0]}");
    }

    public Task<HubAnswer> Get(string path, TimeSpan patience, CancellationToken cancel) =>
        Send(HttpMethod.Get, path, null, null, patience, cancel);

    public Task<HubAnswer> Post(
        string path,
        string body,
        string? idempotencyKey,
        TimeSpan patience,
        CancellationToken cancel
    ) => Send(HttpMethod.Post, path, body, idempotencyKey, patience, cancel);

    public Uri AddressOf(string path) => new(_http.BaseAddress!, path);

    private async Task<HubAnswer> Send(
        HttpMethod method,
        string path,
        string? body,
        string? idempotencyKey,
        TimeSpan patience,
        CancellationToken cancel
    )
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        ended.CancelAfter(patience);
        try
        {
            using var request = new HttpRequestMessage(method, path);
            if (body is not null)
                request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            if (idempotencyKey is not null)
                request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
            using var response = await _http.SendAsync(request, ended.Token);
            return Read(response, await response.Content.ReadAsByteArrayAsync(ended.Token));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new HubAnswer.Trouble("The hub didn't answer in time.");
        }
        catch (HttpRequestException failure)
        {
            return new HubAnswer.Trouble($"The hub can't be reached: {Cause(failure)}");
        }
        catch (IOException failure)
        {
            return new HubAnswer.Trouble($"The connection broke: {failure.Message}");
        }
    }

    private static HubAnswer Read(HttpResponseMessage response, byte[] bytes)
    {
        var status = (int)response.StatusCode;
        if (status is >= 300 and < 400)
        {
            return new HubAnswer.NotTheHub(
                $"Something answered with a redirect to {response.Headers.Location}. Use the hub's own address."
            );
        }
        var isJson =
            response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json";
        if (status is 408 or 425 or 429 or >= 500)
        {
            var after = response.Headers.RetryAfter?.Delta;
            return new HubAnswer.Trouble($"The hub answered {status}.", after);
        }
        if (!isJson)
        {
            return new HubAnswer.NotTheHub(
                $"Something that isn't the hub answered {status} with {response.Content.Headers.ContentType?.MediaType
                    ?? "no type"}. Check the address, and proxies on the way."
            );
        }
        try
        {
            return new HubAnswer.Said(status, JsonElement.Parse(bytes));
        }
        catch (JsonException)
        {
            return new HubAnswer.Trouble("The hub's answer was cut short.");
        }
    }

    private static string Cause(Exception failure)
    {
        while (failure.InnerException is { } inner)
            failure = inner;
        return failure.Message;
    }

    public void Dispose() => _http.Dispose();
}
