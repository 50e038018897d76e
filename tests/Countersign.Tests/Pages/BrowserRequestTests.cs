using Countersign.Outcomes.Email;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>A request's page leads with the change, and the decision is always in sight.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserRequestTests(Chromium chromium)
{
    private const string FromLaunchDarkly = """
        {"environment":"production","environment.name":"Production","flag":"loyalty-points",
        "flag.name":"Loyalty points","comment":"They are **counted twice** since noon.",
        "details":"Requested change is:\nTurn off the flag\nChange the percentage from 5% to 100%",
        "link":"https://app.launchdarkly.com/x"}
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task On_a_phone_the_first_screen_has_the_change_and_the_decision_and_two_taps_decide(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await host.Ask("Another one");
        var request = await OfLaunchDarkly(host);
        await using var window = await chromium.Open(
            host.Api,
            host.Ann,
            o =>
            {
                (o.ViewportSize, o.HasTouch, o.IsMobile) = (new ViewportSize { Width = 390, Height = 844 }, true, true);
                o.JavaScriptEnabled = withScript;
            }
        );
        await window.Go($"/requests/{request.Id}");
        foreach (
            var seen in new[]
            {
                window.Page.GetByRole(AriaRole.Heading, new() { Level = 1 }),
                window.Page.Locator(".environment.critical"),
                window.Page.Locator(".request-reason"),
                window.Page.Locator(".changes li").Last,
                Button(window, "Approve"),
                Button(window, "Reject"),
            }
        )
        {
            await Assertions.Expect(seen).ToBeInViewportAsync(new() { Ratio = 1 });
        }
        Assert.Equal(
            "Turn off Loyalty points +1 more change",
            string.Join(' ', (await window.Page.Locator("h1").InnerTextAsync()).Split())
        );
        Assert.Equal("5%", await window.Page.Locator(".changes del").InnerTextAsync());
        Assert.Equal("100%", await window.Page.Locator(".changes ins").InnerTextAsync());
        Assert.Equal("counted twice", await window.Page.Locator(".request-reason strong").InnerTextAsync());

        // Without a comment a rejection goes nowhere, and the field is in sight.
        await Button(window, "Reject").TapAsync();
        var comment = window.Page.GetByLabel("Comment", new() { Exact = true });
        await Assertions.Expect(comment).ToBeInViewportAsync();
        await Button(window, "Reject").TapAsync();
        await Assertions.Expect(comment).ToBeFocusedAsync();
        Assert.Empty(await host.Hub.Decisions(request.Id));
        await window.Press("Cancel");
        await Assertions.Expect(comment).ToBeHiddenAsync();

        await Button(window, "Approve").TapAsync();
        await Button(window, "Approve").TapAsync();
        await window.Shows("Approved ✓");
        Assert.Equal(Status.Approved, (await host.Hub.Find(request.Id)).Status);
        var next = window.Page.Locator(".decision-bar").GetByText("Next: 1 left");
        await Assertions.Expect(next).ToBeInViewportAsync();
        await next.TapAsync();
        await window.Shows("Another one");
        await Assertions.Expect(Button(window, "Approve")).ToBeInViewportAsync();
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task On_a_phone_a_refused_rejection_comes_back_with_the_sheet_open_and_the_error_in_sight()
    {
        await using var host = await PagesHost.Start();
        var request = await OfLaunchDarkly(host);
        await using var window = await chromium.Open(
            host.Api,
            host.Ann,
            o => (o.ViewportSize, o.JavaScriptEnabled) = (new ViewportSize { Width = 390, Height = 844 }, false)
        );
        await window.Go($"/requests/{request.Id}");
        await Button(window, "Reject").ClickAsync();
        await window.Page.GetByLabel("Comment", new() { Exact = true }).FillAsync("   ");
        await Button(window, "Reject").ClickAsync();
        var error = window.Page.Locator("#note-error");
        await Assertions.Expect(error).ToHaveTextAsync("Add a comment that says why you reject this request.");
        await Assertions.Expect(error).ToBeInViewportAsync();
        await Assertions.Expect(window.Page.GetByLabel("Comment", new() { Exact = true })).ToBeFocusedAsync();
        // The summary on top leads there as well.
        Assert.Equal("#note", await window.Page.Locator(".notice.danger a").GetAttributeAsync("href"));
        await window.Note("Not before the sale.");
        await Button(window, "Reject").ClickAsync();
        await window.Shows("Rejected ✓");
        Assert.Equal("Not before the sale.", Assert.Single(await host.Hub.Decisions(request.Id)).Note);
    }

    [Fact]
    public async Task A_rejection_says_who_rejected_among_the_approvals_and_once_in_the_activity()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(need: 2);
        await host.Hub.Approve(request, host.Ben);
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go($"/requests/{request.Id}");
        await Assertions.Expect(window.Page.Locator("#approvals .waiting")).ToContainTextAsync("Ann Approver");
        await window.Note("Not *before* the sale.");
        await window.Press("Reject");
        await window.Shows("You rejected this");
        await Assertions.Expect(window.Page.Locator("#approvals .approved")).ToContainTextAsync("Ben Approver");
        await Assertions.Expect(window.Page.Locator("#approvals .rejected")).ToContainTextAsync("Ann Approver");
        await Assertions.Expect(window.Page.Locator("#standing")).ToContainTextAsync("by Ann Approver");
        await Assertions
            .Expect(window.Page.Locator("#timeline li", new() { HasText = "rejected" }))
            .ToHaveCountAsync(1);
        Assert.Equal("before", await window.Page.Locator("#timeline em").InnerTextAsync());
    }

    [Fact]
    public async Task A_short_reason_to_override_comes_back_in_sight_and_an_override_is_listed_once()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        await using var window = await chromium.Open(
            host.Api,
            host.Root,
            o => o.ViewportSize = new ViewportSize { Width = 390, Height = 844 }
        );
        await window.Go($"/requests/{request.Id}");
        await window.Page.Locator("#override > summary").ClickAsync();
        await window.Page.GetByLabel("Reason", new() { Exact = true }).FillAsync("Too short");
        await window.Press("Override policy and approve");
        await Assertions.Expect(window.Page.GetByLabel("Reason", new() { Exact = true })).ToBeFocusedAsync();
        await Assertions.Expect(window.Page.Locator("#override .error")).ToBeInViewportAsync();
        await window
            .Page.GetByLabel("Reason", new() { Exact = true })
            .FillAsync("The shop is down and nobody answers.");
        await window.Press("Override policy and approve");
        await window.Shows("overrode the policy and approved this request");
        await Assertions.Expect(window.Page.Locator("#timeline li", new() { HasText = "Root" })).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Comments_are_written_in_the_activity_and_what_is_typed_there_goes_along_with_a_decision()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(need: 2);
        await using var rita = await chromium.Open(host.Api, host.Rita);
        await rita.Go($"/requests/{request.Id}");
        await rita.Note("See `runbook.md`.");
        await rita.Press("Comment");
        await Assertions.Expect(rita.Page.Locator("#timeline code")).ToHaveTextAsync("runbook.md");

        await using var ann = await chromium.Open(host.Api, host.Ann);
        await ann.Go($"/requests/{request.Id}");
        await ann.Page.GetByLabel("Reply").FillAsync("Thank you.");
        await ann.Press("Comment");
        await Assertions.Expect(ann.Page.Locator("#timeline")).ToContainTextAsync("Thank you.");
        await ann.Page.GetByLabel("Reply").FillAsync("Fine then.");
        await ann.Press("Approve");
        await ann.Shows("You approved this");
        Assert.Equal("Fine then.", Assert.Single(await host.Hub.Decisions(request.Id)).Note);
    }

    [Fact]
    public async Task Before_and_after_stand_beside_each_other_where_there_is_room()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(change: s =>
            s with
            {
                Facts = """{"before":"{\"max\":100,\"zone\":\"a\"}","after":"{\"max\":500,\"zone\":\"a\"}"}""",
            }
        );
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go($"/requests/{request.Id}");
        var (gone, come) = (window.Page.Locator(".change del"), window.Page.Locator(".change ins"));
        Assert.Equal("-   \"max\": 100,", await gone.InnerTextAsync());
        Assert.Equal("+   \"max\": 500,", await come.InnerTextAsync());
        Assert.Equal((await gone.BoundingBoxAsync())!.Y, (await come.BoundingBoxAsync())!.Y);
        await window.Page.SetViewportSizeAsync(390, 844);
        Assert.True((await gone.BoundingBoxAsync())!.Y < (await come.BoundingBoxAsync())!.Y);
        Assert.False(await window.IsTooWide());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_mailed_decision_shows_what_the_page_shows_with_its_button_in_sight(bool onPhone)
    {
        await using var host = await PagesHost.Start();
        var request = await host.Hub.Ask(
            Some.Policy(Some.Step("SRE", 1, host.Sre.AsApprover)) with
            {
                AllowsMailDecisions = true,
            },
            s =>
                s.Saying("Raise the limit").AskedBy(host.Rita) with
                {
                    Message = "First\nsecond\n\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-max: 100\n+max: 500",
                    Facts = """{"environment":"production","form.risk":"high"}""",
                }
        );
        var link = host
            .Api.Services.GetRequiredService<MailLinks>()
            .Write(
                new MailLink.Decide(
                    1,
                    host.Ann.Id,
                    host.Hub.Clock.Now.AddDays(1),
                    request.Id,
                    request.Digest,
                    Answer.Reject
                )
            );
        await using var window = await chromium.Open(
            host.Api,
            options: o =>
                (o.ViewportSize, o.JavaScriptEnabled) = (
                    onPhone
                        ? new ViewportSize { Width = 390, Height = 844 }
                        : new ViewportSize { Width = 1280, Height = 800 },
                    false
                )
        );
        await window.Go("/mail/" + link);
        await Assertions.Expect(window.Page.Locator("h1")).ToContainTextAsync("Raise the limit");
        await Assertions.Expect(window.Page.Locator(".environment.critical")).ToBeInViewportAsync();
        await Assertions.Expect(Button(window, "Reject")).ToBeInViewportAsync();
        Assert.Equal("First\nsecond", await window.Page.Locator(".prose p").InnerTextAsync());
        Assert.Equal("+max: 500", (await window.Page.Locator(".diff ins").InnerTextAsync()).Trim());
        await window.Shows("high");
        Assert.False(await window.IsTooWide());

        await Button(window, "Reject").ClickAsync();
        var comment = window.Page.GetByLabel("Comment", new() { Exact = true });
        await Assertions.Expect(comment).ToBeFocusedAsync();
        await comment.FillAsync("   ");
        await Button(window, "Reject").ClickAsync();
        await window.Shows("Add a comment that says why you reject this request.");
        await Assertions.Expect(comment).ToBeFocusedAsync();
        await Assertions.Expect(window.Page.Locator(".field .error")).ToBeInViewportAsync();
        await comment.FillAsync("Not before the sale.");
        await Button(window, "Reject").ClickAsync();
        await window.Shows("You rejected this");
        await window.Page.ReloadAsync();
        await window.Shows("You rejected this");
        Assert.EndsWith(
            $"/requests/{request.Id}",
            await window.Page.GetByText("View request").GetAttributeAsync("href"),
            StringComparison.Ordinal
        );
        var decision = Assert.Single(await host.Hub.Decisions(request.Id));
        Assert.Equal(("Not before the sale.", "mail", host.Ann.Id), (decision.Note, decision.Via, decision.PersonId));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reviewer_delegates_in_three_clicks_and_takes_the_review_back(bool withScript)
    {
        await using var host = await PagesHost.Start();
        var cleo = await host.Hub.AddPerson("Cleo Colleague", Role.Agent);
        var request = await host.Ask();
        await using var ann = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = withScript);
        await ann.Go($"/requests/{request.Id}");
        await ann.Page.GetByText("Delegate my review").ClickAsync();
        // Those who review it already or made it are not offered.
        Assert.Equal(
            ["Cleo Colleague", "Root"],
            await ann.Page.Locator("#delegate-to option").AllInnerTextsAsync().Trimmed()
        );
        await ann.Page.GetByLabel("Delegate", new() { Exact = true }).SelectOptionAsync("Cleo Colleague");
        await ann.Press("Delegate");
        await ann.Shows("You delegated your review to Cleo Colleague.");
        await ann.Shows("delegated their review to Cleo Colleague");
        await Assertions.Expect(Button(ann, "Approve")).ToHaveCountAsync(0);

        await using var other = await chromium.Open(host.Api, cleo);
        await other.Go($"/requests/{request.Id}");
        await other.Shows("You're reviewing in place of Ann Approver.");
        await ann.Press("End delegation");
        await ann.Shows("ended the delegation to Cleo Colleague");
        await ann.Press("Approve");
        await ann.Shows("You approved this");
    }

    [Fact]
    public async Task An_admin_reassigns_what_its_assignee_decides_and_nothing_else()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Hub.Ask(
            Some.Policy(Some.Step(PolicySelection.Assignee, 1, host.Ann.AsApprover)) with
            {
                Name = PolicySelection.Assignee,
            },
            s => s.AskedBy(host.Rita) with { Assignee = host.Ann.AsApprover }
        );
        var byPolicy = await host.Ask();
        await using var root = await chromium.Open(host.Api, host.Root);
        await root.Go($"/requests/{byPolicy.Id}");
        await Assertions.Expect(root.Page.Locator("#reassign")).ToHaveCountAsync(0);
        await root.Go($"/requests/{request.Id}");
        await root.Page.Locator("#reassign > summary").ClickAsync();
        await root.Page.GetByLabel("New reviewer").SelectOptionAsync("Ben Approver");
        await root.Press("Reassign");
        await root.Shows("reassigned this request to Ben Approver");
        Assert.Equal(host.Ben.Id, (await host.Hub.Find(request.Id)).AssigneeUser);
        await Assertions.Expect(root.Page.Locator("#approvals .waiting")).ToContainTextAsync("Ben Approver");
    }

    [Fact]
    public async Task The_page_speaks_German_to_those_who_read_German()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(need: 2);
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.Locale = "de-DE");
        await window.Go($"/requests/{request.Id}");
        await window.Page.GetByLabel("Kommentar", new() { Exact = true }).FillAsync("Passt.");
        await window.Press("Genehmigen");
        await window.Shows("Sie haben dies genehmigt");
        await window.Shows("1 von 2 Genehmigungen, es fehlt: SRE");
        await window.Shows("hat genehmigt");
    }

    [Fact]
    public async Task Printed_it_is_dark_on_white_and_has_no_buttons()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.ColorScheme = ColorScheme.Dark);
        await window.Context.AddCookiesAsync([
            new Cookie
            {
                Name = "countersign-display",
                Value = "|dark|",
                Url = host.Api.Address.ToString(),
            },
        ]);
        await window.Go($"/requests/{request.Id}");
        await window.Page.EmulateMediaAsync(new() { Media = Media.Print });
        Assert.Equal(
            "light",
            await window.Page.EvaluateAsync<string>("() => getComputedStyle(document.documentElement).colorScheme")
        );
        await Assertions.Expect(Button(window, "Approve")).ToHaveCountAsync(0);
    }

    private static Task<ApprovalRequest> OfLaunchDarkly(PagesHost host) =>
        host.Ask(
            "They are counted twice since noon.",
            change: s => s with { SentBy = SentBy.LaunchDarkly, Facts = FromLaunchDarkly }
        );

    private static ILocator Button(Window window, string name) =>
        window.Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });
}
