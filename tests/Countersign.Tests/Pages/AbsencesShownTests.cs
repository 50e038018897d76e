using System.Text.RegularExpressions;
using Countersign.Audit;
using Countersign.People;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// A request's page says when those who are asked are away, before they leave, meanwhile and afterwards.
/// </summary>
public sealed partial class AbsencesShownTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Theory, BothEngines]
    public async Task The_time_line_tells_what_was_known_when_it_was_asked_and_what_happened_until_it_was_settled(
        Engine engine
    )
    {
        await using var host = await PagesHost.Start(engine);
        using var rita = await host.Api.SignIn(host.Rita);
        var absences = host.Api.Services.GetRequiredService<Absences>();
        var cleo = await host.Hub.AddPerson("Cleo Colleague", Role.Agent);
        var start = host.Hub.Clock.Now;
        async Task Leaves(Person person, int from, int to, Person? standIn = null) =>
            Some.Done(
                await absences.Set(
                    person.Email!,
                    start + (from * Day),
                    start + (to * Day),
                    standIn?.Email,
                    Some.Operator,
                    default
                )
            );

        // Over before it was asked, so no news; and announced before.
        await Leaves(host.Ben, 0, 9);
        await absences.Cancel(host.Ben.Email!, Some.Operator, default);
        await Leaves(host.Ann, 1, 3, cleo);
        await Wait(TimeSpan.FromHours(1));
        var request = await host.Ask(need: 2);
        Assert.Equal(
            [
                "Ann Approver will be out of office from until · Delegate: Cleo Colleague",
                "Countersign opened this request",
            ],
            await Told()
        );
        Assert.Equal("Ann Approver Waiting, Ben Approver Waiting", await Awaited());

        await Wait(Day);
        Assert.Equal(
            [
                "Ann Approver will be out of office from until · Delegate: Cleo Colleague",
                "Countersign opened this request",
                "Ann Approver is out of office until · Delegate: Cleo Colleague",
            ],
            await Told()
        );
        Assert.Equal(
            "Ann Approver Out of office until Delegate: Cleo Colleague, Ben Approver Waiting",
            await Awaited()
        );

        // Whoever is not asked is nobody's news, nor is the one who asks.
        await Leaves(cleo, 1, 9);
        await Leaves(host.Rita, 1, 9);
        await Leaves(host.Ben, 4, 5);
        await absences.Cancel(host.Ben.Email!, Some.Operator, default);
        await Wait(2 * Day);
        await host.Hub.Approve(request, host.Ben);
        await host.Hub.Approve(request, host.Ann);
        await Wait(TimeSpan.FromMinutes(1));
        await Leaves(host.Ann, 5, 6);
        Assert.Equal(
            [
                "Ann Approver will be out of office from until · Delegate: Cleo Colleague",
                "Countersign opened this request",
                "Ann Approver is out of office until · Delegate: Cleo Colleague",
                "Ben Approver will be out of office from until · No delegate",
                "Ben Approver canceled their absence",
                "Ann Approver is back",
                "Ben Approver approved",
                "Ann Approver approved Request approved",
            ],
            await Told()
        );

        async Task Wait(TimeSpan time)
        {
            host.Hub.Clock.Advance(time);
            // The host's own worker does it.
            await Eventually.True(
                async () =>
                    await host.Hub.Place.Number(
                        "SELECT count(*) FROM jobs WHERE kind LIKE '%absence' AND due_at <= @now",
                        new { now = host.Hub.Clock.Now }
                    ) == 0,
                "absences begin and end"
            );
            await host.Api.Noticed();
        }

        async Task<string> Page() => (await rita.Get($"/requests/{request.Id}")).Text;

        async Task<string> Awaited() =>
            string.Join(
                ", ",
                (await Page()).Split("id=\"approvals\"")[1].Split("</ul>")[0].Split("<li ").Skip(1).Select(Plain)
            );

        async Task<List<string>> Told() =>
            [
                .. (await Page())
                    .Split("id=\"timeline\"")[1]
                    .Split("</ol>")[0]
                    .Split("<li ")
                    .Skip(1)
                    .Select(Plain)
                    // Whether it can still pass is looked at beside that.
                    .Where(line => !line.StartsWith("Countersign found", StringComparison.Ordinal)),
            ];

        // Without the times and what else stands small.
        static string Plain(string item) =>
            string.Join(
                ' ',
                Markup().Replace("<li " + item, " ").Split(" \n".ToCharArray(), StringSplitOptions.RemoveEmptyEntries)
            );
    }

    [GeneratedRegex(
        """<span class="(muted|avatar)".*?</span>|(from |until )?<time.*?</time>|<[^>]*>""",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        1_000
    )]
    private static partial Regex Markup();
}
