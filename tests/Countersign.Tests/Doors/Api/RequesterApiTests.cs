using Countersign.People;
using Countersign.Policies;
using Countersign.Tests.Pages;
using Xunit;

namespace Countersign.Tests.Doors.Api;

/// <summary>
/// Who asks through <c>/api/v1</c>: a source in its own name or for a person, and a person with a token for another.
/// </summary>
public sealed class RequesterApiTests
{
    [Theory, BothEngines]
    public async Task A_source_that_names_no_one_asks_in_its_own_name_and_one_admin_is_enough(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        using var source = host.Api.Source(await host.Hub.AddSource("pipeline"));
        var asked = await source.Post("/api/v1/requests", new { subject = "Deploy 17" });
        Assert.Equal(
            ("0 of 1 approval, waiting for an admin", "proven"),
            (asked["display"], asked["requesterCertainty"])
        );
        Assert.Null(asked.Json["requesterMatches"]);
        using var admin = await host.Api.Person(host.Root);
        Assert.Equal(
            "approved",
            (
                await admin.Post(
                    $"/api/v1/requests/{asked["id"]}/decisions",
                    new { answer = "approve", digest = asked["digest"] }
                )
            )["status"]
        );
        Assert.Null(await Proof(host));
    }

    [Theory, BothEngines]
    public async Task Whom_a_source_names_is_claimed_or_not_recognized(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        using var source = host.Api.Source(await host.Hub.AddSource("deploys", host.Sre));
        var claimed = await source.Post(
            "/api/v1/requests",
            new { subject = "One", requester = new { name = "Approver, ANN", email = "x@elsewhere.test" } }
        );
        Assert.Equal(
            ("0 of 1 approval, waiting for SRE", "claimed"),
            (claimed["display"], claimed["requesterCertainty"])
        );
        Assert.Equal("Ann Approver", claimed.Json["requesterMatches"]![0]!["name"]!.ToString());
        using var ann = await host.Api.Person(host.Ann);
        Assert.Equal(
            "requester_may_not_decide",
            (await ann.Post($"/api/v1/requests/{claimed["id"]}/decisions", new { answer = "approve" }))["rule"]
        );

        var unknown = await source.Post(
            "/api/v1/requests",
            new { subject = "Two", requester = new { name = "Nobody Known" } }
        );
        Assert.Equal(
            ("0 of 2 approvals, waiting for SRE, requester not recognized", "none"),
            (unknown["display"], unknown["requesterCertainty"])
        );

        // Sent again for Ben, Ann stays barred.
        var known = new
        {
            externalId = "7",
            subject = "Three",
            requester = new { email = host.Ann.Email },
        };
        await source.Post("/api/v1/requests", known);
        var again = await source.Post(
            "/api/v1/requests",
            new
            {
                externalId = "7",
                subject = "Three and more",
                requester = new { email = host.Ben.Email },
            }
        );
        Assert.Equal(
            "requester_may_not_decide",
            (
                await ann.Post(
                    $"/api/v1/requests/{again["id"]}/decisions",
                    new { answer = "approve", digest = again["digest"] }
                )
            )["rule"]
        );
        Assert.Null(await Proof(host));
    }

    [Theory, BothEngines]
    public async Task A_person_who_asks_for_another_is_barred_beside_them(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        using var ann = await host.Api.Person(host.Ann);
        var asked = await ann.Post(
            "/api/v1/requests",
            new
            {
                subject = "For Ben",
                requester = new { email = "BEN.approver+x@example.test" },
                assignee = new { group = "SRE" },
            }
        );
        Assert.Equal("claimed", asked["requesterCertainty"]);
        using var ben = await host.Api.Person(host.Ben);
        foreach (var person in new[] { ann, ben })
        {
            Assert.Equal(
                "requester_may_not_decide",
                (await person.Post($"/api/v1/requests/{asked["id"]}/decisions", new { answer = "approve" }))["rule"]
            );
        }
        // For oneself it is proven.
        var own = await ann.Post(
            "/api/v1/requests",
            new
            {
                subject = "For Ann",
                requester = new { email = host.Ann.Email },
                assignee = new { group = "SRE" },
            }
        );
        Assert.Equal("proven", own["requesterCertainty"]);
    }

