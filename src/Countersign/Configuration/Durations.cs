using System.Globalization;

namespace Countersign.Configuration;

/// <summary>
/// Durations as people write them in settings and policies: <c>2s</c>, <c>5m</c>, <c>72h</c>, <c>30d</c>.
/// </summary>
public static class Durations
{
    public static TimeSpan? Parse(string text)
    {
        text = text.Trim();
        if (
            text.Length < 2
            || !double.TryParse(
                text.AsSpan(0, text.Length - 1),
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
            || number > 1e6
        )
        {
            return null;
        }
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMinutes(number),
            'h' => TimeSpan.FromHours(number),
            'd' => TimeSpan.FromDays(number),
            _ => null,
        };
    }

    /// <summary>As it is written: what <see cref="Parse"/> reads back.</summary>
    public static string Text(TimeSpan span) =>
        span.TotalDays >= 2 && span.Ticks % TimeSpan.TicksPerDay == 0 ? Number(span.TotalDays, 'd')
        : span.TotalHours >= 1 && span.Ticks % TimeSpan.TicksPerHour == 0 ? Number(span.TotalHours, 'h')
        : span.TotalMinutes >= 1 && span.Ticks % TimeSpan.TicksPerMinute == 0 ? Number(span.TotalMinutes, 'm')
        : Number(span.TotalSeconds, 's');

    private static string Number(double number, char unit) =>
        string.Create(CultureInfo.InvariantCulture, $"{number}{unit}");

    /// <summary>In words: <c>72 h</c>, <c>30 min</c>, <c>5 s</c>.</summary>
    public static string Words(TimeSpan span) =>
        span.TotalHours >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0.#} h")
        : span.TotalMinutes >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0.#} min")
        : string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} s");
}
