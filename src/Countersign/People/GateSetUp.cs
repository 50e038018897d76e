using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Requests;

namespace Countersign.People;

/// <summary>A text to paste into the other system.</summary>
/// <param name="Place">Where it belongs; pages have words for it.</param>
public sealed record TextToPaste(string Place, string Text);

/// <summary>What to paste where for a source that waits for its approval, on pages and command lines.</summary>
public static class GateSetUp
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The page of the documentation about such a source.</summary>
    public static string HelpOf(string kind) =>
        kind switch
        {
            SourceKinds.Agent => "agents",
            SourceKinds.Pipeline => "pipelines",
            _ => kind,
        };

    /// <summary>Null for kinds that need nothing of the like.</summary>
    public static string? Snippet(string kind, string key, string baseUrl) =>
        kind switch
        {
            SourceKinds.Agent => Mcp(key, baseUrl),
            SourceKinds.Pipeline => $"""
                export COUNTERSIGN_HUB={baseUrl}
                export COUNTERSIGN_KEY={key}
                countersign wait --title "Deploy 1.4 to production" --environment production --redeem
                """.ReplaceLineEndings("\n"),
            SourceKinds.Api => $"""
                curl -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
                  -d '{RequestOfExample}' \
                  {baseUrl}/api/v1/requests
                """.ReplaceLineEndings("\n"),
            _ => null,
        };

    private const string RequestOfExample =
        """{"subject":"Deploy 1.4 to production","facts":{"environment":"production"}}""";

    /// <summary>What a system that calls a webhook of ours is given, beside its address.</summary>
    /// <param name="hook">The address that it calls.</param>
    public static IReadOnlyList<TextToPaste> TextsOf(string kind, string hook) =>
        kind switch
        {
            SourceKinds.GitHub => [new("workflow", Workflow)],
            SourceKinds.Azure => [new("headers", AzureHeaders), new("body", AzureBody), new("suffix", AzureSuffix)],
            SourceKinds.Flagger => [new("canary", Canary(hook)), new("argo", Argo(hook))],
            _ => [],
        };

    private const string Workflow = """
        jobs:
          deploy:
            runs-on: ubuntu-latest
            environment: production
            steps:
              - run: ./deploy.sh
        """;

    private const string AzureHeaders = """
        {"Content-Type":"application/json","PlanUrl":"$(system.CollectionUri)","ProjectId":"$(system.TeamProjectId)",
         "HubName":"$(system.HostType)","PlanId":"$(system.PlanId)","JobId":"$(system.JobId)",
         "TimelineId":"$(system.TimelineId)","TaskInstanceId":"$(system.TaskInstanceId)",
         "AuthToken":"$(system.AccessToken)"}
        """;

    private const string AzureBody = """
        {"buildId":"$(Build.BuildId)","buildNumber":"$(Build.BuildNumber)","definition":"$(Build.DefinitionName)",
         "project":"$(System.TeamProject)","repository":"$(Build.Repository.Name)","branch":"$(Build.SourceBranch)",
         "commit":"$(Build.SourceVersion)","requestedFor":"$(Build.RequestedFor)",
         "requestedForId":"$(Build.RequestedForId)","reason":"$(Build.Reason)","stage":"$(System.StageName)",
         "attempt":"$(System.StageAttempt)"}
        """;

    private const string AzureSuffix = "?env=production";

    private static string Canary(string hook) =>
        $"""
            analysis:
              interval: 60s
              webhooks:
                - name: countersign-rollout
                  type: confirm-rollout
                  url: {hook}/SECRET/confirm-rollout
                - name: countersign-promotion
                  type: confirm-promotion
                  url: {hook}/SECRET/confirm-promotion
                - name: countersign-rollback
                  type: rollback
                  url: {hook}/SECRET/rollback
            """.ReplaceLineEndings("\n");

    private static string Argo(string hook) =>
        $$$"""
            apiVersion: argoproj.io/v1alpha1
            kind: AnalysisTemplate
            metadata:
              name: countersign
            spec:
              args:
                - name: service
                - name: hash
                - name: secret
                  valueFrom:
                    secretKeyRef: {name: countersign, key: secret}
              metrics:
                - name: approval
                  interval: 60s
                  count: 1440
                  inconclusiveLimit: 1440
                  consecutiveErrorLimit: 60
                  successCondition: result.status == "approved"
                  failureCondition: result.status == "declined"
                  provider:
                    web:
                      method: POST
                      url: {{{hook}}}/argo/{{args.service}}/{{args.hash}}
                      headers:
                        - {key: Authorization, value: "Bearer {{args.secret}}"}
                      jsonBody: {}
                      jsonPath: "{$.data}"
            """.ReplaceLineEndings("\n");

    /// <summary>The form in which most agents read their MCP servers.</summary>
    private static string Mcp(string key, string baseUrl) =>
        new JsonObject
        {
            ["mcpServers"] = new JsonObject
            {
                ["countersign"] = new JsonObject
                {
                    ["type"] = "http",
                    ["url"] = baseUrl + "/mcp",
                    ["headers"] = new JsonObject { ["Authorization"] = "Bearer " + key },
                },
            },
        }.ToJsonString(Indented);
}
