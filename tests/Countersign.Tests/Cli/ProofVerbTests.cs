using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Proof;
using Countersign.SignIn;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary><c>countersign proof …</c>.</summary>
public sealed class ProofVerbTests
{
    [Theory, BothEngines]
    public async Task Trap_39_from_the_first_key_one_walks_to_the_last_through_leaves_and_signatures(Engine engine)
    {
        await using var shell = await Sealed(engine);
        Assert.Equal(0, (await shell.Json("key", "rotate", "--servers-are-stopped")).ExitCode);
        Assert.Equal(0, (await shell.Json("proof", "new-epoch", "--reason", "theft")).ExitCode);
        Assert.Equal(2, (await shell.Json("proof", "new-epoch", "--reason", "a whim")).ExitCode);

        var keys = (await shell.Json("proof", "keys")).Done;
        Assert.Equal(JsonValueKind.Null, keys.GetProperty("notSigned").ValueKind);
        var epochs = keys.GetProperty("epochs").EnumerateArray().ToList();
        Assert.Equal(["first", "rotation", "theft"], epochs.Select(e => Text(e, "reason")));
        for (var i = 1; i < epochs.Count; i++)
        {
            var (before, leaf) = (epochs[i - 1], EpochLeaf.Parse(Text(epochs[i], "firstLeaf"))!);
            Assert.Equal(Text(epochs[i], "key"), leaf.Vkey);
            Assert.True(NoteKey.TryParse(Text(before, "key"), out var key, out var why), why);
            var note = SignedNote.Parse(Text(before, "checkpoint"), out why)!;
            Assert.True(note.IsSignedBy(key, out _));
            var head = Checkpoint.Parse(note.Text, out why)!;
            Assert.Equal(
                (head.Origin, head.Size, Convert.ToBase64String(head.Root)),
                (leaf.Previous!.Origin, leaf.Previous.Size, Convert.ToBase64String(leaf.Previous.Root))
            );
            Assert.True(IsSigned(leaf, Text(epochs[i], "signature")));
        }

        // The key that takes over as planned is the last leaf of the signed tree before.
        var last = Text(epochs[0], "lastLeaf");
        Assert.Equal($"countersign-epoch-end-v1\n1\n{Text(epochs[1], "key")}", last);
        var ended = Checkpoint.Parse(SignedNote.Parse(Text(epochs[0], "checkpoint"), out _)!.Text, out _)!;
        var path = await shell.Place.Store.Read(r => new StoredTree(r, 1).Inclusion(ended.Size - 1, ended.Size));
        var hash = MerkleTree.LeafHash(Encoding.UTF8.GetBytes(last));
        Assert.True(MerkleTree.IsIncluded((ulong)ended.Size - 1, (ulong)ended.Size, hash, path, ended.Root));
        Assert.Equal(JsonValueKind.Null, epochs[1].GetProperty("lastLeaf").ValueKind);

        // A receipt of the second epoch has what leads there from the first key, and one of the third has nothing.
        Assert.True(NoteKey.TryParse(Text(epochs[0], "key"), out var first, out _));
        var announced = await Announced(2);
        TestContext.Current.TestOutputHelper?.WriteLine($"One change in a receipt: {announced!.Length}");
        var led = EpochChain.Parse(announced!, out _)!.KeyOf(Text(epochs[1], "origin"), first, out _);
        Assert.Equal(Text(epochs[1], "key"), led?.ToString());
        Assert.Null(await Announced(3));
        ValueTask<string?> Announced(long number) =>
            shell.Place.Store.ReadSnapshot(async r => await LogFiles.Announced(r, (await Epoch.Find(r, number))!));

        var verified = await shell.Json("audit", "verify");
        Assert.True(verified.ExitCode == 0, verified.Output);
        Assert.Contains(await shell.Place.Events("hub"), e => e.Kind == "proof.epoch_started");
    }

