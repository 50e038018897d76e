using System.Diagnostics;
using System.Globalization;
using Countersign.People;
using Countersign.Requests;
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
    private readonly record struct State(string Status, int Approvals, int Content);

    private static readonly State Start = new("active", 0, 1);

    [Theory, BothEngines]
    public async Task Answers_given_at_the_same_time_could_have_come_one_after_the_other(Engine engine)
    {
        var histories =
            LongRun.IsAskedFor ? 5_000
            : engine == Engine.Sqlite ? 25
            : 15;
        await using var world = await World.Start(engine);
        for (var seed = 1; seed <= histories; seed++)
        {
            var history = await world.Play(seed, withCuts: false);
            Assert.True(Linearizability.Holds(history, Start, Apply), $"Seed {seed}:\n{string.Join('\n', history)}");
        }
    }

    [Theory, PostgresOnly]
    public async Task Cut_connections_leave_every_answer_true(Engine engine)
    {
        await using var world = await World.Start(engine);
        var unanswered = 0;
        for (var seed = 1; seed <= (LongRun.IsAskedFor ? 1_000 : 5); seed++)
        {
            var history = await world.Play(seed, withCuts: true);
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
            new("approve 0", 1, 10, "taken active"),
            new("approve 1", 2, 9, "taken approved"),
            new("read", 3, 4, "active"),
            new("read", 11, 12, "approved"),
        ];
        Assert.True(Linearizability.Holds(overlapping, Start, Apply));
        // Read before either had begun to be true, after it was seen: time runs backwards.
        Assert.False(Linearizability.Holds([.. overlapping, new Operation("read", 13, 14, "active")], Start, Apply));
        // Two clients that each made the last approval.
        Assert.False(
            Linearizability.Holds(
                [
                    new("approve 0", 1, 10, "taken approved"),
                    new("approve 1", 2, 9, "taken approved"),
                    new("withdraw", 3, 8, "refused"),
                ],
                Start,
                Apply
            )
        );
        // One without an answer explains what others saw.
        Assert.True(
            Linearizability.Holds(
                [new("withdraw", 1, 2, null), new("approve 0", 3, 4, "refused"), new("read", 5, 6, "withdrawn")],
                Start,
                Apply
            )
        );
    }

    /// <summary>What docs/policies.md and docs/api.md say of a request that two must approve.</summary>
    private static (State, string) Apply(State state, string name)
    {
        var (verb, who) = (name.Split(' ')[0], name[^1] - '0');
        var isActive = state.Status == "active";
        switch (verb)
        {
            case "approve" when isActive:
                var approvals = state.Approvals | (1 << who);
                var status = int.PopCount(approvals) >= Need ? "approved" : "active";
                return (state with { Approvals = approvals, Status = status }, $"taken {status}");
            case "abstain" when isActive:
                return (state with { Approvals = state.Approvals & ~(1 << who) }, "taken active");
            case "reject" when isActive:
                return (state with { Status = "rejected" }, "taken rejected");
            case "withdraw" when state.Status is "active" or "approved":
                return (state with { Status = "withdrawn" }, "taken withdrawn");
            case "read":
                return (state, state.Status);
            default:
                return (state, "refused");
        }
    }

    private sealed class World : IAsyncDisposable
    {
        private readonly List<ApiHost> _nodes;
        private readonly List<Person> _people = [];
        private readonly List<List<ApiClient>> _clients = [];
        private ApiClient _requester = null!;
        private Person _rita = null!;

        private World(List<ApiHost> nodes) => _nodes = nodes;

        private TestHub Hub => _nodes[0].Hub;

        public static async Task<World> Start(Engine engine)
        {
            var unlimited = ("RateLimit:PerKeyPerMinute", "0");
            var first = await ApiHost.Start(engine, unlimited);
            // SQLite has one server, so its clients meet in that one's lane.
            var world = new World(
                engine == Engine.Postgres ? [first, await ApiHost.Start(first.Hub, unlimited)] : [first]
            );
            await world.Begin();
            return world;
        }

        private async Task Begin()
        {
            for (var i = 0; i < Clients; i++)
                _people.Add(await Hub.AddPerson($"Reviewer {i}", Role.Agent));
            _rita = await Hub.AddPerson("Rita", Role.Agent);
            foreach (var person in _people)
            {
                var token = Some.Done(await Hub.Tokens.Add(person.Email!, Some.Operator, default)).Token;
                _clients.Add([.. _nodes.Select(n => n.Person(person.Email!, token))]);
            }
            _requester = await _nodes[^1].Person(_rita);
            foreach (var node in _nodes)
                await node.Noticed();
        }

        public async Task<List<Operation>> Play(int seed, bool withCuts)
        {
            var policy = Some.Policy(Some.Step("all", Need, [.. _people.Select(p => p.AsApprover)]));
            var request = await Hub.Ask(policy, s => s.AskedBy(_rita));
            var history = new List<Operation>();
            var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var clients = Enumerable.Range(0, Clients).Select(i => Task.Run(() => Act(i))).ToList();
            begin.SetResult();
            if (withCuts)
                await PostgresServer.EndConnections(Hub.Place.Options.Database!);
            await Task.WhenAll(clients).Soon();
            // The end is read alone: an answer that was given and then undone would show here.
            await Call("read", _clients[0][0], r => r.Get($"/api/v1/requests/{request.Id}"));
            return history;

            async Task Act(int who)
            {
                var random = Seeded.Random(seed * 100 + who);
                await begin.Task;
                for (var n = 0; n < CallsEach; n++)
                {
                    var client = _clients[who][random.Next(_nodes.Count)];
                    var path = $"/api/v1/requests/{request.Id}";
                    var word = random.Next(10) switch
                    {
                        < 4 => "approve",
                        4 => "reject",
                        5 => "abstain",
                        6 => "withdraw",
                        _ => "read",
                    };
                    await (
                        word switch
                        {
                            "read" => Call(word, client, c => c.Get(path)),
                            "withdraw" => Call(
                                word,
                                _requester,
                                c => c.Post($"{path}/withdrawal", new { reason = "x" })
                            ),
                            _ => Call(
                                string.Create(CultureInfo.InvariantCulture, $"{word} {who}"),
                                client,
                                c => c.Post($"{path}/decisions", new { answer = word, note = "x" })
                            ),
                        }
                    );
                }
            }

            async Task Call(string name, ApiClient client, Func<ApiClient, Task<ApiAnswer>> call)
            {
                var begun = Stopwatch.GetTimestamp();
                string? answer = null;
                try
                {
                    var got = await call(client);
                    answer =
                        got.Status >= 500 ? null
                        : got.Status == 200 ? (name == "read" ? "" : "taken ") + got["status"]
                        : "refused";
                    Assert.True(got.Status < 500 || withCuts, $"{name}: {got.Status} {got.Text}");
                }
                catch (HttpRequestException) when (withCuts)
                {
                    // No answer came.
                }
                var ended = Stopwatch.GetTimestamp();
                lock (history)
                    history.Add(new Operation(name, begun, ended, answer));
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var node in Enumerable.Reverse(_nodes))
                await node.DisposeAsync();
        }
    }
}
