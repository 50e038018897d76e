using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>What a creation says, also with missing, escaped or hostile parts, and who may not decide it.</summary>
public sealed class FactsTests
{
    [Theory, BothEngines]
    public async Task Everything_that_LaunchDarkly_says_is_found_by_name(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        var facts = await host.Facts();
        Assert.Equal(
            [
                "project=shop",
                "project.name=Web Shop",
                "project.tags=[\"retail\",\"web\"]",
                "environment=production",
                "environment.name=Live",
                "environment.tags=[\"eu\"]",
                "flag=dark-mode",
                "flag.name=Dark mode",
                "flag.tags=[\"ui\"]",
                "requester=Rita Roe",
                "comment=less glare at night",
                "details=Created approval request: less glare at night\nRequested change is:\nTurn on the flag",
                "description=Rita Roe requested approval for changes to the flag Dark mode in 'Live'",
                "form.risk=low",
                "form.rollback=true",
                "timestamp=2025-05-02T14:36:47.127Z",
                $"link=https://app.launchdarkly.com/shop/live/features/dark-mode/approvals/{LaunchDarklySide.Id}",
            ],
            facts.Select(f =>
                $"{f.Key}={(f.Value is JsonArray list ? list.ToJsonString() : f.Value!.GetValue<string>())}"
            )
        );

        var request = await host.Request();
        Assert.Equal(
            ("less glare at night", "Rita Roe", SentBy.LaunchDarkly),
            (request.Subject, request.RequesterName, request.SentBy)
        );
        // The path of the link is no place to read the environment from.
        Assert.Equal("production", facts["environment"]!.GetValue<string>());
    }

    [Theory, BothEngines]
    public async Task Trap_11_everything_but_the_id_may_be_missing_empty_or_null(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        foreach (var (name, number) in LaunchDarklySide.Body().Select((m, i) => (m.Key, i)).Where(m => m.Key != "_id"))
        {
            foreach (
                var (odd, kind) in new (JsonNode?, string)[]
                {
                    (null, "null"),
                    ("", "empty"),
                    (17, "number"),
                    (new JsonArray(), "array"),
                    (new JsonObject(), "object"),
                }
            )
            {
                var body = LaunchDarklySide.Body($"odd-{number}-{kind}");
                body[name] = odd?.DeepClone();
                Assert.Equal(201, (await host.Side.Create(body)).Status);
            }
            var without = LaunchDarklySide.Body($"without-{number}");
            without.Remove(name);
            Assert.Equal(
                (201, "pending"),
                ((await host.Side.Create(without)) is var created ? created.Status : 0, created.Value())
            );
        }
        var least = await host.Side.Create(new JsonObject { ["_id"] = "least" });
        Assert.Equal(
            (201, "pending", "0 of 2 approvals, waiting for SRE, requester not recognized"),
            (least.Status, least.Value(), least.Display())
        );
        Assert.Equal("LaunchDarkly approval least", (await host.Request("least")).Subject);
    }

    [Theory, BothEngines]
    public async Task Trap_12_whoever_asks_is_known_by_the_sentence_and_may_not_decide(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var body = LaunchDarklySide.Body();
        body["shortDescription"] = "ann requested approval for changes to the flag Dark mode in 'Live'";
        await host.Side.Create(body);
        Assert.Equal(
            "requester_may_not_decide",
            Assert.IsType<DecideOutcome.NotAllowed>(await host.Approve(host.People[0])).Rule
        );
        Assert.Equal("pending", (await host.Side.Status()).Value());
        Assert.Equal("Ann", (await host.Request()).RequesterName);
        await host.Approve(host.People[1]);
        Assert.Equal("approved", (await host.Side.Status()).Value());
    }

    [Theory, BothEngines]
    public async Task Trap_12_a_requester_whom_nobody_can_name_costs_one_approval_more(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var body = LaunchDarklySide.Body();
        body["shortDescription"] = "Changes to the flag Dark mode";
        Assert.Contains("0 of 2", (await host.Side.Create(body)).Display(), StringComparison.Ordinal);
        await host.Approve(host.People[0]);
        await host.Approve(host.People[0]);
        Assert.Equal("pending", (await host.Side.Status()).Value());
        await host.Approve(host.People[1]);
        Assert.Equal("approved", (await host.Side.Status()).Value());
    }

