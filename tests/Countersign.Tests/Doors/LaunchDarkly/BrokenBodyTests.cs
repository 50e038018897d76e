using System.Text;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Doors.LaunchDarkly;
using Xunit;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>What nobody can read is refused with its position, kept for the operator, and leaves no request.</summary>
public sealed class BrokenBodyTests
{
    [Theory, BothEngines]
    public async Task Trap_18_a_form_variable_without_a_value_is_named_as_the_likely_cause(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        // What the template makes of a null: a dump of everything around it, quotes and all.
        var text = LaunchDarklySide
            .Body()
            .ToJsonString()
            .Replace(
                "\"low\"",
                "\"map[_links:map[approval:map[href:\"https://x\"]] risk:<nil>]\"",
                StringComparison.Ordinal
            );
        await Refused(host, text, "default");
    }

    [Theory, BothEngines]
    public async Task Trap_19_a_quote_that_was_escaped_twice_is_refused_and_kept(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await Refused(host, LaunchDarklySide.Rendered("comment", @"say \&quot;hi\&quot;"), "escaped twice");
    }

    [Theory, BothEngines]
    public async Task Trap_20_what_is_said_twice_is_refused(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var body = LaunchDarklySide.Body().ToJsonString()[1..];
        foreach (
            var twice in new[]
            {
                "\"_id\":\"another\"",
                "\"approvalFormVariables\":{}",
                "\"\\u005fid\":\"another\"",
                "\"flag\":{\"key\":\"other\"}",
            }
        )
        {
            await Refused(host, $"{{{twice},{body}", "twice");
        }
    }

    [Theory, BothEngines]
    public async Task A_body_that_is_no_creation_is_refused_with_its_position(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        foreach (
            var (text, why) in new[]
            {
                ("", "line 1, byte 1"),
                ("{\n\"_id\": \"x\",\n oops }", "line 3"),
                ("[]", "object"),
                ("\"x\"", "object"),
                ("{}", "_id"),
                ("{\"_id\":17}", "_id"),
                ("{\"_id\":\"x\"} and more", "line 1"),
                ("{\"_id\":\"x\",\"comment\":\"a\0b\"}", "line 1"),
                (new string('[', 5_000), "line 1"),
            }
        )
        {
            await Refused(host, text, why);
        }
        var answer = await host.Side.Client.PostBytes(
            "/api/approvals",
            [.. "{\"_id\":\"x\",\"comment\":\""u8, 0xC3, 0x28, .. "\"}"u8]
        );
        answer.Refuses(400, "invalid");
        Assert.Contains("UTF-8", answer.Text, StringComparison.Ordinal);
        Assert.Equal(0, await host.Hub.Place.Count("requests"));
    }

    [Fact]
    public async Task Trap_20_a_mark_before_the_text_is_taken_and_anything_but_json_is_not()
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        var text = LaunchDarklySide.Body().ToJsonString();
        (await host.Side.Client.PostText("/api/approvals", text, "text/plain")).Refuses(415, "unsupported_media_type");
        (
            await host.Side.Client.Send(
                HttpMethod.Post,
                "/api/approvals",
                new ByteArrayContent(Encoding.UTF8.GetBytes(text))
            )
        ).Refuses(415, "unsupported_media_type");
        Assert.Equal(0, await host.Hub.Place.Count("requests"));
        Assert.Equal(
            201,
            (
                await host.Side.Client.PostBytes(
                    "/api/approvals",
                    [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(text)]
                )
            ).Status
        );
        Assert.Equal(200, (await host.Side.Create(text)).Status);
    }

    [Theory, BothEngines]
    public async Task Trap_20_a_body_beyond_the_cap_is_refused_and_leaves_nothing(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var body = LaunchDarklySide.Body();
        body["details"] = new string('d', CreateEndpoint.MaxBody);
        (await host.Side.Create(body)).Refuses(413, "too_large");
        // Without saying beforehand how long it is.
        var content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(body.ToJsonString())));
        content.Headers.ContentType = new("application/json");
        (
            await host.Side.Client.Send(HttpMethod.Post, "/api/approvals", content, ("Transfer-Encoding", "chunked"))
        ).Refuses(413, "too_large");
        Assert.Equal(0, await host.Hub.Place.Count("requests"));
        (await host.Side.Status()).Refuses(404, "not_found");
    }

    /// <summary>The door refuses, says why, keeps what came, and stores no request.</summary>
    private static async Task Refused(LaunchDarklyHost host, string text, string why)
    {
        var answer = await host.Side.Create(text);
        answer.Refuses(400, "invalid");
        Assert.Contains(why, answer.Json["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        var kept = (await host.Hub.Place.Events($"source:{host.Key.Id}"))[^1];
        Assert.Equal("source.body_refused", kept.Kind);
        var beginning = text[..Math.Min(text.Length, RejectedBodies.MaxLength)].Replace('\0', '\uFFFD');
        Assert.Equal(Storage.Hashes.Sha256(beginning), JsonNode.Parse(kept.Data)!["hash"]!.GetValue<string>());
        var bodies = await new RejectedBodies(host.Hub.Store).List(host.Key.Name, default);
        Assert.Equal(beginning, bodies![0].Text);
        Assert.Equal(0, await host.Hub.Place.Count("requests"));
    }
}
