using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Xunit;
using LaunchDarklyAnswer = Countersign.Doors.LaunchDarkly.Answer;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>What goes over the wire, to the letter: paths, methods, words and refusals.</summary>
public sealed class WireTests
{
    [Theory, BothEngines]
    public async Task A_change_is_asked_for_approved_and_applied(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var created = await host.Side.Create(LaunchDarklySide.Body());
        Assert.Equal((201, "application/json"), (created.Status, created.MediaType));
        Assert.Equal(
            (LaunchDarklySide.Id, "pending", "0 of 1 approval, waiting for SRE"),
            (created["_id"], created.Value(), created.Display())
        );
        Assert.Equal(created.Text, (await host.Side.Status()).Text);

        Assert.IsType<DecideOutcome.Settled>(await host.Approve(host.People[0]));
        var approved = await host.Side.Status();
        Assert.Equal((200, "approved", "Approved by Ann"), (approved.Status, approved.Value(), approved.Display()));

        var applied = await host.Side.Apply();
        Assert.Equal((200, "approved", "Approved, applied"), (applied.Status, applied.Value(), applied.Display()));
        Assert.Equal(
            ["request.submitted", "request.approved", "request.applied"],
            await host.Hub.Kinds((await host.Request()).Id)
        );
    }

    [Theory, BothEngines]
    public async Task A_change_is_declined(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine, need: 2);
        await host.Side.Create(LaunchDarklySide.Body());
        await host.Answer(host.People[1], Requests.Answer.Reject);
        var declined = await host.Side.Status();
        Assert.Equal(("declined", "Declined by Ben"), (declined.Value(), declined.Display()));
    }

    [Fact]
    public void Trap_01_02_03_every_value_reads_as_approved_or_declined_exactly_when_it_is_so()
    {
        foreach (var status in Enum.GetValues<Status>())
        {
            foreach (
                var display in new[]
                {
                    "",
                    "0 of 2 approvals, waiting for approved",
                    "Declined by approved",
                    "Approved, applied",
                }
            )
            {
                var value = JsonNode.Parse(JsonOf(LaunchDarklyAnswer.Of("x", status, display)))!["status"]![
                    "value"
                ]!.GetValue<string>();
                Assert.Equal(status == Status.Approved, LaunchDarklySide.ReadsApproved(value));
                Assert.Equal(status == Status.Rejected, LaunchDarklySide.ReadsDeclined(value));
                Assert.Equal(value.ToLowerInvariant(), value);
            }
        }
        Assert.Equal("approved", Status.Approved.ToLaunchDarkly());
        Assert.Equal("declined", Status.Rejected.ToLaunchDarkly());
    }

    [Fact]
    public void What_is_displayed_is_one_short_line_whatever_people_are_called()
    {
        foreach (
            var name in new[]
            {
                "a\nb",
                "nul\0",
                new string('x', 5_000),
                string.Concat(Enumerable.Repeat("😀", 500)),
                "</script>\"'\\",
            }
        )
        {
            var display = JsonNode.Parse(JsonOf(LaunchDarklyAnswer.Of("x", Status.Approved, "Approved by " + name)))![
                "status"
            ]!["display"]!.GetValue<string>();
            Assert.InRange(display.Length, 1, LaunchDarklyAnswer.MaxDisplay);
            Assert.DoesNotContain(display, char.IsControl);
            Assert.False(Names.HasLoneSurrogate(display));
        }
    }

    [Theory, BothEngines]
    public async Task Trap_04_the_id_in_the_answer_is_the_one_that_was_sent(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        foreach (var id in new[] { LaunchDarklySide.Id, "A-b_9", new string('f', 200) })
        {
            Assert.Equal(id, (await host.Side.Create(LaunchDarklySide.Body(id)))["_id"]);
            Assert.Equal((200, id), ((await host.Side.Status(id)).Status, (await host.Side.Status(id))["_id"]));
        }
        // LaunchDarkly would put these into a path as they are, and never find its way back.
        foreach (var id in new[] { "", "a b", "a/b", "a?b", "ä", "a\0b", new string('f', 201) })
            (await host.Side.Create(LaunchDarklySide.Body(id))).Refuses(400, "invalid");
    }

    [Fact]
    public async Task Trap_05_apply_and_cancel_are_posts_and_nothing_else()
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        await host.Side.Create(LaunchDarklySide.Body());
        foreach (var path in new[] { "apply", "cancel" })
        {
            foreach (var method in new[] { HttpMethod.Patch, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Get })
            {
                (await host.Side.Client.Send(method, $"/api/approvals/{LaunchDarklySide.Id}/{path}", null)).Refuses(
                    405,
                    "method_not_allowed"
                );
            }
        }
        (await host.Side.Client.Get("/api/approvals")).Refuses(405, "method_not_allowed");
        (await host.Side.Client.Delete("/api/approvals/" + LaunchDarklySide.Id)).Refuses(404, "not_found");
        Assert.Equal(Status.Active, (await host.Request()).Status);
    }

    [Theory]
    [InlineData("Content-Length: 0\r\n")]
    [InlineData("")]
    [InlineData("Transfer-Encoding: chunked\r\n")]
    public async Task Trap_06_a_post_with_a_json_content_type_may_be_empty(string length)
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        await host.Side.Create(LaunchDarklySide.Body());
        foreach (var (path, value) in new[] { ("apply", "pending"), ("cancel", "pending") })
        {
            using var tcp = new TcpClient();
            await tcp.ConnectAsync(host.Host.Address.Host, host.Host.Address.Port);
            await using var stream = tcp.GetStream();
            var end = length.StartsWith("Transfer", StringComparison.Ordinal) ? "0\r\n\r\n" : "";
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes(
                    $"POST /api/approvals/{LaunchDarklySide.Id}/{path} HTTP/1.1\r\nHost: x\r\nConnection: "
                        + $"close\r\nAuthorization: Bearer {host.Key.Key}\r\nContent-Type: "
                        + $"application/json\r\n{length}\r\n{end}"
                )
            );
            var answer = await new StreamReader(stream).ReadToEndAsync();
            Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
            Assert.Contains($"\"value\":\"{value}\"", answer, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("", "/")]
    [InlineData("/hub", "")]
    [InlineData("/hub", "/")]
    public async Task Trap_07_08_a_trailing_slash_and_a_path_prefix_in_the_base_url_work_everywhere(
        string prefix,
        string slash
    )
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite, 1, ("PathBase", prefix));
        var baseUrl = host.Host.Address.GetLeftPart(UriPartial.Authority) + prefix + slash;
        using var side = new LaunchDarklySide(host.Host.Source(host.Key), baseUrl);
        Assert.Equal(201, (await side.Create(LaunchDarklySide.Body())).Status);
        Assert.Equal(200, (await side.Status()).Status);
        Assert.Equal(200, (await side.Members()).Status);
        Assert.Equal(200, (await side.Apply()).Status);
        Assert.Equal(200, (await side.Cancel()).Status);
        using var browser = host.Host.Nobody();
        var page = await browser.Get($"{baseUrl}/approvals?approvalID={LaunchDarklySide.Id}");
        // A stranger signs in first, and comes back to the same approval.
        Assert.Equal(302, page.Status);
        Assert.Equal(
            $"{prefix}/sign-in?to={Uri.EscapeDataString($"/approvals?approvalID={LaunchDarklySide.Id}")}",
            page.Headers.Location!.ToString()
        );
    }

    [Fact]
    public void Trap_09_a_key_holds_nothing_that_a_template_would_escape()
    {
        for (var i = 0; i < 200; i++)
            Assert.Matches("^[A-Za-z0-9_-]{40,}$", Keys.NewSourceKey());
    }

    [Theory, BothEngines]
    public async Task Trap_22_what_is_unknown_has_no_status(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        foreach (var id in new[] { LaunchDarklySide.Id, "nope", "%01", "'%20OR%201=1", new string('f', 2_000) })
            (await host.Side.Status(id)).Refuses(404, "not_found");
    }

    [Theory, BothEngines]
    public async Task Trap_27_another_sources_id_is_as_unknown_as_one_that_is_not_there(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        using var other = new LaunchDarklySide(
            host.Host.Source(await host.Hub.AddSource("other", kind: "launchdarkly"))
        );
        await host.Side.Create(LaunchDarklySide.Body());
        await host.Approve(host.People[0]);

        Assert.Equal((await other.Status("never")).Text, (await other.Status()).Text);
        (await other.Status()).Refuses(404, "not_found");
        (await other.Apply()).Refuses(404, "not_found");
        Assert.Equal("cancelled", (await other.Cancel()).Value());
        Assert.Equal("approved", (await host.Side.Status()).Value());

        // Under the same id it asks its own question.
        Assert.Equal(
            (201, "pending"),
            ((await other.Create(LaunchDarklySide.Body())) is var own ? own.Status : 0, own.Value())
        );
        Assert.Equal("approved", (await host.Side.Status()).Value());
        Assert.Equal(2, await host.Hub.Place.Count("requests"));
    }

    [Theory, BothEngines]
    public async Task Trap_28_every_credential_that_is_not_good_gets_the_same_answer(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var token = Some.Done(await host.Hub.Tokens.Add(host.People[0].Email!, Some.Operator, default)).Token;
        var answers = new List<string>();
        foreach (
            var client in new[]
            {
                host.Host.Nobody(),
                host.Host.Source(host.Key with { Key = "" }),
                host.Host.Source(host.Key with { Key = host.Key.Key[..^1] }),
                host.Host.Source(host.Key with { Key = host.Key.Key + "x" }),
                host.Host.Source(host.Key with { Key = "x" }),
                host.Host.Source(host.Key with { Key = token }),
                host.Host.Person(host.People[0].Email!, token),
            }
        )
        {
            using var side = new LaunchDarklySide(client);
            foreach (
                var answer in new[]
                {
                    await side.Create(LaunchDarklySide.Body()),
                    await side.Status(),
                    await side.Apply(),
                    await side.Cancel(),
                    await side.Members(),
                    await side.Create("{"),
                }
            )
            {
                answer.Refuses(401, "unauthenticated");
                answers.Add(answer.Text + answer.Headers.WwwAuthenticate);
            }
        }
        Assert.Single(answers.Distinct());
        Assert.Equal(0, await host.Hub.Place.Count("requests"));
    }

    [Theory, BothEngines]
    public async Task A_rotated_key_works_until_it_is_ended_and_a_disabled_source_is_shut_out(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        using var fresh = new LaunchDarklySide(
            host.Host.Source(Some.Done(await host.Hub.Sources.Rotate("LaunchDarkly", Some.Operator, default)))
        );
        Assert.Equal(200, (await fresh.Status()).Status);
        Assert.Equal(200, (await host.Side.Status()).Status);
        await host.Hub.Sources.EndOldKey("LaunchDarkly", Some.Operator, default);
        await Eventually.True(async () => (await host.Side.Status()).Status == 401, "the old key ends");
        await host.Hub.Sources.Disable("LaunchDarkly", Some.Operator, default);
        await Eventually.True(async () => (await fresh.Status()).Status == 401, "the source is shut out");
    }

    [Fact]
    public async Task A_key_that_asks_too_often_is_told_when_to_go_on_in_this_doors_words()
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite, 1, ("RateLimit:PerKeyPerMinute", "6"));
        var answers = new List<ApiAnswer>();
        for (var i = 0; i < 10; i++)
            answers.Add(await host.Side.Status());
        // A poll is one call, also of an unknown id.
        Assert.Equal([.. Enumerable.Repeat(404, 6), 429, 429, 429, 429], answers.Select(a => a.Status));
        answers[^1].Refuses(429, "rate_limited");
    }

    [Theory, PostgresOnly]
    public async Task A_store_that_is_down_is_503_and_never_a_status(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        await host.Approve(host.People[0]);
        await PostgresServer.AllowConnections(host.Hub.Place.Options.Database!, allow: false);
        await PostgresServer.EndConnections(host.Hub.Place.Options.Database!);
        try
        {
            foreach (
                var answer in new[]
                {
                    await host.Side.Status(),
                    await host.Side.Status("unknown"),
                    await host.Side.Create(LaunchDarklySide.Body("another")),
                    await host.Side.Cancel(),
                }
            )
            {
                answer.Refuses(503, "unavailable");
            }
        }
        finally
        {
            await PostgresServer.AllowConnections(host.Hub.Place.Options.Database!, allow: true);
        }
        await Eventually.True(
            async () => (await host.Side.Status()) is { Status: 200 } back && back.Value() == "approved",
            "the store serves again"
        );
        Assert.Equal(1, await host.Hub.Place.Count("requests"));
    }

    private static string JsonOf(LaunchDarklyAnswer answer) => Encoding.UTF8.GetString(answer.Json.Span);
}
