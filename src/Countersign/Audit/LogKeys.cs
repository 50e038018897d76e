using System.Globalization;
using Countersign.Proof;
using Countersign.SignIn;

namespace Countersign.Audit;

/// <summary>
/// The keys that sign the log's checkpoints, derived from the root key so that every node has the same ones: for each
/// epoch one of Ed25519, and one of ML-DSA-44 for a second line where that is switched on.
/// </summary>
public sealed class LogKeys(RootKey root)
{
    public NoteSigner Of(long epoch, string origin) =>
        new(
            origin,
            NoteKeyType.Ed25519,
            root.Derive(string.Create(CultureInfo.InvariantCulture, $"log checkpoint {epoch}"))
        );

    public NoteSigner MlDsaOf(long epoch, string origin) =>
        new(
            origin,
            NoteKeyType.MlDsa44,
            root.Derive(string.Create(CultureInfo.InvariantCulture, $"log checkpoint {epoch} ML-DSA-44"))
        );
}