    [Theory, BothEngines]
    public async Task Trap_12_everyone_of_the_name_is_barred_in_every_reading_of_the_sentence(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var twin = Some.Done(
            await host.Hub.People.Add("ann.two@example.test", "Ann", Role.EndUser, null, Some.Operator, default)
        );
        Some.Done(await host.Hub.Groups.AddMember("SRE", twin.Email!, Some.Operator, default));
        var sly = Some.Done(
            await host.Hub.People.Add(
                "sly@example.test",
                "Ben requested approval, not I",
                Role.EndUser,
                null,
                Some.Operator,
                default
            )
        );
        await host.Host.Noticed();
        foreach (
            var (id, sentence, barred) in new[]
            {
                ("twins", "Ann requested approval for changes", new[] { host.People[0].Id, twin.Id }),
                (
                    "flag",
                    "Ann requested approval for changes to the flag 'who requested approval' in 'Live'",
                    [host.People[0].Id, twin.Id]
                ),
                ("sly", "Ben requested approval, not I requested approval for changes", [host.People[1].Id, sly.Id]),
            }
        )
        {
            var body = LaunchDarklySide.Body(id);
            body["shortDescription"] = sentence;
            await host.Side.Create(body);
            Assert.Equal(barred, (await host.Request(id)).Barred);
        }
    }

    [Theory, BothEngines]
    public async Task Trap_13_an_address_is_compared_as_it_was_before_the_template_escaped_it(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var brien = Some.Done(
            await host.Hub.People.Add(
                "o'brien+x&y@example.test",
                "Pat O'Brien",
                Role.EndUser,
                null,
                Some.Operator,
                default
            )
        );
        Some.Done(await host.Hub.Groups.AddMember("SRE", brien.Email!, Some.Operator, default));
        await host.Host.Noticed();
        foreach (
            var (id, address) in new[]
            {
                ("raymond", "o&apos;brien+x&amp;y@example.test"),
                ("javascript", "O&#x27;Brien+x&amp;y@example.test"),
                ("decimal", "o&#39;brien+x&amp;y@example.test"),
            }
        )
        {
            var body = LaunchDarklySide.Body(id);
            body["requestedBy"] = new JsonObject { ["id"] = "569f514183f2164430000002", ["email"] = address };
            await host.Side.Create(body);
            Assert.Equal(
                "requester_may_not_decide",
                Assert.IsType<DecideOutcome.NotAllowed>(await host.Approve(brien, id)).Rule
            );
            Assert.Equal(
                (brien.Id, "Pat O'Brien"),
                ((await host.Request(id)).RequesterId, (await host.Request(id)).RequesterName)
            );
        }

        // An address that nobody here has does not hide the name in the sentence.
        var outside = LaunchDarklySide.Body("outside");
        outside["requestedBy"] = new JsonObject { ["email"] = "someone@elsewhere.test" };
        outside["shortDescription"] = "Ann requested approval for changes";
        await host.Side.Create(outside);
        Assert.Equal([host.People[0].Id], (await host.Request("outside")).Barred);
        Assert.IsType<DecideOutcome.NotAllowed>(await host.Approve(host.People[0], "outside"));
    }

    [Theory, BothEngines]
    public async Task Trap_14_raw_texts_stay_as_they_are_and_escaped_ones_are_read_once(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var body = LaunchDarklySide.Body();
        body["flag"] = new JsonObject
        {
            ["name"] = "R&amp;D <script>alert(1)</script>",
            ["key"] = "r&amp;d",
            ["tags"] = new JsonArray("a&amp;amp;b"),
        };
        body["project"] = new JsonObject
        {
            ["name"] = "P&amp;Q",
            ["key"] = "p",
            ["tags"] = new JsonArray("raw&amp;tag"),
        };
        body["comment"] = "&lt;b&gt; &quot;quoted&quot; \"\\ é 日本 😀";
        body["approvalFormVariables"] = new JsonObject { ["we&quot;ird&apos;k"] = "v&amp;v" };
        body["_site"]!["href"] = "https://app.launchdarkly.com/a?b=1&amp;c=2";
        await host.Side.Create(body);
        var facts = await host.Facts();
        Assert.Equal("R&amp;D <script>alert(1)</script>", facts["flag.name"]!.GetValue<string>());
        Assert.Equal("r&d", facts["flag"]!.GetValue<string>());
        Assert.Equal("a&amp;b", facts["flag.tags"]![0]!.GetValue<string>());
        Assert.Equal("raw&amp;tag", facts["project.tags"]![0]!.GetValue<string>());
        Assert.Equal("v&amp;v", facts["form.we\"ird'k"]!.GetValue<string>());
        Assert.Equal("https://app.launchdarkly.com/a?b=1&c=2", facts["link"]!.GetValue<string>());
        Assert.Equal("&lt;b&gt; &quot;quoted&quot; \"\\ é 日本 😀", (await host.Request()).Subject);
    }

