using System.Globalization;

namespace Countersign.Storage;

/// <summary>
/// The one text form of a point in time: UTC, milliseconds, 24 characters. It sorts as text on both engines.
/// </summary>
public static class Instant
{
    private const string Form = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>
    /// By hand, since every change writes half a dozen of them and formatting by pattern takes ten times as long.
    /// </summary>
    public static string ToText(DateTimeOffset time) =>
        string.Create(
            24,
            time.UtcDateTime,
            static (text, utc) =>
            {
                Digits(text[..4], utc.Year);
                text[4] = text[7] = '-';
                Digits(text[5..7], utc.Month);
                Digits(text[8..10], utc.Day);
                text[10] = 'T';
                Digits(text[11..13], utc.Hour);
                text[13] = text[16] = ':';
                Digits(text[14..16], utc.Minute);
                Digits(text[17..19], utc.Second);
                text[19] = '.';
                Digits(text[20..23], utc.Millisecond);
                text[23] = 'Z';
            }
        );

    /// <summary>What is well formed is read by hand as well; the rest is for the library to refuse.</summary>
    public static DateTimeOffset Parse(string text) =>
        text.Length == 24
        && text[4] == '-'
        && text[7] == '-'
        && text[10] == 'T'
        && text[13] == ':'
        && text[16] == ':'
        && text[19] == '.'
        && text[23] == 'Z'
        && Number(text, 0, 4) is var year and >= 1
        && Number(text, 5, 2) is var month and >= 1 and <= 12
        && Number(text, 8, 2) is var day and >= 1
        && day <= DateTime.DaysInMonth(year, month)
        && Number(text, 11, 2) is var hour and >= 0 and < 24
        && Number(text, 14, 2) is var minute and >= 0 and < 60
        && Number(text, 17, 2) is var second and >= 0 and < 60
        && Number(text, 20, 3) is var millisecond and >= 0
            ? new DateTimeOffset(year, month, day, hour, minute, second, millisecond, TimeSpan.Zero)
            : DateTimeOffset.ParseExact(
                text,
                Form,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal
            );

    /// <summary>
    /// Times are kept to the millisecond; what is compared with a kept time must be cut the same way.
    /// </summary>
    public static DateTimeOffset ToMilliseconds(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);

    /// <summary>The number that these digits are; -1 when one is none.</summary>
    private static int Number(string text, int start, int length)
    {
        var number = 0;
        foreach (var digit in text.AsSpan(start, length))
        {
            if (!char.IsAsciiDigit(digit))
                return -1;
            number = (number * 10) + (digit - '0');
        }
        return number;
    }

    private static void Digits(Span<char> text, int number)
    {
        for (var i = text.Length - 1; i >= 0; i--, number /= 10)
            text[i] = (char)('0' + (number % 10));
    }
}
