using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.SignIn;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;

namespace Countersign.Pages.Account;

/// <summary>
/// <c>POST /display</c>: keeps in this browser how its reader wants pages shown. Open to all, because one chooses a
/// language before one signs in.
/// </summary>
internal static class DisplayForm
{
    public const string Path = "/display";

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost(Path, Save).AllowAnonymous().ExcludeFromDescription();

    private static async Task<IResult> Save(HttpContext http, IAntiforgery antiforgery, CancellationToken cancel)
    {
        if (await PostedForm.Read(http, cancel) is not { } form || !await antiforgery.IsProven(http))
            return TypedResults.LocalRedirect($"{http.Request.PathBase}/");
        var now = DisplaySettings.Of(http);
        // The footer of signed-out pages sends a language alone; what a form doesn't have stays.
        DisplaySettings
            .Read(Of("language", now.Language), Of("theme", now.Theme), Of("zone", now.Zone?.Id))
            .Keep(http);
        return TypedResults.LocalRedirect(http.Request.PathBase + (LocalPath.Of(form["back"]) ?? "/"));

        string? Of(string field, string? kept) => form.ContainsKey(field) ? form[field].ToString() : kept;
    }
}
