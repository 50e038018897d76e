using Countersign.Audit;
using Countersign.People;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>People sign in with an identity provider: a real one.</summary>
public sealed class OidcTests
{
    [Theory, BothEngines]
    public async Task Somebody_signs_in_with_the_provider_and_is_who_they_are_here(Engine engine)
    {
        await using var provider = await IdentityProvider.Start();
        await using var host = await Host(
            engine,
            provider,
            ("Oidc:GroupClaim", "groups"),
            ("Oidc:Name", "Example Login")
        );
        var ann = await host.Hub.AddPerson("Ann");
        var sre = await host.Hub.AddGroup("SRE");
        var ops = await host.Hub.AddGroup("Ops", ann);
        using (var browser = host.Browser())
        {
            Assert.Contains(
                "Sign in with Example Login",
                (await browser.Get("/sign-in")).Text,
                StringComparison.Ordinal
            );
            Assert.Equal("/account", (await Walk(browser, host, "ann", "/account")).PathAndQuery);
            Assert.Contains(ann.Email!, (await browser.Get("/account")).Text, StringComparison.Ordinal);
        }
        // From now on by issuer and subject; what the claim gave is given, what an admin gave stays.
        var directory = await host.Services.GetRequiredService<Countersign.People.PeopleDirectory>().Refresh();
        Assert.Equal([sre.Id, ops.Id], directory.GroupsOf(ann.Id).Select(g => g.Id));
        Assert.Equal(
            ["person.added", "person.linked", "session.started", "person.renamed"],
            (await host.Hub.Place.Events($"person:{ann.Id}")).Select(e => e.Kind)
        );
        using (var again = host.Browser())
            Assert.Equal("/", (await Walk(again, host, "ann", "//evil.example")).PathAndQuery);
        Assert.Equal(1, await host.Hub.Place.Count("identities"));

        // The same address with another subject is somebody else, and an address that nobody vouches for is none.
        foreach (var (login, problem) in new[] { ("ann2", "not-here"), ("eve", "not-verified"), ("new", "not-here") })
        {
            using var stranger = host.Browser();
            Assert.Equal($"/sign-in?problem={problem}", (await Walk(stranger, host, login)).PathAndQuery);
            Assert.Equal(302, (await stranger.Get("/account")).Status);
        }
        await host.Hub.Disable(ann);
        using (var out_ = host.Browser())
            Assert.Equal("/sign-in?problem=not-here", (await Walk(out_, host, "ann")).PathAndQuery);
        await host.Services.GetRequiredService<FailedSignIns>().FlushOnce(DateTimeOffset.MaxValue);
        Assert.Equal(2, (await host.Hub.Place.Events("hub")).Count(e => e.Kind == "sign_in.failed"));
        Assert.True((await host.Services.GetRequiredService<Verify>().Run(null)).Ok);
    }

