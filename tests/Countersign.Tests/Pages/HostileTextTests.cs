using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Tests.Doors.LaunchDarkly;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>A text that comes in through any door is shown as that text, and nothing of it runs.</summary>
[Collection(Chromium.Name)]
public sealed class HostileTextTests(Chromium chromium)
{
    private static readonly string[] Attacks =
    [
        "<script>document.title='hacked'</script>",
        "\"><img src=x onerror=\"document.title='hacked'\">",
        "'><svg/onload=document.title='hacked'>",
        "</textarea></title></style></pre><script>document.title='hacked'</script>",
        "javascript:document.title='hacked' https://x.test/\"onmouseover=document.title='hacked'//",
        "[a](javascript:document.title='hacked') ![b](https://x.test/\"onerror=document.title='hacked') <b>**_c_**</b>",
        "`</code><script>document.title='hacked'</script>` > [[[[x](data:text/html,<script>1</script>)",
        "\u202Edenied\u2066{{7*7}} ${7*7} &lt;b&gt; \u0001",
    ];

    [Fact]
    public async Task No_name_of_a_fact_hides_it_from_the_page()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(change: s =>
            s with
            {
                Facts = """
                    {"job":"restart","job.tags":"seen-1","step":"x","step.name":["seen-2"],"before":"a","after":"b",
                     "before.name":"seen-3","a":"y","a.name":"seen-4","a.name.name":"seen-5","environment":"z",
                     "environment.name":{"x":"seen-6"},"flag":7,"flag.name":"seen-7","flag.tags":["seen-8"],
                     "link":"https://example.test/","link.name":"seen-9"}
                    """,
            }
        );
        using var browser = await host.Api.SignIn(host.Ann);
        var page = (await browser.Get($"/requests/{request.Id}")).Text;
        for (var i = 1; i <= 9; i++)
            Assert.Contains($"seen-{i}", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_of_both_doors_and_of_pages_stay_texts()
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        var (hub, ann) = (host.Hub, host.People[0]);
        var agent = await hub.AddPerson("Agent <img src=x onerror=alert(1)>", Role.Agent);
        var group = await hub.AddGroup("<script>alert(1)</script>", ann);
        using var zendesk = await host.Host.Person(agent);
        var n = 0;
        foreach (var attack in Attacks)
        {
            var evil = attack.Replace("\u0001", "", StringComparison.Ordinal);
            var body = LaunchDarklySide.Body($"{n:D24}");
            foreach (var field in new[] { "details", "comment" })
                body[field] = evil;
            body["shortDescription"] = $"{evil} requested approval for {evil}";
            foreach (var named in new[] { "project", "environment", "flag" })
            {
                body[named] = new JsonObject
                {
                    ["name"] = evil,
                    ["key"] = evil,
                    ["tags"] = new JsonArray(evil),
                };
            }
            body["approvalFormVariables"] = new JsonObject { [evil] = evil, ["risk"] = evil };
            body["_site"]!["href"] =
                n % 2 == 0
                    ? "javascript:document.title='hacked'"
                    : "https://app.test/\"><script>document.title='hacked'</script>";
            Assert.Equal(201, (await host.Side.Create(body)).Status);
            Assert.Equal(
                201,
                (
                    await zendesk.Post(
                        "/api/v2/approval_requests",
                        new
                        {
                            subject = evil,
                            message = evil,
                            assignee_group_id = group.Id,
                            ticket_id = ++n,
                        }
                    )
                ).Status
            );
        }

        await using var window = await chromium.Open(host.Host, ann);
        await window.Go("/");
        await IsUnharmed(window, "the inbox");
        var pages = await window
            .Page.Locator("#part-list .subject")
            .EvaluateAllAsync<string[]>("links => links.map(link => link.href)");
        Assert.Equal(Attacks.Length * 2, pages.Length);
        foreach (var (page, i) in pages.Select((page, i) => (page, i)))
        {
            await window.Go(page);
            Assert.Equal(0, await window.Page.Locator("a[href^='javascript:']").CountAsync());
            foreach (var button in new[] { "Comment", "Abstain" })
            {
                await window.Note(Attacks[i % Attacks.Length].Replace("\u0001", "", StringComparison.Ordinal));
                await window.Press(button);
                await IsUnharmed(window, page);
            }
        }
        await window.Go(
            "/?text="
                + Uri.EscapeDataString(Attacks[1])
                + "&source="
                + Uri.EscapeDataString(Attacks[0])
                + "&group="
                + Uri.EscapeDataString(Attacks[2])
        );
        await IsUnharmed(window, "a search");
        await using var asks = await chromium.Open(host.Host, agent);
        await asks.Go("/new");
        await IsUnharmed(asks, "/new");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Names_of_whatever_has_one_stay_names_on_every_page(int attack)
    {
        await using var full = await FullHub.Start(Attacks[attack].Replace("\u0001", "", StringComparison.Ordinal));
        await using var window = await chromium.Open(full.Pages.Api, full.Pages.Root);
        // The documents show no name but what is around every page, so one of them stands for all.
        var documents = full.Paths.Where(path => path.StartsWith("/help/", StringComparison.Ordinal));
        foreach (var path in full.Paths.Except(documents.Skip(1)))
        {
            var response = await window.Page.GotoAsync(path);
            Assert.Equal((path, path == "/nothing-here" ? 404 : 200), (path, response!.Status));
            await IsUnharmed(window, path);
        }
    }

    private static async Task IsUnharmed(Window window, string where)
    {
        Assert.DoesNotContain(
            "hacked",
            await window.Page.TitleAsync() == "hacked" ? "hacked" : "",
            StringComparison.Ordinal
        );
        Assert.Equal(
            0,
            await window
                .Page.Locator("main script, main img, main svg:not(.plot, .bar, .source-icon)")
                .Or(window.Page.Locator("main [onerror], main [onload], main [onmouseover]"))
                .CountAsync()
        );
        Assert.True(window.Complaints.IsEmpty, $"{where}: {string.Join('\n', window.Complaints)}");
    }
}
