using Countersign.Destinations;
using Countersign.Hosting;
using Countersign.Outcomes;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Slack;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests;

/// <summary>What the options classes read from a configuration, and what they say of one that is wrong.</summary>
public sealed class OptionsTests
{
    public static TheoryData<string> Names => [.. CountersignOptions.Settings.Select(s => s.Name)];

    [Theory, MemberData(nameof(Names))]
    public void A_default_means_the_same_when_it_is_written(string name)
    {
        var setting = CountersignOptions.Settings.Single(s => s.Name == name);
        var written = Options((name, setting.Default));
        Assert.DoesNotContain(written.Problems(), p => p.StartsWith($"`{name}` must be", StringComparison.Ordinal));
        var unset = Options().InForce().ToDictionary(s => s.Setting.Name, s => s.Value);
        if (setting.Default != "<Data>/root.key")
            Assert.Equal(setting.Default, unset[name]);
        Assert.NotEqual("", setting.Description);
    }

    [Theory]
    [InlineData("Urls", "localhost:5080")]
    [InlineData("Urls", ";")]
    [InlineData("PublicUrl", "approvals.example.test")]
    [InlineData("PublicUrl", "ftp://approvals.example.test")]
    [InlineData("PathBase", "approvals")]
    [InlineData("PathBase", "/a//b")]
    [InlineData("ForwardedHeaders:Known", "10.0.0.0/8,proxy")]
    [InlineData("AllowedHosts", "approvals.example.test:443")]
    [InlineData("AllowedHosts", ";")]
    [InlineData("Hsts", "yes")]
    [InlineData("Database", "nonsense")]
    [InlineData("RateLimit:PerKeyPerMinute", "-1")]
    [InlineData("Shutdown:Drain", "6m")]
    [InlineData("Egress:Allow", "10.0.0.0/8,here")]
    [InlineData("Egress:Roots", "nowhere.pem")]
    [InlineData("Oidc:Authority", "https://login.example.test/?a=b")]
    [InlineData("Oidc:MakeAccounts", "admin")]
    [InlineData("Mcp:Authority", "http://login.example.test")]
    [InlineData("Sessions:Idle", "1m")]
    [InlineData("Sessions:Idle", "31d")]
    [InlineData("Destinations:PollEvery", "0s")]
    [InlineData("Outcomes:Schedule", "0s,,5s")]
    [InlineData("Outcomes:PerPerson", "0")]
    [InlineData("Email:Port", "65536")]
    [InlineData("Email:Security", "1")]
    [InlineData("Email:From", "nobody")]
    [InlineData("Slack:BaseUrl", "slack")]
    [InlineData("Slack:Channels", "SRE")]
    [InlineData("Zendesk:Tickets", "any")]
    [InlineData("Zendesk:OnePerTicket", "1")]
    [InlineData("Pages:NewRequests", "on")]
    [InlineData("Metrics:Prometheus", "on")]
    [InlineData("Retention:UsedLinks", "2d")]
    public void A_value_that_cannot_be_used_is_named(string name, string value) =>
        Assert.Contains(Options((name, value)).Problems(), p => p.StartsWith($"`{name}`", StringComparison.Ordinal));

    [Fact]
    public void Access_tokens_of_agents_need_the_address_that_they_are_for()
    {
        var issuer = ("Mcp:Authority", "https://login.example.test");
        Assert.Contains(
            Options(issuer).Problems(),
            p => p.StartsWith("`PublicUrl` is missing", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(
            Options(issuer, ("PublicUrl", "https://approvals.example.test")).Problems(),
            p => p.StartsWith("`PublicUrl`", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Nothing_wrong_hides_anything_else_that_is_wrong() =>
        Assert.Equal(
            [
                "`Destinations:PollEvery`",
                "`Email:From`",
                "`Email:User`",
                "`Outcomes:PerPerson`",
                "`PathBase`",
                "`PublicUrl`",
                "`RootKeyFile`",
            ],
            Options(
                    ("PublicUrl", "here"),
                    ("PathBase", "approvals"),
                    ("Database", "Host=db"),
                    ("Destinations:PollEvery", "soon"),
                    ("Outcomes:PerPerson", "many"),
                    ("Email:Host", "mail.example.test"),
                    ("Email:Security", "none"),
                    ("Email:User", "me")
                )
                .Problems()
                .Select(p => p.Split(' ')[0])
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public void What_is_wrong_never_shows_a_secret()
    {
        foreach (var setting in CountersignOptions.Settings.Where(s => s.IsSecret))
        {
            Assert.DoesNotContain(
                Options((setting.Name, "hunter2")).Problems(),
                p => p.Contains("hunter2", StringComparison.Ordinal)
            );
        }
    }

    [Fact]
    public void Consumers_get_what_the_configuration_says()
    {
        var configuration = Configuration(
            ("PublicUrl", "https://approvals.example.test/"),
            ("PathBase", "/approvals/"),
            ("ForwardedHeaders:Known", "10.0.0.0/8, 192.0.2.1"),
            ("Egress:Allow", "10.1.2.3:443"),
            ("Email:Security", "TLS"),
            ("Outcomes:Schedule", "0s, 1m"),
            ("Slack:Channels", "SRE=C1, *=C2"),
            ("Zendesk:Tickets", "strict"),
            ("RateLimit:PerKeyPerMinute", "")
        );
        using var services = new ServiceCollection().AddCountersignOptions(configuration).BuildServiceProvider();
        T Of<T>()
            where T : notnull => services.GetRequiredService<T>();

        Assert.Equal("/approvals", Of<ServerOptions>().PathBase);
        Assert.Equal(
            ["10.0.0.0/8", "192.0.2.1/32"],
            Of<ServerOptions>().KnownProxies.Select(network => network.ToString())
        );
        Assert.Equal(
            ("https://approvals.example.test/", "/approvals"),
            (Of<OutcomeOptions>().PublicUrl?.AbsoluteUri, Of<OutcomeOptions>().PathBase)
        );
        Assert.Equal([TimeSpan.Zero, TimeSpan.FromMinutes(1)], Of<OutcomeOptions>().Schedule.Steps);
        Assert.Equal("https://approvals.example.test", Of<DestinationOptions>().BaseUrl);
        Assert.Equal([EgressAllowance.Parse("10.1.2.3:443")!], Of<EgressOptions>().Allow);
        Assert.Equal(MailSecurity.Tls, Of<MailOptions>().Security);
        Assert.Equal(("C1", "C2"), (Of<SlackOptions>().ChannelOf("SRE"), Of<SlackOptions>().ChannelOf("DBA")));
        Assert.Equal(new TicketTerms(MayBeUnknown: false, OneRequest: true), Of<ZendeskOptions>().Terms);
        Assert.Equal(6000, Of<RateLimitOptions>().PerKeyPerMinute);
        Assert.True(Of<StoreOptions>().MayCreateRootKey);
    }

    private static CountersignOptions Options(params (string Name, string Value)[] given) => new(Configuration(given));

    private static IConfigurationRoot Configuration(params (string Name, string Value)[] given) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(given.Select(g => KeyValuePair.Create(g.Name, (string?)g.Value)))
            .Build();
}
