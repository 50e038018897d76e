using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Tests.Cli;
using Countersign.Work;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Work;

/// <summary>
/// The queue as admins see it, through the API and the command line; the page is in <see cref="FailedWorkTests"/>.
/// </summary>
public sealed class WorkListTests
{
    [Fact]
    public async Task Every_kind_of_job_has_a_name_for_people()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var kinds = host.Services.GetServices<IJobHandler>().Select(handler => handler.Kind).ToList();
        var words = Repository.Read("src", "Countersign", "Pages", "Strings.resx");
        Assert.NotEmpty(kinds);
        Assert.All(kinds, kind => Assert.Contains($"\"work.kind.{kind}\"", words, StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task Admins_list_retry_and_discard_and_each_leaves_an_event(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ada = await hub.AddPerson("Ada", Role.Admin);
        await hub.Ask(Some.Policy(ada.AsApprover) with { Expire = new Expiry(TimeSpan.FromHours(1)) });
        await hub.Store.InTransaction(async tx =>
        {
            // No handler knows this kind, so nothing happens to them by itself.
            await Jobs.Add(tx, new JobToAdd("elsewhere", "kept", "hub", tx.Now) { Order = "o" });
            await Jobs.Add(tx, new JobToAdd("elsewhere", "gone", "hub", tx.Now) { Order = "o", OrderNumber = 1 });
            await Jobs.Add(tx, new JobToAdd("elsewhere", "plain", "hub", tx.Now));
            await tx.Execute("UPDATE jobs SET state = 'dead', attempts = 8, error = 'No.' WHERE key = 'kept'");
        });
        await using var host = await ApiHost.Start(hub);
        using var admin = await host.Person(ada);
        var kept = await Id("kept");
        Assert.Equal($"{kept}", (await admin.Get("/api/v1/work?state=set_aside")).Json["jobs"]![0]!["id"]!.ToString());
        Assert.Equal("No.", (await admin.Get("/api/v1/work?state=set_aside")).Json["jobs"]![0]!["error"]!.ToString());
        Assert.Equal(422, (await admin.Get("/api/v1/work?state=lost")).Status);
        Assert.Equal(204, (await admin.Post($"/api/v1/work/{kept}/retry", new { })).Status);
        Assert.Equal(409, (await admin.Post($"/api/v1/work/{await Id("plain")}/retry", new { })).Status);
        Assert.Equal(204, (await admin.Post($"/api/v1/work/{await Id("gone")}/discard", new { })).Status);
        Assert.Equal(404, (await admin.Post("/api/v1/work/999999/discard", new { })).Status);
        var expiry = (await admin.Get("/api/v1/work?kind=expire")).Json["jobs"]![0]!["id"]!.ToString();
        var refused = await admin.Post($"/api/v1/work/{expiry}/discard", new { });
        Assert.Equal(409, refused.Status);
        Assert.Equal(
            ["work.retried", "work.discarded"],
            (await hub.Place.Events("hub"))
                .Select(e => e.Kind)
                .Where(k => k.StartsWith("work.", StringComparison.Ordinal))
        );

        async Task<long> Id(string key) => await hub.Place.Number("SELECT id FROM jobs WHERE key = @key", new { key });
    }

    [Theory, BothEngines]
    public async Task Operators_do_the_same_on_the_command_line(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ann@example.test", "--name", "Ann");
        await shell.Place.Tamper(
            "UPDATE jobs SET state = 'dead', attempts = 8, error = 'No.' WHERE kind = 'look_for_blocked'"
        );
        var listed = (await shell.Json("work", "list", "--state", "set_aside")).Done.GetProperty("jobs")[0];
        Assert.Equal(
            ("look_for_blocked", "No."),
            (listed.GetProperty("kind").GetString(), listed.GetProperty("error").GetString())
        );
        var id = listed.GetProperty("id").GetInt64();
        Assert.Contains("set_aside", (await shell.Run("work", "list")).Output, StringComparison.Ordinal);
        Assert.Equal(id, (await shell.Json("work", "retry", $"{id}")).Done.GetProperty("id").GetInt64());
        await shell.Place.Tamper(
            """
            UPDATE jobs SET error = 'No.', attempts = 1, next_at = '2100-01-01T00:00:00.000Z'
            WHERE kind = 'look_for_blocked'
            """
        );
        Assert.Equal(id, (await shell.Json("work", "discard", $"{id}")).Done.GetProperty("id").GetInt64());
        Assert.Equal(1, (await shell.Run("work", "discard", $"{id}")).ExitCode);
        await shell.Place.Store.InTransaction(tx =>
            Jobs.Add(tx, new JobToAdd("clean", "used links", JobToAdd.OfHub, tx.Now))
        );
        Assert.Contains("used links", (await shell.Run("work", "list")).Output, StringComparison.Ordinal);
    }
}
