using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Web;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// What a provider's answer must be for somebody to be signed in: each token here comes from the configured provider,
/// over the connection it should come over, and but for the first ones something is wrong with it.
/// </summary>
public sealed class IdTokenTests(IdTokenTests.Forge forge) : IClassFixture<IdTokenTests.Forge>
{
    private const string Client = IdentityProvider.ClientId,
        SignedIn = "/account",
        Refused = "/sign-in?problem=failed&to=%2Faccount";

    [Fact]
    public async Task A_good_token_says_who_it_is_about()
    {
        Assert.Equal(SignedIn, await forge.SignIn(_ => { }));
        Assert.Equal(
            SignedIn,
            await forge.SignIn(token => (token["aud"], token["azp"]) = (new JsonArray("another", Client), Client))
        );
    }

    [Theory]
    [InlineData("iss", "\"https://evil.example\"")]
    [InlineData("iss", "\"ISSUER/\"")]
    [InlineData("iss", "null")]
    [InlineData("sub", "\"\"")]
    [InlineData("sub", "7")]
    [InlineData("aud", "\"another\"")]
    [InlineData("aud", "[\"another\"]")]
    [InlineData("aud", "[]")]
    [InlineData("aud", "[\"countersign\", \"another\"]")]
    [InlineData("azp", "\"another\"")]
    [InlineData("exp", "1772600000")]
    [InlineData("exp", "\"9999999999\"")]
    [InlineData("exp", "null")]
    [InlineData("nbf", "9972600000")]
    [InlineData("nonce", "\"another\"")]
    [InlineData("nonce", "null")]
    public async Task A_token_that_is_not_for_this_sign_in_is_refused(string claim, string value) =>
        Assert.Equal(
            Refused,
            await forge.SignIn(token =>
                token[claim] = JsonNode.Parse(value.Replace("ISSUER", forge.Issuer, StringComparison.Ordinal))
            )
        );

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d")]
    [InlineData("a.!!.c")]
    [InlineData("a.e30.c")]
    [InlineData("a.W10.c")]
    public async Task What_is_no_token_is_refused(string? token) =>
        Assert.Equal(Refused, await forge.SignInWith(_ => token));

    [Fact]
    public async Task A_sign_in_without_a_nonce_fits_no_token()
    {
        Assert.Equal(Refused, await forge.SignIn(token => token["nonce"] = ""));
        Assert.Equal(Refused, await forge.SignIn(_ => { }, forgetsNonce: true));
    }

    [Theory]
    [InlineData("none"), InlineData("none without a word"), InlineData("another key")]
    [InlineData("another signature"), InlineData("a shared secret"), InlineData("the public key as secret")]
    public async Task A_token_that_the_provider_did_not_sign_is_refused(string how) =>
        Assert.Equal(Refused, await forge.SignInWith(nonce => forge.Written(forge.Good(nonce), how)));

    [Fact]
    public async Task A_claim_that_is_there_twice_is_refused() =>
        Assert.Equal(
            Refused,
            await forge.SignInWith(nonce =>
                forge.Written(
                    forge
                        .Good(nonce)
                        .ToJsonString()
                        .Replace("\"sub\"", "\"sub\":\"somebody else\",\"sub\"", StringComparison.Ordinal),
                    ""
                )
            )
        );

    /// <summary>A hub, and a provider that answers with the token that a test makes.</summary>
    public sealed class Forge : IAsyncLifetime
    {
        private readonly RSA _key = RSA.Create(2048),
            _other = RSA.Create(2048);
        private Receiver? _provider;
        private ApiHost? _host;
        private string? _token;

        public string Issuer => _provider!.Address.GetLeftPart(UriPartial.Authority);

        public async ValueTask InitializeAsync()
        {
            _provider = new Receiver(Answer);
            _host = await ApiHost.Start(Engine.Sqlite, IdentityProvider.SettingsFor(new Uri(Issuer)));
            IdentityProvider.ShareClock(_host.Hub);
            await _host.Hub.AddPerson("Ann");
        }

        public async ValueTask DisposeAsync()
        {
            await _host!.DisposeAsync();
            await _provider!.DisposeAsync();
            _key.Dispose();
            _other.Dispose();
        }

