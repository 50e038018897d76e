using Countersign.Audit;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>How a hub gets its first admin.</summary>
public sealed class SetUpTests
{
    [Theory, BothEngines]
    public async Task The_link_makes_the_first_admin_once_and_signs_them_in(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("PathBase", "/hub"));
        var link = await Link(host);
        using var browser = host.Browser();
        Assert.Contains("no admin yet", (await browser.Get("/hub/sign-in")).Text, StringComparison.Ordinal);
        foreach (
            var (name, email, password) in new[]
            {
                ("", "ann@example.test", "correct horse battery"),
                ("Ann", "no address", "correct horse battery"),
                ("Ann", "ann@example.test", "password123"),
            }
        )
        {
            Assert.Equal(422, (await Use(browser, link, name, email, password)).Status);
        }
        Assert.Equal(0, await host.Hub.Place.Count("people"));

        var done = await Use(browser, link, "Ann", "ann@example.test", "correct horse battery");
        Assert.Equal((302, "/hub/"), (done.Status, done.Location));
        Assert.Contains("ann@example.test", (await browser.Get("/hub/account")).Text, StringComparison.Ordinal);
        Assert.Equal(404, (await browser.Get(link)).Status);
        Assert.Null(await host.Services.GetRequiredService<SetUpLink>().Make(default));
        Assert.Equal(
            ["person.added", "session.started"],
            (await host.Hub.Place.Events("person:1")).Select(e => e.Kind)
        );
    }

    [Theory, BothEngines]
    public async Task Two_who_follow_links_at_once_make_one_admin(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var setUp = host.Services.GetRequiredService<SetUpLink>();
        var links = new[] { await setUp.Make(default), await setUp.Make(default) };
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(i =>
                    Task.Run(() =>
                        setUp.Use(
                            links[i % 2]!,
                            $"p{i}@example.test",
                            $"P{i}",
                            "correct horse battery",
                            new ClientInfo("page", "", ""),
                            default
                        )
                    )
                )
        );
        Assert.Single(outcomes.OfType<SetUpOutcome.Done>());
        Assert.Equal(3, outcomes.OfType<SetUpOutcome.LinkIsOver>().Count());
        Assert.Equal(1, await host.Hub.Place.Count("people"));
    }

    [Theory, BothEngines]
    public async Task An_hour_or_an_admin_made_otherwise_ends_it_for_good(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var browser = host.Browser();
        var old = await Link(host);
        host.Hub.Clock.Advance(SetUpLink.Lasts);
        Assert.Equal(404, (await browser.Get(old)).Status);

        var link = await Link(host);
        Assert.Equal(200, (await browser.Get(link)).Status);
        var root = await host.Hub.AddPerson("Root", Role.Admin);
        Assert.Equal(404, (await browser.Get(link)).Status);
        // Also when that admin is shut out again: the link does not come back.
        await host.Hub.Disable(root);
        Assert.Equal(404, (await browser.Get(link)).Status);
        Assert.Equal(404, (await browser.Get("/set-up")).Status);
        Assert.Equal(404, (await browser.Get("/set-up?key=csu_guessed")).Status);
    }

    private static async Task<string> Link(ApiHost host) =>
        $"{host.Base}/set-up?key={await host.Services.GetRequiredService<SetUpLink>().Make(default)}";

    private static Task<Browser.Page> Use(Browser browser, string link, string name, string email, string password)
    {
        var parts = link.Split("?key=");
        return browser.Submit(
            link,
            parts[0],
            ("key", parts[1]),
            ("name", name),
            ("email", email),
            ("password", password)
        );
    }
}
