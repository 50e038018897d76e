using System.Diagnostics;
using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Tests.Cli;

public sealed class DemoTests
{
    /// <summary>These tests look more often than a person does.</summary>
    private static readonly string[] Switches =
    [
        "demo",
        "--json",
        "--urls",
        "http://127.0.0.1:0",
        "--every",
        "1h",
        "--RateLimit:PerKeyPerMinute",
        "0",
    ];

    [Theory, BothEngines]
    public async Task One_command_brings_up_a_hub_where_much_waits_and_some_is_decided(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await using var demo = await Demo.Start(shell);
        var people = demo.Introduction["people"]!.AsArray();
        Assert.Equal(["admin", "agent", "agent", "agent", "end-user"], people.Select(p => p!["role"]!.ToString()));
        Assert.Equal(people.Count, people.Select(p => p!["password"]!.ToString()).Distinct().Count());
        Assert.StartsWith("csk_", demo.Introduction["source"]!["key"]!.ToString(), StringComparison.Ordinal);

        using var jane = demo.Person(1);
        await Eventually.True(
            async () =>
                (await Statuses(jane)) is { Count: 8 } statuses
                && statuses.Count(s => s == "active") == 6
                && statuses.Contains("rejected"),
            "eight requests, two of them decided"
        );
        // An agent, a pipeline and a deployment wait beside LaunchDarkly's changes.
        foreach (var source in new[] { "Database agent", "Deployments", "GitHub" })
        {
            await Eventually.True(
                async () =>
                    (await jane.Get($"api/v1/requests?waiting=me&source={source}")).Json["requests"]!.AsArray().Count
                    == 1,
                $"a request of {source}"
            );
        }
        await Eventually.True(
            async () => (await Requests(jane)).Any(r => r["appliedAt"] is not null),
            "the approved one is applied"
        );

        // LaunchDarkly has confirmed who asked and what changes; only one requester is nobody here. What was decided
        // before it answered stays as it was.
        await Eventually.True(
            async () =>
            {
                var active = (await Requests(jane)).Where(r => r["status"]!.ToString() == "active").ToList();
                var all = await Task.WhenAll(
                    active.Select(async r => (await jane.Get($"api/v1/requests/{r["id"]}")).Json)
                );
                return all.Count(r => r["requesterCertainty"]?.ToString() == "proven") == active.Count - 1
                    && all.All(r => r["changes"] is JsonArray { Count: > 0 } changes && IsUnderstood(changes));
            },
            "requesters are identified and changes can be read"
        );

        // What Jane approves together with another is applied too.
        using var alex = demo.Person(0);
        var asked = (await Requests(jane)).First(r =>
            r["status"]!.ToString() == "active"
            && r["display"]!.ToString().StartsWith("0 of 2", StringComparison.Ordinal)
        );
        foreach (var person in new[] { jane, alex })
        {
            Assert.Equal(
                200,
                (
                    await person.Post(
                        $"api/v1/requests/{asked["id"]}/decisions",
                        new
                        {
                            answer = "approve",
                            note = "",
                            digest = asked["digest"]!.ToString(),
                        }
                    )
                ).Status
            );
        }
        await Eventually.True(
            async () => (await jane.Get($"api/v1/requests/{asked["id"]}")).Json["appliedAt"] is not null,
            "LaunchDarkly hears of it and applies it"
        );
    }

