namespace Countersign.Doors.LaunchDarkly;

/// <summary>What to paste and what to choose on LaunchDarkly's side, in its own words for things.</summary>
public static class SetUp
{
    public static string Text(string name, string key, string baseUrl, bool isPublic) =>
        $"""
        In LaunchDarkly, on the page Integrations, search for "Custom approvals" and click Add integration:

            Status                             On
            Name                               {name}
            API Token                          {key}
            Custom approval service base URL   {baseUrl}

        Then, in Project settings > Approval settings, select an environment and click Edit approval setting:

            Approval system                          {name}
            Require approvals for this environment   on, for all flags or for those with your tags

        {(isPublic ? "" : "LaunchDarkly must reach this address from outside: set PublicUrl to the one under which it does.\n")}docs/launchdarkly.md walks through all of it. To see it work before that:

            countersign simulate launchdarkly --url {baseUrl} --key {key}
        """;
}
