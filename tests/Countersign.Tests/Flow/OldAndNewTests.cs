using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>
/// Nodes of two versions on one PostgreSQL, as while nodes are replaced one by one: what each of them writes and says,
/// the other reads and hears. <c>./test.sh --long</c> builds the version before; where it can't, both nodes are of
/// today's.
/// </summary>
public sealed class OldAndNewTests
{
    private static readonly string? Given = Environment.GetEnvironmentVariable("TEST_OLD_PROGRAM");
    private static readonly string Old = Given is { Length: > 0 } ? Given : Shell.OwnProgram;

    [Theory, PostgresOnly]
    public async Task Nodes_of_two_versions_understand_each_other_in_both_directions(Engine engine)
    {
        Assert.SkipUnless(LongRun.IsAskedFor || Given is not null, "Only ./test.sh --long builds the version before.");
        await using var shell = await Shell.StartEmpty(engine);
        await using var world = await World.SetUp(shell);
        var before = await Migrations(shell);
        await using var old = await world.Start(Old);
        await using (var first = await world.Start(Shell.OwnProgram))
        {
            await world.Converse(old, first);
            await world.Converse(first, old);
            await world.DeliversAllAfterTheEndOf(first, old);
        }
        await using var next = await world.Start(Shell.OwnProgram);
        using (var http = new HttpClient { BaseAddress = old.Address })
        {
            // It serves on, and says what it found.
            using var health = await http.GetAsync("/health/ready", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        }
        await world.Converse(old, next);
        await world.DeliversAllAfterTheEndOf(old, next);

        if (await Migrations(shell) > before)
        {
            var (code, said) = await World.Run(shell, Old, ["serve", .. world.Settings]);
            Assert.Equal(1, code);
            Assert.Contains("newer", said, StringComparison.Ordinal);
        }
        JsonElement log = default;
        await Eventually.True(
            async () =>
            {
                log = (await shell.Json("audit", "verify")).Done;
                return log.GetProperty("unsealed").GetInt64() == 0;
            },
            "everything is sealed"
        );
        Assert.True(log.GetProperty("ok").GetBoolean());
        Assert.Equal([], old.Faults.Concat(next.Faults));
    }

    private static async Task<int> Migrations(Shell shell) =>
        (await Inspection.Of(shell.Place.Options, shell.Place.Clock, default)).Applied.Count;

    /// <summary>People, a source and a webhook, as the old version set them up.</summary>
    private sealed class World : IAsyncDisposable
    {
        private const string Email = "ada@example.test",
            Password = "correct horse battery";

        private readonly Shell _shell;
        private readonly Receiver _receiver;
        private readonly MailBox _box = new();
        private volatile bool _hangs;
        private string _token = "",
            _key = "";
        private int _asked;

        private World(Shell shell)
        {
            _shell = shell;
            _receiver = new Receiver(_ => _hangs ? new Conduct.Hangs() : new Conduct.Answers(200));
        }

        public string[] Settings =>
            [
                "--Urls=http://127.0.0.1:0",
                "--PublicUrl=http://approvals.example.test",
                "--Egress:Allow=127.0.0.0/8",
                "--RateLimit:PerKeyPerMinute=0",
                "--Email:Host=127.0.0.1",
                $"--Email:Port={_box.Port}",
                "--Email:Security=none",
                "--Email:From=approvals@example.test",
            ];

        public static async Task<World> SetUp(Shell shell)
        {
            var world = new World(shell);
            await Verb(Password + "\n", "user", "add", Email, "--name", "Ada", "--role", "admin", "--password-stdin");
            world._token = (await Verb("", "token", "add", Email)).GetProperty("token").GetString()!;
            world._key = (await Verb("", "source", "add", "Shop", "--kind", "api")).GetProperty("key").GetString()!;
            await Verb("", "webhook", "add", world._receiver.Address.ToString(), "--event", "request.submitted");
            return world;

            async Task<JsonElement> Verb(string input, params string[] arguments)
            {
                var (code, said) = await Run(shell, Old, [.. arguments, "--json"], input);
                Assert.True(code == 0, said);
                return JsonDocument.Parse(said).RootElement;
            }
        }

        public Task<Node> Start(string program) => Node.Start(_shell, program, Settings);

        public static async Task<(int Code, string Said)> Run(
            Shell shell,
            string program,
            string[] arguments,
            string input = ""
        )
        {
            if (program == Shell.OwnProgram)
            {
                var ran = await shell.RunWithInput(input, arguments);
                return (ran.ExitCode, ran.Output + ran.Error);
            }
            using var process = shell.StartOther(program, arguments);
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync().Soon();
            return (process.ExitCode, await output + await error);
        }

        /// <summary>What is begun at the one node is continued at the other.</summary>
        public async Task Converse(Node one, Node other)
        {
            using var shopHere = Shop(one);
            using var shopThere = Shop(other);
            using var adaHere = Ada(one);
            using var adaThere = Ada(other);

            // A request, the answer to a repeated call, a wait and a stream there, and a decision here.
            var name = $"{Interlocked.Increment(ref _asked)}";
            var body = new { subject = $"Change {name}", externalId = name };
            var asked = await shopHere.Post("/api/v1/requests", body, ("Idempotency-Key", $"key-{name}"));
            Assert.Equal(201, asked.Status);
            Assert.Equal(
                (201, asked.Text),
                await Of(shopThere.Post("/api/v1/requests", body, ("Idempotency-Key", $"key-{name}")))
            );
            var path = $"/api/v1/requests/{asked["id"]}";
            await using var news = await News.Listen(adaThere);
            var waits = shopThere.Get($"{path}?wait=100s");
            var decided = await adaHere.Post($"{path}/decisions", new { answer = "approve" });
            Assert.Equal((200, "approved"), (decided.Status, decided["status"]));
            Assert.Equal("approved", (await waits.Soon())["status"]);
            await news.Brings(asked["id"]!, "request.approved");
            Assert.Equal(409, (await adaThere.Post($"{path}/decisions", new { answer = "reject" })).Status);

            // A session, the proof in a form, and a list's next page.
            using var here = new Browser(one.Address, null);
            var entered = await here.Submit("/sign-in", "/sign-in", ("email", Email), ("password", Password));
            Assert.Equal(302, entered.Status);
            using var there = new Browser(other.Address, null);
            foreach (Cookie cookie in here.Cookies.GetCookies(one.Address))
                there.Cookies.Add(cookie);
            var second = await shopHere.Post("/api/v1/requests", new { subject = "From a page" });
            var page = $"/requests/{second["id"]}";
            var shown = await here.Get(page);
            var pressed = await there.Post(
                page,
                (Browser.TokenField, shown.Token!),
                ("do", "reject"),
                ("digest", second["digest"]!),
                ("note", "Not now")
            );
            Assert.Equal(302, pressed.Status);
            Assert.Equal("rejected", (await shopHere.Get($"/api/v1/requests/{second["id"]}"))["status"]);
            var first = await adaHere.Get("/api/v1/requests?size=1");
            var following = await adaThere.Get($"/api/v1/requests?size=1&cursor={first["next"]}");
            Assert.Equal(asked["id"], following.Json["requests"]![0]!["id"]!.ToString());

            // A person who comes here is known there, and shut out there as soon as here.
            var email = $"person-{name}@example.test";
            Assert.Equal(201, (await adaHere.Post("/api/v1/people", new { email, name = $"Person {name}" })).Status);
            var token = await adaHere.Post("/api/v1/tokens", new { email });
            using var person = new ApiClient(other.Address, Basic(email, token["token"]!));
            Assert.Equal(200, (await person.Get("/api/v1/requests")).Status);
            Assert.Equal(204, (await adaHere.Post($"/api/v1/people/{email}/disable", new { })).Status);
            await Eventually.True(
                async () => (await person.Get("/api/v1/requests")).Status == 401,
                "they are shut out there"
            );
            await Eventually.True(() => _box.Mails.Any(m => m.Text.Contains(body.subject, Comparison)), "a mail came");
            await Delivered();
        }

        /// <summary>Calls that a node was making when it ended are made by the other, with the ids they had.</summary>
        public async Task DeliversAllAfterTheEndOf(Node ends, Node stays)
        {
            _hangs = true;
            var calls = _receiver.Calls.Count;
            foreach (var node in new[] { ends, stays, ends, stays })
            {
                using var shop = Shop(node);
                Assert.Equal(201, (await shop.Post("/api/v1/requests", new { subject = "On the way" })).Status);
            }
            await Eventually.True(() => _receiver.Calls.Count > calls, "a call is on its way");
            await ends.Kill();
            _hangs = false;
            // As they would after a minute or so.
            await _shell.Place.Tamper(
                "UPDATE jobs SET next_at = '2020-01-01T00:00:00.000Z' WHERE holder IS NOT NULL AND kind = 'delivery'"
            );
            await Delivered();
        }

        /// <summary>Every request that was submitted has arrived, each under one id.</summary>
        private async Task Delivered()
        {
            await using var connection = await _shell.Place.OpenRaw();
            await Eventually.True(
                async () =>
                    await Number("SELECT count(*) FROM deliveries WHERE channel = 'webhook' AND state = 'delivered'")
                    == await Number("SELECT count(*) FROM requests"),
                "every request has arrived"
            );
            Assert.Equal(
                await Number("SELECT count(*) FROM requests"),
                _receiver.Calls.Select(c => c.Headers["webhook-id"]).Distinct().Count()
            );

            async ValueTask<long> Number(string sql)
            {
                await using var command = connection.CreateCommand();
                command.CommandText = sql;
                return (long)(await command.ExecuteScalarAsync())!;
            }
        }

        private const StringComparison Comparison = StringComparison.Ordinal;

        private static async Task<(int, string)> Of(Task<ApiAnswer> answer) =>
            ((await answer).Status, (await answer).Text);

        private ApiClient Shop(Node node) => new(node.Address, new("Bearer", _key));

        private ApiClient Ada(Node node) => new(node.Address, Basic(Email, _token));

        private static System.Net.Http.Headers.AuthenticationHeaderValue Basic(string email, string token) =>
            new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{email}/token:{token}")));

        public async ValueTask DisposeAsync()
        {
            await _receiver.DisposeAsync();
            await _box.DisposeAsync();
        }
    }

    /// <summary>An open stream of events.</summary>
    private sealed class News : IAsyncDisposable
    {
        private readonly HttpResponseMessage _response;
        private readonly StreamReader _lines;

        private News(HttpResponseMessage response, Stream stream) =>
            (_response, _lines) = (response, new StreamReader(stream));

        public static async Task<News> Listen(ApiClient client)
        {
            var response = await client.Http.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return new News(response, await response.Content.ReadAsStreamAsync());
        }

        /// <summary>Reads on until it says this of the request.</summary>
        public async Task Brings(string request, string kind)
        {
            var isKind = false;
            while (await _lines.ReadLineAsync().Soon() is { } line)
            {
                isKind |= line.Contains(kind, StringComparison.Ordinal);
                if (isKind && line.Contains(request, StringComparison.Ordinal))
                    return;
                isKind &= line.Length > 0;
            }
            Assert.Fail("The stream has ended.");
        }

        public ValueTask DisposeAsync()
        {
            _lines.Dispose();
            _response.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
