using System.Text;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Tests.Doors.LaunchDarkly;
using Xunit;

namespace Countersign.Tests.Doors;

/// <summary>
/// Polls, creations and decisions pass the same pipeline as every other call, however they are spelled: what differs in
/// casing, framing, headers or prefix is judged by the framework, and what is refused leaves nothing behind.
/// </summary>
public sealed class OneWayTests
{
    /// <summary>Beyond what either door takes.</summary>
    private const int TooLong = 2 * BodyBytes.MaxSize;

    private const string Json = "\nContent-Type: application/json";

    [Theory]
    [InlineData("")]
    [InlineData("/hub")]
    public async Task A_poll_is_answered_alike_however_it_is_spelled(string prefix)
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite, 1, ("PathBase", prefix));
        await host.Side.Create(LaunchDarklySide.Body());
        var (id, key) = (LaunchDarklySide.Id, host.Key.Key);
        var (way, auth) = ($"{prefix}/api/approvals/{id}/status", $"\nAuthorization: Bearer {key}");
        await Each(
            host,
            (200, $"GET {way} HTTP/1.1{auth}"),
            (200, $"GET {way}?x=1 HTTP/1.1{auth}"),
            (200, $"GET {way}/ HTTP/1.1{auth}"),
            (200, $"GET {prefix}//api/approvals/{id}/status HTTP/1.1{auth}"),
            (200, $"GET {way.Replace("approvals", "Approvals", StringComparison.Ordinal)} HTTP/1.1{auth}"),
            (200, $"GET {way.Replace("status", "STATUS", StringComparison.Ordinal)} HTTP/1.1{auth}"),
            (200, $"GET {way.Replace("status", "%73tatus", StringComparison.Ordinal)} HTTP/1.1{auth}"),
            (200, $"GET {prefix}/api/approvals/x/../{id}/status HTTP/1.1{auth}"),
            (200, $"GET http://{host.Host.Address.Authority}{way} HTTP/1.1{auth}"),
            (200, $"GET {way} HTTP/1.1\nauthorization: bearer {key}"),
            (200, $"GET {way} HTTP/1.1\nAuthorization:   Bearer   {key}  "),
            (200, $"GET {way} HTTP/1.1{auth}\nX-Forwarded-For: 203.0.113.9"),
            (200, $"GET {way} HTTP/1.1{auth}\nX-HTTP-Method-Override: DELETE"),
            (200, $"GET {way} HTTP/1.1{auth}\nContent-Length: 0"),
            (200, $"GET {way} HTTP/1.1{auth}\nAccept: text/html"),
            (404, $"GET {way.Replace(id, id.ToUpperInvariant(), StringComparison.Ordinal)} HTTP/1.1{auth}"),
            (404, $"GET {way.Replace("/status", "%2fstatus", StringComparison.Ordinal)} HTTP/1.1{auth}"),
            (404, $"GET {way.Replace(id, "%2e%2e%2f" + id, StringComparison.Ordinal)} HTTP/1.1{auth}"),
            (404, $"GET {way}/x HTTP/1.1{auth}"),
            (404, $"GET {prefix}/api/approvals//status HTTP/1.1{auth}"),
            (405, $"POST {way} HTTP/1.1{auth}\nContent-Length: 0"),
            (200, $"HEAD {way} HTTP/1.1{auth}"),
            (400, $"GET http://x.example{way} HTTP/1.1{auth}"),
            (401, $"GET {way} HTTP/1.1"),
            (401, $"GET {way} HTTP/1.1{auth}{auth}"),
            (401, $"GET {way} HTTP/1.1\nAuthorization: Bearer x{auth}"),
            (401, $"GET {way} HTTP/1.1\nAuthorization: {key}"),
            (401, $"GET {way} HTTP/1.1\nX-Authorization: Bearer {key}"),
            (401, $"GET {way}?access_token={key} HTTP/1.1"),
            (400, $"GET {way}%00 HTTP/1.1{auth}"),
            (400, $"GET {way}\0 HTTP/1.1{auth}")
        );

        await host.Hub.Sources.Disable("LaunchDarkly", Some.Operator, default);
        await host.Host.Noticed();
        await Each(
            host,
            (401, $"GET {way} HTTP/1.1{auth}"),
            (401, $"GET {way.Replace("status", "Status", StringComparison.Ordinal)} HTTP/1.1{auth}"),
            (401, $"GET {way} HTTP/1.1{auth}\nX-Forwarded-For: 203.0.113.9")
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("/hub")]
    public async Task A_creation_is_taken_or_refused_alike_at_both_doors_however_it_is_spelled(string prefix)
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite, 1, ("PathBase", prefix));
        var auth = $"\nAuthorization: Bearer {host.Key.Key}";
        var made = 0;
        foreach (var way in new[] { $"{prefix}/api/approvals", $"{prefix}/api/v1/requests" })
        {
            var isApi = way.EndsWith("requests", StringComparison.Ordinal);
            string New() =>
                isApi
                    ? $$"""{"subject":"x","externalId":"api-{{++made}}"}"""
                    : LaunchDarklySide.Body($"id-{++made}").ToJsonString();
            async Task Taken(string path, string headers = "", bool chunked = false)
            {
                var body = New();
                var bytes = Encoding.UTF8.GetByteCount(body);
                var sent = chunked ? $"{bytes:x}\r\n{body}\r\n0\r\n\r\n" : body;
                var framing = chunked ? "\nTransfer-Encoding: chunked" : $"\nContent-Length: {bytes}";
                var (status, text) = await RawCall.Send(
                    host.Host.Address,
                    $"POST {path} HTTP/1.1{auth}{Json}{framing}{headers}",
                    sent
                );
                Assert.True(status == 201, $"{path}{headers}: {text}");
            }

            await Taken(way);
            await Taken(way, chunked: true);
            await Taken(way + "/");
            await Taken(way + "?x=1");
            await Taken(way.Replace("api", "API", StringComparison.Ordinal));
            await Taken(prefix + "/" + way[prefix.Length..]);
            await Taken(way, "\nX-Forwarded-For: 203.0.113.9");
            await Taken(way, "\nX-Forwarded-Prefix: /elsewhere");
            await Taken(way, "\nX-HTTP-Method-Override: GET");
            await Taken(way, "\nAccept: text/html");
            await Taken(way, "\nExpect: 100-continue\nX-On-Behalf-Of: ann@example.test");

            var before = await host.Hub.Place.Count("requests");
            var good = New();
            var length = Encoding.UTF8.GetByteCount(good);
            var framed = $"{Json}\nContent-Length: {length}";
            (int Status, string Lines, string Body)[] refused =
            [
                (401, $"POST {way} HTTP/1.1{framed}", good),
                (401, $"POST {way} HTTP/1.1{auth}{auth}{framed}", good),
                (401, $"POST {way} HTTP/1.1\nAuthorization: Bearer csk_x{framed}", good),
                (404, $"POST {way}%2f HTTP/1.1{auth}{framed}", good),
                (404, $"POST {way.Replace("/api/", "/api%2f", StringComparison.Ordinal)} HTTP/1.1{auth}{framed}", good),
                (404, $"POST {prefix}/api/approvals/x HTTP/1.1{auth}{framed}", good),
                (405, $"PUT {way} HTTP/1.1{auth}{framed}", good),
                (400, $"POST {way} HTTP/1.1{auth}{Json}\nContent-Length: 0", ""),
                (400, $"POST {way} HTTP/1.1{auth}{Json}", ""),
                (400, $"POST {way} HTTP/1.1{auth}{Json}\nContent-Length: {length}\nContent-Length: {length}", good),
                (400, $"POST {way} HTTP/1.1{auth}{Json}\nContent-Length: -1", good),
                (400, $"POST {way} HTTP/1.1{auth}{Json}\nTransfer-Encoding: chunked", "zz\r\n"),
                (413, $"POST {way} HTTP/1.1{auth}{Json}\nContent-Length: {TooLong}", ""),
                (
                    413,
                    $"POST {way} HTTP/1.1{auth}{Json}\nTransfer-Encoding: chunked",
                    $"{TooLong:x}\r\n{new string('x', TooLong)}\r\n0\r\n\r\n"
                ),
                (415, $"POST {way} HTTP/1.1{auth}\nContent-Type: text/plain\nContent-Length: {length}", good),
            ];
            var wrong = new List<string>();
            foreach (var (status, lines, body) in refused)
            {
                var (answered, text) = await RawCall.Send(host.Host.Address, lines, body);
                if (answered != status)
                    wrong.Add($"{lines}\nshould be {status}: {text}");
            }
            Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
            Assert.Equal(before, await host.Hub.Place.Count("requests"));
        }

        await host.Hub.Sources.Disable("LaunchDarkly", Some.Operator, default);
        await host.Host.Noticed();
        foreach (var way in new[] { $"{prefix}/api/approvals", $"{prefix}/api/v1/requests" })
            await Each(host, (401, $"POST {way} HTTP/1.1{auth}{Json}\nContent-Length: 2"));
    }

    [Fact]
    public async Task A_decision_is_taken_once_however_it_is_spelled()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var ann = await host.Hub.AddPerson("Ann", Role.Agent);
        var token = Some.Done(await host.Hub.Tokens.Add(ann.Email!, Some.Operator, default)).Token;
        var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{ann.Email}/token:{token}"));
        const string yes = """{"answer":"approve"}""";
        var request = await host.Hub.Ask(ann.AsApprover);
        var way = $"/api/v1/requests/{request.Id}/decisions";
        var tail = $"\nAuthorization: Basic {basic}{Json}\nContent-Length: {yes.Length}";
        foreach (
            var (status, line) in new[]
            {
                (405, way.Replace("/decisions", "%2fdecisions", StringComparison.Ordinal)),
                (404, way.Replace(request.Id.ToString(), "../" + request.Id, StringComparison.Ordinal)),
                (404, way + "/x"),
                (200, way.Replace("decisions", "Decisions", StringComparison.Ordinal)),
                (409, way),
                (409, way + "/"),
                (409, "/" + way),
            }
        )
        {
            var (answered, text) = await RawCall.Send(host.Address, $"POST {line} HTTP/1.1{tail}", yes);
            Assert.True(answered == status, $"{line} should be {status}: {text}");
        }
        Assert.Single(await host.Hub.Decisions(request.Id));
    }

    private static async Task Each(LaunchDarklyHost host, params (int Status, string Lines)[] calls)
    {
        var wrong = new List<string>();
        foreach (var (status, lines) in calls)
        {
            var (answered, text) = await RawCall.Send(host.Host.Address, lines);
            if (answered != status)
                wrong.Add($"{lines}\nshould be {status}: {text}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }
}
