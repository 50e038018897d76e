using System.Globalization;

namespace Countersign.Pages.Layout;

/// <summary>
/// Times for readers. As sent they say UTC, or how long ago, which needs no zone; the script turns them into the
/// reader's zone and keeps them up to date. Pointed at, they tell the whole time.
/// </summary>
internal static class Times
{
    /// <summary>A point in time: "20 Nov 2026, 23:05 UTC".</summary>
    public static Html Time(this Html html, DateTimeOffset at)
    {
        var text = Absolute(at);
        return html.Add($"<time datetime=\"{at}\" title=\"{text}\">{text}</time>");
    }

    /// <summary>How long ago, or how long until: "12 min ago", "in 3 h".</summary>
    public static Html Ago(this Html html, DateTimeOffset at) =>
        html.Add(
            $"<time datetime=\"{at}\" title=\"{Absolute(at)}\" data-relative>{html.Says.Relative(html.Now - at)}</time>"
        );

    /// <summary>For how long: "12 min".</summary>
    public static Html Since(this Html html, DateTimeOffset at) =>
        html.Add($"<time datetime=\"{at}\" title=\"{Absolute(at)}\" data-span>{html.Says.Span(html.Now - at)}</time>");

    private static string Absolute(DateTimeOffset at) =>
        at.UtcDateTime.ToString("d MMM yyyy, HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
