using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Requests;

namespace Countersign.People;

/// <summary>What to paste where for a source that waits for its approval, on pages and command lines.</summary>
public static class GateSetUp
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Null for kinds that need nothing of the like.</summary>
    public static string? Snippet(string kind, string key, string baseUrl) =>
        kind switch
        {
            SourceKinds.Agent => Mcp(key, baseUrl),
            SourceKinds.Pipeline => $"""
                export COUNTERSIGN_HUB={baseUrl}
                export COUNTERSIGN_KEY={key}
                countersign wait --title "Deploy 1.4 to production" --environment production --redeem
                """,
            _ => null,
        };

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
