using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Stores of earlier versions come up to date: all of their log verifies, every request can be opened, and those that
/// wait can be decided.
/// </summary>
public sealed class KeptStoreTests
{
    /// <summary>How many migrations may have been added since the newest kept store.</summary>
    private const int MaxBehind = 8;

    [Theory, KeptStores]
    internal async Task A_store_of_an_earlier_version_comes_up_to_date_verifies_and_serves(
        Engine engine,
        int kept,
        int migratedTo
    )
    {
        Assert.True(kept > 0, $"No store of migration {migratedTo} or before is kept. {KeptStores.HowToKeepOne}");
        var place = await TestStore.Place(engine);
        await KeptStores.Restore(place, kept);
        await MigrateTo(place, migratedTo);
        place.Clock.Now = await Latest(place) + TimeSpan.FromHours(1);

        var keyFile = KeptStores.KeyFile(engine, kept);
        using var key = new SealKey(RootKey.Load(keyFile, mayCreate: false));
        // Its end is the proof of its log, to the last row.
        await using var hub = await TestHub.Start(place);
        (hub.SealKey, hub.HasPoliciesOfItsOwn) = (key, true);
        var verification = await new Verify(hub.Store, key) { ChecksPolicies = false }.Run(null);
        Assert.Equal([], verification.Problems);
        Assert.InRange(verification.Events, 100, 1_000);
        if (engine == Engine.Sqlite)
            Assert.Equal(0, await place.Number("SELECT count(*) FROM pragma_foreign_key_check"));

        await using var host = await ApiHost.Start(hub, ("RootKeyFile", keyFile));
        var requests = await hub.Store.Read(r => r.All<RequestLine>("SELECT id, status FROM requests ORDER BY id"));
        Assert.Superset(
            new HashSet<string> { "active", "approved", "rejected", "withdrawn" },
            requests.Select(r => r.Status).ToHashSet()
        );
        var admin = await hub.AddPerson("Nora New", Role.Admin);
        await host.Noticed();
        var people = host.Services.GetRequiredService<PeopleDirectory>().Current.People.Values;
        using var browser = await host.SignIn(admin);
        using var api = await host.Person(admin);
        foreach (var request in requests)
        {
            var answer = await api.Get($"/api/v1/requests/{request.Id}");
            Assert.Equal((200, request.Status), (answer.Status, answer["status"]));
            Assert.Equal(200, (await browser.Get($"/requests/{request.Id}")).Status);
        }

        var approved = 0;
        foreach (var request in requests.Where(r => r.Status == "active"))
        {
            var waitsFor = await hub.WaitsFor(RequestId.Of(request.Id));
            foreach (var reviewer in people.Where(p => waitsFor.Contains(Party.Person(p.Id).Text)))
            {
                var now = await hub.Find(RequestId.Of(request.Id));
                if (now.Status == Status.Active)
                    await hub.Answer(now, reviewer, Answer.Approve, digest: now.AnswerDigest);
            }
            approved += (await hub.Find(RequestId.Of(request.Id))).Status == Status.Approved ? 1 : 0;
        }
        Assert.True(approved > 0, "None of the requests that waited could be approved.");
    }

    [Theory, BothEngines]
    public async Task A_store_full_of_seals_hands_over_to_a_tree_as_OpenSSL_verifies(Engine engine)
    {
        var kept = KeptStores.Of(engine)[0];
        var place = await TestStore.Place(engine);
        await KeptStores.Restore(place, kept);
        place.Clock.Now = await Latest(place) + TimeSpan.FromHours(1);
        var keyFile = KeptStores.KeyFile(engine, kept);
        using var key = new SealKey(RootKey.Load(keyFile, mayCreate: false));
        await using var hub = await TestHub.Start(place);
        (hub.SealKey, hub.HasPoliciesOfItsOwn) = (key, true);
        var head = await hub.Store.Read(Sealer.Last);
        var signing = new SigningPlace(place.SignedFile, null, "hub.example.test");
        using var sealer = Sealers.Of(hub.Store, keyFile, key, place.Clock, signing);
        await hub.AddPerson("Nora New");
        await sealer.SealAll();

        var epoch = (await hub.Store.Read(Epoch.Newest))!;
        var leaf = (await hub.Store.Read(r => LogTree.FirstLeaf(r, 1)))!;
        Assert.Equal((EpochReason.First, epoch.AfterSeal), (leaf.Reason, leaf.Seal));
        Assert.True(head.N > 0 && leaf.Seal >= head.N);
        var folder = System.IO.Directory.CreateTempSubdirectory("countersign-handover-").FullName;
        try
        {
            async Task<int> Verified(string text)
            {
                await File.WriteAllTextAsync(Path.Combine(folder, "leaf"), text);
                await File.WriteAllBytesAsync(
                    Path.Combine(folder, "signature"),
                    Convert.FromBase64String(epoch.Signature)
                );
                await File.WriteAllTextAsync(
                    Path.Combine(folder, "seals.pem"),
                    $"-----BEGIN PUBLIC KEY-----\n{leaf.SealKey}\n-----END PUBLIC KEY-----\n"
                );
                var (code, _, why) = await Programs.Run(
                    "openssl",
                    ["dgst", "-sha256", "-verify", "seals.pem", "-signature", "signature", "leaf"],
                    folder
                );
                Assert.SkipWhen(code == -1, $"There is no openssl: {why}");
                return code;
            }
            Assert.Equal(0, await Verified(leaf.ToString()));
            Assert.NotEqual(0, await Verified(leaf.ToString().Replace("/1", "/2", StringComparison.Ordinal)));
        }
        finally
        {
            System.IO.Directory.Delete(folder, recursive: true);
        }
        var verification = await new Verify(hub.Store, key) { ChecksPolicies = false }.Run(head);
        Assert.Equal([], verification.Problems);
    }

    /// <summary>
    /// What is in newer tables is migrated in none of the cases above until a store with it is kept, which
    /// <c>tools/keep-store.sh</c> has this test do.
    /// </summary>
    [Theory, BothEngines]
    public async Task Not_too_many_migrations_were_added_since_a_store_was_kept(Engine engine)
    {
        if (KeptStores.ShouldKeep)
            await KeptStores.Keep(engine);
        var newest = KeptStores.Of(engine)[^1];
        var since = Migration.For("sqlite").Where(m => m.Number > newest).Select(m => m.Name).ToList();
        Assert.True(
            since.Count <= MaxBehind,
            $"The newest kept store lacks {string.Join(", ", since)}. {KeptStores.HowToKeepOne}"
        );
    }

    private static async Task MigrateTo(TestStore place, int number)
    {
        var migrations = Migration.For("sqlite");
        if (migrations.FirstOrDefault(m => m.Number > number) is { } next)
            await MigrationTests.MigrateUpTo(place, next.Name);
    }

    private static async Task<DateTimeOffset> Latest(TestStore place)
    {
        await using var connection = await place.OpenRaw();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT max(at) FROM events";
        return Instant.Parse((string)(await command.ExecuteScalarAsync())!);
    }

    private sealed class RequestLine
    {
        public required string Id { get; init; }
        public required string Status { get; init; }
    }
}
