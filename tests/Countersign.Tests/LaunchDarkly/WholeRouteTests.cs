using System.Text.Json.Nodes;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using Fake = Countersign.Simulator.Rest;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>From LaunchDarkly's creation to its call after applying, with the whole server and its workers.</summary>
public sealed class WholeRouteTests
{
    [Theory, BothEngines]
    public async Task A_change_is_identified_described_reviewed_compared_and_applied(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        await using var theirs = await Fake.FakeLaunchDarkly.Start(host.Hub.Clock);
        var (ada, bea) = (await host.Hub.AddPerson("Ada", Role.Admin), await host.Hub.AddPerson("Bea", Role.Admin));
        var key = await host.Hub.AddSource("flags", kind: "launchdarkly");
        var change = new ConnectionChange
        {
            BaseUrl = theirs.Address.ToString(),
            Token = theirs.AddToken(Fake.RestRights.Read | Fake.RestRights.Apply).Value,
            Identify = true,
            Describe = true,
            Apply = true,
        };
        Some.Done(await host.Services.GetRequiredService<Connections>().Set("flags", change, Some.Operator, default));
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await host.Noticed();
        var member = theirs.AddMember("Ada Lovelace", ada.Email!);
        var flag = theirs.AddFlag("shop", "dark-mode", "Dark mode", [(null, false), (null, true)], "production");
        var approval = theirs.Open(
            new Fake.RestApproval
            {
                RequestorId = member.Id,
                Project = "shop",
                Resource = "dark-mode",
                Instructions = """[{"kind":"turnFlagOn"}]""",
                HiddenReads = 1,
            }
        );
        using var launchDarkly = host.Source(key);

        var created = await launchDarkly.PostText(
            "/api/approvals",
            new JsonObject
            {
                ["_id"] = approval.Id,
                ["comment"] = "Turn it on",
                ["project"] = new JsonObject { ["key"] = "shop", ["name"] = "Shop" },
                ["environment"] = new JsonObject { ["key"] = "production", ["name"] = "Production" },
                ["flag"] = new JsonObject { ["key"] = "dark-mode", ["name"] = "Dark mode" },
                ["shortDescription"] = "Ada Lovelace requested approval for changes to the flag Dark mode",
                ["approvalFormVariables"] = new JsonObject(),
            }.ToJsonString()
        );
        Assert.Equal(201, created.Status);
        await Hear(created);
        var id = RequestId.Of((await host.Hub.Place.Text("SELECT id FROM requests WHERE source_id > 2"))!);
        using var asAda = await host.Person(ada);
        using var asBea = await host.Person(bea);
        await asAda.Post($"/api/v1/requests/{id}/decisions", new { answer = "approve" });
        await Until(r => r.OpenCheck == OpenCheck.None, "LaunchDarkly has answered");

        var confirmed = await host.Hub.Find(id);
        Assert.Equal(
            (Status.Active, true, ada.Id),
            (confirmed.Status, confirmed.IsRequesterConfirmed, confirmed.RequesterId)
        );
        var changes = await host.Hub.Store.Read(reader => ReadChanges.Of(reader, confirmed));
        Assert.True(changes!.IsUnderstood);
        Assert.Equal("turnFlagOn", Assert.Single(changes.Changes).Kind);

        await asBea.Post($"/api/v1/requests/{id}/decisions", new { answer = "approve" });
        await Until(r => r.Status == Status.Approved, "the change was compared");
        await Hear(await launchDarkly.Get($"/api/approvals/{approval.Id}/status"));
        await Until(_ => approval.Status == "completed", "the change was applied");
        await Eventually.True(
            async () => (await host.Hub.Kinds(id))[^1] == "request.apply_done",
            "what became of it is on record"
        );
        await launchDarkly.PostText($"/api/approvals/{approval.Id}/apply", "");

        Assert.NotNull((await host.Hub.Find(id)).AppliedAt);
        Assert.Single(theirs.Calls, c => c.Method == "POST");
        Assert.All(theirs.Calls, c => Assert.Equal(change.Token, c.Authorization));
        Assert.NotNull(flag);

        Task Hear(ApiAnswer answer) =>
            theirs.Hear(
                approval,
                answer.Json["_id"]!.ToString(),
                $"https://hub.example.test/approvals?approvalID={approval.Id}",
                answer.Json["status"]!["value"]!.ToString(),
                answer.Json["status"]!["display"]!.ToString()
            );

        // Time goes on in steps, as the workers wait for it.
        Task Until(Func<ApprovalRequest, bool> condition, string what) =>
            Eventually.True(
                async () =>
                {
                    host.Hub.Clock.Advance(TimeSpan.FromMilliseconds(200));
                    return condition(await host.Hub.Find(id));
                },
                what
            );
    }
}
