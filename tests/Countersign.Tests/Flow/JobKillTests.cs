using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>
/// The real process, killed at each step of a job: claimed, ran, recorded. Nothing is lost, and only a call can be
/// repeated.
/// </summary>
public sealed class JobKillTests
{
    private static readonly string[] Settings =
    [
        "--Urls=http://127.0.0.1:0",
        "--Egress:Allow=127.0.0.0/8",
        "--PublicUrl=http://approvals.example.test",
    ];

    public enum Step
    {
        Claimed,
        Ran,
        Recorded,
    }

    [Theory, BothEngines]
    public async Task A_call_killed_at_any_step_arrives_and_a_repeat_has_the_id_it_had(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var heard = new ConcurrentQueue<string>();
        Func<Task<Conduct>> conduct = () => Task.FromResult<Conduct>(new Conduct.Answers(200));
        await using var receiver = new Receiver(call =>
        {
            heard.Enqueue(call.Headers["webhook-id"]);
            return conduct().GetAwaiter().GetResult();
        });
        await shell.Json("webhook", "add", receiver.Address.ToString(), "--event", "request.submitted");
        var key = (await shell.Json("source", "add", "Shop", "--kind", "api")).Done.GetProperty("key").GetString()!;
        foreach (var step in Enum.GetValues<Step>())
        {
            var server = shell.StartProgram(Settings);
            var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            DbConnection? inTheWay = null;
            conduct = async () =>
            {
                // What is claimed is claimed; that it was done can't be recorded any more.
                if (step == Step.Ran)
                    inTheWay = await HoldUp(shell);
                arrived.TrySetResult();
                return step == Step.Claimed ? new Conduct.Hangs() : new Conduct.Answers(200);
            };
            using (var shop = new ApiClient(await ProgramTests.Address(server.StandardOutput), new("Bearer", key)))
                Assert.Equal(201, (await shop.Post("/api/v1/requests", new { subject = $"{step}" })).Status);
            await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            if (step == Step.Recorded)
            {
                await Eventually.True(
                    async () => await shell.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'delivery'") == 0,
                    "it is recorded"
                );
            }
            Kill(server);
            if (inTheWay is not null)
                await inTheWay.DisposeAsync();
            var pending = await shell.Place.Number(
                "SELECT count(*) FROM jobs WHERE kind = 'delivery' AND holder IS NOT NULL"
            );
            Assert.Equal(step == Step.Recorded ? 0 : 1, pending);
            conduct = () => Task.FromResult<Conduct>(new Conduct.Answers(200));
            await ClaimsRunOut(shell);
            server = shell.StartProgram(Settings);
            await ProgramTests.Address(server.StandardOutput);
            await Eventually.True(
                async () =>
                    await shell.Place.Number("SELECT count(*) FROM deliveries WHERE state = 'delivered'")
                    == (int)step + 1,
                "it has arrived"
            );
            Kill(server);
        }
        Assert.Equal([2, 2, 1], heard.GroupBy(id => id).OrderBy(g => g.Key).Select(g => g.Count()));
        Assert.Equal(0, await shell.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'delivery'"));
    }

    [Theory, BothEngines]
    public async Task A_reminder_killed_at_any_step_is_sent_once(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ann@example.test", "--name", "Ann");
        var policies = Path.Combine(shell.Folder, "policies.yaml");
        await File.WriteAllTextAsync(
            policies,
            """
            version: 1
            policies:
              - name: patient
                steps: [ { name: ann, from: { people: [ann@example.test] } } ]
                remind: { after: 1h, every: 4h }
            """,
            TestContext.Current.CancellationToken
        );
        await shell.Json("policy", "set", policies);
        var key = (await shell.Json("source", "add", "Shop", "--kind", "api")).Done.GetProperty("key").GetString()!;
        var server = shell.StartProgram(Settings);
        using (var shop = new ApiClient(await ProgramTests.Address(server.StandardOutput), new("Bearer", key)))
            Assert.Equal(201, (await shop.Post("/api/v1/requests", new { subject = "Remind me" })).Status);
        for (var round = 1; round <= 3; round++)
        {
            // On PostgreSQL the first is claimed and can't be recorded; else the end comes whenever it comes.
            await using var inTheWay = engine == Engine.Postgres && round == 1 ? await HoldUp(shell, "requests") : null;
            await shell.Place.Tamper("UPDATE jobs SET next_at = '2020-01-01T00:00:00.000Z' WHERE kind = 'remind'");
            await Eventually.True(
                async () =>
                    await Reminded(shell) == round
                    || await shell.Place.Number(
                        "SELECT count(*) FROM jobs WHERE kind = 'remind' AND holder IS NOT NULL"
                    ) == 1,
                "it is claimed or done"
            );
            Kill(server);
            if (inTheWay is not null)
            {
                await inTheWay.DisposeAsync();
                Assert.Equal(0, await Reminded(shell));
            }
            await ClaimsRunOut(shell);
            server = shell.StartProgram(Settings);
            await ProgramTests.Address(server.StandardOutput);
            await Eventually.True(
                async () =>
                    await Reminded(shell) == round
                    && await shell.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'remind' AND holder IS NULL")
                        == 1,
                "it is done, and the next is planned"
            );
        }
        Kill(server);
        Assert.Equal(3, await Reminded(shell));
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
    }

    private static ValueTask<long> Reminded(Shell shell) =>
        shell.Place.Number("SELECT count(*) FROM events WHERE kind = 'request.reminded'");

    /// <summary>
    /// Lets nothing be recorded while it is open: on SQLite as a writer, on PostgreSQL by the rows' locks.
    /// </summary>
    private static async Task<DbConnection> HoldUp(Shell shell, string table = "jobs")
    {
        var connection = await shell.Place.OpenRaw();
        await using var command = connection.CreateCommand();
        command.CommandText =
            shell.Place.Engine == Engine.Sqlite ? "BEGIN IMMEDIATE" : $"BEGIN; SELECT 1 FROM {table} FOR UPDATE";
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    /// <summary>As they would after a minute or so.</summary>
    private static async Task ClaimsRunOut(Shell shell) =>
        await shell.Place.Tamper("UPDATE jobs SET next_at = '2020-01-01T00:00:00.000Z' WHERE holder IS NOT NULL");

    private static void Kill(Process server)
    {
        server.Kill();
        server.WaitForExit();
        server.Dispose();
    }
}
