using Countersign.Hosting;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Countersign.Tests.Review;

public sealed class OidcSettingsTests
{
    [Fact]
    public void One_provider_and_several_stand_side_by_side()
    {
        var settings = Read(
            out var mistakes,
            ("Oidc:Authority", "https://login.example"),
            ("Oidc:ClientId", "a"),
            ("Oidc:ClientSecret", "b"),
            ("Oidc:Name", "Example Login"),
            ("Oidc:partner:Authority", "https://partner.example"),
            ("Oidc:partner:ClientId", "c"),
            ("Oidc:partner:ClientSecret", "d"),
            ("Oidc:partner:GroupClaim", "groups")
        );
        Assert.Empty(mistakes);
        Assert.Equal(
            [
                ("", "Example Login", "https://login.example/", null),
                ("partner", "partner", "https://partner.example/", "groups"),
            ],
            settings.Oidc.Select(p => (p.Key, p.Name, p.Authority.AbsoluteUri, p.GroupClaim))
        );
        Assert.Equal(2, settings.Oidc.Select(p => p.Scheme).Distinct().Count());
    }

    [Theory]
    [InlineData("Oidc:partner:ClientId", "c", "`Oidc:partner:Authority` is missing")]
    [InlineData(
        "Oidc:partner:Authority",
        "http://partner.example",
        "`Oidc:partner:Authority` must be the issuer's https address"
    )]
    [InlineData(
        "Oidc:partner:Authority",
        "https://partner.example",
        "`Oidc:partner:ClientId` or `Oidc:partner:ClientSecret` is missing"
    )]
    [InlineData("Oidc:callback:Authority", "https://partner.example", "`Oidc:callback` must be")]
    [InlineData("Oidc:a b:Authority", "https://partner.example", "`Oidc:a b` must be")]
    public void Mistakes_name_the_provider(string name, string value, string mistake)
    {
        Read(out var mistakes, (name, value));
        Assert.Contains(mistakes, m => m.StartsWith(mistake, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Oidc:partner:ClientSecret", true)]
    [InlineData("oidc:partner:clientid", true)]
    [InlineData("Oidc:partner:Secret", false)]
    [InlineData("Oidc:partner:Name:x", false)]
    [InlineData("Email:partner:Host", false)]
    public void Only_what_a_provider_has_is_a_setting(string name, bool isKnown) =>
        Assert.Equal(isKnown, Settings.IsKnown(name));

    [Fact]
    public void Secrets_of_every_provider_are_secret()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("Oidc:partner:ClientSecret", "d")])
            .Build();
        Assert.Contains(
            Settings.KnownIn(configuration),
            known => known is { Name: "Oidc:partner:ClientSecret", Secret: true }
        );
    }

    private static Settings Read(out List<string> mistakes, params (string Name, string Value)[] given)
    {
        mistakes = [];
        var values = given.Select(g => KeyValuePair.Create(g.Name, (string?)g.Value));
        return Settings.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build(), mistakes);
    }
}
