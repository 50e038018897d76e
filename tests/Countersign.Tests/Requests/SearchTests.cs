using System.Globalization;
using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Countersign.Work;
using Xunit;

namespace Countersign.Tests;

/// <summary>A request is found by what people know it by: keys, numbers and values of its details.</summary>
public sealed class SearchTests
{
    private const string OfFlag = """
        {"project":"shop","environment":"production","flag":"loyalty-points","flag.name":"Loyalty Points",
         "requester.email":"rita@shop.example","form.ticket":"OPS-1234","form.budget":47110,"flag.tags":["billing"],
         "link":"https://ld.example/flags/loyalty-points","timestamp":"2026-01-01T10:00:00.000Z","odd":"a\u0000b"}
        """;

    [Theory, BothEngines]
    public async Task It_is_found_by_any_key_number_or_name_in_its_details_its_ticket_and_its_external_id(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var admin = Some.Viewer(await hub.AddPerson("Ada", Role.Admin));
        var terms = new TicketTerms(MayBeUnknown: true, OneRequest: false);
        var wanted = await hub.Ask(
            ByAdmin,
            s =>
                s.Saying("Turn off the points") with
                {
                    Facts = OfFlag,
                    ExternalId = "65F1-ab",
                    TicketId = 4711,
                    TicketTerms = terms,
                }
        );
        await hub.Ask(ByAdmin, s => s.Saying("Something else"));

        foreach (
            var text in new[]
            {
                "loyalty-points",
                "LOYALTY",
                "ops-1234",
                "#4711",
                "47110",
                "65f1",
                "billing",
                "rita@shop.example",
                "production loyalty",
                "points turn",
                "Loyalty Points rita",
                "\"shop\", (production)",
            }
        )
        {
            Assert.Equal($"{text}: {wanted.Id}", $"{text}: {string.Join(' ', await Found(hub, admin, text))}");
        }
        foreach (var text in new[] { "loyalty staging", "2026-01-01t10", "zz\0zz", "%", "loyalty-points-2", "--" })
            Assert.Equal($"{text}: ", $"{text}: {string.Join(' ', await Found(hub, admin, text))}");
    }

    [Theory, BothEngines]
    public async Task What_is_older_than_a_page_looks_at_is_found_by_its_keys_with_and_without_other_filters(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var (ada, ben) = (await hub.AddPerson("Ada", Role.Admin), await hub.AddPerson("Ben"));
        var group = await hub.AddGroup("SRE", ben);
        var bySre = Some.Policy(new Approver(Party.Group(group.Id), "SRE"));
        var old = new List<RequestId>();
        for (var i = 0; i < 3; i++)
            old.Insert(0, (await hub.Ask(bySre, s => s.Saying($"Points {i}") with { Facts = OfFlag })).Id);
        var hidden = await hub.Ask(ByAdmin, s => s with { Facts = OfFlag });
        await Task.WhenAll(
            Enumerable.Range(0, 2_050).Select(i => hub.Ask(bySre, s => s.Saying($"Number {i}") with { Facts = "{}" }))
        );

        foreach (
            var filter in new[]
            {
                new Filter(),
                new Filter { Statuses = [Status.Active] },
                new Filter { TakesPart = true },
                new Filter { WaitingForMe = true },
                new Filter { Sources = [TestHub.ApiSource] },
                new Filter { AskedGroups = [group.Id] },
            }
        )
        {
            Assert.Equal(old, await Found(hub, Some.Viewer(ben), "loyalty-points", filter));
            Assert.Equal(old, await Found(hub, Some.Viewer(ben), "loyal production", filter));
        }
        Assert.Equal([hidden.Id, .. old], await Found(hub, Some.Viewer(ada), "loyalty-points"));
        Assert.Equal(
            [hidden.Id],
            await Found(hub, Some.Viewer(ada), "loyalty-points", new Filter { WaitingForMe = true })
        );
        Assert.Empty(await Found(hub, Some.Viewer(ada), "loyalty-points", new Filter { Statuses = [Status.Rejected] }));
        Assert.Empty(await Found(hub, Some.Viewer(ada), "loyalty-points", new Filter { AskedByMe = true }));

        // All of it in pages of two, there and back.
        var list = new RequestList(hub.Store, new RequestSummaries(hub.Store));
        var search = new Filter { Text = "loyalty-points" };
        var first = await list.Run(Some.Viewer(ada), search, 2, null, default);
        var second = await list.Run(Some.Viewer(ada), search, 2, first.Older, default);
        var back = await list.Run(Some.Viewer(ada), search, 2, second.Newer, default);
        Assert.Equal([hidden.Id, old[0]], Ids(first));
        Assert.Equal([old[1], old[2]], Ids(second));
        Assert.Equal([hidden.Id, old[0]], Ids(back));
        Assert.Null((await list.Run(Some.Viewer(ada), search, 5, null, default)).Older);
    }