        /// <summary>Where one lands with a good token after this was done to it.</summary>
        public Task<string?> SignIn(Action<JsonObject> alter, bool forgetsNonce = false) =>
            SignInWith(
                nonce =>
                {
                    var token = Good(nonce);
                    alter(token);
                    return Written(token.ToJsonString(), "");
                },
                forgetsNonce
            );

        public async Task<string?> SignInWith(Func<string, string?> tokenFor, bool forgetsNonce = false)
        {
            using var browser = _host!.Browser();
            var asked = HttpUtility.ParseQueryString(
                new Uri((await browser.Get("/sign-in/oidc?to=/account")).Location!).Query
            );
            Assert.Equal("S256", asked["code_challenge_method"]);
            if (forgetsNonce)
            {
                foreach (System.Net.Cookie cookie in browser.Cookies.GetAllCookies())
                    cookie.Expired = cookie.Name.Contains("Nonce", StringComparison.Ordinal);
            }
            _token = tokenFor(asked["nonce"]!);
            var landed = (
                await browser.Get($"/sign-in/oidc/callback?code=c&state={Uri.EscapeDataString(asked["state"]!)}")
            ).Location;
            Assert.Equal(landed == SignedIn ? 200 : 302, (await browser.Get("/account")).Status);
            return landed;
        }

        public JsonObject Good(string nonce) =>
            new()
            {
                ["iss"] = Issuer,
                ["sub"] = "248289761001",
                ["aud"] = Client,
                ["nonce"] = nonce,
                ["exp"] = _host!.Hub.Clock.Now.ToUnixTimeSeconds() + 300,
                ["iat"] = _host.Hub.Clock.Now.ToUnixTimeSeconds(),
                ["email"] = "Ann@example.test",
                ["email_verified"] = true,
            };

        public string Written(JsonObject claims, string how) => Written(claims.ToJsonString(), how);

        public string Written(string claims, string how)
        {
            var algorithm = how switch
            {
                "none" => "none",
                "none without a word" => null,
                "a shared secret" or "the public key as secret" => "HS256",
                _ => "RS256",
            };
            var header = new JsonObject { ["typ"] = "JWT", ["kid"] = how == "another key" ? "other" : "one" };
            if (algorithm is not null)
                header["alg"] = algorithm;
            var text = $"{Encoded(header.ToJsonString())}.{Encoded(claims)}";
            var bytes = Encoding.ASCII.GetBytes(text);
            var signature = how switch
            {
                "none" or "none without a word" => ""u8.ToArray(),
                "a shared secret" => HMACSHA256.HashData(Encoding.UTF8.GetBytes(IdentityProvider.ClientSecret), bytes),
                "the public key as secret" => HMACSHA256.HashData(_key.ExportSubjectPublicKeyInfo(), bytes),
                "another key" or "another signature" => _other.SignData(
                    bytes,
                    HashAlgorithmName.SHA256,
                    RSASignaturePadding.Pkcs1
                ),
                _ => _key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            };
            return $"{text}.{Base64Url.EncodeToString(signature)}";
        }

        private static string Encoded(string text) => Encoded(Encoding.UTF8.GetBytes(text));

        private static string Encoded(byte[] bytes) => Base64Url.EncodeToString(bytes);

        private Conduct.Answers Answer(Received call)
        {
            var key = _key.ExportParameters(includePrivateParameters: false);
            object? answer = call.Path switch
            {
                "/.well-known/openid-configuration" => new
                {
                    issuer = Issuer,
                    authorization_endpoint = Issuer + "/authorize",
                    token_endpoint = Issuer + "/token",
                    jwks_uri = Issuer + "/keys",
                },
                "/keys" => new
                {
                    keys = new[]
                    {
                        new
                        {
                            kty = "RSA",
                            use = "sig",
                            kid = "one",
                            n = Encoded(key.Modulus!),
                            e = Encoded(key.Exponent!),
                        },
                    },
                },
                "/token" => new
                {
                    access_token = "a",
                    token_type = "Bearer",
                    id_token = _token,
                },
                _ => null,
            };
            return new Conduct.Answers(
                answer is null ? 404 : 200,
                JsonSerializer.Serialize(answer),
                "Content-Type: application/json\r\n"
            );
        }
    }
}
