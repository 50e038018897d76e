using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Review.Entrance.Oidc;
using Xunit;

namespace Countersign.Tests.Review;

public sealed class IdTokenTests
{
    private const string Issuer = "https://login.example", Client = "countersign", Nonce = "n-0S6_WzA2Mj";
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    [Fact]
    public void A_good_token_says_who_it_is_about()
    {
        var (claims, problem) = Read(Good());
        Assert.Null(problem);
        Assert.Equal("248289761001", IdToken.Text(claims, "sub"));
        var shared = Good();
        (shared["aud"], shared["azp"]) = (new JsonArray("another", Client), Client);
        Assert.Null(Read(shared).Problem);
    }

    [Theory]
    [InlineData("iss", "\"https://evil.example\"")]
    [InlineData("iss", "\"https://login.example/\"")]
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
    [InlineData("nbf", "1972600000")]
    [InlineData("nonce", "\"another\"")]
    [InlineData("nonce", "null")]
    public void A_token_that_is_not_for_this_sign_in_is_refused(string claim, string value)
    {
        var token = Good();
        token[claim] = JsonNode.Parse(value);
        Assert.NotNull(Read(token).Problem);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d")]
    [InlineData("a.!!.c")]
    [InlineData("a.e30.c")]
    [InlineData("a.W10.c")]
    public void What_is_no_token_is_refused(string? token) => Assert.NotNull(IdToken.Read(token, Issuer, Client, Nonce, Now).Problem);

    [Fact]
    public void A_sign_in_without_a_nonce_fits_no_token()
    {
        var token = Good();
        token["nonce"] = "";
        Assert.NotNull(IdToken.Read(Written(token), Issuer, Client, "", Now).Problem);
    }

    private static JsonObject Good() => new()
    {
        ["iss"] = Issuer,
        ["sub"] = "248289761001",
        ["aud"] = Client,
        ["nonce"] = Nonce,
        ["exp"] = Now.ToUnixTimeSeconds() + 300,
        ["iat"] = Now.ToUnixTimeSeconds(),
    };

    private static (System.Text.Json.JsonElement Claims, string? Problem) Read(JsonObject token) => IdToken.Read(Written(token), Issuer, Client, Nonce, Now);

    private static string Written(JsonObject token) => $"e30.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(token.ToJsonString()))}.c2ln";
}
