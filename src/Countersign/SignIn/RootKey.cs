using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>The public half of a key that sealed before, and the last that it may have signed.</summary>
/// <param name="PublicKey">SubjectPublicKeyInfo in base64.</param>
/// <param name="LastEvent">The highest id of an event when it was replaced.</param>
public sealed record FormerSealKey(string PublicKey, long LastSeal, long LastEvent);

/// <summary>
/// The one secret outside the database. Everything that must not follow from the database alone (seals, cursors, the
/// wrapping of stored secrets) is derived from it, each under its own purpose. All nodes of a hub share it.
/// </summary>
public sealed class RootKey
{
    private const int Size = 32;
    private const string FormerLine = "former-seal-key";
    private readonly byte[] _key;

    private RootKey(byte[] key, IReadOnlyList<FormerSealKey> formerSealKeys) =>
        (_key, FormerSealKeys) = (key, formerSealKeys);

    /// <summary>
    /// What earlier root keys sealed with, so that their seals stay proven. They stand in the key file, since what the
    /// database says of them would prove nothing.
    /// </summary>
    public IReadOnlyList<FormerSealKey> FormerSealKeys { get; }

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
                CreateIn(Path.GetDirectoryName(Path.GetFullPath(file))!, file);
            return Parse(File.ReadAllText(file));
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

    private static void CreateIn(string folder, string file)
    {
        try
        {
            Create(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailable(PrivateFile.CannotWrite(folder), failure);
        }
    }

    /// <summary>A new key that takes over from this one, and what this one sealed with.</summary>
    public RootKey Next(FormerSealKey sealedWith) =>
        new(RandomNumberGenerator.GetBytes(Size), [.. FormerSealKeys, sealedWith]);

    /// <summary>Writes the key file, which must not be there yet.</summary>
    public void WriteTo(string file)
    {
        using var stream = PrivateFile.Create(file);
        stream.Write(Encoding.ASCII.GetBytes(ToText()));
        stream.Flush(flushToDisk: true);
    }

    private string ToText() =>
        string.Concat(
            FormerSealKeys
                .Select(f =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{FormerLine} {f.PublicKey} {f.LastSeal} {f.LastEvent}"
                    )
                )
                .Prepend(Convert.ToBase64String(_key))
                .Select(line => line + "\n")
        );

    private static RootKey Parse(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length > 0 && Convert.FromBase64String(lines[0]) is { Length: Size } key
            ? new RootKey(key, [.. lines.Skip(1).Select(ParseFormer)])
            : throw new FormatException("Not 32 bytes.");
    }

    private static FormerSealKey ParseFormer(string line) =>
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [FormerLine, var key, var seal, var last]
            ? new FormerSealKey(
                key,
                long.Parse(seal, CultureInfo.InvariantCulture),
                long.Parse(last, CultureInfo.InvariantCulture)
            )
            : throw new FormatException("Not an earlier key.");

    /// <summary>
    /// Written beside and then renamed, so that no one reads half of it; and by one process at a time, so that those
    /// which start at once agree on one key.
    /// </summary>
    private static void Create(string file)
    {
        PrivateFile.EnsureFolder(Path.GetDirectoryName(Path.GetFullPath(file))!);
        using var alone = PrivateFile.Hold(file + ".lock");
        if (File.Exists(file))
            return;
        var fresh = $"{file}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
        using (var stream = PrivateFile.Create(fresh))
        {
            stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(Size)) + "\n"));
            stream.Flush(flushToDisk: true);
        }
        File.Move(fresh, file, overwrite: false);
    }
}
