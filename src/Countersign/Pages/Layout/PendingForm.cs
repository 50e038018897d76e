using Countersign.Pages.SignIn;

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
    private static readonly string[] Texts = ["note", "text", "reason", "subject", "message"];

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

    /// <summary>As hidden fields of a sign-in form.</summary>
    public void Carry(Html html)
    {
        foreach (var (name, value) in Fields)
            html.Hidden(name, value);
    }

    /// <summary>The page on which one signs in with the form in the luggage.</summary>
    public PageResponse SignInFirst() => SignInPage.First(this);

    /// <summary>The form once more, with what was typed.</summary>
    public PageResponse AskAgain(int status = StatusCodes.Status409Conflict) =>
        new(
            t => t.SendAgainTitle,
            html =>
            {
                html.Notice(Tone.Careful, html.Says.SendAgain);
                html.Form(
                    path,
                    form =>
                    {
                        foreach (var (name, value) in fields)
                        {
                            if (Texts.Contains(name, StringComparer.OrdinalIgnoreCase) && value.Length > 0)
                            {
                                form.Field(new Field(name, form.Says.KeptField(name)) { Value = value, Lines = 4 });
                                continue;
                            }
                            // What the button was for.
                            if (name == "do")
                                form.Add($"<p>{form.Says.YouWereAboutTo(value)}</p>");
                            form.Hidden(name, value);
                        }
                        form.Add($"<div class=\"buttons\">");
                        form.Button(form.Says.SendNow, "main");
                        form.Add($"<a href=\"{form.Base}{path}\">{form.Says.DoNotSend}</a></div>");
                    },
                    css: "sheet"
                );
            }
        )
        {
            Status = status,
        };

    private static string? TokenName(HttpContext http) => http.RequestServices.GetService<FormProof>()?.Field;
}
