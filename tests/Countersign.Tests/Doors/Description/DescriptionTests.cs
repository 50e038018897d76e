using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Destinations.Links;
using Countersign.Doors.Api;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.Outcomes;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Work;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors.Description;

/// <summary>The description at <c>/openapi/v1.json</c> is complete, and says what the code says.</summary>
public sealed partial class DescriptionTests
{
    [Fact]
    public async Task Every_endpoint_of_an_api_is_described()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var description = await ApiDescription.Read();
        var described = description.Operations().Select(o => $"{o.Method} {o.Path}").ToHashSet();
        var missing =
            from endpoint in host
                .Services.GetServices<EndpointDataSource>()
                .SelectMany(s => s.Endpoints)
                .OfType<RouteEndpoint>()
            let path = "/" + Constraint().Replace(endpoint.RoutePattern.RawText!, "").Trim('/')
            where
                path.StartsWith("/api/", StringComparison.Ordinal)
                || path.StartsWith("/health/", StringComparison.Ordinal)
            from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
            where !described.Contains($"{method} {path}")
            select $"{method} {path}: call .Describe(…) where it's mapped";
        Assert.Empty(missing);
    }

    [Fact]
    public async Task Every_operation_has_all_that_a_client_developer_reads()
    {
        var description = await ApiDescription.Read();
        var tags = description.Document["tags"]!.AsArray().Select(t => $"{t!["name"]}").ToHashSet();
        var schemes = description.Document["components"]!["securitySchemes"]!.AsObject();
        var mistakes = new List<string>();
        foreach (var (method, path, operation) in description.Operations())
        {
            void Want(bool isThere, string what)
            {
                if (!isThere)
                    mistakes.Add($"{method} {path}: {what}");
            }

            Want($"{operation["operationId"]}".Length > 0, "no operationId; call .Describe(…) where it's mapped");
            Want($"{operation["summary"]}".Length > 0 && !$"{operation["summary"]}".EndsWith('.'), "no summary");
            Want($"{operation["description"]}".Length > 0, "no description");
            Want(operation["tags"]?.AsArray().All(tag => tags.Contains($"{tag}")) == true, "no known tag");
            Want(
                operation["security"]
                    ?.AsArray()
                    .SelectMany(way => way!.AsObject())
                    .All(scheme => schemes.ContainsKey(scheme.Key)) == true,
                "unknown security scheme"
            );
            foreach (var parameter in operation["parameters"]?.AsArray().Select(p => description.Follow(p!)) ?? [])
            {
                Want($"{parameter["description"]}".Length > 0, $"the parameter {parameter["name"]} isn't described");
                Want(parameter["schema"] is not null, $"the parameter {parameter["name"]} has no schema");
            }
            if (operation["requestBody"] is not null)
            {
                var body = operation["requestBody"]!["content"]!["application/json"]!;
                Want(body["schema"] is not null, "its body has no schema");
            }
            foreach (var (status, response) in operation["responses"]!.AsObject())
            {
                var content = description.Follow(response!)["content"]?.AsObject();
                Want($"{description.Follow(response!)["description"]}".Length > 0, $"{status} isn't described");
                if (status[0] is '4' or '5' && !path.StartsWith("/health/", StringComparison.Ordinal))
                    Want(content?.Single().Value!["examples"]?.AsObject().Count > 0, $"{status} names no code");
            }
        }
        Assert.Empty(mistakes);
    }

    [Fact]
    public async Task Operations_are_named_once_and_in_one_style()
    {
        var names = (await ApiDescription.Read()).Operations().Select(o => $"{o.Operation["operationId"]}").ToList();
        Assert.Equal(names.Distinct().Order(), names.Order());
        Assert.All(names, name => Assert.Matches("^[a-z][A-Za-z]+$", name));
    }

    [Fact]
    public async Task The_version_is_the_products()
    {
        Assert.Equal(Product.Version, $"{(await ApiDescription.Read()).Document["info"]!["version"]}");
    }

    [Fact]
    public async Task It_is_the_same_every_time_and_names_the_address_that_was_called()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("PathBase", "/approvals"));
        using var nobody = host.Nobody();
        var first = await nobody.Get($"{host.Base}/openapi/v1.json");
        var second = await nobody.Get($"{host.Base}/openapi/v1.json");
        Assert.Equal(first.Text, second.Text);
        Assert.Equal($"{host.Address}approvals", $"{first.Json["servers"]![0]!["url"]}");
    }

    [Fact]
    public async Task Words_are_those_of_the_code()
    {
        var schemas = (await ApiDescription.Read()).Document["components"]!["schemas"]!;
        Same(Enum.GetValues<Status>().Select(WireNames.ToWireName), "Request", "status");
        Same(Enum.GetValues<SentBy>().Select(WireNames.ToWireName), "Request", "sentBy");
        Same(Enum.GetValues<Certainty>().Select(c => c.ToWireName()), "Request", "requesterCertainty");
        Same(Enum.GetValues<Answer>().Select(WireNames.ToWireName), "Decision", "answer");
        Same(Enum.GetValues<Answer>().Select(WireNames.ToWireName), "DecisionInput", "answer");
        Same(Enum.GetValues<Role>().Where(r => r != Role.Service).Select(r => r.ToWireName()), "Person", "role");
        Same(Enum.GetValues<Role>().Where(r => r != Role.Service).Select(r => r.ToWireName()), "RoleInput", "role");
        Same(Enum.GetValues<LinkState>().Select(LinkRow.Word), "Link", "state");
        Same(Enum.GetValues<Status>().Select(WireNames.ToLaunchDarkly), "LaunchDarklyStatus", "value");
        Same(Enum.GetValues<Status>().Select(WireNames.ToZendesk), "ZendeskApprovalRequest", "status");
        Same(Deliveries.States, "Delivery", "state");
        Same(WorkList.States, "WorkItem", "state");
        Same(SourceKinds.All.Append("built-in"), "Source", "kind");
        Same(SourceKinds.All, "SourceInput", "kind");
        Same(WireNames.FieldKinds, "RequestTypeField", "kind");
        Same(FormVariable.Types, "FormVariableInput", "type");

        void Same(IEnumerable<string> words, string schema, string member) =>
            Assert.Equal(
                words.Order(),
                schemas[schema]!["properties"]![member]!["enum"]!.AsArray().Select(w => $"{w}").Order()
            );
    }

    /// <summary>Read from the sources: a code that a handler answers belongs to some operation.</summary>
    [Fact]
    public async Task Every_code_and_rule_of_our_own_api_is_described()
    {
        var text = (await ApiDescription.Read()).Document.ToJsonString();
        var sources = Directory
            .EnumerateFiles(Path.Combine(Repository.Root, "src", "Countersign", "Doors", "Api"), "*.cs")
            .Append(Path.Combine(Repository.Root, "src", "Countersign", "Requests", "Decide.cs"))
            .Append(Path.Combine(Repository.Root, "src", "Countersign", "Requests", "DelegateSeat.cs"))
            .Select(File.ReadAllText);
        var answered =
            from source in sources
            from Match match in Codes().Matches(source)
            select match.Groups["code"].Value;
        Assert.DoesNotContain(answered, code => !text.Contains($"\"{code}\"", StringComparison.Ordinal));
        Assert.DoesNotContain(ProblemShape.Codes.Keys, code => !text.Contains($"\"{code}\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_documentation_lists_the_same_operations()
    {
        var described =
            from operation in (await ApiDescription.Read()).Operations()
            let words = operation.Operation
            select $"| {words["tags"]![0]} | `{operation.Method} {operation.Path}` | `{words["operationId"]}` | "
                + $"{words["summary"]} |";
        var documented = Section("## Operations").Where(line => line.Contains("| `", StringComparison.Ordinal));
        Assert.Equal(string.Join('\n', described.Order()), string.Join('\n', documented.Order()));
    }

    [Fact]
    public async Task The_documentation_names_the_same_codes_and_rules()
    {
        var description = await ApiDescription.Read();
        var described = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (_, path, operation) in description.Operations())
        {
            if (path.StartsWith("/api/v1/", StringComparison.Ordinal))
                Collect(operation["responses"]!, description, described);
        }
        var documented = Section("**Errors** are")
            .TakeWhile(line => !line.StartsWith("**A request**", StringComparison.Ordinal))
            .SelectMany(line => Quoted().Matches(line).Select(m => m.Groups["word"].Value))
            // Members, and what only addresses without an operation answer.
            .Except(["code", "errors", "rule", "request", "detail", "method_not_allowed"]);
        Assert.Equal(described.Order(), documented.Distinct().Order());
    }

    /// <summary>The words of <c>code</c> and <c>rule</c> in answers.</summary>
    private static void Collect(JsonNode node, ApiDescription description, HashSet<string> words)
    {
        if (node is JsonArray items)
        {
            foreach (var item in items)
                Collect(item!, description, words);
        }
        if (node is not JsonObject members)
            return;
        if (members["$ref"] is { } reference)
        {
            if ($"{reference}".Contains("/responses/", StringComparison.Ordinal))
                Collect(description.Follow(members), description, words);
            return;
        }
        foreach (var name in new[] { "code", "rule" })
        {
            foreach (var word in members["properties"]?[name]?["enum"]?.AsArray() ?? [])
                words.Add($"{word}");
        }
        foreach (var (name, member) in members)
        {
            if (member is not null && name != "examples")
                Collect(member, description, words);
        }
    }

    private static IEnumerable<string> Section(string beginning) =>
        Repository
            .Read("docs", "api.md")
            .Split('\n')
            .SkipWhile(line => !line.StartsWith(beginning, StringComparison.Ordinal));

    [GeneratedRegex("`(?<word>[a-z_]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex(@":[^{}/]+(?=})", RegexOptions.None, 1000)]
    private static partial Regex Constraint();

    [GeneratedRegex(
        @"(?:Problems\.Of\(\s*\d+,|NotAllowed\()\s*""(?<code>[a-z_]+)""",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Codes();
}
