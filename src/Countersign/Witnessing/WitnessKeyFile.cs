using System.Security.Cryptography;
using System.Text;
using Countersign.Hosting;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Witnessing;

/// <summary>The witness's key, in a file beside what it cosigned; the name is part of it.</summary>
internal static class WitnessKeyFile
{
    /// <summary>Reads the key, or makes one. Throws <see cref="StoreUnavailable"/> where that isn't possible.</summary>
    public static NoteSigner Load(string folder, WitnessOptions options, ServerOptions server)
    {
        var file = Path.Combine(folder, "witness.key");
        try
        {
            PrivateFile.EnsureFolder(folder);
            if (!File.Exists(file))
                Make(file, folder, options.NameAt(server));
            return NoteSigner.Parse(File.ReadAllText(file).Trim()) is { Key.Type: NoteKeyType.Cosignature } signer
                ? signer
                : throw new StoreUnavailable($"{file} is not a witness's key, as Countersign wrote it.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailable(PrivateFile.CannotWrite(folder), failure);
        }
    }

    private static void Make(string file, string folder, string? name)
    {
        if (name is null || !NoteKey.IsName(name))
        {
            throw new StoreUnavailable(
                "`Witness:Name` is missing. Set it to a name that no other witness has, such as "
                    + "witness.example.com/countersign"
            );
        }
        // Another key with the same memory would be another witness, and the memory without its key none.
        if (File.Exists(Path.Combine(folder, "witness.db")))
            throw new StoreUnavailable($"{file} is missing. Choose an empty folder to begin with another key.");
        var seed = RandomNumberGenerator.GetBytes(32);
        var text = new NoteSigner(name, NoteKeyType.Cosignature, seed).ToPrivateText();
        using var stream = PrivateFile.Create(file);
        stream.Write(Encoding.UTF8.GetBytes(text + "\n"));
        stream.Flush(flushToDisk: true);
    }
}
