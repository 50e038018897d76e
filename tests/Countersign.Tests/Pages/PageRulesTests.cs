using System.Text.RegularExpressions;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>What holds for every page with any content.</summary>
public sealed partial class PageRulesTests
{
    private const int MaxScript = 20 * 1024;

    /// <summary>
    /// Browsers fetch ahead, mail programs open links, scanners ask for heads: none of them is a person who wants
    /// something done.
    /// </summary>
    [Fact]
    public async Task Looking_at_every_page_in_every_way_changes_nothing()
    {
        await using var full = await FullHub.Start("Platform team");
        using var admin = await full.Pages.Api.SignIn(full.Pages.Root);
        using var ann = await full.Pages.Api.SignIn(full.Pages.Ann);
        var events = await Written(full);

        foreach (var path in full.Paths)
        {
            foreach (var browser in new[] { admin, ann })
            {
                Assert.InRange((await browser.Get(path)).Status, 200, 404);
                await browser.Send(new HttpRequestMessage(HttpMethod.Head, path));
                await browser.Send(
                    new HttpRequestMessage(HttpMethod.Get, path)
                    {
                        Headers = { { "Purpose", "prefetch" }, { "Sec-Purpose", "prefetch;prerender" } },
                    }
                );
            }
        }

        Assert.Equal(events, await Written(full));
    }

    [Fact]
    public async Task A_page_loads_one_small_script_and_one_style_and_both_are_ours()
    {
        await using var host = await PagesHost.Start();
        using var ann = await host.Api.SignIn(host.Ann);
        var page = (await ann.Get("/")).Text;

        var loaded = Loaded().Matches(page).Select(m => m.Groups["address"].Value).ToList();
        Assert.Equal(["css", "js", "svg"], loaded.Select(address => address[(address.LastIndexOf('.') + 1)..]).Order());
        Assert.All(loaded, address => Assert.StartsWith("/assets/", address, StringComparison.Ordinal));
        Assert.InRange(
            (await ann.Get(loaded.Single(address => address.EndsWith(".js", StringComparison.Ordinal)))).Text.Length,
            1,
            MaxScript
        );
    }

    [Fact]
    public async Task Looking_at_pages_leaves_no_warning_in_the_log_and_nothing_in_a_cache()
    {
        using var overheard = new Overheard();
        await using var api = await ApiHost.Start(Engine.Sqlite, overheard);
        var root = await api.Hub.AddPerson("Root", Countersign.People.Role.Admin);
        var request = await api.Hub.Ask(Some.Policy(root.AsApprover));
        using var stranger = api.Browser();
        using var admin = await api.SignIn(root);
        foreach (
            var (browser, path) in new[]
            {
                (stranger, "/sign-in"),
                (admin, "/"),
                (admin, $"/requests/{request.Id}"),
                (admin, "/people"),
                (admin, "/api/v2/users/me.json"),
            }
        )
        {
            var page = await browser.Get(path);
            Assert.Equal((path, 200, true), (path, page.Status, page.Headers.CacheControl is { NoStore: true }));
        }
        Assert.DoesNotContain(
            overheard.Lines,
            line =>
                line.StartsWith("Warning", StringComparison.Ordinal)
                || line.StartsWith("Error", StringComparison.Ordinal)
                || line.StartsWith("Critical", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task The_proof_in_a_form_holds_page_after_page_and_only_for_this_person_at_this_browser()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(need: 2);
        var path = $"/requests/{request.Id}";
        using var ann = await host.Api.SignIn(host.Ann);
        using var ben = await host.Api.SignIn(host.Ben);
        var first = (await ann.Get("/")).Token!;
        await ben.Get("/");
        for (var i = 0; i < 3; i++)
        {
            var shown = (await ann.Get(path)).Token!;
            Assert.Equal(302, await Say(ann, shown, $"Comment {i}"));
        }
        Assert.Equal(302, await Say(ann, first, "From the first page"));

        // Her proof in his browser, and in her browser once somebody else has signed in there.
        Assert.NotEqual(302, await Say(ben, first, "Not mine"));
        ann.Cookies.Add(
            host.Api.Address,
            new System.Net.Cookie(
                SessionCookie.Name,
                ben.Cookies.GetCookies(host.Api.Address)[SessionCookie.Name]!.Value
            )
        );
        Assert.NotEqual(302, await Say(ann, first, "Not his"));
        var his = (await ann.Get("/")).Token!;
        Assert.NotEqual(first, his);
        Assert.Equal(302, await Say(ann, his, "His"));
        // Without the cookie that it goes with.
        using var bare = new Browser(
            host.Api.Address,
            ben.Cookies.GetCookies(host.Api.Address)[SessionCookie.Name]!.Value
        );
        Assert.NotEqual(302, await Say(bare, his, "From nowhere"));

        async Task<int> Say(Browser browser, string proof, string text) =>
            (await browser.Post(path, (Browser.TokenField, proof), ("do", "comment"), ("note", text))).Status;
    }

    [Theory, BothEngines]
    public async Task A_server_that_stops_ends_the_streams_of_open_pages(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        var request = await host.Ask();
        using var ann = await host.Api.SignIn(host.Ann);
        using var inbox = await Open(ann, "inbox");
        using var page = await Open(ann, request.Id.Value);

        await host.Api.Stop().Soon();

        foreach (var stream in new[] { inbox, page })
            Assert.Equal("", await stream.ReadToEndAsync(TestContext.Current.CancellationToken).Soon());
    }

    private static async Task<StreamReader> Open(Browser browser, string about)
    {
        var reader = new StreamReader(
            await browser.Http.GetStreamAsync($"/live?about={about}", TestContext.Current.CancellationToken)
        );
        Assert.Equal(
            (": listening", ""),
            (
                await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().Soon(),
                await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().Soon()
            )
        );
        return reader;
    }

    private static ValueTask<long> Written(FullHub full) => full.Pages.Hub.Place.Count("events");

    [GeneratedRegex(
        "<(link rel=\"(stylesheet|icon)\" href|script src)=\"(?<address>[^\"]+)\"",
        RegexOptions.ExplicitCapture,
        1_000
    )]
    private static partial Regex Loaded();
}
