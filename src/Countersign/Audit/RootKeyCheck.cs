using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Whether the root key is the one that the store's log was sealed with. With another, a node would encrypt secrets
/// that no other node can read, and seal nothing.
/// </summary>
public sealed class RootKeyCheck(RootKey rootKey, SealKey sealKey)
{
    /// <summary>
    /// More than the last one, because a seal that was changed in the database is no reason to doubt the key.
    /// </summary>
    private const int Looked = 3;

    /// <summary>
    /// True for a store that has nothing yet by which to tell. Seals and key ring must both be this key's.
    /// </summary>
    public async ValueTask<bool> Fits(Reader reader)
    {
        var seals = await reader.All<SealRow>(
            "SELECT n, hash, signature FROM seals ORDER BY n DESC LIMIT @looked",
            new { looked = Looked }
        );
        // A key that was replaced still fits the latest seals, and no longer the key ring.
        return (seals.Count == 0 || seals.Exists(s => sealKey.IsSignatureOfSeal(s.N, s.Hash, s.Signature)))
            && await KeyRing.IsFrom(reader, rootKey);
    }

    /// <summary>Throws where the key belongs to another store.</summary>
    public static async Task Require(Store store, RootKey rootKey, StoreOptions place, CancellationToken cancel)
    {
        using var sealKey = new SealKey(rootKey);
        if (place.RootKeyLost || await store.Read(new RootKeyCheck(rootKey, sealKey).Fits, cancel))
            return;
        throw new WrongRootKey(
            $"{WhatIsWrong(place)} Nothing was changed. Set `RootKeyFile` to the key file that belongs to this store. "
                + "If it's lost for good, see docs/operating.md#keys"
        );
    }

    public static string WhatIsWrong(StoreOptions place) =>
        $"The root key in {Path.GetFullPath(place.RootKeyFile)} isn't the one that this store was sealed with.";

    private sealed class SealRow
    {
        public long N { get; init; }
        public required string Hash { get; init; }
        public required string Signature { get; init; }
    }
}

public sealed class WrongRootKey(string message) : Exception(message)
{
    public const string Code = "wrong_root_key";
}
