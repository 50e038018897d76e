using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Cli;
using Countersign.Destinations.Manifest;
using Countersign.Simulator;
using Xunit;

namespace Countersign.Tests.Simulator;

/// <summary>What is sent must be what LaunchDarkly sends, to the last entity.</summary>
public sealed class BodyTests
{
    private static readonly ProposedChange Plain = new()
    {
        Id = "66a8e20c0754610fae1fcf5d",
        Project = new Resource("Default", "default", "a", "b"),
        Environment = new Resource("Prod", "prod", "c"),
        Flag = new Resource("F", "f", "t"),
        ShortDescription = "Jane Doe requested approval for changes to the flag F in 'Prod'",
        Timestamp = 1746196607127,
        Comment = "c",
    };

    private static readonly ProposedChange EverythingOdd = Plain with
    {
        Details = "say \"hi\" \\ <b>&amp; it's\ttab",
        Project = new Resource("R&D \"x\" <b>", "default"),
        Environment = new Resource("All environments", "~"),
        Flag = Resource.None,
        RequestedBy = new Member("569f514183f2164430000002", "o'brien+x&y@example.com"),
        Form =
        [
            ProposedChange.Field("s", "blue"),
            ProposedChange.Field("b", "true"),
            ProposedChange.Field("n", "5"),
            ProposedChange.Field("e", ""),
            ProposedChange.Field("we\"ird'k", "v"),
        ],
        Comment = "line1\nline2 \"q\" \\ é 日本 😀",
    };

    /// <summary>A manifest of our own with the same idea: two braces for codes, three for texts.</summary>
    private const string Manifest = """
        {"capabilities": {"approval": {
          "creationRequest": {
            "endpoint": {"url": "{{ baseURL }}/ask", "method": "POST", "headers": [{"name": "X-Key", "value": "{{ apiKey }}"}]},
            "jsonBody": "{\"id\": \"{{approvalId}}\", {{#if details.plainText}}\"why\": \"{{{details.plainText}}}\",{{/if}} \"project\": \"{{{project.name}}}\", \"where\": \"{{project.environment.key}}\", \"tags\": [{{#each project.tags}}\"{{this}}\"{{#if @last}}{{else}},{{/if}}{{/each}}], {{#if title.member}}\"by\": \"{{member.email}}\",{{/if}} \"at\": \"{{timestamp.milliseconds}}\", \"form\": { {{#each approvalFormVariables}} \"{{@key}}\": \"{{{this}}}\"{{#if @last}}{{else}},{{/if}}{{/each}} }, \"said\": \"{{{approvalDescription}}}\"}",
            "parser": {"approvalId": "/result/0/id", "statusValue": "/result/0/state", "statusDisplay": "/result/0/text~1long", "approvalMatcher": "^-1", "rejectionMatcher": "^4$", "urlTemplate": "{{ baseURL }}/show?x={{ context.approvalId }}"}
          },
          "statusRequest": {"endpoint": {"url": "{{baseURL}}/state/{{context.approvalId}}", "method": "GET"}, "parser": {"statusValue": "/state", "approvalMatcher": "ok"}},
          "postApplyRequest": {"endpoint": {"url": "{{baseURL}}/done/{{context.approvalId}}", "method": "PATCH"}, "parser": {"statusValue": "/state", "approvalMatcher": "ok"}},
          "deletionRequest": {"endpoint": {"url": "{{baseURL}}/undo/{{context.approvalId}}", "method": "DELETE"}, "parser": {"statusValue": "/state", "approvalMatcher": "ok"}}
        }}}
        """;

    private static string Render(
        ProposedChange change,
        Escaping escaping,
        Generation generation = Generation.Current
    ) => new BuiltInBody(escaping, generation).Render(change);

    [Fact]
    public void A_plain_change_leaves_out_what_it_does_not_have()
    {
        Same(
            """
            {"_site": {"href": "https://app.launchdarkly.com/default/prod/features/f/approvals/66a8e20c0754610fae1fcf5d"}, "_id": "66a8e20c0754610fae1fcf5d",  "project": {"name":"Default", "key": "default", "tags":["a","b"]},
             "environment": {"name":"Prod", "key": "prod", "tags":["c"]}, "flag": {"name":"F", "key": "f", "tags":["t"]},"shortDescription": "Jane Doe requested approval for changes to the flag F in 'Prod'",
             "timestamp": "1746196607127", "approvalFormVariables": {  },"comment": "c" }
            """,
            Render(Plain, Escaping.Go)
        );
    }

    [Fact]
    public void Texts_arrive_as_they_are_and_codes_escaped()
    {
        Same(
            """
            {"_site": {"href": "https://app.launchdarkly.com/default/~/features//approvals/66a8e20c0754610fae1fcf5d"}, "_id": "66a8e20c0754610fae1fcf5d", "details": "say \"hi\" \\ <b>&amp; it's\ttab",
             "project": {"name":"R&D \"x\" <b>", "key": "default", "tags":[]}, "environment": {"name":"All environments", "key": "~", "tags":[]}, "flag": {"name":"", "key": "", "tags":[]},
             "requestedBy": {"id": "569f514183f2164430000002", "email": "o&apos;brien+x&amp;y@example.com"},"shortDescription": "Jane Doe requested approval for changes to the flag F in 'Prod'",
             "timestamp": "1746196607127", "approvalFormVariables": {  "s": "blue", "b": "true", "n": "5", "e": "", "we&quot;ird&apos;k": "v" },"comment": "line1\nline2 \"q\" \\ é 日本 😀" }
            """,
            Render(EverythingOdd, Escaping.Go)
        );
    }

