namespace Countersign.Policies;

/// <summary>What happens to a request behind which a person must stand, when no one known here does.</summary>
public enum UnknownRequester
{
    OneMore,
    Refuse,
    Allow,
}

/// <summary>What happens to a request whose requester is named in its body, but not proven.</summary>
public enum ClaimedRequester
{
    Accept,
    OneMore,
}

public static class RequesterRules
{
    public static string ToWireName(this UnknownRequester rule) =>
        rule switch
        {
            UnknownRequester.Refuse => "refuse",
            UnknownRequester.Allow => "allow",
            _ => "one_more",
        };

    public static string ToWireName(this ClaimedRequester rule) =>
        rule is ClaimedRequester.OneMore ? "one_more" : "accept";

    public static UnknownRequester? UnknownOf(string word) =>
        word switch
        {
            "one_more" => UnknownRequester.OneMore,
            "refuse" => UnknownRequester.Refuse,
            "allow" => UnknownRequester.Allow,
            _ => null,
        };

    public static ClaimedRequester? ClaimedOf(string word) =>
        word switch
        {
            "accept" => ClaimedRequester.Accept,
            "one_more" => ClaimedRequester.OneMore,
            _ => null,
        };
}
