using System.Security.Cryptography;
using System.Text;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>
/// The one secret outside the database. Everything that must not follow from the database alone (seals, cursors, the
/// wrapping of stored secrets) is derived from it, each under its own purpose. All nodes of a hub share it.
/// </summary>
public sealed class RootKey
{
    private const int Size = 32;
    private readonly byte[] _key;

    private RootKey(byte[] key) => _key = key;

    public byte[] Derive(string purpose, int length = Size) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, length, info: Encoding.UTF8.GetBytes("countersign " + purpose));

    /// <summary>
    /// Reads the key file, or makes one (readable by its owner only) where <paramref name="mayCreate"/>.
    /// </summary>
    public static RootKey Load(string file, bool mayCreate)
    {
        try
        {
            if (!File.Exists(file) && mayCreate)
                Create(file);
            return new RootKey(Parse(File.ReadAllText(file)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new StoreUnavailable(
                "The root key file can't be read. `RootKeyFile` must name a file that contains 32 bytes in "
                    + "base64. A store from a backup needs the key file that belongs to it.",
                failure
            );
        }
    }

    private static byte[] Parse(string text) =>
        Convert.FromBase64String(text.Trim()) is { Length: Size } key
            ? key
            : throw new FormatException("Not 32 bytes.");

    /// <summary>
    /// Written beside and renamed without replacing, so that two processes starting at once agree on one key.
    /// </summary>
    private static void Create(string file)
    {
        PrivateFile.EnsureFolder(Path.GetDirectoryName(Path.GetFullPath(file))!);
        var fresh = $"{file}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
        using (var stream = PrivateFile.Create(fresh))
        {
            stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(Size)) + "\n"));
            stream.Flush(flushToDisk: true);
        }
        try
        {
            File.Move(fresh, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
            File.Delete(fresh);
        }
    }
}
