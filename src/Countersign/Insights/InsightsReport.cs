using Countersign.Requests;

namespace Countersign.Insights;

/// <summary>The window and the group that are asked for.</summary>
/// <param name="Days">One of <see cref="Windows"/>, today included.</param>
/// <param name="Group">Only requests that ask this group.</param>
public sealed record InsightsQuery(int Days, long? Group)
{
    public const int DefaultDays = 30;
    public static readonly IReadOnlyList<int> Windows = [7, DefaultDays, 90];

    /// <summary>Longer windows are shown by the week.</summary>
    public int PeriodDays => Days > DefaultDays ? 7 : 1;
}

public abstract record InsightsOutcome
{
    private InsightsOutcome() { }

    public sealed record Found(InsightsReport Report) : InsightsOutcome;

    /// <summary>A person without groups, who isn't an admin, sees no figures.</summary>
    public sealed record NoGroups : InsightsOutcome;

    /// <summary>There is no such group, or the viewer isn't in it.</summary>
    public sealed record NoSuchGroup : InsightsOutcome;
}

/// <summary>A group, source, environment or person with their name.</summary>
public sealed record Named(long Id, string Name);

/// <summary>Figures of a window that ends today, in UTC days.</summary>
/// <param name="Groups">Those by which the viewer may filter.</param>
/// <param name="IsEverything">The figures are those of all requests, and not of the viewer's groups.</param>
/// <param name="IsBehind">Events from before are still being counted.</param>
/// <param name="ByGroup">Null where the figures are those of one group.</param>
/// <param name="Reviewers">Null where they are switched off.</param>
public sealed record InsightsReport(
    InsightsQuery Query,
    DateOnly From,
    DateOnly To,
    Named? Group,
    IReadOnlyList<Named> Groups,
    bool IsEverything,
    bool IsBehind,
    DayCounts Total,
    IReadOnlyList<Period> Periods,
    OpenNow Open,
    IReadOnlyList<Share> BySource,
    IReadOnlyList<Share>? ByGroup,
    IReadOnlyList<Share> ByEnvironment,
    IReadOnlyList<ReviewerFigures>? Reviewers
)
{
    /// <summary>The shares of decisions whose time is shown.</summary>
    public const double Median = 0.5,
        P90 = 0.9;
}

/// <summary>One point of a curve: a day, or a week.</summary>
public sealed record Period(DateOnly From, DateOnly To, DayCounts Counts);

/// <summary>Requests that are active now.</summary>
public sealed record OpenNow(long Count, long Blocked, IReadOnlyList<AgeCount> Ages);

/// <summary>How many active requests are in this range of age.</summary>
/// <param name="From">At least.</param>
/// <param name="To">Less than; null without a limit.</param>
public sealed record AgeCount(string Key, TimeSpan From, TimeSpan? To, long Count);

/// <summary>The part that one source, group or environment has.</summary>
/// <param name="Name">Null of requests that name no environment, and of <paramref name="IsRest"/>.</param>
/// <param name="IsRest">Those whose environments came too late to be counted by name.</param>
/// <param name="Oldest">Of a group: the request that has waited for it the longest.</param>
public sealed record Share(
    long Id,
    string? Name,
    DayCounts Counts,
    long Open,
    long Blocked,
    bool IsRest = false,
    WaitingSince? Oldest = null
);

/// <summary>A request that waits, and since when.</summary>
public sealed record WaitingSince(RequestId Request, DateTimeOffset Since);

/// <param name="Waiting">Active requests that this person could review now.</param>
public sealed record ReviewerFigures(
    Named Person,
    long Waiting,
    WaitingSince? Oldest,
    long Approved,
    long Rejected,
    long Abstained
)
{
    public long Reviews => Approved + Rejected + Abstained;
}
