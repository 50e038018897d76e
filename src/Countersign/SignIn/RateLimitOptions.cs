using System.ComponentModel;
using Countersign.Configuration;

namespace Countersign.SignIn;

/// <summary>How often callers may call.</summary>
public sealed record RateLimitOptions
{
    [Description("Calls per minute for each key, and for each address without valid credentials; 0 turns it off.")]
    [MustBe("a whole number; 0 turns the limit off")]
    public int PerKeyPerMinute { get; init; } = 6000;
}
