using Countersign.Work;

namespace Countersign.Requests;

/// <summary>
/// What LaunchDarkly is still asked about an active request. While any of it is open nothing approves the request, by
/// whichever way; what is answered meanwhile is kept and counts when it has ended.
/// </summary>
[Flags]
public enum OpenCheck
{
    None = 0,

    /// <summary>Who asked.</summary>
    Requester = 1,

    /// <summary>What would change.</summary>
    Change = 2,

    /// <summary>The reviews suffice: whether the change is still the one that was reviewed.</summary>
    Comparison = 4,
}

internal static class OpenChecks
{
    /// <summary>The kind of the job that asks; its key is the request's id and its receiver the source's.</summary>
    public const string JobKind = "ask_launchdarkly";

    public const string ApplyJobKind = "apply_in_launchdarkly";

    /// <summary>LaunchDarkly waits for our answer to its creation before it shows the approval.</summary>
    public static readonly TimeSpan Delay = TimeSpan.FromSeconds(1);

    private static readonly (OpenCheck Check, string Word)[] Words =
    [
        (OpenCheck.Requester, "requester"),
        (OpenCheck.Change, "change"),
        (OpenCheck.Comparison, "comparison"),
    ];

    /// <summary>"requester,change"; null where nothing is open.</summary>
    public static string? ToText(this OpenCheck check) =>
        check == OpenCheck.None ? null : string.Join(',', Words.Where(w => check.HasFlag(w.Check)).Select(w => w.Word));

    /// <summary>A word that isn't known keeps the request from being approved as well.</summary>
    public static OpenCheck Read(string? text) =>
        string.IsNullOrEmpty(text)
            ? OpenCheck.None
            : text.Split(',')
                .Aggregate(
                    OpenCheck.None,
                    (all, word) =>
                        all
                        | (
                            Array.Find(Words, w => w.Word == word) is { Check: not OpenCheck.None and var known }
                                ? known
                                : OpenCheck.Requester | OpenCheck.Change
                        )
                );

    public static JobToAdd Job(ApprovalRequest request, DateTimeOffset due) => Job(JobKind, request, due);

    public static JobToAdd ApplyJob(ApprovalRequest request, DateTimeOffset due) => Job(ApplyJobKind, request, due);

    private static JobToAdd Job(string kind, ApprovalRequest request, DateTimeOffset due) =>
        new(kind, request.Id.Value, request.Id.Subject, due)
        {
            Receiver = request.SourceId.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
}
