using Countersign.Requests;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Request;

/// <summary>One change as LaunchDarkly described it, in the reader's language.</summary>
/// <param name="Targets">The individual targets to list.</param>
/// <param name="MoreTargets">How many there are beside them.</param>
public sealed record DescribedChangeModel(
    DescribedChange Change,
    ChangeLines Lines,
    IReadOnlyList<string> Targets,
    int MoreTargets
)
{
    /// <summary>As many targets stand open on the page; more are behind a switch.</summary>
    public const int MaxOpen = 5;

    public static DescribedChangeModel Of(DescribedChange change, IStringLocalizer strings)
    {
        var targets = change.Targets?.First ?? [];
        return new DescribedChangeModel(
            change,
            strings.Changes().Of(change),
            targets,
            (change.Targets?.Count ?? 0) - targets.Count
        );
    }
}
