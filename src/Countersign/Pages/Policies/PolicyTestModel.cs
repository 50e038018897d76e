using System.Globalization;
using Countersign.Configuration;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Policies;

/// <param name="State">What keeps this person from approving; null: nothing does.</param>
public sealed record PolicyTestPerson(string Name, string? State);

/// <param name="Missing">Names in the file that don't exist.</param>
public sealed record PolicyTestStep(
    string Name,
    string Need,
    IReadOnlyList<PolicyTestPerson> People,
    int MorePeople,
    IReadOnlyList<string> Missing
);

/// <summary>What a policy file would make of a sample request, in the reader's words.</summary>
public sealed record PolicyTestModel(string Policy, string Outcome)
{
    private const int MaxPeople = 20,
        MaxSkipped = 50;

    /// <summary>What was tested, where it has a name.</summary>
    public string Title { get; init; } = "";
    public string? Approvals { get; init; }

    /// <summary>Where the matching policy begins.</summary>
    public int? Line { get; init; }
    public IReadOnlyList<PolicyTestStep> Steps { get; init; } = [];
    public IReadOnlyList<string> Times { get; init; } = [];
    public IReadOnlyList<(int Line, string Text)> Skipped { get; init; } = [];
    public Blocked? Blocked { get; init; }

    /// <summary>The policy applies only because the change isn't known.</summary>
    public bool IsPresumed { get; init; }
    public bool RequesterIsReviewer { get; init; }

    public static PolicyTestModel Of(IStringLocalizer t, PolicyExplanation found, string title)
    {
        var policy = found.Stamped;
        var skipped = (
            from passed in found.PassedOver.Take(MaxSkipped)
            where passed.Condition is not null
            select (passed.Line, WhyNot(t, passed, passed.Condition!))
        ).ToList();
        return new PolicyTestModel(
            found.DecidedBy switch
            {
                "file" => t["policies.test.matches", found.Policy],
                "source" => t["policies.test.bySource"],
                _ => t["policies.test.byAdmin"],
            },
            OutcomeOf(t, policy)
        )
        {
            Title = title,
            Line = found.Line,
            Steps = policy.Auto is null && !policy.RefusesRequester ? [.. found.Steps.Select(s => StepOf(t, s))] : [],
            Times = TimesOf(t, policy),
            Skipped = skipped,
            IsPresumed = found.Presumed is not null,
            Blocked = policy.RefusesRequester ? null : found.Stuck,
            RequesterIsReviewer = found.Steps.SelectMany(s => s.Who).Any(w => w.State == "requester"),
        };
    }

    private static string OutcomeOf(IStringLocalizer t, Policy policy)
    {
        if (policy.RefusesRequester)
            return t["policies.test.refused"];
        if (policy.Auto is { } auto)
            return t[auto.Approves ? "policies.test.autoApprove" : "policies.test.autoReject", auto.Because];
        if (policy.Destination is { } destination)
            return t["policies.test.destination", destination];
        var needed = t.Count("policies.test.needed", policy.Steps.Sum(s => s.Need));
        return policy.RequesterUnknown ? $"{needed} {t["policies.test.oneMoreUnknown"]}"
            : policy.RequesterClaimed ? $"{needed} {t["policies.test.oneMoreClaimed"]}"
            : needed;
    }

    private static PolicyTestStep StepOf(IStringLocalizer t, ExplainedStep step) =>
        new(
            step.Name,
            t.Count("policies.test.ofReviewers", step.Who.Count, step.Need),
            [.. step.Who.Take(MaxPeople).Select(w => new PolicyTestPerson(w.Name, StateOf(t, w)))],
            Math.Max(0, step.Who.Count - MaxPeople),
            [.. step.Unknown.Select(u => t["policies.test.missing", NameOf(u)].Value)]
        );

    private static string? StateOf(IStringLocalizer t, Candidate candidate) =>
        candidate.State == "can" ? null : WhyNot(t, candidate);

    private static string WhyNot(IStringLocalizer t, Candidate candidate) =>
        candidate switch
        {
            { State: "requester" } => t["policies.test.requester"],
            { State: "disabled" } => t["policies.test.disabled"],
            { Delegate: { } other } => t["policies.test.delegate", other],
            _ => t["policies.test.away"],
        };

    /// <summary>"the group SRE" is kept with requests; pages say it in their own words.</summary>
    private static string NameOf(string unknown) =>
        unknown.StartsWith("the group ", StringComparison.Ordinal) ? unknown["the group ".Length..]
        : unknown.StartsWith("the person ", StringComparison.Ordinal) ? unknown["the person ".Length..]
        : unknown;

    private static List<string> TimesOf(IStringLocalizer t, Policy policy)
    {
        var times = new List<string>();
        if (policy.Remind is { Every: { } every } again)
            times.Add(t["policies.test.remindsEvery", Durations.Words(again.After), Durations.Words(every)]);
        else if (policy.Remind is { } once)
            times.Add(t["policies.test.reminds", Durations.Words(once.After)]);
        if (policy.Escalate is { } escalate)
        {
            var names = string.Join(", ", escalate.To.Select(a => a.Name));
            times.Add(t["policies.test.escalates", Durations.Words(escalate.After), names]);
        }
        if (policy.Expire is { } expire)
        {
            var name = expire.AsWithdrawn ? "policies.test.expiresWithdrawn" : "policies.test.expiresRejected";
            times.Add(t[name, Durations.Words(expire.After)]);
        }
        if (policy.GrantExpires is { } grant)
            times.Add(t["policies.test.grant", Durations.Words(grant)]);
        return times;
    }

    private static string WhyNot(IStringLocalizer t, SkippedPolicy skipped, Condition condition)
    {
        var wanted = string.Join(" / ", condition.AnyOf.Select(Short));
        return skipped.Found.Count == 0
            ? t["policies.test.noMatch.missing", skipped.Policy, condition.Key, wanted]
            : t[
                "policies.test.noMatch.value",
                skipped.Policy,
                condition.Key,
                wanted,
                string.Join(", ", skipped.Found.Select(Short))
            ];
    }

    private static string Short(string value) => value.Length > 100 ? value[..100] + "…" : value;
}
