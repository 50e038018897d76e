using Countersign.Policies;

namespace Countersign.Pages.Policies;

/// <param name="By">Who published it, as people read it.</param>
public sealed record PolicyVersionRow(long Version, string By, DateTimeOffset At);

/// <summary>The policy editor with the sample request and what came of it.</summary>
public sealed record PolicyEditorModel(string Text, long BasedOn, PolicySample Sample)
{
    /// <summary>The newest first; the first is active.</summary>
    public IReadOnlyList<PolicyVersionRow> Versions { get; init; } = [];

    /// <summary>When the draft was saved; null: nothing is unpublished.</summary>
    public DateTimeOffset? SavedAt { get; init; }

    /// <summary>Published by someone else since the draft began.</summary>
    public PolicyVersionRow? Overtaken { get; init; }

    /// <summary>Null: nothing to say.</summary>
    public PolicyProblemsModel? Problems { get; init; }

    /// <summary>How many policies a file has that was validated and is fine.</summary>
    public int? Valid { get; init; }

    /// <summary>Lines with an error, for the editor's margin.</summary>
    public string ErrorLines =>
        string.Join(',', (Problems?.Problems ?? []).Where(p => !p.Problem.IsWarning).Select(p => p.Problem.Line));

    public bool IsTested { get; init; }

    /// <summary>Null while the file has errors.</summary>
    public PolicyTestModel? Result { get; init; }
    public IReadOnlyList<string> Sources { get; init; } = [];
}

/// <summary>What would change, before it's published.</summary>
public sealed record PolicyReviewModel(PolicyDiffModel Diff, long ActiveVersion, string DraftHash)
{
    public PolicyProblemsModel? Problems { get; init; }

    /// <summary>Published by someone else since the draft began.</summary>
    public PolicyVersionRow? Overtaken { get; init; }

    /// <summary>What that version changed.</summary>
    public PolicyDiffModel? OvertakenDiff { get; init; }

    /// <summary>Whether the draft isn't the one that was about to be published.</summary>
    public bool DraftChanged { get; init; }

    public bool MayPublish => Problems?.HasErrors != true && !Diff.IsEmpty;
}

/// <summary>An earlier version, and what it changed.</summary>
public sealed record PolicyVersionModel(PolicyVersionRow Version, string Text, PolicyDiffModel Diff)
{
    public bool IsActive { get; init; }

    /// <summary>Whether restoring it replaces something unpublished.</summary>
    public bool HasDraft { get; init; }
    public long? Previous { get; init; }
    public long? Next { get; init; }
}
