using Countersign.Outcomes;

namespace Countersign.Pages.Onboarding;

/// <summary>One step of setting up a hub.</summary>
/// <param name="Name">Its words begin with <c>setUp.</c> and this.</param>
/// <param name="Path">The page where it is done; null: in the configuration.</param>
/// <param name="Help">The documentation page that explains it.</param>
public sealed record OnboardingStep(string Name, bool IsDone, string? Path, string Help, string? Anchor = null);

/// <summary>How far the set-up has come, in the order in which it is done.</summary>
public sealed record OnboardingModel(IReadOnlyList<OnboardingStep> Steps)
{
    public int Done => Steps.Count(s => s.IsDone);
    public bool IsComplete => Done == Steps.Count;
    public OnboardingStep? Next => Steps.FirstOrDefault(s => !s.IsDone);

    public static OnboardingModel Of(SetUpProgress progress) =>
        new([
            new("publicUrl", progress.HasPublicUrl, null, "configuration"),
            new("people", progress.HasPeople, "/people", "launchdarkly", "1-set-up-countersign"),
            new("source", progress.HasSource, "/sources/new", "launchdarkly", "2-add-the-integration-in-launchdarkly"),
            new("call", progress.HasCall, "/sources", "launchdarkly", "5-your-first-approval"),
            new("policy", progress.HasPolicy, "/policies", "policies", "the-first-policy"),
            new("delivery", progress.HasDelivered, "/deliveries", "notifications"),
        ]);
}
