using System.Text.Json.Nodes;
using Countersign.Configuration;
using Countersign.Outcomes.Slack;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>What Slack is told; the fake holds every body to the documented shape.</summary>
public sealed class SlackTests
{
    [Theory, BothEngines]
    public async Task A_groups_channel_shows_the_request_and_later_what_became_of_it(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var slack = new FakeSlack();
        using var news = new News(hub, slack: slack.Options("SRE=C0SRE"));
        var ann = await hub.AddPerson("Ann");
        var sre = await hub.AddGroup("SRE", ann);
        var request = await hub.Ask(
            Some.Policy(sre.AsApprover),
            s => s with { Subject = "<!channel> & <script>", Facts = """{"environment":"production"}""" }
        );
        await news.Go();
        var (method, body) = Assert.Single(slack.Calls);
        Assert.Equal(("chat.postMessage", "C0SRE"), (method, body["channel"]!.ToString()));
        Assert.DoesNotContain("<!channel>", body["text"]!.ToString(), StringComparison.Ordinal);
        Assert.Equal($"https://approvals.example.test/requests/{request.Id}", FakeSlack.Button(body));
        Assert.Contains("production", body.ToJsonString(), StringComparison.Ordinal);

        await hub.Approve(request, ann);
        await news.Go();
        var (then, after) = slack.Calls[^1];
        Assert.Equal(
            ("chat.update", "C0SRE", "1700000000.000001"),
            (then, after["channel"]!.ToString(), after["ts"]!.ToString())
        );
        Assert.Contains("Approved by Ann", after.ToJsonString(), StringComparison.Ordinal);
        Assert.All(await news.Lines(), l => Assert.Equal("delivered", l.State));
    }

