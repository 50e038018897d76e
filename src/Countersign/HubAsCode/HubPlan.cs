using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.HubAsCode;

/// <summary>One change that a file makes, in words, and the use case that makes it.</summary>
/// <param name="Section">The part of the file: <c>people</c>, <c>groups</c> …</param>
/// <param name="Mark"><c>+</c> adds, <c>~</c> changes, <c>-</c> takes away.</param>
/// <param name="NeedsConsent">Whether someone has to have read it: it raises a role, say, or changes policies.</param>
/// <param name="Line">Where the file says so; 0 where it says nothing, which is why.</param>
internal sealed record HubChange(string Section, char Mark, string Subject, string What, bool NeedsConsent, int Line)
{
    /// <summary>Lines that were and will be; empty where words are enough.</summary>
    public string Diff { get; init; } = "";

    /// <summary>What has to be done before the transaction, such as hashing and encrypting.</summary>
    internal Action? Prepare { get; init; }

    /// <summary>Null, or why it can't be made.</summary>
    internal required Func<Tx, Origin, ValueTask<string?>> Make { get; init; }

    /// <summary>Whom it disables.</summary>
    internal string? Disables { get; init; }
}

/// <summary>Everything that a file changes, in the order in which it is made.</summary>
/// <param name="Notes">What the file can't do, or what is worth knowing before.</param>
/// <param name="NewKeys">The key of each source that is new; the only moment at which it is known.</param>
internal sealed record HubPlan(
    HubRevision Revision,
    IReadOnlyList<HubChange> Changes,
    IReadOnlyList<PolicyProblem> Warnings,
    IReadOnlyList<string> Notes,
    IReadOnlyList<(string Source, string Key)> NewKeys
)
{
    public int NeedConsent => Changes.Count(c => c.NeedsConsent);
}

internal abstract record PlanHubOutcome
{
    private PlanHubOutcome() { }

    public sealed record Planned(HubPlan Plan) : PlanHubOutcome;

    /// <summary>The file names what there isn't, or what can't be changed.</summary>
    public sealed record Wrong(IReadOnlyList<PolicyProblem> Problems) : PlanHubOutcome;
}

internal abstract record ApplyHubOutcome
{
    private ApplyHubOutcome() { }

    public sealed record Applied : ApplyHubOutcome;

    /// <summary>Nothing was changed: the hub is another one than when the plan was made.</summary>
    public sealed record Changed(HubRevision Now) : ApplyHubOutcome;

    /// <summary>Nothing was changed: one of the changes can't be made.</summary>
    public sealed record Refused(HubChange? Change, string Why) : ApplyHubOutcome;
}
