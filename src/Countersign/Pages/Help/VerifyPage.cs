using System.Text.RegularExpressions;
using Countersign.Pages.Layout;

namespace Countersign.Pages.Help;

/// <summary>
/// <c>/verify</c>: a page that checks receipts by itself. It is a file that people may save and keep, so it is sent as
/// it is, to anyone: it holds nothing of the hub.
/// </summary>
internal static partial class VerifyPage
{
    public const string Path = "/verify";

    private static readonly byte[] Content = Asset.Read("verify.html");

    /// <summary>The page forbids itself everything but its own script, and a header says the same.</summary>
    private static readonly string Policy =
        PolicyOfPage().Match(System.Text.Encoding.UTF8.GetString(Content)).Groups["policy"].Value.ReplaceLineEndings("")
        + "; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet(Path, Show).AllowAnonymous().ExcludeFromDescription();

    private static IResult Show(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        return Results.Bytes(Content, "text/html; charset=utf-8");
    }

    [GeneratedRegex(
        "http-equiv=\"Content-Security-Policy\" content=\"(?<policy>[^\"]+)\"",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex PolicyOfPage();
}
