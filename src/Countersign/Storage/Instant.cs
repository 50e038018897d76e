using System.Globalization;

namespace Countersign.Storage;

/// <summary>The one text form of a point in time: UTC, milliseconds, 24 characters. It sorts as text on both engines.</summary>
public static class Instant
{
    private const string Form = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static string ToText(DateTimeOffset time) => time.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture);

    public static DateTimeOffset Parse(string text) =>
        DateTimeOffset.ParseExact(text, Form, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    /// <summary>Times are kept to the millisecond; what is compared with a kept time must be cut the same way.</summary>
    public static DateTimeOffset ToMilliseconds(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
}
