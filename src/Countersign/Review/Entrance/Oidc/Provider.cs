using System.Text.Json;
using Countersign.Outcomes;
using Countersign.Web;

namespace Countersign.Review.Entrance.Oidc;

/// <param name="UserInfo">Where more is said about a person, where the provider has such a place.</param>
/// <param name="TakesBasic">Whether our secret goes into a header, as is usual, or into the form.</param>
internal sealed record ProviderPaths(string Issuer, Uri Authorization, Uri Token, Uri? UserInfo, bool TakesBasic);

/// <summary>The identity provider, as it describes itself. Looked up when first needed and then once an hour, so that it may be down while we start.</summary>
internal sealed partial class Provider(Settings settings, Egress egress, TimeProvider time, ILogger<Provider> log)
{
    private static readonly TimeSpan Good = TimeSpan.FromHours(1);
    private volatile Known? _known;

    public async Task<ProviderPaths?> Find(CancellationToken cancel)
    {
        if (_known is { } known && time.GetUtcNow() < known.Until)
            return known.Paths;
        var authority = settings.Oidc!.Authority.AbsoluteUri.TrimEnd('/');
        using var request = new HttpRequestMessage(HttpMethod.Get, authority + "/.well-known/openid-configuration");
        switch (await egress.Send(request, cancel, Trust.Operator))
        {
            case EgressOutcome.Answered { IsGood: true } answer when Read(answer.Text, authority) is { } paths:
                _known = new Known(paths, time.GetUtcNow() + Good);
                return paths;
            case EgressOutcome.Answered answer:
                Log.NotUsable(log, authority, $"it answered {answer.Status}, or described itself as another issuer or without TLS");
                break;
            case EgressOutcome.Failed failed:
                Log.NotUsable(log, authority, failed.Detail);
                break;
        }
        // What it said of itself an hour ago is better than nothing.
        return _known?.Paths;
    }

    private static ProviderPaths? Read(string text, string authority)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var said = document.RootElement;
            return IdToken.Text(said, "issuer") is { } issuer && issuer.TrimEnd('/') == authority
                && Address(said, "authorization_endpoint") is { } authorization && Address(said, "token_endpoint") is { } token
                ? new ProviderPaths(issuer, authorization, token, Address(said, "userinfo_endpoint"),
                    IdToken.Texts(said, "token_endpoint_auth_methods_supported") is not { } methods || methods.Contains("client_secret_basic"))
                : null;
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static Uri? Address(JsonElement said, string name) =>
        Uri.TryCreate(IdToken.Text(said, name), UriKind.Absolute, out var address) && OidcSettings.IsSafe(address) ? address : null;

    private sealed record Known(ProviderPaths Paths, DateTimeOffset Until);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "The identity provider {Authority} cannot be used at the moment: {Why}")]
        public static partial void NotUsable(ILogger log, string authority, string why);
    }
}
