using System.Globalization;
using Countersign.Destinations;
using Countersign.Pages.Layout;
using Countersign.People;

namespace Countersign.Pages.Admin;

/// <summary>
/// Who decides what a source asks: as words, and as the two fields of a form in which that is chosen.
/// </summary>
/// <param name="Who">Empty: one admin; else what kind of decider and its name.</param>
internal sealed record SourceReviewersForm(string Who, string Need)
{
    private const string GroupPrefix = "group:",
        DestinationPrefix = "destination:";

    public static readonly SourceReviewersForm OneAdmin = new("", "1");

    public static SourceReviewersForm Of(Source source, PeopleSnapshot snapshot) =>
        new(
            source.Destination is { } destination ? DestinationPrefix + destination
                : source.GroupId is { } group ? GroupPrefix + snapshot.Groups[group].Name
                : "",
            (source.Need ?? 1).ToString(CultureInfo.InvariantCulture)
        );

    public static SourceReviewersForm Typed(IFormCollection form) =>
        new(form["who"].ToString(), form["need"].ToString());

    /// <summary>As the use cases know it. A number that is none is 0, which they refuse.</summary>
    public SourceReviewers Chosen
    {
        get
        {
            var group = After(GroupPrefix);
            var need = int.TryParse(Need, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            return new SourceReviewers(group, group is null ? null : need, After(DestinationPrefix), Who.Length == 0);
        }
    }

    public static string InWords(Html html, Source source, PeopleSnapshot snapshot) =>
        source.Destination is { } destination ? destination
        : source.GroupId is { } group ? html.Says.SomeOf(source.Need ?? 1, snapshot.Groups[group].Name)
        : html.Says.OneAdmin;

    public void Fields(Html form, PeopleSnapshot snapshot, IEnumerable<string> destinations, Refused? refused)
    {
        var says = form.Says;
        form.Select(
            "who",
            says.DecidedBy,
            [
                ("", says.OneAdmin),
                .. snapshot
                    .Groups.Values.OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase)
                    .Select(g => (GroupPrefix + g.Name, says.GroupDecides(g.Name))),
                .. destinations
                    .Order(StringComparer.CurrentCultureIgnoreCase)
                    .Select(d => (DestinationPrefix + d, says.DestinationDecides(d))),
            ],
            Who,
            says.DecidedByHint
        );
        form.Field(
            new Field("need", says.HowMany)
            {
                Type = "number",
                Value = Need,
                Hint = says.HowManyHint,
                Error = Refused.Of(refused, "need"),
                Autocomplete = "off",
            }
        );
    }

    public static async Task<IEnumerable<string>> Destinations(HttpContext http, CancellationToken cancel) =>
        (await http.RequestServices.GetRequiredService<DestinationCache>().All(cancel)).Values.Select(d => d.Name);

    private string? After(string prefix) =>
        Who.StartsWith(prefix, StringComparison.Ordinal) ? Who[prefix.Length..] : null;
}
