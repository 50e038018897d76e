using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using Countersign.Outcomes;
using Countersign.Storage;

namespace Countersign.Gates;

/// <summary>What a call to a system that waits came to.</summary>
internal abstract record GateCallOutcome
{
    private GateCallOutcome() { }

    public sealed record Answered(CallAnswer Answer) : GateCallOutcome;

    /// <summary>No answer, or nothing was sent; it may work later.</summary>
    public sealed record Failed(string Why) : GateCallOutcome;

    /// <summary>The address isn't one of the source's own: nothing was sent, and nothing ever will be.</summary>
    public sealed record NotAllowed(string Why) : GateCallOutcome;
}

/// <summary>
/// Calls systems that wait. A token goes to the origins of its own source and nowhere else, redirects are not followed,
/// and of an answer nothing is logged.
/// </summary>
internal sealed class GateCaller(Store store, Egress egress, GateSources sources)
{
    /// <summary>A token is fetched again when so much of its life is left.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MaxPause = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, GateToken> _tokens = new();

    public async Task<GateCallOutcome> Send(
        IGate gate,
        GateSettings settings,
        OutgoingCall call,
        CancellationToken cancel
    )
    {
        if (!IsAllowed(gate, settings, call.Url))
        {
            return new GateCallOutcome.NotAllowed(
                $"{call.Url.Host} isn't the address that this source is set up with, so nothing is sent there."
            );
        }
        string? token = null;
        if (call.TokenScope is { } scope)
        {
            var (found, why) = await Token(gate, settings, scope, call.IsOptional, cancel);
            if (found is null)
                return new GateCallOutcome.Failed(why!);
            token = found;
        }
        var outcome = await Exchange(call, token, cancel);
        var problem = outcome switch
        {
            GateCallOutcome.Failed failed => failed.Why,
            GateCallOutcome.Answered { Answer: { Status: 401 or 403 or >= 500 } bad } =>
                $"{call.Url.Host} answers with {bad.Status}.",
            _ => null,
        };
        if (!call.IsOptional)
            await sources.NoteProblem(settings.SourceId, problem, cancel);
        return outcome;
    }

    /// <summary>It was refused: the next call fetches another.</summary>
    public void ForgetToken(GateSettings settings, string? scope)
    {
        if (scope is not null)
            _tokens.TryRemove(NameOf(settings, scope), out _);
    }

    internal static bool IsAllowed(IGate gate, GateSettings settings, Uri url) =>
        url is { IsAbsoluteUri: true, UserInfo: "" }
        && gate.Origins(settings)
            .Any(own =>
                own.Scheme == url.Scheme
                && own.Port == url.Port
                && own.Host.Equals(url.Host, StringComparison.OrdinalIgnoreCase)
            );

    private async Task<(string? Token, string? Why)> Token(
        IGate gate,
        GateSettings settings,
        string scope,
        bool isOptional,
        CancellationToken cancel
    )
    {
        var name = NameOf(settings, scope);
        if (_tokens.TryGetValue(name, out var kept) && kept.Until - Early > store.Now)
            return (kept.Text, null);
        if (gate.Token(settings, scope, store.Now) is not { } call)
            return (null, "There is no way to get a token.");
        if (!IsAllowed(gate, settings, call.Url))
            return (null, $"{call.Url.Host} isn't the address that this source is set up with.");
        var why = "No access token.";
        switch (await Exchange(call, null, cancel))
        {
            case GateCallOutcome.Answered { Answer: { Status: >= 200 and < 300 } answer }
                when gate.ReadToken(answer) is { } token:
                _tokens[name] = token;
                return (token.Text, null);
            case GateCallOutcome.Answered { Answer.Status: var status }:
                why = $"No access token: {call.Url.Host} answered with {status}.";
                break;
            case GateCallOutcome.Failed failed:
                why = failed.Why;
                break;
        }
        if (!isOptional)
            await sources.NoteProblem(settings.SourceId, why, cancel);
        return (null, why);
    }

    private async Task<GateCallOutcome> Exchange(OutgoingCall call, string? token, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(call.Method, call.Url);
        foreach (var (name, value) in call.Headers)
            request.Headers.TryAddWithoutValidation(name, value);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (call.Json is not null)
            request.Content = new StringContent(call.Json, Encoding.UTF8, call.ContentType);
        return await egress.Send(request, cancel) switch
        {
            EgressOutcome.Answered answered => new GateCallOutcome.Answered(
                new CallAnswer(
                    answered.Status,
                    answered.Body,
                    answered.RetryAfter(store.Now) is { Ticks: > 0 } after
                        ? (after < MaxPause ? after : MaxPause)
                        : null,
                    name =>
                        answered.Headers is { } headers && headers.TryGetValues(name, out var values)
                            ? values.First()
                            : ""
                )
                {
                    IsPage =
                        answered.IsGood
                        && answered.ContentType?.Equals("text/html", StringComparison.OrdinalIgnoreCase) == true,
                }
            ),
            EgressOutcome.Failed failed => new GateCallOutcome.Failed(
                $"{call.Url.Host} couldn't be called. {failed.Detail}"
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>Other secrets get tokens of their own.</summary>
    private static string NameOf(GateSettings settings, string scope) =>
        Hashes.Sha256OfLines([
            .. settings.Values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => v.Value),
            $"{settings.SourceId}",
            scope,
        ]);
}
