namespace Countersign.Requests;

/// <summary>The kinds of source, by which it is known how a system asks and what it owes.</summary>
public static class SourceKinds
{
    public const string LaunchDarkly = "launchdarkly",
        Api = "api",
        Agent = "agent",
        Pipeline = "pipeline",
        GitHub = "github",
        Terraform = "terraform",
        Azure = "azure",
        GitLab = "gitlab",
        Flagger = "flagger";

    /// <summary>Those that can be added, in the order in which they are offered.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        LaunchDarkly,
        GitHub,
        GitLab,
        Azure,
        Terraform,
        Flagger,
        Agent,
        Pipeline,
        Api,
    ];

    /// <summary>
    /// What such a source sends is decided by its owner's own program, so it must have an owner, who never decides its
    /// requests, even where a policy allows self-approval.
    /// </summary>
    public static bool NeedsOwner(string kind) => kind is Agent or Pipeline;

    /// <summary>The same kinds, in a query.</summary>
    internal const string OwnedInSql = $"'{Agent}', '{Pipeline}'";
}
