using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Countersign.Configuration;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.People;

/// <summary>A request as somebody imagines it, to learn who would have to say yes.</summary>
public sealed record HypotheticalRequest(string Source, Requester Requester, string Facts, Approver? Assignee);

/// <summary>Why a policy before the one that matched did not.</summary>
public sealed record SkippedPolicy(string Policy, int Line, string Why)
{
    /// <summary>The first condition that the request doesn't meet; null: the policy yields to the assignee.</summary>
    [JsonIgnore]
    public Condition? Condition { get; init; }

    /// <summary>What the request has instead.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Found { get; init; } = [];
}

/// <param name="State">can, requester, disabled, away, or away with a delegate who can.</param>
public sealed record Candidate(
    string Name,
    string? Email,
    [AllowedValues("can", "requester", "disabled", "away", "away with a delegate who can")] string State
)
{
    [JsonIgnore]
    public string? Delegate { get; init; }
}

public sealed record ExplainedStep(string Name, int Need, IReadOnlyList<Candidate> Who, IReadOnlyList<string> Unknown);

/// <param name="DecidedBy">file, assignee, source or built-in.</param>
/// <param name="Outcome">In a sentence: what the request would say at first.</param>
public sealed record PolicyExplanation(
    string Policy,
    string DecidedBy,
    long Version,
    string Outcome,
    IReadOnlyList<SkippedPolicy> PassedOver,
    IReadOnlyList<ExplainedStep> Steps,
    Policy Stamped,
    Blocked? Stuck,
    IReadOnlyList<string> Times
)
{
    /// <summary>Where the matching policy of the file begins; null where none matches.</summary>
    public int? Line { get; init; }

    /// <summary>
    /// Why the policy applies although the request doesn't meet what it says about the change; null where it does.
    /// </summary>
    public string? Presumed { get; init; }
}

/// <summary>
/// Says who would decide and why, without asking anything: which policy matches, why those before it do not, who could
/// fill each slot, what happens when.
/// </summary>
public sealed class ExplainPolicy(PeopleDirectory directory)
{
    public async Task<PolicyExplanation> Run(
        HypotheticalRequest imagined,
        CancellationToken cancel,
        PolicyFile? draft = null
    )
    {
        var snapshot = await directory.Refresh(cancel);
        var book = draft is null ? snapshot.Policies : snapshot.Draft(draft);
        var source = snapshot.FindSource(imagined.Source);
        var question = new PolicyQuery(
            imagined.Source,
            imagined.Requester.Name,
            imagined.Facts,
            imagined.Assignee is not null
        )
        {
            Change = ChangeFacts.OfSample(imagined.Facts),
        };
        var ofTheFile = book.For(question, snapshot.Pools, imagined.Requester.Barred);
        var policy = PolicySelection.For(
            ofTheFile,
            imagined.Assignee,
            source?.Policy,
            imagined.Requester.Certainty,
            source?.Rules ?? default
        );
        var matched = book.File is null ? -1 : book.Find(question);
        var stuck = Feasibility.Of(policy, snapshot.Pools, imagined.Requester.Barred);
        return new PolicyExplanation(
            policy.Name,
            ofTheFile is not null ? "file"
                : imagined.Assignee is not null ? "assignee"
                : source?.Policy is not null ? "source"
                : "built-in",
            book.Version,
            Outcome(policy),
            PassedOver(book, question, matched),
            [.. policy.Steps.Select(s => StepOf(s, policy, snapshot, imagined.Requester.Barred))],
            policy,
            stuck,
            Times(policy)
        )
        {
            Line = matched < 0 ? null : book.File!.Rules[matched].Line,
            Presumed = matched >= 0 && book.IsPresumed(matched, question) ? Presumed(question) : null,
        };
    }

    private static string Presumed(PolicyQuery question) =>
        question.Change is null
            ? "It applies because the change isn't described. A policy that names change.kind, change.targets or "
                + "change.percentage applies to every change that Countersign doesn't know."
            : "It applies because a part of the change isn't understood.";

