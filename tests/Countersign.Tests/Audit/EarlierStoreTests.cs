using System.IO.Compression;
using Countersign.Audit;
using Countersign.SignIn;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary>
/// A store as the version before events named keys, links and destinations' secrets wrote it, through a long story:
/// people, policies, absences, an override, answers of a destination, tickets, sealed but for the last request.
/// </summary>
public sealed class EarlierStoreTests
{
    [Fact]
    public async Task It_is_brought_up_to_date_and_verifies()
    {
        await using var place = await TestStore.Place(Engine.Sqlite);
        var kept = Path.Combine(Repository.Root, "tests", "Countersign.Tests", "Audit", "Earlier");
        await using (
            var zipped = new GZipStream(File.OpenRead(Path.Combine(kept, "store.db.gz")), CompressionMode.Decompress)
        )
        await using (var file = File.Create(place.Options.SqliteFile))
            await zipped.CopyToAsync(file, TestContext.Current.CancellationToken);

        await using var store = await Store.Open(place.Options, place.Clock);
        using var key = new SealKey(RootKey.Load(Path.Combine(kept, "key.txt"), mayCreate: false));
        var verification = await new Verify(store, key) { ChecksPolicies = false }.Run(
            null,
            TestContext.Current.CancellationToken
        );

        Assert.Equal([], verification.Problems);
        Assert.Equal(0, await store.Read(r => r.Number("SELECT count(*) FROM pragma_foreign_key_check")));
        Assert.InRange(verification.Events, 100, 1_000);
        Assert.InRange(verification.Unsealed, 1, 3);
    }
}
