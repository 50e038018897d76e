using Countersign.Pages.Parts;
using Countersign.Requests;
using Microsoft.AspNetCore.Html;
using Microsoft.Extensions.Localization;
using RazorSlices;

namespace Countersign.Pages.Layout;

/// <summary>What all slices share: the reader's words and times, and the parts that repeat on pages.</summary>
public abstract class PageSlice<TModel> : RazorSlice<TModel>
{
    protected PageView View => field ??= PageView.Of(HttpContext!);

    /// <summary>The words: <c>@T["inbox.title"]</c>.</summary>
    protected IStringLocalizer T => View.T;

    /// <summary>An address of ours, below the path base.</summary>
    protected string Href(string path) => View.Base + path;

    protected ValueTask<HtmlString> Badge(Tone tone, string text) =>
        RenderPartialAsync(Parts.Badge.Create(new BadgeModel(tone, text)));

    protected ValueTask<HtmlString> Notice(Tone tone, string text) =>
        RenderPartialAsync(Parts.Notice.Create(new NoticeModel(tone, text)));

    /// <summary>What just happened, or what was refused, above everything else on the page.</summary>
    protected ValueTask<HtmlString> Outcome(Refused? refused) =>
        RenderPartialAsync(Parts.Outcome.Create(new OutcomeModel(refused)));

    /// <summary>A point in time: "20 Nov 2026, 23:05 UTC".</summary>
    protected ValueTask<HtmlString> Time(DateTimeOffset at) =>
        RenderPartialAsync(Parts.Time.Create(new TimeModel(at, TimeStyle.Absolute)));

    /// <summary>How long ago, or how long until: "12 min ago", "in 3 h".</summary>
    protected ValueTask<HtmlString> Ago(DateTimeOffset at) =>
        RenderPartialAsync(Parts.Time.Create(new TimeModel(at, TimeStyle.Relative)));

    /// <summary>For how long: "12 min".</summary>
    protected ValueTask<HtmlString> Since(DateTimeOffset at) =>
        RenderPartialAsync(Parts.Time.Create(new TimeModel(at, TimeStyle.Span)));

    /// <summary>What a request changes, with the thing that changes emphasized.</summary>
    protected ValueTask<HtmlString> Headline(RequestSummary summary) =>
        RenderPartialAsync(Parts.HeadlineText.Create(HeadlineModel.Of(summary, T)));

    /// <summary>The environment that a change is for; a critical one can't be overlooked.</summary>
    protected ValueTask<HtmlString> Environment(string name) => RenderPartialAsync(Parts.EnvironmentChip.Create(name));

    /// <summary>A name with initials before it.</summary>
    protected ValueTask<HtmlString> Person(string name) => RenderPartialAsync(Parts.PersonName.Create(name));

    /// <summary>Stands in every form that is posted.</summary>
    protected ValueTask<HtmlString> AntiforgeryField()
    {
        var (name, value) = View.Proof;
        return Hidden(name, value);
    }

    protected ValueTask<HtmlString> Hidden(string name, string? value) =>
        RenderPartialAsync(Parts.HiddenField.Create(new HiddenFieldModel(name, value)));

    protected ValueTask<HtmlString> Field(FieldModel field) => RenderPartialAsync(Parts.TextField.Create(field));

    protected ValueTask<HtmlString> Select(SelectModel field) => RenderPartialAsync(Parts.SelectField.Create(field));

    protected ValueTask<HtmlString> Check(CheckModel field) => RenderPartialAsync(Parts.CheckField.Create(field));

    protected ValueTask<HtmlString> Confirm(ConfirmModel model) => RenderPartialAsync(Parts.Confirm.Create(model));

    protected ValueTask<HtmlString> Copy(string id, string label, string value) =>
        RenderPartialAsync(Parts.CopyField.Create(new CopyModel(id, label, value)));

    /// <summary>A link to a page of the documentation: the file's name in <c>docs/</c>, and a heading's id.</summary>
    protected ValueTask<HtmlString> Help(string page, string? anchor = null) =>
        RenderPartialAsync(Parts.HelpLink.Create(new HelpLinkModel(page, anchor)));

    protected ValueTask<HtmlString> Empty(string title, string text) =>
        RenderPartialAsync(Parts.Empty.Create(new EmptyModel(title, text)));

    protected ValueTask<HtmlString> Pager(string? newer, string? older) =>
        RenderPartialAsync(Parts.Pager.Create(new PagerModel(newer, older)));

    /// <summary>A link that leaves the hub. What isn't http or https is shown as text.</summary>
    protected ValueTask<HtmlString> LinkOut(string address, string text, string? css = null) =>
        RenderPartialAsync(Parts.LinkOut.Create(new LinkOutModel(address, text, css)));
}
