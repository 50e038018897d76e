using Countersign.Policies;

namespace Countersign.Pages.Policies;

/// <summary>What an admin has before them: the active version and their draft, if they changed anything.</summary>
internal sealed record PolicyWorkspace(PolicyVersion? Active, PolicyDraft? Draft)
{
    public long ActiveVersion => Active?.Version ?? 0;
    public string ActiveText => Active?.Text ?? PolicyFile.EmptyText;

    /// <summary>What differs from the active version and isn't published.</summary>
    public string? Unpublished => Draft?.Text is { } text && text != ActiveText ? text : null;

    public string Text => Unpublished ?? ActiveText;

    /// <summary>The version that the text was made from.</summary>
    public long BasedOn => Unpublished is null ? ActiveVersion : Draft!.BasedOn;

    /// <summary>Whether another version was published since the draft began.</summary>
    public bool IsOvertaken => BasedOn != ActiveVersion;

    public PolicySample Sample => PolicySample.Parse(Draft?.Sample ?? "");

    public static async Task<PolicyWorkspace> Load(
        PolicyFiles files,
        PolicyDrafts drafts,
        long person,
        CancellationToken cancel
    ) => new(await files.Find(null, cancel), await drafts.Find(person, cancel));
}
