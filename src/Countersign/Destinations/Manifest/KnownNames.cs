namespace Countersign.Destinations.Manifest;

/// <summary>The names that a template may use, so that a mistyped one is found before anything is sent.</summary>
internal static class KnownNames
{
    private static readonly Dictionary<string, string[]?> Approval = new()
    {
        ["approvalId"] = [],
        ["approvalDescription"] = [],
        ["comment"] = [],
        ["_links"] = ["approval", "history"],
        ["title"] = ["plainText", "markdown", "html", "member"],
        ["details"] = ["plainText", "markdown", "html"],
        ["project"] = ["name", "key", "tags", "environment"],
        ["flag"] = ["name", "key", "tags"],
        ["member"] = ["_id", "email", "emailLocalPart", "firstName", "lastName", "displayName", "externalId", "_links"],
        ["timestamp"] = ["milliseconds", "seconds", "rfc3339", "simple"],
        ["oauth"] = ["baseURI", "accessToken"],
        // What is in these nobody knows before.
        ["customProperties"] = null,
        ["creationResponseBody"] = null,
    };

    public static bool Has(ApprovalManifest manifest, UsedName name)
    {
        var path = name.Path;
        if (path.Count == 0)
            return false;
        if (path[0] == "context")
            return path.Count > 1 && Has(manifest, name with { Path = [.. path.Skip(1)] });
        if (path[0] is "environment" or "environmentFormVariables" or "formVariables" or "approvalFormVariables")
        {
            var list = path[0] switch
            {
                "formVariables" => manifest.FormVariables,
                "approvalFormVariables" => manifest.RequestVariables,
                _ => manifest.EnvironmentVariables,
            };
            return path.Count == 1
                || list.Any(v => v.Key == path[1])
                || (path[0] == "approvalFormVariables" && manifest.TakesMoreRequestVariables);
        }
        if (Approval.TryGetValue(path[0], out var members))
            return members is null || path.Count == 1 || members.Contains(path[1]) || IsSetting(manifest, path);
        return IsSetting(manifest, path);
    }

    private static bool IsSetting(ApprovalManifest manifest, IReadOnlyList<string> path) =>
        path.Count == 1 && manifest.Settings.Any(v => v.Key == path[0]);
}
