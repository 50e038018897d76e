using System.Collections.Concurrent;
using System.Globalization;
using Countersign.Storage;

namespace Countersign.Policies;

/// <summary>
/// Someone who takes part: <c>person:7</c>, <c>group:3</c>, <c>source:2</c>, <c>admins</c>, <c>ticket-assignee:7</c>.
/// The one text form in columns and in stamps.
/// </summary>
public readonly record struct Party(string Text) : ISqlText
{
    public static readonly Party Admins = new("admins");

    public static Party Person(long id) => new($"person:{id}");

    public static Party Group(long id) => new($"group:{id}");

    public static Party Source(long id) => new($"source:{id}");

    /// <summary>A person as the assignee of a request's ticket, which they may cease to be.</summary>
    public static Party TicketAssignee(long id) => new($"ticket-assignee:{id}");

    /// <summary>The number behind this beginning, such as <c>group:</c>; null for other parties.</summary>
    public long? IdAfter(string prefix) =>
        Text.StartsWith(prefix, StringComparison.Ordinal)
        && long.TryParse(Text.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : null;

    public string ToSqlText() => Text;

    public override string ToString() => Text;
}

/// <summary>A person or group that may fill a slot, with the name it had when the policy was stamped.</summary>
public sealed record Approver(Party Party, string Name);

/// <summary>A number of slots and those who may fill them. A policy's steps open in order.</summary>
public sealed record Step(string Name, int Need, IReadOnlyList<Approver> From)
{
    /// <summary>Groups and people that the policy names and nobody had made yet.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>Everyone in it must approve, so that there is nobody in it who could be one more.</summary>
    public bool All { get; init; }

    /// <summary>Those to whom the policy escalates have joined it.</summary>
    public bool Escalated { get; init; }
}

/// <summary>
/// Who must say yes, and on which terms. Stamped on a request's revision when it arrives: later changes of the policy's
/// source do not touch it. What is not said here is as the strictest reader would have it.
/// </summary>
public sealed record Policy(string Name, IReadOnlyList<Step> Steps)
{
    /// <summary>A stamp changes only where a person's name is erased from it.</summary>
    private static readonly ConcurrentDictionary<string, Policy> Known = new();
    private string? _text;
    private string? _stamp;

    // A copy that differs has another text; without this it would carry that of its original.
    private Policy(Policy other)
    {
        (Name, Steps, AllowsSelfApproval, Rejection) = (
            other.Name,
            other.Steps,
            other.AllowsSelfApproval,
            other.Rejection
        );
        (RequesterUnknown, RequesterClaimed) = (other.RequesterUnknown, other.RequesterClaimed);
        (UnknownRequester, ClaimedRequester) = (other.UnknownRequester, other.ClaimedRequester);
        (NoteRequired, Remind, Escalate, Expire, AllowsMailDecisions) = (
            other.NoteRequired,
            other.Remind,
            other.Escalate,
            other.Expire,
            other.AllowsMailDecisions
        );
        (ForbidsBreakGlass, Auto, Destination, Carried, GrantExpires) = (
            other.ForbidsBreakGlass,
            other.Auto,
            other.Destination,
            other.Carried,
            other.GrantExpires
        );
    }

    /// <summary>
    /// The requester is not recognized, and that has its price: one approval more, or the request is refused.
    /// </summary>
    public bool RequesterUnknown { get; init; }

    /// <summary>The requester is only claimed, and that costs one approval more.</summary>
    public bool RequesterClaimed { get; init; }

    /// <summary>
    /// What a requester who is not recognized costs; null: the policy does not say, which is one approval more.
    /// </summary>
    public UnknownRequester? UnknownRequester { get; init; }

    /// <summary>What a requester who is only claimed costs; null: the policy does not say, which is nothing.</summary>
    public ClaimedRequester? ClaimedRequester { get; init; }

    /// <summary>Nobody is asked, because the requester is not recognized.</summary>
    public bool RefusesRequester => RequesterUnknown && UnknownRequester == Policies.UnknownRequester.Refuse;

    /// <summary>Whoever asks may answer as well, where a step names them.</summary>
    public bool AllowsSelfApproval { get; init; }
    public Rejection Rejection { get; init; }

    /// <summary>
    /// Answers (approve, reject, abstain) that need a note on pages, by mail and in chat; protocol doors are exempt.
    /// Where a policy says nothing, whoever says no gives the reason.
    /// </summary>
    public IReadOnlyList<string>? NoteRequired { get; init; }

    public bool NeedsNote(string answer) => NoteRequired?.Contains(answer) ?? answer == "reject";

    public Reminders? Remind { get; init; }
    public Escalation? Escalate { get; init; }
    public Expiry? Expire { get; init; }

    /// <summary>An answer may come by mail, without a visit to the page.</summary>
    public bool AllowsMailDecisions { get; init; }

    /// <summary>Not even an admin may approve past it.</summary>
    public bool ForbidsBreakGlass { get; init; }

    /// <summary>Set where nobody is asked.</summary>
    public AutoAnswer? Auto { get; init; }

    /// <summary>The workflow system that decides instead of steps.</summary>
    public string? Destination { get; init; }

    /// <summary>How long after the approval its source may redeem it, where the policy says nothing.</summary>
    public static readonly TimeSpan DefaultGrant = TimeSpan.FromHours(1);

    /// <summary>How long after the approval its source may redeem it.</summary>
    public TimeSpan? GrantExpires { get; init; }

    /// <summary>Set when this policy took the place of another on a request that had answers.</summary>
    public Carried? Carried { get; init; }

    /// <summary>Whether anything happens by itself after a time.</summary>
    public bool IsTimed => Remind is not null || Escalate is not null || Expire is not null;

    public string ToText() => _text ??= StampText.Write(this);

    /// <summary>The hash by which the text is kept and found.</summary>
    public string Stamp => _stamp ??= Hashes.Sha256(ToText());

    /// <summary>Reads a stamp; an unreadable one throws, and the request that carries it stays as it is.</summary>
    public static Policy Read(string stamp, string text)
    {
        if (Known.TryGetValue(stamp, out var known) && known._text == text)
            return known;
        var policy = StampText.Read(text);
        (policy._text, policy._stamp) = (text, stamp);
        if (Known.Count > 10_000)
            Known.Clear();
        Known[stamp] = policy;
        return policy;
    }

    /// <summary>The steps that a person with these parties may fill.</summary>
    public IReadOnlyList<int> StepsOpenTo(IReadOnlySet<string> parties) =>
        [.. Enumerable.Range(0, Steps.Count).Where(i => Steps[i].From.Any(a => parties.Contains(a.Party.Text)))];

    /// <summary>Everyone whom a step names.</summary>
    public IEnumerable<Approver> Approvers => Steps.SelectMany(s => s.From);

    /// <summary>
    /// The same policy after a step waited too long: those to whom it escalates have joined that step.
    /// </summary>
    public Policy WithEscalated(int step) =>
        Escalate is null
            ? this
            : this with
            {
                Steps =
                [
                    .. Steps.Select(
                        (s, i) =>
                            i == step
                                ? s with
                                {
                                    From =
                                    [
                                        .. s.From,
                                        .. Escalate.To.Where(to => s.From.All(a => a.Party != to.Party)),
                                    ],
                                    Escalated = true,
                                }
                                : s
                    ),
                ],
            };
}
