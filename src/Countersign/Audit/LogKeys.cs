using System.Globalization;
using Countersign.Proof;
using Countersign.SignIn;

namespace Countersign.Audit;

/// <summary>
/// The Ed25519 keys that sign the log's checkpoints, one for each epoch, derived from the root key so that every node
/// has the same ones.
/// </summary>
public sealed class LogKeys(RootKey root)
{
    public NoteSigner Of(long epoch, string origin) =>
        new(
            origin,
            NoteKeyType.Ed25519,
            root.Derive(string.Create(CultureInfo.InvariantCulture, $"log checkpoint {epoch}"))
        );
}
