using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// The law of states: active → approved, rejected or withdrawn; approved → withdrawn while not applied; nothing else,
/// ever.
/// </summary>
public enum Status
{
    Active,
    Approved,
    Rejected,
    Withdrawn,
}

public enum Answer
{
    Approve,
    Reject,
    Abstain,
}

/// <summary>How a request came.</summary>
public enum SentBy
{
    Api,
    Page,
    LaunchDarkly,
    Zendesk,
}

/// <summary>One question: may this change happen? A snapshot; only use cases change what it was read from.</summary>
public sealed record ApprovalRequest
{
    public required RequestId Id { get; init; }
    public required long SourceId { get; init; }
    public string? ExternalId { get; init; }
    public required SentBy SentBy { get; init; }
    public required Status Status { get; init; }

    /// <summary>In a few words: what is still missing, or who decided.</summary>
    public required string Display { get; init; }

    /// <summary>
    /// Content is an append-only list of revisions; this is the number and digest of the one that counts.
    /// </summary>
    public required int Revision { get; init; }
    public required string Digest { get; init; }

    /// <summary>Stamped on the current revision.</summary>
    public required Policy Policy { get; init; }

    /// <summary>People who may not decide because they ask.</summary>
    public required IReadOnlyList<long> Barred { get; init; }
    public required string Subject { get; init; }
    public long? CreatorId { get; init; }
    public long? RequesterId { get; init; }
    public required string RequesterName { get; init; }

    /// <summary>How sure we are of the requester.</summary>
    public Certainty Certainty { get; init; }

    /// <summary>What the call said about the requester; null where it said nothing.</summary>
    public RequesterClaim? Claim { get; init; }
    public long? AssigneeUser { get; init; }
    public long? AssigneeGroup { get; init; }
    public long? TicketId { get; init; }

    /// <summary>Seats that their holders have given to others; none once it is settled.</summary>
    public IReadOnlyList<Delegation> Delegations { get; init; } = [];
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? SettledAt { get; init; }
    public DateTimeOffset? AppliedAt { get; init; }

    /// <summary>Set when the change was applied without an approval.</summary>
    public DateTimeOffset? BreachedAt { get; init; }

    /// <summary>Set when an admin approved it past its policy.</summary>
    public DateTimeOffset? BrokeGlassAt { get; init; }

    /// <summary>Set while nobody left could make it pass.</summary>
    public Blocked? Stuck { get; init; }
    public required Head Head { get; init; }

    /// <summary>What LaunchDarkly is still asked about it; nothing approves it until that has ended.</summary>
    public OpenCheck OpenCheck { get; init; }

    /// <summary>
    /// Which reading of the change counts, from 1: LaunchDarkly may turn out to hold another change under the same
    /// content. Reviews of an earlier reading were dismissed.
    /// </summary>
    public int Reading { get; init; } = 1;

    /// <summary>Of the instructions as they were read; null where they weren't.</summary>
    public string? ChangeDigest { get; init; }

    /// <summary>
    /// What an answer names, so that it speaks to what its author saw: the content's digest, and where LaunchDarkly's
    /// change became another one, one of both.
    /// </summary>
    public string AnswerDigest => Reading == 1 ? Digest : Hashes.Sha256OfLines(Digest, ChangeDigest ?? "");

    /// <summary>Whether an answer that names this, or nothing, is one to what counts now.</summary>
    public bool IsAnsweredBy(string? digest) => digest is null ? Revision == 1 && Reading == 1 : digest == AnswerDigest;

    /// <summary>LaunchDarkly has said who asked.</summary>
    public bool IsRequesterConfirmed => SentBy == SentBy.LaunchDarkly && Certainty == Certainty.Proven;

    public bool IsSettled => Status != Status.Active;

    /// <summary>Until when its source may redeem the approval; null without one to redeem.</summary>
    public DateTimeOffset? GrantExpiresAt =>
        this is { Status: Status.Approved, AppliedAt: null, SettledAt: { } approvedAt }
            ? approvedAt + (Policy.GrantExpires ?? Policy.DefaultGrant)
            : null;

    /// <summary>The person or group that was named to decide.</summary>
    public Party? Assignee =>
        AssigneeUser is { } user ? Party.Person(user)
        : AssigneeGroup is { } group ? Party.Group(group)
        : null;

    /// <summary>Whether this person may not decide because they ask, or may be the one who does.</summary>
    public bool Bars(long personId) => BarredNow.Contains(personId);

    /// <summary>Those who may not decide because they ask; nobody where the policy lets them.</summary>
    public IReadOnlyList<long> BarredNow => Policy.AllowsSelfApproval ? [] : Barred;

    /// <summary>
    /// Whether this person asked, beyond doubt, and so may take it back: a name in a body gives nobody a right.
    /// </summary>
    public bool IsAskedBy(long personId) =>
        personId == CreatorId || (Certainty == Certainty.Proven && personId == RequesterId);

    /// <summary>Whether the request was opened in this person's name, and they have not said otherwise.</summary>
    public bool IsInNameOf(long personId) => Certainty == Certainty.Claimed && Claim?.People.Contains(personId) == true;

    public bool MayBecome(Status next) =>
        (Status, next) switch
        {
            (Status.Active, Status.Approved or Status.Rejected or Status.Withdrawn) => true,
            (Status.Approved, Status.Withdrawn) => AppliedAt is null,
            _ => false,
        };
}

/// <summary>One person's answer, as it lies in the store: appended, never edited.</summary>
public sealed record Decision
{
    public required int N { get; init; }
    public required long PersonId { get; init; }
    public required string PersonName { get; init; }

    /// <summary>The address with which its author signs in.</summary>
    public string? PersonEmail { get; init; }
    public required Answer Answer { get; init; }
    public required string Note { get; init; }

    /// <summary>
    /// The content that was answered. The number matters as well: when a content comes back after another, its policy
    /// may be another one, and what was said to the first does not speak to it.
    /// </summary>
    public required int Revision { get; init; }
    public required string Digest { get; init; }

    /// <summary>The reading of the change that it was given to.</summary>
    public int Reading { get; init; } = 1;

    /// <summary>The steps that its author could fill at that moment. Leaving a group later does not undo it.</summary>
    public required IReadOnlyList<int> Steps { get; init; }
    public required DateTimeOffset At { get; init; }
    public required string Via { get; init; }

    /// <summary>The absent person for whom its author stood in.</summary>
    public long? ForPerson { get; init; }
    public string? ForPersonName { get; init; }

    /// <summary>"Ben", or "Ben for Ann".</summary>
    public string Who => ForPersonName is null ? PersonName : $"{PersonName} for {ForPersonName}";

    /// <summary>A person who was disabled before the request settled no longer counts.</summary>
    public bool AuthorDisabled { get; init; }

    /// <summary>How often its author had been disabled when it was given.</summary>
    public int Disablings { get; init; }
}
