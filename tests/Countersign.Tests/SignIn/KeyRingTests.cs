using System.Security.Cryptography;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests;

public sealed class KeyRingTests
{
    [Theory, BothEngines]
    public async Task What_one_node_protects_every_other_and_a_later_one_can_read_and_the_store_alone_cannot(
        Engine engine
    )
    {
        await using var place = await TestStore.Start(engine);
        var file = KeyFile();
        await using var one = Node(place.Store, RootKey.Load(file, mayCreate: true));
        var secret = Protector(one).Protect("the password of the mail server");
        Assert.DoesNotContain("password", secret, StringComparison.Ordinal);

        await using var two = Node(await place.OpenAnother(), RootKey.Load(file, mayCreate: false));
        Assert.Equal("the password of the mail server", Protector(two).Unprotect(secret));
        Assert.Equal("another", Protector(one).Unprotect(Protector(two).Protect("another")));
        Assert.Equal(1, await place.Count("key_ring"));
        // Neither the secret nor anything of the framework's form lies open.
        Assert.DoesNotContain("<", await place.Text("SELECT sealed FROM key_ring"), StringComparison.Ordinal);

        await using var stranger = Node(await place.OpenAnother(), RootKey.Load(KeyFile(), mayCreate: true));
        Assert.ThrowsAny<CryptographicException>(() => Protector(stranger).Unprotect(secret));
    }

    [Theory, BothEngines]
    public async Task A_key_that_was_put_into_the_store_or_changed_there_is_not_used(Engine engine)
    {
        await using var place = await TestStore.Start(engine);
        var file = KeyFile();
        await using var one = Node(place.Store, RootKey.Load(file, mayCreate: true));
        var secret = Protector(one).Protect("x");
        await place.Tamper("UPDATE key_ring SET name = 'moved'");
        await place.Tamper(
            """
            INSERT INTO key_ring (name, sealed, at)
            VALUES ('key-00000000-0000-0000-0000-000000000000', '<key/>', '2026-01-01T00:00:00.000Z')
            """
        );
        await using var two = Node(await place.OpenAnother(), RootKey.Load(file, mayCreate: false));
        Assert.ThrowsAny<CryptographicException>(() => Protector(two).Unprotect(secret));
    }

    private static string KeyFile() =>
        Path.Combine(
            Path.GetTempPath(),
            $"countersign-test-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.key"
        );

    /// <summary>As another process has it that has just read the key file.</summary>
    public static IDataProtectionProvider ProviderOf(Store store, string rootKeyFile) =>
        Node(store, RootKey.Load(rootKeyFile, mayCreate: false)).GetRequiredService<IDataProtectionProvider>();

    private static ServiceProvider Node(Store store, RootKey rootKey) =>
        new ServiceCollection()
            .AddLogging()
            .AddSingleton(store)
            .AddSingleton(rootKey)
            .AddKeyRing()
            .BuildServiceProvider();

    private static IDataProtector Protector(IServiceProvider node) =>
        node.GetRequiredService<IDataProtectionProvider>().CreateProtector("Countersign.test");
}
