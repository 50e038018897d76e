using System.Diagnostics;
using System.Text.Json;
using Countersign.Cli;
using Countersign.Cli.Waiting;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary><c>countersign wait</c>: 0 is only for an approval that the hub itself tells of.</summary>
public sealed class WaitTests
{
    private const string Id = "01KJVKTCKH9HRBZQNA9PAFN91F";
    private static readonly string Digest = new('d', 64);

    [Theory, BothEngines]
    public async Task An_approval_ends_with_0_and_everything_else_that_was_decided_with_1(Engine engine)
    {
        await using var gate = await Gate.Start(engine, "pipeline");
        foreach (var (decision, code) in new[] { ("approve", 0), ("reject", 1) })
        {
            var waiting = Wait(gate, "--title", $"Deploy, {decision}", "--environment", "prod", "--fact", "a=b=c");
            var path = await gate.NextAsked();
            var asked = await gate.Bot.Get(path);
            Assert.Equal("""{"environment":"prod","a":"b=c"}""", asked.Json["facts"]!.ToJsonString());
            await gate.Decide(path, decision);
            var ran = await waiting.Soon();
            Assert.Equal(code, ran.ExitCode);
            Assert.Contains($"{gate.Host.Address}requests/{path.Split('/')[^1]}", ran.Error, StringComparison.Ordinal);
            Assert.StartsWith(code == 0 ? "Approved" : "Declined", ran.Output, StringComparison.Ordinal);
            // Trap 2: what waiting costs is said once.
            Assert.Single(ran.Error.Split('\n'), line => line.Contains("runner", StringComparison.Ordinal));
        }
        var withdrawn = Wait(gate, "--title", "Deploy, then not", "--json");
        var taken = await gate.NextAsked();
        Assert.Equal(200, (await gate.Bot.Post($"{taken}/withdrawal", new { })).Status);
        var (ended, document) = (await withdrawn.Soon(), default(JsonElement));
        document = JsonDocument.Parse(ended.Output).RootElement;
        Assert.Equal((1, "withdrawn"), (ended.ExitCode, document.GetProperty("status").GetString()));
    }

    [Theory, BothEngines]
    public async Task The_approval_is_redeemed_for_the_content_that_was_approved_and_no_other(Engine engine)
    {
        await using var gate = await Gate.Start(engine, "pipeline");
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "plan 1");
            var waiting = Wait(gate, "--title", "Apply", "--content", file, "--redeem", "--json");
            var path = await gate.NextAsked();
            Assert.Equal(
                Hashes.Sha256("plan 1"),
                (await gate.Bot.Get(path)).Json["facts"]!["content_sha256"]!.ToString()
            );
            await gate.Approve(path);
            var ran = await waiting.Soon();
            Assert.Equal(0, ran.ExitCode);
            Assert.NotNull(JsonDocument.Parse(ran.Output).RootElement.GetProperty("redeemed_at").GetString());
            Assert.NotNull((await gate.Bot.Get(path))["appliedAt"]);

            waiting = Wait(gate, "--title", "Apply again", "--content", file, "--redeem", "--json");
            path = await gate.NextAsked();
            await File.WriteAllTextAsync(file, "plan 2");
            await gate.Approve(path);
            ran = await waiting.Soon();
            Assert.Equal(1, ran.ExitCode);
            Assert.Contains("digest_mismatch", ran.Output, StringComparison.Ordinal);
            Assert.Null((await gate.Bot.Get(path))["appliedAt"]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory, BothEngines]
    public async Task Trap_4_a_retried_step_is_the_same_run_and_another_run_redeems_nothing(Engine engine)
    {
        await using var gate = await Gate.Start(engine, "pipeline");
        string[] same = ["--title", "Deploy", "--redeem", "--idempotency-key", "run-1"];
        var (first, second) = (Wait(gate, same), Wait(gate, same));
        var path = await gate.NextAsked();
        await gate.Approve(path);
        // The same key is the same run: a retried step gets the same answer.
        Assert.Equal((0, 0), ((await first.Soon()).ExitCode, (await second.Soon()).ExitCode));
        Assert.Single(await gate.Kinds(path), "request.redeemed");
        var id = path.Split('/')[^1];
        var later = await gate.Bot.Post($"{path}/redemption", new { digest = (await gate.Bot.Get(path))["digest"] });
        Assert.Equal((409, "already_used"), (later.Status, later.Code));
        Assert.NotEmpty(id);
    }

