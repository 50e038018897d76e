using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Countersign.Proof;

/// <summary>Signs notes with Ed25519. Any 32 bytes are a seed; the same text always gets the same signature.</summary>
public sealed class NoteSigner
{
    private readonly byte[] _seed;

    public NoteSigner(string name, NoteKeyType type, byte[] seed)
    {
        if (type == NoteKeyType.EcdsaP256)
            throw new ArgumentOutOfRangeException(nameof(type));
        _seed = seed;
        var key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, 0, key, 0);
        Key = NoteKey.Of(name, type, key);
    }

    public NoteKey Key { get; }

    /// <summary>The note with one signature.</summary>
    public string Sign(string text) => $"{text}\n{Line(text)}";

    /// <summary>The signature line of a text.</summary>
    /// <param name="time">Of a cosignature, in seconds since 1970.</param>
    public string Line(string text, ulong time = 0)
    {
        if (Key.Type != NoteKeyType.Cosignature)
            return Line(SignatureOf(Encoding.UTF8.GetBytes(text)));
        ArgumentOutOfRangeException.ThrowIfZero(time);
        var stamp = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(stamp, time);
        return Line([.. stamp, .. SignatureOf(NoteKey.CosignedBytes(time, text))]);
    }

    private string Line(byte[] signature)
    {
        var id = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(id, Key.Id);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{SignedNote.Dash} {Key.Name} {Convert.ToBase64String([.. id, .. signature])}\n"
        );
    }

    private byte[] SignatureOf(byte[] message)
    {
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(_seed, 0, message, 0, message.Length, signature, 0);
        return signature;
    }
}
