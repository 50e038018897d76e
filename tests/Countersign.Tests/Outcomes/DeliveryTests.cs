using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Countersign.Outcomes;
using Countersign.Storage;
using Countersign.Work;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>From the log to receivers: once, in order, again when it failed, and never at the cost of others.</summary>
public sealed class DeliveryTests
{
    [Theory, BothEngines]
    public async Task News_arrives_with_what_happened(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(200, "thanks"));
        await news.Hook(receiver);
        var jane = await hub.AddPerson("Jane");
        var request = await hub.Ask(jane.AsApprover);
        await hub.Approve(request, jane);
        await news.Go();

        Assert.Equal(
            ["request.submitted", "request.approved"],
            receiver.Calls.Select(c => JsonNode.Parse(c.Body)!["type"]!.ToString())
        );
        var told = JsonNode.Parse(receiver.Calls[1].Body)!["data"]!;
        Assert.Equal(
            (
                request.Id.Value,
                "approved",
                $"https://approvals.example.test/requests/{request.Id}",
                $"person:{jane.Id}"
            ),
            (
                told["request"]!["id"]!.ToString(),
                told["request"]!["status"]!.ToString(),
                told["request"]!["url"]!.ToString(),
                told["actor"]!.ToString()
            )
        );
        Assert.True(await Followed(hub));
        var line = (await news.Lines())[0];
        Assert.Equal(("delivered", 1), (line.State, line.Attempts));
        Assert.Equal(
            (1, null, 200, "thanks"),
            (await news.Tries(line.Id)).Select(t => (t.N, t.Failure, t.Status, t.Answer)).Single()
        );
    }

    [Theory, BothEngines]
    public async Task While_nobody_listens_cursors_move_and_nothing_else(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        var jane = await hub.AddPerson("Jane");
        for (var i = 0; i < 3; i++)
            await hub.Ask(jane.AsApprover);
        await news.Expand();
        Assert.True(await Followed(hub));
        Assert.Equal(
            (0, 0),
            (
                await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind IN ('notifications', 'webhooks')"),
                await hub.Place.Count("deliveries")
            )
        );
    }

    [Theory, BothEngines]
    public async Task A_webhook_hears_of_the_kinds_and_sources_it_subscribed_to(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(200));
        var jane = await hub.AddPerson("Jane");
        var source = await hub.AddSource("pipeline");
        await news.Hook(receiver, "request.approved");
        Some.Done(
            await news.Webhooks.Add(
                receiver.Address.ToString() + "?other",
                ["request.*"],
                ["pipeline"],
                Some.Operator,
                null,
                default
            )
        );
        await hub.Approve(await hub.Ask(jane.AsApprover), jane);
        await hub.Ask(Some.Policy(jane.AsApprover), s => s with { SourceId = source.Id });
        await news.Expand();
        Assert.Equal(
            [("webhook:1", "request.approved"), ("webhook:2", "request.submitted")],
            (await news.Lines()).Select(l => (l.Receiver, l.Kind))
        );
    }

    [Theory, BothEngines]
    public async Task That_somebody_asked_for_a_link_to_sign_in_is_told_to_no_webhook(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(200));
        await news.Hook(receiver);
        var jane = await hub.AddPerson("Jane");
        await hub.Store.InTransaction(async tx =>
            await tx.Append($"person:{jane.Id}", Some.Origin, "person.sign_in_link", new { })
        );
        await news.Expand();
        Assert.Empty(await news.Lines());
    }

    /// <summary>Destinations are followed by none of what these tests run.</summary>
    private static async Task<bool> Followed(TestHub hub) =>
        await hub.Place.Number(
            "SELECT count(*) FROM cursors WHERE name IN ('notifications', 'webhooks') AND position < @end",
            new { end = await hub.Place.Store.Read(EventLog.End) }
        ) == 0;

    [Fact]
    public void The_schedule_is_a_pure_function()
    {
        var schedule = OutcomeOptions.DefaultSchedule;
        Assert.Equal(
            [
                "00:00:00",
                "00:00:05",
                "00:05:00",
                "00:30:00",
                "02:00:00",
                "05:00:00",
                "10:00:00",
                "14:00:00",
                "20:00:00",
                "1.00:00:00",
                null,
            ],
            Enumerable.Range(0, 11).Select(tries => schedule.WaitAfter(tries, 0.5)?.ToString())
        );
        Assert.Equal(
            (TimeSpan.FromSeconds(270), TimeSpan.FromSeconds(330)),
            (schedule.WaitAfter(2, 0), schedule.WaitAfter(2, 1))
        );
    }

    [Theory, BothEngines]
    public async Task Each_attempt_is_made_when_the_schedule_says_and_the_last_failure_switches_off_what_is_dead(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(500, "out of order"));
        var webhook = await news.Hook(receiver, "request.*");
        var jane = await hub.AddPerson("Jane");
        await hub.Ask(jane.AsApprover);
        await news.Go();
        var attempts = 1;
        foreach (var step in OutcomeOptions.DefaultSchedule.Steps.Skip(1))
        {
            hub.Clock.Advance(step - TimeSpan.FromMilliseconds(1));
            await news.Go();
            Assert.Equal(attempts, receiver.Calls.Count);
            hub.Clock.Advance(TimeSpan.FromMilliseconds(1));
            await news.Go();
            Assert.Equal(++attempts, receiver.Calls.Count);
        }
        Assert.Equal(10, attempts);
        Assert.Single(receiver.Calls.Select(c => c.Headers["webhook-id"]).Distinct());
        Assert.Single(receiver.Calls.Select(c => c.Body).Distinct());
        var line = (await news.Lines())[0];
        Assert.Equal(("failed", 10), (line.State, line.Attempts));
        Assert.All(
            await news.Tries(line.Id),
            t => Assert.Equal(("status", 500, "out of order"), (t.Failure, t.Status, t.Answer))
        );
        Assert.Contains(
            "No delivery has succeeded since",
            (await news.Webhooks.Find(webhook.Id, default))!.DisabledWhy,
            StringComparison.Ordinal
        );
        Assert.Equal(
            (1, "hub"),
            (
                await hub.Place.Number("SELECT count(*) FROM events WHERE kind = 'webhook.disabled'"),
                await hub.Place.Text("SELECT actor FROM events WHERE kind = 'webhook.disabled'")
            )
        );
    }

    [Theory]
    [
        InlineData("nobody knows the name", "dns"),
        InlineData("nobody listens", "refused"),
        InlineData("nobody vouches for it", "tls")
    ]
    [
        InlineData("hangs", "timeout"),
        InlineData("answers byte by byte", "timeout"),
        InlineData("breaks off", "reset"),
        InlineData("answers without end", "too large")
    ]
    [
        InlineData("is not public", "blocked address"),
        InlineData("says no", "status"),
        InlineData("may not be called yet", "not configured")
    ]
    public async Task Every_way_to_fail_is_kept_by_its_word_and_tried_again(string receiver, string word)
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        using var certificate = word == "tls" ? Receiver.Certificate() : null;
        await using var called = new Receiver(
            _ =>
                receiver switch
                {
                    "hangs" => new Conduct.Hangs(),
                    "answers byte by byte" => new Conduct.Drips(),
                    "breaks off" => new Conduct.Resets(),
                    "answers without end" => new Conduct.Floods(),
                    "says no" => new Conduct.Answers(500),
                    _ => new Conduct.Answers(200),
                },
            certificate
        );
        var loopback = new EgressOptions { Allow = [EgressAllowance.Parse("127.0.0.0/8")!] };
        using var news = new News(
            hub,
            word == "not configured" ? News.Plain with { PublicUrl = null } : null,
            word switch
            {
                "dns" => loopback with
                {
                    LookUp = (_, _) =>
                        throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.HostNotFound),
                },
                "timeout" => loopback with { Patience = TimeSpan.FromMilliseconds(150) },
                "blocked address" => new EgressOptions(),
                _ => loopback,
            }
        );
        var webhook = await news.Hook(
            word == "dns" ? new Uri("http://nobody.example/")
            : word == "refused" ? await Closed()
            : called.Address
        );
        await hub.Ask((await hub.AddPerson("Jane")).AsApprover);
        await news.Go();
        hub.Clock.Advance(TimeSpan.FromSeconds(5));
        await news.Go();
        var line = Assert.Single(await news.Lines());
        Assert.Equal(("due", 2L, Instant.ToText(hub.Clock.Now.AddMinutes(5))), (line.State, line.Attempts, line.DueAt));
        Assert.Equal([word, word], (await news.Tries(line.Id)).Select(t => t.Failure));
        Assert.Null((await news.Webhooks.Find(webhook.Id, default))!.DisabledAt);
    }

    /// <summary>An address where somebody listened until just now.</summary>
    private static async Task<Uri> Closed()
    {
        await using var gone = new Receiver(new Conduct.Hangs());
        return gone.Address;
    }

    [Theory, BothEngines]
    public async Task What_failed_goes_again_in_its_order_and_before_what_came_later(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var broken = true;
        using var news = new News(hub, News.Plain with { Schedule = new RetrySchedule([TimeSpan.Zero]) });
        await using var receiver = new Receiver(_ => new Conduct.Answers(broken ? 500 : 200));
        var webhook = await news.Hook(receiver, "request.*");
        var jane = await hub.AddPerson("Jane");
        var request = await hub.Ask(
            Some.Policy(Some.Step("two", 2, jane.AsApprover, (await hub.AddPerson("Joe")).AsApprover))
        );
        await hub.Comment.Run(request.Id, Some.Viewer(jane), "Why now?", default);
        await news.Go();
        await news.Go();
        Assert.All(await news.Lines(), l => Assert.Equal("failed", l.State));

        broken = false;
        Some.Done(await news.Webhooks.Enable(webhook.Id, Some.Operator, default));
        await hub.Withdraw.Run(
            request.Id,
            Some.Viewer(await hub.AddPerson("Pat", Countersign.People.Role.Admin)),
            "Not needed.",
            default
        );
        await news.Expand();
        Assert.Equal(2, await news.Deliveries.ReplayFailed($"webhook:{webhook.Id}", DateTimeOffset.MinValue, default));
        // The withdrawal was on its way already; of those that go again the question comes first.
        Assert.Equal(["waiting", "waiting", "due"], (await news.Lines()).Select(l => l.State));
        await news.Go();
        Assert.Equal(
            ["request.withdrawn", "request.submitted", "request.commented"],
            receiver.Calls.TakeLast(3).Select(c => JsonNode.Parse(c.Body)!["type"]!.ToString())
        );
        Assert.All(await news.Lines(), l => Assert.Equal("delivered", l.State));
        Assert.True(await news.Deliveries.Replay(1, default));
        Assert.False(await news.Deliveries.Replay(1, default));
        Assert.False(await news.Deliveries.Replay(99, default));
        await news.Go();
        Assert.Equal("msg_1", receiver.Calls[^1].Headers["webhook-id"]);
    }

    [Theory, BothEngines]
    public async Task A_receiver_that_is_gone_is_switched_off_at_once(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(410));
        var webhook = await news.Hook(receiver);
        var jane = await hub.AddPerson("Jane");
        var request = await hub.Ask(jane.AsApprover);
        await hub.Approve(request, jane);
        await news.Go();
        Assert.Single(receiver.Calls);
        Assert.Contains("410", (await news.Webhooks.Find(webhook.Id, default))!.DisabledWhy, StringComparison.Ordinal);
        Assert.All(await news.Lines(), l => Assert.Equal("failed", l.State));
    }

    [Theory, BothEngines]
    public async Task News_of_one_request_stays_in_order_and_other_requests_do_not_wait(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        var broken = true;
        var first = "";
        await using var receiver = new Receiver(call =>
            broken && call.Body.Contains(first, StringComparison.Ordinal)
                ? new Conduct.Answers(503)
                : new Conduct.Answers(200)
        );
        await news.Hook(receiver);
        var jane = await hub.AddPerson("Jane");
        var one = await hub.Ask(jane.AsApprover);
        first = one.Id.Value;
        await hub.Approve(one, jane);
        var two = await hub.Ask(jane.AsApprover);
        await hub.Approve(two, jane);
        await news.Go();
        Assert.Equal(
            [
                (one.Id.Subject, "due"),
                (one.Id.Subject, "waiting"),
                (two.Id.Subject, "delivered"),
                (two.Id.Subject, "delivered"),
            ],
            (await news.Lines()).Select(l => (l.Subject, l.State))
        );

        broken = false;
        hub.Clock.Advance(TimeSpan.FromSeconds(5));
        await news.Go();
        Assert.Equal(
            ["request.submitted", "request.approved"],
            receiver
                .Calls.Skip(1)
                .Where(c => c.Body.Contains(first, StringComparison.Ordinal))
                .Select(c => JsonNode.Parse(c.Body)!["type"]!.ToString())
                .TakeLast(2)
        );
        Assert.All(await news.Lines(), l => Assert.Equal("delivered", l.State));
    }

    [Theory, BothEngines]
    public async Task A_send_that_was_never_marked_is_repeated_with_the_same_id_once_its_claim_ended(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(200));
        await news.Hook(receiver);
        await hub.Ask((await hub.AddPerson("Jane")).AsApprover);
        await news.Expand();
        // As a node that claimed, maybe sent, and died.
        await hub.Store.InTransaction(async tx =>
            await tx.Execute(
                "UPDATE jobs SET holder = 'dead node', next_at = @until WHERE kind = 'delivery'",
                new { until = tx.Now.AddMinutes(1) }
            )
        );
        await news.Go();
        Assert.Empty(receiver.Calls);
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await news.Go();
        Assert.Equal("msg_1", Assert.Single(receiver.Calls).Headers["webhook-id"]);
        Assert.Equal(("delivered", 1L), (await news.Lines()).Select(l => (l.State, l.Attempts)).Single());
    }

    [Theory, BothEngines]
    public async Task What_is_claimed_behind_a_slow_call_is_left_to_another_node_when_the_claim_ends(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var options = News.Plain with { CallsPerReceiver = 1 };
        using var slow = new News(hub, options);
        using var other = new News(
            hub,
            options,
            store: engine == Engine.Postgres ? await hub.Place.OpenAnother() : hub.Store
        );
        var calls = 0;
        await using var receiver = new Receiver(_ =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                // This call takes so long that everything claimed with it is somebody else's meanwhile.
                hub.Clock.Advance(TimeSpan.FromMinutes(2));
                other.Go().GetAwaiter().GetResult();
            }
            return new Conduct.Answers(200);
        });
        await slow.Hook(receiver);
        var jane = await hub.AddPerson("Jane");
        await hub.Ask(jane.AsApprover);
        await hub.Ask(jane.AsApprover);
        await slow.Go();
        Assert.Equal(["msg_1", "msg_1", "msg_2"], receiver.Calls.Select(c => c.Headers["webhook-id"]).Order());
        Assert.All(await slow.Lines(), l => Assert.Equal(("delivered", 1L), (l.State, l.Attempts)));
    }

    [Theory, BothEngines]
    public async Task A_receiver_that_now_and_then_says_no_gets_everything_once(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        var (calls, taken) = (0, new ConcurrentBag<string>());
        await using var receiver = new Receiver(call =>
        {
            if (Interlocked.Increment(ref calls) % 10 == 0)
                return new Conduct.Answers(500);
            taken.Add(call.Headers["webhook-id"]);
            return new Conduct.Answers(200);
        });
        await news.Hook(receiver);
        var jane = await hub.AddPerson("Jane");
        for (var i = 0; i < 120; i++)
            await hub.Ask(jane.AsApprover);
        for (var round = 0; round < 5; round++)
        {
            await news.Go();
            hub.Clock.Advance(TimeSpan.FromMinutes(5));
        }
        Assert.Equal(120, taken.Count);
        Assert.Equal(120, taken.Distinct().Count());
        Assert.Equal(calls, await hub.Place.Count("attempts"));
        Assert.Null(await hub.Place.Text("SELECT stopped_at FROM endpoints"));
    }

    [Theory, BothEngines]
    public async Task A_receiver_that_fails_on_and_on_is_called_by_one_probe_at_a_time(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        Conduct conduct = new Conduct.Answers(500);
        await using var receiver = new Receiver(_ => conduct);
        await news.Hook(receiver);
        var jane = await hub.AddPerson("Jane");
        for (var i = 0; i < 60; i++)
            await hub.Ask(jane.AsApprover);
        await news.Go();
        Assert.InRange(receiver.Calls.Count, 3, 16);
        // Hours of outage cost a call every five minutes, not sixty calls every step.
        for (var minutes = 0; minutes < 120; minutes++)
        {
            hub.Clock.Advance(TimeSpan.FromMinutes(1));
            await news.Go();
        }
        Assert.InRange(receiver.Calls.Count, 20, 50);
        conduct = new Conduct.Answers(200);
        for (var minutes = 0; minutes < 6 * 60; minutes += 5)
        {
            hub.Clock.Advance(TimeSpan.FromMinutes(5));
            await news.Go();
        }
        Assert.All(await news.Lines(), l => Assert.Equal("delivered", l.State));
    }

    [Theory, BothEngines]
    public async Task What_is_done_is_forgotten_after_its_time_and_what_is_on_its_way_is_not(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(call => new Conduct.Answers(call.Path == "/good" ? 200 : 500));
        await news.Hook(new Uri(receiver.Address, "/good"));
        await news.Hook(new Uri(receiver.Address, "/bad"));
        await hub.Ask((await hub.AddPerson("Jane")).AsApprover);
        await news.Go();
        var forget = new ForgetDeliveries(hub.Store, new Countersign.Work.RetentionOptions());
        hub.Clock.Advance(new Countersign.Work.RetentionOptions().Deliveries);
        Assert.Equal(0, await forget.Run(default));
        hub.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, await forget.Run(default));
        Assert.Equal([("webhook:2", "due")], (await news.Lines()).Select(l => (l.Receiver, l.State)));
        Assert.Equal(1, await hub.Place.Count("attempts"));
    }

    [Theory, BothEngines]
    public async Task Without_a_public_address_nothing_leaves_and_the_record_says_so(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub, News.Plain with { PublicUrl = null });
        await using var receiver = new Receiver(new Conduct.Answers(200));
        await news.Hook(receiver);
        await hub.Ask((await hub.AddPerson("Jane")).AsApprover);
        await news.Go();
        Assert.Empty(receiver.Calls);
        Assert.Equal("not configured", Assert.Single(await news.Tries((await news.Lines())[0].Id)).Failure);
    }

    [Theory, BothEngines]
    public async Task A_receiver_that_asks_for_patience_gets_it(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(429, "", "Retry-After: 90\r\n"));
        await news.Hook(receiver);
        await hub.Ask((await hub.AddPerson("Jane")).AsApprover);
        await news.Go();
        Assert.Equal(Instant.ToText(hub.Clock.Now.AddSeconds(90)), (await news.Lines())[0].DueAt);
    }

    [Theory, PostgresOnly]
    public async Task Two_nodes_deliver_thousands_once_each(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var seen = new ConcurrentDictionary<string, int>();
        await using var server = await FastReceiver.Start(id => seen.AddOrUpdate(id, 1, (_, n) => n + 1));
        var options = News.Plain with { CallsPerReceiver = 24 };
        using var one = new News(hub, options);
        using var two = new News(hub, options, store: await hub.Place.OpenAnother());
        for (var i = 0; i < 4; i++)
            await one.Hook(new Uri(server.Address, $"/{i}"));
        // Events as far as those who follow them look.
        var events = LongRun.IsAskedFor ? 2_500 : 500;
        hub.Place.IsTampered = true;
        await hub.Store.InTransaction(async tx =>
        {
            for (var i = 0; i < events; i++)
            {
                await tx.Append(
                    $"group:{1000 + (i % 500)}",
                    Head.None with
                    {
                        Count = i / 500,
                    },
                    Some.Origin,
                    "request.commented",
                    new { i }
                );
            }
        });
        await Task.WhenAll(one.Expand(), two.Expand());
        await one.Expand();
        for (
            var round = 0;
            round < 50 && await hub.Place.Number("SELECT count(*) FROM deliveries WHERE state <> 'delivered'") > 0;
            round++
        )
        {
            await Task.WhenAll(one.Go(), two.Go());
        }
        Assert.Equal(4 * events, seen.Count);
        Assert.All(seen.Values, times => Assert.Equal(1, times));
        Assert.Equal(4 * events, await hub.Place.Count("attempts"));
    }
}
