using System.ComponentModel;
using Countersign.Configuration;

namespace Countersign.Hosting;

/// <summary>How a server stops.</summary>
public sealed record ShutdownOptions
{
    [Description("How long a stopping server still serves while it says that it isn't ready.")]
    [MustBe("a duration of at most 5m, such as 5s"), MaxDuration("5m")]
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);
}
