using System.Globalization;
using Countersign.Insights;
using Countersign.Pages.Layout;
using Countersign.SignIn;

namespace Countersign.Pages.Insights;

/// <summary><c>/insights</c>: how long decisions take, what is closed how, what waits, and for whom.</summary>
internal static class InsightsPage
{
    public const string Path = "/insights";
    public const string CsvPath = "/insights.csv";

    public static async Task<IResult> Show(
        HttpContext http,
        CurrentCaller caller,
        ReadInsights insights,
        CancellationToken cancel
    )
    {
        if (QueryOf(http.Request) is not { } query)
            return NotFoundPage.Page(http);
        InsightsReport? report = null;
        switch (await insights.Run(caller.Viewer, query, cancel))
        {
            case InsightsOutcome.NoSuchGroup:
                return NotFoundPage.Page(http);
            case InsightsOutcome.Found found:
                report = found.Report;
                break;
        }
        return new PageResult(
            new PageFrame(http.Strings()["insights.title"]) { Section = Path },
            InsightsSlice.Create(new InsightsModel(query, report))
        );
    }

    /// <summary>One table of the page as a file.</summary>
    public static async Task<IResult> Export(
        string? table,
        HttpContext http,
        CurrentCaller caller,
        ReadInsights insights,
        CancellationToken cancel
    ) =>
        QueryOf(http.Request) is { } query
        && (table is null || InsightsCsv.Tables.Contains(table))
        && await insights.Run(caller.Viewer, query, cancel) is InsightsOutcome.Found { Report: var report }
            ? InsightsCsv.Of(report, table ?? InsightsCsv.Periods)
            : NotFoundPage.Page(http);

    /// <summary>Null where the address names a window or a group that cannot be.</summary>
    private static InsightsQuery? QueryOf(HttpRequest request)
    {
        var (days, group) = (request.Query["days"].ToString(), request.Query["group"].ToString());
        var window = InsightsQuery.DefaultDays;
        if (
            days.Length > 0
            && (
                !int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out window)
                || !InsightsQuery.Windows.Contains(window)
            )
        )
        {
            return null;
        }
        return group.Length == 0 ? new InsightsQuery(window, null)
            : long.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? new(window, id)
            : null;
    }
}
