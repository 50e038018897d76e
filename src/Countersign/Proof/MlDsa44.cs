using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Countersign.Proof;

/// <summary>ML-DSA-44 of FIPS 204, without a context, which no known computer of the future forges.</summary>
internal static class MlDsa44
{
    public const int PublicKeySize = 1312,
        SignatureSize = 2420;

    private static readonly MLDsaParameters Parameters = MLDsaParameters.ml_dsa_44;

    public static byte[] PublicKeyOf(byte[] seed) =>
        MLDsaPrivateKeyParameters.FromSeed(Parameters, seed).GetPublicKeyEncoded();

    /// <summary>The same bytes get the same signature, so that two nodes sign a head alike.</summary>
    public static byte[] Sign(byte[] seed, byte[] message)
    {
        var signer = new MLDsaSigner(Parameters, deterministic: true);
        signer.Init(forSigning: true, MLDsaPrivateKeyParameters.FromSeed(Parameters, seed));
        signer.BlockUpdate(message);
        return signer.GenerateSignature();
    }

    public static bool IsSigned(byte[] key, byte[] message, byte[] signature)
    {
        var verifier = new MLDsaSigner(Parameters, deterministic: true);
        verifier.Init(forSigning: false, MLDsaPublicKeyParameters.FromEncoding(Parameters, key));
        verifier.BlockUpdate(message);
        return verifier.VerifySignature(signature);
    }
}
