using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Countersign.Destinations.Links;
using Countersign.Outcomes;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>
/// The access token that manifests call <c>oauth.accessToken</c>: given once and for all, or fetched with client
/// credentials. A fetched one lies encrypted in the store, is fetched again at 80 % of its life, and by one node only:
/// the others go on with the old one or wait for the new.
/// </summary>
internal sealed class AccessTokens(Store store, Egress egress, DestinationCache book, StoreAccessToken keep)
{
    private const double RenewAt = 0.8;
    private static readonly TimeSpan UsualLife = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(150);

    private readonly string _holder = Lease.NewHolder();
    private readonly ConcurrentDictionary<long, SemaphoreSlim> _turns = new();

    /// <param name="refused">A token that was just answered with 401: another one is wanted.</param>
    /// <returns>The token, or why there is none.</returns>
    public async Task<(string? Token, string? Why)> Get(
        Destination destination,
        string? refused,
        CancellationToken cancel
    )
    {
        if (!destination.Manifest.UsesOAuth)
            return ("", null);
        if (destination.Secrets.TryGetValue(OAuthKeys.AccessToken, out var given) && given.Length > 0)
            return refused is null ? (given, null) : (null, "The access token was refused.");
        var turn = _turns.GetOrAdd(destination.Id, _ => new SemaphoreSlim(1));
        // Of many that wait for a server that does not answer, none waits longer than a call: its claim would run out.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            await turn.WaitAsync(patience.Token);
            try
            {
                return await Fresh(destination, refused, patience.Token);
            }
            finally
            {
                turn.Release();
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (null, "Timed out while waiting for an access token.");
        }
    }

    private async Task<(string? Token, string? Why)> Fresh(
        Destination destination,
        string? refused,
        CancellationToken cancel
    )
    {
        var lease = new Lease(store, $"token:{destination.Id}", _holder, Patience + Patience);
        for (var looked = TimeSpan.Zero; ; looked += Look)
        {
            var kept = await keep.Find(destination.Id, cancel);
            var token = kept?.Token is { } text ? book.Open(text) : null;
            var isGood = token is not null && token != refused && store.Now < kept!.Until;
            if (isGood && store.Now < kept!.RenewAt)
                return (token, null);
            if (await lease.TryHold(cancel))
            {
                try
                {
                    var (fetched, why) = await Fetch(destination, cancel);
                    // A renewal that fails early hurts nobody while the old token is good.
                    return fetched is not null ? (fetched, null)
                        : isGood ? (token, null)
                        : (null, why);
                }
                finally
                {
                    await lease.Release(CancellationToken.None);
                }
            }
            if (isGood)
                return (token, null);
            if (looked > Patience)
                return (null, "Another node is fetching an access token and hasn't finished.");
            await Task.Delay(Look, cancel);
        }
    }

    private async Task<(string? Token, string? Why)> Fetch(Destination destination, CancellationToken cancel)
    {
        var values = destination.AllValues;
        var (id, secret) = (
            values.GetValueOrDefault(OAuthKeys.ClientId, ""),
            values.GetValueOrDefault(OAuthKeys.ClientSecret, "")
        );
        if (!Uri.TryCreate(values.GetValueOrDefault(OAuthKeys.TokenUrl), UriKind.Absolute, out var url))
            return (null, "There is no access token, and oauth.tokenUrl isn't set.");
        var fields = new Dictionary<string, string> { ["grant_type"] = "client_credentials" };
        if (values.GetValueOrDefault(OAuthKeys.Scope) is { Length: > 0 } scope)
            fields["scope"] = scope;

        // Most take the credentials in the body; some insist on the header.
        var outcome = await Ask(url, new(fields) { ["client_id"] = id, ["client_secret"] = secret }, null, cancel);
        if (outcome is EgressOutcome.Answered { Status: 400 or 401 })
        {
            outcome = await Ask(
                url,
                fields,
                new AuthenticationHeaderValue(
                    "Basic",
                    Convert.ToBase64String(
                        Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(id)}:{Uri.EscapeDataString(secret)}")
                    )
                ),
                cancel
            );
        }
        switch (outcome)
        {
            case EgressOutcome.Answered { IsGood: true } good when Parse(good.Body) is ({ } token, var life):
                await keep.Run(destination.Id, book.Seal(token), life, RenewAt, cancel);
                return (token, null);
            case EgressOutcome.Answered { Status: var status }:
                return (
                    null,
                    $"No access token: {url.Host} responded with "
                        + $"{status}{(status is >= 200 and < 300 ? " without one" : "")}."
                );
            case EgressOutcome.Failed failed:
                return (null, $"No access token: {failed.Failure.Word()}. {failed.Detail}");
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private async Task<EgressOutcome> Ask(
        Uri url,
        Dictionary<string, string> fields,
        AuthenticationHeaderValue? authorization,
        CancellationToken cancel
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new FormUrlEncodedContent(fields),
        };
        request.Headers.Authorization = authorization;
        request.Headers.Accept.ParseAdd("application/json");
        return await egress.Send(request, cancel);
    }

    private static (string? Token, TimeSpan Life) Parse(byte[] answer)
    {
        try
        {
            using var document = JsonDocument.Parse(WellFormed.Json(answer));
            var root = document.RootElement;
            if (
                root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("access_token", out var token)
                || token.ValueKind != JsonValueKind.String
                || token.GetString() is not { Length: > 0 } text
                || text.Any(char.IsControl)
            )
            {
                return (null, default);
            }
            var seconds = root.TryGetProperty("expires_in", out var life)
                ? life.ValueKind == JsonValueKind.Number
                    ? life.GetDouble()
                    : double.TryParse(
                        life.GetString(),
                        System.Globalization.CultureInfo.InvariantCulture,
                        out var number
                    )
                        ? number
                        : 0
                : 0;
            return (text, seconds is > 0 and < 1e9 ? TimeSpan.FromSeconds(seconds) : UsualLife);
        }
        catch (JsonException)
        {
            return (null, default);
        }
    }
}
