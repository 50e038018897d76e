using System.Text;
using System.Text.Json.Nodes;
using Countersign.Destinations;
using Countersign.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Destinations.Manifest;

/// <summary>What leaves, and what is refused before anything leaves.</summary>
public sealed class RenderingTests
{
    private static readonly ApprovalManifest Manifest = Sample.Read(Sample.Text);

    [Fact]
    public void Trap_35_numbers_keep_their_text_on_the_way_to_the_pattern()
    {
        var parser = Sample
            .Read(
                Sample.With(
                    ("~.creationRequest.parser.approvalMatcher", "^-1"),
                    ("~.creationRequest.parser.rejectionMatcher", "^4")
                )
            )
            .Create.Parser!;
        var reported = Sample.Hear(parser, """{"result":[{"id":"s1","state":-1.0,"text":"Implement"}]}""");
        Assert.Equal(
            (Opinion.Approved, "-1.0", "Implement", "s1"),
            (reported.Opinion, reported.Value, reported.Display, reported.ExternalId)
        );
        Assert.Equal(Opinion.Rejected, Sample.Hear(parser, """{"result":[{"state":4}]}""").Opinion);
    }

    [Theory]
    [InlineData("""{"result":[{"state":null}]}""")]
    [InlineData("""{"result":[{"state":{"value":"yes"}}]}""")]
    [InlineData("""{"result":[]}""")]
    [InlineData("<html>yes</html>")]
    [InlineData("")]
    public void What_holds_no_status_says_nothing(string answer) =>
        Assert.Equal(ReportedStatus.Nothing, Sample.Hear(Manifest.Create.Parser!, answer));

    [Fact]
    public void Both_patterns_matching_counts_as_declined_and_is_told()
    {
        var parser = Sample
            .Read(
                Sample.With(
                    ("~.statusRequest.parser.approvalMatcher", "yes"),
                    ("~.statusRequest.parser.rejectionMatcher", "es")
                )
            )
            .Status.Parser!;
        var reported = Sample.Hear(parser, """{"state":"yes"}""");
        Assert.Equal((Opinion.Rejected, true), (reported.Opinion, reported.MatchedBoth));
    }

    [Theory]
    [InlineData("/a~1b/~0c/1", "second")]
    [InlineData("/a~1b/~0c/2", null)]
    [InlineData("/a~1b/~0c", null)]
    [InlineData("/a~1b/~0c/01", null)]
    [InlineData("/missing", null)]
    [InlineData("/", "no name")]
    public void Pointers_follow_RFC_6901(string path, string? text)
    {
        var answer = Sample.Json("""{"a/b":{"~c":["first","second"]},"":"no name"}""");
        Assert.Equal(text, Pointer.TextAt(answer, Pointer.Parse(path)));
    }

    [Theory]
    [InlineData("state")]
    [InlineData("#/state")]
    [InlineData("/result/-/state")]
    [InlineData("/a~2b")]
    [InlineData("/a~")]
    public void What_points_at_no_value_is_no_pointer(string text) => Assert.Null(Pointer.Parse(text));

    [Fact]
    public void Names_that_a_requester_chose_change_neither_a_body_nor_an_address()
    {
        const string Each = "{{#each customProperties}}{{@key}}{{/each}}";
        var body = Sample.Read(
            Sample.With(("~.creationRequest.jsonBody", "{{#each customProperties}}{\"{{@key}}\": 1}{{/each}}"))
        );
        const string Odd = "a\":\"b\",\"state";
        var sent = Sample.Body(Sample.Ready(body.Create, Sample.Context(body, Named(Odd))));
        Assert.Equal(1, sent[Odd]!.GetValue<int>());

        var address = Sample.Read(Sample.With(("~.creationRequest.endpoint.url", "{{baseURL}}/asks/" + Each)));
        Assert.Contains(
            "would change the path",
            Sample.Refused(address.Create, Sample.Context(address, Named("../admin"))).Why,
            StringComparison.Ordinal
        );
        Assert.EndsWith(
            "/asks/team-1",
            Sample.Ready(address.Create, Sample.Context(address, Named("team-1"))).Url.AbsoluteUri,
            StringComparison.Ordinal
        );

        static ForwardedRequest Named(string name) => Rehearsals.Full with { CustomProperties = [new(name, ["x"])] };
    }

    [Theory]
    [InlineData("", "k")]
    [InlineData("desk.example.test", "k")]
    [InlineData("ftp://desk.example.test", "k")]
    [InlineData("https://user:word@desk.example.test", "k")]
    [InlineData("https://desk.example.test", "")]
    public void Trap_39_nothing_leaves_without_a_whole_address_and_every_secret(string baseUrl, string key) =>
        Assert.Contains(
            "creationRequest",
            Sample
                .Refused(
                    Manifest.Create,
                    Sample.Context(
                        Manifest,
                        settings: new Dictionary<string, string> { ["baseURL"] = baseUrl, ["apiKey"] = key }
                    )
                )
                .Place,
            StringComparison.Ordinal
        );

