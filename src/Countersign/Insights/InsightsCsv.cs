using System.Globalization;
using Countersign.Hosting;
using Countersign.Storage;

namespace Countersign.Insights;

/// <summary>One table of the figures as a file for spreadsheets. Its columns are named as in the API.</summary>
public static class InsightsCsv
{
    public const string Periods = "periods",
        Ages = "ages",
        Sources = "sources",
        Groups = "groups",
        Environments = "environments",
        Reviewers = "reviewers";

    public static readonly IReadOnlyList<string> Tables = [Periods, Ages, Sources, Groups, Environments, Reviewers];

    private static readonly string[] CountColumns =
    [
        "opened",
        "closed",
        "approved",
        "overridden",
        "rejected",
        "expired",
        "withdrawn",
        "automatic",
        "blocked",
        "medianSeconds",
        "p90Seconds",
    ];

    private static readonly string[] ShareColumns = ["open", "openBlocked", .. CountColumns];

    /// <param name="table">One of <see cref="Tables"/>.</param>
    public static Csv Of(InsightsReport report, string table)
    {
        var (columns, rows) = table switch
        {
            Periods => (
                (string[])["from", "to", .. CountColumns],
                report.Periods.Select(p => (string?[])[Text(p.From), Text(p.To), .. Cells(p.Counts)])
            ),
            Ages => (["age", "open"], report.Open.Ages.Select(a => (string?[])[a.Key, Text(a.Count)])),
            Sources => (["source", .. ShareColumns], report.BySource.Select(Cells)),
            Groups => (["group", .. ShareColumns], (report.ByGroup ?? []).Select(Cells)),
            Environments => (["environment", .. ShareColumns], report.ByEnvironment.Select(Cells)),
            Reviewers => (
                ["reviewer", "waiting", "oldestSince", "approved", "rejected", "abstained"],
                (report.Reviewers ?? []).Select(r =>
                    (string?[])
                        [
                            r.Person.Name,
                            Text(r.Waiting),
                            r.Oldest is { } oldest ? Instant.ToText(oldest.Since) : null,
                            Text(r.Approved),
                            Text(r.Rejected),
                            Text(r.Abstained),
                        ]
                )
            ),
            _ => throw new ArgumentException($"There is no table {table}.", nameof(table)),
        };
        return new Csv(
            $"insights-{table}-{Text(report.From)}-{Text(report.To)}.csv",
            columns,
            rows.Select(IReadOnlyList<string?> (r) => r).ToAsyncEnumerable()
        );
    }

    /// <summary>In whole seconds, because nothing finer is known.</summary>
    public static long? Seconds(TimeSpan? time) => time is { } known ? (long)Math.Round(known.TotalSeconds) : null;

    private static string?[] Cells(Share share) =>
        [
            share.Name ?? (share.IsRest ? "(other)" : "(none)"),
            Text(share.Open),
            Text(share.Blocked),
            .. Cells(share.Counts),
        ];

    private static IEnumerable<string?> Cells(DayCounts counts) =>
        [
            Text(counts.Opened),
            Text(counts.Closed),
            Text(counts.Approved),
            Text(counts.Overridden),
            Text(counts.Rejected),
            Text(counts.Expired),
            Text(counts.Withdrawn),
            Text(counts.Automatic),
            Text(counts.Blocked),
            Text(Seconds(counts.Times.Percentile(InsightsReport.Median))),
            Text(Seconds(counts.Times.Percentile(InsightsReport.P90))),
        ];

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
