using Countersign.Pages.Onboarding;
using Countersign.Pages.Parts;
using Countersign.Requests;

namespace Countersign.Pages.Inbox;

/// <summary>One list of requests, and what narrows it.</summary>
public sealed record InboxModel(InboxFilter Filter, IReadOnlyList<InboxRow> Rows)
{
    /// <summary>Addresses of the pages before and after, or null on the first and the last page.</summary>
    public string? Previous { get; init; }
    public string? Next { get; init; }

    /// <summary>To choose from in the filter.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];
    public IReadOnlyList<string> Groups { get; init; } = [];
    public IReadOnlyList<string> Environments { get; init; } = [];

    /// <summary>What a refused form had selected and typed.</summary>
    public IReadOnlySet<string> Selected { get; init; } = new HashSet<string>();
    public string Comment { get; init; } = "";
    public Refused? Refused { get; init; }

    /// <summary>What the hub still lacks; null for everybody but admins.</summary>
    public OnboardingModel? Onboarding { get; init; }

    public bool IsReview => Filter.Show == InboxFilter.Review;
}

/// <summary>A request in a list.</summary>
public sealed record InboxRow(ApprovalRequest Request, RequestSummary Summary, HeadlineModel Headline, string Source)
{
    /// <summary>Whether a change in its environment must not be overlooked.</summary>
    public bool IsCritical { get; init; }

    public string Path => $"/requests/{Request.Id.Value}";

    public ApprovalProgress? Progress { get; } = ApprovalProgress.Of(Request);
}
