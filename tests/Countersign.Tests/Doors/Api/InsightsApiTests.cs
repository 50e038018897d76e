using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Tests.Insights;
using Xunit;

namespace Countersign.Tests.Doors;

public sealed class InsightsApiTests
{
    [Theory, BothEngines]
    public async Task Figures_are_answered_as_json_and_as_tables_for_spreadsheets(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var hub = host.Hub;
        var (ada, ben, eve) = (
            await hub.AddPerson("Ada", Role.Admin),
            await hub.AddPerson("Ben", Role.Agent),
            await hub.AddPerson("Eve", Role.Agent)
        );
        var ops = await hub.AddGroup("Ops", ben);
        await hub.AddGroup("=cmd()", ada);
        var approved = await hub.Ask(ops.AsApprover);
        var facts = """{"environment":"production"}""";
        var open = await hub.Ask(Some.Policy(ops.AsApprover), s => s with { Facts = facts });
        hub.Clock.Advance(TimeSpan.FromHours(1));
        await hub.Approve(approved, ben);
        await host.Noticed();
        await new InsightsHub.Follower(hub).ToTheEnd();

        using var admin = await host.Person(ada);
        var all = (await admin.Get("/api/v1/insights?days=7")).Json;
        Assert.Equal(
            ("all", 7, 2, 1, 1),
            (
                (string?)all["scope"],
                all["periods"]!.AsArray().Count,
                (int?)all["total"]!["opened"],
                (int?)all["total"]!["approved"],
                (int?)all["open"]!["count"]
            )
        );
        Assert.InRange((int)all["total"]!["medianSeconds"]!, 3_240, 3_960);
        Assert.Equal("2026-03-04", (string?)all["to"]);
        Assert.Equal(open.Id.Value, (string?)all["byGroup"]![0]!["oldest"]!["request"]);
        Assert.Equal(["production 1", " 0"], all["byEnvironment"]!.AsArray().Select(e => $"{e!["name"]} {e["open"]}"));
        Assert.Equal("Ben", (string?)all["reviewers"]![0]!["name"]);

        using var member = await host.Person(ben);
        var own = (await member.Get("/api/v1/insights?group=ops")).Json;
        Assert.Equal(("groups", "Ops", 30), ((string?)own["scope"], (string?)own["group"], (int?)own["days"]));
        Assert.Null(own["byGroup"]);
        var other = await member.Get("/api/v1/insights?group=%3Dcmd()");
        var nobodys = await member.Get("/api/v1/insights?group=nobody");
        Assert.Equal((422, 422), (other.Status, nobodys.Status));
        Assert.Equal(other["detail"], nobodys["detail"]);

        var csv = await admin.Get("/api/v1/insights?format=csv&table=groups&days=90");
        Assert.Equal("text/csv", csv.MediaType);
        Assert.StartsWith("group,open,openBlocked,opened,closed", csv.Text, StringComparison.Ordinal);
        Assert.Contains("\r\nOps,1,0,2,1,1,0,0,0,0,0,0,", csv.Text, StringComparison.Ordinal);
        foreach (var table in Countersign.Insights.InsightsCsv.Tables)
            Assert.Equal(200, (await member.Get($"/api/v1/insights?format=csv&table={table}")).Status);

        using var nobody = await host.Person(eve);
        var refused = await nobody.Get("/api/v1/insights");
        Assert.Equal((403, "no_groups"), (refused.Status, refused["rule"]));
        using var source = host.Source(await hub.AddSource("deploys"));
        await host.Noticed();
        Assert.Equal(403, (await source.Get("/api/v1/insights")).Status);
        Assert.Equal(
            ["days", "format", "table", "weeks"],
            (await admin.Get("/api/v1/insights?days=8&format=pdf&table=people&weeks=1")).Wrong.Order()
        );
    }

    [Fact]
    public async Task Figures_of_reviewers_can_be_switched_off()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("Insights:Reviewers", "false"));
        using var admin = await host.Person(await host.Hub.AddPerson("Ada", Role.Admin));
        await host.Noticed();
        Assert.Null((await admin.Get("/api/v1/insights")).Json["reviewers"]);
    }
}
