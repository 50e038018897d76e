using System.Text.Json.Nodes;

namespace Countersign.Simulator.Rest;

/// <summary>LaunchDarkly's representations, as its API description has them.</summary>
internal static class RestShapes
{
    public static JsonObject Member(RestMember member) =>
        Filled(
            ("_links", Links(("self", $"/api/v2/members/{member.Id}"))),
            ("_id", member.Id),
            ("firstName", member.FirstName),
            ("lastName", member.LastName),
            ("role", member.Role),
            ("email", member.Email),
            ("_pendingInvite", member.IsInvited),
            ("_verified", member.IsVerified),
            ("customRoles", new JsonArray()),
            ("mfa", "disabled"),
            ("_lastSeen", 1746196607127),
            ("creationDate", 1746000000000),
            (
                "teams",
                new JsonArray([
                    .. member.Teams.Select(t => (JsonNode)Filled(("key", t), ("name", t), ("customRoleKeys", Empty))),
                ])
            )
        );

    public static JsonObject Approval(RestApproval a, bool instructionsAsText) =>
        Filled(
            ("_id", a.Id),
            ("_version", a.Version),
            ("creationDate", a.CreatedAt),
            ("serviceKind", a.ServiceKind),
            ("requestorId", a.RequestorId),
            ("description", a.Description),
            ("reviewStatus", a.ReviewStatus),
            ("allReviews", Empty),
            ("notifyMemberIds", new JsonArray([.. a.NotifiedMembers.Select(m => (JsonNode)m)])),
            ("appliedDate", a.AppliedAt),
            ("appliedByMemberId", a.AppliedByMember),
            ("appliedByServiceTokenId", a.AppliedByToken),
            ("status", a.Status),
            ("instructions", instructionsAsText ? a.Instructions : JsonNode.Parse(a.Instructions)),
            ("conflicts", JsonNode.Parse(a.Conflicts)),
            ("_links", Links(("self", $"/api/v2/approval-requests/{a.Id}"))),
            ("executionDate", a.ExecutionDate),
            ("operatingOnId", a.OperatingOnId),
            ("integrationMetadata", a.External is { } external ? External(external) : null),
            ("resourceId", a.ResourceId),
            ("approvalSettings", Settings(a))
        );

    /// <summary>
    /// What <c>expand</c> adds. The environments bring their SDK keys along: no client should ask for them.
    /// </summary>
    public static void Expand(JsonObject answer, RestApproval a, JsonObject? flag, IEnumerable<string> wanted)
    {
        foreach (var one in wanted)
        {
            if (one == "project")
                answer["project"] = Project(a.Project);
            else if (one == "environments")
                answer["environments"] = new JsonArray(Environment(a.Environment));
            else if (one == "flag" && flag is not null)
                answer["flag"] = ExpandedFlag(flag);
            else if (one == "resource")
                answer["resource"] = Resource(a, flag);
        }
    }

    public static JsonObject Project(string key) =>
        Filled(
            ("_links", Links(("self", $"/api/v2/projects/{key}"))),
            ("_id", "57be1db38b75bf0772d11383"),
            ("key", key),
            ("name", key),
            ("includeInSnippetByDefault", false),
            ("tags", Empty)
        );

    public static JsonObject Error(string code, string message) => Filled(("code", code), ("message", message));

    public static JsonObject Links(params (string Name, string Href)[] links) =>
        Filled([.. links.Select(l => (l.Name, (JsonNode?)Filled(("href", l.Href), ("type", "application/json"))))]);

    /// <summary>An object of those members that aren't null.</summary>
    public static JsonObject Filled(params (string Name, JsonNode? Value)[] members)
    {
        var made = new JsonObject();
        foreach (var (name, value) in members)
        {
            if (value is not null)
                made[name] = value;
        }
        return made;
    }

    private static JsonArray Empty => [];

    private static JsonObject External(RestExternal external) =>
        Filled(
            ("externalId", external.Id),
            ("externalStatus", Filled(("value", external.Value), ("display", external.Display))),
            ("externalUrl", external.Url),
            ("lastChecked", external.LastChecked)
        );

    private static JsonObject Settings(RestApproval a) =>
        Filled(
            ("required", true),
            ("bypassApprovalsForPendingChanges", false),
            ("minNumApprovals", 1),
            ("canReviewOwnRequest", false),
            ("canApplyDeclinedChanges", true),
            ("autoApplyApprovedChanges", a.AutoApply),
            ("serviceKind", a.ServiceKind),
            ("serviceConfig", new JsonObject()),
            ("requiredApprovalTags", Empty)
        );

    private static JsonObject Environment(string key) =>
        Filled(
            ("_links", Links(("self", $"/api/v2/environments/{key}"))),
            ("_id", "57be1db38b75bf0772d11384"),
            ("key", key),
            ("name", key),
            ("apiKey", "sdk-never-to-be-kept"),
            ("mobileKey", "mob-never-to-be-kept"),
            ("color", "417505"),
            ("defaultTtl", 0),
            ("secureMode", false),
            ("defaultTrackEvents", false),
            ("requireComments", false),
            ("confirmChanges", false),
            ("tags", Empty),
            ("critical", true)
        );

    private static JsonObject ExpandedFlag(JsonObject flag)
    {
        var expanded = (JsonObject)flag.DeepClone();
        expanded.Remove("environments");
        expanded.Remove("experiments");
        return expanded;
    }

    private static JsonObject Resource(RestApproval a, JsonObject? flag)
    {
        var resource = Filled(("kind", a.ResourceKind));
        if (a.ResourceKind == "flag" && flag is not null)
            resource["flag"] = ExpandedFlag(flag);
        return resource;
    }
}
