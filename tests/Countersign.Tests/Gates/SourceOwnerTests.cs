using System.Net.Http.Headers;
using Countersign.Audit;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>Agents and pipelines have an owner, who never decides what they ask.</summary>
public sealed class SourceOwnerTests
{
    private const string Requests = "/api/v1/requests";

    [Theory, BothEngines]
    public async Task An_agent_or_a_pipeline_has_an_active_owner_from_the_first_moment_on(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var olga = await hub.AddPerson("Olga", Role.Admin);
        var gone = await hub.AddPerson("Gone");
        await hub.Disable(gone);
        foreach (var kind in new[] { "agent", "pipeline" })
        {
            foreach (var owner in new[] { null, "", " ", "nobody@example.test", gone.Email })
            {
                Assert.Equal(
                    "owner",
                    Assert
                        .IsType<AccessOutcome<NewSourceKey>.Invalid>(
                            await hub.Sources.Add(kind, kind, null, null, Some.Operator, default, owner: owner)
                        )
                        .Field
                );
            }
            Some.Done(await hub.Sources.Add(kind, kind, null, null, Some.Operator, default, owner: olga.Email));
            foreach (var owner in new[] { "", gone.Email })
            {
                Assert.Equal(
                    "owner",
                    Assert
                        .IsType<AccessOutcome<long>.Invalid>(
                            await hub.Sources.Set(kind, new SourceRequesterRules(Owner: owner), Some.Operator, default)
                        )
                        .Field
                );
            }
        }
        Assert.Equal(
            "kind",
            Assert
                .IsType<AccessOutcome<NewSourceKey>.Invalid>(
                    await hub.Sources.Add("x", "robot", null, null, Some.Operator, default)
                )
                .Field
        );
    }

    [Theory, BothEngines]
    public async Task The_owner_sees_and_hears_of_no_request_to_review_and_cannot_decide_one(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (olga, ada) = (await host.Hub.AddPerson("Olga", Role.Admin), await host.Hub.AddPerson("Ada", Role.Admin));
        var agent = Some.Done(
            await host.Hub.Sources.Add("bot", "agent", null, null, Some.Operator, default, owner: olga.Email)
        );
        await host.Noticed();
        using var bot = host.Source(agent);
        using var owner = await host.Person(olga);
        using var admin = await host.Person(ada);
        var asked = await bot.Post(Requests, new { subject = "Drop the index" });
        Assert.Equal((201, "proven"), (asked.Status, asked["requesterCertainty"]));
        var path = $"{Requests}/{asked["id"]}";

        var refused = await owner.Post($"{path}/decisions", new { answer = "approve" });
        Assert.Equal((403, "requester_may_not_decide"), (refused.Status, refused["rule"]));
        Assert.Empty((await owner.Get($"{Requests}?waiting=me")).Json["requests"]!.AsArray());
        Assert.Single((await admin.Get($"{Requests}?waiting=me")).Json["requests"]!.AsArray());
        var browser = await host.SignIn(olga);
        var page = await browser.Get($"/requests/{asked["id"]}");
        Assert.DoesNotContain("value=\"approve\"", page.Text, StringComparison.Ordinal);

        Assert.Equal("approved", (await admin.Post($"{path}/decisions", new { answer = "approve" }))["status"]);
    }

    [Theory, BothEngines]
    public async Task A_policy_that_lets_requesters_approve_does_not_let_the_owner(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var olga = await host.Hub.AddPerson("Olga", Role.Admin);
        var ben = await host.Hub.AddPerson("Ben", Role.Agent);
        using var owner = await host.Person(olga);
        await host.Noticed();
        Assert.Equal(
            200,
            (
                await owner.Put(
                    "/api/v1/policies",
                    new
                    {
                        text = """
                        version: 1
                        policies:
                          - name: small
                            self_approval: allow
                            steps: [ { name: team, from: { people: [Olga@example.test, Ben@example.test] } } ]
                        """,
                    }
                )
            ).Status
        );
        var pipeline = Some.Done(
            await host.Hub.Sources.Add("ci", "pipeline", null, null, Some.Operator, default, owner: olga.Email)
        );
        await host.Noticed();
        using var ci = host.Source(pipeline);
        using var other = await host.Person(ben);
        var asked = await ci.Post(Requests, new { subject = "Deploy", requester = new { email = ben.Email } });
        var path = $"{Requests}/{asked["id"]}";
        foreach (var barred in new[] { owner, other })
        {
            var refused = await barred.Post($"{path}/decisions", new { answer = "approve" });
            Assert.Equal((403, "requester_may_not_decide"), (refused.Status, refused["rule"]));
        }
        Assert.Equal("active", (await ci.Get(path))["status"]);
    }

