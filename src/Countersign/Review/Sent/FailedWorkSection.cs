using System.Globalization;
using Countersign.Doors;
using Countersign.Outcomes;
using Countersign.Review.Entrance;
using Countersign.Review.Frame;
using Countersign.Storage;
using Countersign.Web;
using Countersign.Work;

namespace Countersign.Review.Sent;

/// <summary>On <c>/deliveries</c>: background work that failed, and the button that tries it again.</summary>
internal static class FailedWorkSection
{
    private const string Kind = "kind", Key = "key", Requests = "request:";

    public static void Write(Html html, IReadOnlyList<FailedItem> failed)
    {
        if (failed.Count == 0)
            return;
        html.Add($"<section id=\"failed-work\"><h2>{html.Says.FailedWork}</h2><p class=\"lede\">{html.Says.FailedWorkLede}</p>");
        html.Table(html.Says.FailedWork, [html.Says.WhenMade, html.Says.WhatHappened, html.Says.FailedError, html.Says.How, ""], failed, (h, item) =>
        {
            h.Add($"<td>");
            h.Ago(Instant.Parse(item.Since));
            h.Add($"</td><td>{h.Says.FailedKind(item.Kind)}<br>");
            if (item.Subject.StartsWith(Requests, StringComparison.Ordinal))
                h.Add($"<a class=\"soft\" href=\"{h.Base}/requests/{item.Subject[Requests.Length..]}\">{item.Subject}</a>");
            else
                h.Add($"<span class=\"soft\">{item.Subject}</span>");
            h.Add($"</td><td>{item.Error}</td><td>");
            h.Badge(item.DueAt is null ? Tone.Bad : Tone.Careful, h.Says.FailedState(item.Attempts, item.DueAt is null));
            h.Add($"</td><td>");
            h.Form($"{DeliveriesPage.Path}/failed-work", form => form.Hidden(Kind, item.Kind).Hidden(Key, item.Key).Button(form.Says.RetryWork));
            h.Add($"</td>");
        });
        html.Add($"</section>");
    }

    public static async Task<IResult> Retry(HttpContext http, CurrentCaller asking, RetryFailedWork retry, CancellationToken cancel)
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return Missing.Page(http);
        await retry.Run(form[Kind].ToString(), form[Key].ToString(), asking.Viewer.Origin, cancel);
        return TypedResults.LocalRedirect($"{http.Request.PathBase}{DeliveriesPage.Path}");
    }
}
