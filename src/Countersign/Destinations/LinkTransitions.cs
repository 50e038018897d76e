using System.Diagnostics;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;

namespace Countersign.Destinations;

/// <summary>How a call to a destination ended, as far as the link is concerned.</summary>
internal abstract record CallOutcome
{
    private CallOutcome() { }

    /// <summary>The ticket is there, under this ID.</summary>
    public sealed record Opened(string ExternalId, string? Url, string? Creation, ReportedStatus Reported)
        : CallOutcome;

    /// <summary>Surely not opened: it may be sent again.</summary>
    /// <param name="IsFinal">Asking again in the same words would get the same answer.</param>
    public sealed record NotOpened(string Why, bool IsFinal = false, TimeSpan? RetryAfter = null) : CallOutcome;

    /// <summary>Opened, under an id with which nothing can be asked: an operator has to look.</summary>
    public sealed record Unusable(string Why, string? Creation) : CallOutcome;

    /// <summary>Nobody knows whether it was opened.</summary>
    public sealed record PerhapsOpened(string Why) : CallOutcome;

    /// <summary>Looked up, and not there.</summary>
    public sealed record NotThere : CallOutcome;

    /// <summary>Its status was read.</summary>
    public sealed record Told(ReportedStatus Reported) : CallOutcome;

    /// <summary>
    /// A look, a look-up or a passing-on did not succeed; nothing follows from that but another attempt.
    /// </summary>
    public sealed record Failed(string Why, TimeSpan? RetryAfter = null) : CallOutcome;

    /// <summary>What was pending has been passed on.</summary>
    public sealed record PassedOn(ReportedStatus Reported) : CallOutcome;
}

/// <summary>
/// What becomes of a link after a call, and when it is looked at again. Pure: state in, state out. Two rules stand
/// above all others: a creation that may have arrived is never sent again unlooked, and an answer once reported stays.
/// </summary>
internal static class LinkTransitions
{
    /// <summary>Refusals of a creation after which an operator is asked.</summary>
    private const int MaxRefusals = 8;

