using Countersign.Audit;
using Countersign.Pages.Parts;
using Countersign.Storage;

namespace Countersign.Pages.Admin;

/// <summary>An event as a sentence, and all that is stored of it.</summary>
/// <param name="Data">Its JSON, indented.</param>
public sealed record AuditRow(
    StoredEvent Event,
    DateTimeOffset At,
    IReadOnlyList<EventPart> Sentence,
    string Via,
    string Data
)
{
    /// <summary>Pages with only the events of this one's target, actor or kind.</summary>
    public required string SubjectAddress { get; init; }
    public required string ActorAddress { get; init; }
    public required string KindAddress { get; init; }
}

/// <summary>A filter in use, and the page without it.</summary>
public sealed record AuditChip(string Text, string Address);

/// <summary>The audit log page by page, and whether the log is whole.</summary>
public sealed record AuditModel(AuditFilter Filter, IReadOnlyList<AuditRow> Rows)
{
    public IReadOnlyList<AuditChip> Chips { get; init; } = [];
    public IReadOnlyList<(string Value, string Text)> Kinds { get; init; } = [];
    public string? Newest { get; init; }
    public string? Older { get; init; }
    public required string CsvAddress { get; init; }
    public Refused? Refused { get; init; }

    /// <summary>Null: the log hasn't been verified yet.</summary>
    public Verification? Found { get; init; }
    public DateTimeOffset VerifiedAt { get; init; }
    public string VerifiedBy { get; init; } = "";

    /// <summary>The newest checkpoint; empty before the first.</summary>
    public string Checkpoint { get; init; } = "";

    /// <summary>What was typed as an earlier checkpoint and refused.</summary>
    public string TypedHead { get; init; } = "";
}
