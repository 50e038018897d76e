using System.Collections.Concurrent;
using System.Diagnostics;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>
/// The real process, killed without warning while many callers ask and answer: what was acknowledged is there, what was
/// not does not half exist, and the record still proves itself.
/// </summary>
public sealed class KillTests
{
    private const int Callers = 12;
    private static int Rounds => LongRun.IsAskedFor ? 20 : 2;

    [Theory, BothEngines]
    public async Task Nothing_acknowledged_is_lost_and_nothing_half_exists(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var house = await House.Furnish(shell);
        for (var round = 0; round < Rounds; round++)
        {
            using (var server = await Node.Start(shell))
            {
                var load = house.Load(server.Address, round, Callers);
                await house.Acknowledged(150 * (round + 1));
                server.Kill();
                await load.Soon();
            }
            using var again = await Node.Start(shell);
            await house.RepeatWhatWasNotAcknowledged(again.Address);
            await house.FindEverything(again.Address);
            await house.NothingHalfExists();
        }
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
    }

    /// <summary>
    /// The system itself refuses to let the log grow, in the middle of whatever is then being written.
    /// </summary>
    [Fact]
    public async Task A_disk_that_takes_no_more_costs_nothing_acknowledged_and_is_served_again_when_it_does()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A running process can be given a limit on Linux only.");
        await using var shell = await Shell.Start(Engine.Sqlite);
        var house = await House.Furnish(shell);
        using var server = await Node.Start(shell.StartProgramThatBearsLimits);
        for (var round = 1; round <= 3; round++)
        {
            await server.LimitFiles($"{round * 2_000_001}");
            await house.Load(server.Address, round, Callers).Soon();
            Assert.Equal(503, await house.AskUntilRefused(server.Address, $"refused-{round}"));
            await server.LimitFiles("unlimited");
            await house.RepeatWhatWasNotAcknowledged(server.Address);
            await house.FindEverything(server.Address);
            await house.NothingHalfExists();
        }
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
    }

    [Theory, PostgresOnly]
    public async Task Of_two_nodes_one_is_killed_and_the_other_goes_on(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var house = await House.Furnish(shell);
        using var first = await Node.Start(shell);
        using var second = await Node.Start(shell);
        var onFirst = house.Load(first.Address, 1, Callers / 2);
        var until = new TaskCompletionSource();
        var onSecond = house.Load(second.Address, 2, Callers / 2, until.Task);
        await house.Acknowledged(200);
        first.Kill();
        await onFirst.Soon();
        await house.Acknowledged(house.Count + 100);
        until.SetResult();
        await onSecond.Soon();

        await house.RepeatWhatWasNotAcknowledged(second.Address);
        await house.FindEverything(second.Address);
        await house.NothingHalfExists();
        // Whichever node sealed, the other takes over.
        await Eventually.True(
            async () => (await shell.Json("audit", "verify")).Done.GetProperty("unsealed").GetInt64() == 0,
            "everything is sealed"
        );
    }

    [Theory, BothEngines]
    public async Task A_server_that_is_told_to_stop_answers_whom_it_has_begun_to_serve(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var house = await House.Furnish(shell);
        using var server = await Node.Start(shell);
        var load = house.Load(server.Address, 0, Callers);
        await house.Acknowledged(100);
        Assert.Equal(0, await server.Stop());
        await load.Soon();
        using var again = await Node.Start(shell);
        await house.FindEverything(again.Address);
        await house.NothingHalfExists();
    }

    /// <summary>The program, serving.</summary>
    private sealed class Node : IDisposable
    {
        private readonly Process _process;

        private Node(Process process, Uri address) => (_process, Address) = (process, address);

        public Uri Address { get; }

        public static Task<Node> Start(Shell shell) => Start(shell.StartProgram);

        public static async Task<Node> Start(Func<string[], Process> start)
        {
            var process = start(["--Urls=http://127.0.0.1:0", "--RateLimit:PerKeyPerMinute=0", "--Shutdown:Drain=0s"]);
            return new Node(process, await ProgramTests.Address(process.StandardOutput));
        }

        public void Kill()
        {
            _process.Kill();
            _process.WaitForExit();
        }

        /// <summary>From now on no file of the process may grow past this.</summary>
        public async Task LimitFiles(string bytes) =>
            Assert.Equal(
                (0, "", ""),
                await Programs.Run("prlimit", [$"--pid={_process.Id}", $"--fsize={bytes}:unlimited"])
            );

        public async Task<int> Stop()
        {
            using (
                var kill = Process.Start(
                    "kill",
                    ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]
                )
            )
            {
                await kill.WaitForExitAsync();
            }
            await _process.WaitForExitAsync().Soon();
            return _process.ExitCode;
        }

        public void Dispose()
        {
            if (!_process.HasExited)
                Kill();
            _process.Dispose();
        }
    }

    /// <summary>A source that asks, an admin who answers, and a list of what they were told.</summary>
    private sealed class House
    {
        private readonly TestStore _place;
        private readonly string _key;
        private readonly string _email;
        private readonly string _token;
        private readonly ConcurrentDictionary<string, string> _told = new();
        private readonly ConcurrentDictionary<string, bool> _open = new();

        private House(TestStore place, string key, string email, string token) =>
            (_place, _key, _email, _token) = (place, key, email, token);

        public int Count => _told.Count;

        public static async Task<House> Furnish(Shell shell)
        {
            var store = shell.Place.Store;
            var admin = Some.Done(
                await new Accounts(store, new(store)).Add(
                    "ada@example.test",
                    "Ada",
                    Role.Admin,
                    null,
                    Some.Operator,
                    default
                )
            );
            var token = Some.Done(await new Tokens(store).Add(admin.Email!, Some.Operator, default));
            var key = Some.Done(await new Sources(store).Add("pipeline", "api", null, null, Some.Operator, default));
            return new House(shell.Place, key.Key, admin.Email!, token.Token);
        }

        /// <summary>Callers who ask and answer until the server is gone, or until they are told to stop.</summary>
        public Task Load(Uri address, int round, int callers, Task? until = null) =>
            Task.WhenAll(
                Enumerable
                    .Range(0, callers)
                    .Select(async caller =>
                    {
                        using var source = Source(address);
                        using var admin = Admin(address);
                        try
                        {
                            for (var i = 0; until is not { IsCompleted: true }; i++)
                            {
                                var name = $"{round}-{caller}-{i}";
                                _open[name] = true;
                                var asked = await source.Post(
                                    "/api/v1/requests",
                                    new { subject = $"Change {name}", externalId = name }
                                );
                                if (asked.Status != 201)
                                    return;
                                _told[asked["id"]!] = "active";
                                _open.TryRemove(name, out _);
                                if (i % 3 == 0)
                                    continue;
                                var answered = await admin.Post(
                                    $"/api/v1/requests/{asked["id"]}/decisions",
                                    new { answer = i % 3 == 1 ? "approve" : "reject" }
                                );
                                if (answered.Status != 200)
                                    return;
                                _told[asked["id"]!] = answered["status"]!;
                            }
                        }
                        catch (HttpRequestException)
                        {
                            // The server is gone.
                        }
                    })
            );

        /// <summary>
        /// What one more caller hears in the end: one request may fit where the dozen before it did not.
        /// </summary>
        public async Task<int> AskUntilRefused(Uri address, string name)
        {
            using var source = Source(address);
            for (var i = 0; ; i++)
            {
                _open[$"{name}-{i}"] = true;
                var asked = await source.Post(
                    "/api/v1/requests",
                    new { subject = $"Change {name}-{i}", externalId = $"{name}-{i}" }
                );
                if (asked.Status != 201)
                    return asked.Status;
                _told[asked["id"]!] = "active";
                _open.TryRemove($"{name}-{i}", out _);
            }
        }

        public Task Acknowledged(int count) =>
            Eventually.True(() => _told.Count >= count, $"{count} requests are acknowledged");

        /// <summary>
        /// Whoever got no answer asks again, and it is one request whether or not the first attempt arrived.
        /// </summary>
        public async Task RepeatWhatWasNotAcknowledged(Uri address)
        {
            using var source = Source(address);
            foreach (var name in _open.Keys)
            {
                var asked = await source.Post(
                    "/api/v1/requests",
                    new { subject = $"Change {name}", externalId = name }
                );
                Assert.InRange(asked.Status, 200, 201);
                _told[asked["id"]!] = "active";
                _open.TryRemove(name, out _);
            }
        }

        public async Task FindEverything(Uri address)
        {
            using var admin = Admin(address);
            foreach (var (id, told) in _told)
            {
                var status = "";
                // On a busy machine the database may be slow to answer; callers who hear 503 come back.
                await Eventually.True(
                    async () => (status = (await admin.Get($"/api/v1/requests/{id}"))["status"]) != "503",
                    "the store answers"
                );
                // An answer may have been kept although nobody heard of it; never the other way round.
                if (told == "active")
                    Assert.Contains(status, new[] { "active", "approved", "rejected" });
                else
                    Assert.Equal((id, told), (id, status));
            }
            Assert.Equal(_told.Count, await _place.Count("requests"));
        }

        public async Task NothingHalfExists()
        {
            foreach (
                var half in new[]
                {
                    "requests r WHERE NOT EXISTS (SELECT 1 FROM revisions v WHERE v.request_id = r.id)",
                    "requests r WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.subject = 'request:' || "
                        + "r.id AND e.n = r.events)",
                    "requests r WHERE r.status = 'active' AND NOT EXISTS (SELECT 1 FROM waiting w WHERE "
                        + "w.party = 'admins' AND w.request_id = r.id)",
                    "requests r WHERE r.status <> 'active' AND EXISTS (SELECT 1 FROM waiting w WHERE w.party "
                        + "= 'admins' AND w.request_id = r.id)",
                    "requests r WHERE r.status <> 'active' AND NOT EXISTS (SELECT 1 FROM decisions d WHERE "
                        + "d.request_id = r.id)",
                }
            )
            {
                Assert.Equal((half, 0L), (half, await _place.Count(half)));
            }
        }

        private ApiClient Source(Uri address) => new(address, new("Bearer", _key));

        private ApiClient Admin(Uri address) =>
            new(
                address,
                new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{_email}/token:{_token}")))
            );
    }
}
