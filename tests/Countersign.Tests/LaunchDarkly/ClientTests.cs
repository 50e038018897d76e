using System.Globalization;
using System.Text.Json;
using Countersign.LaunchDarkly;
using Xunit;

namespace Countersign.Tests.LaunchDarkly;

public sealed class ClientTests
{
    private const string Id = "66a8e20c0754610fae1fcf5d";

    [Theory, BothEngines]
    public async Task An_approval_is_asked_for_with_the_bare_token_one_version_and_no_environments(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        await hub.Connect();
        hub.Theirs.Approval(Id, "m1");

        var answer = await hub.Client.Approval(await hub.Open(), Id, default);

        var approval = Assert.IsType<LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Found>(answer).Value;
        Assert.Equal(("m1", Id, "pending"), (approval.RequestorId, approval.ExternalId, approval.ExternalStatus));
        Assert.Equal(("shop", "production", "dark-mode"), (approval.Project, approval.Environment, approval.Flag));
        var call = Assert.Single(hub.Theirs.Calls);
        Assert.Equal(FakeLaunchDarkly.Token, call.Headers["Authorization"]);
        Assert.Equal("20240415", call.Headers["LD-API-Version"]);
        Assert.DoesNotContain("environments", call.Path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, "refused the token")]
    [InlineData(403, "no access")]
    [InlineData(302, "redirect")]
    [InlineData(400, "refused the call")]
    public async Task What_LaunchDarkly_refuses_is_not_asked_again_as_if_it_were_busy(int status, string why)
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();
        await using var elsewhere = new FakeLaunchDarkly();
        hub.Theirs.Before = _ => new Conduct.Answers(status, "{}", $"Location: {elsewhere.BaseUrl}/api/v2/x\r\n");

        var answer = await hub.Client.Approval(await hub.Open(), Id, default);