    [Fact]
    public async Task Accounts_are_made_on_first_sign_in_only_where_that_is_allowed()
    {
        await using var provider = await IdentityProvider.Start();
        await using var host = await Host(Engine.Sqlite, provider, ("Oidc:MakeAccounts", "end-user"));
        using var browser = host.Browser();
        Assert.Equal("/", (await Walk(browser, host, "new")).PathAndQuery);
        var made = (await host.Services.GetRequiredService<Countersign.People.PeopleDirectory>().Refresh()).FindPerson(
            "new@example.test"
        )!;
        Assert.Equal((Role.EndUser, "New <b>Person</b>"), (made.Role, made.Name));
        Assert.Contains("New &lt;b&gt;Person", (await browser.Get("/account")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_nobody_here_asked_for_signs_nobody_in()
    {
        await using var provider = await IdentityProvider.Start();
        await using var host = await Host(Engine.Sqlite, provider);
        await host.Hub.AddPerson("Ann");
        using var victim = host.Browser();
        foreach (var query in new[] { "", "?code=x", "?code=x&state=y", "?error=access_denied" })
            Assert.Equal("/sign-in?problem=failed", (await victim.Get("/sign-in/oidc/callback" + query)).Location);

        // Somebody sends the victim their own way back, to have them signed in as somebody else.
        using var attacker = host.Browser();
        var state = (await attacker.Get("/sign-in/oidc")).Location!;
        var stolen = System.Web.HttpUtility.ParseQueryString(new Uri(state).Query)["state"]!;
        Assert.Equal(
            "/sign-in?problem=failed",
            (await victim.Get($"/sign-in/oidc/callback?code=x&state={Uri.EscapeDataString(stolen)}")).Location
        );
        Assert.Contains("code_challenge_method=S256", state, StringComparison.Ordinal);
        Assert.Contains("nonce=", state, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_provider_that_is_down_leaves_the_password()
    {
        await using var host = await Host(Engine.Sqlite, new Uri("http://127.0.0.1:9"));
        using var browser = host.Browser();
        Assert.Equal(
            "/sign-in?problem=not-available&to=%2Faccount",
            (await browser.Get("/sign-in/oidc?to=/account")).Location
        );
        Assert.Contains(
            "identity provider",
            (await browser.Get("/sign-in?problem=not-available")).Text,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            "<script>",
            (await browser.Get("/sign-in?problem=%3Cscript%3E")).Text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Each_of_several_providers_has_its_button_its_way_back_and_its_people()
    {
        await using var first = await IdentityProvider.Start();
        await using var second = await IdentityProvider.Start();
        await using var host = await Host(
            Engine.Sqlite,
            first,
            ("Oidc:Name", "Example Login"),
            ("Oidc:partner:Authority", second.Issuer.AbsoluteUri),
            ("Oidc:partner:ClientId", IdentityProvider.ClientId),
            ("Oidc:partner:ClientSecret", IdentityProvider.ClientSecret),
            ("Oidc:partner:Name", "Partner Login"),
            ("Oidc:partner:MakeAccounts", "end-user")
        );
        var ann = await host.Hub.AddPerson("Ann");
        using var stranger = host.Browser();
        var page = (await stranger.Get("/sign-in")).Text;
        Assert.Contains("href=\"/sign-in/oidc?to=%2F\">Sign in with Example Login<", page, StringComparison.Ordinal);
        Assert.Contains(
            "href=\"/sign-in/oidc/partner?to=%2F\">Sign in with Partner Login<",
            page,
            StringComparison.Ordinal
        );
        // Each makes accounts as its own settings say, and both know the person by the address the first time.
        Assert.Equal("/sign-in?problem=not-here", (await Walk(stranger, host, "new")).PathAndQuery);
        Assert.Equal("/", (await WalkPartner("new")).PathAndQuery);
        using (var browser = host.Browser())
            Assert.Equal("/", (await Walk(browser, host, "ann")).PathAndQuery);
        Assert.Equal("/account", (await WalkPartner("ann", "/account")).PathAndQuery);
        Assert.Equal(
            2,
            await host.Hub.Place.Number(
                "SELECT count(DISTINCT issuer) FROM identities WHERE person_id = @id",
                new { id = ann.Id }
            )
        );

        // What belongs to one provider's way back is nothing at the other's.
        using var stray = host.Browser();
        var state = System.Web.HttpUtility.ParseQueryString(
            new Uri((await stray.Get("/sign-in/oidc")).Location!).Query
        )["state"]!;
        Assert.Equal(
            "/sign-in?problem=failed",
            (await stray.Get($"/sign-in/oidc/partner/callback?code=x&state={Uri.EscapeDataString(state)}")).Location
        );

        async Task<Uri> WalkPartner(string login, string to = "/")
        {
            using var other = host.Browser();
            return await IdentityProvider.Walk(
                other.Http,
                new Uri(host.Address, $"/sign-in/oidc/partner?to={Uri.EscapeDataString(to)}"),
                login
            );
        }
    }

    [Theory]
    [InlineData("https://elsewhere.example", "", "", "")]
    [InlineData("", "http://login.example/authorize", "", "")]
    [InlineData("", "", "http://login.example/token", "")]
    [InlineData("", "", "", "http://login.example/userinfo")]
    public async Task A_provider_that_describes_another_issuer_or_names_addresses_without_TLS_is_not_used(
        string issuer,
        string authorization,
        string token,
        string userInfo
    )
    {
        var self = "";
        await using var provider = new Receiver(call => new Conduct.Answers(
            200,
            call.Path == "/keys"
                ? """{"keys":[{"kty":"RSA","kid":"one","n":"AQAB","e":"AQAB"}]}"""
                : $$"""
                {"issuer":"{{Or(issuer, self)}}","authorization_endpoint":"{{Or(
                    authorization,
                    self + "/authorize"
                )}}","jwks_uri":"{{self}}/keys",
                "token_endpoint":"{{Or(token, self + "/token")}}","userinfo_endpoint":"{{Or(
                    userInfo,
                    self + "/userinfo"
                )}}"}
                """,
            "Content-Type: application/json\r\n"
        ));
        self = provider.Address.GetLeftPart(UriPartial.Authority);
        await using var host = await Host(Engine.Sqlite, new Uri(self));
        using var browser = host.Browser();
        Assert.Equal("/sign-in?problem=not-available", (await browser.Get("/sign-in/oidc")).Location);

        static string Or(string given, string usual) => given.Length > 0 ? given : usual;
    }

    private static Task<ApiHost> Host(
        Engine engine,
        IdentityProvider provider,
        params (string Name, string Value)[] settings
    ) => Host(engine, provider.Issuer, settings);

    private static async Task<ApiHost> Host(Engine engine, Uri issuer, params (string Name, string Value)[] settings)
    {
        var host = await ApiHost.Start(engine, [.. IdentityProvider.SettingsFor(issuer), .. settings]);
        IdentityProvider.ShareClock(host.Hub);
        return host;
    }

    private static Task<Uri> Walk(Browser browser, ApiHost host, string login, string to = "/") =>
        IdentityProvider.Walk(
            browser.Http,
            new Uri(host.Address, $"/sign-in/oidc?to={Uri.EscapeDataString(to)}"),
            login
        );
}
