using System.Buffers.Text;
using System.Security.Cryptography;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>
/// Keys that we hand out: 256 random bits in letters that no template escapes. They are shown once and kept as SHA-256;
/// a slow hash would add nothing, because such a key cannot be guessed.
/// </summary>
public static class Keys
{
    private const string SourcePrefix = "csk_";

    public static string NewToken() => New("cst_");

    public static string NewSourceKey() => New(SourcePrefix);

    /// <summary>Whether a header holds a source's key, by its form alone.</summary>
    public static bool IsSourceKey(string authorization) =>
        authorization.StartsWith("Bearer " + SourcePrefix, StringComparison.OrdinalIgnoreCase);

    public static string NewSessionSecret() => New("css_");

    public static string NewSetUpSecret() => New("csu_");

    public static string HashOf(string key) => Hashes.Sha256(key);

    /// <summary>
    /// By which the record knows a key: of the hash that is kept, so that not even that stands in an event.
    /// </summary>
    public static string Fingerprint(string keyHash) => Hashes.Sha256(keyHash);

    private static string New(string prefix) => prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}
