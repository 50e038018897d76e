using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Countersign.Proof;

/// <summary>What a signature line of a note is made with, by the type byte of <c>c2sp.org/signed-note</c>.</summary>
public enum NoteKeyType : byte
{
    Ed25519 = 0x01,

    /// <summary>ECDSA on P-256; other logs sign with it, and it is checked only.</summary>
    EcdsaP256 = 0x02,

    /// <summary>A witness's Ed25519 signature with a time (<c>c2sp.org/tlog-cosignature</c>).</summary>
    Cosignature = 0x04,

    /// <summary>
    /// ML-DSA-44 of the three lines of a checkpoint, by a log or a witness (<c>c2sp.org/tlog-cosignature</c>).
    /// </summary>
    MlDsa44 = 0x06,
}

/// <summary>
/// The public key of a log or a witness, and its text form, the "vkey":
/// <c>name+id in 8 hex digits+base64(type, key)</c>.
/// </summary>
public sealed class NoteKey
{
    private NoteKey(string name, NoteKeyType type, byte[] key)
    {
        (Name, Type, Key) = (name, type, key);
        Id = IdOf(name, type, key);
    }

    public string Name { get; }
    public NoteKeyType Type { get; }
    public ReadOnlyMemory<byte> Key { get; }
    public uint Id { get; }

    public static NoteKey Of(string name, NoteKeyType type, byte[] key) =>
        Create(name, type, key, out var why) ?? throw new ArgumentException(why, nameof(key));

    public static bool TryParse(string text, out NoteKey key, out string why)
    {
        key = null!;
        var parts = text.Split('+', 3);
        if (parts.Length < 3)
        {
            why = "A key is written as name+id+base64.";
            return false;
        }
        if (!StrictBase64.TryDecode(parts[2], out var bytes) || bytes.Length < 2)
        {
            why = "The last part of the key is not valid base64.";
            return false;
        }
        if (Create(parts[0], (NoteKeyType)bytes[0], bytes[1..], out why) is not { } made)
            return false;
        if (parts[1] != made.Id.ToString("x8", CultureInfo.InvariantCulture))
        {
            why = "The key's ID doesn't match its name and bytes. Copy the key again.";
            return false;
        }
        key = made;
        return true;
    }

    /// <summary>Whether these are the bytes of a signature of a note's text, behind the key's ID.</summary>
    /// <param name="time">Of a cosignature, in seconds since 1970; else 0. A log's ML-DSA-44 signature has 0.</param>
    public bool IsSignatureOf(string text, ReadOnlySpan<byte> signature, out ulong time)
    {
        time = 0;
        switch (Type)
        {
            case NoteKeyType.Ed25519:
                return IsEd25519(Encoding.UTF8.GetBytes(text), signature);
            case NoteKeyType.EcdsaP256:
                using (var ecdsa = ECDsa.Create())
                {
                    ecdsa.ImportSubjectPublicKeyInfo(Key.Span, out _);
                    return ecdsa.VerifyData(
                        Encoding.UTF8.GetBytes(text),
                        signature,
                        HashAlgorithmName.SHA256,
                        DSASignatureFormat.Rfc3279DerSequence
                    );
                }
            case NoteKeyType.Cosignature:
                if (signature.Length != sizeof(ulong) + Ed25519.SignatureSize)
                    return false;
                time = BinaryPrimitives.ReadUInt64BigEndian(signature);
                // A cosignature without a time says nothing about when.
                return time != 0 && IsEd25519(CosignedBytes(time, text), signature[sizeof(ulong)..]);
            case NoteKeyType.MlDsa44:
                if (signature.Length != sizeof(ulong) + MlDsa44.SignatureSize)
                    return false;
                time = BinaryPrimitives.ReadUInt64BigEndian(signature);
                return SubtreeBytes(Name, time, text) is { } message
                    && MlDsa44.IsSigned(Key.ToArray(), message, signature[sizeof(ulong)..].ToArray());
            default:
                return false;
        }
    }

    public override string ToString() => $"{Name}+{Id:x8}+{Convert.ToBase64String([(byte)Type, .. Key.Span])}";

    internal static byte[] CosignedBytes(ulong time, string text) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"cosignature/v1\ntime {time}\n{text}"));

    /// <summary>
    /// What ML-DSA-44 signs of a checkpoint: its three lines in binary, so that further lines can't be in it. Null
    /// where the text is no checkpoint, or a name is too long.
    /// </summary>
    internal static byte[]? SubtreeBytes(string name, ulong time, string text)
    {
        if (Checkpoint.Parse(text, out _) is not { } head)
            return null;
        var (signer, origin) = (Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(head.Origin));
        if (signer.Length > byte.MaxValue || origin.Length > byte.MaxValue)
            return null;
        return
        [
            .. "subtree/v1\n\0"u8,
            (byte)signer.Length,
            .. signer,
            .. BigEndian(time),
            (byte)origin.Length,
            .. origin,
            .. BigEndian(0),
            .. BigEndian((ulong)head.Size),
            .. head.Root,
        ];
    }

    internal static byte[] BigEndian(ulong number)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return bytes;
    }

    internal static bool IsName(string name) =>
        name.Length > 0 && !name.Any(c => c == '+' || char.IsWhiteSpace(c) || char.IsControl(c)) && IsUtf8(name);

    /// <summary>Whether the text has no half of a surrogate pair.</summary>
    internal static bool IsUtf8(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[++i]))
                return false;
        }
        return true;
    }

    private static NoteKey? Create(string name, NoteKeyType type, byte[] key, out string why)
    {
        why =
            !IsName(name) ? "A key's name must not be empty or contain spaces or \"+\"."
            : type is NoteKeyType.Ed25519 or NoteKeyType.Cosignature && key.Length != Ed25519.PublicKeySize
                ? "An Ed25519 key has 32 bytes."
            : type == NoteKeyType.EcdsaP256 && !IsP256(key) ? "The key is not an ECDSA key on P-256."
            : type == NoteKeyType.MlDsa44 && key.Length != MlDsa44.PublicKeySize ? "An ML-DSA-44 key has 1312 bytes."
            : type
                is not (NoteKeyType.Ed25519 or NoteKeyType.Cosignature or NoteKeyType.EcdsaP256 or NoteKeyType.MlDsa44)
                ? $"Keys of type {(byte)type:x2} are not supported."
            : "";
        return why.Length == 0 ? new NoteKey(name, type, key) : null;
    }

    private static bool IsP256(byte[] key)
    {
        try
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(key, out var read);
            return read == key.Length && ecdsa.KeySize == 256;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Of ECDSA keys the key alone counts, without name and type.</summary>
    private static uint IdOf(string name, NoteKeyType type, byte[] key) =>
        BinaryPrimitives.ReadUInt32BigEndian(
            SHA256.HashData(
                type == NoteKeyType.EcdsaP256 ? key : [.. Encoding.UTF8.GetBytes(name), (byte)'\n', (byte)type, .. key]
            )
        );

    private bool IsEd25519(byte[] message, ReadOnlySpan<byte> signature) =>
        signature.Length == Ed25519.SignatureSize
        && Ed25519.Verify(signature.ToArray(), 0, Key.ToArray(), 0, message, 0, message.Length);
}
