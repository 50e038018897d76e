using System.Globalization;
using Microsoft.AspNetCore.Localization;

namespace Countersign.Pages.Layout;

/// <summary>
/// How a reader wants pages shown in this browser: language, theme and time zone. Kept in a cookie, so that it holds
/// before signing in too; null means as the browser says.
/// </summary>
public sealed record DisplaySettings(string? Language, string? Theme, TimeZoneInfo? Zone)
{
    public const string Cookie = "countersign-display";
    public static readonly IReadOnlyList<string> Themes = ["light", "dark"];

    public static DisplaySettings Of(HttpContext http)
    {
        // language|theme|zone; what isn't known is ignored, as it may come from another version.
        var parts = (http.Request.Cookies[Cookie] ?? "").Split('|');
        return parts is [var language, var theme, var zone]
            ? Read(language, theme, zone)
            : new DisplaySettings(null, null, null);
    }

    public static DisplaySettings Read(string? language, string? theme, string? zone) =>
        new(
            Strings.Languages.FirstOrDefault(l => l == language),
            Themes.FirstOrDefault(t => t == theme),
            // Browsers know the IANA's names alone, and would stop at any other.
            zone is { Length: > 0 and <= 64 }
            && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found)
            && found.HasIanaId
                ? found
                : null
        );

    /// <summary>A language as those who speak it call it.</summary>
    public static string NameOf(string language) => CultureInfo.GetCultureInfo(language).NativeName;

    public void Keep(HttpContext http) =>
        http.Response.Cookies.Append(
            Cookie,
            $"{Language}|{Theme}|{Zone?.Id}",
            new CookieOptions
            {
                MaxAge = TimeSpan.FromDays(365),
                Path = http.Request.PathBase.HasValue ? http.Request.PathBase.Value : "/",
                HttpOnly = true,
                IsEssential = true,
                SameSite = SameSiteMode.Lax,
                Secure = http.Request.IsHttps,
            }
        );

    /// <summary>The reader's choice wins over what the browser asks for.</summary>
    public static void Configure(RequestLocalizationOptions options)
    {
        CultureInfo[] cultures = [.. Strings.Languages.Select(CultureInfo.GetCultureInfo)];
        options.DefaultRequestCulture = new RequestCulture(CultureInfo.InvariantCulture, cultures[0]);
        // Only words and what is shown follow the reader; parsing and formatting elsewhere stay invariant.
        options.SupportedCultures = [CultureInfo.InvariantCulture];
        options.SupportedUICultures = cultures;
        options.RequestCultureProviders =
        [
            new CustomRequestCultureProvider(http =>
                Task.FromResult(Of(http).Language is { } language ? new ProviderCultureResult("", language) : null)
            ),
            new AcceptLanguageHeaderRequestCultureProvider(),
        ];
    }
}
