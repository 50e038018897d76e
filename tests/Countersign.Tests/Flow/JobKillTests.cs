using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;
using Countersign.Storage;
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
            await ClaimsRunOut(shell.Place.Store);
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
            await ClaimsRunOut(shell.Place.Store);
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

    [Theory, BothEngines]
    public async Task What_comes_by_time_and_is_killed_at_any_step_happens_once(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var shell = Shell.On(hub.Place);
        hub.SealKey = new SealKey(RootKey.Load(shell.RootKeyFile, mayCreate: false));
        // Long ago for the servers, so that everything is due as soon as one starts.
#pragma warning disable RS0030 // The servers are processes of their own, and go by the system's clock.
        hub.Clock.Now = TimeProvider.System.GetUtcNow().AddHours(-2);
#pragma warning restore RS0030
        var (soon, people) = (TimeSpan.FromHours(1), await hub.AddPeople("Ann", "Ben", "Leaves", "Returns"));
        var policy = Some.Policy(people[0].AsApprover);
        await hub.Ask(policy with { Expire = new Expiry(soon) });
        await hub.Ask(policy with { Escalate = new Escalation(soon, [people[1].AsApprover]) });
        var (now, absences) = (hub.Store.Now, new Absences(hub.Store));
        await absences.Set(people[2].Email!, now + soon, now.AddDays(9), null, Some.Operator, default);
        await absences.Set(people[3].Email!, now, now + soon, null, Some.Operator, default);

        // On PostgreSQL all are claimed and can't be recorded; else the end comes whenever it comes.
        await using (var inTheWay = engine == Engine.Postgres ? await HoldUp(shell, "requests, absences") : null)
        {
            await RunUntil(async () =>
                inTheWay is null
                || await hub.Place.Number($"SELECT count(*) FROM jobs WHERE holder IS NOT NULL AND {ByTime}") == 4
            );
        }
        if (engine == Engine.Postgres)
            Assert.Empty(await Happened());
        await RunUntil(async () => (await Happened()).Count > 0);
        await RunUntil(async () =>
            (await Happened()).Count >= 4 && await hub.Place.Number($"SELECT count(*) FROM jobs WHERE {ByTime}") == 1
        );
        // The end of the absence that has begun is still to come.
        Assert.Equal(
            ["person.absence_began", "person.absence_ended", "request.escalated", "request.rejected"],
            (await Happened()).Order()
        );

        async Task<List<string>> Happened() =>
            (
                await hub.Store.Read(r =>
                    r.Rows(
                        """
                        SELECT kind FROM events WHERE kind IN
                          ('request.rejected', 'request.escalated', 'person.absence_began', 'person.absence_ended')
                        """
                    )
                )
            ).ConvertAll(row => (string)row["kind"]!);

        Task RunUntil(Func<ValueTask<bool>> condition) => RunServer(shell, condition);
    }

    private const string ByTime = "kind IN ('expire', 'escalate', 'begin_absence', 'end_absence')";

    [Theory, BothEngines]
    public async Task An_erasure_killed_at_any_step_is_done_once_by_a_server(Engine engine)
    {
        const int requests = 40;
        await using var hub = await TestHub.Start(engine);
        await using var shell = Shell.On(hub.Place);
        hub.SealKey = new SealKey(RootKey.Load(shell.RootKeyFile, mayCreate: false));
        var (ann, jane) = (await hub.AddPerson("Ann"), await hub.AddPerson("Jane"));
        for (var i = 0; i < requests; i++)
            await hub.Ask(Some.Policy(ann.AsApprover), s => s.AskedBy(jane) with { Subject = $"Jane wants {i}" });

        // On PostgreSQL the person is shut out and nothing else can follow; else the end comes whenever it comes.
        await using (var inTheWay = engine == Engine.Postgres ? await HoldUp(shell, "requests") : null)
        {
            var erasing = shell.StartProgram("user", "erase", jane.Email!);
            await Eventually.True(async () => await Events("person.erased") == 1, "the erasure has begun");
            Kill(erasing);
        }
        await RunServer(shell, async () => await Events("request.redacted") > 0);
        await RunServer(
            shell,
            async () => await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'erase'") == 0
        );
        Assert.Equal(
            (1, requests, requests, 0),
            (
                await Events("person.erased"),
                await Events("request.withdrawn"),
                await Events("request.redacted"),
                await hub.Place.Number("SELECT count(*) FROM requests WHERE subject LIKE '%Jane%'")
            )
        );

        ValueTask<long> Events(string kind) =>
            hub.Place.Number("SELECT count(*) FROM events WHERE kind = @kind", new { kind });
    }

    /// <summary>Starts a server on what the one before it left, and kills it once the condition holds.</summary>
    private static async Task RunServer(Shell shell, Func<ValueTask<bool>> condition)
    {
        await ClaimsRunOut(shell.Place.Store);
        var server = shell.StartProgram(Settings);
        try
        {
            await ProgramTests.Address(server.StandardOutput);
            await Eventually.True(condition, "the server has come that far");
        }
        finally
        {
            Kill(server);
        }
    }

    private static ValueTask<long> Reminded(Shell shell) =>
        shell.Place.Number("SELECT count(*) FROM events WHERE kind = 'request.reminded'");

    /// <summary>
    /// Lets nothing be recorded while it is open: on SQLite as a writer, on PostgreSQL by locks.
    /// </summary>
    private static async Task<DbConnection> HoldUp(Shell shell, string tables = "jobs")
    {
        var connection = await shell.Place.OpenRaw();
        await using var command = connection.CreateCommand();
        command.CommandText =
            shell.Place.Engine == Engine.Sqlite ? "BEGIN IMMEDIATE" : $"BEGIN; LOCK TABLE {tables} IN EXCLUSIVE MODE";
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    /// <summary>As they would after a minute or so, which is also when a job for what was interrupted is due.</summary>
    private static Task<int> ClaimsRunOut(Store store) =>
        store.InTransaction(async tx =>
            await tx.Execute(
                "UPDATE jobs SET next_at = '2020-01-01T00:00:00.000Z' WHERE holder IS NOT NULL OR kind = 'erase'"
            )
        );

    private static void Kill(Process server)
    {
        server.Kill();
        server.WaitForExit();
        server.Dispose();
    }
}
