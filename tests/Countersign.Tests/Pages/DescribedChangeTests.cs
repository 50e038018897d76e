using Countersign.LaunchDarkly.Changes;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Slack;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Tests.Doors.LaunchDarkly;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Where people see what LaunchDarkly said that a request changes, and whether it said so.</summary>
public sealed class DescribedChangeTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    private const string Instructions = """
        [ { "kind": "turnFlagOff" },
          { "kind": "addTargets", "values": ["<b>ann</b>", "ben"], "variationId": "v-1" },
          { "kind": "startGuardedRollout", "stages": ["<script>"] } ]
        """;

    private static readonly ResourceState State = new()
    {
        Environment = "production",
        Flag = System.Text.Json.JsonElement.Parse(
            """
            { "variations": [ { "_id": "v-1", "value": true, "name": "Shown & told" } ],
              "environments": { "production": { "on": true, "offVariation": 0, "fallthrough": { "variation": 0 },
                "targets": [], "rules": [] } } }
            """
        ),
    };

    [Theory, BothEngines]
    public async Task The_changes_lead_the_page_the_inbox_the_file_and_the_api(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        var request = await host.Request();
        await Describe(host, request, Instructions);
        await host.Host.Noticed();

        using var ann = await host.Host.SignIn(host.People[0]);
        var page = (await ann.Get($"/requests/{request.Id}")).Text;
        Assert.Contains("Turn off <strong>Dark mode</strong>", page, Ordinal);
        Assert.Contains("Confirmed by LaunchDarkly", page, Ordinal);
        Assert.Contains("Add 2 individual targets to Shown &amp; told", page, Ordinal);
        Assert.Contains("&lt;b&gt;ann&lt;/b&gt;", page, Ordinal);
        Assert.Contains("on, serving Shown &amp; told (true)", page, Ordinal);
        Assert.Contains("Unknown change: startGuardedRollout", page, Ordinal);
        Assert.Contains("&lt;script&gt;", page, Ordinal);
        // Its prose lists one change, its data three.
        Assert.Contains("another number of changes", page, Ordinal);

        Assert.Contains("2 more changes", (await ann.Get("/")).Text, Ordinal);
        Assert.Contains("Add 2 individual targets to Shown & told", (await ann.Get("/requests.csv")).Text, Ordinal);

        using var client = await host.Host.Person(host.People[0]);
        var changes = (await client.Get($"/api/v1/requests/{request.Id}")).Json["changes"]!.AsArray();
        Assert.Equal(
            ["turnFlagOff True", "addTargets True", "startGuardedRollout False"],
            changes.Select(c =>
                $"{c!["kind"]} {c["understood"]}".Replace("true", "True", Ordinal).Replace("false", "False", Ordinal)
            )
        );
        Assert.Equal(2, changes[1]!["targets"]!.GetValue<int>());
    }

    [Theory, BothEngines]
    public async Task Mail_and_chat_lead_with_the_changes(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await host.Side.Create(LaunchDarklySide.Body());
        var request = await host.Request();
        await Describe(host, request, Instructions);
        var submitted = await host.Hub.Place.Number(
            "SELECT id FROM events WHERE kind = 'request.submitted' AND subject = @subject",
            new { subject = request.Id.Subject }
        );
        var told = (
            await NotificationContent.Of(
                host.Hub.Store,
                new Configuration.PageOptions(),
                submitted,
                $"person:{host.People[0].Id}",
                default
            )
        )!;
        Assert.Equal("Turn off Dark mode", told.Title);
        Assert.Equal(3, told.Changes().Count);
        var mail = MailContent.Of(
            told,
            new Countersign.Outcomes.OutcomeOptions { PublicUrl = new Uri("https://hub.example.test") }
        );
        Assert.Contains("* Add 2 individual targets to Shown & told", mail.ToText(), Ordinal);
        Assert.Contains(": <b>ann</b>, ben", mail.ToText(), Ordinal);
        Assert.Contains("&lt;b&gt;ann&lt;/b&gt;, ben", mail.ToHtml(), Ordinal);
        Assert.Contains("(not understood: check it in LaunchDarkly)", mail.ToText(), Ordinal);
        // LaunchDarkly's prose doesn't say it a second time.
        Assert.DoesNotContain("Requested change is", mail.ToText(), Ordinal);
        Assert.Contains("&lt;b&gt;ann&lt;/b&gt;", SlackMessage.Of(told, "C1", null, "https://x"), Ordinal);
    }

    [Theory]
    [InlineData("""{"ended":"requester,change","confirmed":""}""", "request.unconfirmed")]
    [InlineData("""{"ended":"requester,change","confirmed":"change"}""", "request.unconfirmed.requester")]
    [InlineData("""{"ended":"requester,change","confirmed":"requester"}""", "request.unconfirmed.change")]
    [InlineData("""{"ended":"requester,change","confirmed":"requester,change"}""", null)]
    [InlineData("""{"ended":"requester","confirmed":"requester"}""", null)]
    [InlineData("""{"ended":"change"}""", "request.unconfirmed.change")]
    [InlineData("{}", null)]
    public void What_LaunchDarkly_did_not_confirm_follows_from_what_was_asked(string data, string? word)
    {
        Assert.Equal(word, Countersign.Pages.Request.CheckState.Of([Event("request.checked", data)]).Word);
        // A later answer takes its place, and another content begins anew.
        Assert.Null(
            Countersign
                .Pages.Request.CheckState.Of([
                    Event("request.checked", data),
                    Event("request.checked", """{"ended":"requester,change","confirmed":"requester,change"}"""),
                ])
                .Word
        );
        Assert.Null(
            Countersign
                .Pages.Request.CheckState.Of([Event("request.checked", data), Event("request.revised", "{}")])
                .Word
        );
    }

    private static StoredEvent Event(string kind, string data) =>
        new()
        {
            Subject = "request:x",
            Kind = kind,
            Actor = "hub",
            Via = "",
            Address = "",
            At = "2026-01-01T00:00:00.000Z",
            Data = data,
            Hash = "",
        };

    private static async Task Describe(LaunchDarklyHost host, ApprovalRequest request, string instructions)
    {
        var changes = InstructionReader.Read(System.Text.Json.JsonElement.Parse(instructions), State);
        // Put there as it would lie after LaunchDarkly was asked, without the event that tells of it.
        host.Hub.Place.IsTampered = true;
        await host.Hub.Store.InTransaction(
            async tx =>
            {
                await ReadChanges.Keep(
                    tx,
                    request with
                    {
                        ChangeDigest = changes.Digest,
                    },
                    changes.ToText(),
                    changes.FactsText()
                );
                return await tx.Execute(
                    "UPDATE requests SET change_digest = @digest WHERE id = @id",
                    new { digest = changes.Digest, id = request.Id }
                );
            },
            default
        );
    }
}
