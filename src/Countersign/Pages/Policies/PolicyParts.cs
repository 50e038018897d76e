using System.Globalization;
using Countersign.People;
using Countersign.Policies;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Policies;

internal static class PolicyParts
{
    public static PolicyVersionRow Row(IStringLocalizer t, PolicyVersion version, PeopleSnapshot snapshot) =>
        new(version.Version, NameOf(t, version.Actor, snapshot), version.At);

    public static IResult Redirect(HttpContext http, string path) =>
        TypedResults.LocalRedirect(http.Request.PathBase + path);

    private static string NameOf(IStringLocalizer t, string actor, PeopleSnapshot snapshot) =>
        actor.StartsWith("person:", StringComparison.Ordinal)
        && long.TryParse(actor.AsSpan("person:".Length), CultureInfo.InvariantCulture, out var id)
        && snapshot.People.TryGetValue(id, out var person)
            ? person.DisplayName
        : actor == "hub" ? "Countersign"
        : t["actor.operator"];
}
