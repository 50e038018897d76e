using System.Text;
using Countersign.Audit;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.Api;

/// <summary>Every bad input gets a clear answer and leaves nothing behind.</summary>
public sealed class BadInputTests
{
    private const string Requests = "/api/v1/requests";

    public static TheoryData<Engine, string, int, string> BadBodies()
    {
        (string Body, int Status, string Named)[] bodies =
        [
            ("", 400, ""),
            ("{", 400, ""),
            ("{\"subject\":\"x\"", 400, ""),
            ("null", 400, ""),
            ("[]", 400, ""),
            ("\"subject\"", 400, ""),
            ("{\"subject\":\"a\",\"subject\":\"b\"}", 400, ""),
            ("{\"subject\":\"x\",\"facts\":{\"a\":1,\"a\":2}}", 400, ""),
            ("{\"subject\":\"half \\ud800 a pair\"}", 400, ""),
            ("{\"subject\":\"x\",\"facts\":{\"k\\udc00\":1}}", 400, ""),
            (string.Concat(Enumerable.Repeat("[", 200)) + string.Concat(Enumerable.Repeat("]", 200)), 400, ""),
            ("{}", 422, "subject"),
            ("{\"subject\":\"\"}", 422, "subject"),
            ("{\"subject\":\"   \"}", 422, "subject"),
            ("{\"subject\":17}", 422, "subject"),
            ("{\"subject\":\"line\\nbreak\"}", 422, "subject"),
            ("{\"subject\":\"bell\\u0007\"}", 422, "subject"),
            ("{\"subject\":\"nul\\u0000\"}", 422, "subject"),
            ("{\"subject\":\"x\",\"message\":\"nul\\u0000\"}", 422, "message"),
            ("{\"subject\":\"" + new string('x', 10_000) + "\"}", 422, "subject"),
            ("{\"subject\":\"x\",\"colour\":\"red\"}", 422, "colour"),
            ("{\"subject\":\"x\",\"assignee\":{\"team\":\"a\"}}", 422, "assignee.team"),
            ("{\"subject\":\"x\",\"assignee\":{}}", 422, "assignee"),
            ("{\"subject\":\"x\",\"assignee\":\"ann\"}", 422, "assignee"),
            ("{\"subject\":\"x\",\"assignee\":{\"person\":\"nobody@example.test\"}}", 422, "assignee"),
            ("{\"subject\":\"x\",\"assignee\":{\"group\":\"'; DROP TABLE people; --\"}}", 422, "assignee"),
            ("{\"subject\":\"x\",\"facts\":[]}", 422, "facts"),
            ("{\"subject\":\"x\",\"facts\":{\"deep\":{\"er\":1}}}", 422, "facts.deep"),
            ("{\"subject\":\"x\",\"externalId\":\"\"}", 422, "externalId"),
            ("{\"subject\":\"x\",\"requester\":{\"name\":\"a\\u0000b\"}}", 422, "requester.name"),
        ];
        var data = new TheoryData<Engine, string, int, string>();
        // What is refused before the store is reached is the same on both engines.
        foreach (var (body, status, named) in bodies)
            data.Add(Engine.Sqlite, body, status, named);
        return data;
    }

