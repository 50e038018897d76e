using System.Text.RegularExpressions;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>The inbox's lists, files and results as a browser gets them.</summary>
public sealed partial class InboxTests
{
    [Theory, BothEngines]
    public async Task Reviews_come_oldest_first_and_pages_lead_on_and_back_in_either_order(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        var asked = new List<string>();
        for (var n = 0; n < 85; n++)
            asked.Add((await host.Ask($"Number {n}")).Id.Value);
        using var ann = await host.Api.SignIn(host.Ann);

        Assert.Equal(asked, await Walk("/", "next"));
        Assert.Equal(Enumerable.Reverse(asked), await Walk("/?order=newest", "next"));
        Assert.Equal(Enumerable.Reverse(asked), await Walk("/?show=all", "next"));
        Assert.Equal(asked, await Walk("/?show=all&order=oldest", "next"));

        // Back from the second page is the first again, without a way further back.
        var second = (await ann.Get(Link((await ann.Get("/")).Text, "next")!)).Text;
        var first = (await ann.Get(Link(second, "prev")!)).Text;
        Assert.Equal(asked[..40], Ids(first));
        Assert.Null(Link((await ann.Get("/")).Text, "prev"));

        async Task<List<string>> Walk(string path, string rel)
        {
            var (found, next) = (new List<string>(), path);
            while (next is not null)
            {
                var page = (await ann.Get(next)).Text;
                found.AddRange(Ids(page));
                next = Link(page, rel);
            }
            return found;
        }
    }

    [Theory, BothEngines]
    public async Task What_expires_soonest_comes_first_where_the_address_says_so_in_pages_file_and_API(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        var (expiring, others) = (new List<string>(), new List<string>());
        for (var n = 0; n < 45; n++)
            others.Add((await host.Ask($"Never {n}")).Id.Value);
        for (var n = 0; n < 45; n++)
            expiring.Insert(0, (await Ask(TimeSpan.FromHours(100 - n))).Id.Value);
        using var ann = await host.Api.SignIn(host.Ann);

        var page = (await ann.Get("/?order=expiring")).Text;
        Assert.Equal(expiring[..40], Ids(page));
        Assert.DoesNotContain(">Expiring first<", page, StringComparison.Ordinal);
        page = (await ann.Get(Link(page, "next")!)).Text;
        Assert.Equal([.. expiring[40..], .. others[..35]], Ids(page));
        var last = (await ann.Get(Link(page, "next")!)).Text;
        Assert.Equal(others[35..], Ids(last));
        Assert.Null(Link(last, "next"));
        Assert.Equal(Ids(page), Ids((await ann.Get(Link(last, "prev")!)).Text));

        // The others of all requests are the newest first, as there always. The address alone remembers the order.
        page = (await ann.Get("/?show=all&order=expiring")).Text;
        page = (await ann.Get(Link(page, "next")!)).Text;
        Assert.Equal([.. expiring[40..], .. Enumerable.Reverse(others).Take(35)], Ids(page));
        Assert.Equal(others[..40], Ids((await ann.Get("/")).Text));
        var file = (await ann.Get("/requests.csv?order=expiring")).Text.Split("\r\n")[1..91];
        Assert.Equal([.. expiring, .. others], file.Select(line => line.Split(',')[0].Trim('"')));

        using var api = await host.Api.Person(host.Ann);
        var found = await api.Get("/api/v1/requests?waiting=me&order=expiring&size=100");
        Assert.Equal([.. expiring, .. others], found.Json["requests"]!.AsArray().Select(r => (string)r!["id"]!));
        Assert.Equal(422, (await api.Get("/api/v1/requests?order=oldest")).Status);

        Task<ApprovalRequest> Ask(TimeSpan after) =>
            host.Hub.Ask(
                Some.Policy(host.Sre.AsApprover) with
                {
                    Expire = new Policies.Expiry(after),
                },
                s => s.AskedBy(host.Rita)
            );
    }

