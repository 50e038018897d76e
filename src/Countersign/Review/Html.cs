using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;

namespace Countersign.Review;

/// <summary>Markup whose holes are encoded: <c>$"&lt;p&gt;{text}&lt;/p&gt;"</c> shows the text, whatever is in it.</summary>
[InterpolatedStringHandler]
internal readonly ref struct Html
{
    private readonly StringBuilder _text;

    public Html(int literals, int holes) => _text = new StringBuilder(literals + (holes * 32));

    public void AppendLiteral(string markup) => _text.Append(markup);

    public void AppendFormatted(string? text) => _text.Append(HtmlEncoder.Default.Encode(text ?? ""));

    public void AppendFormatted(int number) => _text.Append(number);

    /// <summary>A piece that was made here and is encoded already.</summary>
    public void AppendFormatted(Markup markup) => _text.Append(markup.Text);

    public static Markup Of(Html html) => new(html._text.ToString());
}

/// <summary>Markup made by <see cref="Html"/>.</summary>
internal sealed record Markup(string Text)
{
    public static readonly Markup None = new("");

    public static Markup Of(IEnumerable<Markup> parts) => new(string.Concat(parts.Select(p => p.Text)));
}

/// <summary>A whole page as an answer: no script, nothing from elsewhere, kept in no cache.</summary>
internal sealed class PageAnswer(int status, string title, Markup content) : IResult
{
    private const string Style =
        "body{font:1rem/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}"
        + "pre{background:#f3f3f3;padding:.75rem;white-space:pre-wrap}dt{font-weight:600}dd{margin:0 0 .5rem;white-space:pre-wrap}";

    private static readonly string Policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.CacheControl = "no-store";
        var page = Html.Of($"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} - Countersign</title>
            <style>{new Markup(Style)}</style></head>
            <body><main><h1>{title}</h1>
            {content}
            </main></body></html>
            """);
        return response.WriteAsync(page.Text, httpContext.RequestAborted);
    }
}
