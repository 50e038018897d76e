using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Countersign.Simulator;

/// <summary>An answer, with the moments between which it was given.</summary>
/// <param name="Status">0 when none came; then <paramref name="Text"/> says why.</param>
public sealed record Answer(
    Call Call,
    int Status,
    string Text,
    string MediaType,
    long Began,
    long Ended,
    JsonElement? Json
)
{
    public bool IsGood => Status is >= 200 and < 300;
    public TimeSpan Took => Stopwatch.GetElapsedTime(Began, Ended);

    /// <summary>In a few words, for an report.</summary>
    public override string ToString() =>
        Status == 0 ? $"{Call.Name}: {Text}" : $"{Call.Name} answered {Status} {Excerpt(Text)}".TrimEnd();

    private static string Excerpt(string text)
    {
        var line = text.ReplaceLineEndings(" ").Trim();
        return line.Length > 120 ? line[..120] + "…" : line;
    }
}

/// <summary>
/// The approval application under one configuration of LaunchDarkly: its base URL and its key. Addresses and headers
/// are the contract's; redirects are not followed and nothing is tried twice.
/// </summary>
public sealed class ApprovalApplication(HttpClient http, Contract contract, string baseUrl, string key)
{
    private const int MaxAnswer = 4 << 20;

    public Contract Contract => contract;
    public string BaseUrl => baseUrl;

    /// <summary>How many calls were made, of all configurations that share the connection.</summary>
    public CallCount Calls { get; private init; } = new();

    public ApprovalApplication With(
        string? otherUrl = null,
        string? otherKey = null,
        Func<ProposedChange, string>? otherBody = null
    ) =>
        new(
            http,
            otherBody is null ? contract : contract with { Body = otherBody },
            otherUrl ?? baseUrl,
            otherKey ?? key
        )
        {
            Calls = Calls,
        };

    public static HttpClient NewHttp(TimeSpan patience) =>
        new(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            }
        )
        {
            Timeout = patience,
            MaxResponseContentBufferSize = MaxAnswer,
        };

    /// <param name="giveUp">LaunchDarkly's own patience with this call, when it is short.</param>
    public async Task<Answer> Send(
        Call call,
        string externalId,
        string? body,
        CancellationToken cancel,
        TimeSpan? giveUp = null
    )
    {
        var scope = new Scope(baseUrl, key, externalId);
        using var request = new HttpRequestMessage(call.Method, call.Url(scope));
        if (call.Method != HttpMethod.Get)
            request.Content = new ByteArrayContent(body is null ? [] : Encoding.UTF8.GetBytes(body));
        foreach (var (name, value) in call.Headers(scope))
        {
            if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase))
                request.Content?.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            else if (value.TrimEnd() != "Bearer")
                request.Headers.TryAddWithoutValidation(name, value);
        }
        return await Send(call, request, giveUp, cancel);
    }

    /// <summary>What a person's browser does: no key, and the address that the contract gives.</summary>
    public async Task<Answer> OpenReviewPage(string externalId, CancellationToken cancel)
    {
        var url = contract.ReviewPage(new Scope(baseUrl, key, externalId));
        var call = new Call("review page", HttpMethod.Get, _ => url, _ => []);
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        return await Send(call, request, null, cancel);
    }

    private async Task<Answer> Send(Call call, HttpRequestMessage request, TimeSpan? giveUp, CancellationToken cancel)
    {
        Calls.Add();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (giveUp is { } span)
            patience.CancelAfter(span);
        var began = Stopwatch.GetTimestamp();
        try
        {
            using var response = await http.SendAsync(request, patience.Token);
            var text = await response.Content.ReadAsStringAsync(patience.Token);
            return new Answer(
                call,
                (int)response.StatusCode,
                text,
                response.Content.Headers.ContentType?.MediaType ?? "",
                began,
                Stopwatch.GetTimestamp(),
                Parse(text)
            );
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return None(call, began, "no response in time");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or InvalidOperationException)
        {
            return None(call, began, failure.InnerException?.Message ?? failure.Message);
        }
    }

    private static Answer None(Call call, long began, string why) =>
        new(call, 0, why, "", began, Stopwatch.GetTimestamp(), null);

    private static JsonElement? Parse(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A count that several threads add to.</summary>
public sealed class CallCount
{
    private int _count;

    public int Value => Volatile.Read(ref _count);

    public void Add() => Interlocked.Increment(ref _count);
}
