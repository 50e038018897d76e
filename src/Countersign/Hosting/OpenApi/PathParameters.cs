using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>What stands in a path, by the name before it.</summary>
internal static class PathParameters
{
    private const string Request = "01KB3ZQ4M6W8T0Y2N4R6P8X1CD";

    public static void Describe(IList<IOpenApiParameter> parameters, string path)
    {
        // Of a parameter that takes the rest of the path.
        path = path.Replace("**", "", StringComparison.Ordinal);
        foreach (var part in path.Split('/').Where(part => part.StartsWith('{')))
        {
            var name = part.Trim('{', '}').Split(':')[0];
            var parameter = parameters
                .OfType<OpenApiParameter>()
                .FirstOrDefault(p => p.In == ParameterLocation.Path && p.Name == name);
            if (parameter is null)
            {
                // The handler takes no notice of it.
                parameter = new OpenApiParameter
                {
                    Name = name,
                    In = ParameterLocation.Path,
                    Schema = Values.Text(),
                };
                parameters.Insert(0, parameter);
            }
            (parameter.Description, parameter.Example) = Of(path, name);
            parameter.Required = true;
        }
    }

    private static (string? Text, System.Text.Json.Nodes.JsonNode? Example) Of(string path, string name)
    {
        var parts = path.Split('/');
        var at = Array.FindIndex(parts, part => part.StartsWith($"{{{name}", StringComparison.Ordinal));
        return (at > 0 ? parts[at - 1] : "", name) switch
        {
            ("requests" or "approval_requests", "id") => ("The request's ID.", Request),
            ("approvals", "id") => ("The approval's ID in LaunchDarkly, its `_id`.", "65f1c0ffee65f1c0ffee65f1"),
            ("approval_workflow_instances", _) => ("Taken and passed over: a request is its own instance.", Request),
            ("launchdarkly", "source") => ("The number of the source.", 3),
            ("revisions", _) => ("The revision's number, from 1.", 1),
            ("versions", _) => ("The version's number, from 1.", 4),
            ("people" or "members", "email") => ("The person's email.", "ann@example.com"),
            ("groups", "name") => ("The group's name.", "SRE"),
            ("sources", "name") => ("The source's name.", "checkout"),
            ("destinations", "name") => ("The destination's name.", "jira"),
            ("options", "key") => ("The key of a setting in the destination's manifest.", "project"),
            ("options", "name") => ("The key of a field in the source's form.", "risk"),
            ("aliases", _) => ("The alias's number.", 7),
            ("sessions", _) => ("The session's number.", 41),
            ("tokens", _) => ("The token's number.", 5),
            ("webhooks", _) => ("The webhook's number.", 2),
            ("deliveries", _) => ("The delivery's number.", 108),
            ("work", _) => ("The job's number.", 3021),
            ("links", _) => ("The number of the link between a request and a destination.", 12),
            ("users", _) => ("The person's number.", 3),
            ("groups", "id") => ("The group's number.", 1),
            ("epochs", _) => ("The epoch's number, from 1.", 1),
            ("tile", _) => ("The tile's path: level, number and width, as c2sp.org/tlog-tiles writes it.", "0/000"),
            ("tickets", _) => ("The ticket's number.", 123),
            // A test finds it.
            _ => (null, null),
        };
    }
}
