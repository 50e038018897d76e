using System.Security.Cryptography;
using System.Text;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>LaunchDarkly's webhook decides nothing: it hurries what asks, and may name who asked.</summary>
public sealed class SignedWebhookTests
{
    private const string Secret = "a-secret-of-launchdarkly";

    private static string Entry(string approval, string email, string action = "createApprovalRequest") =>
        $$"""
            { "_id": "e1", "_accountId": "account-1", "date": 1746196607127, "kind": "flag",
              "accesses": [ {"action":"viewProject","resource":"proj/shop"},
                            {"action":"{{action}}","resource":"proj/shop:env/production:flag/dark-mode"} ],
              "member": {"_id":"m1","email":"{{email}}","firstName":"Ada","lastName":"A"},
              "currentVersion": {"_id":"{{approval}}","requestorId":"m1","status":"pending"} }
            """;

    private static string Signature(string body, string secret = Secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(body)));

    private static async Task<(ConnectedHub Hub, HearWebhook Hear, Person Ada)> Start(
        Engine engine,
        ConnectionChange? change = null
    )
    {
        var hub = await ConnectedHub.Start(engine);
        await hub.Set(change ?? new ConnectionChange { Identify = true, WebhookSecret = Secret });
        var ada = await hub.Hub.AddPerson("Ada", Role.Admin);
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        return (hub, new HearWebhook(hub.Hub.Store, hub.Connections), ada);
    }

    private static Task<HearWebhookOutcome> Hear(ConnectedHub hub, HearWebhook hear, string body) =>
        hear.Run(hub.Key.Id, Encoding.UTF8.GetBytes(body), Signature(body), default);

    [Theory, BothEngines]
    public async Task Without_a_token_the_webhook_says_who_asked_before_the_creation_or_after_it(Engine engine)
    {
        var (hub, hear, ada) = await Start(engine);
        await using var _ = hub;
        var after = await hub.Create();
        Assert.Equal(OpenCheck.Requester, after.OpenCheck);
        await hub.After(TimeSpan.FromSeconds(30));
        Assert.Equal(OpenCheck.Requester, (await hub.Now(after)).OpenCheck);
        var next = $"66a8e20c0754610fae1f{2:x4}";
        Assert.IsType<HearWebhookOutcome.Heard>(await Hear(hub, hear, Entry(next, ada.Email!)));
        await Hear(hub, hear, Entry(after.ExternalId!, ada.Email!));
        // Told twice, and another time by someone else: the first word counts.
        await Hear(hub, hear, Entry(after.ExternalId!, "bea@example.test"));
        var before = await hub.Create();
        Assert.Equal(next, before.ExternalId);

        await hub.After(TimeSpan.FromSeconds(2));

        foreach (var request in new[] { after, before })
        {
            var confirmed = await hub.Now(request);
            Assert.Equal((true, ada.Id), (confirmed.IsRequesterConfirmed, confirmed.RequesterId));
        }
        Assert.Contains(
            "\"by\":\"webhook\"",
            (await hub.Hub.Place.Events(after.Id.Subject)).Single(e => e.Kind == "request.checked").Data,
            StringComparison.Ordinal
        );
        Assert.Empty(hub.Theirs.Calls);
    }

    [Theory, BothEngines]
    public async Task What_is_not_signed_with_the_secret_is_not_heard(Engine engine)
    {
        var (hub, hear, ada) = await Start(engine);
        await using var _ = hub;
        var request = await hub.Create();
        var body = Entry(request.ExternalId!, ada.Email!);
        var bytes = Encoding.UTF8.GetBytes(body);
        foreach (
            var signature in new[]
            {
                null,
                "",
                "zz",
                Signature(body, "another"),
                // Over the same data, written otherwise.
                Signature(
                    System
                        .Text.Json.Nodes.JsonNode.Parse(body)!
                        .ToJsonString(System.Text.Json.JsonSerializerOptions.Web)
                ),
                Signature(body)[..^1],
            }
        )
        {
            Assert.IsType<HearWebhookOutcome.NotSigned>(await hear.Run(hub.Key.Id, bytes, signature, default));
        }
        Assert.IsType<HearWebhookOutcome.NotSigned>(await hear.Run(999, bytes, Signature(body), default));

        await hub.After(TimeSpan.FromMinutes(1));

        Assert.Equal(OpenCheck.Requester, (await hub.Now(request)).OpenCheck);
    }

    [Theory]
    [InlineData("""{"accesses":[{"action":"createApprovalRequest"}],"currentVersion":{"_id":"../x"}}""")]
    [InlineData("""{"accesses":7,"currentVersion":[]}""")]
    [InlineData("""{"accesses":[],"member":null}""")]
    [InlineData("[]")]
    public async Task What_says_nothing_about_a_request_is_passed_over(string body)
    {
        var (hub, hear, _) = await Start(Engine.Sqlite);
        await using var _2 = hub;

        Assert.IsType<HearWebhookOutcome.Heard>(await Hear(hub, hear, body));
        Assert.IsType<HearWebhookOutcome.Unreadable>(await Hear(hub, hear, body + "}"));

        Assert.Equal(0, await hub.Hub.Place.Number("SELECT count(*) FROM launchdarkly_hints"));
    }

    [Theory, BothEngines]
    public async Task Another_account_and_a_member_who_only_acted_name_nobody(Engine engine)
    {
        var (hub, hear, ada) = await Start(engine);
        await using var _ = hub;
        await hub.Hub.Place.Tamper("UPDATE launchdarkly_connections SET account_id = 'account-2'");
        var request = await hub.Create();

        await Hear(hub, hear, Entry(request.ExternalId!, ada.Email!));
        await hub.Hub.Place.Tamper("UPDATE launchdarkly_connections SET account_id = 'account-1'");
        await Hear(hub, hear, Entry(request.ExternalId!, ada.Email!, "reviewApprovalRequest"));
        await Hear(
            hub,
            hear,
            Entry(request.ExternalId!, ada.Email!)
                .Replace("\"requestorId\":\"m1\"", "\"requestorId\":\"m2\"", StringComparison.Ordinal)
        );
        await hub.After(TimeSpan.FromMinutes(1));

        Assert.Equal(OpenCheck.Requester, (await hub.Now(request)).OpenCheck);
    }

    [Theory, BothEngines]
    public async Task With_a_token_the_webhook_only_hurries_the_asking(Engine engine)
    {
        var (hub, hear, ada) = await Start(engine);
        await using var _ = hub;
        await hub.Connect();
        await hub.Set(new ConnectionChange { Identify = true, WebhookSecret = Secret });
        var request = await hub.Create();
        await hub.After(TimeSpan.FromMinutes(3));
        hub.Theirs.Approval(request.ExternalId!, "m2");
        hub.Theirs.Member("m2", "stranger@example.test");
        await hub.After(TimeSpan.FromSeconds(5));
        Assert.Equal(OpenCheck.Requester, (await hub.Now(request)).OpenCheck);

        await Hear(hub, hear, Entry(request.ExternalId!, ada.Email!));
        await hub.Worker.Drain();

        var ended = await hub.Now(request);
        Assert.Equal((OpenCheck.None, false), (ended.OpenCheck, ended.IsRequesterConfirmed));
    }

    [Theory, BothEngines]
    public async Task The_door_hears_only_what_is_signed(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var source = await host.Hub.AddSource("flags", kind: "launchdarkly");
        Some.Done(
            await host
                .Services.GetRequiredService<Connections>()
                .Set("flags", new ConnectionChange { WebhookSecret = Secret, Identify = true }, Some.Operator, default)
        );
        using var anyone = host.Nobody();
        var body = Entry("66a8e20c0754610fae1fcf5d", "ada@example.test");
        var path = $"/api/launchdarkly/{source.Id}/webhook";

        async Task<int> Post(string? signature)
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            return (
                await anyone.Send(
                    HttpMethod.Post,
                    path,
                    content,
                    signature is null ? [] : [("X-LD-Signature", signature)]
                )
            ).Status;
        }

        Assert.Equal(401, await Post(null));
        Assert.Equal(401, await Post(Signature("other")));
        Assert.Equal(204, await Post(Signature(body)));
        Assert.Equal(1, await host.Hub.Place.Number("SELECT count(*) FROM launchdarkly_hints"));
    }

    [Theory, BothEngines]
    public async Task The_creation_is_answered_at_once_and_says_what_it_waits_for(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        await using var theirs = new FakeLaunchDarkly();
        var source = await host.Hub.AddSource("flags", kind: "launchdarkly");
        var change = new ConnectionChange
        {
            BaseUrl = theirs.BaseUrl,
            Token = FakeLaunchDarkly.Token,
            Identify = true,
            Describe = true,
        };
        Some.Done(await host.Services.GetRequiredService<Connections>().Set("flags", change, Some.Operator, default));
        await host.Noticed();
        using var launchDarkly = host.Source(source);

        var created = await launchDarkly.PostText(
            "/api/approvals",
            """{"_id":"66a8e20c0754610fae1fcf5d","comment":"Turn it on","approvalFormVariables":{}}"""
        );

        Assert.Equal(201, created.Status);
        Assert.Equal("pending", created.Json["status"]!["value"]!.ToString());
        Assert.Contains(
            "confirming with LaunchDarkly",
            created.Json["status"]!["display"]!.ToString(),
            StringComparison.Ordinal
        );
        Assert.Empty(theirs.Calls);
    }
}