    [Theory, BothEngines]
    public async Task Mail_and_chat_lead_with_the_change_and_its_reason_and_mark_production(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        await using var slack = new FakeSlack();
        using var news = new News(hub, mail: News.Mail(box), slack: slack.Options("SRE=C0SRE"));
        var ann = await hub.AddPerson("Ann");
        var sre = await hub.AddGroup("SRE", ann);
        await hub.Ask(
            Some.Policy(sre.AsApprover),
            s =>
                s with
                {
                    SentBy = SentBy.LaunchDarkly,
                    Subject = "Points are counted twice.",
                    Facts = """
                        {"flag":"loyalty","flag.name":"Loyalty points","environment":"prod",
                        "environment.name":"Prod EU",
                        "comment":"Points are counted twice.","details":"Requested change is:\nTurn off the flag"}
                        """,
                }
        );
        await news.Go();

        var mail = Assert.Single(box.Mails);
        Assert.Equal("Approval: [Prod EU] Turn off Loyalty points", mail.Header("Subject"));
        Assert.Contains("Reason: Points are counted twice.", mail.Text, StringComparison.Ordinal);
        var (_, message) = Assert.Single(slack.Calls, c => c.Method == "chat.postMessage");
        Assert.Contains("[Prod EU] Turn off Loyalty points", message.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_person_is_found_by_e_mail_and_one_whom_slack_does_not_know_costs_the_others_nothing(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        await using var slack = new FakeSlack(known: "Ann@example.test");
        using var news = new News(hub, slack: slack.Options(""));
        var people = await hub.AddPeople("Ann", "Ben");
        await hub.Ask(Some.Policy(people[0].AsApprover, people[1].AsApprover));
        await news.Go();
        Assert.Equal(
            "U0ANN",
            Assert.Single(slack.Calls, c => c.Method == "chat.postMessage").Body["channel"]!.ToString()
        );
        Assert.Equal(
            [("person:1", "delivered"), ("person:2", "failed")],
            (await news.Lines()).Select(l => (l.Receiver, l.State)).Order()
        );
    }

    [Theory, BothEngines]
    public async Task Whoever_is_asked_in_their_groups_channel_is_not_asked_again_in_person(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var slack = new FakeSlack();
        using var news = new News(hub.Hub, slack: slack.Options("SRE=C0SRE"));
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Sam");
        var sre = await hub.Hub.AddGroup("SRE", people[0], people[1]);
        Some.Done(
            await hub.Absences.Set(
                "Ben@example.test",
                hub.Hub.Clock.Now,
                hub.Hub.Clock.Now.AddDays(2),
                "Sam@example.test",
                Some.Operator,
                default
            )
        );
        await hub.Hub.Ask(Some.Policy(sre.AsApprover, people[0].AsApprover));
        await news.Expand();
        // Sam stands in for Ben, and does not read the channel.
        Assert.Equal(
            [$"person:{people[2].Id}", "slack:C0SRE"],
            (await news.Lines()).Select(l => l.Receiver).Order(StringComparer.Ordinal)
        );
    }

    [Theory, BothEngines]
    public async Task Alarms_are_for_the_admins_channel_or_each_admin_and_never_for_everybodys(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var slack = new FakeSlack();
        var (ann, pat) = (await hub.AddPerson("Ann"), await hub.AddPerson("Pat", Countersign.People.Role.Admin));
        foreach (
            var (channels, receiver) in new[]
            {
                ("*=C0ALL", $"person:{pat.Id}"),
                ("*=C0ALL, admins=C0ADMINS", "slack:C0ADMINS"),
            }
        )
        {
            using var news = new News(hub, slack: slack.Options(channels));
            var request = await hub.Ask(ann.AsApprover);
            await hub.MarkApplied.Run(request.Id, Some.Viewer(pat), default);
            await news.Expand();
            Assert.Equal(
                receiver,
                Assert
                    .Single(await news.Lines(), l => l.Kind == "request.breached" && l.Subject == request.Id.Subject)
                    .Receiver
            );
        }
    }

    [Fact]
    public async Task What_is_about_no_request_says_once_what_happened_and_leads_to_where_one_mends_it()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var slack = new FakeSlack();
        using var news = new News(hub, slack: slack.Options("admins=C0ADMINS"));
        await using var gone = new Receiver(new Conduct.Answers(410));
        await news.Hook(gone, "request.submitted");
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Go();
        await news.Go();
        var body = Assert.Single(slack.Calls, c => c.Body["channel"]!.ToString() == "C0ADMINS").Body;
        Assert.Equal("https://approvals.example.test/webhooks", FakeSlack.Button(body));
        Assert.Single(
            body["blocks"]!.AsArray(),
            b => b!.ToJsonString().Contains("was disabled", StringComparison.Ordinal)
        );
        Assert.Single(
            body["blocks"]!.AsArray(),
            b => b!.ToJsonString().Contains("It responded with 410", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_channel_gets_no_storm_either()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var slack = new FakeSlack();
        using var news = new News(hub, slack: slack.Options("SRE=C0SRE"));
        var sre = await hub.AddGroup("SRE", await hub.AddPerson("Ann"));
        for (var i = 0; i < 50; i++)
            await hub.Ask(sre.AsApprover);
        await news.Go();
        Assert.Equal(20, slack.Calls.Count);
        hub.Clock.Advance(TimeSpan.FromMinutes(2));
        await news.Go();
        var rest = Assert.Single(slack.Calls.Skip(20)).Body;
        Assert.Equal(("C0SRE", "And 30 more in Countersign"), (rest["channel"]!.ToString(), rest["text"]!.ToString()));
        Assert.Equal("https://approvals.example.test/", FakeSlack.Button(rest));
    }

    [Fact]
    public async Task When_slack_says_no_the_word_is_status_and_its_patience_is_respected()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var slack = new FakeSlack
        {
            Refusal = new Conduct.Answers(429, """{"ok":false,"error":"ratelimited"}""", "Retry-After: 30\r\n"),
        };
        using var news = new News(hub, slack: slack.Options("*=C0ALL"));
        await hub.Ask((await hub.AddGroup("SRE", await hub.AddPerson("Ann"))).AsApprover);
        await news.Go();
        var line = Assert.Single(await news.Lines());
        Assert.Equal(
            ("slack:C0ALL", "due", Countersign.Storage.Instant.ToText(hub.Clock.Now.AddSeconds(30))),
            (line.Receiver, line.State, line.DueAt)
        );
        Assert.Equal("status", Assert.Single(await news.Tries(line.Id)).Failure);
        slack.Refusal = new Conduct.Answers(200, """{"ok":false,"error":"channel_not_found"}""");
        hub.Clock.Advance(TimeSpan.FromSeconds(30));
        await news.Go();
        Assert.Contains("channel_not_found", (await news.Tries(line.Id))[1].Answer, StringComparison.Ordinal);
    }

    /// <summary>Answers as Slack does, and refuses what Slack's documentation does not allow.</summary>
    internal sealed class FakeSlack : IAsyncDisposable
    {
        private readonly Receiver _receiver;
        private readonly List<(string Method, JsonNode Body)> _calls = [];
        private int _sent;

        public FakeSlack(string known = "") => _receiver = new Receiver(call => Answer(call, known));

        public Conduct? Refusal { get; set; }
        public List<(string Method, JsonNode Body)> Calls => _calls;

        public SlackOptions Options(string channels) =>
            new()
            {
                BaseUrl = new Uri(_receiver.Address, "/api/"),
                Token = "xoxb-test",
                Channels = SettingText.Pairs(channels)!,
            };

        public static string Button(JsonNode body) =>
            body["blocks"]!.AsArray().Single(b => b!["type"]!.ToString() == "actions")!["elements"]![0]![
                "url"
            ]!.ToString();

        public ValueTask DisposeAsync() => _receiver.DisposeAsync();

        private Conduct Answer(Received call, string known)
        {
            if (call.Headers["Authorization"] != "Bearer xoxb-test")
                return Error("invalid_auth");
            if (Refusal is not null)
                return Refusal;
            var method = call.Path.Split('?')[0]["/api/".Length..];
            if (method == "users.lookupByEmail")
            {
                return call.Path.EndsWith("email=" + Uri.EscapeDataString(known), StringComparison.Ordinal)
                    ? new Conduct.Answers(200, """{"ok":true,"user":{"id":"U0ANN"}}""")
                    : Error("users_not_found");
            }
            var body = JsonNode.Parse(call.Body)!;
            if (Problem(method, call, body) is { } problem)
                return Error(problem);
            lock (_calls)
                _calls.Add((method, body));
            return new Conduct.Answers(
                200,
                $$"""
                {"ok":true,"channel":"{{body["channel"]}}",
                "ts":"1700000000.{{Interlocked.Increment(ref _sent):000000}}"}
                """
            );
        }

        /// <summary>https://docs.slack.dev/reference/methods/chat.postMessage and the reference of Block Kit.</summary>
        private static string? Problem(string method, Received call, JsonNode body)
        {
            if (method is not ("chat.postMessage" or "chat.update"))
                return "unknown_method";
            if (!call.Headers["Content-Type"].StartsWith("application/json", StringComparison.Ordinal))
                return "invalid_form_data";
            if (body["channel"] is null || (method == "chat.update") != (body["ts"] is not null))
                return "invalid_arguments";
            if (body["text"]!.ToString().Length is 0 or > 4_000)
                return "msg_too_long";
            var blocks = body["blocks"]!.AsArray();
            return blocks.Count > 50 || blocks.Any(block => !IsBlock(block!)) ? "invalid_blocks" : null;
        }

        private static bool IsBlock(JsonNode block) =>
            block["type"]!.ToString() switch
            {
                "header" => IsText(block["text"]!, "plain_text", 150),
                "section" => (block["text"] is null || IsText(block["text"]!, "mrkdwn", 3_000))
                    && (
                        block["fields"] is null
                        || (
                            block["fields"]!.AsArray().Count is > 0 and <= 10
                            && block["fields"]!.AsArray().All(f => IsText(f!, "mrkdwn", 2_000))
                        )
                    ),
                "actions" => block["elements"]!
                    .AsArray()
                    .All(e =>
                        e!["type"]!.ToString() == "button"
                        && IsText(e["text"]!, "plain_text", 75)
                        && e["url"]!.ToString().Length <= 3_000
                        && e["action_id"]!.ToString().Length <= 255
                    ),
                _ => false,
            };

        private static bool IsText(JsonNode text, string type, int longest) =>
            text["type"]!.ToString() == type
            && text["text"]!.ToString().Length is var length
            && length > 0
            && length <= longest;

        private static Conduct.Answers Error(string error) => new(200, $$"""{"ok":false,"error":"{{error}}"}""");
    }
}
