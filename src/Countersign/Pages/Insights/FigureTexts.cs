using System.Globalization;
using Countersign.Insights;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Insights;

/// <summary>Figures in the reader's language.</summary>
public sealed class FigureTexts(IStringLocalizer strings)
{
    private static CultureInfo Culture => CultureInfo.CurrentUICulture;

    public static string Number(long number) => number.ToString("N0", Culture);

    /// <summary>"12%"; a dash where there is nothing to have a share of.</summary>
    public static string Percent(long part, long whole) =>
        whole == 0 ? "–"
        : part > 0 && part * 200 < whole ? "<" + 0.01.ToString("P0", Culture)
        : ((double)part / whole).ToString("P0", Culture);

    /// <summary>"2.5 h": in one unit, as exactly as a figure like this is known.</summary>
    public string Duration(TimeSpan? time) =>
        time switch
        {
            null => "–",
            { TotalSeconds: < 60 } => strings["insights.underMinute"],
            { TotalMinutes: < 59.5 } => strings["insights.minutes", Short(time.Value.TotalMinutes)],
            { TotalHours: < 47.5 } => strings["insights.hours", Short(time.Value.TotalHours)],
            _ => strings["insights.days", Short(time.Value.TotalDays)],
        };

    /// <summary>A point of a scale, in the unit that suits its end.</summary>
    public string OnScale(TimeSpan point, TimeSpan end) =>
        end >= TimeSpan.FromDays(2) ? strings["insights.days", Short(point.TotalDays)]
        : end >= TimeSpan.FromHours(2) ? strings["insights.hours", Short(point.TotalHours)]
        : strings["insights.minutes", Short(point.TotalMinutes)];

    public string Day(DateOnly day) => day.ToString(strings["insights.dayFormat"], Culture);

    /// <summary>A day, or the days of a week.</summary>
    public string Span(Period period) =>
        period.From == period.To ? Day(period.From) : $"{Day(period.From)} – {Day(period.To)}";

    public string Age(AgeCount age) =>
        age.Key switch
        {
            "under_4_hours" => strings["insights.age.hours"],
            "4_to_24_hours" => strings["insights.age.day"],
            "1_to_3_days" => strings["insights.age.days"],
            "3_to_7_days" => strings["insights.age.week"],
            "7_to_30_days" => strings["insights.age.month"],
            _ => strings["insights.age.older"],
        };

    public string Name(Share share) =>
        share.Name ?? (share.IsRest ? strings["insights.environment.rest"] : strings["insights.environment.none"]);

    private static string Short(double number) => number.ToString(number < 9.95 ? "0.#" : "N0", Culture);
}
