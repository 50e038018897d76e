using Countersign.Audit;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Tests;

/// <summary>Sealers as a node has them, with what lies beside their root key.</summary>
internal static class Sealers
{
    public static SigningPlace PlaceOf(string rootKeyFile) => new(rootKeyFile + ".signed", null, "hub.example.test");

    public static LogTree Tree(
        Store store,
        string rootKeyFile,
        SealKey key,
        SigningPlace? place = null,
        IKnownHeads? others = null
    ) =>
        new(
            store,
            RootKey.Load(rootKeyFile, mayCreate: false),
            key,
            place ?? PlaceOf(rootKeyFile),
            NullLogger<LogTree>.Instance,
            others
        );

    public static Sealer Of(
        Store store,
        string rootKeyFile,
        SealKey key,
        TimeProvider clock,
        SigningPlace? place = null
    ) => new(store, key, Tree(store, rootKeyFile, key, place), clock, NullLogger<Sealer>.Instance);

    /// <summary>Of a shell's store, whose verbs know no public address.</summary>
    public static Sealer Of(Shell shell, SealKey key) =>
        Of(
            shell.Place.Store,
            shell.RootKeyFile,
            key,
            shell.Place.Clock,
            PlaceOf(shell.RootKeyFile) with
            {
                Address = null,
            }
        );
}
