using System.Globalization;

namespace Countersign.Web;

/// <summary>Durations as people write them in settings: <c>2s</c>, <c>5m</c>, <c>72h</c>, <c>30d</c>.</summary>
public static class Durations
{
    public static TimeSpan? Parse(string text)
    {
        text = text.Trim();
        if (text.Length < 2 || !double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number > 1e6)
            return null;
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMinutes(number),
            'h' => TimeSpan.FromHours(number),
            'd' => TimeSpan.FromDays(number),
            _ => null,
        };
    }
}
