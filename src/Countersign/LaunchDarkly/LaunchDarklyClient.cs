using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Countersign.Outcomes;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.LaunchDarkly;

/// <summary>
/// Asks LaunchDarkly's REST API. The token goes to the connection's own address and nowhere else: redirects are not
/// followed, and of links in answers only the path counts. Nothing of an answer is logged. LaunchDarkly's limit is
/// shared by everyone in the account, so calls go one by one, pause where it says so, and what may be kept for a while
/// is.
/// </summary>
internal sealed partial class LaunchDarklyClient(Store store, Egress egress, Connections connections)
{
    public const string ApiVersion = "20240415";
    internal const string Unreadable = "LaunchDarkly answered with something other than the JSON that it documents.";

    /// <summary>Calls that may follow each other at once; then there is a pause between them.</summary>
    private const int Burst = 10;
    private const int MaxKept = 10_000;

    /// <summary>What is left to the whole account below which we stop until its window is over.</summary>
    private const long Reserve = 5;

    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan KeepMembers = TimeSpan.FromHours(1);
    private static readonly TimeSpan KeepState = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Windows are ten seconds long; a reset that lies elsewhere is in another unit or of another clock.
    /// </summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<long, Pace> _paces = new();
    private readonly ConcurrentDictionary<string, (DateTimeOffset At, JsonElement Value)> _kept = new();

    /// <summary>An approval request, as it is at this moment.</summary>
    public async Task<LaunchDarklyAnswer<ApprovalInLaunchDarkly>> Approval(
        Connection connection,
        string id,
        CancellationToken cancel
    )
    {
        // Expanded environments would bring the keys of SDKs.
        var answer = await Get(
            connection,
            $"/api/v2/approval-requests/{Part(id)}?expand=flag,project,resource",
            cancel
        );
        var read = answer.Select(ApprovalInLaunchDarkly.Read);
        // The id of a workflow is taken there, too.
        return read is LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Found { Value: var approval } && approval.Id != id
            ? new LaunchDarklyAnswer<ApprovalInLaunchDarkly>.NotFound()
            : read;
    }

    public async Task<LaunchDarklyAnswer<MemberInLaunchDarkly>> Member(
        Connection connection,
        string id,
        CancellationToken cancel
    ) => (await Kept(connection, $"/api/v2/members/{Part(id)}", KeepMembers, cancel)).Select(MemberInLaunchDarkly.Read);

    /// <param name="next">The path that the page before named; null for the first.</param>
    public async Task<LaunchDarklyAnswer<MemberPage>> Members(
        Connection connection,
        string? next,
        CancellationToken cancel,
        int limit = 100
    ) =>
        (await Get(connection, next ?? $"/api/v2/members?limit={limit}&sort=displayName", cancel)).Select(root =>
            root.Member("items") is { ValueKind: JsonValueKind.Array } items
                ? new MemberPage(
                    [.. items.EnumerateArray().Select(MemberInLaunchDarkly.Read).OfType<MemberInLaunchDarkly>()],
                    NextOf(connection, root)
                )
                : null
        );

    /// <summary>A flag with its state in one environment, or, where none is named, in all.</summary>
    public Task<LaunchDarklyAnswer<JsonElement>> Flag(
        Connection connection,
        string project,
        string flag,
        string? environment,
        CancellationToken cancel
    ) =>
        Kept(
            connection,
            $"/api/v2/flags/{Part(project)}/{Part(flag)}{(environment is null ? "" : $"?env={Part(environment)}")}",
            KeepState,
            cancel
        );

    public Task<LaunchDarklyAnswer<JsonElement>> Segment(
        Connection connection,
        string project,
        string environment,
        string segment,
        CancellationToken cancel
    ) => Kept(connection, $"/api/v2/segments/{Part(project)}/{Part(environment)}/{Part(segment)}", KeepState, cancel);

