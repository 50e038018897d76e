using System.Globalization;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Countersign.Proof;

/// <summary>
/// Signs notes with Ed25519 or ML-DSA-44. Any 32 bytes are a seed; the same text always gets the same signature.
/// </summary>
public sealed class NoteSigner
{
    private const string PrivatePrefix = "PRIVATE+KEY+";
    private readonly byte[] _seed;

    public NoteSigner(string name, NoteKeyType type, byte[] seed)
    {
        if (type == NoteKeyType.EcdsaP256)
            throw new ArgumentOutOfRangeException(nameof(type));
        _seed = seed;
        Key = NoteKey.Of(name, type, type == NoteKeyType.MlDsa44 ? MlDsa44.PublicKeyOf(seed) : Ed25519KeyOf(seed));
    }

    public NoteKey Key { get; }

    /// <summary>Reads what <see cref="ToPrivateText"/> writes; null where it is not that.</summary>
    public static NoteSigner? Parse(string text)
    {
        if (
            !text.StartsWith(PrivatePrefix, StringComparison.Ordinal)
            || text[PrivatePrefix.Length..].Split('+', 3) is not [var name, _, var base64]
            || !NoteKey.IsName(name)
            || !StrictBase64.TryDecode(base64, Ed25519.SecretKeySize + 1, out var bytes)
            || (NoteKeyType)bytes[0] is not (NoteKeyType.Ed25519 or NoteKeyType.Cosignature)
        )
        {
            return null;
        }
        var signer = new NoteSigner(name, (NoteKeyType)bytes[0], bytes[1..]);
        return signer.ToPrivateText() == text ? signer : null;
    }

    /// <summary>The secret, as programs for signed notes keep it: name, key ID, and type and seed in base64.</summary>
    public string ToPrivateText() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{PrivatePrefix}{Key.Name}+{Key.Id:x8}+{Convert.ToBase64String([(byte)Key.Type, .. _seed])}"
        );

    /// <summary>The note with one signature.</summary>
    public string Sign(string text) => $"{text}\n{Line(text)}";

    /// <summary>The signature line of a text.</summary>
    /// <param name="time">Of a cosignature, in seconds since 1970.</param>
    public string Line(string text, ulong time = 0)
    {
        if (Key.Type == NoteKeyType.MlDsa44)
        {
            var message =
                NoteKey.SubtreeBytes(Key.Name, time, text)
                ?? throw new ArgumentException("It isn't the text of a checkpoint.", nameof(text));
            return Line([.. NoteKey.BigEndian(time), .. MlDsa44.Sign(_seed, message)]);
        }
        if (Key.Type != NoteKeyType.Cosignature)
            return Line(SignatureOf(Encoding.UTF8.GetBytes(text)));
        ArgumentOutOfRangeException.ThrowIfZero(time);
        return Line([.. NoteKey.BigEndian(time), .. SignatureOf(NoteKey.CosignedBytes(time, text))]);
    }

    private static byte[] Ed25519KeyOf(byte[] seed)
    {
        var key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, 0, key, 0);
        return key;
    }

    private string Line(byte[] signature) => new NoteSignature(Key.Name, Key.Id, signature).ToString();

    private byte[] SignatureOf(byte[] message)
    {
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(_seed, 0, message, 0, message.Length, signature, 0);
        return signature;
    }
}
