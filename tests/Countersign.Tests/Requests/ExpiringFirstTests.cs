using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

/// <summary>Lists with those first that expire soonest, held beside all requests sorted in memory.</summary>
public sealed class ExpiringFirstTests
{
    private const int Requests = 60;

    [Theory, BothEngines]
    public async Task Every_list_has_those_first_that_expire_soonest_and_finds_its_way_on_and_back(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ann, ben, boss, cleo, dan) = (
            await hub.AddPerson("Ann", Role.Agent),
            await hub.AddPerson("Ben", Role.Agent),
            await hub.AddPerson("Boss", Role.Admin),
            await hub.AddPerson("Cleo", Role.Agent),
            await hub.AddPerson("Dan", Role.Agent)
        );
        var (one, two) = (await hub.AddGroup("One", ann), await hub.AddGroup("Two", ann, ben));
        var random = new Random(20);
        for (var n = 0; n < Requests; n++)
        {
            var policy = Some.Policy(
                random.Next(3) switch
                {
                    0 => one.AsApprover,
                    1 => two.AsApprover,
                    _ => boss.AsApprover,
                }
            );
            // Some expire at the very same time.
            var asked = await hub.Ask(
                random.Next(3) == 0
                    ? policy
                    : policy with
                    {
                        Expire = new Expiry(TimeSpan.FromHours(1 + random.Next(9))),
                    },
                s =>
                    s.Saying($"Number {n}") with
                    {
                        Facts = n % 2 == 0 ? """{"environment":"production"}""" : """{"flag":"loyalty-points"}""",
                    }
            );
            if (n % 7 == 0)
            {
                var person =
                    asked.Policy.Steps[0].From[0].Party == Party.Group(one.Id) ? ann
                    : asked.Policy.Steps[0].From[0].Party == Party.Group(two.Id) ? ben
                    : boss;
                await hub.Approve(asked, person);
            }
            else if (n % 5 == 0 && asked.Policy.Steps[0].From[0].Party == Party.Group(two.Id))
            {
                await new DelegateSeat(hub.Store).Run(asked.Id, Some.Viewer(ann), cleo.Id, default);
            }
            if (n % 10 == 0)
                hub.Clock.Advance(TimeSpan.FromSeconds(1));
        }
        await new Absences(hub.Store).Set(
            ben.Email!,
            hub.Clock.Now,
            hub.Clock.Now.AddHours(2),
            dan.Email,
            Some.Operator,
            default
        );

        foreach (var person in new[] { ann, ben, boss, cleo, dan })
        {
            foreach (
                var filter in new[]
                {
                    new Filter(),
                    new Filter { WaitingForMe = true },
                    new Filter { TakesPart = true },
                    new Filter { Statuses = [Status.Active] },
                    new Filter { Statuses = [Status.Approved] },
                    new Filter { AskedGroups = [two.Id] },
                    new Filter { Sources = [TestHub.ApiSource], Statuses = [Status.Active, Status.Approved] },
                    new Filter { Place = "production" },
                    new Filter { Text = "loyalty" },
                    new Filter { WaitingForMe = true, Text = "Number 1" },
                }
            )
            {
                await Holds(hub, Some.Viewer(person), filter);
            }
        }
    }

    [Theory, BothEngines]
    public async Task A_new_revision_takes_its_place_by_when_it_expires_now(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann", Role.Agent);
        var first = await hub.Ask(Expiring(ann, hours: 2));
        var second = await hub.Ask(Expiring(ann, hours: 3));
        var filter = new Filter { WaitingForMe = true, ExpiringFirst = true };
        Assert.Equal([first.Id, second.Id], await Ids());

        await hub.Submit.Run(
            Some.Submission(Expiring(ann, hours: 9)).Saying("Later") with
            {
                ExternalId = first.ExternalId,
            },
            Some.Origin,
            null,
            default
        );
        Assert.Equal(2, (await hub.Find(first.Id)).Revision);
        Assert.Equal([second.Id, first.Id], await Ids());

        async Task<IEnumerable<RequestId>> Ids() =>
            (await Walk(hub, Some.Viewer(ann), filter, RequestList.MaxPage)).Select(r => r.Id);
    }

    private static Policy Expiring(Person approver, int hours) =>
        Some.Policy(approver.AsApprover) with
        {
            Expire = new Expiry(TimeSpan.FromHours(hours)),
        };

    private static async Task Holds(TestHub hub, Viewer viewer, Filter filter)
    {
        var all = await Walk(hub, viewer, filter, size: RequestList.MaxPage);
        var expected = all.Where(Expires).OrderBy(r => r.ExpiresAt).ThenBy(r => r.Id.Value, StringComparer.Ordinal);
        var others = all.Where(r => !Expires(r)).OrderBy(r => r.Id.Value, StringComparer.Ordinal);
        RequestId[] wanted =
        [
            .. expected.Select(r => r.Id),
            .. (filter.WaitingForMe ? others : others.Reverse()).Select(r => r.Id),
        ];
        var byExpiry = filter with { ExpiringFirst = true };

        Assert.Equal(wanted, (await Walk(hub, viewer, byExpiry, size: 7)).Select(r => r.Id));
        Assert.Equal(wanted, (await Walk(hub, viewer, byExpiry, RequestList.MaxPage)).Select(r => r.Id));

        // Back from the end, page by page.
        if (wanted.Length == 0)
            return;
        var lists = Lists(hub);
        var page = await lists.Run(viewer, byExpiry, 7, null, default);
        while (page.Older is { } on)
            page = await lists.Run(viewer, byExpiry, 7, on, default);
        List<RequestId> back = [.. page.Requests.Select(r => r.Id)];
        while (page.Newer is { } before)
        {
            page = await lists.Run(viewer, byExpiry, 7, before, default);
            back.InsertRange(0, page.Requests.Select(r => r.Id));
        }
        Assert.Equal(wanted, back);
    }

    private static bool Expires(ApprovalRequest request) => !request.IsSettled && request.ExpiresAt is not null;

    private static async Task<List<ApprovalRequest>> Walk(TestHub hub, Viewer viewer, Filter filter, int size)
    {
        var (found, at, lists) = (new List<ApprovalRequest>(), (Position?)null, Lists(hub));
        do
        {
            var page = await lists.Run(viewer, filter, size, at, default);
            Assert.True(page.Requests.Count <= size);
            found.AddRange(page.Requests);
            at = page.Older;
        } while (at is not null);
        return found;
    }

    private static RequestList Lists(TestHub hub) => new(hub.Store, new RequestSummaries(hub.Store));
}
