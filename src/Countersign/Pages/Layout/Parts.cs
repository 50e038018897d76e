using Countersign.SignIn;

namespace Countersign.Pages.Layout;

/// <summary>One field of a form, with everything that belongs to it.</summary>
internal sealed record Field(string Name, string Label)
{
    public string Type { get; init; } = "text";
    public string? Value { get; init; }

    /// <summary>What is wrong with what was typed, shown beside it.</summary>
    public string? Error { get; init; }
    public string? Hint { get; init; }
    public bool Required { get; init; }
    public int? Longest { get; init; }

    /// <summary>More than 0: a text of several lines.</summary>
    public int Lines { get; init; }

    /// <summary>Read by a program, so every character keeps its column.</summary>
    public bool IsCode { get; init; }
    public string? Autocomplete { get; init; }

    /// <summary>Told apart from another field of the same name on the same page.</summary>
    public string? Id { get; init; }

    /// <summary>Where somebody chooses a password, for themself or for another.</summary>
    public static Field NewPassword(string name, string label, string hint, string? error) =>
        new(name, label)
        {
            Type = "password",
            Hint = hint,
            Error = error,
            Required = true,
            Longest = PasswordRules.Longest,
            Autocomplete = "new-password",
        };
}

/// <summary>How something is meant. Loud is for what an admin did past a policy, and for nothing else.</summary>
internal enum Tone
{
    Plain,
    Good,
    Bad,
    Careful,
    Loud,
}

/// <summary>
/// What pages are put together from. Labels, hints and errors are bound to their fields here and nowhere else.
/// </summary>
internal static class Parts
{
    /// <summary>A form that is posted here, with the proof that it came from a page of ours.</summary>
    public static Html Form(this Html html, string path, Action<Html> content, string? id = null, string? css = null)
    {
        html.Add($"<form method=\"post\" action=\"{html.Base}{path}\"{Attribute("id", id)}{Attribute("class", css)}>");
        Proof(html);
        return html.Add($"{content}</form>");
    }

    /// <summary>The hidden field that every form of ours has.</summary>
    public static void Proof(Html html)
    {
        if (html.Http.RequestServices.GetService<FormProof>() is { } proof)
            html.Add($"<input type=\"hidden\" name=\"{proof.Field}\" value=\"{proof.For(html.Http)}\">");
    }

    public static Html Hidden(this Html html, string name, string? value) =>
        html.Add($"<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");

    public static Html Field(this Html html, Field field)
    {
        var id = field.Id ?? "f-" + field.Name;
        var described = field.Hint is null
            ? field.Error is null
                ? null
                : id + "-error"
            : field.Error is null
                ? id + "-hint"
                : $"{id}-error {id}-hint";
        html.Add($"<div class=\"field\"><label for=\"{id}\">{field.Label}</label>");
        if (field.Hint is not null)
            html.Add($"<p class=\"hint\" id=\"{id}-hint\">{field.Hint}</p>");
        var attributes = (Html h) =>
        {
            h.Add(
                $" id=\"{id}\" name=\"{field.Name}\"{Attribute("aria-describedby", described)}{Attribute("autocomplete", field.Autocomplete)}"
            );
            if (field.Error is not null)
                h.Add($" aria-invalid=\"true\"");
            if (field.Required)
                h.Add($" required");
            if (field.Longest is { } longest)
                h.Add($" maxlength=\"{longest}\"");
        };
        // A line break right after the tag is dropped by browsers; ours goes there, so that the text keeps its own.
        if (field.Lines > 0)
        {
            html.Add(
                $"<textarea rows=\"{field.Lines}\"{Attribute("class", field.IsCode ? "code" : null)}{attributes}>\n{field.Value}</textarea>"
            );
        }
        else
        {
            html.Add($"<input type=\"{field.Type}\" value=\"{field.Value}\"{attributes}>");
        }
        if (field.Error is not null)
            html.Add($"<p class=\"error\" id=\"{id}-error\">{field.Error}</p>");
        return html.Add($"</div>");
    }

    public static Html Select(
        this Html html,
        string name,
        string label,
        IEnumerable<(string Value, string Text)> options,
        string? chosen,
        string? hint = null,
        string? error = null
    )
    {
        var id = "f-" + name;
        var described =
            error is not null ? id + "-error"
            : hint is not null ? id + "-hint"
            : null;
        html.Add($"<div class=\"field\"><label for=\"{id}\">{label}</label>");
        if (hint is not null)
            html.Add($"<p class=\"hint\" id=\"{id}-hint\">{hint}</p>");
        html.Add($"<select id=\"{id}\" name=\"{name}\"{Attribute("aria-describedby", described)}>");
        foreach (var (value, text) in options)
            html.Add($"<option value=\"{value}\"{Flag("selected", value == chosen)}>{text}</option>");
        html.Add($"</select>");
        if (error is not null)
            html.Add($"<p class=\"error\" id=\"{id}-error\">{error}</p>");
        return html.Add($"</div>");
    }