    [Fact]
    public async Task Fail_open_Trap_5_where_the_exit_code_is_ignored_there_is_nothing_to_redeem()
    {
        await using var gate = await Gate.Start(Engine.Sqlite, "pipeline");
        var waiting = Wait(gate, "--title", "Deploy || true");
        var path = await gate.NextAsked();
        await gate.Decide(path, "reject");
        Assert.Equal(1, (await waiting.Soon()).ExitCode);
        // The pipeline goes on all the same; what deploys asks here, and gets no.
        var used = await gate.Bot.Post($"{path}/redemption", new { digest = (await gate.Bot.Get(path))["digest"] });
        Assert.Equal((409, "not_approved"), (used.Status, used.Code));
    }

    [Fact]
    public async Task Wrong_use_ends_with_2()
    {
        foreach (
            var args in new[]
            {
                new[] { "wait" },
                ["wait", "--title", "x", "--key-file", "-", "--url", "ftp://example.test"],
                ["wait", "--title", "x", "--key-file", "-", "--url", "nowhere"],
                ["wait", "--title", "x", "--key-file", "/does/not/exist", "--url", "http://127.0.0.1:9"],
                ["wait", "--title", "x", "--key-file", "-", "--url", "http://127.0.0.1:9", "--fact", "none"],
                ["wait", "--title", "x", "--key-file", "-", "--url", "http://127.0.0.1:9", "--timeout", "soon"],
                ["wait", "--title", "x", "--key-file", "-", "--url", "http://127.0.0.1:9", "--link", "javascript:1"],
                ["wait", "--title", "x", "--key-file", "-", "--url", "http://127.0.0.1:9", "--content", "/no/file"],
                [
                    "wait",
                    "--title",
                    "x",
                    "--key-file",
                    "-",
                    "--url",
                    "http://127.0.0.1:9",
                    "--group",
                    "a",
                    "--assignee",
                    "b",
                ],
            }
        )
        {
            var ran = await Shell.Anywhere(args, "csk_key\n");
            Assert.Equal((string.Join(' ', args), 2), (string.Join(' ', args), ran.ExitCode));
        }
        Assert.Equal(
            2,
            (await Shell.Anywhere(["wait", "--title", "x", "--key-file", "-", "--url", "http://x"])).ExitCode
        );
    }

    [Theory, BothEngines]
    public async Task A_key_or_a_request_that_the_hub_refuses_ends_with_2(Engine engine)
    {
        await using var gate = await Gate.Start(engine, "pipeline");
        string[] args = ["wait", "--title", "x", "--key-file", "-", "--url", gate.Host.Address.ToString()];
        Assert.Equal(2, (await Shell.Anywhere(args, "csk_wrong")).ExitCode);
        Assert.Equal(2, (await Shell.Anywhere([.. args, "--assignee", "nobody@example.test"], gate.Key.Key)).ExitCode);
    }

    public static TheoryData<string, Conduct> NotTheHub() =>
        new()
        {
            { "a page", new Conduct.Answers(200, "<html>approved</html>", "Content-Type: text/html\r\n") },
            { "a redirect", new Conduct.Answers(302, "", "Location: https://login.example.test/\r\n") },
            { "nothing", new Conduct.Answers(200, "", "Content-Type: application/json\r\n") },
            { "no content", new Conduct.Answers(204) },
            { "another document", Json("""{"status":"approved"}""") },
            { "a list", Json("""["approved"]""") },
            { "a word", Json("\"approved\"") },
            { "no id", Json("""{"id":null,"status":"approved","digest":"x"}""") },
            { "a failure", new Conduct.Answers(500, """{"status":"approved"}""") },
            { "too many calls", new Conduct.Answers(429, "", "Retry-After: 1\r\n") },
            { "a broken connection", new Conduct.Resets() },
            { "half an answer", new Conduct.CutsShort("""{"id":"01""") },
            { "no end", new Conduct.Floods() },
            { "silence", new Conduct.Hangs() },
        };

