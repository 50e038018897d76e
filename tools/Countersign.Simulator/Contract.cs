using System.Text.Json;
using Json.Pointer;

namespace Countersign.Simulator;

/// <summary>What LaunchDarkly has to fill into an address or a header.</summary>
public sealed record Scope(string BaseUrl, string Key, string ExternalId = "");

/// <summary>One kind of request that LaunchDarkly makes.</summary>
public sealed record Call(
    string Name,
    HttpMethod Method,
    Func<Scope, string> Url,
    Func<Scope, IReadOnlyList<(string Name, string Value)>> Headers
);

/// <summary>
/// Everything LaunchDarkly goes by when it talks to an approval application: five kinds of requests, the body of the
/// first, the address of the review page, and where in the answers to look for what. Comes from a manifest
/// (<see cref="ManifestContract"/>) or from here.
/// </summary>
public sealed record Contract
{
    public required Call Create { get; init; }
    public required Call Status { get; init; }
    public required Call Apply { get; init; }
    public required Call Cancel { get; init; }
    public Call? Members { get; init; }
    public required Func<ProposedChange, string> Body { get; init; }
    public required Func<Scope, string> ReviewPage { get; init; }

    /// <summary>How an answer is read, by the name of its call: a manifest may have it differ.</summary>
    public required Func<Call, StatusReader> Reader { get; init; }

    public MemberReader MemberReader { get; init; } =
        new(JsonPointer.Parse("/members"), JsonPointer.Parse("/name"), JsonPointer.Parse("/email"));

    /// <summary>The published custom approvals, in our own words.</summary>
    public static Contract BuiltIn(Escaping escaping, Generation generation)
    {
        var reader = new StatusReader(
            JsonPointer.Parse("/_id"),
            JsonPointer.Parse("/status/value"),
            JsonPointer.Parse("/status/display"),
            Matcher.Word("approved"),
            Matcher.Word("declined")
        );
        IReadOnlyList<(string, string)> KeyOnly(Scope s) => [("Authorization", "Bearer " + escaping.Html(s.Key))];
        IReadOnlyList<(string, string)> KeyAndType(Scope s) => [("Content-Type", "application/json"), .. KeyOnly(s)];
        string About(Scope s, string what) =>
            $"{escaping.Html(s.BaseUrl)}/api/approvals/{escaping.Html(s.ExternalId)}/{what}";
        return new Contract
        {
            Create = new Call("create", HttpMethod.Post, s => $"{escaping.Html(s.BaseUrl)}/api/approvals", KeyAndType),
            Status = new Call("status", HttpMethod.Get, s => About(s, "status"), KeyOnly),
            Apply = new Call("apply", HttpMethod.Post, s => About(s, "apply"), KeyAndType),
            Cancel = new Call("cancel", HttpMethod.Post, s => About(s, "cancel"), KeyAndType),
            Members = new Call("members", HttpMethod.Get, s => $"{escaping.Html(s.BaseUrl)}/api/members", KeyOnly),
            Body = new BuiltInBody(escaping, generation).Render,
            ReviewPage = s => $"{escaping.Html(s.BaseUrl)}/approvals?approvalID={escaping.Html(s.ExternalId)}",
            Reader = _ => reader,
        };
    }
}

/// <summary>
/// Finds LaunchDarkly's three facts in an answer: JSON pointers to text, and two patterns that may match anywhere in
/// it.
/// </summary>
public sealed class StatusReader(
    JsonPointer? idPointer,
    JsonPointer valuePointer,
    JsonPointer? displayPointer,
    Matcher approval,
    Matcher? rejection
)
{
    /// <summary>
    /// Words that mean a decision to people; an application that says one of them expects to be understood.
    /// </summary>
    private static readonly string[] DecisionWords =
    [
        "approve",
        "accepted",
        "granted",
        "rejected",
        "reject",
        "denied",
        "deny",
        "refused",
        "decline",
    ];

    /// <summary>Without a pointer to an id LaunchDarkly goes on using its own.</summary>
    public bool ReturnsId => idPointer is not null;

    public string? Id(JsonElement answer) => idPointer?.TextIn(answer);

    public Heard Read(JsonElement answer)
    {
        if (valuePointer.TextIn(answer) is not { } value)
            return new Heard(ReviewStatus.NeedsReview, null, null, Rule.StatusMissing);
        var display = displayPointer?.TextIn(answer);
        bool approved = approval.IsMatch(value),
            declined = rejection?.IsMatch(value) == true;
        // When both match, it is not known which one LaunchDarkly tries first.
        var review =
            declined ? ReviewStatus.Declined
            : approved ? ReviewStatus.Approved
            : ReviewStatus.NeedsReview;
        var oddity =
            approved && declined ? Rule.ValueBoth
            : approved && Misread(value, approval) || declined && Misread(value, rejection!) ? Rule.ValueMisread
            : !approved && !declined && Unread(value) ? Rule.ValueUnread
            : valuePointer.Evaluate(answer)?.ValueKind != JsonValueKind.String ? Rule.ValueNotText
            : string.IsNullOrEmpty(display) ? Rule.DisplayMissing
            : null;
        return new Heard(review, value, display, oddity);
    }

    /// <summary>The pattern is a plain word and the value is more than that word.</summary>
    private static bool Misread(string value, Matcher matcher) =>
        matcher.Pattern.All(char.IsAsciiLetter) && value != matcher.Pattern;

    private bool Unread(string value) =>
        value.Equals(approval.Pattern, StringComparison.OrdinalIgnoreCase)
        || value.Equals(rejection?.Pattern, StringComparison.OrdinalIgnoreCase)
        || DecisionWords.Contains(value, StringComparer.OrdinalIgnoreCase);
}

/// <summary>What a status must match to count as approved, or as declined.</summary>
public sealed record Matcher(string Pattern, Func<string, bool> IsMatch)
{
    /// <summary>Matches wherever the word occurs.</summary>
    public static Matcher Word(string word) => new(word, value => value.Contains(word, StringComparison.Ordinal));
}

/// <summary>What LaunchDarkly makes of one answer.</summary>
/// <param name="Value">The machine's word, null where there was none.</param>
/// <param name="Oddity">What is wrong with the answer itself, if anything.</param>
public sealed record Heard(ReviewStatus Review, string? Value, string? Display, Rule? Oddity);

/// <summary>Where the members are.</summary>
public sealed record MemberReader(JsonPointer Members, JsonPointer Name, JsonPointer Email);
