using Countersign.People;
using Countersign.Policies;

namespace Countersign.Pages.Admin;

/// <summary>How sure a source's requesters must be, as it is chosen in a form.</summary>
public sealed record SourceRequesterForm(string Unknown, string Claimed, string Owner, bool Required)
{
    public static SourceRequesterForm Of(Source source, PeopleSnapshot snapshot) =>
        new(
            source.UnknownRequester.ToWireName(),
            source.ClaimedRequester.ToWireName(),
            source.OwnerId is { } owner ? snapshot.People[owner].Email ?? "" : "",
            source.RequesterRequired
        );

    public static SourceRequesterForm Typed(IFormCollection form) =>
        new(
            form["unknown"].ToString(),
            form["claimed"].ToString(),
            form["owner"].ToString(),
            form.ContainsKey("required")
        );

    /// <summary>An unknown value chooses nothing.</summary>
    public SourceRequesterRules ChosenFor(Source source) =>
        new(
            RequesterRules.UnknownOf(Unknown),
            RequesterRules.ClaimedOf(Claimed),
            Owner,
            source.Kind == "api" ? Required : null
        );
}
