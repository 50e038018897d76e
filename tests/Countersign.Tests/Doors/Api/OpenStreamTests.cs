using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Outcomes;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors.Api;

/// <summary>
/// Answers that last end, or tell less, when their caller may see less. Every change is made by another process on the
/// same store, and nothing else happens there: no event wakes the streams.
/// </summary>
public sealed class OpenStreamTests
{
    private static readonly object Question = new { subject = "Turn on dark mode" };

    [Theory, BothEngines]
    public async Task A_revoked_token_ends_what_it_opened(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (elsewhere, request) = await Asked(host);
        var ann = await host.Hub.AddPerson("Ann", Role.Admin);
        var token = Some.Done(await host.Hub.Tokens.Add(ann.Email!, Some.Operator, default));
        using var client = host.Person(ann.Email!, token.Token);
        var open = await OpenAll(client, request);
        await new Tokens(elsewhere).Revoke(token.Id, Some.Operator, default);
        await HaveEnded(open);
    }

    [Theory, BothEngines]
    public async Task A_disabled_person_s_token_and_session_end_what_they_opened(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (elsewhere, request) = await Asked(host);
        var ann = await host.Hub.AddPerson("Ann", Role.Admin);
        using var client = await host.Person(ann);
        using var browser = await host.SignIn(ann);
        var open = await OpenAll(client, request);
        var pages = await OpenPages(browser, request);
        await new Accounts(elsewhere, new(elsewhere)).Disable(ann.Email!, Some.Operator, default, isForced: true);
        await HaveEnded(open);
        await HaveEnded(pages);
    }

    [Theory, BothEngines]
    public async Task An_ended_session_ends_what_it_opened_and_no_other(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (elsewhere, request) = await Asked(host);
        var ann = await host.Hub.AddPerson("Ann", Role.Admin);
        using var browser = await host.SignIn(ann);
        using var other = await host.SignIn(ann);
        var pages = await OpenPages(browser, request);
        var kept = await OpenPages(other, request);
        await new Sessions(elsewhere, new BrowserSessionOptions()).End(
            (await host.Hub.Place.Number("SELECT min(id) FROM sessions")),
            null,
            "test",
            Some.Operator,
            default
        );
        await HaveEnded(pages);
        await host.Hub.Comment.Run(request, Viewer.Hub(Some.Origin), "Still here?", default);
        Assert.Equal("data: news", await kept[0].ReadLineAsync().Soon());
    }

    [Theory, BothEngines]
    public async Task A_disabled_source_and_an_ended_key_end_what_they_opened(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var elsewhere = await host.Hub.Place.OpenAnother();
        var (first, second) = (await host.Hub.AddSource("first"), await host.Hub.AddSource("second"));
        using var disabled = host.Source(first);
        using var rotated = host.Source(second);
        var open = await OpenAll(disabled, RequestId.Of((await disabled.Post("/api/v1/requests", Question))["id"]!));
        open.AddRange(await OpenAll(rotated, RequestId.Of((await rotated.Post("/api/v1/requests", Question))["id"]!)));
        await new Sources(elsewhere).Disable("first", Some.Operator, default);
        await new Sources(elsewhere).Rotate("second", Some.Operator, default);
        await new Sources(elsewhere).EndOldKey("second", Some.Operator, default);
        await HaveEnded(open);
    }

    [Theory, BothEngines]
    public async Task Another_role_or_group_is_that_of_the_next_event(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var elsewhere = await host.Hub.Place.OpenAnother();
        var ann = await host.Hub.AddPerson("Ann", Role.Admin);
        var ben = await host.Hub.AddPerson("Ben", Role.Agent);
        var group = await host.Hub.AddGroup("SRE", ben);
        var asked = await host.Hub.Ask(Some.Policy(new Approver(Party.Group(group.Id), group.Name)));
        var seen = await host.Hub.Ask(Some.Policy(ann.AsApprover, ben.AsApprover));
        using var formerAdmin = await host.Person(ann);
        using var formerMember = await host.Person(ben);
        using var page = await host.SignIn(ben);
        var streams = new List<StreamReader>();
        foreach (var client in new[] { formerAdmin, formerMember })
            streams.Add(await Open(client.Http, "/api/v1/events", ": listening"));
        var live = await Open(page.Http, $"/live?about={asked.Id}", ": listening");

        await new Accounts(elsewhere, new(elsewhere)).SetRole(
            ann.Email!,
            Role.Agent,
            Some.Operator,
            default,
            isForced: true
        );
        await new Groups(elsewhere).RemoveMember("SRE", ben.Email!, Some.Operator, default);
        await new Comment(elsewhere).Run(asked.Id, Viewer.Hub(Some.Origin), "No longer theirs to see", default);
        await new Comment(elsewhere).Run(seen.Id, Viewer.Hub(Some.Origin), "Theirs", default);

        foreach (var stream in streams)
        {
            var (kind, data) = await NextEvent(stream);
            Assert.Equal(("request.commented", seen.Id.Subject), (kind, data["subject"]!.ToString()));
        }
        // Nothing was told to the page of the request that is not its reader's any more, though its stream is open.
        await host.Stop().Soon();
        Assert.Equal("", (await live.ReadToEndAsync().Soon()).Trim());
    }

