using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>Mails as a browser shows them, which is what mail programs are.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserMailTests(Chromium chromium)
{
    [Theory]
    [InlineData(360), InlineData(600)]
    public async Task No_mail_needs_scrolling_sideways(int width)
    {
        await using var box = new MailBox();
        await using var host = await ApiHost.Start(
            Engine.Sqlite,
            ("PublicUrl", "http://approvals.example.test"),
            ("Outcomes:PerPerson", "2"),
            ("Email:Host", "127.0.0.1"),
            ("Email:Port", $"{box.Port}"),
            ("Email:Security", "none"),
            ("Email:From", "approvals@example.test")
        );
        var people = await host.Hub.AddPeople("Ann", "Rita");
        var endless = "A_name_without_a_single_place_to_break_" + new string('w', 100);
        for (var i = 0; i < 4; i++)
        {
            var request = await host.Hub.Ask(
                Some.Policy(people[0].AsApprover) with
                {
                    AllowsMailDecisions = true,
                },
                s =>
                    s.AskedBy(people[1]) with
                    {
                        Subject = endless,
                        Message = endless,
                        Facts = $$"""{"{{endless}}":"{{endless}}"}""",
                    }
            );
            await host.Hub.Comment.Run(request.Id, Some.Viewer(people[0]), endless, default);
        }
        // Taken down as well: to a clock that jumps, what is heard of or marked a moment later is minutes late.
        await Eventually.True(
            async () => await host.Hub.Place.IsFollowed() && await Delivered() == 4,
            "two for each of them, and the rest kept for later"
        );
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(2));
        await Eventually.True(async () => await Delivered() == 6, "and one that tells of the rest");
        Assert.Equal(6, box.Mails.Count);
        await using var window = await chromium.Open(
            host,
            options: o => o.ViewportSize = new ViewportSize { Width = width, Height = 800 }
        );
        foreach (var mail in box.Mails)
        {
            await window.Page.SetContentAsync(mail.Html);
            Assert.False(await window.IsTooWide(), mail.Html);
        }

        ValueTask<long> Delivered() =>
            host.Hub.Place.Number("SELECT count(*) FROM deliveries WHERE state = 'delivered'");
    }
}
