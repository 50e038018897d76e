using System.Text.Json;
using Countersign.Policies;
using Countersign.Proof;

namespace Countersign.Audit.Receipts;

/// <summary>
/// What a receipt's facts tell, and whether that follows from the policy's text: "approved" alone is a word of the
/// hub. It reads JSON by itself, member by member, so that every verifier reads the same.
/// </summary>
internal static class ReceiptAnswers
{
    /// <summary>Reads the facts and people of an event into the report.</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? Read(ReceiptReport report, JsonElement facts, JsonElement? people, out string? stamp)
    {
        var story = Object(facts, "story");
        report.Status = Text(facts, "status");
        report.Digest = Text(story ?? facts, "digest");
        stamp = Text(story ?? facts, "stamp");
        report.Requester = people is { } then ? Text(then, "requester") : null;
        if (story is null)
            return null;
        var answers = new List<ReceiptAnswer>();
        foreach (var said in List(story.Value, "answers"))
        {
            if (
                Number(said, "person") is not { } person
                || Text(said, "answer") is not { } answer
                || Text(said, "digest") != report.Digest
                || Number(said, "revision") != Number(story.Value, "revision")
            )
            {
                return "An answer in it is not to the content that was decided on.";
            }
            var known = people is { } named
                ? List(named, "answered").FirstOrDefault(one => Number(one, "id") == person)
                : default;
            answers.Add(
                new ReceiptAnswer(
                    person,
                    Text(known, "name"),
                    Text(known, "login"),
                    answer,
                    Number(said, "for"),
                    Text(known, "for"),
                    [.. List(said, "steps").Select(step => step.TryGetInt32(out var n) ? n : -1)],
                    Text(said, "via") ?? "",
                    Text(said, "at") ?? ""
                )
            );
        }
        report.Answers = answers;
        // Nor does anyone answer beside their delegate.
        return
            answers.DistinctBy(a => a.Person).Count() == answers.Count
            && answers.DistinctBy(a => a.For ?? a.Person).Count() == answers.Count
            ? null
            : "A person answers twice in it.";
    }

    /// <summary>Weighs the answers of an event that settles a request.</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? Weigh(ReceiptReport report, JsonElement facts, JsonElement policy)
    {
        report.Policy = Text(policy, "name");
        var auto = Object(policy, "auto") is { } automatic ? Text(automatic, "answer") : null;
        var destination = Text(policy, "destination");
        var isByDestination = destination is not null && Text(facts, "destination") == destination;
        var steps = List(policy, "steps");
        if (steps.Count > SlotMatching.MaxSteps)
            return "The policy has too many steps.";
        var needs = steps.ConvertAll(step => (int)Math.Clamp(Number(step, "need") ?? int.MaxValue, 0, int.MaxValue));
        var approvals = report.Answers.Where(a => a.Answer == "approve").ToList();
        var rejections = report.Answers.Count(a => a.Answer == "reject");
        var isRefused = True(policy, "requesterUnknown") && Text(policy, "unknownRequester") == "refuse";
        if (report.Kind == "request.rejected")
        {
            report.Weighed =
                auto == "reject" ? "The policy rejects by itself."
                : isByDestination ? $"{destination} decided, as the policy says."
                : True(facts, "expired") ? "It expired."
                : isRefused ? "The policy refuses a requester who isn't recognized."
                : rejections > 0 ? "A reviewer rejected it."
                : null;
            return report.Weighed is null ? "It says rejected, and neither an answer nor the policy does." : null;
        }
        if (True(facts, "breakGlass"))
        {
            report.Weighed = "An admin overrode the policy.";
            return Text(policy, "breakGlass") == "forbid" ? "The policy was overridden, which it forbids." : null;
        }
        if (auto == "approve" || isByDestination)
        {
            report.Weighed = isByDestination
                ? $"{destination} decided, as the policy says."
                : "The policy approves by itself.";
            return null;
        }
        if (isRefused || auto == "reject")
            return "It says approved, and its policy rejects it.";
        if (rejections > 0 && Text(policy, "rejection") != "never")
            return "It says approved, and a reviewer rejected it.";
        if (!True(policy, "selfApproval") && Number(Object(facts, "story")!.Value, "requester") is { } requester)
            approvals.RemoveAll(a => a.Person == requester || a.For == requester);
        var masks = approvals.Select(a =>
            a.Steps.Where(step => step >= 0 && step < steps.Count).Aggregate(0UL, (mask, step) => mask | (1UL << step))
        );
        var needed = needs.Sum(need => (long)need);
        if (needed == 0 || needed > approvals.Count || !SlotMatching.IsPossible(needs, masks))
            return "It says approved, and its answers don't fill the policy's steps.";
        report.Weighed = needed == 1 ? "1 approval required, and given." : $"{needed} approvals required, and given.";
        return null;
    }

    public static JsonElement? Object(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.Object } found ? found : null;

    private static List<JsonElement> List(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.Array } found ? [.. found.EnumerateArray()] : [];

    private static string? Text(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.String } found ? found.GetString() : null;

    private static long? Number(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.Number } found && found.TryGetInt64(out var n) ? n : null;

    private static bool True(JsonElement of, string name) => Member(of, name)?.ValueKind == JsonValueKind.True;

    private static JsonElement? Member(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var found) ? found : null;
}
