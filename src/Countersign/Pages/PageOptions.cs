using System.ComponentModel;

namespace Countersign.Pages;

/// <summary>What the pages offer.</summary>
public sealed record PageOptions
{
    [Description("Whether agents and admins can submit requests on the page /new.")]
    public bool NewRequests { get; init; } = true;
}