    /// <summary>Attempts to pass something on, over about half a day.</summary>
    private const int MaxPassings = 20;

    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);
    private static readonly TimeSpan[] Soon =
    [
        TimeSpan.FromSeconds(10),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(1),
        TimeSpan.FromMinutes(2),
    ];

    /// <param name="canLookUp">Whether the manifest says how to find what a creation may have made.</param>
    /// <param name="spread">Between 0 and 1: keeps many links from being due at one moment.</param>
    public static Link Next(
        Link link,
        CallOutcome outcome,
        bool canLookUp,
        DateTimeOffset now,
        TimeSpan pollEvery,
        double spread
    )
    {
        switch (outcome)
        {
            case CallOutcome.Opened(var id, var url, var creation, var reported):
                return Reported(
                    link with
                    {
                        State = LinkState.Open,
                        ExternalId = id,
                        Url = url ?? link.Url,
                        Creation = creation ?? link.Creation,
                        Attempts = 0,
                        Polls = 0,
                        Problem = null,
                    },
                    reported,
                    now,
                    pollEvery,
                    spread
                );
            case CallOutcome.NotOpened(var why, var isFinal, var after):
                if (link.Pending != PendingAction.None)
                {
                    return link with
                    {
                        State = LinkState.Closed,
                        Pending = PendingAction.None,
                        DueAt = null,
                        Problem = null,
                    };
                }
                return isFinal || link.Attempts + 1 >= MaxRefusals
                    ? Hold(link, why)
                    : Later(link with { State = LinkState.New }, why, now, Backoff(link.Attempts, spread), after);
            case CallOutcome.Unusable(var why, var creation):
                return Hold(link with { Creation = creation ?? link.Creation }, why);
            case CallOutcome.PerhapsOpened(var why):
                return canLookUp
                    ? Later(link with { State = LinkState.Unsure }, why, now, Backoff(link.Attempts, spread), null)
                    : Hold(link, why);
            case CallOutcome.NotThere:
                return link.Pending != PendingAction.None
                    ? link with
                    {
                        State = LinkState.Closed,
                        Pending = PendingAction.None,
                        DueAt = null,
                        Problem = null,
                    }
                    : link with
                    {
                        State = LinkState.New,
                        DueAt = now,
                        Attempts = link.Attempts + 1,
                    };
            case CallOutcome.Told(var reported):
                return Reported(
                    link with
                    {
                        Attempts = 0,
                        Polls = link.Polls + 1,
                        Problem = reported.Value is null
                            ? "The response contains no status where the manifest expects one."
                            : reported.Problem,
                    },
                    reported,
                    now,
                    pollEvery,
                    spread
                );
            case CallOutcome.PassedOn(var reported):
                return Seen(
                    link with
                    {
                        State = LinkState.Closed,
                        Pending = PendingAction.None,
                        DueAt = null,
                        Attempts = 0,
                        Problem = null,
                    },
                    reported,
                    now
                );
            case CallOutcome.Failed(var why, var after):
                if (
                    link.Pending != PendingAction.None
                    && link.State == LinkState.Open
                    && link.Attempts + 1 >= MaxPassings
                )
                {
                    return link with { Attempts = link.Attempts + 1, DueAt = null, Problem = why };
                }
                var isLook = link is { State: LinkState.Open, Pending: PendingAction.None };
                return Later(
                    link,
                    why,
                    now,
                    isLook
                        ? Wait(pollEvery * Math.Pow(2, Math.Min(link.Attempts, 6)), spread)
                        : Backoff(link.Attempts, spread),
                    after
                );
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Ten seconds after something happened, then less and less often down to the usual rate.</summary>
    public static TimeSpan NextLook(int polls, TimeSpan pollEvery, double spread)
    {
        var soon = polls < Soon.Length ? Soon[polls] : pollEvery;
        return Wait(soon < pollEvery ? soon : pollEvery, spread);
    }

    private static Link Reported(
        Link link,
        ReportedStatus reported,
        DateTimeOffset now,
        TimeSpan pollEvery,
        double spread
    )
    {
        link = Seen(link, reported, now);
        if (reported.MatchedBoth)
        {
            link = link with
            {
                Problem =
                    $"The status \"{reported.Value}\" matches both patterns of the manifest, which rejects the "
                    + "request.",
            };
        }
        if (link.Answer.Length == 0 && reported.Opinion != Opinion.Undecided)
            link = link with { Answer = reported.Opinion == Opinion.Approved ? "approved" : "rejected" };
        return link with
        {
            DueAt =
                link.Pending != PendingAction.None ? now
                : link.Answer.Length > 0 ? null
                : now + NextLook(link.Polls, pollEvery, spread),
        };
    }

    /// <summary>An answer without a status leaves what was seen before.</summary>
    private static Link Seen(Link link, ReportedStatus reported, DateTimeOffset now) =>
        reported.Value is null ? link : link with { Value = reported.Value, Display = reported.Display, SeenAt = now };

    private static Link Hold(Link link, string why) =>
        link with
        {
            State = LinkState.Held,
            DueAt = null,
            Attempts = link.Attempts + 1,
            Problem = why,
        };

    private static Link Later(Link link, string why, DateTimeOffset now, TimeSpan wait, TimeSpan? atLeast) =>
        link with
        {
            Attempts = link.Attempts + 1,
            Problem = why,
            DueAt = now + (atLeast is { } asked && asked > wait ? (asked < Longest ? asked : Longest) : wait),
        };

    private static TimeSpan Backoff(int attempts, double spread) =>
        Wait(TimeSpan.FromSeconds(5 * Math.Pow(2, Math.Min(attempts, 10))), spread);

    /// <summary>A tenth more or less, at most an hour.</summary>
    private static TimeSpan Wait(TimeSpan about, double spread) =>
        (about < Longest ? about : Longest) * (0.9 + spread * 0.2);
}
