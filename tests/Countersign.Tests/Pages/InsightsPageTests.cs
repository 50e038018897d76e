using System.Text.RegularExpressions;
using Countersign.People;
using Countersign.Requests;
using Countersign.Tests.Insights;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>The page Insights: each reader's own figures, their files, and both languages.</summary>
public sealed partial class InsightsPageTests
{
    [Theory, BothEngines]
    public async Task A_member_sees_the_figures_of_their_groups_and_no_others(Engine engine)
    {
        await using var town = await Town.Start(engine);
        using var ann = await town.Host.Api.SignIn(town.Host.Ann);

        var page = await ann.Get("/insights");

        Assert.Equal((200, "1", "1"), (page.Status, Figure(page.Text, "Decided"), Figure(page.Text, "Open now")));
        Assert.Contains("production", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-lab", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Lab", page.Text, StringComparison.Ordinal);
        // One group is nothing to choose from.
        Assert.DoesNotContain("id=\"f-group\"", page.Text, StringComparison.Ordinal);
        Assert.Equal(200, (await ann.Get($"/insights?days=7&group={town.Host.Sre.Id}")).Status);
        foreach (var table in Countersign.Insights.InsightsCsv.Tables)
        {
            var file = await ann.Get($"/insights.csv?table={table}");
            Assert.Equal(200, file.Status);
            Assert.DoesNotContain("secret-lab", file.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("Lab", file.Text, StringComparison.Ordinal);
        }
    }

    [Theory, BothEngines]
    public async Task A_foreign_group_and_one_that_is_not_there_look_alike(Engine engine)
    {
        await using var town = await Town.Start(engine);
        using var ann = await town.Host.Api.SignIn(town.Host.Ann);
        using var root = await town.Host.Api.SignIn(town.Host.Root);

        foreach (var query in new[] { $"group={town.Lab.Id}", "group=4711", "group=x", "days=8", "days=-7", "days=x" })
        {
            Assert.Equal(404, (await ann.Get("/insights?" + query)).Status);
            Assert.Equal(404, (await ann.Get("/insights.csv?" + query)).Status);
        }
        Assert.Equal(404, (await ann.Get("/insights.csv?table=people")).Status);
        var page = (await root.Get($"/insights?group={town.Lab.Id}")).Text;
        Assert.Contains("secret-lab", page, StringComparison.Ordinal);
        Assert.Matches($"<option value=\"{town.Lab.Id}\" selected", page);
    }

    [Theory, BothEngines]
    public async Task A_reader_without_a_group_is_told_so_and_an_admin_sees_everything(Engine engine)
    {
        await using var town = await Town.Start(engine);
        using var rita = await town.Host.Api.SignIn(town.Host.Rita);
        using var root = await town.Host.Api.SignIn(town.Host.Root);
        using var nobody = town.Host.Api.Browser();

        var none = await rita.Get("/insights");
        Assert.Equal(200, none.Status);
        Assert.Contains("No insights yet", none.Text, StringComparison.Ordinal);
        Assert.Contains("An admin can add you to one.", none.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-lab", none.Text, StringComparison.Ordinal);
        Assert.Equal(404, (await rita.Get("/insights.csv")).Status);
        // Of a group that is not theirs they hear nothing, not even that it is there.
        Assert.Contains(
            "No insights yet",
            (await rita.Get($"/insights?group={town.Lab.Id}")).Text,
            StringComparison.Ordinal
        );
        Assert.Equal(302, (await nobody.Get("/insights")).Status);
        Assert.Equal(302, (await nobody.Get("/insights.csv")).Status);

        var all = (await root.Get("/insights")).Text;
        Assert.Equal(("1", "2"), (Figure(all, "Decided"), Figure(all, "Open now")));
        Assert.Contains("By group", all, StringComparison.Ordinal);
        Assert.Contains("secret-lab", all, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Each_table_of_the_page_leads_to_its_file(Engine engine)
    {
        await using var town = await Town.Start(engine);
        using var root = await town.Host.Api.SignIn(town.Host.Root);

        var page = (await root.Get("/insights?days=90")).Text;
        var links = Files()
            .Matches(page)
            .Select(m => System.Net.WebUtility.HtmlDecode(m.Groups["path"].Value))
            .ToList();

        Assert.Equal(
            Countersign.Insights.InsightsCsv.Tables.Order(),
            links.Select(l => l[(l.LastIndexOf('=') + 1)..]).Distinct().Order()
        );
        foreach (var link in links)
        {
            Assert.Contains("days=90", link, StringComparison.Ordinal);
            var file = await root.Get(link);
            Assert.Equal(200, file.Status);
            Assert.True(file.Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length > 1, link);
        }
        // What people call their groups never becomes a formula.
        var groups = (await root.Get("/insights.csv?table=groups")).Text;
        Assert.Contains("\"'=Lab\",", groups, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task In_German_words_and_numbers_are_German(Engine engine)
    {
        await using var town = await Town.Start(engine);
        using var root = await town.Host.Api.SignIn(town.Host.Root);
        using var rita = await town.Host.Api.SignIn(town.Host.Rita);
        foreach (var browser in new[] { root, rita })
            browser.Http.DefaultRequestHeaders.Add("Accept-Language", "de-DE");

        var page = (await root.Get("/insights")).Text;

        Assert.Contains("<html lang=\"de\"", page, StringComparison.Ordinal);
        Assert.Contains("Median der Zeit bis zur Entscheidung", page, StringComparison.Ordinal);
        Assert.Equal("2", Figure(page, "Jetzt offen"));
        Assert.Contains("Nach Gruppe", page, StringComparison.Ordinal);
        foreach (var english in new[] { "Open now", "By group", "All requests", "Median time" })
            Assert.DoesNotContain(english, page, StringComparison.Ordinal);
        Assert.Matches("0[\\s\u00a0]%|0,0[\\s\u00a0]%", System.Net.WebUtility.HtmlDecode(page));
        Assert.Contains("Noch keine Auswertungen", (await rita.Get("/insights")).Text, StringComparison.Ordinal);
        // Columns of files are named alike in every language, for programs that read them.
        var file = (await root.Get("/insights.csv?table=reviewers")).Text.TrimStart('\uFEFF');
        Assert.StartsWith("reviewer,waiting,", file, StringComparison.Ordinal);
    }

    private static string Figure(string page, string name) =>
        Regex
            .Match(
                page,
                $"<dt>{name}</dt>\\s*<dd>(?<n>[^<]*)</dd>",
                RegexOptions.ExplicitCapture,
                TimeSpan.FromSeconds(1)
            )
            .Groups["n"]
            .Value;

    [GeneratedRegex("href=\"(?<path>/insights\\.csv[^\"]*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Files();

    /// <summary>
    /// One request of SRE was decided and one waits; one waits for a group that only an admin knows of.
    /// </summary>
    private sealed class Town : IAsyncDisposable
    {
        public required PagesHost Host { get; init; }
        public required People.Group Lab { get; init; }

        public static async Task<Town> Start(Engine engine)
        {
            var host = await PagesHost.Start(engine);
            var lab = await host.Hub.AddGroup("=Lab", await host.Hub.AddPerson("Lea", Role.Agent));
            var decided = await host.Ask(change: In("production"));
            await host.Ask("Raise the limit", change: In("production"));
            await host.Hub.Ask(Some.Policy(lab.AsApprover), In("secret-lab"));
            host.Hub.Clock.Advance(TimeSpan.FromHours(1));
            await host.Hub.Approve(decided, host.Ann);
            await host.Api.Noticed();
            await new InsightsHub.Follower(host.Hub).ToTheEnd();
            return new Town { Host = host, Lab = lab };
        }

        private static Func<Submission, Submission> In(string environment) =>
            s => s with { Facts = $$"""{"environment":"{{environment}}"}""" };

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }
}
