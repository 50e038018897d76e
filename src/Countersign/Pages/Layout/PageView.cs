using System.Globalization;
using Countersign.SignIn;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Layout;

/// <summary>What every slice of one answer knows of its reader: words, addresses, times, the form's proof.</summary>
public sealed class PageView
{
    private PageView(HttpContext http)
    {
        Http = http;
        Base = http.Request.PathBase.Value ?? "";
        Caller = http.FindCaller();
        Now = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        T = http.Strings();
        Display = DisplaySettings.Of(http);
    }

    public HttpContext Http { get; }

    /// <summary>What stands before every path of ours.</summary>
    public string Base { get; }

    /// <summary>Who looks; null on pages for everybody.</summary>
    public Caller? Caller { get; }

    public DateTimeOffset Now { get; }

    /// <summary>The words, in the reader's language.</summary>
    public IStringLocalizer T { get; }

    public DisplaySettings Display { get; }

    /// <summary>How many requests need this reader's review; null for readers who review nothing.</summary>
    public int? Pending { get; set; }

    /// <summary>The hidden field of every form; read before anything is sent, because it may set a cookie.</summary>
    internal (string Name, string Value) Proof
    {
        get
        {
            var proof = Http.RequestServices.GetRequiredService<FormProof>();
            return (proof.Field, proof.For(Http));
        }
    }

    public static PageView Of(HttpContext http)
    {
        if (http.Features.Get<PageView>() is { } view)
            return view;
        view = new PageView(http);
        http.Features.Set(view);
        return view;
    }

    /// <summary>"20 Nov 2026, 23:05 UTC", in the reader's time zone where they chose one.</summary>
    public string Absolute(DateTimeOffset at)
    {
        var local = Display.Zone is { } zone ? TimeZoneInfo.ConvertTime(at, zone) : at.ToUniversalTime();
        var name = Display.Zone is null ? "UTC" : OffsetOf(local);
        // Dates follow the reader's language, like the words around them.
        var language = CultureInfo.CurrentUICulture;
        return local.ToString("d MMM yyyy, HH:mm ", language) + name;
    }

    /// <summary>"12 min ago", "in 3 h".</summary>
    public string Relative(DateTimeOffset at)
    {
        var ago = Now - at;
        return Math.Abs(ago.TotalSeconds) < 45 ? T["time.now"]
            : ago > TimeSpan.Zero ? T["time.ago", Span(ago)]
            : T["time.in", Span(-ago)];
    }

    /// <summary>One unit, rounded down: 59 minutes are not an hour.</summary>
    public string Span(TimeSpan span) =>
        span switch
        {
            { TotalMinutes: < 1 } => T.Count("time.minutes", 1),
            { TotalHours: < 1 } => T.Count("time.minutes", (long)span.TotalMinutes),
            { TotalDays: < 2 } => T.Count("time.hours", (long)span.TotalHours),
            _ => T.Count("time.days", (long)span.TotalDays),
        };

    private static string OffsetOf(DateTimeOffset local) =>
        local.Offset == TimeSpan.Zero
            ? "UTC"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"UTC{(local.Offset < TimeSpan.Zero ? '-' : '+')}{local.Offset:h\\:mm}"
            );
}
