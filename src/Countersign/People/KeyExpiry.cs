using System.Globalization;
using Countersign.Configuration;

namespace Countersign.People;

/// <summary>Until when a source's key is taken, as people write it.</summary>
public static class KeyExpiry
{
    public const string Never = "never";

    /// <summary>Admins are told this long before.</summary>
    public static readonly TimeSpan Warning = TimeSpan.FromDays(14);

    private static readonly TimeSpan Longest = TimeSpan.FromDays(3660);

    /// <summary>
    /// A duration from now, a day (to its end, in UTC), a time with its zone, or never; null with what is wrong.
    /// </summary>
    public static (DateTimeOffset? At, string? Problem) Read(string? text, DateTimeOffset now)
    {
        text = text?.Trim() ?? "";
        if (text.Length == 0 || text.Equals(Never, StringComparison.OrdinalIgnoreCase))
            return (null, null);
        DateTimeOffset at;
        if (Durations.Parse(text) is { } lasts)
        {
            at = now + lasts;
        }
        else if (
            DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
        )
        {
            at = new DateTimeOffset(day.AddDays(1).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        }
        else if (
            !(text.EndsWith('Z') || text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal))
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out at)
        )
        {
            return (null, "Must be a day such as 2027-01-31, a time with its zone, a duration such as 90d, or never.");
        }
        return at <= now ? (null, "Must be in the future.")
            : at > now + Longest ? (null, "Must be within ten years.")
            : (at.ToUniversalTime(), null);
    }

    /// <summary>Whether admins should know about it now.</summary>
    public static bool IsNear(DateTimeOffset? at, DateTimeOffset now) => at is { } until && until - now <= Warning;
}
