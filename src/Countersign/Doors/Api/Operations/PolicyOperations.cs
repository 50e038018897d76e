using Countersign.Hosting.OpenApi;

namespace Countersign.Doors.Api.Operations;

/// <summary>The operations on policies and request types, for the API's description.</summary>
internal static class PolicyOperations
{
    public static void Get(OperationText call) =>
        call.Is("getPolicies", "Get the active policies", "Returns the policy file that is active.")
            .Fails(404, "not_found");

    public static void Publish(OperationText call) =>
        call.Is(
                "publishPolicies",
                "Publish policies",
                "Makes another policy file active. New requests follow it; see `applyPolicies` for active ones. "
                    + "With errors nothing is published; they are named by line and column."
            )
            .Example(Text)
            .Fails(409, "changed");

    public static void ListVersions(OperationText call) =>
        call.Is("listPolicyVersions", "List policy versions", "Lists all published versions, without their text.");

    public static void GetVersion(OperationText call) =>
        call.Is("getPolicyVersion", "Get a policy version", "Returns one published version with its text.");

    public static void Check(OperationText call) =>
        call.Is("checkPolicies", "Validate policies", "Says what is wrong with a policy file, without publishing it.")
            .Example(Text);

    public static void Explain(OperationText call) =>
        call.Is(
                "explainPolicy",
                "Test a policy",
                "Says who would have to approve a request, and why, under the active file or under the one in "
                    + "`policies`. Creates nothing."
            )
            .Example("""{"source": "checkout", "facts": {"environment": "production"}}""");

    public static void Apply(OperationText call) =>
        call.Is(
                "applyPolicies",
                "Apply policies to active requests",
                "Gives active requests the steps of the active file. With `dryRun`, only says what would change."
            )
            .Example("""{"dryRun": true}""");

    public static void GetRequestTypes(OperationText call) =>
        call.Is(
            "getRequestTypes",
            "Get request types",
            "Returns what people can request on the page New request, and the same as a file."
        );

    public static void SetRequestTypes(OperationText call) =>
        call.Is(
                "setRequestTypes",
                "Set request types",
                "Sets all request types from a file in YAML or JSON. With errors nothing is set."
            )
            .Example("""{"text": "types:\n  - name: Database change\n    fields: []\n", "basedOn": 1}""")
            .Fails(409, "changed");

    private const string Text =
        """{"text": "version: 1\npolicies:\n  - name: production\n    when: { environment: [production] }\n"""
        + """    steps:\n      - name: SRE\n        need: 1\n        from: { groups: [SRE] }\n"}""";
}
