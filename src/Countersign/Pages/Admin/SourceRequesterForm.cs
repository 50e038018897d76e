using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;

namespace Countersign.Pages.Admin;

/// <summary>
/// How sure a source's requesters are: the form in which that is set, and what the setting leaves open.
/// </summary>
internal static class SourceRequesterForm
{
    /// <summary>A word that is none of ours chooses nothing.</summary>
    public static SourceRequesterRules Chosen(IFormCollection form, Source source) =>
        new(
            RequesterRules.UnknownOf(form["unknown"].ToString()),
            RequesterRules.ClaimedOf(form["claimed"].ToString()),
            form["owner"].ToString(),
            source.Kind == "api" ? form.ContainsKey("required") : null
        );

    /// <summary>Stands on the page for as long as the setting does.</summary>
    public static void Warnings(Html html, Source source)
    {
        if (source.UnknownRequester is UnknownRequester.Allow)
            Warning(html, html.Says.UnknownAllowedTitle, html.Says.UnknownAllowed(source.Kind));
        if (source.ClaimedRequester is ClaimedRequester.Accept)
            Warning(html, html.Says.ClaimAcceptedTitle, html.Says.ClaimAccepted(source.Kind));
    }

    public static string OwnerInWords(Html html, Source source, PeopleSnapshot snapshot) =>
        source.OwnerId is { } owner
            ? $"{snapshot.People[owner].Name} ({snapshot.People[owner].Email})"
            : html.Says.None;

    public static void Fields(
        Html form,
        Source source,
        PeopleSnapshot snapshot,
        Refused? refused,
        IFormCollection? typed
    )
    {
        var says = form.Says;
        typed = typed?["do"].ToString() == "who-asks" ? typed : null;
        form.Add($"<h2>{says.WhoAsks}</h2><p class=\"soft\">{says.WhoAsksWhat}</p>");
        form.Hidden("do", "who-asks");
        form.Select(
            "unknown",
            says.IfRequesterUnknown,
            [.. Enum.GetValues<UnknownRequester>().Select(rule => (rule.ToWireName(), says.UnknownRequesterIs(rule)))],
            typed?["unknown"].ToString() ?? source.UnknownRequester.ToWireName()
        );
        form.Select(
            "claimed",
            says.IfRequesterClaimed,
            [.. Enum.GetValues<ClaimedRequester>().Select(rule => (rule.ToWireName(), says.ClaimedRequesterIs(rule)))],
            typed?["claimed"].ToString() ?? source.ClaimedRequester.ToWireName()
        );
        form.Field(
            new Field("owner", says.SourceOwner)
            {
                Type = "email",
                Value = typed?["owner"].ToString() ?? (source.OwnerId is { } owner ? snapshot.People[owner].Email : ""),
                Hint = says.SourceOwnerHint,
                Error = Refused.Of(refused, "owner"),
                Autocomplete = "off",
            }
        );
        if (source.Kind == "api")
        {
            form.Check("required", says.RequesterRequired, typed?.ContainsKey("required") ?? source.RequesterRequired);
            form.Add($"<p class=\"hint\">{says.RequesterRequiredHint}</p>");
        }
        form.Button(says.SaveWhoAsks);
    }

    private static void Warning(Html html, string title, string what) =>
        html.Notice(Tone.Careful, h => h.Add($"<p><strong>{title}</strong> {what}</p>"));
}
