using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.Api;

/// <summary>Over HTTP: reviews are given to another person, and requests to another assignee.</summary>
public sealed class DelegationApiTests
{
    private const string Requests = "/api/v1/requests";

    [Theory, BothEngines]
    public async Task A_reviewer_gives_their_review_to_another_person_and_takes_it_back_until_it_was_used(Engine engine)
    {
        await using var town = await Town.Start(engine);
        var path = $"{Requests}/{await town.Ask(town.Policy, null)}";
        using var ann = await town.As(town.Ann);
        using var ben = await town.As(town.Ben);
        using var dan = await town.As(town.Dan);

        Assert.Equal(404, (await dan.Post($"{path}/delegation", new { to = town.Ben.Email })).Status);
        foreach (var to in new[] { "nobody@example.test", town.Cleo.Email, town.Eve.Email, town.Ann.Email })
        {
            var refused = await ann.Post($"{path}/delegation", new { to });
            Assert.Equal((422, "to"), (refused.Status, Assert.Single(refused.Wrong)));
        }
        Assert.Equal(["to"], (await ann.Post($"{path}/delegation", new { })).Wrong);
        var given = await ann.Post($"{path}/delegation", new { to = town.Ben.Email });
        Assert.Equal(
            (200, "Ann", "Ben"),
            (
                given.Status,
                given.Json["delegations"]![0]!["from"]!["name"]!.ToString(),
                given.Json["delegations"]![0]!["to"]!["name"]!.ToString()
            )
        );
        Assert.Equal(200, (await ann.Post($"{path}/delegation", new { to = town.Ben.Email })).Status);
        await Forbidden("already_delegated", ann.Post($"{path}/delegation", new { to = town.Dan.Email }));
        await Forbidden("seat_delegated", ann.Post($"{path}/decisions", new { answer = "approve" }));
        await Forbidden("not_your_seat", ben.Post($"{path}/delegation", new { to = town.Dan.Email }));
        Assert.Single((await ben.Get($"{Requests}?waiting=me")).Json["requests"]!.AsArray());
        Assert.Empty((await ann.Get($"{Requests}?waiting=me")).Json["requests"]!.AsArray());

        var ended = await ann.Delete($"{path}/delegation");
        Assert.Equal((200, null), (ended.Status, ended.Json["delegations"]));
        Assert.Equal((409, "not_delegated"), Said(await ann.Delete($"{path}/delegation")));
        Assert.Equal(404, (await ben.Get(path)).Status);

        await ann.Post($"{path}/delegation", new { to = town.Ben.Email });
        Assert.Equal(200, (await ben.Post($"{path}/decisions", new { answer = "approve" })).Status);
        Assert.Equal((409, "delegation_used"), Said(await ann.Delete($"{path}/delegation")));
        using var cleo = await town.As(town.Cleo);
        Assert.Equal("approved", (await cleo.Post($"{path}/decisions", new { answer = "approve" }))["status"]);
        Assert.Equal(
            (409, "already_settled"),
            Said(await ann.Post($"{path}/delegation", new { to = "Ben@example.test" }))
        );
        Assert.Equal((409, "already_settled"), Said(await ann.Delete($"{path}/delegation")));
    }

    [Theory, BothEngines]
    public async Task An_admin_gives_a_request_that_its_assignee_decides_to_another_one(Engine engine)
    {
        await using var town = await Town.Start(engine);
        var path = $"{Requests}/{await town.Ask(town.Assigned, new { person = town.Ann.Email })}";
        using var ann = await town.As(town.Ann);
        using var ben = await town.As(town.Ben);
        using var boss = await town.As(town.Boss);

        await Forbidden("admins_only", ann.Post($"{path}/assignee", new { person = town.Ben.Email }));
        Assert.Equal(404, (await ben.Post($"{path}/assignee", new { person = town.Ben.Email })).Status);
        foreach (var person in new[] { "nobody@example.test", town.Eve.Email })
            Assert.Equal(["person"], (await boss.Post($"{path}/assignee", new { person })).Wrong);
        Assert.Equal(["group"], (await boss.Post($"{path}/assignee", new { group = "Nobody" })).Wrong);

        var given = await boss.Post($"{path}/assignee", new { person = town.Ben.Email });
        Assert.Equal((200, "Ben"), (given.Status, given.Json["assignee"]!["name"]!.ToString()));
        Assert.Equal(200, (await ben.Get(path)).Status);
        Assert.Single((await ben.Get($"{Requests}?waiting=me")).Json["requests"]!.AsArray());
        Assert.Empty((await ann.Get($"{Requests}?waiting=me")).Json["requests"]!.AsArray());
        await Forbidden("not_an_approver", ann.Post($"{path}/decisions", new { answer = "approve" }));

        var toGroup = await boss.Post($"{path}/assignee", new { group = "sre" });
        Assert.Equal((200, "SRE"), (toGroup.Status, toGroup.Json["assignee"]!["name"]!.ToString()));
        Assert.Equal("approved", (await ann.Post($"{path}/decisions", new { answer = "approve" }))["status"]);
        var late = await boss.Post($"{path}/assignee", new { person = town.Ben.Email });
        Assert.Equal((409, "already_settled"), Said(late));
        Assert.Equal("approved", late.Json["request"]!["status"]!.ToString());

        var byGroup = $"{Requests}/{await town.Ask(town.Policy, null)}";
        Assert.Equal(
            (409, "not_by_assignee"),
            Said(await boss.Post($"{byGroup}/assignee", new { person = town.Ben.Email }))
        );
    }

    private static async Task Forbidden(string rule, Task<ApiAnswer> call)
    {
        var refused = await call;
        Assert.Equal((403, rule), (refused.Status, refused["rule"]));
    }

    private static (int, string?) Said(ApiAnswer answer) => (answer.Status, answer.Code);

    /// <summary>Ann and Cleo decide, two of two; Ben and Dan could for them; Eve could not.</summary>
    private sealed class Town : IAsyncDisposable
    {
        public required ApiHost Host { get; init; }
        public required Person Ann { get; init; }
        public required Person Ben { get; init; }
        public required Person Cleo { get; init; }
        public required Person Dan { get; init; }
        public required Person Eve { get; init; }
        public required Person Boss { get; init; }

        /// <summary>A source whose requests a group decides, and one whose requests name who does.</summary>
        public required NewSourceKey Policy { get; init; }
        public required NewSourceKey Assigned { get; init; }

        public static async Task<Town> Start(Engine engine)
        {
            var host = await ApiHost.Start(engine);
            var hub = host.Hub;
            var (ann, cleo) = (await hub.AddPerson("Ann", Role.Agent), await hub.AddPerson("Cleo", Role.Agent));
            var group = await hub.AddGroup("SRE", ann, cleo);
            return new Town
            {
                Host = host,
                Ann = ann,
                Cleo = cleo,
                Ben = await hub.AddPerson("Ben", Role.Agent),
                Dan = await hub.AddPerson("Dan", Role.Agent),
                Eve = await hub.AddPerson("Eve"),
                Boss = await hub.AddPerson("Boss", Role.Admin),
                Policy = await hub.AddSource("pipeline", group, need: 2),
                Assigned = await hub.AddSource("forms"),
            };
        }

        public async Task<ApiClient> As(Person person)
        {
            var client = await Host.Person(person);
            await Host.Noticed();
            return client;
        }

        public async Task<string> Ask(NewSourceKey source, object? assignee)
        {
            await Host.Noticed();
            using var client = Host.Source(source);
            return (await client.Post(Requests, new { subject = "Open port 443", assignee }))["id"]!;
        }

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }
}