    [Theory, BothEngines]
    public async Task A_search_tells_nobody_whether_requests_that_they_may_not_see_have_a_word(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ben = await hub.AddPerson("Ben");
        var mine = await hub.Ask(ByAdmin, s => s.AskedBy(ben).Saying("On unloyalty-pointsman"));
        var without = await Run(hub, Some.Viewer(ben), "loyalty-points");

        await Task.WhenAll(Enumerable.Range(0, 2_050).Select(_ => hub.Ask(ByAdmin, s => s with { Facts = OfFlag })));

        Assert.Equal([mine.Id], Ids(without));
        var with = await Run(hub, Some.Viewer(ben), "loyalty-points");
        Assert.Equal(Ids(without), Ids(with));
        Assert.Equal(without.Older, with.Older);
    }

    [Theory, BothEngines]
    public async Task A_whole_key_is_found_where_too_many_begin_with_it(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var admin = Some.Viewer(await hub.AddPerson("Ada", Role.Admin));
        var wanted = await hub.Ask(ByAdmin, s => s with { Facts = """{"case":"77"}""" });
        for (var i = 0; i < 60; i++)
        {
            var facts = string.Create(CultureInfo.InvariantCulture, $$"""{"case":"77{{i:00}}"}""");
            await hub.Ask(ByAdmin, s => s with { Facts = facts });
        }

        Assert.Equal([wanted.Id], await Found(hub, admin, "77"));
        Assert.Equal(10, (await Found(hub, admin, "771")).Count);
    }

    [Theory, BothEngines]
    public async Task A_revised_request_is_found_by_its_current_content(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var admin = Some.Viewer(await hub.AddPerson("Ada", Role.Admin));
        var asked = await hub.Ask(ByAdmin, s => s with { ExternalId = "X-1", Facts = OfFlag });
        var revised = Some.Submission(ByAdmin).Saying("Turn off the banner") with
        {
            ExternalId = "X-1",
            Facts = """{"flag":"summer-banner","project":"shop"}""",
        };
        Assert.IsType<SubmitOutcome.Revised>(await hub.Submit.Run(revised, Some.Origin, null, default));

        foreach (var text in new[] { "summer-banner", "shop", "x-1", "banner" })
            Assert.Equal([asked.Id], await Found(hub, admin, text));
        foreach (var text in new[] { "loyalty-points", "dark" })
            Assert.Empty(await Found(hub, admin, text));
    }

    [Theory, BothEngines]
    public async Task However_much_a_request_says_its_terms_are_few_and_short(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var admin = Some.Viewer(await hub.AddPerson("Ada", Role.Admin));
        var facts = System.Text.Json.JsonSerializer.Serialize(
            Enumerable.Range(0, 100).ToDictionary(i => $"f{i}", i => $"value-{i}" + new string('x', 300 * (i % 2)))
        );
        var asked = await hub.Ask(
            ByAdmin,
            s => s.Saying(string.Join(' ', Enumerable.Range(0, 100).Select(i => $"word{i}"))) with { Facts = facts }
        );

        Assert.Equal(RequestTerms.MaxTerms, await hub.Place.Count("request_terms"));
        Assert.Equal(0, await hub.Place.Number("SELECT count(*) FROM request_terms WHERE length(term) > 64"));
        Assert.Equal([asked.Id], await Found(hub, admin, "value-2"));
    }

    [Theory, BothEngines]
    public async Task Requests_from_before_are_indexed_by_a_job_in_parts_and_by_a_second_run_once_more(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var admin = Some.Viewer(await hub.AddPerson("Ada", Role.Admin));
        var oldest = await hub.Ask(ByAdmin, s => s with { Facts = OfFlag });
        await Task.WhenAll(Enumerable.Range(0, 250).Select(_ => hub.Ask(ByAdmin)));
        var rows = await hub.Place.Everything("request_terms");
        await hub.Place.Tamper("DELETE FROM request_terms");
        var work = new JobWorker(
            hub.Store,
            [new IndexTerms(hub.Store)],
            Microsoft.Extensions.Logging.Abstractions.NullLogger<JobWorker>.Instance
        );

        for (var i = 0; i < 2; i++)
        {
            await hub.Store.InTransaction(
                async tx => await Jobs.Put(tx, new JobToAdd("index_terms", "all", JobToAdd.OfHub, tx.Now)),
                default
            );
            await work.Drain(default);
            Assert.Equal(rows, await hub.Place.Everything("request_terms"));
        }

        Assert.Equal([oldest.Id], await Found(hub, admin, "loyalty-points"));
        Assert.Equal(0, await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'index_terms'"));
        Assert.Equal(0, await hub.Place.Number("SELECT count(*) FROM hub WHERE name LIKE 'terms%'"));
    }

    private static Policy ByAdmin => Some.Policy(new Approver(Party.Admins, "an admin"));

    private static async Task<List<RequestId>> Found(TestHub hub, Viewer viewer, string text, Filter? filter = null) =>
        Ids(await Run(hub, viewer, text, filter));

    private static async Task<Page> Run(TestHub hub, Viewer viewer, string text, Filter? filter = null) =>
        await new RequestList(hub.Store, new RequestSummaries(hub.Store)).Run(
            viewer,
            (filter ?? new Filter()) with
            {
                Text = text,
            },
            50,
            null,
            default
        );

    private static List<RequestId> Ids(Page page) => [.. page.Requests.Select(request => request.Id)];
}
