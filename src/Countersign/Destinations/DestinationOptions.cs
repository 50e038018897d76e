using System.ComponentModel;
using Countersign.Configuration;

namespace Countersign.Destinations;

/// <summary>How destinations are worked with.</summary>
public sealed record DestinationOptions
{
    [Description("How often an open request at a destination is polled while nothing changes."), MinDuration("1s")]
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Where people find requests, for the links that destinations show.</summary>
    public string BaseUrl { get; set; } = "";
}