    private static List<SkippedPolicy> PassedOver(PolicyBook book, PolicyQuery question, int matched)
    {
        var rules = book.File?.Rules ?? [];
        var passed = new List<SkippedPolicy>();
        for (var i = 0; i < (matched < 0 ? rules.Count : matched); i++)
        {
            var (miss, found) = book.Explain(i, question);
            var why =
                miss >= 0
                    ? $"{rules[i].When[miss].Key} is "
                        + $"{(found.Count == 0 ? "not given" : string.Join(", ", found.Select(Quoted)))}, and the "
                        + $"policy requires {string.Join(" or ", rules[i].When[miss].AnyOf.Select(Quoted))}"
                    : "it has no conditions, and the request names its reviewer";
            passed.Add(
                new SkippedPolicy(rules[i].Name, rules[i].Line, why)
                {
                    Condition = miss >= 0 ? rules[i].When[miss] : null,
                    Found = found,
                }
            );
        }
        return passed;
    }

    private static ExplainedStep StepOf(
        Step step,
        Policy policy,
        PeopleSnapshot snapshot,
        IReadOnlyList<long> barred
    ) =>
        new(
            step.Name,
            step.Need,
            [
                .. snapshot
                    .Pools.Of(step)
                    .Select(id => CandidateOf(snapshot, id, policy.AllowsSelfApproval ? [] : barred)),
            ],
            step.Unknown
        );

    private static Candidate CandidateOf(PeopleSnapshot snapshot, long id, IReadOnlyList<long> barred)
    {
        var (state, other) =
            barred.Contains(id) ? ("requester", null)
            : snapshot.Pools.Find(id) is not { IsDisabled: false } person ? ("disabled", null)
            : person.AwayUntil is null ? ("can", null)
            : new Delegates(snapshot.Pools, barred, [], []).Of(person) is { } found
                ? ($"out of office, delegate {found.Name}", found.Name)
            : ("away", (string?)null);
        var known = snapshot.People.GetValueOrDefault(id);
        return new Candidate(known?.DisplayName ?? "", known?.Email, state) { Delegate = other };
    }

    private static string Outcome(Policy policy) =>
        policy.RefusesRequester ? "Rejected automatically: the requester isn't recognized"
        : policy.Auto is { } auto
            ? $"{(auto.Approves ? "Approved" : "Declined")} automatically by policy: {auto.Because}"
        : policy.Destination is { } destination ? $"Decided by the destination {destination}"
        : $"{policy.Steps.Sum(s => s.Need)} approval{(policy.Steps.Sum(s => s.Need) == 1 ? "" : "s")} "
            + $"needed{OneMore(policy)}";

    private static string OneMore(Policy policy) =>
        policy.RequesterUnknown ? ", one more because the requester isn't recognized"
        : policy.RequesterClaimed ? ", one more because the requester is only claimed"
        : "";

    private static List<string> Times(Policy policy)
    {
        var times = new List<string>();
        if (policy.Remind is { } remind)
        {
            times.Add(
                $"Reminds {Durations.Words(remind.After)} after a step "
                    + $"opens{(remind.Every is { } every ? $", then every {Durations.Words(every)}" : "")}"
            );
        }
        if (policy.Escalate is { } escalate)
        {
            times.Add(
                $"Escalates {Durations.Words(escalate.After)} after a step opens, to "
                    + $"{WireNames.Names([.. escalate.To.Select(a => a.Name)])}"
            );
        }
        if (policy.Expire is { } expire)
        {
            times.Add(
                $"Expires {Durations.Words(expire.After)} after it's created, as "
                    + $"{(expire.AsWithdrawn ? "withdrawn" : "rejected")}"
            );
        }
        if (policy.GrantExpires is { } grant)
            times.Add($"Can be redeemed for {Durations.Words(grant)} after its approval");
        return times;
    }

    private static string Quoted(string value) => $"\"{(value.Length > 100 ? value[..100] + "…" : value)}\"";
}
