using System.Text.Json;
using Countersign.Destinations.Manifest;

namespace Countersign.Cli.Simulate;

/// <summary>What LaunchDarkly has to fill into an address or a header.</summary>
internal sealed record Scope(string BaseUrl, string Key, string ExternalId = "");

/// <summary>One kind of request that LaunchDarkly makes.</summary>
internal sealed record Call(
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
internal sealed record Contract
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

    public MemberReader MemberReader { get; init; } = new("/members", "/name", "/email");

    /// <summary>The published custom approvals, in our own words.</summary>
    public static Contract BuiltIn(Escapes escapes, Generation generation)
    {
        var reader = new StatusReader("/_id", "/status/value", "/status/display", "approved", "declined");
        IReadOnlyList<(string, string)> KeyOnly(Scope s) => [("Authorization", "Bearer " + escapes.Html(s.Key))];
        IReadOnlyList<(string, string)> KeyAndType(Scope s) => [("Content-Type", "application/json"), .. KeyOnly(s)];
        string About(Scope s, string what) =>
            $"{escapes.Html(s.BaseUrl)}/api/approvals/{escapes.Html(s.ExternalId)}/{what}";
        return new Contract
        {
            Create = new Call("create", HttpMethod.Post, s => $"{escapes.Html(s.BaseUrl)}/api/approvals", KeyAndType),
            Status = new Call("status", HttpMethod.Get, s => About(s, "status"), KeyOnly),
            Apply = new Call("apply", HttpMethod.Post, s => About(s, "apply"), KeyAndType),
            Cancel = new Call("cancel", HttpMethod.Post, s => About(s, "cancel"), KeyAndType),
            Members = new Call("members", HttpMethod.Get, s => $"{escapes.Html(s.BaseUrl)}/api/members", KeyOnly),
            Body = new BuiltInBody(escapes, generation).Render,
            ReviewPage = s => $"{escapes.Html(s.BaseUrl)}/approvals?approvalID={escapes.Html(s.ExternalId)}",
            Reader = _ => reader,
        };
    }
}

/// <summary>
/// Finds LaunchDarkly's three facts in an answer: JSON pointers to text, and two patterns that may match anywhere in
/// it.
/// </summary>
internal sealed class StatusReader(
    string? idPointer,
    string valuePointer,
    string? displayPointer,
    string approvedPattern,
    string? declinedPattern
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

    private readonly GoPattern _approved = GoPattern.Parse(approvedPattern),
        _declined = GoPattern.Parse(declinedPattern ?? @"[^\x00-\x{FFFF}]");

    /// <summary>Without a pointer to an id LaunchDarkly goes on using its own.</summary>
    public bool ReturnsId => idPointer is not null;

    public string? Id(JsonElement answer) =>
        idPointer is not null && Pointer.Find(answer, idPointer) is { } found ? Pointer.Text(found) : null;

    public Heard Read(JsonElement answer)
    {
        if (Pointer.Find(answer, valuePointer) is not { } found || Pointer.Text(found) is not { } value)
            return new Heard(ReviewStatus.NeedsReview, null, null, Rule.StatusMissing);
        var display =
            displayPointer is not null && Pointer.Find(answer, displayPointer) is { } shown
                ? Pointer.Text(shown)
                : null;
        bool approved = _approved.IsMatch(value),
            declined = _declined.IsMatch(value);
        // When both match, nobody knows which one LaunchDarkly tries first.
        var review =
            declined ? ReviewStatus.Declined
            : approved ? ReviewStatus.Approved
            : ReviewStatus.NeedsReview;
        var oddity =
            approved && declined ? Rule.ValueBoth
            : approved && Misread(value, approvedPattern) || declined && Misread(value, declinedPattern)
                ? Rule.ValueMisread
            : !approved && !declined && Unread(value) ? Rule.ValueUnread
            : found.ValueKind != JsonValueKind.String ? Rule.ValueNotText
            : string.IsNullOrEmpty(display) ? Rule.DisplayMissing
            : null;
        return new Heard(review, value, display, oddity);
    }

    /// <summary>The pattern is a plain word and the value is more than that word.</summary>
    private static bool Misread(string value, string? pattern) =>
        pattern is not null && pattern.All(char.IsAsciiLetter) && value != pattern;

    private bool Unread(string value) =>
        value.Equals(approvedPattern, StringComparison.OrdinalIgnoreCase)
        || value.Equals(declinedPattern, StringComparison.OrdinalIgnoreCase)
        || DecisionWords.Contains(value, StringComparer.OrdinalIgnoreCase);
}

/// <summary>What LaunchDarkly makes of one answer.</summary>
/// <param name="Value">The machine's word, null where there was none.</param>
/// <param name="Oddity">What is wrong with the answer itself, if anything.</param>
internal sealed record Heard(ReviewStatus Review, string? Value, string? Display, Rule? Oddity);

/// <summary>Where the members are.</summary>
internal sealed record MemberReader(string Members, string Name, string Email);
