using Countersign.Web;

namespace Countersign.Review.Frame;

/// <summary>How pages say no: as a page, to whoever reads pages.</summary>
internal sealed class PageDialect : Dialect
{
    private static readonly PageDialect One = new();

    /// <summary>Browsers hear refusals and faults as pages, everywhere but at the doors for programs.</summary>
    public static Task Speak(HttpContext http, RequestDelegate next)
    {
        if (!http.Request.Path.StartsWithSegments("/api") && http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
            http.Features.Set<Dialect>(One);
        return next(http);
    }

    public override Task Refuse(HttpContext http, int status, string code, string detail) =>
        new PageAnswer(Texts.For(http).RefusalTitle(status), html => html.Add($"<p>{html.Says.Refusal(status, detail)}</p><p><a href=\"{html.Base}/\">{html.Says.BackToInbox}</a></p>")) { Status = status }
            .ExecuteAsync(http);
}