    [Theory, BothEngines]
    public async Task Started_again_it_keeps_its_requests_and_gives_new_passwords_tokens_and_keys(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var shell = await Shell.Start(engine);
        JsonNode first;
        await using (var demo = await Demo.Start(shell))
        {
            first = demo.Introduction;
            using var jane = demo.Person(1);
            await Eventually.True(async () => (await Statuses(jane)).Count == 8, "eight requests");
        }
        await using var again = await Demo.Start(shell);
        foreach (var i in Enumerable.Range(0, 5))
        {
            Assert.Equal(
                first["people"]![i]!["email"]!.ToString(),
                again.Introduction["people"]![i]!["email"]!.ToString()
            );
            Assert.NotEqual(
                first["people"]![i]!["password"]!.ToString(),
                again.Introduction["people"]![i]!["password"]!.ToString()
            );
        }
        using var janeAgain = again.Person(1);
        await Eventually.True(async () => (await Statuses(janeAgain)).Count == 16, "eight requests more");
        using var old = new ApiClient(again.Url, Demo.Basic(first["people"]![1]!));
        Assert.Equal(401, (await old.Get("api/v1/requests")).Status);
        using var oldKey = new ApiClient(again.Url, new("Bearer", first["source"]!["key"]!.ToString()));
        Assert.Equal(401, (await oldKey.Get("api/members")).Status);
    }

    [Theory, BothEngines]
    public async Task Serve_refuses_the_demo_s_store_and_the_demo_refuses_any_other_that_is_in_use(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using (var shell = await Shell.Start(engine))
        {
            await using (await Demo.Start(shell)) { }
            var served = await shell.Json("serve", "--urls", "http://127.0.0.1:0");
            Assert.Equal((1, "unavailable"), served.Failure);
            Assert.Contains("countersign demo", served.Error, StringComparison.Ordinal);
        }
        await using (var shell = await Shell.Start(engine))
        {
            await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
            Assert.Equal((1, "exists"), (await shell.Run(Switches)).Failure);
            Assert.Equal(1, await shell.Place.Count("events"));
        }
    }

    [Theory]
    [InlineData("--urls", "http://0.0.0.0:5080")]
    [InlineData("--urls", "http://127.0.0.1:0;http://approvals.example.com:80")]
    [InlineData("--urls", "http://*:5080")]
    [InlineData("--every", "often")]
    public async Task It_serves_this_machine_only_and_says_what_it_does_not_understand(string name, string value)
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        Assert.Equal((2, "usage"), (await shell.Json("demo", name, value)).Failure);
        Assert.Empty(System.IO.Directory.EnumerateFiles(shell.Place.Options.DataFolder));
    }

    private static bool IsUnderstood(JsonArray changes) => changes.All(c => c!["understood"]!.GetValue<bool>());

    private static async Task<List<JsonNode>> Requests(ApiClient person) =>
        [
            .. (await person.Get("api/v1/requests")).Json["requests"]!
                .AsArray()
                .Select(r => r!)
                .Where(r => r["source"]!.ToString().StartsWith("LaunchDarkly", StringComparison.Ordinal)),
        ];

    private static async Task<List<string>> Statuses(ApiClient person) =>
        [.. (await Requests(person)).Select(r => r["status"]!.ToString())];

    /// <summary>The demo in a process of its own, as somebody starts it.</summary>
    private sealed class Demo : IAsyncDisposable
    {
        private readonly Process _process;

        private Demo(Process process, JsonNode introduction) => (_process, Introduction) = (process, introduction);

        public JsonNode Introduction { get; }
        public Uri Url => new(Introduction["url"]!.ToString() + "/");

        public static async Task<Demo> Start(Shell shell)
        {
            var process = shell.StartProgram(Switches);
            try
            {
                var line = await process.StandardOutput.ReadLineAsync().Soon();
                return line is null
                    ? throw new InvalidOperationException(
                        $"The demo did not start: {await process.StandardError.ReadToEndAsync()}"
                    )
                    : new Demo(process, JsonNode.Parse(line)!);
            }
            catch
            {
                process.Kill();
                throw;
            }
        }

        public ApiClient Person(int index) => new(Url, Basic(Introduction["people"]![index]!));

        public static System.Net.Http.Headers.AuthenticationHeaderValue Basic(JsonNode person) =>
            new(
                "Basic",
                Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{person["email"]}/token:{person["token"]}"))
            );

        public async ValueTask DisposeAsync()
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
    }
}