    [Theory, BothEngines]
    public async Task A_list_is_exported_whole_filtered_and_without_what_one_may_not_see(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        for (var n = 0; n < 120; n++)
            await host.Ask($"Number {n}", change: s => s with { Facts = """{"environment":"production"}""" });
        await host.Ask("=HYPERLINK(1)", change: s => s with { Facts = """{"risk":"low"}""" });
        await host.Hub.Ask(Some.Policy(host.Root.AsApprover), s => s.Saying("Not for SRE"));
        using var ann = await host.Api.SignIn(host.Ann);
        using var root = await host.Api.SignIn(host.Root);

        var all = await ann.Get("/requests.csv?show=all");
        Assert.Equal(200, all.Status);
        Assert.Equal(1 + 121, Lines(all.Text));
        Assert.DoesNotContain("Not for SRE", all.Text, StringComparison.Ordinal);
        Assert.Contains("\"'=HYPERLINK(1)\"", all.Text, StringComparison.Ordinal);
        Assert.Equal(1 + 120, Lines((await ann.Get("/requests.csv?show=all&environment=production")).Text));
        Assert.Equal(1 + 1, Lines((await ann.Get("/requests.csv?show=waiting&text=%3DHYPERLINK")).Text));
        Assert.Equal(1, Lines((await ann.Get("/requests.csv?show=asked")).Text));
        Assert.Equal(1 + 122, Lines((await root.Get("/requests.csv?show=all")).Text));
        using var nobody = host.Api.Browser();
        Assert.Equal(302, (await nobody.Get("/requests.csv?show=all")).Status);

        static int Lines(string text) => text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length;
    }

    [Fact]
    public async Task Results_are_shown_to_the_person_who_decided_and_cannot_be_made_up()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask("Open the new checkout");
        using var ann = await host.Api.SignIn(host.Ann);
        using var ben = await host.Api.SignIn(host.Ben);
        var sent = await ann.Submit(
            "/",
            "/",
            ("request", $"{request.Id} {request.Digest}"),
            ("do", "approve"),
            ("from", "https://evil.example/?show=all&text=x")
        );
        Assert.Equal(302, sent.Status);

        var page = await ann.Get(sent.Location!);
        Assert.Contains("1 request approved.", page.Text, StringComparison.Ordinal);
        Assert.Contains("href=\"/?show=all&amp;text=x\"", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("evil.example", page.Text, StringComparison.Ordinal);
        Assert.Equal(404, (await ben.Get(sent.Location!)).Status);
        foreach (var made in new[] { "", "x", sent.Location!.Replace("of=00", "of=01", StringComparison.Ordinal) })
            Assert.Equal(404, (await ann.Get(made.Length > 1 ? made : $"/results?of={made}")).Status);
    }

    [Theory]
    [InlineData("approve")]
    [InlineData("")]
    public async Task A_form_without_a_selection_or_a_decision_says_so(string answer)
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        using var ann = await host.Api.SignIn(host.Ann);
        var page =
            answer.Length > 0
                ? await ann.Submit("/", "/", ("do", answer), ("note", "Typed before"))
                : await ann.Submit("/", "/", ("request", $"{request.Id} {request.Digest}"), ("note", "Typed before"));
        Assert.Equal(422, page.Status);
        Assert.Contains(
            answer.Length > 0 ? "Select at least one" : "Choose Approve",
            page.Text,
            StringComparison.Ordinal
        );
        Assert.Contains("Typed before", page.Text, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task How_many_need_a_review_is_told_to_each_reader_of_their_own_and_keeps_no_session(Engine engine)
    {
        await using var host = await PagesHost.Start(engine, ("Sessions:Idle", "1h"));
        await host.Ask();
        using var ann = await host.Api.SignIn(host.Ann);
        using var rita = await host.Api.SignIn(host.Rita);
        using var nobody = host.Api.Browser();

        Assert.Contains("\"count\":\"1\"", (await ann.Get("/pending")).Text, StringComparison.Ordinal);
        Assert.Contains("\"count\":\"\"", (await rita.Get("/pending")).Text, StringComparison.Ordinal);
        Assert.Equal(302, (await nobody.Get("/pending")).Status);
        await host.Hub.Disable(host.Ann);
        await host.Api.Noticed();
        Assert.Equal(302, (await ann.Get("/pending")).Status);

        // A page that is left open asks on and on. That is no use of the session.
        var uses = host.Api.Services.GetRequiredService<SignIn.LastUse>();
        await uses.WriteOnce();
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(50));
        Assert.Equal(200, (await rita.Get("/pending")).Status);
        await uses.WriteOnce();
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(302, (await rita.Get("/pending")).Status);
    }

    private static List<string> Ids(string page) => [.. Rows().Matches(page).Select(m => m.Groups["id"].Value)];

    private static string? Link(string page, string rel) =>
        Pages().Matches(page).FirstOrDefault(m => m.Groups["rel"].Value == rel) is { } found
            ? System.Net.WebUtility.HtmlDecode(found.Groups["href"].Value)
            : null;

    [GeneratedRegex("data-row=\"(?<id>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Rows();

    [GeneratedRegex("href=\"(?<href>[^\"]+)\" rel=\"(?<rel>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Pages();
}
