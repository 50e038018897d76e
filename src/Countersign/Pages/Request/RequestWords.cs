using System.Globalization;
using Countersign.Pages.Layout;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Request;

/// <summary>What is said about requests, in the reader's language.</summary>
internal static class RequestWords
{
    private const int MaxNames = 3;

    extension(IStringLocalizer t)
    {
        /// <summary>"Ann, Ben", "Ann, Ben, Cem and 4 more".</summary>
        public string Names(IReadOnlyList<string> names) =>
            names.Count <= MaxNames
                ? string.Join(", ", names)
                : t["request.names", string.Join(", ", names.Take(MaxNames)), names.Count - MaxNames];

        public string StepName(Step step) =>
            step.Name switch
            {
                "admins" => t["request.step.admins"],
                "assignee" => t["request.step.assignee"],
                _ => step.Name,
            };

        /// <summary>What decides where no policy of the file does has a name that programs read.</summary>
        public string PolicyName(string name) => name is "source" or "assignee" ? t["request.policy." + name] : name;

        /// <summary>As a reader would call it: <c>form.change_ticket</c> is "Change ticket".</summary>
        public string DetailName(string name)
        {
            if (t.Find("request.detail." + name) is { } known)
                return known;
            var bare = name.StartsWith("form.", StringComparison.Ordinal) ? name[5..] : name;
            bare = bare.Replace('_', ' ').Replace('-', ' ').Replace('.', ' ').Trim();
            return bare.Length == 0 ? name : char.ToUpper(bare[0], CultureInfo.InvariantCulture) + bare[1..];
        }

        /// <summary>How it stands, without what the badge says already.</summary>
        public string Standing(RequestPageModel model)
        {
            var request = model.Request;
            var steps = request.Policy.Steps;
            var approvers = model.Seats.SelectMany(seated => seated).Select(d => d.Who).ToList();
            return request switch
            {
                { Status: Status.Active } when steps.Count > 0 && model.OpenStep < steps.Count => t.Count(
                    "request.standing.pending",
                    steps.Sum(s => s.Need),
                    approvers.Count,
                    t.Names([.. steps[model.OpenStep].From.Select(a => a.Name)])
                ) + t.RequesterDoubt(request.Policy),
                { BrokeGlassAt: not null } when model.OverriddenBy() is { } admin => t[
                    "request.standing.overridden",
                    admin
                ],
                { Status: Status.Approved } when approvers.Count > 0 => t[
                    "request.standing.approved",
                    t.Names(approvers)
                ],
                { Status: Status.Rejected } when model.Rejections() is { Count: > 0 } against => t[
                    "request.standing.rejected",
                    t.Names(against)
                ],
                { Status: Status.Withdrawn, Display: "Cancelled" } => "",
                _ => request.Display,
            };
        }

        private string RequesterDoubt(Policy policy) =>
            policy.RequesterUnknown ? t["request.standing.unrecognized"]
            : policy.RequesterClaimed ? t["request.standing.unconfirmed"]
            : "";

        /// <summary>A decision came after the request was closed.</summary>
        public string Closed(ApprovalRequest request) => t["request.refused.closed", request.Display];

        public string Decided(Answer answer) => t["request.review.mine." + answer.ToWireName()];

        public string NotAllowed(string rule) =>
            rule switch
            {
                "requester_may_not_decide" => t["request.review.requester"],
                "person_disabled" => t["request.refused.disabled"],
                "seat_delegated" => t["request.refused.delegated"],
                "already_decided" => t["request.refused.decided"],
                "already_delegated" => t["request.refused.alreadyDelegated"],
                "not_your_seat" => t["request.refused.notYourSeat"],
                _ => t["request.review.none"],
            };

        /// <summary>How sure it is who asked.</summary>
        public string RequesterCertainty(ApprovalRequest request, IReadOnlyList<string> matches) =>
            request.IsRequesterConfirmed
                ? t["request.requester.confirmed"]
                : request.Certainty switch
                {
                    Certainty.Proven => t["request.requester.proven"],
                    Certainty.Claimed when matches.Count > 0 => t["request.requester.matches", t.Names(matches)],
                    Certainty.Claimed => t["request.requester.claimed"],
                    _ => t["request.requester.none"],
                };

        /// <summary>What it costs that the requester is not confirmed; empty where it costs nothing.</summary>
        public string RequesterCost(ApprovalRequest request) =>
            request.Policy switch
            {
                { RefusesRequester: true } => t["request.requester.refused"],
                { RequesterUnknown: true } => t["request.requester.cost.unrecognized"],
                { RequesterClaimed: true } => t["request.requester.cost.unconfirmed"],
                _ => "",
            };

        /// <summary>What saying that it was not you leads to.</summary>
        public string DisownQuestion(ApprovalRequest request) =>
            request.IsSettled ? t["request.disown.closed"]
            : request.Claim is { People.Count: > 1 } ? t["request.disown.others"]
            : request.Policy.UnknownRequester switch
            {
                UnknownRequester.Refuse => t["request.disown.refuse"],
                UnknownRequester.Allow => t["request.disown.others"],
                _ => t["request.disown.cost"],
            };
    }

    public static IReadOnlyList<string> Rejections(this RequestPageModel model) =>
        [.. model.Counting.Where(d => d.Answer == Answer.Reject).Select(d => d.Who)];

    /// <summary>The admin who overrode the policy.</summary>
    public static string? OverriddenBy(this RequestPageModel model) =>
        model.Story.Events.LastOrDefault(e => e.Kind == "request.broke_glass") is { } e
        && e.Actor.StartsWith("person:", StringComparison.Ordinal)
        && long.TryParse(e.Actor.AsSpan("person:".Length), CultureInfo.InvariantCulture, out var id)
            ? model.NameOf(id)
            : null;
}
