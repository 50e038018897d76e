using Countersign.Pages.Layout;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Pages.SignIn;

/// <summary>
/// <c>/sign-in/kept</c>: shows what somebody had typed before they went to sign in with the identity provider.
/// Meanwhile it waits sealed in their browser, in a cookie that only this page is sent.
/// </summary>
internal static class PendingFormCookie
{
    public const string Path = SignInPage.Path + "/kept";

    private static readonly SealedCookie Cookie = new("countersign_kept", "kept form", TimeSpan.FromMinutes(15));

    /// <summary>Whether it waits now; a text that is too long for a cookie does not.</summary>
    public static bool Leave(HttpContext http, PendingForm kept) =>
        Cookie.Leave(
            http,
            Path,
            QueryHelpers.AddQueryString(
                "",
                kept.Fields.Select(field => KeyValuePair.Create(field.Name, (string?)field.Value))
            )
        );

    /// <summary>Nothing is sent before its author presses the button again.</summary>
    public static IResult Show(HttpContext http) =>
        Waiting(http)?.AskAgain(http, StatusCodes.Status200OK)
        ?? (IResult)TypedResults.LocalRedirect($"{http.Request.PathBase}/");

    public static void Forget(HttpContext http) => Cookie.Remove(http, Path);

    private static PendingForm? Waiting(HttpContext http) =>
        Cookie.Read(http) is { } fields
            ? PendingForm.Carried(new FormCollection(QueryHelpers.ParseQuery(fields)))
            : null;
}
