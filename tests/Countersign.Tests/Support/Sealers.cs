using Countersign.Audit;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Tests;

/// <summary>Sealers as a node has them, with what lies beside their root key.</summary>
internal static class Sealers
{
    public static SigningPlace PlaceOf(string rootKeyFile) => new(rootKeyFile + ".signed", null, "hub.example.test");

    public static LogTree Tree(Store store, string rootKeyFile, SealKey key, SigningPlace? place = null) =>
        new(
            store,
            RootKey.Load(rootKeyFile, mayCreate: false),
            key,
            place ?? PlaceOf(rootKeyFile),
            NullLogger<LogTree>.Instance
        );

    public static Sealer Of(
        Store store,
        string rootKeyFile,
        SealKey key,
        TimeProvider clock,
        SigningPlace? place = null
    ) => new(store, key, Tree(store, rootKeyFile, key, place), clock, NullLogger<Sealer>.Instance);
}
