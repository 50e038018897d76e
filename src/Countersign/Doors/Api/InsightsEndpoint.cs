using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.Insights;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Api;

/// <param name="Scope"><c>all</c> requests, or those that ask one of the caller's <c>groups</c>.</param>
/// <param name="Counting">Older events are still being counted.</param>
public sealed record InsightsView(
    [Description("All requests, or those that ask one of the caller's `groups`."), AllowedValues("all", "groups")]
        string Scope,
    [Description("Older events are still being counted.")] bool Counting,
    [Description("The first day, in UTC."), Format("date"), Example("2026-03-01")] string From,
    [Description("The last day, in UTC."), Format("date"), Example("2026-03-07")] string To,
    int Days,
    string? Group,
    IReadOnlyList<string> Groups,
    FiguresView Total,
    IReadOnlyList<PeriodView> Periods,
    OpenView Open,
    IReadOnlyList<ShareView> BySource,
    IReadOnlyList<ShareView>? ByGroup,
    IReadOnlyList<ShareView> ByEnvironment,
    IReadOnlyList<ReviewerView>? Reviewers
);

/// <summary>What was opened and closed in some time, and how long decisions took.</summary>
public sealed record FiguresView(
    long Opened,
    long Closed,
    long Approved,
    long Overridden,
    long Rejected,
    long Expired,
    long Withdrawn,
    long Automatic,
    long Blocked,
    [Description("The time within which half of the decisions were made."), Example(840)] long? MedianSeconds,
    [Description("The time within which 90% of the decisions were made."), Example(5400)] long? P90Seconds
)
{
    internal static FiguresView From(DayCounts counts) =>
        new(
            counts.Opened,
            counts.Closed,
            counts.Approved,
            counts.Overridden,
            counts.Rejected,
            counts.Expired,
            counts.Withdrawn,
            counts.Automatic,
            counts.Blocked,
            InsightsCsv.Seconds(counts.Times.Percentile(InsightsReport.Median)),
            InsightsCsv.Seconds(counts.Times.Percentile(InsightsReport.P90))
        );
}

public sealed record PeriodView(
    [Description("The first day, in UTC."), Format("date"), Example("2026-03-01")] string From,
    [Description("The last day, in UTC."), Format("date"), Example("2026-03-07")] string To,
    FiguresView Figures
);

public sealed record OpenView(long Count, long Blocked, IReadOnlyList<AgeView> Ages);

public sealed record AgeView(string Age, long Count);

/// <param name="Name">Null where requests name no environment; of <c>other</c>, all that came too late to have a row of
/// their own.</param>
public sealed record ShareView(
    [Description("Left out for requests that name no environment.")] string? Name,
    [Description("`true` for all that came too late to have a row of their own.")] bool? Other,
    long Open,
    long OpenBlocked,
    OldestView? Oldest,
    FiguresView Figures
)
{
    internal static ShareView From(Share share) =>
        new(
            share.Name,
            share.IsRest ? true : null,
            share.Open,
            share.Blocked,
            OldestView.From(share.Oldest),
            FiguresView.From(share.Counts)
        );
}

/// <summary>The request that has waited the longest.</summary>
public sealed record OldestView(
    [Description("The request's ID."), Example("01KB3ZQ4M6W8T0Y2N4R6P8X1CD")] string Request,
    [Description("Since when it has waited."), Format("date-time"), Example("2026-03-04T05:06:07.000Z")] string Since
)
{
    internal static OldestView? From(WaitingSince? oldest) =>
        oldest is null ? null : new OldestView(oldest.Request.Value, Instant.ToText(oldest.Since));
}

public sealed record ReviewerView(
    long Id,
    string Name,
    long Waiting,
    OldestView? Oldest,
    long Approved,
    long Rejected,
    long Abstained
);

/// <summary>
/// <c>GET /api/v1/insights</c>: figures of the last days, as JSON or, with <c>format=csv</c>, one table of them.
/// </summary>
internal static class InsightsEndpoint
{
    private static readonly string[] Known = ["days", "group", "format", "table"];

    public static async Task<IResult> Run(
        HttpRequest request,
        CurrentCaller caller,
        ReadInsights insights,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (caller.Viewer.IsSource)
            return Problems.NotAllowed("people_only", "Insights are for people. Call with a person's token.");
        var errors = new BodyErrors();
        foreach (var name in request.Query.Keys.Except(Known, StringComparer.Ordinal))
            errors.Add(name.Length > 100 ? name[..100] : name, "There is no parameter with this name.");
        var (days, group, format, table) = (One("days"), One("group"), One("format"), One("table"));
        var window = InsightsQuery.DefaultDays;
        if (
            days is not null
            && (
                !int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out window)
                || !InsightsQuery.Windows.Contains(window)
            )
        )
        {
            errors.Add("days", $"Must be one of: {string.Join(", ", InsightsQuery.Windows)}.");
        }
        if (format is not (null or "json" or "csv"))
            errors.Add("format", "Must be json or csv.");
        if (table is not null && !InsightsCsv.Tables.Contains(table))
            errors.Add("table", $"Must be one of: {string.Join(", ", InsightsCsv.Tables)}.");
        if (errors.Any)
            return Problems.Invalid(errors.ByField);

        // A group that doesn't exist reads like one that the caller doesn't belong to.
        var id = group is null ? (long?)null : directory.Current.FindGroup(group)?.Id ?? 0;
        return await insights.Run(caller.Viewer, new InsightsQuery(window, id), cancel) switch
        {
            InsightsOutcome.NoSuchGroup => Problems.Invalid(
                "group",
                "There is no group with this name, or you aren't a member of it."
            ),
            InsightsOutcome.NoGroups => Problems.NotAllowed(
                "no_groups",
                "Insights cover the groups that you belong to, and you don't belong to any."
            ),
            InsightsOutcome.Found { Report: var report } => format == "csv"
                ? InsightsCsv.Of(report, table ?? InsightsCsv.Periods)
                : TypedResults.Ok(View(report)),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

        string? One(string name) => request.Query[name] is [.., { Length: > 0 } value] ? value : null;
    }

    private static InsightsView View(InsightsReport report) =>
        new(
            report.IsEverything ? "all" : "groups",
            report.IsBehind,
            Text(report.From),
            Text(report.To),
            report.Query.Days,
            report.Group?.Name,
            [.. report.Groups.Select(g => g.Name)],
            FiguresView.From(report.Total),
            [.. report.Periods.Select(p => new PeriodView(Text(p.From), Text(p.To), FiguresView.From(p.Counts)))],
            new OpenView(
                report.Open.Count,
                report.Open.Blocked,
                [.. report.Open.Ages.Select(a => new AgeView(a.Key, a.Count))]
            ),
            [.. report.BySource.Select(ShareView.From)],
            report.ByGroup is null ? null : [.. report.ByGroup.Select(ShareView.From)],
            [.. report.ByEnvironment.Select(ShareView.From)],
            report.Reviewers is null
                ? null
                :
                [
                    .. report.Reviewers.Select(r => new ReviewerView(
                        r.Person.Id,
                        r.Person.Name,
                        r.Waiting,
                        OldestView.From(r.Oldest),
                        r.Approved,
                        r.Rejected,
                        r.Abstained
                    )),
                ]
        );

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
