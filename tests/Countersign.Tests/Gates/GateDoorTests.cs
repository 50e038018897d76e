using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Countersign.Requests;
using Countersign.Simulator.Gates;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>What comes to the gates' addresses over HTTP and isn't as it should be.</summary>
public sealed partial class GateDoorTests
{
    private const string Other = "another-secret-of-another-source";

    [Theory]
    [InlineData(SourceKinds.Terraform)]
    [InlineData(SourceKinds.GitLab)]
    [InlineData(SourceKinds.Azure)]
    [InlineData(SourceKinds.Flagger)]
    public async Task Fail_open_bad_input_lets_nothing_through_and_the_page_says_what_happened(string kind)
    {
        await using var hub = await GateHub.Start(Engine.Sqlite, kind, overHttp: true);
        var caller = Caller.Of(kind);
        // Not set up: signed with nothing, and with what would be right later.
        foreach (var secret in new[] { "", caller.Secret })
            Assert.Equal(403, await Call(caller.Body, secret));
        await hub.Set(caller.Settings(caller.Secret));
        await hub.Hub.AddSource("other", kind: kind);
        Some.Done(
            await hub.Sources.Set(
                "other",
                caller.Settings(Other).ToDictionary(s => s.Name, s => s.Value),
                Some.Operator,
                default
            )
        );
        await hub.Noticed();

        // Another source's secret, none at all, and no header.
        foreach (var secret in new[] { Other, "" })
            Assert.Equal(401, await Call(caller.Body, secret));
        Assert.Equal(401, (await hub.Call(caller.Body, new Dictionary<string, string>())).Status);
        Assert.Equal("signature", (await hub.View()).Refused);
        // Addresses of other kinds and of no source, and other methods.
        var headers = caller.Headers(caller.Body, caller.Secret);
        foreach (
            var (path, status) in new[]
            {
                ($"/gates/{(kind == SourceKinds.Azure ? SourceKinds.GitLab : SourceKinds.Azure)}/{hub.Key.Id}", 404),
                ($"/gates/{kind}/{hub.Key.Id + 100}", 404),
                // No address of ours, so callers must first say who they are.
                ($"/gates/{kind}/x", 401),
                ($"/gates/unknown/{hub.Key.Id}", 404),
                // What may follow the source is the gate's own.
                ($"/gates/{kind}/{hub.Key.Id}/more", kind == SourceKinds.Flagger ? 401 : 404),
            }
        )
        {
            Assert.Equal((path, status), (path, (await hub.Send(HttpMethod.Post, path, caller.Body, headers)).Status));
        }
        var address = new Uri(await hub.Address() + caller.Path(caller.Secret)).AbsolutePath;
        Assert.Equal(401, (await hub.Send(HttpMethod.Get, address, null, new Dictionary<string, string>())).Status);

        // Signed as it should be, but nothing that can be read.
        foreach (var odd in Odd())
        {
            var answer = await Call(odd, caller.Secret);
            Assert.True(answer == 422, $"{answer} for {Encoding.UTF8.GetString(odd)[..Math.Min(odd.Length, 20)]}");
        }
        Assert.Null((await hub.View()).Refused);
        Assert.NotEqual(0, await hub.Place.Count("rejected_bodies"));
        if (kind is SourceKinds.Terraform or SourceKinds.Azure)
        {
            // What is kept to be looked at holds nothing with which others could answer.
            var member = kind == SourceKinds.Azure ? "AUTHTOKEN" : "access_token";
            var leaking = Encoding.UTF8.GetBytes($$"""{"x":[{"{{member}}":"tok-1"}]}""");
            Assert.Equal(422, await Call(leaking, caller.Secret, ("ProjectId", "")));
            Assert.Equal(422, await Call([.. leaking, (byte)','], caller.Secret));
            Assert.Equal(
                0,
                await hub.Place.Number(
                    "SELECT count(*) FROM rejected_bodies WHERE text LIKE @kept",
                    new { kept = "%tok-1%" }
                )
            );
        }
        // A form with the same in a field isn't the same.
        var form = Encoding.UTF8.GetBytes("payload=" + Uri.EscapeDataString(Encoding.UTF8.GetString(caller.Body)));
        Assert.Equal(422, await Call(form, caller.Secret, ("Content-Type", "application/x-www-form-urlencoded")));

        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(413, await Call(new byte[(6 * 1024 * 1024) + 1], caller.Secret));
        Assert.Equal("too_large", (await hub.View()).Refused);
        await hub.Hub.Sources.Disable("gate", Some.Operator, default);
        await hub.Noticed();
        Assert.Equal(403, await Call(caller.Body, caller.Secret));
        await hub.Hub.Sources.Enable("gate", Some.Operator, default);
        await hub.Noticed();
        Assert.Empty(await hub.Requests());

        // As it should be, many times at once and again days later: one request, and nothing let through.
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Call(caller.Body, caller.Secret)));
        Assert.All(answers, status => Assert.Equal(caller.Taken, status));
        Assert.Single(await hub.Requests());
        if (kind != SourceKinds.Flagger)
        {
            hub.Hub.Clock.Advance(TimeSpan.FromHours(20));
            Assert.Equal(caller.Taken, await Call(caller.Body, caller.Secret));
            Assert.Single(await hub.Requests());
        }
        Assert.Equal(Status.Active, (await hub.Last()).Status);
        // Halves of characters, which some readers throw at.
        var halves = Encoding.UTF8.GetString(caller.Body).Replace(":\"", ":\"\\ud800", StringComparison.Ordinal);
        Assert.InRange(await Call(Encoding.UTF8.GetBytes(halves), caller.Secret), 200, 499);

        async Task<int> Call(byte[] body, string secret, params (string Name, string Value)[] more)
        {
            var given = caller.Headers(body, secret);
            foreach (var (name, value) in more)
                given[name] = value;
            return (await hub.Call(body, given, caller.Path(secret).TrimStart('/'))).Status;
        }
    }

    [Theory]
    [InlineData(typeof(GitHubTrapTests), 15)]
    [InlineData(typeof(AzureTests), 12)]
    [InlineData(typeof(GitLabTests), 12)]
    [InlineData(typeof(TerraformTests), 14)]
    public void Each_numbered_trap_has_a_test_that_names_it(Type tests, int traps)
    {
        var named = tests
            .GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .SelectMany(m => Trap().Matches(m.Name))
            .SelectMany(m => m.Groups["number"].Captures)
            .Select(c => int.Parse(c.ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(Enumerable.Range(1, traps), named.Distinct().Order());
    }

    private static IEnumerable<byte[]> Odd() =>
        [
            .. new[] { "null", "[]", "{", "\"approved\"", "{\"a\":1,\"a\":2}", "\0", "<html>", "{}{}" }.Select(
                Encoding.UTF8.GetBytes
            ),
            [0xff, 0xfe, (byte)'{', 0, (byte)'}', 0],
            Encoding.UTF8.GetBytes(new string('[', 60_000)),
            Encoding.UTF8.GetBytes("{\"a\":" + new string('{', 2_000)),
        ];

    [GeneratedRegex("Trap_(?<number>\\d+)((_and)?_(?<number>\\d+))*", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Trap();

    /// <summary>One who calls as the other system does.</summary>
    /// <param name="Taken">What a good call is answered.</param>
    private sealed record Caller(
        string Secret,
        Func<string, (string Name, string Value)[]> Settings,
        byte[] Body,
        Func<byte[], string, Dictionary<string, string>> Headers,
        Func<string, string> Path,
        int Taken
    )
    {
        private static readonly string Sha = new('a', 40);

        public static Caller Of(string kind) =>
            kind switch
            {
                SourceKinds.Terraform => new(
                    FakeTerraform.Key,
                    key => [("hmacKey", key)],
                    """
                    {"stage":"pre_apply","access_token":"token","task_result_id":"taskrs-1",
                    "task_result_enforcement_level":"mandatory",
                    "task_result_callback_url":"https://app.terraform.io/api/v2/task-results/taskrs-1/callback"}
                    """u8.ToArray(),
                    (body, key) => new() { ["X-TFC-Task-Signature"] = FakeTerraform.Sign(body, key) },
                    _ => "",
                    200
                ),
                SourceKinds.GitLab => new(
                    FakeGitLab.Secret,
                    secret => [("secret", secret), ("token", FakeGitLab.Token)],
                    Encoding.UTF8.GetBytes(
                        """
                        {"object_kind":"merge_request","project":{"id":1207},"external_approval_rule":{"id":5},
                        "object_attributes":{"iid":42,"target_branch":"main","author_id":31,
                        "last_commit":{"id":"
                        """.TrimEnd()
                            + Sha
                            + "\"}}}"
                    ),
                    (body, secret) => new() { ["X-Gitlab-Signature"] = FakeGitLab.Sign(body, secret) },
                    _ => "",
                    202
                ),
                SourceKinds.Azure => new(
                    FakeAzureDevOps.Password,
                    password => [("collection", "https://dev.azure.com/acme"), ("password", password)],
                    """{"buildId":"1","stage":"Production","attempt":"1"}"""u8.ToArray(),
                    (_, password) =>
                        new()
                        {
                            ["Authorization"] =
                                "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("countersign:" + password)),
                            ["PlanUrl"] = "https://dev.azure.com/acme/",
                            ["ProjectId"] = FakeAzureDevOps.Project,
                            ["HubName"] = "checks",
                            ["PlanId"] = "11111111-1111-1111-1111-111111111111",
                            ["JobId"] = "22222222-2222-2222-2222-222222222222",
                            ["TaskInstanceId"] = "33333333-3333-3333-3333-333333333333",
                            ["AuthToken"] = "token",
                        },
                    _ => "",
                    200
                ),
                _ => new(
                    "0123456789abcdef0123456789abcdef",
                    secret => [("secret", secret.Replace("-", "", StringComparison.Ordinal))],
                    """{"name":"shop","namespace":"prod","phase":"Waiting","checksum":"85d557f47b"}"""u8.ToArray(),
                    (_, _) => [],
                    secret => $"/{(secret.Length > 0 ? secret : "none")}/confirm-rollout",
                    409
                ),
            };
    }
}
