using System.Text.Json;
using Json.Pointer;

namespace Countersign.Destinations.Manifest;

/// <summary>
/// Reads a manifest in LaunchDarkly's format and finds, all at once, what keeps it from working and what its published
/// schema would not notice. Only fatal findings keep it from being used.
/// </summary>
internal sealed class ManifestReader
{
    private const int MaxManifest = 1024 * 1024;

    private static readonly HashSet<string> Methods = ["POST", "PUT", "PATCH", "GET", "DELETE"];

    /// <summary>Headers that belong to the connection and not to the author.</summary>
    private static readonly HashSet<string> OurHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "Trailer",
        "TE",
        "Expect",
        "Proxy-Authorization",
    };

    private static readonly HashSet<string> ApprovalMembers =
    [
        "name",
        "environmentFormVariables",
        "approvalFormVariables",
        "allowAdditionalApprovalFormVariables",
        "allowApprovalIntegrationConfigurations",
        "creationRequest",
        "statusRequest",
        "postApplyRequest",
        "deletionRequest",
        "memberListRequest",
        "lookupRequest",
    ];

    private readonly FindingList _findings = new();
    private readonly Templates _templates;

    private ManifestReader(Templates templates) => _templates = templates;

    /// <summary>The manifest, or null where a finding is fatal.</summary>
    public static (ApprovalManifest? Manifest, IReadOnlyList<Finding> Findings) Read(
        string json,
        Templates? templates = null
    )
    {
        var reader = new ManifestReader(templates ?? Templates.Plain);
        ApprovalManifest? manifest = null;
        try
        {
            if (json.Length > MaxManifest)
            {
                return (
                    null,
                    [
                        new Finding(
                            "",
                            "It's too large for a manifest.",
                            "Choose the manifest.json of one integration.",
                            IsFatal: true
                        ),
                    ]
                );
            }
            using var document = JsonDocument.Parse(
                json,
                new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 64 }
            );
            manifest = reader.Whole(document.RootElement);
        }
        catch (JsonException broken)
        {
            reader.Fatal(
                broken.LineNumber is { } line ? $"line {line + 1}" : "",
                "It isn't JSON, or a member appears twice.",
                "Fix the file at this place."
            );
        }
        return (reader._findings.HasFatal ? null : manifest, reader._findings.All);
    }

    private ApprovalManifest? Whole(JsonElement root)
    {
        const string place = "capabilities.approval";
        if (
            Member(root, "capabilities") is not { } capabilities
            || Member(capabilities, "approval") is not { ValueKind: JsonValueKind.Object } approval
        )
        {
            Fatal(
                place,
                "The manifest has no approvals.",
                "Add capabilities.approval, or use the manifest of an integration that has it."
            );
            return null;
        }
        foreach (var member in approval.EnumerateObject().Where(m => !ApprovalMembers.Contains(m.Name)))
        {
            Warn(
                $"{place}.{member.Name}",
                "Approvals have no such member.",
                $"The members are {string.Join(", ", ApprovalMembers.Order())}."
            );
        }

        var variables = new VariableReader(_findings, Call);
        var form = variables.Read(root, "formVariables", "formVariables");
        var environment = variables.Read(approval, "environmentFormVariables", $"{place}.environmentFormVariables");
        var request = variables.Read(approval, "approvalFormVariables", $"{place}.approvalFormVariables");
        variables.CheckTogether(form, environment, request);

        var create = Call(approval, "creationRequest", place);
        var status = Call(approval, "statusRequest", place);
        var apply = Call(approval, "postApplyRequest", place);
        var cancel = Call(approval, "deletionRequest", place);
        var members = Member(approval, "memberListRequest") is null ? null : Call(approval, "memberListRequest", place);
        var lookUp = Member(approval, "lookupRequest") is null ? null : Call(approval, "lookupRequest", place);
        if (create is null || status is null || apply is null || cancel is null)
            return null;
        foreach (
            var call in new[] { status, apply, cancel }.Where(c =>
                Member(Member(approval, c.Name)!.Value, "parser") is null
            )
        )
        {
            Fatal(
                $"{place}.{call.Name}.parser",
                "The response can't be interpreted.",
                "Add a parser with statusValue and approvalMatcher."
            );
        }
        if (Member(Member(approval, create.Name)!.Value, "parser") is null)
        {
            Warn(
                $"{place}.creationRequest.parser",
                "The response to a creation isn't read, so the other system must use our ID.",
                "Add a parser with approvalId, statusValue and approvalMatcher."
            );
        }
        else if (create.Parser is { ApprovalId: null })
        {
            Warn(
                $"{place}.creationRequest.parser.approvalId",
                "Without it, the other system must use our ID.",
                "Point approvalId at the ID in the response."
            );
        }
        if (lookUp is not null && lookUp.Parser?.ApprovalId is null)
        {
            Fatal(
                $"{place}.lookupRequest.parser.approvalId",
                "A lookup without an ID finds nothing.",
                "Point approvalId at the ID of the result."
            );
        }

        var manifest = new ApprovalManifest
        {
            Name = TextOf(approval, "name") ?? TextOf(root, "name") ?? "the destination",
            FormVariables = form,
            EnvironmentVariables = environment,
            RequestVariables = request,
            TakesMoreRequestVariables =
                Member(approval, "allowAdditionalApprovalFormVariables") is { ValueKind: JsonValueKind.True },
            Create = create,
            Status = status,
            Apply = apply,
            Cancel = cancel,
            Members = members,
            LookUp = lookUp,
        };
        manifest = manifest with
        {
            UsesOAuth = manifest
                .Calls.Concat(manifest.Settings.Select(v => v.DynamicOptions).OfType<CallTemplate>())
                .SelectMany(c => c.Names)
                .Any(n => n.Path[0] == "oauth"),
        };
        foreach (var call in manifest.Calls)
            CheckNames(manifest, call, $"{place}.{call.Name}");
        foreach (var variable in manifest.Settings.Where(v => v.DynamicOptions is not null))
            CheckNames(manifest, variable.DynamicOptions!, $"{variable.Key}.dynamicOptions");
        return manifest;
    }

    private CallTemplate? Call(JsonElement parent, string name, string place)
    {
        place = $"{place}.{name}";
        if (
            Member(parent, name) is not { ValueKind: JsonValueKind.Object } call
            || Member(call, "endpoint") is not { ValueKind: JsonValueKind.Object } endpoint
        )
        {
            Fatal(place, "This call is missing.", "Add it, with an endpoint that has url and method.");
            return null;
        }
        foreach (
            var member in endpoint
                .EnumerateObject()
                .Where(m => m.Name is not ("url" or "method" or "headers" or "hmacSignature"))
        )
        {
            Warn(
                $"{place}.endpoint.{member.Name}",
                "Endpoints have no such member.",
                "An endpoint has url, method, headers and hmacSignature."
            );
        }
        var method = TextOf(endpoint, "method") ?? "";
        if (!Methods.Contains(method))
        {
            Fatal(
                $"{place}.endpoint.method",
                $"{(method.Length == 0 ? "Nothing" : method)} isn't a method.",
                $"Use one of {string.Join(", ", Methods.Order())}."
            );
        }
        var url = TextOf(endpoint, "url");
        if (string.IsNullOrWhiteSpace(url))
        {
            Fatal(
                $"{place}.endpoint.url",
                "The address is missing.",
                "Use a complete address, such as {{baseURL}}/api/approvals."
            );
        }
        else if (
            !url.TrimStart().StartsWith("http", StringComparison.OrdinalIgnoreCase)
            && !url.TrimStart().StartsWith("{{", StringComparison.Ordinal)
        )
        {
            Warn(
                $"{place}.endpoint.url",
                "It starts neither with http nor with a variable, so it isn't a complete address.",
                "Start with https:// or with a variable that contains the base address."
            );
        }
        var urlTemplate = Template(url ?? "", $"{place}.endpoint.url");
        var headers = Headers(endpoint, $"{place}.endpoint.headers");
        (string, string)? hmac = null;
        if (Member(endpoint, "hmacSignature") is { ValueKind: JsonValueKind.Object } signature)
        {
            if (
                TextOf(signature, "headerName") is { Length: > 0 } header
                && TextOf(signature, "hmacSecretFormVariableKey") is { Length: > 0 } key
            )
            {
                hmac = (header, key);
            }
            else
            {
                Fatal(
                    $"{place}.endpoint.hmacSignature",
                    "The header or the variable is missing.",
                    "Add headerName and hmacSecretFormVariableKey."
                );
            }
        }
        var body = TextOf(call, "jsonBody") is { } text ? Template(text, $"{place}.jsonBody", isBody: true) : null;
        if (Member(call, "jsonBody") is { ValueKind: not JsonValueKind.String })
            Fatal($"{place}.jsonBody", "The body isn't a string.", "Write the JSON as a string with placeholders.");
        if (body is not null && method == "GET")
            Warn($"{place}.jsonBody", "A GET can't have a body.", "Use POST, or remove the body.");

        var parser = Member(call, "parser");
        return new CallTemplate
        {
            Name = name,
            Method = new HttpMethod(Methods.Contains(method) ? method : "GET"),
            Url = urlTemplate,
            Headers = headers,
            Hmac = hmac,
            Body = body,
            List =
                parser is { } list && name is "memberListRequest" or "dynamicOptions"
                    ? List(parser.Value, name, $"{place}.parser")
                    : null,
            Parser =
                parser is { } found && name is not ("memberListRequest" or "dynamicOptions")
                    ? Status(found, $"{place}.parser")
                    : null,
        };
    }

    private List<(string, Template)> Headers(JsonElement endpoint, string place)
    {
        var headers = new List<(string, Template)>();
        if (Member(endpoint, "headers") is not { } given)
            return headers;
        if (given.ValueKind != JsonValueKind.Array)
        {
            Fatal(place, "Headers must be a list.", "Write [{\"name\": …, \"value\": …}].");
            return headers;
        }
        foreach (var (header, n) in given.EnumerateArray().Select((h, n) => (h, n)))
        {
            var name = TextOf(header, "name") ?? "";
            if (
                name.Length is 0 or > 50
                || !name.All(c =>
                    char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)
                )
            )
            {
                Fatal($"{place}[{n}].name", "This isn't a header name.", "Use at most 50 letters, digits and hyphens.");
            }
            else if (OurHeaders.Contains(name))
            {
                Fatal($"{place}[{n}].name", $"{name} is set by the connection.", "Remove it.");
            }
            headers.Add((name, Template(TextOf(header, "value") ?? "", $"{place}[{n}].value")));
        }
        foreach (var twice in headers.GroupBy(h => h.Item1, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
            Warn(place, $"{twice.Key} appears twice.", "Keep one of them.");
        return headers;
    }

    private StatusParser? Status(JsonElement parser, string place)
    {
        var value = PointerAt(parser, "statusValue", place, needed: true);
        var approval = PatternAt(parser, "approvalMatcher", place, needed: true);
        var rejection = PatternAt(parser, "rejectionMatcher", place, needed: false);
        if (approval is not null && rejection is not null && approval.Text == rejection.Text)
        {
            Warn(
                $"{place}.rejectionMatcher",
                "Both patterns are the same, so every match rejects the request.",
                "Use different patterns for approval and rejection."
            );
        }
        if (approval is { Text: "" })
        {
            Fatal(
                $"{place}.approvalMatcher",
                "An empty pattern matches every response.",
                "Write a pattern for the approved status."
            );
        }
        if (rejection is { Text: "" })
        {
            Warn(
                $"{place}.rejectionMatcher",
                "An empty pattern matches every response.",
                "Write a pattern for the rejected status, or remove it."
            );
        }
        return value is not { } statusValue || approval is null
            ? null
            : new StatusParser
            {
                StatusValue = statusValue,
                StatusDisplay = PointerAt(parser, "statusDisplay", place, needed: false),
                ApprovalId = PointerAt(parser, "approvalId", place, needed: false),
                Approval = approval,
                Rejection = rejection,
                Url = TextOf(parser, "urlTemplate") is { } url ? Template(url, $"{place}.urlTemplate") : null,
            };
    }

    private ListParser? List(JsonElement parser, string name, string place)
    {
        var (path, items, first, second) =
            name == "memberListRequest"
                ? ("memberArrayPath", "memberItems", "email", "memberId")
                : ("optionsPath", "optionsItems", "label", "value");
        var list = PointerAt(parser, path, place, needed: true);
        if (Member(parser, items) is not { } item)
        {
            Fatal($"{place}.{items}", "It doesn't say what an item holds.", $"Add {first} and {second}.");
            return null;
        }
        var one = PointerAt(item, first, $"{place}.{items}", needed: true);
        var other = PointerAt(item, second, $"{place}.{items}", needed: true);
        return (list, one, other) is ({ } l, { } f, { } s) ? new ListParser(l, f, s) : null;
    }

    private JsonPointer? PointerAt(JsonElement parser, string name, string place, bool needed)
    {
        if (TextOf(parser, name) is not { } text)
        {
            if (needed)
                Fatal($"{place}.{name}", "It's missing.", "Point to the value in the response, such as /status/value.");
            return null;
        }
        if (Pointer.Parse(text) is { } pointer)
            return pointer;
        Fatal(
            $"{place}.{name}",
            $"{text} isn't a JSON Pointer to a value.",
            "Start with a slash. Inside a name, write ~1 for a slash and ~0 for a tilde. List items are "
                + "numbered from 0."
        );
        return null;
    }

    private StatusPattern? PatternAt(JsonElement parser, string name, string place, bool needed)
    {
        if (TextOf(parser, name) is not { } text)
        {
            if (needed)
            {
                Fatal(
                    $"{place}.{name}",
                    "It's missing.",
                    "Write a pattern for the approved status, such as ^approved$."
                );
            }
            return null;
        }
        try
        {
            return StatusPattern.Parse(text);
        }
        catch (FormatException wrong)
        {
            Fatal(
                $"{place}.{name}",
                $"{text} isn't a valid pattern: {wrong.Message}",
                "Write words, ^, $, (one|other), an optional part as (\\.0)?, and \\ before punctuation: "
                    + "^(approved|done)$"
            );
            return null;
        }
    }

    private Template Template(string text, string place, bool isBody = false)
    {
        var template = _templates.Of(text, isBody);
        foreach (var (problem, fix, fatal) in template.Problems)
            _findings.Add(new Finding(place, problem, fix, fatal));
        if (!template.Problems.Any(p => p.IsFatal) && template.CompileProblem() is { } refused)
            Fatal(place, $"The template is invalid: {refused}", "Fix it at this place.");
        return template;
    }

    private void CheckNames(ApprovalManifest manifest, CallTemplate call, string place)
    {
        foreach (var name in call.Names.DistinctBy(n => n.Text).Where(n => !KnownNames.Has(manifest, n)))
        {
            Warn(
                place,
                $"{name.Text} is unknown, so it prints nothing.",
                "Use a variable of this manifest, or one of those in docs/destinations.md."
            );
        }
        if (
            call.Hmac is { } hmac
            && manifest.Settings.FirstOrDefault(v => v.Key == hmac.SecretKey) is not { IsSecret: true }
        )
        {
            Fatal(
                $"{place}.endpoint.hmacSignature",
                $"There is no secret variable {hmac.SecretKey}.",
                "Add a variable of type string with isSecret."
            );
        }
    }

    private void Fatal(string place, string problem, string fix) =>
        _findings.Add(new Finding(place, problem, fix, IsFatal: true));

    private void Warn(string place, string problem, string fix) => _findings.Add(new Finding(place, problem, fix));

    internal static JsonElement? Member(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object
        && parent.TryGetProperty(name, out var found)
        && found.ValueKind != JsonValueKind.Null
            ? found
            : null;

    internal static string? TextOf(JsonElement parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
