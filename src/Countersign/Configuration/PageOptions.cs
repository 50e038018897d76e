using System.ComponentModel;
using System.IO.Enumeration;

namespace Countersign.Configuration;

/// <summary>What the pages offer and how requests are shown, in messages too.</summary>
public sealed record PageOptions
{
    [Description("Whether agents and admins can submit requests on the page /new.")]
    public bool NewRequests { get; init; } = true;

    [Description("Environments that are marked as critical on pages and in messages.")]
    public IReadOnlyList<string> Critical { get; init; } = ["production", "prod*"];

    /// <summary>Whether a change in this environment must not be overlooked.</summary>
    public bool IsCritical(string environment) =>
        environment.Length > 0
        && Critical.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, environment.Trim()));
}