    [Fact]
    public void The_reference_engine_escapes_more()
    {
        var body = JsonNode.Parse(
            Render(EverythingOdd with { RequestedBy = new Member("1", "o'brien=`x") }, Escaping.Js)
        )!;
        Assert.Equal("o&#x27;brien&#x3D;&#x60;x", body["requestedBy"]!["email"]!.ToString());
    }

    [Fact]
    public void The_old_template_breaks_at_a_quote_and_else_sends_entities()
    {
        Assert.ThrowsAny<JsonException>(() => JsonNode.Parse(Render(EverythingOdd, Escaping.Go, Generation.Old)));
        var body = JsonNode.Parse(Render(Plain with { Comment = "it's <b>\nR&D" }, Escaping.Go, Generation.Old))!;
        Assert.Equal("it&apos;s &lt;b&gt;\nR&amp;D", body["comment"]!.ToString());
    }

    [Fact]
    public void A_null_in_the_form_prints_the_whole_context_and_breaks_the_body()
    {
        var change = Plain with { Form = [ProposedChange.Field("reason", null)] };
        Assert.Contains("map[_links:map[", Render(change, Escaping.Go), StringComparison.Ordinal);
        Assert.ThrowsAny<JsonException>(() => JsonNode.Parse(Render(change, Escaping.Go)));
        Assert.ThrowsAny<JsonException>(() =>
            JsonNode.Parse(ManifestContract.Read(Manifest, Escaping.Go, new ManifestLanguage()).Body(change))
        );
        Assert.Equal(
            "",
            JsonNode.Parse(ManifestContract.Read(Manifest, Escaping.Js, new ManifestLanguage()).Body(change))!["form"]![
                "reason"
            ]!.ToString()
        );
    }

    [Fact]
    public void A_manifest_is_rendered_by_the_same_rules()
    {
        var contract = ManifestContract.Read(Manifest, Escaping.Go, new ManifestLanguage());
        Same(
            """{"id": "66a8e20c0754610fae1fcf5d", "project": "Default", "where": "prod", "tags": ["a","b"], "at": "1746196607127", "form": {}, "said": "c"}""",
            contract.Body(Plain)
        );
        Same(
            """
            {"id": "66a8e20c0754610fae1fcf5d", "why": "say \"hi\" \\ <b>&amp; it's\ttab", "project": "R&D \"x\" <b>", "where": "~", "tags": [], "by": "o&apos;brien+x&amp;y@example.com", "at": "1746196607127",
             "form": {"s": "blue", "b": "true", "n": "5", "e": "", "we&quot;ird&apos;k": "v"}, "said": "line1\nline2 \"q\" \\ é 日本 😀"}
            """,
            contract.Body(EverythingOdd)
        );
    }

    [Fact]
    public void A_manifest_says_where_to_send_and_where_to_look()
    {
        var contract = ManifestContract.Read(Manifest, Escaping.Go, new ManifestLanguage());
        var scope = new Scope("https://a.example/x", "k&y", "77");
        Assert.Equal(
            ("https://a.example/x/ask", "X-Key", "k&amp;y"),
            (
                contract.Create.Url(scope),
                contract.Create.Headers(scope)[0].Name,
                contract.Create.Headers(scope)[0].Value
            )
        );
        Assert.Equal(
            (HttpMethod.Patch, "https://a.example/x/done/77"),
            (contract.Apply.Method, contract.Apply.Url(scope))
        );
        Assert.Equal("https://a.example/x/show?x=77", contract.ReviewPage(scope));
        Assert.Null(contract.Members);

        var created = JsonElement.Parse("""{"result": [{"id": "77", "state": -1.0, "text/long": "Implement"}]}""");
        var reader = contract.Reader(contract.Create);
        Assert.Equal("77", reader.Id(created));
        Assert.Equal(
            (ReviewStatus.Approved, "-1.0", "Implement"),
            (reader.Read(created).Review, reader.Read(created).Value, reader.Read(created).Display)
        );
        Assert.Equal(
            ReviewStatus.NeedsReview,
            reader.Read(JsonElement.Parse("""{"result": [{"state": "4\n"}]}""")).Review
        );
        Assert.Equal(ReviewStatus.Declined, reader.Read(JsonElement.Parse("""{"result": [{"state": "4"}]}""")).Review);
        Assert.Equal(Rule.StatusMissing, reader.Read(JsonElement.Parse("""{"result": []}""")).Oddity);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"capabilities": {"approval": {}}}""")]
    [InlineData(
        """{"capabilities": {"approval": {"creationRequest": {"endpoint": {"url": "{{#if x}}", "method": "POST"}}}}}"""
    )]
    public void A_manifest_that_cannot_be_used_is_told(string manifest) =>
        Assert.Throws<FormatException>(() => ManifestContract.Read(manifest, Escaping.Go, new ManifestLanguage()));

    private static void Same(string expected, string rendered) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(rendered)), $"Rendered: {rendered}");
}
