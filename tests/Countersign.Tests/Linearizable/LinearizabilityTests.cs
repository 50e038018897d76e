using System.Diagnostics;
using System.Globalization;
using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Tests.Cli;
using Countersign.Tests.Disks;
using Countersign.Tests.Flow;
using Xunit;

namespace Countersign.Tests.Linearizable;

/// <summary>
/// Many clients decide, withdraw, replace and read one request at the same time, on two nodes where there can be two,
/// while connections to the store are cut. Their answers must be those of some order of their calls.
/// </summary>
public sealed class LinearizabilityTests
{
    private const int Clients = 4,
        CallsEach = 4,
        Need = 2;

    /// <param name="Approvals">Bits of those who approve the content of now.</param>
    /// <param name="Content">Which of the contents that were sent it holds now.</param>
    private readonly record struct State(string Status, int Approvals, int Content);

    private static readonly State Start = new("active", 0, 1);

    [Theory, BothEngines]
    public async Task Answers_given_at_the_same_time_could_have_come_one_after_the_other(Engine engine)
    {
        var histories =
            LongRun.IsAskedFor ? 4_000
            : engine == Engine.Sqlite ? 25
            : 15;
        await using var world = await World.Start(engine);
        for (var seed = 1; seed <= histories; seed++)
        {
            var history = await world.Play(seed);
            Assert.True(Linearizability.Holds(history, Start, Apply), $"Seed {seed}:\n{string.Join('\n', history)}");
        }
    }