    [Theory, BothEngines]
    public async Task Without_an_active_owner_the_requester_counts_as_unknown(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (olga, ada, bea) = (
            await host.Hub.AddPerson("Olga"),
            await host.Hub.AddPerson("Ada", Role.Admin),
            await host.Hub.AddPerson("Bea", Role.Admin)
        );
        var agent = Some.Done(
            await host.Hub.Sources.Add("bot", "agent", null, null, Some.Operator, default, owner: olga.Email)
        );
        await host.Hub.Disable(olga);
        await host.Noticed();
        using var bot = host.Source(agent);
        using var ann = await host.Person(ada);
        using var ben = await host.Person(bea);
        foreach (var requester in new object?[] { null, new { email = "Olga@example.test" } })
        {
            var asked = await bot.Post(Requests, new { subject = $"Drop {requester}", requester });
            Assert.Equal((201, "none"), (asked.Status, asked["requesterCertainty"]));
            var path = $"{Requests}/{asked["id"]}";
            Assert.Equal("active", (await ann.Post($"{path}/decisions", new { answer = "approve" }))["status"]);
            Assert.Equal("approved", (await ben.Post($"{path}/decisions", new { answer = "approve" }))["status"]);
        }
        // Erased is disabled, too, and the hub's own proof at the end of this test finds no fault with it.
        await new ErasePerson(
            host.Hub.Store,
            host.Services.GetRequiredService<SealKey>(),
            host.Hub.Reweigh,
            host.Hub.Withdraw
        ).Run(olga.Email!, Some.Operator, default);
        await host.Noticed();
        Assert.Equal("none", (await bot.Post(Requests, new { subject = "Once more" }))["requesterCertainty"]);
        var shown = await (await host.SignIn(ada)).Get($"/sources/{agent.Id}");
        Assert.Contains("The owner of this source is disabled", shown.Text, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Who_becomes_the_owner_later_decides_nothing_that_was_asked_before(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (olga, ada, bea) = (
            await host.Hub.AddPerson("Olga"),
            await host.Hub.AddPerson("Ada", Role.Admin),
            await host.Hub.AddPerson("Bea", Role.Admin)
        );
        var agent = Some.Done(
            await host.Hub.Sources.Add("bot", "agent", null, null, Some.Operator, default, owner: olga.Email)
        );
        await host.Noticed();
        using var bot = host.Source(agent);
        using var next = await host.Person(ada);
        using var other = await host.Person(bea);
        var path = $"{Requests}/{(await bot.Post(Requests, new { subject = "Drop the index" }))["id"]}";
        Some.Done(
            await host.Hub.Sources.Set("bot", new SourceRequesterRules(Owner: ada.Email), Some.Operator, default)
        );
        Assert.Equal(403, (await next.Post($"{path}/decisions", new { answer = "approve" })).Status);
        Assert.Equal("approved", (await other.Post($"{path}/decisions", new { answer = "approve" }))["status"]);
    }

    [Fact]
    public async Task An_agent_is_not_LaunchDarkly_and_learns_no_names_there()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var olga = await host.Hub.AddPerson("Olga");
        foreach (var kind in new[] { "agent", "pipeline", "github" })
        {
            var owner = kind == "github" ? null : olga.Email;
            var key = Some.Done(
                await host.Hub.Sources.Add(kind, kind, null, null, Some.Operator, default, owner: owner)
            );
            await host.Noticed();
            using var bot = host.Source(key);
            Assert.Equal(403, (await bot.Get("/api/members")).Status);
            Assert.Equal(403, (await bot.Post("/api/approvals", new { approvalId = "x" })).Status);
        }
    }

    [Theory, BothEngines]
    public async Task Trap_2_a_sources_key_gets_403_on_every_route_that_decides_and_on_review_pages(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var olga = await host.Hub.AddPerson("Olga");
        var agent = Some.Done(
            await host.Hub.Sources.Add("bot", "agent", null, null, Some.Operator, default, owner: olga.Email)
        );
        await host.Noticed();
        using var bot = host.Source(agent);
        var id = (await bot.Post(Requests, new { subject = "Drop the index" }))["id"];
        foreach (var what in new[] { "decisions", "delegation", "assignee", "not-me", "break-glass" })
        {
            var refused = await bot.Post($"{Requests}/{id}/{what}", new { answer = "approve" });
            Assert.Equal((403, "people_only"), (refused.Status, refused["rule"]));
        }
        Assert.Equal(403, (await bot.Delete($"{Requests}/{id}/delegation")).Status);
        foreach (var page in new[] { $"/requests/{id}", "/", $"/approvals?approvalID={id}", "/audit" })
            Assert.Equal((page, 403), (page, (await bot.Get(page)).Status));
        Assert.Equal(403, (await bot.Post($"/requests/{id}", new { })).Status);
        // A proxy's own Bearer token is no source's key: people are sent to sign in as ever.
        using var proxied = new ApiClient(host.Address, new AuthenticationHeaderValue("Bearer", "eyJhbGciOi"));
        Assert.Equal(302, (await proxied.Get($"/requests/{id}")).Status);
    }

    [Fact]
    public async Task The_page_asks_for_an_owner_shows_what_to_paste_and_turns_green_at_the_first_call()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var (olga, ada) = (await host.Hub.AddPerson("Olga"), await host.Hub.AddPerson("Ada", Role.Admin));
        await host.Noticed();
        using var admin = await host.SignIn(ada);
        foreach (var (owner, why) in new[] { ("", "need an owner"), ("nobody@example.test", "No active person") })
        {
            var refused = await admin.Submit(
                "/sources/new",
                "/sources",
                ("name", "bot"),
                ("kind", "agent"),
                ("owner", owner)
            );
            Assert.Equal(422, refused.Status);
            Assert.Contains(why, refused.Text, StringComparison.Ordinal);
        }
        var added = await admin.Submit(
            "/sources/new",
            "/sources",
            ("name", "bot"),
            ("kind", "agent"),
            ("owner", olga.Email!)
        );
        Assert.Equal(302, added.Status);
        // Where a success is shown, the key is, too, this one time.
        var page = await admin.Get(added.Location!);
        Assert.Contains("mcpServers", page.Text, StringComparison.Ordinal);
        Assert.Contains("/mcp", page.Text, StringComparison.Ordinal);
        Assert.Contains("No calls yet", page.Text, StringComparison.Ordinal);
        var key = page.Text.Substring(page.Text.IndexOf("csk_", StringComparison.Ordinal), "csk_".Length + 43);
        using var bot = host.Source(new NewSourceKey(0, "bot", key));
        Assert.Equal(201, (await bot.Post(Requests, new { subject = "Drop the index" })).Status);
        await Eventually.True(
            async () =>
            {
                await host.Noticed();
                var now = await admin.Get(added.Location!);
                return now.Text.Contains("Active", StringComparison.Ordinal)
                    && !now.Text.Contains("No calls yet", StringComparison.Ordinal);
            },
            "the source is active"
        );
    }

    [Theory, BothEngines]
    public async Task Verification_finds_a_request_that_does_not_bar_the_owner(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var olga = await hub.AddPerson("Olga");
        var agent = Some.Done(
            await hub.Sources.Add("bot", "agent", null, null, Some.Operator, default, owner: olga.Email)
        );
        // Past the doors, which would have barred her.
        await hub.SubmitAsDoor(
            Some.Submission(Policies.PolicySelection.For(null, null, null, Countersign.Policies.Certainty.Proven)) with
            {
                SourceId = agent.Id,
            }
        );
        Assert.Contains("does not bar the owner of its source", await hub.Proof(), StringComparison.Ordinal);
        hub.Place.IsTampered = true;
    }
}
