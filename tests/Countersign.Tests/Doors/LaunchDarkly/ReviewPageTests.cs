using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>Where LaunchDarkly's button leads, in a browser that brings no key.</summary>
public sealed class ReviewPageTests
{
    private const string Page = "/approvals?approvalID=";

    [Theory, BothEngines]
    public async Task Trap_10_a_stranger_is_asked_to_sign_in_and_learns_nothing_not_even_whether_the_id_is_known(
        Engine engine
    )
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        using var stranger = host.Host.Nobody();
        var known = await stranger.Get(Page + LaunchDarklySide.Id);
        Assert.Equal(
            (302, "/sign-in?to=%2Fapprovals%3FapprovalID%3D" + LaunchDarklySide.Id),
            (known.Status, known.Headers.Location?.OriginalString)
        );
        Assert.Empty(known.Text);

        var unknown = await stranger.Get(Page + "nobody-knows");
        Assert.Equal(
            (302, "/sign-in?to=%2Fapprovals%3FapprovalID%3Dnobody-knows", ""),
            (unknown.Status, unknown.Headers.Location?.OriginalString, unknown.Text)
        );
        // A key of a source is no person's, and a wrong token nobody's.
        foreach (var id in new[] { LaunchDarklySide.Id, "nobody-knows" })
            Assert.Equal(403, (await host.Side.Client.Get(Page + id)).Status);
        using var wrong = host.Host.Person(host.People[0].Email!, "cst_wrong");
        Assert.Equal(302, (await wrong.Get(Page + LaunchDarklySide.Id)).Status);
        Assert.Contains("no-store", known.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/approvals")]
    [InlineData("/approvals?approvalID=")]
    [InlineData("/approvals?approvalID=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")]
    [InlineData("/approvals?approvalid=x&approvalID=y")]
    public async Task Trap_10_an_odd_address_leads_nowhere_and_shows_nothing_of_the_address(string path)
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        using var stranger = host.Host.Nobody();
        Assert.Equal(302, (await stranger.Get(path.Length == 0 ? "/approvals?" : path)).Status);
        using var ann = await host.Host.Person(host.People[0]);
        var page = await ann.Get(path.Length == 0 ? "/approvals?" : path);
        Assert.Equal((404, "text/html"), (page.Status, page.MediaType));
        Assert.DoesNotContain("<script", WithoutOurs(page.Text), StringComparison.OrdinalIgnoreCase);
    }

    [Theory, BothEngines]
    public async Task Trap_10_whoever_says_who_they_are_sees_what_is_theirs_under_the_same_id(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var other = await host.Hub.AddGroup("other", await host.Hub.AddPerson("Dora"));
        using var second = new LaunchDarklySide(
            host.Host.Source(await host.Hub.AddSource("second", other, kind: "launchdarkly"))
        );
        await host.Side.Create(LaunchDarklySide.Body());
        var theirs = LaunchDarklySide.Body();
        theirs["comment"] = "only for the others";
        await second.Create(theirs);

        using var ann = await host.Host.Person(host.People[0]);
        var page = await Follow(ann, Page + LaunchDarklySide.Id);
        Assert.Contains("less glare at night", page.Text, StringComparison.Ordinal);
        Assert.Contains((await host.Request()).Digest, page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("only for the others", page.Text, StringComparison.Ordinal);

        using var admin = await host.Host.Person(await host.Hub.AddPerson("Root", Role.Admin));
        var all = await admin.Get(Page + LaunchDarklySide.Id);
        Assert.Contains("less glare at night", all.Text, StringComparison.Ordinal);
        Assert.Contains("only for the others", all.Text, StringComparison.Ordinal);
        Assert.Equal(404, (await admin.Get(Page + "unknown")).Status);
    }

    [Theory, BothEngines]
    public async Task A_get_decides_nothing_and_nothing_but_a_get_is_taken(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        using var ann = await host.Host.Person(host.People[0]);
        foreach (var more in new[] { "&answer=approve", "&decision=approved", "&approve=1" })
            await Follow(ann, Page + LaunchDarklySide.Id + more);
        Assert.Equal(405, (await ann.Post(Page + LaunchDarklySide.Id, new { answer = "approve" })).Status);
        Assert.Equal(["request.submitted"], await host.Hub.Kinds((await host.Request()).Id));
    }

    [Theory, BothEngines]
    public async Task Trap_14_hostile_text_is_shown_as_text(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        const string hostile = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";
        var body = LaunchDarklySide.Body();
        body["comment"] = hostile;
        body["details"] = hostile + " again";
        body["shortDescription"] = hostile + " requested approval for " + hostile;
        body["flag"] = new JsonObject
        {
            ["name"] = hostile,
            ["key"] = hostile,
            ["tags"] = new JsonArray(hostile),
        };
        body["approvalFormVariables"] = new JsonObject { [hostile] = hostile };
        body["_site"]!["href"] = "https://app.launchdarkly.com/\"><script>alert(1)</script>";
        Assert.Equal(201, (await host.Side.Create(body)).Status);
        using var ann = await host.Host.Person(host.People[0]);
        var page = (await Follow(ann, Page + LaunchDarklySide.Id)).Text;
        Assert.Empty(
            Regex.Matches(
                WithoutOurs(page),
                "<(script|img)",
                RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
                TimeSpan.FromSeconds(1)
            )
        );
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trap_30_a_settled_approval_is_shown_as_it_ended_and_asks_for_nothing()
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        await host.Side.Create(LaunchDarklySide.Body());
        await host.Side.Cancel();
        using var ann = await host.Host.Person(host.People[0]);
        var page = (await Follow(ann, Page + LaunchDarklySide.Id)).Text;
        Assert.Contains("Withdrawn. No action needed.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("value=\"approve\"", page, StringComparison.Ordinal);
    }

    /// <summary>LaunchDarkly's address leads to the request's own.</summary>
    private static async Task<ApiAnswer> Follow(ApiClient person, string path)
    {
        var first = await person.Get(path);
        Assert.Equal(302, first.Status);
        Assert.StartsWith("/requests/", first.Headers.Location!.OriginalString, StringComparison.Ordinal);
        var page = await person.Get(first.Headers.Location.OriginalString);
        Assert.Equal((200, "text/html"), (page.Status, page.MediaType));
        return page;
    }

    /// <summary>The one script that every page has.</summary>
    private static string WithoutOurs(string page) =>
        Regex.Replace(
            page,
            "<script src=\"/assets/script\\.[0-9a-f]+\\.js\" defer></script>",
            "",
            RegexOptions.None,
            TimeSpan.FromSeconds(1)
        );
}
