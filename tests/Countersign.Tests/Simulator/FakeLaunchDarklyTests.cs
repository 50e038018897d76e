using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Simulator.Rest;
using Xunit;

namespace Countersign.Tests.Simulator;

/// <summary>The simulated REST API, as LaunchDarkly's own client and our tests meet it.</summary>
public sealed class FakeLaunchDarklyTests
{
    private const string Typed = """
        import { ExpandableApprovalRequestResponse, ExpandableApprovalRequestsResponse, Members, Member, FeatureFlag,
          UserSegment, CallerIdentityRep, Token, Project, ApprovalRequestResponse } from 'launchdarkly-api-typescript';
        type Loose<T> = T & { [more: string]: any };
        """;

    [Fact]
    public async Task The_official_client_reads_and_applies_and_its_types_fit_every_answer()
    {
        using var npm = await Npm.Install(
            "launchdarkly-api-typescript@17.2.0",
            "typescript@5.9.3",
            "@types/node@24.10.1"
        );
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        var (approval, jane, flag) = Account(fake);
        var token = fake.AddToken(RestRights.Read | RestRights.Apply);
        await fake.Hear(approval, "EXT-1", "http://hub.example/approvals?approvalID=EXT-1", "approved", "Approved");

        var answers = JsonNode
            .Parse(
                await npm.Node(
                    $$"""
                    const ld = require('launchdarkly-api-typescript');
                    const at = new ld.Configuration({ basePath: '{{fake.Address.ToString().TrimEnd('/')}}',
                      apiKey: '{{token.Value}}' });
                    const approvals = new ld.ApprovalsApi(at), members = new ld.AccountMembersApi(at);
                    const flags = new ld.FeatureFlagsApi(at), segments = new ld.SegmentsApi(at);
                    const tokens = new ld.AccessTokensApi(at), projects = new ld.ProjectsApi(at);
                    (async () => {
                      const all = {
                        ExpandableApprovalRequestResponse:
                          await approvals.getApprovalRequest('{{approval.Id}}', 'flag,project,resource,environments'),
                        ExpandableApprovalRequestsResponse: await approvals.getApprovalRequests(
                          'status anyOf ["pending","scheduled"],projectKey equals shop', undefined, 200),
                        Member: await members.getMember('{{jane.Id}}'),
                        Members: await members.getMembers(2, 0, 'email:jane@example.com|mei@example.com', undefined,
                          'displayName'),
                        FeatureFlag: await flags.getFeatureFlag('shop', 'checkout', 'production'),
                        UserSegment: await segments.getSegment('shop', 'production', 'gold'),
                        CallerIdentityRep: await tokens.getCallerIdentity
                          ? await tokens.getCallerIdentity() : await new ld.OtherApi(at).getCallerIdentity(),
                        Token: await tokens.getToken('{{token.Id}}'),
                        Project: await projects.getProject('shop'),
                        ApprovalRequestResponse: await approvals.postApprovalRequestApply('{{approval.Id}}',
                          { comment: 'Approved in Countersign' }),
                      };
                      const missing = await approvals.getApprovalRequest('000000000000000000000000')
                        .catch(e => e.response.status + ' ' + e.response.data.code);
                      console.log(JSON.stringify({ missing,
                        ...Object.fromEntries(Object.entries(all).map(([name, a]) => [name, a.data])) }));
                    })().catch(e => { console.error(e.message, e.response && e.response.data); process.exit(1); });
                    """
                )
            )!
            .AsObject();

        Assert.Equal("404 not_found", answers["missing"]!.ToString());
        answers.Remove("missing");
        Assert.Equal(jane.Id, answers["ExpandableApprovalRequestResponse"]!["requestorId"]!.ToString());
        Assert.Equal(
            "EXT-1",
            answers["ExpandableApprovalRequestResponse"]!["integrationMetadata"]!["externalId"]!.ToString()
        );
        Assert.Single(answers["ExpandableApprovalRequestsResponse"]!["items"]!.AsArray());
        Assert.Equal(2, answers["Members"]!["items"]!.AsArray().Count);
        Assert.Equal("completed", answers["ApprovalRequestResponse"]!["status"]!.ToString());
        Assert.Equal(token.Id, answers["ApprovalRequestResponse"]!["appliedByServiceTokenId"]!.ToString());
        Assert.True(flag["environments"]!["production"]!["on"]!.GetValue<bool>());

        var literals = answers.Select((a, i) => $"export const a{i}: Loose<{a.Key}> = {a.Value!.ToJsonString()};");
        await File.WriteAllTextAsync(Path.Combine(npm.Folder, "check.ts"), Typed + string.Join('\n', literals));
        var (code, output, _) = await Programs.Run(
            "node",
            ["node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "check.ts"],
            npm.Folder
        );
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Rights_tokens_and_header_values_are_checked_as_LaunchDarkly_does()
    {
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        var (approval, jane, _) = Account(fake);
        var (reads, sees) = (fake.AddToken(), fake.AddToken(RestRights.View));
        var request = $"api/v2/approval-requests/{approval.Id}";

        Assert.Equal(200, await Get(fake, request, reads.Value));
        Assert.Equal(401, await Get(fake, request, "Bearer " + reads.Value));
        Assert.Equal(401, await Get(fake, request, null));
        Assert.Equal(400, await Get(fake, request, reads.Value, "20240415", "beta"));
        Assert.Equal(200, await Get(fake, $"api/v2/members/{jane.Id}", reads.Value));
        Assert.Equal(403, await Get(fake, $"api/v2/members/{jane.Id}", sees.Value));
        fake.Traps.MissingRightsAnswer401 = true;
        Assert.Equal(401, await Get(fake, $"api/v2/members/{jane.Id}", sees.Value));
        reads.IsRevoked = true;
        Assert.Equal(401, await Get(fake, request, reads.Value));
        Assert.Equal(8, fake.Calls.Count);
        Assert.Equal("Bearer " + reads.Value, fake.Calls[1].Authorization);
    }

    [Fact]
    public async Task Requests_are_deleted_hidden_at_first_and_found_by_the_ID_of_their_workflow()
    {
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        var (approval, _, _) = Account(fake);
        var token = fake.AddToken();
        (approval.WorkflowId, approval.HiddenReads) = ("66a8e20c0754610fae1fc000", 2);

        Assert.Equal(404, await Get(fake, $"api/v2/approval-requests/{approval.Id}", token.Value));
        Assert.Equal(404, await Get(fake, $"api/v2/approval-requests/{approval.Id}", token.Value));
        var (_, body) = await Read(fake, "api/v2/approval-requests/66a8e20c0754610fae1fc000", token.Value);
        Assert.Equal(approval.Id, JsonNode.Parse(body)!["_id"]!.ToString());
        fake.Delete(approval);
        Assert.Equal(404, await Get(fake, $"api/v2/approval-requests/{approval.Id}", token.Value));
    }

    [Theory]
    [InlineData(RestFault.RouteLimit, 429)]
    [InlineData(RestFault.RouteLimitInThePast, 429)]
    [InlineData(RestFault.AddressLimit, 429)]
    [InlineData(RestFault.Html, 200)]
    [InlineData(RestFault.BadGateway, 502)]
    [InlineData(RestFault.Unavailable, 503)]
    [InlineData(RestFault.Redirects, 302)]
    [InlineData(RestFault.CutShort, 200)]
    [InlineData(RestFault.OtherJson, 200)]
    [InlineData(RestFault.Breaks, 0)]
    public async Task A_fault_is_answered_as_often_as_asked_and_then_it_is_over(RestFault fault, int expected)
    {
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        var (approval, _, _) = Account(fake);
        var token = fake.AddToken();
        fake.Traps.Answer(fault, times: 1, which: c => c.Path.Contains("approval-requests", StringComparison.Ordinal));

        Assert.Equal(200, await Get(fake, "api/v2/members", token.Value));
        var (status, body) = await Read(fake, $"api/v2/approval-requests/{approval.Id}", token.Value);
        Assert.Equal(expected, status);
        Assert.DoesNotContain(approval.Id, body, StringComparison.Ordinal);
        Assert.Equal(200, await Get(fake, $"api/v2/approval-requests/{approval.Id}", token.Value));
    }

    [Fact]
    public async Task A_held_call_waits_until_it_is_let_go()
    {
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        var (approval, _, _) = Account(fake);
        var token = fake.AddToken();
        Task<int> waiting;
        using (fake.Traps.Hold())
        {
            waiting = Get(fake, $"api/v2/approval-requests/{approval.Id}", token.Value);
            await Eventually.True(() => fake.Calls.Count == 1, "the call arrives");
            Assert.False(waiting.IsCompleted);
        }
        Assert.Equal(200, await waiting);
    }

    [Fact]
    public async Task Only_an_approved_change_is_applied_once_and_a_conflict_leaves_the_flag_as_it_is()
    {
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        var (approval, _, flag) = Account(fake);
        var (reader, applier) = (fake.AddToken(), fake.AddToken(RestRights.Read | RestRights.Apply));
        var applied = new List<string>();
        fake.WhenApplied = a =>
        {
            applied.Add(a.Id);
            return Task.CompletedTask;
        };

        Assert.Equal(403, await Apply(fake, approval, reader));
        Assert.Equal(400, await Apply(fake, approval, applier));
        await fake.Hear(approval, "E", "http://hub.example/", "approved", "Approved");
        approval.ConflictReason = "The flag has changed.";
        Assert.Equal(409, await Apply(fake, approval, applier));
        Assert.Equal(
            ("failed", false),
            (approval.Status, flag["environments"]!["production"]!["on"]!.GetValue<bool>())
        );

        (approval.Status, approval.ConflictReason) = ("pending", null);
        fake.Traps.ApplyAnswerIsLost = true;
        Assert.Equal(0, await Apply(fake, approval, applier));
        fake.Traps.ApplyAnswerIsLost = false;
        Assert.Equal(400, await Apply(fake, approval, applier));
        Assert.Equal(["completed"], [approval.Status]);
        Assert.Equal([approval.Id], applied);
        Assert.True(flag["environments"]!["production"]!["on"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Members_come_in_pages_whose_links_can_be_made_to_mislead()
    {
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        for (var i = 0; i < 5; i++)
            fake.AddMember($"Member {i}", $"m{i}@example.com");
        var token = fake.AddToken();
        var seen = new List<string>();
        for (var next = "/api/v2/members?limit=2"; next is not null; )
        {
            var page = JsonNode.Parse((await Read(fake, next[1..], token.Value)).Body)!;
            seen.AddRange(page["items"]!.AsArray().Select(m => m!["email"]!.ToString()));
            next = page["_links"]!["next"]?["href"]!.ToString();
        }
        Assert.Equal(["m0@example.com", "m1@example.com", "m2@example.com", "m3@example.com", "m4@example.com"], seen);

        fake.Traps.LinksLeadTo = "http://198.51.100.7";
        var (_, body) = await Read(fake, "api/v2/members?limit=2", token.Value);
        Assert.StartsWith(
            "http://198.51.100.7/",
            JsonNode.Parse(body)!["_links"]!["next"]!["href"]!.ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_webhook_is_signed_over_its_bytes()
    {
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        var (approval, jane, _) = Account(fake);
        await using var receiver = new Receiver(new Conduct.Answers(204));
        using var http = new HttpClient();
        var body = fake.WebhookBody(approval, "createApprovalRequest", jane);

        Assert.Equal(
            204,
            await FakeLaunchDarkly.Deliver(
                http,
                receiver.Address,
                body,
                "s3cret",
                TestContext.Current.CancellationToken
            )
        );
        var got = Assert.Single(receiver.Calls);
        Assert.Equal(body, got.Body);
        Assert.Equal(
            FakeLaunchDarkly.Sign(body, "s3cret"),
            got.Headers.First(h => h.Key.Equals("X-LD-Signature", StringComparison.OrdinalIgnoreCase)).Value
        );
        Assert.Equal("jane@example.com", JsonNode.Parse(body)!["member"]!["email"]!.ToString());
    }

    [Fact]
    public async Task Instructions_come_back_exactly_as_they_were_written()
    {
        await using var fake = await FakeLaunchDarkly.Start(new TestClock());
        var (approval, _, _) = Account(fake);
        var token = fake.AddToken();
        approval.Instructions = """[{"kind":"unheardOf","weight":1.50,"big":12345678901234567890}]""";
        var (_, body) = await Read(fake, $"api/v2/approval-requests/{approval.Id}", token.Value);
        Assert.Contains(approval.Instructions, body, StringComparison.Ordinal);
        fake.Traps.InstructionsAsText = true;
        (_, body) = await Read(fake, $"api/v2/approval-requests/{approval.Id}", token.Value);
        Assert.Equal(JsonValueKind.String, JsonNode.Parse(body)!["instructions"]!.GetValueKind());
    }

    private static (RestApproval, RestMember, JsonObject Flag) Account(FakeLaunchDarkly fake)
    {
        var jane = fake.AddMember("Jane Doe", "jane@example.com");
        fake.AddMember("Mei Tanaka", "mei@example.com");
        var flag = fake.AddFlag(
            "shop",
            "checkout",
            "Checkout",
            [("On", true), ("Off", false)],
            "production",
            "staging"
        );
        fake.AddSegment("shop", "production", "gold", "Gold customers");
        var approval = fake.Open(
            new RestApproval
            {
                Project = "shop",
                Environment = "production",
                Resource = "checkout",
                RequestorId = jane.Id,
                Description = "Turn on the checkout",
                Instructions = """[{"kind":"turnFlagOn"}]""",
            }
        );
        return (approval, jane, flag);
    }

    private static async Task<int> Get(FakeLaunchDarkly fake, string path, string? token, params string[] versions) =>
        (await Read(fake, path, token, versions)).Status;

    private static async Task<int> Apply(FakeLaunchDarkly fake, RestApproval approval, RestToken token)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            new Uri(fake.Address, $"api/v2/approval-requests/{approval.Id}/apply")
        );
        request.Headers.TryAddWithoutValidation("Authorization", token.Value);
        request.Content = new StringContent("{}");
        return (await Send(request)).Status;
    }

    private static async Task<(int Status, string Body)> Read(
        FakeLaunchDarkly fake,
        string path,
        string? token,
        params string[] versions
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(fake.Address, path));
        if (token is not null)
            request.Headers.TryAddWithoutValidation("Authorization", token);
        foreach (var version in versions)
            request.Headers.TryAddWithoutValidation("LD-API-Version", version);
        return await Send(request);
    }

    private static async Task<(int Status, string Body)> Send(HttpRequestMessage request)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        try
        {
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            return (
                (int)response.StatusCode,
                await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
            );
        }
        catch (HttpRequestException)
        {
            return (0, "");
        }
    }
}
