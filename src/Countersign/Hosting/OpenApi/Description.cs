using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>
/// <c>/openapi/v1.json</c>. The framework finds the operations and the types; the describers here add what it can't
/// know. All of it runs only when the document is requested.
/// </summary>
internal static class Description
{
    public static void Configure(OpenApiOptions options)
    {
        options.CreateSchemaReferenceId = NameOf;
        options.AddSchemaTransformer(new SchemaDescriber());
        options.AddOperationTransformer(new OperationDescriber());
        options.AddDocumentTransformer(new DocumentDescriber());
    }

    /// <summary>
    /// What clients call a type: <c>RequestView</c> is a request, <c>DecisionBody</c> the input of one. Types of a door
    /// begin with its name, as several doors have types of one name.
    /// </summary>
    private static string? NameOf(JsonTypeInfo type)
    {
        if (OpenApiOptions.CreateDefaultSchemaReferenceId(type) is not { } name || type.Type.Namespace is not { } place)
            return null;
        // Anything at all: said where it stands.
        if (name == "JsonElement")
            return null;
        var prefix = place switch
        {
            "Countersign.Doors.LaunchDarkly" => "LaunchDarkly",
            "Countersign.Doors.Zendesk" => "Zendesk",
            _ => "",
        };
        return prefix.Length > 0 ? prefix + OfDoor(name) : Plain(name);
    }

    private static string OfDoor(string name) =>
        name switch
        {
            "ApprovalText" or "StatusText" or "MembersText" or "MemberText" or "OptionsText" or "OptionText" => name[
                ..^"Text".Length
            ],
            "ListAnswer" => "ApprovalRequestPage",
            "ListItem" => "ListedApprovalRequest",
            "CreateAnswer" => "CreatedAnswer",
            "CreatedItem" => "CreatedApprovalRequest",
            "ShownItem" => "ApprovalRequest",
            "SearchItem" => "FoundApprovalRequest",
            _ when name.EndsWith("Shape", StringComparison.Ordinal) => name[..^"Shape".Length],
            _ => name,
        };

    private static string Plain(string name) =>
        name switch
        {
            "PageView" => "RequestPage",
            "ContentView" => "Revision",
            "SaidView" => "Comment",
            "StuckView" => "Blocked",
            "SubmitBody" => "NewRequest",
            "RejectedBody" => name,
            "SetView" => "PublishedPolicies",
            "CheckedView" => "PolicyCheck",
            "AppliedView" => "AppliedPolicies",
            "RestampedView" => "RestampedRequest",
            "OpenView" => "OpenRequests",
            "ShareView" => "InsightsShare",
            "WebhookBodyIn" => "WebhookInput",
            _ when name.EndsWith("View", StringComparison.Ordinal) => name[..^"View".Length],
            _ when name.EndsWith("Body", StringComparison.Ordinal) => name[..^"Body".Length] + "Input",
            _ when name.EndsWith("Row", StringComparison.Ordinal) => name[..^"Row".Length],
            _ => name,
        };
}
