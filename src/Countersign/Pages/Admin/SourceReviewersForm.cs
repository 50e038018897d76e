using System.Globalization;
using Countersign.Destinations;
using Countersign.People;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Admin;

/// <summary>Who reviews a source's requests, as words and as it is chosen in a form.</summary>
/// <param name="Who">Empty: any admin; else what kind of reviewer and its name.</param>
public sealed record SourceReviewersForm(string Who, string Need)
{
    private const string GroupPrefix = "group:",
        DestinationPrefix = "destination:";

    public static readonly SourceReviewersForm AnyAdmin = new("", "1");

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

    public static string InWords(IStringLocalizer strings, Source source, PeopleSnapshot snapshot) =>
        source.Destination is { } destination ? destination
        : source.GroupId is { } group ? strings["source.reviewers.group", source.Need ?? 1, snapshot.Groups[group].Name]
        : strings["source.reviewers.admin"];

    public static async Task<SourceReviewersChoices> Choices(
        HttpContext http,
        PeopleSnapshot snapshot,
        CancellationToken cancel
    )
    {
        var destinations = await http.RequestServices.GetRequiredService<DestinationCache>().All(cancel);
        var strings = http.Strings();
        return new SourceReviewersChoices([
            ("", strings["source.reviewers.admin"]),
            .. snapshot
                .Groups.Values.OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase)
                .Select(g => (GroupPrefix + g.Name, strings["source.reviewers.choose.group", g.Name].Value)),
            .. destinations
                .Values.Select(d => d.Name)
                .Order(StringComparer.CurrentCultureIgnoreCase)
                .Select(d => (DestinationPrefix + d, strings["source.reviewers.choose.destination", d].Value)),
        ]);
    }

    private string? After(string prefix) =>
        Who.StartsWith(prefix, StringComparison.Ordinal) ? Who[prefix.Length..] : null;
}

/// <summary>Everyone who can be chosen: any admin, a group, a destination.</summary>
public sealed record SourceReviewersChoices(IReadOnlyList<(string Value, string Text)> Options);
