using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>The groups of operations, in the order in which documentation shows them.</summary>
internal static class Tags
{
    public const string Requests = "Requests";
    public const string Events = "Events";
    public const string Insights = "Insights";
    public const string Me = "Your settings";
    public const string Policies = "Policies";
    public const string RequestTypes = "Request types";
    public const string People = "People";
    public const string Groups = "Groups";
    public const string Access = "Tokens and sessions";
    public const string Sources = "Sources";
    public const string Destinations = "Destinations";
    public const string Webhooks = "Webhooks";
    public const string Deliveries = "Deliveries";
    public const string Queue = "Queue";
    public const string Audit = "Audit";
    public const string LaunchDarkly = "LaunchDarkly";
    public const string Zendesk = "Zendesk";
    public const string Health = "Health";

    private static readonly (string Name, string Text)[] Texts =
    [
        (Requests, "Submit requests for approval, look at them and decide them."),
        (Events, "What happens, as it happens."),
        (Insights, "Figures about requests and reviewers."),
        (Me, "Your own absence and notification channels."),
        (Policies, "The file that says who must approve."),
        (RequestTypes, "What people can request on the page New request."),
        (People, "People, their roles and their names in other systems."),
        (Groups, "Groups of people who review."),
        (Access, "API tokens and browser sessions."),
        (Sources, "Systems that request approval."),
        (Destinations, "External systems that decide."),
        (Webhooks, "Receivers of events."),
        (Deliveries, "What was sent to whom, with every attempt."),
        (Queue, "Background jobs."),
        (Audit, "The sealed log."),
        (LaunchDarkly, "The calls of a LaunchDarkly custom approvals integration."),
        (Zendesk, "The Approval Requests API of Zendesk, and as much of its other APIs as clients of it need."),
        (Health, "For load balancers and orchestrators."),
    ];

    /// <summary>Those that occur; a door that isn't there has no operations.</summary>
    public static void Describe(OpenApiDocument document)
    {
        var named = document
            .Operations()
            .SelectMany(operation => operation.Tags ?? new HashSet<OpenApiTagReference>())
            .Select(tag => tag.Name)
            .ToHashSet();
        document.Tags = Texts
            .Where(tag => named.Contains(tag.Name))
            .Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Text })
            .ToHashSet();
    }
}

internal static class DocumentOperations
{
    public static IEnumerable<OpenApiOperation> Operations(this OpenApiDocument document) =>
        document.Paths.Values.SelectMany(path => path.Operations?.Values.AsEnumerable() ?? []);
}
