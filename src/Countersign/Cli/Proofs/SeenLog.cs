using Countersign.Proof;

namespace Countersign.Cli.Proofs;

/// <summary>A checkpoint, checked against the key that was given.</summary>
internal sealed record SeenLog(string Note, Checkpoint Head)
{
    public static async Task<(SeenLog? Seen, Reply? Problem)> Read(
        LogSource source,
        string name,
        string? vkey,
        CancellationToken cancel
    ) =>
        await source.Checkpoint(cancel) is { } note
            ? Parse(note, name, vkey)
            : (null, new Reply.Failed(Reply.NotFound, $"There is no signed checkpoint at {name}.", CannotTell: true));

    public static (SeenLog? Seen, Reply? Problem) Parse(string note, string name, string? vkey)
    {
        if (
            SignedNote.Parse(note, out var why) is not { } signed
            || Checkpoint.Parse(signed.Text, out why) is not { } head
        )
        {
            return (null, new Reply.Failed(Reply.Invalid, $"{name}: {why}", CannotTell: true));
        }
        if (vkey is null)
            return (new SeenLog(note, head), null);
        if (!NoteKey.TryParse(vkey, out var key, out why))
            return (null, new Reply.Failed(Reply.Usage, why));
        if (head.Origin != key.Name)
        {
            return (
                null,
                new Reply.Failed(
                    ProofVerbs.NotSignedBy,
                    $"The checkpoint at {name} is of {head.Origin}, and the key is that of {key.Name}."
                )
            );
        }
        return signed.IsSignedBy(key, out _) == true
            ? (new SeenLog(note, head), null)
            : (
                null,
                new Reply.Failed(
                    ProofVerbs.NotSignedBy,
                    $"The checkpoint at {name} isn't signed with the key {key.Name}."
                )
            );
    }
}
