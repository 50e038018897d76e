using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using RazorSlices;

namespace Countersign.Pages.Layout;

/// <summary>What the layout shows around a page.</summary>
public sealed record PageFrame(string Title)
{
    /// <summary>The entry of the navigation that this page belongs to: its path.</summary>
    public string? Section { get; init; }

    /// <summary>The pages above this one, outermost first.</summary>
    public IReadOnlyList<(string Path, string Title)> Breadcrumbs { get; init; } = [];

    /// <summary>Whether the page begins with a heading of its own, so that the title isn't shown as one.</summary>
    public bool HasOwnHeading { get; init; }

    /// <summary>What an open page hears news of: a request's id, or <c>inbox</c>; null: nothing.</summary>
    public string? Live { get; init; }

    /// <summary>Whether the page asks the browser for a passkey.</summary>
    public bool AsksForPasskey { get; init; }

    /// <summary>Another site to which a form on the page leads; null: none does.</summary>
    public Uri? PostsTo { get; init; }

    /// <summary>A page that is one form or one text, such as signing in.</summary>
    public bool IsNarrow { get; init; }
}

/// <summary>The layout's model: the frame, and the page in it.</summary>
public sealed record LayoutModel(PageFrame Frame, RazorSlice Body);

/// <summary>
/// A page as an answer. It is rendered before anything is sent, so that a fault on the way is an error page and not
/// half
/// a page. Nothing on a page comes from elsewhere and no script or style stands in it, so the policy for browsers
/// forbids both.
/// </summary>
public sealed class PageResult(PageFrame frame, RazorSlice body) : IResult
{
    private const string Policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private static readonly PipeOptions Unlimited = new(pauseWriterThreshold: 0, useSynchronizationContext: false);

    public PageResult(string title, RazorSlice body)
        : this(new PageFrame(title), body) { }

    public int Status { get; init; } = StatusCodes.Status200OK;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.ContentType = "text/html; charset=utf-8";
        var headers = response.Headers;
        headers.ContentSecurityPolicy = frame.PostsTo is { } other
            ? $"{Policy} {other.GetLeftPart(UriPartial.Authority)}"
            : Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.Vary = "Accept-Language";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";

        var view = PageView.Of(httpContext);
        view.Pending = await PendingCount.Of(httpContext);
        var pipe = new Pipe(Unlimited);
        using var page = PageLayout.Create(new LayoutModel(frame, body));
        page.HttpContext = httpContext;
        await page.RenderAsync(pipe.Writer, Encoder, httpContext.RequestAborted);
        body.Dispose();
        await pipe.Writer.CompleteAsync();
        var rendered = (await pipe.Reader.ReadAsync(httpContext.RequestAborted)).Buffer;
        if (!headers.ContainsKey("Content-Encoding"))
            response.ContentLength = rendered.Length;
        foreach (var segment in rendered)
            await response.Body.WriteAsync(segment, httpContext.RequestAborted);
        await pipe.Reader.CompleteAsync();
    }
}
