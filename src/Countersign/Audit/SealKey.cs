using System.Numerics;
using System.Security.Cryptography;
using Countersign.SignIn;

namespace Countersign.Audit;

/// <summary>
/// The key that signs seals: ECDSA on P-256, derived from the root key, so that it is the same on every node and never
/// lies in the database. Whoever checks needs the public half only.
/// </summary>
public sealed class SealKey : IDisposable
{
    private const int Size = 32;
    private static readonly BigInteger Order = BigInteger.Parse(
        "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
        System.Globalization.NumberStyles.HexNumber,
        System.Globalization.CultureInfo.InvariantCulture
    );

    private readonly ECDsa _key;
    private readonly List<(ECDsa Key, FormerSealKey Former)> _former;
    private readonly Lock _one = new();

    public SealKey(RootKey root)
    {
        // 16 bytes more than the curve needs, so that the remainder favours no number; and never zero.
        var number =
            (new BigInteger(root.Derive("audit seal", Size + 16), isUnsigned: true, isBigEndian: true) % (Order - 1))
            + 1;
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        var secret = new byte[Size];
        bytes.CopyTo(secret, Size - bytes.Length);
        _key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = secret });
        _former = [.. root.FormerSealKeys.Select(f => (Public(f.PublicKey), f))];
        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(bytes);
    }

    /// <summary>The public half as SubjectPublicKeyInfo in base64, the inside of a PEM file.</summary>
    public string PublicKey
    {
        get
        {
            lock (_one)
                return Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo());
        }
    }

    /// <param name="hash">64 hex digits.</param>
    public string Sign(string hash)
    {
        lock (_one)
        {
            return Convert.ToBase64String(
                _key.SignHash(Convert.FromHexString(hash), DSASignatureFormat.Rfc3279DerSequence)
            );
        }
    }

    /// <summary>Of the seal with this number: by this key, or by an earlier one up to its last.</summary>
    public bool IsSignatureOfSeal(long n, string hash, string signature) =>
        IsSignatureOf(hash, signature) || _former.Exists(f => n <= f.Former.LastSeal && IsBy(f.Key, hash, signature));

    /// <summary>Of what the event with this id says: by this key, or by an earlier one up to its last.</summary>
    public bool IsSignatureOfEvent(long id, string hash, string signature) =>
        IsSignatureOf(hash, signature) || _former.Exists(f => id <= f.Former.LastEvent && IsBy(f.Key, hash, signature));

    /// <summary>By this key alone. False also when the texts are no hash and no signature.</summary>
    public bool IsSignatureOf(string hash, string signature) => IsBy(_key, hash, signature);

    private static ECDsa Public(string key)
    {
        var made = ECDsa.Create();
        made.ImportSubjectPublicKeyInfo(Convert.FromBase64String(key), out _);
        return made;
    }

    private bool IsBy(ECDsa key, string hash, string signature)
    {
        var bytes = new byte[128];
        if (
            !Convert.TryFromBase64String(signature, bytes, out var length)
            || hash.Length != 2 * Size
            || !hash.All(char.IsAsciiHexDigitLower)
        )
        {
            return false;
        }
        lock (_one)
        {
            return key.VerifyHash(
                Convert.FromHexString(hash),
                bytes.AsSpan(0, length),
                DSASignatureFormat.Rfc3279DerSequence
            );
        }
    }

    public void Dispose()
    {
        _key.Dispose();
        _former.ForEach(f => f.Key.Dispose());
    }
}