    [Theory, MemberData(nameof(NotTheHub))]
    public async Task What_is_not_the_hub_ends_with_3(string what, Conduct conduct)
    {
        await using var other = new Receiver(conduct);
        var ran = await Against(other, "1s");
        Assert.Equal((what, 3), (what, ran.ExitCode));
        Assert.Equal("", ran.Output);
    }

    public static TheoryData<string, Conduct> NoDecision() =>
        new()
        {
            { "a page", new Conduct.Answers(200, "<html>approved</html>", "Content-Type: text/html\r\n") },
            { "a redirect", new Conduct.Answers(302, "", "Location: https://login.example.test/\r\n") },
            { "another request", Request("approved", id: "01KJVKTCKH9HRBZQNA9PAFN91G") },
            { "an unknown word", Request("APPROVED") },
            { "no word", Json($$"""{"id":"{{Id}}","digest":"{{Digest}}"}""") },
            { "a number", Json($$"""{"id":"{{Id}}","status":1,"digest":"{{Digest}}"}""") },
            { "an unseen one", new Conduct.Answers(404, "{}", "Content-Type: application/problem+json\r\n") },
            { "an ended key", new Conduct.Answers(401, "{}", "Content-Type: application/problem+json\r\n") },
            { "a failure", new Conduct.Answers(502, "<html>approved</html>") },
            { "a broken connection", new Conduct.Resets() },
            { "pending", Request("active") },
        };

    [Theory, MemberData(nameof(NoDecision))]
    public async Task Trap_1_anything_but_a_decision_in_time_ends_with_3(string what, Conduct conduct)
    {
        await using var hub = new Receiver(call => call.Method == "POST" ? Request("active", status: 201) : conduct);
        var ran = await Against(hub, "1s");
        Assert.Equal((what, 3), (what, ran.ExitCode));
        Assert.Equal("", ran.Output);
    }

    [Fact]
    public async Task An_approval_of_another_content_ends_with_1()
    {
        await using var hub = new Receiver(call =>
            call.Method == "POST" ? Request("active", status: 201) : Request("approved", digest: new string('e', 64))
        );
        Assert.Equal(1, (await Against(hub, "10s")).ExitCode);
    }

    [Fact]
    public async Task Trap_3_and_7_trouble_on_the_way_is_waited_out_within_what_proxies_allow_for_a_call()
    {
        var polls = 0;
        var clock = new TestClock();
        await using var hub = new Receiver(call =>
        {
            if (call.Method == "POST")
                return Request("active", status: 201);
            clock.Advance(polls % 2 == 0 ? TimeSpan.FromDays(400) : TimeSpan.FromDays(-800));
            return ++polls switch
            {
                1 => new Conduct.Resets(),
                2 => new Conduct.Answers(503, "<html>"),
                3 => new Conduct.Answers(200, "<html>approved</html>", "Content-Type: text/html\r\n"),
                4 => Request("active"),
                _ => Request("approved"),
            };
        });
        var said = new List<string>();
        using var calls = new HubCalls(new Uri(hub.Address, "/"), "csk_key");
        var outcome = await new WaitForDecision(calls, clock, said.Add)
        {
            Body = """{"subject":"x"}""",
            IdempotencyKey = "run",
            Timeout = TimeSpan.FromMinutes(5),
        }
            .Run(default)
            .Soon();
        Assert.IsType<WaitOutcome.Approved>(outcome);
        Assert.Equal(5, polls);
        Assert.All(hub.Calls.Where(c => c.Method == "POST"), c => Assert.Equal("run", c.Headers["idempotency-key"]));
        Assert.All(
            hub.Calls.Where(c => c.Method == "GET"),
            c => Assert.EndsWith("?wait=50s", c.Path, StringComparison.Ordinal)
        );
        Assert.All(hub.Calls, c => Assert.Equal("Bearer csk_key", c.Headers["authorization"]));
    }