    [Theory, PostgresOnly]
    public async Task Cut_connections_leave_every_answer_true(Engine engine)
    {
        await using var world = await World.Start(engine);
        var unanswered = 0;
        for (var seed = 1; seed <= (LongRun.IsAskedFor ? 1_600 : 5); seed++)
        {
            var history = await world.Play(seed, fault: world.CutConnections);
            unanswered += history.Count(o => o.Answer is null);
            Assert.True(Linearizability.Holds(history, Start, Apply), $"Seed {seed}:\n{string.Join('\n', history)}");
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{unanswered} calls without an answer");
    }

    /// <summary>
    /// Nodes that are processes: one is killed in the middle, and on SQLite, where it is the only one, another takes
    /// its place; there the disk is slow too.
    /// </summary>
    [Theory, BothEngines]
    public async Task A_killed_node_and_a_slow_disk_leave_every_answer_true(Engine engine)
    {
        Assert.SkipWhen(engine == Engine.Sqlite && FaultyDisk.Missing is not null, FaultyDisk.Missing ?? "");
        await using var world = await World.StartProcesses(engine);
        var unanswered = 0;
        for (var seed = 1; seed <= (LongRun.IsAskedFor ? 200 : 1); seed++)
        {
            var history = await world.Play(seed, afterCalls: seed * 7 % (Clients * CallsEach), fault: world.KillNode);
            unanswered += history.Count(o => o.Answer is null);
            Assert.True(Linearizability.Holds(history, Start, Apply), $"Seed {seed}:\n{string.Join('\n', history)}");
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{unanswered} calls without an answer");
    }

    [Fact]
    public void The_checker_finds_an_order_and_finds_that_there_is_none()
    {
        Operation[] overlapping =
        [
            new("approve 0 1", 1, 10, "taken active"),
            new("approve 1 1", 2, 9, "taken approved"),
            new("read", 3, 4, "active 1"),
            new("read", 11, 12, "approved 1"),
        ];
        Assert.True(Linearizability.Holds(overlapping, Start, Apply));
        // Read before either had begun to be true, after it was seen: time runs backwards.
        Assert.False(Linearizability.Holds([.. overlapping, new Operation("read", 13, 14, "active 1")], Start, Apply));
        // Two clients that each made the last approval.
        Assert.False(
            Linearizability.Holds(
                [
                    new("approve 0 1", 1, 10, "taken approved"),
                    new("approve 1 1", 2, 9, "taken approved"),
                    new("withdraw", 3, 8, "refused"),
                ],
                Start,
                Apply
            )
        );
        // One without an answer explains what others saw.
        Assert.True(
            Linearizability.Holds(
                [new("withdraw", 1, 2, null), new("approve 0 1", 3, 4, "refused"), new("read", 5, 6, "withdrawn 1")],
                Start,
                Apply
            )
        );
        // An approval of the content of before counts for the new one.
        Assert.False(
            Linearizability.Holds(
                [
                    new("approve 0 1", 1, 2, "taken active"),
                    new("replace 2", 3, 4, "taken active"),
                    new("approve 1 2", 5, 6, "taken approved"),
                ],
                Start,
                Apply
            )
        );
        // Someone approved content that they had not seen.
        Assert.False(
            Linearizability.Holds(
                [new("replace 2", 1, 2, "taken active"), new("approve 0 1", 3, 4, "taken active")],
                Start,
                Apply
            )
        );
    }

    /// <summary>
    /// What docs/policies.md and docs/api.md say of a request that two must approve. A decision names its reviewer and
    /// the content that they saw, a replacement the content that it brings.
    /// </summary>
    private static (State, string) Apply(State state, string call)
    {
        var words = call.Split(' ');
        var (verb, numbers) = (words[0], words[1..].Select(w => int.Parse(w, CultureInfo.InvariantCulture)).ToArray());
        if (verb == "read")
            return (state, $"{state.Status} {state.Content}");
        if (verb == "withdraw" && state.Status is "active" or "approved")
            return (state with { Status = "withdrawn" }, "taken withdrawn");
        if (state.Status != "active")
            return (state, "refused");
        if (verb == "replace")
            return (state with { Content = numbers[0], Approvals = 0 }, "taken active");
        if (numbers[1] != state.Content)
            return (state, "refused");
        var theirs = 1 << numbers[0];
        switch (verb)
        {
            case "approve":
                var approvals = state.Approvals | theirs;
                var status = int.PopCount(approvals) >= Need ? "approved" : "active";
                return (state with { Approvals = approvals, Status = status }, $"taken {status}");
            case "abstain":
                return (state with { Approvals = state.Approvals & ~theirs }, "taken active");
            default:
                return (state with { Status = "rejected" }, "taken rejected");
        }
    }

    private sealed class World : IAsyncDisposable
    {
        private readonly TestHub _hub;
        private readonly List<ApiHost> _hosts = [];
        private readonly List<(Person Person, string Token)> _people = [];
        private readonly List<ServerProcess> _processes = [];
        private readonly List<List<ApiClient>> _clients = [];
        private ApiClient _requester = null!;
        private (Person Person, string Token) _rita;
        private Shell? _shell;
        private FaultyDisk? _disk;

        private World(TestHub hub) => _hub = hub;

        public static async Task<World> Start(Engine engine)
        {
            var unlimited = ("RateLimit:PerKeyPerMinute", "0");
            var first = await ApiHost.Start(engine, unlimited);
            var world = new World(first.Hub);
            world._hosts.Add(first);
            // SQLite has one server, so its clients meet in that one's lane.
            if (engine == Engine.Postgres)
                world._hosts.Add(await ApiHost.Start(first.Hub, unlimited));
            await world.AddPeople();
            world.Connect(world._hosts.Select(h => h.Address));
            foreach (var host in world._hosts)
                await host.Noticed();
            return world;
        }

        public static async Task<World> StartProcesses(Engine engine)
        {
            var world = new World(await TestHub.Start(engine));
            world._shell = Shell.On(world._hub.Place);
            world._hub.SealKey = new SealKey(RootKey.Load(world._shell.RootKeyFile, mayCreate: false));
            await world.AddPeople();
            if (engine == Engine.Sqlite)
            {
                world._disk = FaultyDisk.Under(world._shell, world._hub.Place.Options.DataFolder);
                world._disk.BeSlow(TimeSpan.FromMilliseconds(5));
            }
            await world.StartMissingProcesses();
            return world;
        }

        public Task CutConnections() => PostgresServer.EndConnections(_hub.Place.Options.Database!);

        public Task KillNode()
        {
            _processes[0].Dispose();
            _processes.RemoveAt(0);
            return Task.CompletedTask;
        }

        private async Task StartMissingProcesses()
        {
            var missing = (_hub.Place.Engine == Engine.Postgres ? 2 : 1) - _processes.Count;
            var starting = Enumerable.Range(0, missing).Select(_ => ServerProcess.Start(_shell!));
            _processes.AddRange(await Task.WhenAll(starting));
            Connect(_processes.Select(p => p.Address));
        }

        private async Task AddPeople()
        {
            for (var i = 0; i < Clients; i++)
                _people.Add(await AddPerson($"Reviewer {i}"));
            _rita = await AddPerson("Rita");
            var emails = string.Join(", ", _people.Select(p => p.Person.Email));
            await PolicyHub
                .On(_hub)
                .Set(
                    $$"""
                    version: 1
                    policies:
                      - { name: two, steps: [ { need: {{Need}}, from: { people: [{{emails}}] } } ] }
                    """
                );
        }

        private async Task<(Person, string)> AddPerson(string name)
        {
            var person = await _hub.AddPerson(name, Role.Agent);
            return (person, Some.Done(await _hub.Tokens.Add(person.Email!, Some.Operator, default)).Token);
        }

        private void Connect(IEnumerable<Uri> nodes)
        {
            Disconnect();
            var addresses = nodes.ToList();
            _clients.AddRange(_people.Select(p => addresses.ConvertAll(a => Client(a, p))));
            _requester = Client(addresses[^1], _rita);
        }

        private void Disconnect()
        {
            foreach (var client in _clients.SelectMany(c => c))
                client.Dispose();
            _clients.Clear();
            _requester?.Dispose();
        }

        private static ApiClient Client(Uri address, (Person Person, string Token) caller) =>
            ApiHost.Person(address, caller.Person.Email!, caller.Token);

        /// <param name="afterCalls">How many calls have ended when the fault comes.</param>
        public async Task<List<Operation>> Play(int seed, int afterCalls = 0, Func<Task>? fault = null)
        {
            if (_shell is not null)
                await StartMissingProcesses();
            var history = new List<Operation>();
            var contents = 1;
            var first = await Send(_requester, 1);
            while (first.Status == 503) // a connection that was cut in the history before
                first = await Send(_requester, 1);
            Assert.Equal("two", first["policy"]);
            var path = $"/api/v1/requests/{first["id"]}";
            var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var isTime = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var clients = Enumerable.Range(0, Clients).Select(i => Task.Run(() => Act(i))).ToList();
            begin.SetResult();
            if (afterCalls > 0)
                await isTime.Task.Soon();
            if (fault is not null)
                await fault();
            await Task.WhenAll(clients).Soon();
            if (_processes.Count == 0 && _shell is not null)
                await StartMissingProcesses();
            // The end is read alone: an answer that was given and then undone would show here.
            await Call("read", () => _clients[0][^1].Get(path));
            return history;

            Task<ApiAnswer> Send(ApiClient requester, int content) =>
                requester.Post(
                    "/api/v1/requests",
                    new { subject = content.ToString(CultureInfo.InvariantCulture), externalId = $"seed-{seed}" }
                );

            async Task Act(int who)
            {
                var random = Seeded.Random(seed * 100 + who);
                var seen = first;
                await begin.Task;
                for (var n = 0; n < CallsEach; n++)
                {
                    var client = _clients[who][random.Next(_clients[who].Count)];
                    var answer = random.Next(12) switch
                    {
                        < 4 => await Decide("approve"),
                        4 => await Decide("reject"),
                        5 => await Decide("abstain"),
                        6 => await Call("withdraw", () => _requester.Post($"{path}/withdrawal", new { reason = "x" })),
                        7 => await Replace(Interlocked.Increment(ref contents)),
                        _ => await Call("read", () => client.Get(path)),
                    };
                    // What they see next time is what they decide on: sometimes it's the content of before.
                    if (answer is { Status: 200 })
                        seen = answer;

                    Task<ApiAnswer?> Decide(string word) =>
                        Call(
                            $"{word} {who} {seen["subject"]}",
                            () =>
                                client.Post(
                                    $"{path}/decisions",
                                    new
                                    {
                                        answer = word,
                                        note = "x",
                                        digest = (string?)seen["digest"],
                                    }
                                )
                        );

                    Task<ApiAnswer?> Replace(int content) =>
                        Call(
                            string.Create(CultureInfo.InvariantCulture, $"replace {content}"),
                            () => Send(_requester, content)
                        );
                }
            }

            async Task<ApiAnswer?> Call(string name, Func<Task<ApiAnswer>> call)
            {
                var begun = Stopwatch.GetTimestamp();
                ApiAnswer? got = null;
                string? answer = null;
                try
                {
                    got = await call();
                    answer =
                        got.Status >= 500 ? null
                        : got.Status != 200 ? "refused"
                        : name == "read" ? $"{got["status"]} {got["subject"]}"
                        : $"taken {got["status"]}";
                    Assert.True(got.Status < 500 || fault is not null, $"{name}: {got.Status} {got.Text}");
                }
                catch (HttpRequestException) when (fault is not null)
                {
                    // No answer came.
                }
                var ended = Stopwatch.GetTimestamp();
                lock (history)
                {
                    history.Add(new Operation(name, begun, ended, answer));
                    if (history.Count == afterCalls)
                        isTime.TrySetResult();
                }
                return got;
            }
        }

        public async ValueTask DisposeAsync()
        {
            Disconnect();
            foreach (var process in _processes)
                process.Dispose();
            _disk?.Dispose();
            foreach (var host in Enumerable.Reverse(_hosts))
                await host.DisposeAsync();
            if (_shell is null)
                return;
            await _hub.DisposeAsync();
            await _shell.DisposeAsync();
        }
    }
}
