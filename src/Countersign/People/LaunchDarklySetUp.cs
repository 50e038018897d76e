namespace Countersign.People;

/// <summary>What to paste and what to choose on LaunchDarkly's side, in its own words for things.</summary>
public static class LaunchDarklySetUp
{
    /// <summary>The fields of LaunchDarkly's integration form.</summary>
    public static IReadOnlyList<(string Field, string Value)> Integration(string name, string key, string baseUrl) =>
        [("Status", "On"), ("Name", name), ("API Token", key), ("Custom approval service base URL", baseUrl)];

    /// <summary>The fields of an environment's approval settings there.</summary>
    public static IReadOnlyList<(string Field, string Value)> Environment(string name) =>
        [
            ("Approval system", name),
            ("Require approvals for this environment", "on, for all flags or for those with your tags"),
        ];

    public static string Text(string name, string key, string baseUrl, bool isPublic) =>
        $"""
            In LaunchDarkly, on the page Integrations, search for "Custom approvals" and click Add integration:

            {Lines(Integration(name, key, baseUrl), 35)}

            Then, in Project settings > Approval settings, select an environment and click Edit approval setting:

            {Lines(Environment(name), 41)}

            {(
                isPublic
                    ? ""
                    : "LaunchDarkly must be able to reach this address. Set PublicUrl to your public address.\n"
            )}docs/launchdarkly.md explains every step. To test it first, run:

                countersign simulate launchdarkly --url {baseUrl} --key {key}
            """;

    private static string Lines(IReadOnlyList<(string Field, string Value)> values, int width) =>
        string.Join('\n', values.Select(v => "    " + v.Field.PadRight(width) + v.Value));
}
