using Countersign.Pages.Layout;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Parts;

/// <summary>A word that stands out: a status, a role.</summary>
public sealed record BadgeModel(Tone Tone, string Text);

/// <summary>Something to know before anything else.</summary>
public sealed record NoticeModel(Tone Tone, string Text)
{
    /// <summary>A field's id, so that a refused form leads to what is to be mended.</summary>
    public string? Field { get; init; }
}

public enum TimeStyle
{
    Absolute,
    Relative,
    Span,
}

public sealed record TimeModel(DateTimeOffset At, TimeStyle Style);

public sealed record HiddenFieldModel(string Name, string? Value);

public sealed record EmptyModel(string Title, string Text);

/// <summary>To the pages before and after; the addresses are whole.</summary>
public sealed record PagerModel(string? Newer, string? Older);

/// <summary>What a request changes, in the reader's words, with the thing that changes apart.</summary>
public sealed record HeadlineModel(string Before, string Subject, string After, string More)
{
    public static HeadlineModel Of(RequestSummary summary, IStringLocalizer strings)
    {
        var (headline, more) = (
            summary.Headline,
            summary.MoreChanges == 0 ? "" : strings.Count("headline.more", summary.MoreChanges)
        );
        if (summary.Described is [var first, ..])
        {
            var described = strings.Changes().Headline(first, summary.Flag);
            return new HeadlineModel(described.Before, described.Subject, Short(described.After), more);
        }
        if (headline.Subject.Length == 0)
            return new HeadlineModel("", headline.Text, "", more);
        if (!headline.IsUnknownChange)
            return new HeadlineModel(headline.Before, headline.Subject, headline.After, more);
        var around = strings["headline.change", "\0"].Value.Split('\0');
        return new HeadlineModel(around[0], headline.Subject, around[^1], more);
    }

    private const int MaxChange = 200;

    private static string Short(string text) =>
        text.Length <= MaxChange ? text : WellFormed.Cut(text, MaxChange - 1) + "…";

    /// <summary>The same as plain text.</summary>
    public string Text => $"{Before}{Subject}{After} {More}".TrimEnd();
}

/// <summary>Approvals as dots, those given filled, with the words for it.</summary>
public sealed record MeterModel(ApprovalProgress Progress, bool IsBlocked);

/// <summary>A filter that is on; the link takes it off.</summary>
/// <param name="RemoveAddress">Whole.</param>
public sealed record ChipModel(string Label, string Value, string RemoveAddress, string RemoveText);

public sealed record LinkOutModel(string Address, string Text, string? Css);

/// <summary>One field of a form, with its label, hint and error.</summary>
public sealed record FieldModel(string Name, string Label)
{
    public string Type { get; init; } = "text";
    public string? Value { get; init; }

    /// <summary>What is wrong with what was typed, shown beside it; the browser's focus starts there.</summary>
    public string? Error { get; init; }
    public string? Hint { get; init; }
    public bool Required { get; init; }
    public int? MaxLength { get; init; }

    /// <summary>Of a number: how fine it may be; <c>any</c> lets decimals be typed.</summary>
    public string? Step { get; init; }

    /// <summary>More than 0: a text of several lines.</summary>
    public int Lines { get; init; }

    /// <summary>Code or configuration: fixed width, every character in its column.</summary>
    public bool IsCode { get; init; }
    public string? Autocomplete { get; init; }

    /// <summary>Digits and nothing else, so phones show their keys.</summary>
    public bool IsNumber { get; init; }
    public string? Placeholder { get; init; }

    /// <summary>The id of the form that the field belongs to, where it stands outside of it.</summary>
    public string? Form { get; init; }

    /// <summary>The browser's focus starts here, as it does where there is an error.</summary>
    public bool HasFocus { get; init; }

    /// <summary>Offered while one types; anything else may be typed too.</summary>
    public IReadOnlyList<string> Suggestions { get; init; } = [];

    /// <summary>Told apart from another field of the same name on the same page.</summary>
    public string? Id { get; init; }

    public string ElementId => Id ?? "f-" + Name;

    public string? DescribedBy =>
        (Hint, Error) switch
        {
            (null, null) => null,
            (null, _) => ElementId + "-error",
            (_, null) => ElementId + "-hint",
            _ => $"{ElementId}-error {ElementId}-hint",
        };

    /// <summary>For choosing a password, one's own or another person's.</summary>
    public static FieldModel NewPassword(string name, string label, string hint, string? error) =>
        new(name, label)
        {
            Type = "password",
            Hint = hint,
            Error = error,
            Required = true,
            MaxLength = PasswordRules.Longest,
            Autocomplete = "new-password",
        };
}

public sealed record SelectModel(string Name, string Label, IEnumerable<(string Value, string Text)> Options)
{
    public string? Value { get; init; }
    public string? Hint { get; init; }
    public string? Error { get; init; }
    public string? Id { get; init; }
    public string ElementId => Id ?? "f-" + Name;
    public string? DescribedBy =>
        Error is not null ? ElementId + "-error"
        : Hint is not null ? ElementId + "-hint"
        : null;
}

public sealed record CheckModel(string Name, string Label)
{
    public bool IsOn { get; init; }
    public string Value { get; init; } = "true";
    public string? Hint { get; init; }
    public string? Id { get; init; }
    public string ElementId => Id ?? "f-" + Name;
}

/// <summary>
/// A dangerous thing, asked once more in words. It opens without a script, and only the button in it does it.
/// </summary>
/// <param name="Summary">What opens it.</param>
/// <param name="Path">Where it is posted, below the path base.</param>
/// <param name="Button">What the button that does it says.</param>
public sealed record ConfirmModel(string Summary, string Question, string Path, string Button)
{
    public IReadOnlyList<(string Name, string? Value)> Hidden { get; init; } = [];
    public IReadOnlyList<FieldModel> Fields { get; init; } = [];
    public bool IsOpen { get; init; }

    /// <summary>For what can be undone.</summary>
    public bool IsHarmless { get; init; }
    public string? Id { get; init; }
}

/// <summary>What just happened on this page: a form that was refused, or what <c>?done=</c> names.</summary>
public sealed record OutcomeModel(Refused? Refused);

/// <summary>A value to take elsewhere, with a button that copies it.</summary>
public sealed record CopyModel(string Id, string Label, string Value);

/// <summary>A link to a page of the documentation, which the hub serves itself.</summary>
/// <param name="Page">The file's name in <c>docs/</c>, without its ending.</param>
/// <param name="Anchor">A heading's id; null: the beginning.</param>
public sealed record HelpLinkModel(string Page, string? Anchor);