    [Theory, BothEngines]
    public async Task What_a_source_says_holds_unless_the_policy_says_otherwise(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        using var source = host.Api.Source(await host.Hub.AddSource("deploys", host.Sre));
        var nobody = new { subject = "One", requester = new { name = "Nobody Known" } };
        foreach (
            var (rules, display) in new[]
            {
                (new SourceRequesterRules(UnknownRequester.Allow), "0 of 1 approval, waiting for SRE"),
                (new SourceRequesterRules(UnknownRequester.Refuse), "Requester not recognized"),
                (
                    new SourceRequesterRules(UnknownRequester.OneMore),
                    "0 of 2 approvals, waiting for SRE, requester not recognized"
                ),
            }
        )
        {
            Some.Done(await host.Hub.Sources.Set("deploys", rules, Some.Operator, default));
            await host.Api.Noticed();
            Assert.Equal(display, (await source.Post("/api/v1/requests", nobody))["display"]);
        }
        Some.Done(
            await host.Hub.Sources.Set(
                "deploys",
                new SourceRequesterRules(
                    ClaimedRequester: ClaimedRequester.OneMore,
                    Owner: host.Ben.Email,
                    RequesterRequired: true
                ),
                Some.Operator,
                default
            )
        );
        await host.Api.Noticed();
        Assert.Equal(
            "0 of 2 approvals, waiting for SRE, requester not confirmed",
            Shown(
                await source.Post(
                    "/api/v1/requests",
                    new { subject = "Two", requester = new { email = host.Rita.Email } }
                )
            )
        );
        // A requester is required, and whoever answers for the source does not decide.
        var unnamed = await source.Post("/api/v1/requests", new { subject = "Three" });
        Assert.Equal(
            ("0 of 2 approvals, waiting for SRE, requester not recognized", "none"),
            (Shown(unnamed), unnamed["requesterCertainty"])
        );
        using var ben = await host.Api.Person(host.Ben);
        Assert.Equal(
            "requester_may_not_decide",
            (await ben.Post($"/api/v1/requests/{unnamed["id"]}/decisions", new { answer = "approve" }))["rule"]
        );
        Assert.Null(await Proof(host));

        // The reason why nobody is left is not what this is about.
        static string Shown(ApiAnswer answer) => answer["display"]!.Split(". Blocked:")[0];
    }

    [Theory, BothEngines]
    public async Task Not_me_is_for_those_who_are_named(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        using var source = host.Api.Source(await host.Hub.AddSource("deploys", host.Sre));
        var asked = await source.Post(
            "/api/v1/requests",
            new { subject = "One", requester = new { email = host.Rita.Email } }
        );
        var path = $"/api/v1/requests/{asked["id"]}";
        using var ann = await host.Api.Person(host.Ann);
        using var rita = await host.Api.Person(host.Rita);
        Assert.Equal(
            (403, "not_in_your_name"),
            ((await ann.Post(path + "/not-me", new { })) is var refused ? refused.Status : 0, refused["rule"])
        );
        Assert.Equal(403, (await source.Post(path + "/not-me", new { })).Status);
        Assert.Equal(
            (403, "not_yours"),
            (
                (await rita.Post(path + "/withdrawal", new { reason = "x" })) is var withdrawn ? withdrawn.Status : 0,
                withdrawn["rule"]
            )
        );
        var disowned = await rita.Post(path + "/not-me", new { });
        Assert.Equal(
            (200, "0 of 2 approvals, waiting for SRE, requester not recognized", "none"),
            (disowned.Status, disowned["display"], disowned["requesterCertainty"])
        );
        Assert.Equal("request.disowned", (await host.Hub.Kinds(RequestId(asked)))[^1]);
        Assert.Null(await Proof(host));
    }

    private static Countersign.Requests.RequestId RequestId(ApiAnswer asked) =>
        Countersign.Requests.RequestId.Of(asked["id"]!);

    private static async Task<string?> Proof(PagesHost host) => await host.Hub.Proof();
}