        var refused = Assert.IsType<LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Refused>(answer);
        Assert.Contains(why, refused.Why, StringComparison.Ordinal);
        // The token went to the configured host and nowhere else.
        Assert.Empty(elsewhere.Calls);
        Assert.Single(hub.Theirs.Calls);
    }

    public static TheoryData<Conduct> Faults =>
        [
            new Conduct.Answers(500, "{}"),
            new Conduct.Answers(200, "<html>Down for maintenance</html>"),
            new Conduct.Answers(200, """{"_id":"66a8e20c0754610fae1fcf5d","_id":"66a8e20c0754610fae1fcf5e"}"""),
            new Conduct.Answers(200, "[]"),
            new Conduct.Answers(200, """{"_id":7}"""),
            new Conduct.Resets(),
            new Conduct.Floods(),
        ];

    [Theory, MemberData(nameof(Faults))]
    public async Task A_fault_is_something_that_may_pass(Conduct fault)
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();
        hub.Theirs.Before = _ => fault;

        var answer = await hub.Client.Approval(await hub.Open(), Id, default);

        Assert.IsType<LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Later>(answer);
    }

    [Theory, BothEngines]
    public async Task Where_LaunchDarkly_could_not_be_asked_the_connection_says_so_until_it_can(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        await hub.Connect();
        hub.Theirs.Before = _ => new Conduct.Answers(401, "{}");
        await hub.Client.Approval(await hub.Open(), Id, default);
        Assert.Contains(
            "401",
            (await hub.Connections.Find(ConnectedHub.Source, default))!.Problem,
            StringComparison.Ordinal
        );

        hub.Theirs.Before = _ => null;
        await hub.Client.Approval(await hub.Open(), Id, default);

        Assert.Null((await hub.Connections.Find(ConnectedHub.Source, default))!.Problem);
    }

    [Fact]
    public async Task A_workflow_that_is_taken_for_an_approval_is_not_one()
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();
        hub.Theirs.Approval(Id, "m1")["_id"] = "another";

        var answer = await hub.Client.Approval(await hub.Open(), Id, default);

        Assert.IsType<LaunchDarklyAnswer<ApprovalInLaunchDarkly>.NotFound>(answer);
    }

    [Fact]
    public async Task Where_the_rate_is_limited_nothing_is_called_until_the_time_it_names()
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();
        hub.Theirs.Approval(Id, "m1");
        hub.Theirs.Before = _ => new Conduct.Answers(429, "{}", "Retry-After: 30\r\n");
        var limited = await hub.Client.Approval(await hub.Open(), Id, default);
        Assert.Equal(
            TimeSpan.FromSeconds(30),
            Assert.IsType<LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Later>(limited).After
        );
        hub.Theirs.Before = _ => null;

        var early = await hub.Client.Approval(await hub.Open(), Id, default);
        Assert.IsType<LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Later>(early);
        Assert.Single(hub.Theirs.Calls);
        hub.Hub.Clock.Advance(TimeSpan.FromSeconds(31));

        Assert.IsType<LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Found>(
            await hub.Client.Approval(await hub.Open(), Id, default)
        );
    }

    /// <summary>In the past, in seconds, and a day from now.</summary>
    [Theory]
    [InlineData("past")]
    [InlineData("seconds")]
    [InlineData("tomorrow")]
    public async Task A_reset_that_cannot_be_one_is_not_believed(string kind)
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();
        var now = hub.Hub.Clock.Now;
        var reset = kind switch
        {
            "past" => now.AddMinutes(-5).ToUnixTimeMilliseconds(),
            "seconds" => now.AddSeconds(5).ToUnixTimeSeconds(),
            _ => now.AddDays(1).ToUnixTimeMilliseconds(),
        };
        hub.Theirs.Approval(Id, "m1");
        hub.Theirs.Before = _ => new Conduct.Answers(
            429,
            "{}",
            $"X-Ratelimit-Reset: {reset.ToString(CultureInfo.InvariantCulture)}\r\n"
        );

        await hub.Client.Approval(await hub.Open(), Id, default);

        Assert.InRange(hub.Client.PauseOf(hub.Key.Id), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(12));
    }

    [Fact]
    public async Task What_little_is_left_of_the_accounts_limit_is_left_to_others()
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();
        hub.Theirs.Before = _ => new Conduct.Answers(404, "{}", "X-Ratelimit-Global-Remaining: 2\r\n");

        await hub.Client.Approval(await hub.Open(), Id, default);

        Assert.True(hub.Client.PauseOf(hub.Key.Id) > TimeSpan.Zero);
    }

    [Fact]
    public async Task A_member_is_asked_for_once_an_hour_and_a_flag_once_in_half_a_minute()
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();
        hub.Theirs.Member("m1", "ann@example.test");
        hub.Theirs.Flag();

        for (var i = 0; i < 3; i++)
        {
            var connection = await hub.Open();
            Assert.IsType<LaunchDarklyAnswer<MemberInLaunchDarkly>.Found>(
                await hub.Client.Member(connection, "m1", default)
            );
            Assert.IsType<LaunchDarklyAnswer<JsonElement>.Found>(
                await hub.Client.Flag(connection, "shop", "dark-mode", "production", default)
            );
            hub.Hub.Clock.Advance(TimeSpan.FromSeconds(20));
        }

        Assert.Single(hub.Theirs.Calls, c => c.Path.Contains("/members/", StringComparison.Ordinal));
        Assert.Equal(2, hub.Theirs.Calls.Count(c => c.Path.Contains("/flags/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_next_page_on_another_host_is_not_asked_for()
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();
        const string page =
            """{"items":[{"_id":"m1","email":"a@x","_verified":true}],"_links":{"next":{"href":"NEXT"}}}""";
        hub.Theirs.Before = _ => new Conduct.Answers(
            200,
            page.Replace("NEXT", "https://evil.example/api/v2/members?offset=20", StringComparison.Ordinal)
        );
        var away = await hub.Client.Members(await hub.Open(), null, default);
        Assert.Null(Assert.IsType<LaunchDarklyAnswer<MemberPage>.Found>(away).Value.Next);

        hub.Theirs.Before = _ => new Conduct.Answers(
            200,
            page.Replace("NEXT", "/api/v2/members?offset=20", StringComparison.Ordinal)
        );
        var at = await hub.Client.Members(await hub.Open(), null, default);

        Assert.Equal("/api/v2/members?offset=20", Assert.IsType<LaunchDarklyAnswer<MemberPage>.Found>(at).Value.Next);
    }

    [Fact]
    public async Task Names_never_lead_out_of_their_part_of_the_path()
    {
        await using var hub = await ConnectedHub.Start(Engine.Sqlite);
        await hub.Connect();

        await hub.Client.Flag(await hub.Open(), "..", "a/../../tokens?x", "production", default);

        Assert.All(hub.Theirs.Calls, call => Assert.StartsWith("/api/v2/flags/", call.Path, StringComparison.Ordinal));
        Assert.All(hub.Theirs.Calls, call => Assert.DoesNotContain("/tokens", call.Path, StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task Testing_a_connection_names_each_right_that_is_missing(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        await hub.Connect();
        await hub.Set(new ConnectionChange { Describe = true, Apply = true });
        var test = new TestConnection(hub.Hub.Store, hub.Connections, hub.Client);

        var whole = Some.Done(await test.Run(ConnectedHub.Source, default));
        hub.Theirs.Before = call =>
            call.Path.Contains("/members", StringComparison.Ordinal) ? new Conduct.Answers(403, "{}")
            : call.Path.Contains("/caller-identity", StringComparison.Ordinal)
                ? new Conduct.Answers(200, """{"serviceToken":false}""")
            : null;
        var lacking = Some.Done(await test.Run(ConnectedHub.Source, default));

        Assert.True(whole.IsComplete);
        Assert.Equal("account-1", (await hub.Connections.Find(ConnectedHub.Source, default))!.AccountId);
        Assert.False(lacking.IsComplete);
        Assert.Equal(["members", "apply"], lacking.Rights.Where(r => r.IsGranted == false).Select(r => r.Name));

        // Nothing is lacking that LaunchDarkly didn't speak about.
        hub.Theirs.Before = _ => new Conduct.Answers(500, "{}");
        var unknown = Some.Done(await test.Run(ConnectedHub.Source, default));
        Assert.False(unknown.IsComplete);
        Assert.All(unknown.Rights, r => Assert.Null(r.IsGranted));
    }
}
