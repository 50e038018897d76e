using Countersign.Storage;

namespace Countersign.Policies;

/// <summary>
/// The names that a policy file may use: people, groups, sources and destinations. Implemented by the directory of
/// people, which policies don't depend on.
/// </summary>
public interface IPolicyNames
{
    /// <summary>Names in the file that don't exist yet. Warnings, because they may be added later.</summary>
    Task<IReadOnlyList<PolicyProblem>> FindUnknown(PolicyFile file, CancellationToken cancel);

    /// <summary>Called in the transaction that publishes a file: every node reads it anew.</summary>
    ValueTask NotifyPublished(Tx tx);

    /// <summary>Reads what is stored now, so that this process uses a published file at once.</summary>
    Task Reload(CancellationToken cancel);
}