    [Theory, BothEngines]
    public async Task An_exported_log_is_compared_and_followed(Engine engine)
    {
        await using var shell = await Sealed(engine);
        var key = Text((await shell.Json("proof", "keys")).Done.GetProperty("epochs")[0], "key");
        var (site, file) = (Path.Combine(shell.Folder, "site"), Path.Combine(shell.Folder, "followed"));
        Assert.Equal(0, (await shell.Json("proof", "export", site)).ExitCode);
        Assert.Equal((2, "usage"), (await shell.Json("proof", "follow", file, site)).Failure);
        Assert.Equal("first", Result(await shell.Json("proof", "follow", file, site, "--key", key)));
        var since = await shell.Json("audit", "verify", "--since", Path.Combine(site, "checkpoint"));
        Assert.True(since.ExitCode == 0, since.Output);
        Assert.Equal((1, "invalid"), (await shell.Json("audit", "verify", "--since", shell.RootKeyFile)).Failure);
        Assert.Equal((2, "usage"), (await shell.Json("audit", "verify", "--since", file, "--head", "0:")).Failure);
        Assert.Equal("same", Result(await shell.Json("proof", "compare", site, "store", "--key", key)));
        var earlier = Path.Combine(shell.Folder, "earlier");
        File.Copy(Path.Combine(site, "checkpoint"), earlier);

        await Grow(shell, 300);
        Assert.Equal("grown", Result(await shell.Json("proof", "follow", file, "store")));
        Assert.Equal("same", Result(await shell.Json("proof", "follow", file, "store")));
        Assert.Equal("grown", Result(await shell.Json("proof", "compare", earlier, "store")));
        Assert.Equal(0, (await shell.Json("proof", "export", site)).ExitCode);
        Assert.True(File.Exists(Path.Combine(site, "tile", "0", "000")));
        Assert.Equal("grown", Result(await shell.Json("proof", "compare", earlier, site)));
        Assert.Equal("behind", Result(await shell.Json("proof", "compare", site, earlier)));
        await EntriesHashToLeaves(site);

        // The same key, and another history: as a copy would sign it that has the whole folder.
        var note = await File.ReadAllTextAsync(earlier, TestContext.Current.CancellationToken);
        var head = Checkpoint.Parse(SignedNote.Parse(note, out _)!.Text, out _)!;
        var forged = new LogKeys(RootKey.Load(shell.RootKeyFile, mayCreate: false))
            .Of(1, head.Origin)
            .Sign((head with { Root = MerkleTree.EmptyRoot }).ToString());
        await File.WriteAllTextAsync(earlier, forged, TestContext.Current.CancellationToken);
        var evidence = Path.Combine(shell.Folder, "evidence");
        var found = await shell.Json("proof", "compare", earlier, "store", "--key", key, "--evidence", evidence);
        Assert.Equal((1, "inconsistent"), (found.ExitCode, Text(found.Document, "result")));
        Assert.StartsWith(
            forged,
            await File.ReadAllTextAsync(evidence, TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );

        // Tiles that don't fit their checkpoint prove nothing in either way.
        var tile = Path.Combine(site, "tile", "0", "000");
        var bytes = await File.ReadAllBytesAsync(tile, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(tile, bytes, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(earlier, note, TestContext.Current.CancellationToken);
        Assert.Equal((3, "unavailable"), (await shell.Json("proof", "compare", earlier, site)).Failure);
    }

    [Theory, BothEngines]
    public async Task Trap_39_following_goes_on_into_an_announced_epoch_and_asks_for_the_key_of_another(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        var cancel = TestContext.Current.CancellationToken;
        await using var shell = await Sealed(engine);
        async Task<List<string>> Keys() =>
            [
                .. (await shell.Json("proof", "keys"))
                    .Done.GetProperty("epochs")
                    .EnumerateArray()
                    .Select(e => Text(e, "key")),
            ];
        var (site, file) = (Path.Combine(shell.Folder, "site"), Path.Combine(shell.Folder, "followed"));
        var (copy, evidence) = (Path.Combine(shell.Folder, "earlier"), Path.Combine(shell.Folder, "evidence"));
        async Task Export() => Assert.Equal(0, (await shell.Json("proof", "export", site)).ExitCode);
        var first = (await Keys())[0];
        await Grow(shell, 300);
        await Export();
        Assert.Equal("first", Result(await shell.Json("proof", "follow", file, site, "--key", first)));
        File.Copy(Path.Combine(site, "checkpoint"), copy);
        await Grow(shell, 3);
        Assert.Equal(0, (await shell.Json("key", "rotate", "--servers-are-stopped")).ExitCode);
        await Grow(shell, 2);
        await Export();

        // Tiles of the epoch that ended don't stay where the new one's are shown.
        Assert.False(File.Exists(Path.Combine(site, "tile", "0", "000")));
        Assert.True(File.Exists(Path.Combine(site, "epochs", "1", "tile", "0", "000")));
        var compared = await shell.Json("proof", "compare", copy, site, "--key", first);
        Assert.Equal("new_epoch", Result(compared));
        Assert.Equal("new_epoch", Result(await shell.Json("proof", "compare", copy, "store", "--key", first)));
        Assert.Equal("other_origin", Text((await shell.Json("proof", "compare", copy, site)).Document, "result"));

        // Without the leaf in the old log, or with another one, nobody is led to the new key.
        var (chain, kept) = (Path.Combine(site, "chain"), await File.ReadAllTextAsync(file, cancel));
        var proofs = (await File.ReadAllTextAsync(chain, cancel)).Split("c2sp.org/tlog-proof@v1\n");
        Assert.Equal(4, proofs.Length);
        await File.WriteAllTextAsync(
            chain,
            string.Join("c2sp.org/tlog-proof@v1\n", proofs[0], proofs[1], proofs[3]),
            cancel
        );
        var refused = await shell.Json("proof", "follow", file, site);
        Assert.Equal((1, "not_announced"), (refused.ExitCode, Text(refused.Document, "result")));
        proofs[2] = proofs[2].Replace("\nindex 30", "\nindex 20");
        await File.WriteAllTextAsync(chain, string.Join("c2sp.org/tlog-proof@v1\n", proofs), cancel);
        Assert.Equal((1, "invalid"), (await shell.Json("proof", "follow", file, site)).Failure);
        Assert.Equal(kept, await File.ReadAllTextAsync(file, cancel));

        await Export();
        var followed = await shell.Json("proof", "follow", file, site);
        Assert.Equal("new_epoch", Result(followed));
        Assert.True(followed.Done.GetProperty("epochs")[0].GetProperty("announced").GetBoolean());
        Assert.StartsWith((await Keys())[1], await File.ReadAllTextAsync(file, cancel), StringComparison.Ordinal);
        await Grow(shell, 2);
        Assert.Equal("grown", Result(await shell.Json("proof", "follow", file, "store")));

        // After a theft the old log announces nothing, and the new key comes by hand.
        Assert.Equal(0, (await shell.Json("proof", "new-epoch", "--reason", "theft")).ExitCode);
        refused = await shell.Json("proof", "follow", file, "store");
        Assert.Equal((1, "not_announced"), (refused.ExitCode, Text(refused.Document, "result")));
        refused = await shell.Json("proof", "follow", file, "store", "--key", first);
        Assert.Equal((1, "not_announced"), (refused.ExitCode, Text(refused.Document, "result")));
        var last = (await Keys())[2];

        // With the key too, what was seen must be in what the new epoch follows.
        kept = await File.ReadAllTextAsync(file, cancel);
        var head = Checkpoint.Parse(SignedNote.Parse(kept[(kept.IndexOf('\n') + 1)..], out _)!.Text, out _)!;
        var signer = new LogKeys(RootKey.Load(shell.RootKeyFile, mayCreate: false)).Of(2, head.Origin);
        foreach (
            var (seen, result) in new[]
            {
                (head with { Size = head.Size + 9 }, "cut"),
                (head with { Root = MerkleTree.EmptyRoot }, "inconsistent"),
            }
        )
        {
            await File.WriteAllTextAsync(file, $"{signer.Key}\n{signer.Sign(seen.ToString())}", cancel);
            refused = await shell.Json("proof", "follow", file, "store", "--key", last, "--evidence", evidence);
            Assert.Equal((1, result), (refused.ExitCode, Text(refused.Document, "result")));
        }
        Assert.True(File.Exists(evidence));
        await File.WriteAllTextAsync(file, kept, cancel);
        followed = await shell.Json("proof", "follow", file, "store", "--key", last);
        Assert.Equal("new_epoch", Result(followed));
        Assert.False(followed.Done.GetProperty("epochs")[0].GetProperty("announced").GetBoolean());
        Assert.Equal("same", Result(await shell.Json("proof", "follow", file, "store")));
    }

    [Theory, BothEngines]
    public async Task Doctor_says_why_a_copy_is_not_signed_and_what_to_run(Engine engine)
    {
        await using var shell = await Sealed(engine);
        Assert.DoesNotContain("isn't signed", (await shell.Run("doctor")).Output, StringComparison.Ordinal);
        File.Delete(shell.RootKeyFile + ".signed");
        var doctor = await shell.Run("doctor");
        Assert.Equal(1, doctor.ExitCode);
        Assert.Contains("countersign proof new-epoch", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("The log isn't signed", (await shell.Run("proof", "keys")).Output, StringComparison.Ordinal);

        Assert.Equal(0, (await shell.Json("proof", "new-epoch", "--reason", "copy")).ExitCode);
        Assert.DoesNotContain("isn't signed", (await shell.Run("doctor")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trap_12_a_hub_at_another_address_is_signed_again_once_an_operator_says_that_it_moved()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        Assert.Equal(0, (await shell.Json("user", "add", "ada@example.test", "--name", "Ada")).ExitCode);
        using var key = new SealKey(RootKey.Load(shell.RootKeyFile, mayCreate: false));
        using var sealer = Sealers.Of(shell.Place.Store, shell.RootKeyFile, key, shell.Place.Clock);
        await sealer.SealAll(TestContext.Current.CancellationToken);
        // The verbs know another address than the one at which it was signed: none.
        Assert.Contains("countersign proof moved", (await shell.Run("doctor")).Output, StringComparison.Ordinal);
        Assert.Equal("hub.example.test", Text((await shell.Json("proof", "moved")).Done, "before"));
        Assert.DoesNotContain("isn't signed", (await shell.Run("doctor")).Output, StringComparison.Ordinal);
        Assert.Equal((1, "not_found"), (await shell.Json("proof", "moved")).Failure);
        Assert.Equal(0, (await shell.Json("audit", "verify")).ExitCode);
    }

    [Theory, PostgresOnly]
    public async Task Trap_17_doctor_says_when_a_commit_is_not_on_the_disk(Engine engine)
    {
        await using var shell = await Sealed(engine);
        await shell.Place.Tamper(
            """
            DO $$ BEGIN
              EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
            END $$
            """
        );
        var doctor = await shell.Run("doctor");
        Assert.Contains("synchronous_commit = off", doctor.Output, StringComparison.Ordinal);
    }

    /// <summary>Each text of a bundle is the leaf whose hash stands in the tile.</summary>
    private static async Task EntriesHashToLeaves(string site)
    {
        var cancel = TestContext.Current.CancellationToken;
        var bundle = await File.ReadAllBytesAsync(Path.Combine(site, "tile", "entries", "000"), cancel);
        var tile = await File.ReadAllBytesAsync(Path.Combine(site, "tile", "0", "000"), cancel);
        var hashes = new List<byte>();
        for (var at = 0; at < bundle.Length; )
        {
            var length = (bundle[at] << 8) + bundle[at + 1];
            hashes.AddRange(MerkleTree.LeafHash(bundle.AsSpan(at + 2, length)));
            at += 2 + length;
        }
        Assert.Equal(tile, hashes);
    }

    private static bool IsSigned(EpochLeaf leaf, string signature)
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(leaf.SealKey), out _);
        return key.VerifyData(
            Encoding.UTF8.GetBytes(leaf.ToString()),
            Convert.FromBase64String(signature),
            System.Security.Cryptography.HashAlgorithmName.SHA256,
            System.Security.Cryptography.DSASignatureFormat.Rfc3279DerSequence
        );
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static string Result(Ran ran) => Text(ran.Document, "result");

    private static async Task<Shell> Sealed(Engine engine)
    {
        var shell = await Shell.Start(engine);
        Assert.Equal(0, (await shell.Json("user", "add", "ada@example.test", "--name", "Ada")).ExitCode);
        await Grow(shell, 0);
        return shell;
    }

    private static async Task Grow(Shell shell, int events)
    {
        await shell.Place.Store.InTransaction(async tx =>
        {
            for (var n = 0; n < events; n++)
                await tx.Append("hub", Some.Origin, "test.happened", new { n });
        });
        using var key = new SealKey(RootKey.Load(shell.RootKeyFile, mayCreate: false));
        using var sealer = Sealers.Of(shell, key);
        await sealer.SealAll(TestContext.Current.CancellationToken);
    }
}
