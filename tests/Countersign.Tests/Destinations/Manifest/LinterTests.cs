using System.Text.Json.Nodes;
using Countersign.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Destinations.Manifest;

/// <summary>Trap 49: what the published schema lets pass.</summary>
public sealed class LinterTests
{
    private static JsonObject Variable(string key, string type, params (string Name, JsonNode Value)[] more)
    {
        var variable = new JsonObject
        {
            ["key"] = key,
            ["name"] = key,
            ["type"] = type,
            ["description"] = "",
        };
        foreach (var (name, value) in more)
            variable[name] = value;
        return variable;
    }

    private static JsonArray DependsOn(string key, string location = "formVariables") =>
        new(
            new JsonObject
            {
                ["variableKey"] = key,
                ["variableLocation"] = location,
                ["action"] = "showField",
                ["conditions"] = new JsonArray(new JsonObject { ["operator"] = "equalTo", ["value"] = "true" }),
            }
        );

    [Fact]
    public void A_finding_about_a_variable_names_it_and_not_only_its_place()
    {
        var manifest = JsonNode.Parse(Sample.Text)!.AsObject();
        var variables = manifest["formVariables"]!.AsArray();
        variables.Add(Variable("riskLevel", "enum"));
        var finding = Linter.Run(manifest.ToJsonString()).Single(f => f.Place.EndsWith("allowedValues", Ordinal));
        Assert.Equal($"formVariables[{variables.Count - 1}].allowedValues", finding.Place);
        Assert.StartsWith("riskLevel: ", finding.Problem, Ordinal);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    public static TheoryData<string, string, JsonNode?, string> Mistakes =>
        new()
        {
            { "a key twice", "formVariables.0", Variable("apiKey", "string"), "appears 2 times" },
            { "an enum without values", "formVariables.0", Variable("e", "enum"), "no values to choose from" },
            {
                "a dynamic enum without a call",
                "formVariables.0",
                Variable("e", "dynamicEnum"),
                "no source for its values"
            },
            { "a type that is none", "formVariables.0", Variable("e", "url"), "isn't a type" },
            {
                "a multiselect without options",
                "formVariables.0",
                Variable("e", "multiselect"),
                "no values to choose from"
            },
            { "hidden and required", "formVariables.0", Variable("e", "string", ("isHidden", true)), "never shown" },
            {
                "a dependence on nothing",
                "formVariables.0",
                Variable("e", "string", ("dependsOn", DependsOn("nobody"))),
                "There is no variable nobody"
            },
            {
                "a dependence in no list",
                "formVariables.0",
                Variable("e", "string", ("dependsOn", DependsOn("apiKey", "elsewhere"))),
                "isn't a list of variables"
            },
            {
                "a default of another type",
                "formVariables.0",
                Variable("e", "boolean", ("defaultValue", "false"), ("isOptional", true)),
                "true or false"
            },
            { "a broken pattern", "~.statusRequest.parser.approvalMatcher", "(", "isn't a valid pattern" },
            {
                "a pattern that is not supported",
                "~.statusRequest.parser.approvalMatcher",
                "(?i)approved",
                "starts with something that isn't supported"
            },
            { "an empty pattern", "~.statusRequest.parser.approvalMatcher", "", "matches every response" },
            { "equal patterns", "~.statusRequest.parser.rejectionMatcher", "^yes$", "Both patterns are the same" },
            { "a pointer without its slash", "~.statusRequest.parser.statusValue", "state", "isn't a JSON Pointer" },
            { "a missing parser", "~.statusRequest.parser", null, "can't be interpreted" },
            { "a creation without a parser", "~.creationRequest.parser", null, "our ID" },
            { "a name that means nothing", "~.statusRequest.endpoint.url", "{{baseUri}}/x", "baseUri is unknown" },
            { "a brace too few", "~.statusRequest.endpoint.url", "{environment.host}}/x", "A brace is missing" },
            {
                "braces that do not close",
                "~.creationRequest.jsonBody",
                "{\"a\": \"{{title.plainText}\"}",
                "aren't balanced"
            },
            {
                "a block that does not close",
                "~.creationRequest.jsonBody",
                "{\"a\": \"{{#if comment}}x\"}",
                "isn't closed"
            },
            {
                "a helper that is not there",
                "~.creationRequest.jsonBody",
                "{\"a\": \"{{upper comment}}\"}",
                "no helper upper"
            },
            { "never JSON", "~.creationRequest.jsonBody", "{\"a\": {{title.plainText}}}", "every approval" },
            {
                "JSON for some only",
                "~.creationRequest.jsonBody",
                "{\"a\": 1, {{#if details.plainText}}\"b\": 2{{/if}}}",
                "some approvals"
            },
            { "a relative address", "~.statusRequest.endpoint.url", "/x", "starts neither with http" },
            { "a method in lower case", "~.statusRequest.endpoint.method", "get", "isn't a method" },
            {
                "a header that is not ours to set",
                "~.statusRequest.endpoint.headers",
                new JsonArray(new JsonObject { ["name"] = "Content-Length", ["value"] = "1" }),
                "set by the connection"
            },
            { "a member that is not known", "~.flagFormVariables", new JsonArray(), "no such member" },
            { "a missing call", "~.deletionRequest", null, "is missing" },
        };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Trap_49_is_found_with_its_place_and_its_fix(
        string mistake,
        string place,
        JsonNode? value,
        string problem
    )
    {
        Assert.NotEmpty(mistake);
        var finding = Assert.Single(
            Linter.Run(Sample.With((place, value?.DeepClone()))),
            f => f.Problem.Contains(problem, StringComparison.Ordinal)
        );
        Assert.NotEmpty(finding.Place);
        Assert.NotEmpty(finding.Fix);
    }

    [Fact]
    public void What_is_right_has_no_findings() => Assert.Empty(Linter.Run(Sample.Text));

    [Theory]
    [InlineData("servicenow.json")]
    [InlineData("servicenow-normal.json")]
    [InlineData("custom-approvals.json")]
    public void Published_manifests_have_no_findings(string name) =>
        Assert.Empty(Linter.Run(PublishedManifests.Read(name)));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"capabilities\": {}}")]
    [InlineData("{\"a\": 1, \"a\": 2}")]
    public void What_is_no_manifest_says_so(string text) => Assert.Contains(Linter.Run(text), f => f.IsFatal);

    [Fact]
    public void Trap_48_what_is_hidden_is_neither_required_nor_sent()
    {
        var manifest = Sample.Read(
            Sample.With(
                ("formVariables.0", Variable("wantsPlan", "boolean", ("defaultValue", false), ("isOptional", true))),
                (
                    "formVariables.0",
                    Variable("plan", "string", ("isHidden", true), ("dependsOn", DependsOn("wantsPlan")))
                )
            )
        );
        var settings = new Dictionary<string, string>
        {
            ["baseURL"] = "https://x.test",
            ["apiKey"] = "k",
            ["plan"] = "left over",
        };
        var (values, mistakes) = FormValues.Read(manifest, settings);
        Assert.Empty(mistakes);
        Assert.False(values.Form.ContainsKey("plan"));
        (values, mistakes) = FormValues.Read(
            manifest,
            new Dictionary<string, string>(settings) { ["wantsPlan"] = "true" }
        );
        Assert.Empty(mistakes);
        Assert.Equal("left over", values.Form["plan"]);
        settings.Remove("plan");
        Assert.Equal(
            "plan",
            Assert
                .Single(
                    FormValues
                        .Read(manifest, new Dictionary<string, string>(settings) { ["wantsPlan"] = "true" })
                        .Mistakes
                )
                .Key
        );
    }
}
