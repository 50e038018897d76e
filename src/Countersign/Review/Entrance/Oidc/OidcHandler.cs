using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Access;
using Countersign.Outcomes;
using Countersign.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace Countersign.Review.Entrance.Oidc;

/// <summary>
/// OpenID Connect's code flow on the framework's OAuth handler, which keeps the state (encrypted, tied to the browser by
/// a cookie) and does PKCE. Added here: where the provider is, the nonce, and reading who it was.
/// </summary>
internal sealed class OidcHandler(IOptionsMonitor<OAuthOptions> options, ILoggerFactory logs, UrlEncoder encoder, Provider provider, Egress egress, Settings settings, TimeProvider time)
    : OAuthHandler<OAuthOptions>(options, logs, encoder)
{
    public const string Way = "oidc", IdentityOf = "identity";

    private const string Nonce = "nonce";

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (await provider.Find(Context.RequestAborted) is not { } paths)
        {
            OidcEvents.SayWhy(Context, OidcEvents.NotAvailable, properties);
            return;
        }
        Options.AuthorizationEndpoint = paths.Authorization.AbsoluteUri;
        properties.Items[Nonce] = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        await base.HandleChallengeAsync(properties);
    }

    protected override string BuildChallengeUrl(AuthenticationProperties properties, string redirectUri)
    {
        var to = QueryHelpers.AddQueryString(base.BuildChallengeUrl(properties, redirectUri), Nonce, properties.Items[Nonce]!);
        // With max_age the provider must also say when it asked (OpenID Connect Core 3.1.2.1).
        return properties.Items.ContainsKey(OidcEvents.Again) ? QueryHelpers.AddQueryString(to, new Dictionary<string, string?> { ["prompt"] = "login", ["max_age"] = "0" }) : to;
    }

    protected override async Task<OAuthTokenResponse> ExchangeCodeAsync(OAuthCodeExchangeContext context)
    {
        var paths = await provider.Find(Context.RequestAborted) ?? throw new AuthenticationFailureException("The identity provider is not available.");
        var fields = new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code",
            ["code"] = context.Code,
            ["redirect_uri"] = context.RedirectUri,
        };
        if (context.Properties.Items.Remove(OAuthConstants.CodeVerifierKey, out var verifier))
            fields[OAuthConstants.CodeVerifierKey] = verifier!;
        using var request = new HttpRequestMessage(HttpMethod.Post, paths.Token);
        if (paths.TakesBasic)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(
                $"{Uri.EscapeDataString(Options.ClientId)}:{Uri.EscapeDataString(Options.ClientSecret)}")));
        }
        else
        {
            (fields["client_id"], fields["client_secret"]) = (Options.ClientId, Options.ClientSecret);
        }
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Content = new FormUrlEncodedContent(fields);
        return await egress.Send(request, Context.RequestAborted, Trust.Operator) switch
        {
            EgressOutcome.Answered { IsGood: true } answer => OAuthTokenResponse.Success(JsonDocument.Parse(answer.Text)),
            EgressOutcome.Answered answer => throw new AuthenticationFailureException($"The identity provider answered {answer.Status} to the code."),
            EgressOutcome.Failed failed => throw new AuthenticationFailureException($"The identity provider did not answer: {failed.Detail}"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    protected override async Task<AuthenticationTicket> CreateTicketAsync(ClaimsIdentity identity, AuthenticationProperties properties, OAuthTokenResponse tokens)
    {
        var paths = await provider.Find(Context.RequestAborted) ?? throw new AuthenticationFailureException("The identity provider is not available.");
        var (claims, problem) = IdToken.Read(IdToken.Text(tokens.Response!.RootElement, "id_token"), paths.Issuer, Options.ClientId, properties.Items[Nonce] ?? "", time.GetUtcNow());
        if (problem is not null)
            throw new AuthenticationFailureException(problem);
        var subject = IdToken.Text(claims, "sub")!;
        var groups = settings.Oidc!.GroupClaim;
        var more = claims;
        if (paths.UserInfo is not null && (!claims.TryGetProperty("email", out _) || (groups is not null && !claims.TryGetProperty(groups, out _))))
            more = await Ask(paths.UserInfo, tokens.AccessToken, subject) ?? claims;
        string? Of(string name) => IdToken.Text(claims, name) ?? IdToken.Text(more, name);
        var emailFrom = claims.TryGetProperty("email", out _) ? claims : more;
        properties.SetParameter(IdentityOf, new Identity(
            paths.Issuer, subject, IdToken.Text(emailFrom, "email"), IdToken.IsTrue(emailFrom, "email_verified"), Of("name") ?? Of("preferred_username"),
            groups is null ? null : IdToken.Texts(claims, groups) ?? IdToken.Texts(more, groups))
        { ProvenAt = IdToken.Seconds(claims, "auth_time") });
        return new AuthenticationTicket(new ClaimsPrincipal(identity), properties, Scheme.Name);
    }

    /// <summary>What the provider says beside the id token; only if it is about the same person.</summary>
    private async Task<JsonElement?> Ask(Uri userInfo, string? accessToken, string subject)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, userInfo);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        if (await egress.Send(request, Context.RequestAborted, Trust.Operator) is not EgressOutcome.Answered { IsGood: true } answer)
            return null;
        using var document = JsonDocument.Parse(answer.Text);
        return document.RootElement.ValueKind == JsonValueKind.Object && IdToken.Text(document.RootElement, "sub") == subject ? document.RootElement.Clone() : null;
    }
}