    [Fact]
    public async Task A_link_leads_to_a_page_or_is_none()
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        foreach (
            var (id, href) in new[]
            {
                ("script", "javascript:alert(1)"),
                ("data", "data:text/html,x"),
                ("relative", "/x"),
                ("other", "17"),
            }
        )
        {
            var body = LaunchDarklySide.Body(id);
            body["_site"]!["href"] = href;
            Assert.Equal(201, (await host.Side.Create(body)).Status);
            Assert.False((await host.Facts(id)).ContainsKey("link"));
        }
    }

    [Theory, BothEngines]
    public async Task Trap_15_the_timestamp_is_text_and_may_lie_in_the_future(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var later = Instant.ToMilliseconds(host.Hub.Clock.GetUtcNow().AddDays(30));
        var body = LaunchDarklySide.Body();
        body["timestamp"] = $"{later.ToUnixTimeMilliseconds()}";
        await host.Side.Create(body);
        Assert.Equal(Instant.ToText(later), (await host.Facts())["scheduled"]!.GetValue<string>());
        Assert.Equal(host.Hub.Store.Now, (await host.Request()).CreatedAt);

        foreach (
            var (id, odd) in new[]
            {
                ("words", "tomorrow"),
                ("huge", "99999999999999999999"),
                ("far", "999999999999999999"),
                ("negative", "-1"),
                ("blank", " "),
            }
        )
        {
            var other = LaunchDarklySide.Body(id);
            other["timestamp"] = odd;
            Assert.Equal(201, (await host.Side.Create(other)).Status);
            Assert.False((await host.Facts(id)).ContainsKey("scheduled"));
        }
    }

    [Theory, BothEngines]
    public async Task Trap_16_a_change_of_all_environments_or_of_no_flag_is_decided_as_any_other(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine, need: 2);
        foreach (var (id, name, key) in new[] { ("all", "All environments", "~"), ("none", "", "") })
        {
            var body = LaunchDarklySide.Body(id);
            body["environment"] = new JsonObject
            {
                ["name"] = name,
                ["key"] = key,
                ["tags"] = new JsonArray(),
            };
            body["flag"] = new JsonObject
            {
                ["name"] = "",
                ["key"] = "",
                ["tags"] = new JsonArray(),
            };
            var created = await host.Side.Create(body);
            Assert.Equal(("pending", "0 of 2 approvals, waiting for SRE"), (created.Value(), created.Display()));
            Assert.False((await host.Facts(id)).ContainsKey("flag"));
        }
        Assert.Equal("~", (await host.Facts("all"))["environment"]!.GetValue<string>());
    }

    [Fact]
    public async Task Trap_16_where_nothing_says_who_decides_an_admin_does_and_nothing_approves_itself()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        await host.Hub.AddPerson("Ada", Role.Admin);
        using var side = new LaunchDarklySide(host.Source(await host.Hub.AddSource("bare", kind: "launchdarkly")));
        var created = await side.Create(LaunchDarklySide.Body());
        Assert.Equal("pending", created.Value());
        Assert.StartsWith(
            "0 of 2 approvals, waiting for an admin, requester not recognized",
            created.Display(),
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task Trap_17_form_variables_are_texts_in_any_order_and_none_is_refused(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var body = LaunchDarklySide.Body();
        body["approvalFormVariables"] = new JsonObject
        {
            ["s"] = "blue",
            ["b"] = "true",
            ["n"] = "5",
            ["e"] = "",
            ["number"] = 5,
            ["yes"] = true,
            ["nothing"] = null,
            ["deep"] = new JsonObject { ["x"] = 1 },
        };
        body["additionalFormVariables"] = new JsonObject { ["also"] = "this" };
        body["somethingNew"] = new JsonArray(1, 2);
        await host.Side.Create(body);
        var facts = await host.Facts();
        Assert.Equal(
            [
                "form.s=blue",
                "form.b=true",
                "form.n=5",
                "form.e=",
                "form.number=5",
                "form.yes=true",
                "form.nothing=",
                "form.deep={\"x\":1}",
                "form.also=this",
            ],
            facts.Where(f => f.Key.StartsWith("form.", StringComparison.Ordinal)).Select(f => $"{f.Key}={f.Value}")
        );
        Assert.Contains("\"somethingNew\":[1,2]", await host.StoredBody(), StringComparison.Ordinal);

        // The same content in another order is the same request.
        var reordered = new JsonObject(body.Reverse().Select(m => KeyValuePair.Create(m.Key, m.Value?.DeepClone())));
        Assert.Equal(200, (await host.Side.Create(reordered)).Status);
        Assert.Equal(1, (await host.Request()).Revision);
    }

    [Theory]
    [InlineData(
        "less glare at night",
        "Created approval request: less glare at night\nRequested change is:\nTurn on the flag",
        "Requested change is:\nTurn on the flag"
    )]
    [InlineData("two\nlines", "Created approval request: two\r\nlines\r\nTurn on the flag", "Turn on the flag")]
    [InlineData("same", "same", "")]
    [InlineData("same", "same thing", "same thing")]
    [InlineData(
        "Turn",
        "Created approval request: Turn on\nTurn on the flag",
        "Created approval request: Turn on\nTurn on the flag"
    )]
    [InlineData("", "Created approval request: \nTurn on the flag", "Created approval request: \nTurn on the flag")]
    public async Task Trap_32_the_comment_is_not_shown_twice(string comment, string details, string shown)
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        var body = LaunchDarklySide.Body();
        (body["comment"], body["details"]) = (comment, details);
        await host.Side.Create(body);
        Assert.Equal(shown, (await host.Details()).Current.Message);
        Assert.Equal(details, (await host.Facts())["details"]!.GetValue<string>());
    }

    [Theory, BothEngines]
    public async Task Hostile_text_is_kept_and_shown_without_what_no_store_can_hold(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        const string hostile =
            @"\u0000 \ud800 \udc00\ud800 \\ud800 \ud83d\ude00 '; DROP TABLE requests; -- "
            + @"<img src=x onerror=alert(1)> \u202e \uffff";
        var text = LaunchDarklySide.Rendered("comment", hostile);
        Assert.Equal(201, (await host.Side.Create(text)).Status);
        var kept = text.Replace(
            @"\ud800 \udc00\ud800 \\ud800",
            @"\uFFFD \uFFFD\uFFFD \\ud800",
            StringComparison.Ordinal
        );
        Assert.Equal(kept, await host.StoredBody());
        Assert.Equal(
            "\uFFFD \uFFFD \uFFFD\uFFFD \\ud800 😀 '; DROP TABLE requests; -- <img src=x onerror=alert(1)> "
                + "\u202E \uFFFF",
            (await host.Request()).Subject
        );
        foreach (var name in new[] { "details", "shortDescription" })
        {
            var id = $"hostile-{name}";
            Assert.Equal(
                201,
                (
                    await host.Side.Create(
                        LaunchDarklySide
                            .Rendered(name, hostile)
                            .Replace(LaunchDarklySide.Id, id, StringComparison.Ordinal)
                            .Replace(
                                "details\":\"Created approval request: less glare at night\\nRequested "
                                    + "change is:\\nTurn on the flag",
                                $"details\":\"{hostile}",
                                StringComparison.Ordinal
                            )
                    )
                ).Status
            );
            Assert.DoesNotContain('\0', (await host.Facts(id)).ToJsonString());
        }
        var inKeys = LaunchDarklySide
            .Body("keys")
            .ToJsonString()
            .Replace("\"risk\"", @"""r\u0000\ud800k""", StringComparison.Ordinal);
        Assert.Equal(201, (await host.Side.Create(inKeys)).Status);
        Assert.Equal("low", (await host.Facts("keys"))["form.r\uFFFD\uFFFDk"]!.GetValue<string>());
    }

    [Theory, BothEngines]
    public async Task A_mebibyte_of_details_is_taken_and_a_long_comment_reads_as_one_line(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var body = LaunchDarklySide.Body();
        (body["details"], body["comment"]) = (
            new string('d', 1024 * 1024),
            string.Join('\n', Enumerable.Repeat("line 😀", 2_000))
        );
        Assert.Equal(201, (await host.Side.Create(body)).Status);
        var request = await host.Request();
        Assert.InRange(request.Subject.Length, 900, 1_000);
        Assert.DoesNotContain('\n', request.Subject);
        Assert.Equal(1024 * 1024, (await host.Details()).Current.Message.Length);
        Assert.Equal(body["comment"]!.GetValue<string>(), (await host.Facts())["comment"]!.GetValue<string>());
    }
}
