using Countersign.SignIn;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Pages;

public sealed class OidcOptionsTests
{
    [Fact]
    public void One_provider_and_several_stand_side_by_side()
    {
        var configuration = Configuration(
            ("Oidc:Authority", "https://login.example"),
            ("Oidc:ClientId", "a"),
            ("Oidc:ClientSecret", "b"),
            ("Oidc:Name", "Example Login"),
            ("Oidc:partner:Authority", "https://partner.example"),
            ("Oidc:partner:ClientId", "c"),
            ("Oidc:partner:ClientSecret", "d"),
            ("Oidc:partner:GroupClaim", "groups")
        );
        Assert.Empty(new CountersignOptions(configuration).Problems());
        using var services = new ServiceCollection().AddCountersignOptions(configuration).BuildServiceProvider();
        var providers = services.GetRequiredService<OidcProviders>().All;
        Assert.Equal(
            [
                ("", "Example Login", "https://login.example/", null),
                ("partner", "partner", "https://partner.example/", "groups"),
            ],
            providers.Select(p => (p.Key, p.Name, p.Authority!.AbsoluteUri, p.GroupClaim))
        );
        Assert.Equal(2, providers.Select(p => p.Scheme).Distinct().Count());
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
        Assert.Contains(
            new CountersignOptions(Configuration((name, value))).Problems(),
            m => m.StartsWith(mistake, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("Oidc:partner:ClientSecret", true)]
    [InlineData("oidc:partner:clientid", true)]
    [InlineData("Oidc:partner:Secret", false)]
    [InlineData("Oidc:partner:Name:x", false)]
    [InlineData("Email:partner:Host", false)]
    public void Only_what_a_provider_has_is_a_setting(string name, bool isKnown) =>
        Assert.Equal(isKnown, CountersignOptions.IsKnown(name));

    [Fact]
    public void Secrets_of_every_provider_are_secret() =>
        Assert.Contains(
            new CountersignOptions(Configuration(("Oidc:partner:ClientSecret", "d"))).InForce(),
            known => known.Setting is { Name: "Oidc:partner:ClientSecret", IsSecret: true }
        );

    private static IConfigurationRoot Configuration(params (string Name, string Value)[] given) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(given.Select(g => KeyValuePair.Create(g.Name, (string?)g.Value)))
            .Build();
}