    [Theory]
    [InlineData(409, "already_used", 1)]
    [InlineData(409, "expired", 1)]
    [InlineData(404, "not_found", 3)]
    [InlineData(200, "approved", 3)]
    public async Task An_approval_that_could_not_be_redeemed_never_ends_with_0(int status, string code, int expected)
    {
        await using var hub = new Receiver(call =>
            call.Path.EndsWith("/redemption", StringComparison.Ordinal)
                ? new Conduct.Answers(
                    status,
                    $$"""{"code":"{{code}}","id":"{{Id}}"}""",
                    "Content-Type: application/json\r\n"
                )
            : call.Method == "POST" ? Request("active", status: 201)
            : Request("approved")
        );
        Assert.Equal(expected, (await Against(hub, "10s", "--redeem")).ExitCode);
    }

    [Theory, BothEngines]
    public async Task Trap_8_interrupted_it_withdraws_if_that_was_asked_for_and_never_ends_with_0(Engine engine)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no kill.");
        await using var gate = await Gate.Start(engine, "pipeline");
        foreach (var (signal, withdraws) in new[] { ("INT", true), ("TERM", true), ("TERM", false) })
        {
            using var process = StartProgram(
                gate,
                [
                    "wait",
                    "--title",
                    $"Deploy {signal} {withdraws}",
                    .. withdraws ? ["--withdraw-on-cancel"] : Array.Empty<string>(),
                ]
            );
            var path = await gate.NextAsked();
            Assert.Contains(
                "Waiting for approval",
                await process.StandardError.ReadLineAsync().Soon(),
                StringComparison.Ordinal
            );
            var id = process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
            await Programs.Run("kill", [$"-{signal}", id]);
            await process.WaitForExitAsync().Soon();
            Assert.NotEqual(0, process.ExitCode);
            Assert.Equal(withdraws ? "withdrawn" : "active", (await gate.Bot.Get(path))["status"]);
            if (withdraws)
                Assert.Equal(1, process.ExitCode);
            else
                await gate.Decide(path, "reject");
        }
    }

    private static Process StartProgram(Gate gate, IEnumerable<string> args)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "countersign"), args)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["COUNTERSIGN_HUB"] = gate.Host.Address.ToString();
        start.Environment["COUNTERSIGN_KEY"] = gate.Key.Key;
        return Process.Start(start)!;
    }

    private static Task<Ran> Wait(Gate gate, params string[] args) =>
        Task.Run(() =>
            Shell.Anywhere(
                ["wait", .. args, "--url", gate.Host.Address.ToString(), "--key-file", "-"],
                gate.Key.Key + "\n"
            )
        );

    private static Task<Ran> Against(Receiver hub, string timeout, params string[] more) =>
        Shell
            .Anywhere(
                [
                    "wait",
                    "--title",
                    "x",
                    "--url",
                    new Uri(hub.Address, "/").ToString(),
                    "--key-file",
                    "-",
                    "--timeout",
                    timeout,
                    .. more,
                ],
                "csk_key"
            )
            .Soon();

    private static Conduct.Answers Json(string body) => new(200, body, "Content-Type: application/json\r\n");

    private static Conduct.Answers Request(string word, string id = Id, string? digest = null, int status = 200) =>
        new(
            status,
            $$"""{"id":"{{id}}","status":"{{word}}","display":"x","digest":"{{digest ?? Digest}}"}""",
            "Content-Type: application/json\r\n"
        );
}
