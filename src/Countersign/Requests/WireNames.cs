namespace Countersign.Requests;

/// <summary>The one table that spells statuses and answers, in every dialect.</summary>
public static class WireNames
{
    private static readonly (Status Status, string Ours, string LaunchDarkly, string Zendesk)[] Table =
    [
        (Status.Active, "active", "pending", "active"),
        (Status.Approved, "approved", "approved", "approved"),
        (Status.Rejected, "rejected", "declined", "rejected"),
        (Status.Withdrawn, "withdrawn", "cancelled", "withdrawn"),
    ];

    private static readonly Status[] Statuses = Enum.GetValues<Status>();
    private static readonly Answer[] Answers = Enum.GetValues<Answer>();
    private static readonly SentBy[] Ways = Enum.GetValues<SentBy>();

    /// <summary>The word in our store, our API and our pages.</summary>
    public static string ToWireName(this Status status) => Table[(int)status].Ours;

    /// <summary>The word in <c>status.value</c>, which LaunchDarkly searches for "approved" and "declined".</summary>
    public static string ToLaunchDarkly(this Status status) => Table[(int)status].LaunchDarkly;

    public static string ToZendesk(this Status status) => Table[(int)status].Zendesk;

    /// <summary>Zendesk's earlier API says "pending" for what is active.</summary>
    public static Status? StatusOfZendesk(string word) =>
        word == "pending" ? Status.Active : Find(Statuses, word, ToZendesk);

    /// <summary>Zendesk has no word for an abstention.</summary>
    public static string? ToZendesk(this Answer answer) =>
        answer switch
        {
            Answer.Approve => ToZendesk(Status.Approved),
            Answer.Reject => ToZendesk(Status.Rejected),
            _ => null,
        };

    /// <summary>Zendesk's <c>origination_type</c> of a request.</summary>
    public static string ToZendesk(this SentBy sentBy) => sentBy == SentBy.Page ? "UI_ORIGINATION" : "API_ORIGINATION";

    /// <summary>And of a decision, by the way it came.</summary>
    public static string ZendeskOrigination(string via) =>
        via switch
        {
            "page" => "UI_ORIGINATION",
            "slack" => "SLACK_ORIGINATION",
            _ => "API_ORIGINATION",
        };

    /// <summary>What request types call the kinds of their fields.</summary>
    public static string ToWireName(this RequestFieldKind kind) =>
        kind switch
        {
            RequestFieldKind.Text => "text",
            RequestFieldKind.Number => "number",
            RequestFieldKind.Choice => "choice",
            RequestFieldKind.YesNo => "yes-no",
            _ => "link",
        };

    public static readonly IReadOnlyList<string> FieldKinds =
    [
        .. Enum.GetValues<RequestFieldKind>().Select(ToWireName),
    ];

    public static RequestFieldKind? FieldKindOf(string word) =>
        Find(Enum.GetValues<RequestFieldKind>(), word, ToWireName);

    public static Status? StatusOf(string word) => Find(Statuses, word, ToWireName);

    public static string ToWireName(this Answer answer) =>
        answer switch
        {
            Answer.Approve => "approve",
            Answer.Reject => "reject",
            _ => "abstain",
        };

    public static Answer? AnswerOf(string word) => Find(Answers, word, ToWireName);

    public static string ToWireName(this SentBy sentBy) =>
        sentBy switch
        {
            SentBy.Api => "api",
            SentBy.Page => "page",
            SentBy.LaunchDarkly => "launchdarkly",
            _ => "zendesk",
        };

    public static SentBy SentByOf(string word) =>
        Find(Ways, word, ToWireName) ?? throw new FormatException("The store contains an invalid origin.");

    private static T? Find<T>(T[] values, string word, Func<T, string> spelling)
        where T : struct
    {
        foreach (var value in values)
        {
            if (spelling(value) == word)
                return value;
        }
        return null;
    }

    /// <summary>"Ann", "Ann and Ben", "Ann, Ben and 3 more".</summary>
    public static string Names(IReadOnlyList<string> names, string and = "and") =>
        names.Count switch
        {
            0 => "no one",
            1 => names[0],
            2 => $"{names[0]} {and} {names[1]}",
            _ => $"{names[0]}, {names[1]} {and} {names.Count - 2} more",
        };
}
