using System.Text.Json.Nodes;

namespace Countersign.Simulator;

/// <summary>
/// The contract as a published manifest has it: its addresses, headers, body and parsers, rendered by LaunchDarkly's
/// rules. A manifest that cannot be used throws <see cref="FormatException"/> and says which part of it.
/// </summary>
public sealed class ManifestContract
{
    /// <summary>What the manifest calls the requests whose answers hold a status.</summary>
    private static readonly Dictionary<string, string> NameOf = new()
    {
        ["create"] = "creationRequest",
        ["status"] = "statusRequest",
        ["apply"] = "postApplyRequest",
        ["cancel"] = "deletionRequest",
    };

    private readonly JsonNode _approval;
    private readonly Escaping _escaping;
    private readonly IManifestLanguage _language;

    private ManifestContract(JsonNode approval, Escaping escaping, IManifestLanguage language) =>
        (_approval, _escaping, _language) = (approval, escaping, language);

    public static Contract Read(string json, Escaping escaping, IManifestLanguage language)
    {
        JsonNode? manifest;
        try
        {
            manifest = JsonNode.Parse(json);
        }
        catch (System.Text.Json.JsonException failure)
        {
            throw new FormatException($"The manifest isn't JSON: {failure.Message}", failure);
        }
        var approval =
            (manifest as JsonObject)?["capabilities"]?["approval"]
            ?? throw new FormatException("The manifest has no capabilities.approval.");
        try
        {
            return new ManifestContract(approval, escaping, language).ToContract();
        }
        catch (Exception failure) when (failure is InvalidOperationException or ArgumentException)
        {
            throw new FormatException($"The manifest is invalid: {failure.Message}", failure);
        }
    }

    private Contract ToContract()
    {
        var readers = NameOf.ToDictionary(n => n.Key, n => Reader(n.Value));
        return new Contract
        {
            Create = CallOf("create", NameOf["create"]),
            Status = CallOf("status", NameOf["status"]),
            Apply = CallOf("apply", NameOf["apply"]),
            Cancel = CallOf("cancel", NameOf["cancel"]),
            Members = _approval["memberListRequest"] is null ? null : CallOf("members", "memberListRequest"),
            Body = Body(),
            ReviewPage = ReviewPage(),
            Reader = call => readers[call.Name],
            MemberReader = new MemberReader(
                Pointers.Parse(TextAt("memberListRequest", "parser", "memberArrayPath") ?? "/members"),
                Pointers.Parse(TextAt("memberListRequest", "parser", "memberItems", "memberId") ?? "/name"),
                Pointers.Parse(TextAt("memberListRequest", "parser", "memberItems", "email") ?? "/email")
            ),
        };
    }

    private Call CallOf(string name, string request)
    {
        var url = Template(Needed(request, "endpoint", "url"));
        var method = new HttpMethod(Needed(request, "endpoint", "method"));
        var headers = (_approval[request]?["endpoint"]?["headers"] as JsonArray ?? [])
            .Select(h =>
                (Name: h?["name"]?.GetValue<string>() ?? "", Value: Template(h?["value"]?.GetValue<string>() ?? ""))
            )
            .ToList();
        return new Call(name, method, s => url(Known(s)), s => [.. headers.Select(h => (h.Name, h.Value(Known(s))))]);
    }

    private StatusReader Reader(string request)
    {
        string Creation(string member) => Needed("creationRequest", "parser", member);
        string? Parser(string member) => TextAt(request, "parser", member);
        Matcher Match(string pattern) => new(pattern, _language.Pattern(pattern));
        return new StatusReader(
            Parser("approvalId") is { } id ? Pointers.Parse(id) : null,
            Pointers.Parse(Parser("statusValue") ?? Creation("statusValue")),
            Parser("statusDisplay") is { } display ? Pointers.Parse(display) : null,
            Match(Parser("approvalMatcher") ?? Creation("approvalMatcher")),
            Parser("rejectionMatcher") is { } rejection ? Match(rejection) : null
        );
    }

    private Func<ProposedChange, string> Body()
    {
        var template = Template(Needed("creationRequest", "jsonBody"), isBody: true);
        return change => template(Context(change));
    }

    private Func<Scope, string> ReviewPage()
    {
        if (TextAt("creationRequest", "parser", "urlTemplate") is not { } text)
            return _ => "";
        var template = Template(text);
        return s => template(Known(s));
    }

    /// <summary>
    /// What addresses and headers may name: the form variables, by key, and the id that the application returned.
    /// </summary>
    private static Dictionary<string, object?> Known(Scope scope) =>
        new()
        {
            ["baseURL"] = scope.BaseUrl,
            ["apiKey"] = scope.Key,
            ["oauth"] = new Dictionary<string, object?> { ["baseURI"] = scope.BaseUrl, ["accessToken"] = scope.Key },
            ["context"] = new Dictionary<string, object?> { ["approvalId"] = scope.ExternalId },
        };

    /// <summary>What the body may name, with every string already escaped for JSON.</summary>
    private Dictionary<string, object?> Context(ProposedChange change)
    {
        static Dictionary<string, object?> Named(Resource resource) =>
            new()
            {
                ["name"] = Escaping.Json(resource.Name),
                ["key"] = Escaping.Json(resource.Key),
                ["tags"] = resource.Tags.Select(Escaping.Json).ToList(),
            };
        // Only Go's engine stumbles over a null; the dump goes out as it is.
        var form = new Dictionary<string, object?>();
        foreach (var (key, value) in change.Form)
        {
            form[key] =
                value is not null ? Escaping.Json(value)
                : _escaping == Escaping.Go ? GoDump.Of(change)
                : "";
        }
        var project = Named(change.Project);
        project["environment"] = Named(change.Environment);
        var title = new Dictionary<string, object?> { ["plainText"] = Escaping.Json(change.ShortDescription) };
        var context = new Dictionary<string, object?>
        {
            ["approvalId"] = change.Id,
            ["_links"] = new Dictionary<string, object?>
            {
                ["approval"] = new Dictionary<string, object?> { ["href"] = Escaping.Json(change.Link) },
            },
            ["title"] = title,
            ["details"] = new Dictionary<string, object?>
            {
                ["plainText"] = change.Details is null ? null : Escaping.Json(change.Details),
            },
            ["approvalDescription"] = Escaping.Json(change.Comment),
            ["project"] = project,
            ["flag"] = Named(change.Flag),
            ["timestamp"] = new Dictionary<string, object?>
            {
                ["milliseconds"] = change.Timestamp,
                ["seconds"] = change.Timestamp / 1000,
            },
            ["approvalFormVariables"] = form,
        };
        if (change.RequestedBy is { } by)
        {
            title["member"] = true;
            context["member"] = new Dictionary<string, object?>
            {
                ["_id"] = by.Id,
                ["email"] = Escaping.Json(by.Email),
            };
        }
        return context;
    }

    private Func<IReadOnlyDictionary<string, object?>, string> Template(string text, bool isBody = false) =>
        _language.Template(text, isBody, _escaping.Html);

    private string Needed(string request, params string[] path) =>
        TextAt(request, path)
        ?? throw new FormatException($"The manifest has no capabilities.approval.{request}.{string.Join('.', path)}.");

    private string? TextAt(string request, params string[] path)
    {
        var at = _approval[request];
        foreach (var step in path)
            at = (at as JsonObject)?[step];
        return at?.GetValue<string>();
    }
}
