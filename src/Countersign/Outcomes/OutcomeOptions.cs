using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Countersign.Configuration;
using Countersign.Work;

namespace Countersign.Outcomes;

/// <summary>How news goes out through every channel.</summary>
public sealed record OutcomeOptions
{
    /// <summary>Where links in mail, chat and webhooks lead. Without it nothing is sent.</summary>
    public Uri? PublicUrl { get; set; }

    public string PathBase { get; set; } = "";

    [Description("The delay before each delivery attempt.")]
    [MustBe("the delays before each attempt, separated by commas, such as 0s,5s,5m,30m,2h")]
    public RetrySchedule Schedule { get; init; } = DefaultSchedule;

    /// <summary>Ten attempts within a little more than three days: long enough for a long weekend.</summary>
    public static readonly RetrySchedule DefaultSchedule = new([
        TimeSpan.Zero,
        TimeSpan.FromSeconds(5),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(2),
        TimeSpan.FromHours(5),
        TimeSpan.FromHours(10),
        TimeSpan.FromHours(14),
        TimeSpan.FromHours(20),
        TimeSpan.FromHours(24),
    ]);

    /// <summary>
    /// Messages to one person through one channel within <see cref="QuietWindow"/>; what comes beyond is told in one.
    /// </summary>
    [ConfigurationKeyName("PerPerson"), Description("Messages to one person through one channel within ten minutes.")]
    [MustBe("a whole number from 1: the messages to one person within ten minutes"), Range(1, int.MaxValue)]
    public int MaxPerPerson { get; init; } = 20;

    public TimeSpan QuietWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How many calls to one receiver are under way at once, at most.</summary>
    public int CallsPerReceiver { get; init; } = 16;

    /// <summary>
    /// From 0 to 1: spreads repeated attempts, so that receivers that come back are not met by all at once.
    /// </summary>
    public Func<double> Jitter { get; init; } = Work.Jitter.Next;

    /// <summary>The address of a page, as people outside reach it; null where sending is off.</summary>
    public string? Link(string path) => PublicUrl is null ? null : PublicUrl.ToString().TrimEnd('/') + path;
}