    [Theory, BothEngines]
    public async Task An_export_under_way_breaks_off_when_its_admin_is_none_any_more(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var elsewhere = await host.Hub.Place.OpenAnother();
        var ann = await host.Hub.AddPerson("Ann", Role.Admin);
        using var client = await host.Person(ann);
        var text = new string('x', 20_000);
        await elsewhere.InTransaction(async tx =>
        {
            for (var i = 0; i < 2_500; i++)
                await tx.Append("hub", Some.Operator, "test.filler", new { text });
        });
        using var response = await client.Http.GetAsync(
            "/api/v1/audit/export",
            HttpCompletionOption.ResponseHeadersRead
        );
        var body = await response.Content.ReadAsStreamAsync();
        await body.ReadExactlyAsync(new byte[1_000]);
        await new Accounts(elsewhere, new(elsewhere)).SetRole(
            ann.Email!,
            Role.Agent,
            Some.Operator,
            default,
            isForced: true
        );
        await Eventually.True(
            async () => (await client.Get("/api/v1/people")).Status == 403,
            "the server knows the new role"
        );
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            // Slowly, as over a narrow line: all of it would take longer than the server takes to look at its caller
            // again.
            var buffer = new byte[16 * 1024];
            while (await body.ReadAsync(buffer).AsTask().Soon() > 0)
                await client.Get("/api/v1/people");
        });
    }

    [Theory, BothEngines]
    public async Task A_wait_keeps_no_listener_once_it_is_answered(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var feed = host.Services.GetRequiredService<EventFeed>();
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        using var admin = await host.Person(await host.Hub.AddPerson("Boss", Role.Admin));
        var id = (await source.Post("/api/v1/requests", Question))["id"]!;
        foreach (
            var answer in await Task.WhenAll(
                Enumerable.Range(0, 10).Select(_ => source.Get($"/api/v1/requests/{id}?wait=1s"))
            )
        )
        {
            Assert.Equal("active", answer["status"]);
        }
        Assert.Equal(0, feed.Listeners);

        var waiting = source.Get($"/api/v1/requests/{id}?wait=2m");
        await Eventually.True(() => feed.Listeners == 1, "the call waits");
        await admin.Post($"/api/v1/requests/{id}/decisions", new { answer = "approve" });
        Assert.Equal("approved", (await waiting.Soon())["status"]);
        Assert.Equal(0, feed.Listeners);
        // What is settled needs no listener at all.
        var before = feed.Subscriptions;
        Assert.Equal("approved", (await source.Get($"/api/v1/requests/{id}?wait=2m").Soon())["status"]);
        Assert.Equal(before, feed.Subscriptions);

        using var gone = new CancellationTokenSource();
        var stream = await source.Http.GetStreamAsync("/api/v1/events", gone.Token);
        await Eventually.True(() => feed.Listeners == 1, "the stream is open");
        await stream.DisposeAsync();
        await Eventually.True(() => feed.Listeners == 0, "the reader who left is forgotten");
    }

    [Theory, PostgresOnly]
    public async Task Events_are_told_once_in_the_order_in_which_they_stood_and_coming_back_misses_none(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        host.Hub.Place.IsTampered = true;
        var elsewhere = await host.Hub.Place.OpenAnother();
        using var admin = await host.Person(await host.Hub.AddPerson("Boss", Role.Admin));
        await host.Noticed();
        var last = await host.Hub.Place.Number("SELECT max(id) FROM events");
        using var stream = await Open(admin.Http, "/api/v1/events", ": listening");
        using var caughtUp = await Open(admin.Http, "/api/v1/events", ": listening", last);
        var (hasWritten, mayCommit) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = elsewhere.InTransaction(async tx =>
        {
            await tx.Append("hub", Some.Operator, "test.slow", new { });
            hasWritten.TrySetResult();
            await mayCommit.Task;
        });
        await hasWritten.Task.Soon();
        await host
            .Hub.Store.InTransaction(async tx => await tx.Append("person:1", Some.Operator, "test.quick", new { }))
            .Soon();
        // No one waits for the slow one, whose id is lower.
        var quick = await Next(stream);
        Assert.Equal("test.quick", quick.Kind);
        mayCommit.SetResult();
        await slow.Soon();
        var late = await Next(stream);
        Assert.Equal("test.slow", late.Kind);
        Assert.True(late.Id < quick.Id);

        using var all = await Open(admin.Http, "/api/v1/events", ": listening", last);
        foreach (var each in new[] { caughtUp, all })
            Assert.Equal(["test.quick", "test.slow"], [(await Next(each)).Kind, (await Next(each)).Kind]);
        using var resumed = await Open(admin.Http, "/api/v1/events", ": listening", quick.Id);
        Assert.Equal("test.slow", (await Next(resumed)).Kind);
        using var done = await Open(admin.Http, "/api/v1/events", ": listening", late.Id);
        await elsewhere.InTransaction(async tx => await tx.Append("hub", Some.Operator, "test.next", new { }));
        foreach (var each in new[] { stream, caughtUp, all, resumed, done })
            Assert.Equal("test.next", (await Next(each)).Kind);
    }

    [Theory, PostgresOnly]
    public async Task An_id_that_no_transaction_will_bring_holds_nothing_back(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var admin = await host.Person(await host.Hub.AddPerson("Boss", Role.Admin));
        await host.Noticed();
        using var stream = await Open(admin.Http, "/api/v1/events", ": listening");
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() =>
                host.Hub.Store.InTransaction(async tx =>
                {
                    await tx.Append("hub", Some.Operator, "test.undone", new { });
                    throw new InvalidOperationException("Undone on purpose.");
                })
            );
            await host.Hub.Store.InTransaction(async tx =>
                await tx.Append("hub", Some.Operator, "test.stands", new { i })
            );
        }
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(
                ("test.stands", i),
                (await Next(stream)) is var e ? (e.Kind, (int)e.Data["data"]!["i"]!) : default
            );
        }
    }

    private static async Task<(Store Elsewhere, RequestId Request)> Asked(ApiHost host) =>
        (await host.Hub.Place.OpenAnother(), (await host.Hub.Ask(new Approver(Party.Admins, "an admin"))).Id);

    /// <summary>Everything that a program may hold open; the texts are what they answer in the end.</summary>
    private static async Task<List<Task<string>>> OpenAll(ApiClient client, RequestId request)
    {
        var feed = await Open(client.Http, "/api/v1/events", ": listening");
        var resumed = await Open(client.Http, "/api/v1/events", ": listening", long.MaxValue);
        return [feed.ReadToEndAsync(), resumed.ReadToEndAsync(), Wait()];

        async Task<string> Wait()
        {
            var answer = await client.Get($"/api/v1/requests/{request}?wait=2m");
            Assert.Equal((401, "unauthenticated"), (answer.Status, answer.Code));
            return "";
        }
    }

    private static async Task<List<StreamReader>> OpenPages(Browser browser, RequestId request) =>
        [
            await Open(browser.Http, "/live?about=inbox", ": listening"),
            await Open(browser.Http, $"/live?about={request}", ": listening"),
            await Open(browser.Http, "/api/v1/events", ": listening"),
        ];

    private static async Task HaveEnded(IEnumerable<Task<string>> open)
    {
        foreach (var answer in open)
            await answer.Soon();
    }

    private static Task HaveEnded(IEnumerable<StreamReader> open) =>
        HaveEnded([.. open.Select(stream => stream.ReadToEndAsync())]);

    private static async Task<StreamReader> Open(HttpClient http, string path, string greeting, long? last = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (last is { } id)
            request.Headers.Add("Last-Event-ID", $"{id}");
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal((greeting, ""), (await reader.ReadLineAsync().Soon(), await reader.ReadLineAsync().Soon()));
        return reader;
    }

    private static async Task<(string Kind, JsonNode Data)> NextEvent(StreamReader stream) =>
        (await Next(stream)) is var e ? (e.Kind, e.Data) : default;

    private static async Task<(long Id, string Kind, JsonNode Data)> Next(StreamReader stream)
    {
        var (id, kind) = (0L, "");
        while (true)
        {
            var line = await stream.ReadLineAsync().Soon() ?? throw new InvalidOperationException("The stream ended.");
            if (line.StartsWith("id: ", StringComparison.Ordinal))
                id = long.Parse(line.AsSpan(4), System.Globalization.CultureInfo.InvariantCulture);
            else if (line.StartsWith("event: ", StringComparison.Ordinal))
                kind = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                return (id, kind, JsonNode.Parse(line[6..])!);
        }
    }
}
