using Countersign.Storage;

namespace Countersign.Policies;

/// <param name="BasedOn">The version that its author had before them when they began; 0: none was published.</param>
/// <param name="Text">Null while nothing has been changed.</param>
/// <param name="Sample">The request that the author tests it with, as the page wrote it; empty: none.</param>
public sealed record PolicyDraft(long BasedOn, string? Text, string Sample, DateTimeOffset SavedAt);

/// <summary>
/// Each admin's unpublished policy file, so that validating, testing and comparing it can redirect without losing what
/// was typed. A draft decides nothing and no one else sees it, so it's no event.
/// </summary>
public sealed class PolicyDrafts(Store store)
{
    public ValueTask<PolicyDraft?> Find(long person, CancellationToken cancel) =>
        store.Read(
            async reader =>
                (
                    await reader.First<Row>(
                        "SELECT based_on, text, sample, saved_at FROM policy_drafts WHERE person_id = @person",
                        new { person }
                    )
                )?.ToDraft(),
            cancel
        );

    public Task Save(long person, long basedOn, string text, string sample, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                text = text.ReplaceLineEndings("\n");
                var before = await tx.Text("SELECT text FROM policy_files WHERE version = @basedOn", new { basedOn });
                await tx.Execute(
                    """
                    INSERT INTO policy_drafts (person_id, based_on, text, sample, saved_at)
                    VALUES (@person, @basedOn, @text, @sample, @at)
                    ON CONFLICT (person_id) DO UPDATE SET based_on = excluded.based_on, text = excluded.text,
                      sample = excluded.sample, saved_at = excluded.saved_at
                    """,
                    new
                    {
                        person,
                        basedOn,
                        text = text == (before ?? PolicyFile.EmptyText) ? null : text,
                        sample,
                        at = tx.Now,
                    }
                );
            },
            cancel
        );

    /// <summary>Also what it was tested with.</summary>
    public Task Discard(long person, CancellationToken cancel) =>
        store.InTransaction(
            async tx => await tx.Execute("DELETE FROM policy_drafts WHERE person_id = @person", new { person }),
            cancel
        );

    private sealed class Row
    {
        public long BasedOn { get; init; }
        public string? Text { get; init; }
        public required string Sample { get; init; }
        public required string SavedAt { get; init; }

        public PolicyDraft ToDraft() => new(BasedOn, Text, Sample, Instant.Parse(SavedAt));
    }
}
