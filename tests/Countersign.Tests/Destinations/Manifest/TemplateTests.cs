using System.Text.Json.Nodes;
using Countersign.Destinations.Manifest;
using Countersign.Simulator;
using Xunit;

namespace Countersign.Tests.Destinations.Manifest;

public sealed class TemplateTests
{
    private static Dictionary<string, object?> Of(params (string Name, object? Value)[] values) =>
        values.ToDictionary(v => v.Name, v => v.Value);

    private static readonly Dictionary<string, object?> Nothing = [];

    [Theory]
    [InlineData("{{formatWithOffset 1746196908127 0 'simple'}}", "2025-05-02 14:41:48")]
    [InlineData("{{formatWithOffset '1746196607127' 301 'simple'}}", "2025-05-02 14:41:48")]
    [InlineData("{{formatWithOffset 1746196607127 0 'rfc3339'}}", "2025-05-02T14:36:47Z")]
    [InlineData("{{formatWithOffset 1746196607127 1 'milliseconds'}}", "1746196608127")]
    [InlineData("{{formatWithOffset 1746196607999 0 'seconds'}}", "1746196607")]
    public void Trap_36_times_are_UTC_in_24_hours_with_zeros(string template, string text) =>
        Assert.Equal(text, Sample.Render(template, Nothing));

    [Theory]
    [InlineData("{{yes}} {{no}}", "true false")]
    [InlineData("{{#if empty}}full{{else}}empty{{/if}}", "empty")]
    [InlineData("{{#each list}}{{this}}{{#if @last}}.{{else}},{{/if}}{{/each}}", "a,b.")]
    [InlineData("{{#each list}}{{@index}}{{@first}} {{/each}}", "0true 1false ")]
    [InlineData("{{list}}", "a,b")]
    [InlineData("{{missing}}{{nothing}}|", "|")]
    [InlineData("{{#if zero}}a{{else}}b{{/if}}{{#if text}}a{{/if}}{{#unless no}}c{{/unless}}", "bac")]
    [InlineData("{{#each map}}{{@key}}={{this}};{{/each}}", "k=v;n=;")]
    [InlineData(
        "{{#equal text 'false'}}same{{else}}other{{/equal}}{{#equalWithElse yes "
            + "'true'}}same{{else}}other{{/equalWithElse}}",
        "samesame"
    )]
    [InlineData("{{list.[0]}}{{lookup list 1}}{{#with map}}{{k}}{{/with}}", "abv")]
    [InlineData("{{{html}}}{{html}}", "<b>&'=<b>&'=")]
    public void Trap_37_values_print_as_in_the_engines_that_authors_tried(string template, string text) =>
        Assert.Equal(
            text,
            Sample.Render(
                template,
                Of(
                    ("yes", true),
                    ("no", false),
                    ("empty", new Dictionary<string, object?>()),
                    ("list", new List<object?> { "a", "b" }),
                    ("nothing", null),
                    ("zero", 0L),
                    ("text", "false"),
                    ("map", Of(("k", "v"), ("n", null))),
                    ("html", "<b>&'=")
                )
            )
        );

    [Fact]
    public void A_whole_object_is_never_printed() =>
        Assert.Throws<FormatException>(() => Sample.Render("{{map}}", Of(("map", Of(("k", "v"))))));

    [Theory]
    [InlineData("u", "p", "Basic dTpw")]
    [InlineData("user", "pass", "Basic dXNlcjpwYXNz")]
    [InlineData("user", "passw", "Basic dXNlcjpwYXNzdw==")]
    [InlineData("user", "passwö", "Basic dXNlcjpwYXNzd8O2")]
    public void Trap_38_basic_credentials_keep_their_padding(string user, string password, string header)
    {
        var scope = Of(("u", user), ("p", password));
        Assert.Equal(header, Sample.Render("{{basicAuthHeaderValue u p}}", scope));
        Assert.Equal(header, Sample.Render("{{{basicAuthHeaderValue u p}}}", scope));
        Assert.Equal(header, new Templates(Escaping.Js.Html).Of("{{basicAuthHeaderValue u p}}").Render(scope));
    }

    [Theory]
    [InlineData("{{pathEncode v}}", "a%20b/c%3Fd%27")]
    [InlineData("{{queryEncode v}}", "a%20b%2Fc%3Fd'")]
    public void Encoders_return_what_belongs_into_an_address(string template, string text) =>
        Assert.Equal(text, Sample.Render(template, Of(("v", "a b/c?d'"))));

    [Fact]
    public void Fidelity_to_LaunchDarkly_escapes_for_HTML_between_two_braces()
    {
        var manifest = Sample.Read(Sample.Text, new Templates(Escaping.Go.Html));
        var forwarded = Rehearsals.Full with { Title = "R&D \"x\" 'y' <b>" };
        Assert.Equal(
            "R&amp;D \\\"x\\\" 'y'"
                .Replace("\\\"", "\\&quot;", StringComparison.Ordinal)
                .Replace("'", "&apos;", StringComparison.Ordinal) + " &lt;b&gt;",
            System.Text.Encoding.UTF8.GetString(RawBody(manifest, forwarded))[(21 + forwarded.Id.Length)..^2]
        );
        Assert.Equal(
            forwarded.Title,
            Sample.Body(Sample.Ready(Sample.Read(Sample.Text).Create, Sample.Context(manifest, forwarded)))[
                "title"
            ]!.ToString()
        );
    }

    [Fact]
    public void Golden_the_published_bodies_come_out_as_LaunchDarkly_sends_them()
    {
        var manifest = Sample.Read(PublishedManifests.Read("custom-approvals.json"));
        var body = Sample.Body(
            Sample.Ready(manifest.Create, Sample.Context(manifest, Rehearsals.Full with { Member = null }))
        );
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse(
                    """
                    {"_site": {"href": "https://approvals.example.com/requests/01JCW9ZQ6GQ2XK5T0V3R8M4N7P"},
                     "_id": "01JCW9ZQ6GQ2XK5T0V3R8M4N7P",
                     "details": "Turn on the flag\nfor 25% of customers",
                     "project": {"name":"Web shop", "key": "web-shop", "tags":["customer-facing","critical"]},
                     "environment": {"name":"Production", "key": "production", "tags":["critical"]},
                     "flag": {"name":"Dark mode", "key": "dark-mode", "tags":["ui"]},
                     "shortDescription": "Jane Doe requested approval for changes to the flag Dark mode in Production",
                     "timestamp": "1746196607127", "approvalFormVariables": {"ticket": "OPS-12", "risk": "low"},
                     "comment": "Design has signed off." }
                    """
                ),
                body
            ),
            body.ToJsonString()
        );
    }

    /// <summary>What a fidelity template makes, which need not be JSON.</summary>
    private static byte[] RawBody(ApprovalManifest manifest, ForwardedRequest forwarded) =>
        System.Text.Encoding.UTF8.GetBytes(
            manifest.Create.Body!.Render(TemplateScope.Of(Sample.Context(manifest, forwarded), isBody: true))
        );
}
