using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Destinations.Manifest;

namespace Countersign.Tests.Destinations.Manifest;

/// <summary>A small manifest of our own; a test changes what it is about.</summary>
internal static class Sample
{
    public const string Text = """
        {
          "name": "Sample", "formVariables": [
            {"key": "baseURL", "name": "Base", "type": "string", "description": "Where it is"},
            {"key": "apiKey", "name": "Key", "type": "string", "description": "Its key", "isSecret": true}
          ],
          "capabilities": {"approval": {
            "environmentFormVariables": [],
            "approvalFormVariables": [],
            "creationRequest": {
              "endpoint": {"url": "{{baseURL}}/asks", "method": "POST",
                "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
              "jsonBody": "{\"id\": \"{{approvalId}}\", \"title\": \"{{title.plainText}}\"}",
              "parser": {"approvalId": "/result/0/id", "statusValue": "/result/0/state",
                "statusDisplay": "/result/0/text",
                "approvalMatcher": "^yes$", "rejectionMatcher": "^no$",
                "urlTemplate": "{{baseURL}}/show?id={{queryEncode context.approvalId}}"}
            },
            "statusRequest": {"endpoint": {"url": "{{baseURL}}/asks/{{context.approvalId}}", "method": "GET",
              "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
              "parser": {"statusValue": "/state", "approvalMatcher": "^yes$", "rejectionMatcher": "^no$"}},
            "postApplyRequest": {"endpoint": {"url": "{{baseURL}}/asks/{{context.approvalId}}?state=Done",
              "method": "PATCH",
              "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
              "parser": {"statusValue": "/state", "approvalMatcher": "^yes$", "rejectionMatcher": "^no$"}},
            "deletionRequest": {"endpoint": {"url": "{{baseURL}}/asks/{{context.approvalId}}", "method": "DELETE",
              "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
              "parser": {"statusValue": "/state", "approvalMatcher": "^yes$", "rejectionMatcher": "^no$"}}
          }}
        }
        """;

    /// <summary>
    /// The sample with something else at a place, such as <c>capabilities.approval.creationRequest.jsonBody</c>; null
    /// takes it away.
    /// </summary>
    public static string With(params (string Place, JsonNode? Value)[] changes)
    {
        var root = JsonNode.Parse(Text)!;
        foreach (var (place, value) in changes)
        {
            var steps = place.Replace("~", "capabilities.approval", StringComparison.Ordinal).Split('.');
            var at = steps
                .SkipLast(1)
                .Aggregate(
                    root,
                    (node, step) =>
                        int.TryParse(step, System.Globalization.CultureInfo.InvariantCulture, out var n)
                            ? node[n]!
                            : node[step]!
                );
            if (at is JsonArray list)
                list.Add(value);
            else if (value is null)
                at.AsObject().Remove(steps[^1]);
            else
                at[steps[^1]] = value;
        }
        return root.ToJsonString();
    }

    public static ApprovalManifest Read(string json, Templates? templates = null)
    {
        var (manifest, findings) = ManifestReader.Read(json, templates);
        return manifest ?? throw new InvalidOperationException(string.Join("\n", findings));
    }

    public static CallContext Context(
        ApprovalManifest manifest,
        ForwardedRequest? forwarded = null,
        IReadOnlyDictionary<string, string>? settings = null,
        string externalId = ""
    ) =>
        new()
        {
            Manifest = manifest,
            Values = FormValues
                .Read(
                    manifest,
                    settings
                        ?? new Dictionary<string, string>
                        {
                            ["baseURL"] = "https://desk.example.test",
                            ["apiKey"] = "k-123",
                        },
                    (forwarded ?? Rehearsals.Full).Form
                )
                .Values,
            Request = forwarded ?? Rehearsals.Full,
            OAuthBaseUri = "https://now.example.test/",
            AccessToken = "tok=en",
            ExternalId = externalId,
        };

    public static RenderedCall Ready(CallTemplate call, CallContext context) =>
        Renderer.Render(call, context) is Rendering.Ready ready
            ? ready.Call
            : throw new InvalidOperationException(Renderer.Render(call, context).ToString());

    public static Rendering.Refused Refused(CallTemplate call, CallContext context) =>
        Renderer.Render(call, context) as Rendering.Refused
        ?? throw new InvalidOperationException("It was not refused.");

    public static JsonNode Body(RenderedCall call) => JsonNode.Parse(call.Body!)!;

    public static string Render(string template, IReadOnlyDictionary<string, object?> scope, bool isBody = false) =>
        Templates.Plain.Of(template, isBody).Render(scope);

    public static ReportedStatus Hear(StatusParser parser, string json) =>
        StatusReader.Read(parser, System.Text.Encoding.UTF8.GetBytes(json));

    public static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
