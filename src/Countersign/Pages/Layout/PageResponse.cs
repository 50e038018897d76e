namespace Countersign.Pages.Layout;

/// <summary>
/// A whole page as an answer: header, navigation, one heading, content. Nothing on it comes from elsewhere and no
/// script or style stands in it, so the policy for browsers forbids both.
/// </summary>
internal sealed class PageResponse(Func<Texts, string> title, Action<Html> content) : IResult
{
    /// <summary>For a page that is called what somebody called its subject.</summary>
    public PageResponse(string title, Action<Html> content)
        : this(_ => title, content) { }

    private const string Policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>The entry of the navigation that this page belongs to: its path.</summary>
    public string? Section { get; init; }

    /// <summary>Whether the page begins with a heading of its own, so that the title is not shown as one.</summary>
    public bool HasOwnHeading { get; init; }

    /// <summary>What this page hears of while it is open: a request's id, or <c>inbox</c>; null: nothing.</summary>
    public string? Live { get; init; }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.ContentType = "text/html; charset=utf-8";
        var headers = response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";

        using var html = new Html(
            httpContext,
            httpContext.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow()
        );
        Write(html);
        if (!response.Headers.ContainsKey("Content-Encoding"))
            response.ContentLength = html.Written.Length;
        await response.Body.WriteAsync(html.Written, httpContext.RequestAborted);
    }

    private void Write(Html html)
    {
        var says = html.Says;
        html.Add(
            $"""
            <!doctype html>
            <html lang="{says.Language}">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{title(says)} · Countersign</title>
            <link rel="icon" href="{Asset.Icon.Path(html)}" type="image/svg+xml">
            <link rel="stylesheet" href="{Asset.Style.Path(html)}">
            <script src="{Asset.Script.Path(html)}" defer></script>
            </head>
            <body
            """
        );
        html.Add($" data-base=\"{html.Base}\" data-now=\"{html.Now}\"");
        if (Live is not null && html.Caller?.Person is not null)
            html.Add($" data-live=\"{Live}\"");
        html.Add(
            $"""
            >
            <a class="skip" href="#main">{says.SkipToContent}</a>
            <header class="top">
            <a class="brand" href="{html.Base}/">{says.Brand}</a>
            {Menu}
            </header>
            <main id="main" tabindex="-1">
            {Heading}
            {content}
            </main>
            {Keys}
            <p class="unseen" id="news" role="status" data-now="{says.JustNow}" data-come="{says.NewRequestCame}" data-stale="{says.StaleNotice}" data-show="{says.ShowWhatChanged}"></p>
            </body>
            </html>
            """
        );
    }

    private void Menu(Html html) => Navigation.Write(html, Section);

    /// <summary>The list of keys, for the script to show.</summary>
    private static void Keys(Html html)
    {
        if (html.Caller?.Person is null)
            return;
        html.Add(
            $"<footer class=\"foot\"><button type=\"button\" class=\"quiet small\" data-keys hidden>{html.Says.Keys} <kbd>?</kbd></button></footer><dialog id=\"keys\" aria-labelledby=\"keys-title\"><h2 id=\"keys-title\">{html.Says.Keys}</h2><dl>"
        );
        foreach (var (key, what) in html.Says.KeyList)
            html.Add($"<dt><kbd>{key}</kbd></dt><dd>{what}</dd>");
        html.Add($"</dl><form method=\"dialog\"><button class=\"main\">{html.Says.Close}</button></form></dialog>");
    }

    private void Heading(Html html)
    {
        if (!HasOwnHeading)
            html.Add($"<h1>{title(html.Says)}</h1>");
    }
}