    [Fact]
    public void Trap_39_a_name_that_means_nothing_sends_no_empty_credential()
    {
        var manifest = Sample.Read(
            Sample.With(
                (
                    "~.statusRequest.endpoint.headers",
                    new JsonArray(new JsonObject { ["name"] = "Authorization", ["value"] = "Bearer {{apiToken}}" })
                )
            )
        );
        Assert.Contains(
            "apiToken",
            Sample.Refused(manifest.Status, Sample.Context(manifest)).Why,
            StringComparison.Ordinal
        );
        var oauth = Sample.Read(
            Sample.With(
                ("~.statusRequest.endpoint.url", "{{oauth.baseURI}}/x"),
                (
                    "~.statusRequest.endpoint.headers",
                    new JsonArray(
                        new JsonObject { ["name"] = "Authorization", ["value"] = "Bearer {{oauth.accessToken}}" }
                    )
                )
            )
        );
        Assert.Contains(
            "oauth.accessToken",
            Sample.Refused(oauth.Status, Sample.Context(oauth) with { AccessToken = "" }).Why,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Trap_40_what_is_shown_has_every_secret_masked()
    {
        var shown = ((Rendering.Ready)Renderer.Render(Manifest.Create, Sample.Context(Manifest))).Shown!;
        Assert.Contains(shown.Headers, h => h == ("Authorization", $"Bearer {TemplateHelpers.Mask}"));
        Assert.DoesNotContain(
            "k-123",
            string.Join('\n', shown.Headers) + shown.Url + Encoding.UTF8.GetString(shown.Body!),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Trap_40_an_address_that_makes_no_sense_without_its_secret_is_not_shown_but_called()
    {
        var manifest = Sample.Read(Sample.With(("~.statusRequest.endpoint.url", "{{apiKey}}/asks")));
        var context = Sample.Context(
            manifest,
            settings: new Dictionary<string, string>
            {
                ["baseURL"] = "https://x.test",
                ["apiKey"] = "https://secret.test",
            }
        );
        var ready = (Rendering.Ready)Renderer.Render(manifest.Status, context);
        Assert.Equal(("secret.test", null), (ready.Call.Url.Host, ready.Shown));
        Assert.Equal(TemplateHelpers.Mask, RedactedExchange.Of(manifest.Status, context).Url);
    }

    [Theory]
    [InlineData("k\r\nX-Admin: yes")]
    [InlineData("k\ny")]
    [InlineData("k\0y")]
    public void Trap_42_a_line_break_in_a_header_is_refused(string key) =>
        Assert.Contains(
            "Authorization",
            Sample
                .Refused(
                    Manifest.Create,
                    Sample.Context(
                        Manifest,
                        settings: new Dictionary<string, string> { ["baseURL"] = "https://x.test", ["apiKey"] = key }
                    )
                )
                .Place,
            StringComparison.Ordinal
        );

    [Fact]
    public void Trap_44_the_creations_answer_is_there_for_later_templates()
    {
        var manifest = Sample.Read(
            Sample.With(
                (
                    "~.deletionRequest.jsonBody",
                    "{\"number\": \"{{creationResponseBody.result.[0].number}}\", \"deep\": {{creationResponseBody.n}}}"
                )
            )
        );
        var body = Sample.Body(
            Sample.Ready(
                manifest.Cancel,
                Sample.Context(manifest) with
                {
                    CreationAnswer = """{"result":[{"number":"CHG\"1"}],"n":7}""",
                }
            )
        );
        Assert.Equal(("CHG\"1", 7), (body["number"]!.ToString(), (int)body["deep"]!));
    }

    [Fact]
    public void Trap_45_both_names_of_a_thing_resolve_and_the_two_ids_differ()
    {
        var manifest = Sample.Read(
            Sample.With(
                (
                    "~.environmentFormVariables.0",
                    new JsonObject
                    {
                        ["key"] = "template",
                        ["name"] = "T",
                        ["type"] = "string",
                        ["description"] = "",
                    }
                ),
                (
                    "~.statusRequest.endpoint.url",
                    "{{formVariables.baseURL}}/{{environment.template}}/{{environmentFormVariables.template}}/"
                        + "{{context.approvalId}}/{{approvalId}}/{{context.project.key}}"
                )
            )
        );
        var call = Sample.Ready(
            manifest.Status,
            Sample.Context(
                manifest,
                settings: new Dictionary<string, string>
                {
                    ["baseURL"] = "https://x.test",
                    ["apiKey"] = "k",
                    ["template"] = "std",
                },
                externalId: "EXT"
            )
        );
        Assert.Equal($"https://x.test/std/std/EXT/{Rehearsals.Full.Id}/web-shop", call.Url.ToString());
    }

    [Fact]
    public void Trap_46_a_body_that_is_no_JSON_stays_here()
    {
        var manifest = Sample.Read(Sample.With(("~.creationRequest.jsonBody", "{\"title\": {{title.plainText}}}")));
        Assert.Contains(
            "JSON",
            Sample.Refused(manifest.Create, Sample.Context(manifest)).Why,
            StringComparison.Ordinal
        );
        // The flag name that broke a published manifest: in its own quotes it is one string with any content.
        var quoted = Sample.Read(Sample.With(("~.creationRequest.jsonBody", "{\"flag\": \"{{flag.name}}\"}")));
        Assert.Equal(
            "A \"x\"",
            Sample.Body(
                Sample.Ready(
                    quoted.Create,
                    Sample.Context(quoted, Rehearsals.Full with { Flag = new("A \"x\"", "a", []) })
                )
            )["flag"]!.ToString()
        );
    }

    [Fact]
    public async Task Trap_47_a_content_type_is_added_only_where_there_is_content()
    {
        var create = Sample.Ready(Manifest.Create, Sample.Context(Manifest)).ToMessage();
        Assert.Equal("application/json", create.Content!.Headers.ContentType!.ToString());
        Assert.Equal("application/json", create.Headers.Accept.ToString());
        var apply = Sample.Ready(Manifest.Apply, Sample.Context(Manifest, externalId: "7")).ToMessage();
        Assert.Equal(
            ("https://desk.example.test/asks/7?state=Done", 0L, true),
            (
                apply.RequestUri!.ToString(),
                apply.Content!.Headers.ContentLength ?? -1,
                apply.Content.Headers.ContentType is null
            )
        );
        Assert.Empty(await apply.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Null(Sample.Ready(Manifest.Status, Sample.Context(Manifest, externalId: "7")).ToMessage().Content);
    }

    [Fact]
    public void A_signature_covers_the_very_bytes()
    {
        var manifest = Sample.Read(
            Sample.With(
                (
                    "~.creationRequest.endpoint.hmacSignature",
                    new JsonObject { ["headerName"] = "X-Signature", ["hmacSecretFormVariableKey"] = "apiKey" }
                )
            )
        );
        var call = Sample.Ready(manifest.Create, Sample.Context(manifest));
        Assert.Contains(
            call.Headers,
            h =>
                h
                == (
                    "X-Signature",
                    Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA256.HashData("k-123"u8, call.Body!))
                )
        );
        Assert.Contains(
            ((Rendering.Ready)Renderer.Render(manifest.Create, Sample.Context(manifest))).Shown!.Headers,
            h => h == ("X-Signature", TemplateHelpers.Mask)
        );
    }

    [Fact]
    public void Hostile_texts_arrive_as_they_are()
    {
        foreach (var forwarded in Rehearsals.All)
        {
            Assert.Equal(
                forwarded.Title,
                Sample.Body(Sample.Ready(Manifest.Create, Sample.Context(Manifest, forwarded)))["title"]!.ToString()
            );
        }
    }

    [Theory]
    [InlineData("servicenow.json")]
    [InlineData("servicenow-normal.json")]
    [InlineData("custom-approvals.json")]
    public void Published_manifests_render_every_call_for_every_text(string name)
    {
        var manifest = Sample.Read(PublishedManifests.Read(name));
        foreach (var forwarded in Rehearsals.All)
        {
            foreach (var call in manifest.Calls)
                Sample.Ready(call, Rehearsals.Context(manifest, forwarded));
        }
    }

    [Fact]
    public void ServiceNows_change_window_ends_after_it_starts()
    {
        var manifest = Sample.Read(PublishedManifests.Read("servicenow-normal.json"));
        var settings = new Dictionary<string, string> { ["configItemFlag"] = "true" };
        var forwarded = Rehearsals.Full with
        {
            Form = [new("configurationItem", "ci-1"), new("implementationPlan", "hidden")],
        };
        var body = Sample.Body(Sample.Ready(manifest.Create, Sample.Context(manifest, forwarded, settings)));
        Assert.Equal(
            ("2025-05-02 14:36:47", "2025-05-02 14:41:48", "ci-1", null),
            (
                body["start_date"]?.ToString(),
                body["end_date"]?.ToString(),
                body["cmdb_ci"]?.ToString(),
                body["implementation_plan"]?.ToString()
            )
        );
        var withoutDates = Sample.Body(
            Sample.Ready(
                manifest.Create,
                Sample.Context(manifest, forwarded, new Dictionary<string, string> { ["doNotSetDates"] = "true" })
            )
        );
        Assert.Null(withoutDates["start_date"]);
    }
}
