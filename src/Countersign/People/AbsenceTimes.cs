using System.Globalization;
using Countersign.Storage;

namespace Countersign.People;

/// <summary>When somebody leaves and returns, as people write it.</summary>
public static class AbsenceTimes
{
    public const string Expected =
        "Use a day such as 2026-12-24, or a time with a zone such as 2026-12-24T08:00:00+01:00.";

    /// <summary>A day is meant as a whole, in UTC: from its first moment, or to its last.</summary>
    public static DateTimeOffset? Read(string? text, bool isEnd)
    {
        if (
            DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            && day < DateOnly.MaxValue
        )
        {
            return new DateTimeOffset((isEnd ? day.AddDays(1) : day).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        }
        // Only with a zone: a time without one means another moment on every machine.
        return
            text is { Length: >= 17 }
            && (text.EndsWith('Z') || text[^6] is '+' or '-')
            && DateTimeOffset.TryParse(
                text,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AdjustToUniversal,
                out var time
            )
            && time.Year is > 1970 and < 9000
            ? Instant.ToMilliseconds(time)
            : null;
    }
}
