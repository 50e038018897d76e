using Countersign.Insights;

namespace Countersign.Pages.Insights;

/// <summary>The page's figures.</summary>
/// <param name="Report">Null for a reader who belongs to no group.</param>
public sealed record InsightsModel(InsightsQuery Query, InsightsReport? Report)
{
    /// <summary>Reviewers shown; the rest is in the file.</summary>
    public const int MaxReviewers = 10;

    /// <summary>Sources, groups and environments shown of each.</summary>
    public const int MaxShares = 12;

    public string PathOf(int days, long? group) =>
        group is { } id ? $"{InsightsPage.Path}?days={days}&group={id}" : $"{InsightsPage.Path}?days={days}";

    public string CsvPathOf(string table) =>
        PathOf(Query.Days, Query.Group).Replace(InsightsPage.Path, InsightsPage.CsvPath, StringComparison.Ordinal)
        + $"&table={table}";
}

/// <summary>A table of sources, groups or environments.</summary>
/// <param name="What">The heading of its first column.</param>
/// <param name="Table">Its name as a file.</param>
public sealed record SharesModel(
    InsightsModel Page,
    string Id,
    string Title,
    string What,
    string Table,
    IReadOnlyList<Share> Shares
);