    public static Html Check(
        this Html html,
        string name,
        string label,
        bool isOn = false,
        string value = "true",
        string? id = null
    )
    {
        id ??= "f-" + name;
        return html.Add(
            $"<div class=\"check\"><input type=\"checkbox\" id=\"{id}\" name=\"{name}\" value=\"{value}\"{Flag("checked", isOn)}><label for=\"{id}\">{label}</label></div>"
        );
    }

    /// <param name="css"><c>yes</c>, <c>no</c>, <c>main</c> or <c>quiet</c>; none: an ordinary one.</param>
    public static Html Button(
        this Html html,
        string text,
        string? css = null,
        string? name = null,
        string? value = null
    ) =>
        html.Add(
            $"<button{Attribute("class", css)}{Attribute("name", name)}{Attribute("value", value)}>{text}</button>"
        );

    /// <summary>Something to know before anything else on the page.</summary>
    public static Html Notice(this Html html, Tone tone, Action<Html> content) =>
        html.Add(
            $"<div class=\"notice {Css(tone)}\" role=\"{(tone is Tone.Bad or Tone.Loud ? "alert" : "status")}\">{content}</div>"
        );

    public static Html Notice(this Html html, Tone tone, string text) =>
        html.Notice(tone, h => h.Add($"<p>{text}</p>"));

    /// <summary>A word that stands out: a status, a role.</summary>
    public static Html Badge(this Html html, Tone tone, string text) =>
        html.Add($"<span class=\"badge {Css(tone)}\">{text}</span>");

    /// <summary>
    /// A dangerous thing, asked once more in words: it opens without a script, and only the button in it does it.
    /// </summary>
    public static Html Confirm(
        this Html html,
        string what,
        string question,
        string path,
        string button,
        Action<Html>? fields = null,
        bool isOpen = false
    )
    {
        html.Add($"<details class=\"confirm\"{Flag("open", isOpen)}><summary>{what}</summary>");
        html.Form(
            path,
            h =>
            {
                h.Add($"<p>{question}</p>{fields}");
                h.Button(button, "no");
            }
        );
        return html.Add($"</details>");
    }

    /// <summary>
    /// A table that scrolls in itself where the screen is too narrow for it. The caption is its name.
    /// </summary>
    public static Html Table<T>(
        this Html html,
        string caption,
        IReadOnlyList<string> heads,
        IEnumerable<T> rows,
        Action<Html, T> cells
    )
    {
        html.Add(
            $"<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table><caption class=\"unseen\">{caption}</caption><thead><tr>"
        );
        foreach (var head in heads)
            html.Add($"<th scope=\"col\">{head}</th>");
        html.Add($"</tr></thead><tbody>");
        foreach (var row in rows)
        {
            html.Add($"<tr>");
            cells(html, row);
            html.Add($"</tr>");
        }
        return html.Add($"</tbody></table></div>");
    }

    /// <summary>Names and values.</summary>
    public static Html Facts(this Html html, IEnumerable<(string Name, Action<Html> Value)> facts)
    {
        html.Add($"<dl class=\"facts\">");
        foreach (var (name, value) in facts)
            html.Add($"<div><dt>{name}</dt><dd>{value}</dd></div>");
        return html.Add($"</dl>");
    }

    /// <summary>What stands where there is nothing yet.</summary>
    public static Html Nothing(this Html html, string title, string what) =>
        html.Add($"<div class=\"nothing\"><p class=\"lead\">{title}</p><p>{what}</p></div>");

    /// <summary>To the pages before and after; the addresses are whole.</summary>
    public static Html Pager(this Html html, string? newer, string? older)
    {
        if (newer is null && older is null)
            return html;
        html.Add($"<nav class=\"pager\" aria-label=\"{html.Says.Pages}\">");
        if (newer is not null)
            html.Add($"<a href=\"{newer}\" rel=\"prev\">← {html.Says.Newer}</a>");
        if (older is not null)
            html.Add($"<a href=\"{older}\" rel=\"next\">{html.Says.Older} →</a>");
        return html.Add($"</nav>");
    }

    /// <summary>
    /// A link that leads out of here, and only ever to a page: anything but http and https stays text.
    /// </summary>
    public static Html LinkOut(this Html html, string address, string text) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http"
            ? html.Add($"<a href=\"{uri.AbsoluteUri}\" rel=\"noopener noreferrer nofollow\" class=\"out\">{text}</a>")
            : html.Text(text);

    internal static Action<Html>? Attribute(string name, string? value) =>
        value is null ? null : h => h.Add($" {name}=\"{value}\"");

    internal static Action<Html>? Flag(string name, bool isOn) => isOn ? h => h.Add($" {name}") : null;

    internal static string Css(Tone tone) =>
        tone switch
        {
            Tone.Good => "good",
            Tone.Bad => "bad",
            Tone.Careful => "careful",
            Tone.Loud => "loud",
            _ => "plain",
        };
}
