namespace Countersign.Simulator;

/// <summary>LaunchDarkly's words for what an approval application has said.</summary>
public enum ReviewStatus
{
    NeedsReview,
    Approved,
    Declined,
}

/// <summary>What LaunchDarkly does with a request once people have approved it.</summary>
public enum OnceApproved
{
    Nothing,
    Apply,
    ApplyTwice,
    Cancel,
    ApplyAndCancelAtOnce,
    CreateAgain,
}

/// <summary>
/// One approval request as LaunchDarkly has it: what it last heard, and what it did itself. It believes every answer
/// and remembers enough to notice when two of them cannot both be true.
/// </summary>
public sealed class ApprovalTicket(ProposedChange change, string ofCase, ApprovalApplication application)
{
    private readonly Lock _lock = new();
    private (ReviewStatus Review, long Since)? _decision;

    public ProposedChange Change { get; } = change;
    public string Case { get; } = ofCase;
    public ApprovalApplication Application { get; set; } = application;

    /// <summary>The application's id, which every later call uses; empty until the creation was answered.</summary>
    public string ExternalId { get; set; } = "";

    public OnceApproved Then { get; set; }
    public ReviewStatus Review { get; private set; }
    public string? Value { get; private set; }
    public string? Display { get; private set; }
    public bool IsApplied { get; private set; }
    public bool IsDeleted { get; private set; }
    public bool WasApprovedWhenApplied { get; private set; }

    /// <summary>LaunchDarkly's side in one word.</summary>
    public string State =>
        IsApplied ? "applied"
        : IsDeleted ? "deleted"
        : Words(Review);

    /// <summary>Nothing is left to wait for or to do.</summary>
    public bool IsSettled =>
        IsApplied
        || IsDeleted
        || Review == ReviewStatus.Declined
        || (Review == ReviewStatus.Approved && Then == OnceApproved.Nothing);

    public static string Words(ReviewStatus review) =>
        review switch
        {
            ReviewStatus.Approved => "approved",
            ReviewStatus.Declined => "declined",
            _ => "needs review",
        };

    /// <summary>Believes an answer. Returns the rule that it breaks together with an earlier one, if any.</summary>
    /// <param name="whenItContradicts">The rule for this situation, where it is more telling than the usual.</param>
    public Rule? Hear(Heard heard, Answer answer, Rule? whenItContradicts = null)
    {
        lock (_lock)
        {
            if (heard.Review == ReviewStatus.NeedsReview && _decision is { } known && answer.Began <= known.Since)
                return null; // It set out before the decision and was overtaken.
            var broken = Contradiction(heard, whenItContradicts);
            Review = heard.Review;
            Value = heard.Value;
            Display = heard.Display;
            if (heard.Review == ReviewStatus.NeedsReview)
            {
                if (broken is not null || IsDeleted)
                    _decision = null;
            }
            else if (_decision?.Review != heard.Review || answer.Ended < _decision.Value.Since)
            {
                _decision = (heard.Review, answer.Ended);
            }
            return broken;
        }
    }

    /// <summary>
    /// A decision does not change any more; only a request that LaunchDarkly has deleted may change to any state
    /// that the application likes.
    /// </summary>
    private Rule? Contradiction(Heard heard, Rule? whenItContradicts)
    {
        if (_decision is not { } earlier || heard.Review == earlier.Review)
            return null;
        if (IsApplied && WasApprovedWhenApplied && earlier.Review == ReviewStatus.Approved)
            return Rule.AppliedNotApproved;
        if (IsDeleted)
            return null;
        return whenItContradicts
            ?? (heard.Review == ReviewStatus.NeedsReview ? Rule.DecisionTakenBack : Rule.DecisionFlipped);
    }

    public void MarkApplied()
    {
        lock (_lock)
            (IsApplied, WasApprovedWhenApplied) = (true, Review == ReviewStatus.Approved);
    }

    public void MarkDeleted() => IsDeleted = true;

    /// <summary>Other content has taken its place: what was decided before says nothing about it.</summary>
    public void ForgetDecision()
    {
        lock (_lock)
            _decision = null;
    }
}