    [Theory, MemberData(nameof(BadBodies), DisableDiscoveryEnumeration = true)]
    public async Task A_bad_body_is_named_and_leaves_nothing(Engine engine, string body, int status, string named)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        var answer = await source.PostText(Requests, body);
        Assert.Equal((status, "application/problem+json", "invalid"), (answer.Status, answer.MediaType, answer.Code));
        if (named.Length > 0)
            Assert.Contains(named, answer.Wrong);
        await NothingIsLeft(host);
    }

    [Fact]
    public async Task Every_unknown_member_is_named_at_once()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        var answer = await source.PostText(
            Requests,
            "{\"subject\":\"x\",\"colour\":1,\"assignee\":{\"group\":\"a\",\"lead\":2},\"size\":3}"
        );
        Assert.Equal(422, answer.Status);
        Assert.Equal(["colour", "assignee.lead", "size"], answer.Wrong);
    }

    [Theory, BothEngines]
    public async Task A_huge_body_a_wrong_type_and_a_wrong_method_are_told_apart(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        var huge = await source.PostText(
            Requests,
            "{\"subject\":\"x\",\"message\":\"" + new string('x', 2 * 1024 * 1024) + "\"}"
        );
        Assert.Equal((413, "too_large"), (huge.Status, huge.Code));
        var form = await source.PostText(Requests, "subject=x", "application/x-www-form-urlencoded");
        Assert.Equal((415, "unsupported_media_type"), (form.Status, form.Code));
        var patch = await source.Send(HttpMethod.Patch, Requests, null);
        Assert.Equal((405, "method_not_allowed"), (patch.Status, patch.Code));
        var nowhere = await source.Get("/api/v1/nothing");
        Assert.Equal((404, "not_found"), (nowhere.Status, nowhere.Code));
        var broken = await source.PostBytes(
            Requests,
            [.. Encoding.UTF8.GetBytes("{\"subject\":\""), 0xC3, 0x28, .. Encoding.UTF8.GetBytes("\"}")]
        );
        Assert.Equal((400, "invalid"), (broken.Status, broken.Code));
        await NothingIsLeft(host);
    }

    [Theory, BothEngines]
    public async Task A_byte_order_mark_and_every_script_of_the_world_are_fine(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        const string subject = "Größe 日本 😀 <script>alert(1)</script> ' ; DROP TABLE requests; --";
        var asked = await source.Post(
            Requests,
            new
            {
                subject,
                message = "tab\tand\nline",
                facts = new { 名 = "値" },
            }
        );
        Assert.Equal(201, asked.Status);
        var seen = await source.Get($"{Requests}/{asked["id"]}");
        Assert.Equal(
            (subject, "tab\tand\nline", "値"),
            (seen["subject"], seen["message"], seen.Json["facts"]!["名"]!.ToString())
        );
    }

    [Theory, BothEngines]
    public async Task An_id_that_looks_like_a_path_or_like_SQL_is_simply_not_there(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        foreach (
            var id in new[]
            {
                "..%2F..%2Fetc%2Fpasswd",
                "%27%20OR%201%3D1%20--",
                "1",
                "01ARZ3NDEKTSV4RRFFQ69G5FA%00",
                "01arz3ndektsv4rrffq69g5fav",
                new string('0', 4000),
                "%F0%9F%98%80",
            }
        )
        {
            var answer = await source.Get($"{Requests}/{id}");
            Assert.True(answer.Status is 404 or 400, $"{id}: {answer.Status}");
            // Sources decide nothing, whether or not it's there.
            Assert.Equal(
                answer.Status == 400 ? 400 : 403,
                (await source.Post($"{Requests}/{id}/decisions", new { answer = "approve" })).Status
            );
        }
    }

    [Theory, BothEngines]
    public async Task A_cursor_that_was_tampered_with_is_refused(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        for (var i = 0; i < 3; i++)
            await source.Post(Requests, new { subject = $"Number {i}" });
        var cursor = (await source.Get($"{Requests}?size=1"))["next"]!;
        Assert.Equal(200, (await source.Get($"{Requests}?size=1&cursor={cursor}")).Status);
        var middle = cursor.Length / 2;
        foreach (
            var altered in new[]
            {
                cursor[..^1],
                cursor + "A",
                "AAAA",
                "%00",
                cursor[..middle] + (cursor[middle] == 'x' ? 'y' : 'x') + cursor[(middle + 1)..],
                new string('A', 5000),
            }
        )
        {
            var answer = await source.Get($"{Requests}?cursor={altered}");
            Assert.Equal(422, answer.Status);
            Assert.Equal(["cursor"], answer.Wrong);
        }
    }

    [Theory]
    [InlineData("status=open", "status")]
    [InlineData("assignee=nobody@example.test", "assignee")]
    [InlineData("group=nobody", "group")]
    [InlineData("source=nowhere", "source")]
    [InlineData("from=yesterday", "from")]
    [InlineData("before=99999999999", "before")]
    [InlineData("waiting=you", "waiting")]
    [InlineData("size=0", "size")]
    [InlineData("size=101", "size")]
    [InlineData("size=ten", "size")]
    [InlineData("colour=red", "colour")]
    public async Task A_filter_that_makes_no_sense_is_named(string query, string named)
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        var answer = await source.Get($"{Requests}?{query}");
        Assert.Equal(422, answer.Status);
        Assert.Equal([named], answer.Wrong);
    }

    [Theory, BothEngines]
    public async Task A_bad_decision_changes_nothing(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var boss = await host.Hub.AddPerson("Boss", Role.Admin);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        using var admin = await host.Person(boss);
        var id = (await source.Post(Requests, new { subject = "x" }))["id"];
        foreach (
            var body in new[]
            {
                "{}",
                "{\"answer\":\"yes\"}",
                "{\"answer\":\"Approve\"}",
                "{\"answer\":true}",
                "{\"answer\":\"approve\",\"note\":\"\\u0000\"}",
                "{\"answer\":\"approve\",\"why\":\"x\"}",
                "{\"answer\":\"approve\",\"answer\":\"reject\"}",
            }
        )
        {
            Assert.InRange((await admin.PostText($"{Requests}/{id}/decisions", body)).Status, 400, 422);
        }
        Assert.Equal(422, (await admin.Post($"{Requests}/{id}/comments", new { text = new string('x', 501) })).Status);
        Assert.Equal(422, (await admin.Post($"{Requests}/{id}/comments", new { text = " " })).Status);
        Assert.Equal("active", (await admin.Get($"{Requests}/{id}"))["status"]);
        Assert.Equal(0, await host.Hub.Place.Count("decisions"));
        Assert.Equal(0, await host.Hub.Place.Count("comments"));
    }

    private static async Task NothingIsLeft(ApiHost host)
    {
        foreach (var table in new[] { "requests", "revisions", "parties", "waiting", "idempotency" })
            Assert.Equal(0, await host.Hub.Place.Count(table));
    }
}
