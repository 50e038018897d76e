using Countersign.Audit;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Another root key takes the place of the one there was. What it does to stored secrets is in
/// <see cref="ReencryptionTests"/>.
/// </summary>
public sealed class RootKeyRotationTests
{
    private const string Stopped = "--servers-are-stopped";

    [Theory, BothEngines]
    public async Task What_was_sealed_before_holds_and_the_earlier_key_fits_no_longer(Engine engine)
    {
        await using var shell = await Sealed(engine);
        var before = await File.ReadAllTextAsync(shell.RootKeyFile, TestContext.Current.CancellationToken);
        Assert.Equal(2, (await shell.Json("key", "rotate")).ExitCode);

        var rotated = await shell.Json("key", "rotate", Stopped);
        Assert.Equal((0, ""), (rotated.ExitCode, rotated.Error));
        await Verifies(shell);
        Assert.Equal(0, (await shell.Json("user", "add", "bob@example.test", "--name", "Bob")).ExitCode);
        Assert.Equal(0, (await shell.Json("key", "rotate", Stopped)).ExitCode);
        await Verifies(shell);
        Assert.Equal(2, (await shell.Place.Events("hub")).Count(e => e.Kind == "root_key.rotated"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(shell.RootKeyFile));
        }

        // A node that still has the earlier key is noticed, although the latest seals were made with it.
        await File.WriteAllTextAsync(shell.RootKeyFile, before, TestContext.Current.CancellationToken);
        Assert.Equal(
            (1, WrongRootKey.Code),
            (await shell.Json("user", "add", "cid@example.test", "--name", "Cid")).Failure
        );
    }

    [Theory, BothEngines]
    public async Task Interrupted_anywhere_the_store_opens_with_one_of_the_two_and_a_further_run_finishes(Engine engine)
    {
        await using var shell = await Sealed(engine);
        var next = RotateRootKey.NextFile(shell.RootKeyFile);

        // The new key was written, and the store doesn't have it yet.
        RootKey
            .Load(shell.RootKeyFile, mayCreate: false)
            .Next(new FormerSealKey(KeyOf(shell).PublicKey, 1, 1))
            .WriteTo(next);
        Assert.Equal(0, (await shell.Json("user", "add", "bob@example.test", "--name", "Bob")).ExitCode);
        Assert.Equal(0, (await shell.Json("key", "rotate", Stopped)).ExitCode);
        Assert.False(File.Exists(next));
        await Verifies(shell);

        // The store has it, and the file isn't in its place yet.
        var earlier = await File.ReadAllBytesAsync(shell.RootKeyFile, TestContext.Current.CancellationToken);
        Assert.Equal(0, (await shell.Json("key", "rotate", Stopped)).ExitCode);
        File.Move(shell.RootKeyFile, next);
        await File.WriteAllBytesAsync(shell.RootKeyFile, earlier, TestContext.Current.CancellationToken);
        foreach (var kept in Directory.GetFiles(shell.Folder, "*.old"))
            File.Delete(kept);
        Assert.Equal(
            (1, WrongRootKey.Code),
            (await shell.Json("user", "add", "cid@example.test", "--name", "Cid")).Failure
        );
        Assert.Equal(0, (await shell.Json("key", "rotate", Stopped)).ExitCode);
        Assert.False(File.Exists(next));
        await Verifies(shell);
    }

    [Theory, BothEngines]
    public async Task What_the_earlier_key_signs_after_it_was_replaced_proves_nothing(Engine engine)
    {
        await using var shell = await Sealed(engine);
        using var stolen = KeyOf(shell);
        Assert.Equal(0, (await shell.Json("key", "rotate", Stopped)).ExitCode);
        using var current = KeyOf(shell);
        var last = await shell.Place.Number("SELECT max(n) FROM seals");
        var hash = Hashes.Sha256("anything");
        Assert.True(current.IsSignatureOfSeal(1, hash, stolen.Sign(hash)));
        Assert.False(current.IsSignatureOfSeal(last, hash, stolen.Sign(hash)));
        Assert.False(current.IsSignatureOf(hash, stolen.Sign(hash)));
        var highest = await shell.Place.Number("SELECT max(id) FROM events");
        Assert.False(current.IsSignatureOfEvent(highest, hash, stolen.Sign(hash)));

        // The last seal, made anew with the stolen key.
        var sealHash = await shell.Place.Store.Read(r =>
            r.Text("SELECT hash FROM seals WHERE n = @last", new { last })
        );
        await shell.Place.Store.InTransaction(async tx =>
            await tx.Execute(
                "UPDATE seals SET signature = @signature WHERE n = @last",
                new { signature = stolen.Sign(sealHash!), last }
            )
        );
        Assert.NotEqual(0, (await shell.Json("audit", "verify")).ExitCode);
        using var good = KeyOf(shell);
        await shell.Place.Store.InTransaction(async tx =>
            await tx.Execute(
                "UPDATE seals SET signature = @signature WHERE n = @last",
                new { signature = good.Sign(sealHash!), last }
            )
        );
        await Verifies(shell);
    }

    private static async Task Verifies(Shell shell)
    {
        var verified = await shell.Json("audit", "verify");
        Assert.True(verified.ExitCode == 0, verified.Output + verified.Error);
    }

    private static SealKey KeyOf(Shell shell) => new(RootKey.Load(shell.RootKeyFile, mayCreate: false));

    private static async Task<Shell> Sealed(Engine engine)
    {
        var shell = await Shell.Start(engine);
        Assert.Equal(0, (await shell.Json("user", "add", "ada@example.test", "--name", "Ada")).ExitCode);
        // The first secret makes the key ring.
        KeyRingTests.ProviderOf(shell.Place.Store, shell.RootKeyFile).CreateProtector("test").Protect("a secret");
        using var key = KeyOf(shell);
        using var sealer = Sealers.Of(shell, key);
        await sealer.SealAll(TestContext.Current.CancellationToken);
        return shell;
    }
}
