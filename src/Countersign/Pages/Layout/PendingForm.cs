using Countersign.Pages.SignIn;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Layout;

/// <summary>
/// A form that was posted but not taken: the session had ended, or the page was older than it. What was typed travels
/// on in the pages themselves and is asked about again; nothing is done until its author presses the button again.
/// </summary>
internal sealed class PendingForm(string path, IReadOnlyList<(string Name, string Value)> fields)
{
    private const string Prefix = "kept.",
        To = "kept.to";

    /// <summary>Fields that people type texts into are shown again as such; the rest goes along unseen.</summary>
    private static readonly Dictionary<string, string> Texts = new(StringComparer.OrdinalIgnoreCase)
    {
        ["note"] = "draft.comment",
        ["text"] = "draft.comment",
        ["reason"] = "draft.reason",
        ["subject"] = "draft.title",
        ["message"] = "draft.description",
    };

    /// <summary>What was just posted, without its proof.</summary>
    public static PendingForm Posted(HttpContext http, IFormCollection form) =>
        new(
            http.Request.Path.Value ?? "/",
            [
                .. from field in form
                where
                    field.Key != TokenName(http) && !field.Key.Contains("password", StringComparison.OrdinalIgnoreCase)
                from value in field.Value
                select (field.Key, value ?? ""),
            ]
        );

    /// <summary>All of it, under names of its own, as a sign-in form or a cookie carries it.</summary>
    public IEnumerable<(string Name, string Value)> Fields =>
        [(To, path), .. from kept in fields select (Prefix + kept.Name, kept.Value)];

    /// <summary>What was carried along, if anything was.</summary>
    public static PendingForm? Carried(IFormCollection form) =>
        form[To].ToString() is { Length: > 0 } path && IsLocal(path)
            ? new PendingForm(
                path,
                [
                    .. from field in form
                    where field.Key.StartsWith(Prefix, StringComparison.Ordinal) && field.Key != To
                    from value in field.Value
                    select (field.Key[Prefix.Length..], value ?? ""),
                ]
            )
            : null;

    /// <summary>
    /// Whether one may be sent there: a path here, and nothing that a browser could read as another host.
    /// </summary>
    public static bool IsLocal(string path) =>
        path.StartsWith('/')
        && !path.StartsWith("//", StringComparison.Ordinal)
        && !path.Contains('\\', StringComparison.Ordinal)
        && !path.Any(char.IsControl);

    /// <summary>The page on which one signs in while the form waits.</summary>
    public PageResult SignInFirst(HttpContext http) => SignInPage.First(http, this);

    /// <summary>The form once more, with what was typed.</summary>
    public PageResult AskAgain(HttpContext http, int status = StatusCodes.Status409Conflict)
    {
        var strings = http.Strings();
        var model = new PendingFormModel(
            path,
            fields.FirstOrDefault(f => f.Name == "do").Value is { } what ? ActionOf(strings, what) : null,
            PageOf(path),
            [
                .. fields.Select(f =>
                    (
                        f.Name,
                        f.Value,
                        f.Value.Length > 0 && Texts.TryGetValue(f.Name, out var label) ? strings[label].Value : null
                    )
                ),
            ]
        );
        return new PageResult(
            new PageFrame(strings["draft.title.page"]) { IsNarrow = true },
            PendingSlice.Create(model)
        )
        {
            Status = status,
        };
    }

    /// <summary>What the button was for; null where that goes without saying.</summary>
    private string? ActionOf(IStringLocalizer strings, string what) =>
        strings.Find(path == "/tokens" ? "draft.do.token" : "draft.do." + what);

    /// <summary>The page that the form was on: of what is posted below a request, the request.</summary>
    private static string PageOf(string path) =>
        path.Split('/') is ["", "requests", var id, _] ? $"/requests/{id}"
        : path is "/tokens" or "/sessions" ? "/account"
        : path;

    private static string? TokenName(HttpContext http) => http.RequestServices.GetService<FormProof>()?.Field;
}