    /// <summary>Whose token it is. Not every LaunchDarkly says so.</summary>
    public async Task<LaunchDarklyAnswer<CallerInLaunchDarkly>> Caller(
        Connection connection,
        CancellationToken cancel
    ) =>
        (await Get(connection, "/api/v2/caller-identity", cancel)).Select(root => new CallerInLaunchDarkly(
            root.Text("accountId"),
            root.Member("serviceToken")?.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ => null,
            },
            root.Text("tokenName")
        ));

    /// <summary>
    /// Applies an approved change. What became of it is never judged by the answer alone: the approval is read again.
    /// </summary>
    public Task<LaunchDarklyAnswer<JsonElement>> Apply(
        Connection connection,
        string id,
        string comment,
        CancellationToken cancel
    ) =>
        Send(
            connection,
            HttpMethod.Post,
            $"/api/v2/approval-requests/{Part(id)}/apply",
            JsonSerializer.Serialize(new { comment }, JsonSerializerOptions.Web),
            cancel
        );

    /// <param name="path">Below the connection's address, with what it asks for.</param>
    public Task<LaunchDarklyAnswer<JsonElement>> Get(Connection connection, string path, CancellationToken cancel) =>
        Send(connection, HttpMethod.Get, path, null, cancel);

    /// <summary>How long LaunchDarkly wants to be left alone from now on; zero where it does not.</summary>
    public TimeSpan PauseOf(long source) =>
        _paces.TryGetValue(source, out var pace) && pace.Until - store.Now is { Ticks: > 0 } left
            ? left
            : TimeSpan.Zero;

    private async Task<LaunchDarklyAnswer<JsonElement>> Kept(
        Connection connection,
        string path,
        TimeSpan life,
        CancellationToken cancel
    )
    {
        // Another token may see other things, so it is part of the name.
        var name = $"{connection.BaseUrl} {Hashes.Sha256(connection.Token ?? "")} {path}";
        if (_kept.TryGetValue(name, out var kept) && (store.Now - kept.At).Duration() < life)
            return new LaunchDarklyAnswer<JsonElement>.Found(kept.Value);
        var answer = await Get(connection, path, cancel);
        if (answer is LaunchDarklyAnswer<JsonElement>.Found { Value: var value })
        {
            if (_kept.Count >= MaxKept)
                _kept.Clear();
            _kept[name] = (store.Now, value);
        }
        return answer;
    }

    private async Task<LaunchDarklyAnswer<JsonElement>> Send(
        Connection connection,
        HttpMethod method,
        string path,
        string? body,
        CancellationToken cancel
    )
    {
        if (connection.Token is not { Length: > 0 } token)
            return new LaunchDarklyAnswer<JsonElement>.Refused(0, "The connection has no API token.");
        if (
            !path.StartsWith("/api/v2/", StringComparison.Ordinal)
            || !Uri.TryCreate(connection.BaseUrl, path, out var address)
            || !IsAtHome(connection, address)
        )
        {
            return new LaunchDarklyAnswer<JsonElement>.Refused(0, "The address isn't one of LaunchDarkly's API.");
        }
        var pace = _paces.GetOrAdd(connection.SourceId, _ => new Pace());
        await pace.Turn.WaitAsync(cancel);
        try
        {
            if (PauseOf(connection.SourceId) is { Ticks: > 0 } pause)
            {
                return new LaunchDarklyAnswer<JsonElement>.Later(
                    pause,
                    "LaunchDarkly limits the rate of calls; asking goes on later.",
                    WasSent: false
                );
            }
            await pace.Wait(cancel);
            using var request = new HttpRequestMessage(method, address);
            request.Headers.TryAddWithoutValidation("Authorization", token);
            request.Headers.TryAddWithoutValidation("LD-API-Version", ApiVersion);
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            if (body is not null)
                request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            var outcome = await egress.Send(request, cancel);
            if (outcome is EgressOutcome.Answered { Headers: { } headers } told)
                Heed(pace, told, headers);
            var answer = Read(outcome);
            await connections.Note(
                connection,
                answer
                    is LaunchDarklyAnswer<JsonElement>.Refused { Status: 401 or 403 or 0 }
                        or LaunchDarklyAnswer<JsonElement>.Later
                    ? answer.Problem
                    : null,
                cancel
            );
            return answer;
        }
        finally
        {
            pace.Turn.Release();
        }
    }

    private LaunchDarklyAnswer<JsonElement> Read(EgressOutcome outcome) =>
        outcome switch
        {
            EgressOutcome.Answered { IsGood: true } good => Parsed(good.Body) is { } json
                ? new LaunchDarklyAnswer<JsonElement>.Found(json)
                : new LaunchDarklyAnswer<JsonElement>.Later(null, Unreadable, WasSent: true),
            EgressOutcome.Answered { Status: 404 } => new LaunchDarklyAnswer<JsonElement>.NotFound(),
            EgressOutcome.Answered { Status: 401 } => new LaunchDarklyAnswer<JsonElement>.Refused(
                401,
                "LaunchDarkly refused the token: it was revoked, mistyped, or lacks the right for this (401)."
            ),
            EgressOutcome.Answered { Status: 403 } => new LaunchDarklyAnswer<JsonElement>.Refused(
                403,
                "The token has no access to this in LaunchDarkly (403)."
            ),
            EgressOutcome.Answered { Status: 429 } busy => new LaunchDarklyAnswer<JsonElement>.Later(
                Bounded(busy.RetryAfter(store.Now)),
                "LaunchDarkly limits the rate of calls; asking goes on later.",
                WasSent: false
            ),
            EgressOutcome.Answered { Status: >= 400 and < 500 } refused => new LaunchDarklyAnswer<JsonElement>.Refused(
                refused.Status,
                $"LaunchDarkly refused the call ({refused.Status})."
            ),
            EgressOutcome.Answered { Status: >= 300 and < 400 } elsewhere =>
                new LaunchDarklyAnswer<JsonElement>.Refused(
                    elsewhere.Status,
                    $"LaunchDarkly's address answers with a redirect ({elsewhere.Status}), which isn't followed."
                ),
            EgressOutcome.Answered other => new LaunchDarklyAnswer<JsonElement>.Later(
                Bounded(other.RetryAfter(store.Now)),
                $"LaunchDarkly couldn't answer ({other.Status}).",
                WasSent: true
            ),
            EgressOutcome.Failed failed => new LaunchDarklyAnswer<JsonElement>.Later(
                null,
                $"LaunchDarkly couldn't be reached. {failed.Detail}",
                WasSent: failed.Failure is Failure.Timeout or Failure.Reset or Failure.TooLarge
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>The next call waits where LaunchDarkly says that its window is used up.</summary>
    private void Heed(Pace pace, EgressOutcome.Answered told, HttpResponseHeaders headers)
    {
        var now = store.Now;
        if (told.Status == 429 && Bounded(told.RetryAfter(now)) is { } after)
        {
            pace.Until = now + after;
            return;
        }
        var isSpent =
            told.Status == 429
            || Number(headers, "X-Ratelimit-Global-Remaining") < Reserve
            || Number(headers, "X-Ratelimit-Route-Remaining") <= 0;
        if (!isSpent)
            return;
        var reset =
            Number(headers, "X-Ratelimit-Reset") is > 0 and var milliseconds
            && milliseconds < DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
                ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) - now
                : TimeSpan.Zero;
        pace.Until =
            now
            + (
                reset > TimeSpan.Zero && reset <= Window * 2
                    ? reset + Gap
                    : TimeSpan.FromSeconds(1) + (Window * Jitter.Next())
            );
    }

    private static TimeSpan? Bounded(TimeSpan? after) =>
        after is { Ticks: > 0 } wait ? (wait < MaxPause ? wait : MaxPause) : null;

    private static long? Number(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values)
        && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    private static JsonElement? Parsed(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, LaunchDarklyJson.Strict);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A page's successor, by its path alone: a link to another host leads nowhere.</summary>
    private static string? NextOf(Connection connection, JsonElement root) =>
        root.Member("_links")?.Member("next")?.Text("href") is { } href
        && Uri.TryCreate(connection.BaseUrl, href, out var next)
        && IsAtHome(connection, next)
            ? next.PathAndQuery
            : null;

    private static bool IsAtHome(Connection connection, Uri address) =>
        address.GetLeftPart(UriPartial.Authority) == connection.BaseUrl.GetLeftPart(UriPartial.Authority);

    /// <summary>One part of a path: dots alone would lead out of it.</summary>
    private static string Part(string text) => DotsAlone().IsMatch(text) ? "%2E" : Uri.EscapeDataString(text);

    [GeneratedRegex("^\\.{1,2}$", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex DotsAlone();

    /// <summary>The calls to one LaunchDarkly: one at a time, a few per second.</summary>
    private sealed class Pace
    {
        private double _free = Burst;
        private long _at = Environment.TickCount64;

        public SemaphoreSlim Turn { get; } = new(1);
        public DateTimeOffset Until { get; set; }

        public async Task Wait(CancellationToken cancel)
        {
            var now = Environment.TickCount64;
            _free = Math.Min(Burst, _free + ((now - _at) / Gap.TotalMilliseconds)) - 1;
            _at = now;
            if (_free < 0)
                await Task.Delay(Gap * -_free, cancel);
        }
    }
}
