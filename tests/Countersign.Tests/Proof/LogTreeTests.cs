using System.Security.Cryptography;
using System.Text;
using Countersign.Audit;
using Countersign.Proof;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Xunit;

namespace Countersign.Tests.Proof;

/// <summary>The tree of the log, as it lies in the store and is signed.</summary>
public sealed class LogTreeTests
{
    [Theory, BothEngines]
    public async Task Every_event_has_a_proof_that_the_published_key_verifies(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben", "Cid");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.AddPeople("Dan", "Eve");
        Assert.IsType<ProofOutcome.NotYet>(await Proofs(recorded).Event(5));
        await recorded.Sealer.SealOnce();
        Assert.IsType<ProofOutcome.NotFound>(await Proofs(recorded).Event(6));

        Assert.Equal([1, 2, 3, 4, 5], await Indexes(recorded));
        var consistency = await Proofs(recorded).Consistency(1, 4, 6);
        var (first, second) = (await RootOf(recorded, 4), await RootOf(recorded, 6));
        Assert.True(MerkleTree.IsConsistent(4, 6, consistency!, first, second));
        Assert.Null(await Proofs(recorded).Consistency(1, 4, 7));
        Assert.Null(await Proofs(recorded).Consistency(1, 0, 6));
    }

    [Theory, BothEngines]
    public async Task A_hub_from_before_the_tree_begins_it_by_itself_after_what_was_sealed(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.Place.Tamper("DELETE FROM tree_heads; DELETE FROM epochs");
        File.Delete(recorded.RootKeyFile + ".signed");
        await recorded.Hub.AddPeople("Cid");
        using var upgraded = recorded.NewSealer(recorded.Hub.Store);
        await upgraded.SealAll();

        Assert.IsType<ProofOutcome.BeforeTree>(await Proofs(recorded).Event(2));
        Assert.Equal(1, await Verifies(recorded, (await recorded.Hub.Place.Events())[2]));
        var epoch = await recorded.Hub.Store.Read(Epoch.Newest);
        var leaf = await recorded.Hub.Store.Read(r => LogTree.FirstLeaf(r, 1));
        Assert.Equal((1, EpochReason.First), (leaf!.Seal, leaf.Reason));
        Assert.True(
            ECDsa(leaf.SealKey)
                .VerifyData(
                    Encoding.UTF8.GetBytes(leaf.ToString()),
                    Convert.FromBase64String(epoch!.Signature),
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.Rfc3279DerSequence
                )
        );
        Assert.True(
            ECDsa(leaf.SealKey)
                .VerifyHash(
                    Convert.FromHexString(leaf.SealHash),
                    Convert.FromBase64String(leaf.SealSignature),
                    DSASignatureFormat.Rfc3279DerSequence
                )
        );
        Assert.True((await recorded.Check()).Ok);
    }

    [Fact]
    public async Task With_the_switch_each_checkpoint_has_a_second_line_by_an_ML_DSA_key_of_the_epoch()
    {
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        var place = Sealers.PlaceOf(recorded.RootKeyFile) with { HasMlDsa = true };
        using var sealer = Sealers.Of(
            recorded.Hub.Store,
            recorded.RootKeyFile,
            recorded.Key,
            recorded.Hub.Clock,
            place
        );
        await recorded.Hub.AddPerson("Ann");
        await sealer.SealOnce();

        var epoch = (await recorded.Hub.Store.Read(Epoch.Newest))!;
        var note = SignedNote.Parse((await Proofs(recorded).Checkpoint())!, out _)!;
        Assert.True(NoteKey.TryParse(epoch.Vkey, out var first, out _));
        var second = Sealers.Tree(recorded.Hub.Store, recorded.RootKeyFile, recorded.Key, place).MlDsaKeyOf(epoch)!;
        Assert.Equal(2, note.Signatures.Count);
        Assert.True(note.IsSignedBy(first, out _));
        Assert.True(note.IsSignedBy(second, out _));
        Assert.Null(Sealers.Tree(recorded.Hub.Store, recorded.RootKeyFile, recorded.Key).MlDsaKeyOf(epoch));
        Assert.True((await recorded.Check()).Ok);
    }

    [Theory, BothEngines]
    public async Task Trap_12_at_another_public_address_the_log_keeps_its_name_and_goes_on_when_an_operator_says_so(
        Engine engine
    )
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPerson("Ann");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.AddPerson("Ben");
        var place = Sealers.PlaceOf(recorded.RootKeyFile) with { Address = "another.example.test" };
        var tree = Sealers.Tree(recorded.Hub.Store, recorded.RootKeyFile, recorded.Key, place);
        using var renamed = Sealers.Of(
            recorded.Hub.Store,
            recorded.RootKeyFile,
            recorded.Key,
            recorded.Hub.Clock,
            place
        );
        await renamed.SealAll();
        // It could be a copy of the whole folder.
        Assert.IsType<ProofOutcome.NotYet>(await Proofs(recorded).Event(2));
        var obstacle = await tree.Obstacle(default);
        Assert.Contains("at hub.example.test, and", obstacle, StringComparison.Ordinal);
        Assert.Contains("countersign proof moved", obstacle, StringComparison.Ordinal);

        Assert.Equal("hub.example.test", await tree.Moved(Some.Operator, default));
        Assert.Null(await tree.Moved(Some.Operator, default));
        await renamed.SealAll();
        Assert.Equal([1, 2, 3], await Indexes(recorded));
        Assert.StartsWith("hub.example.test/1\n4\n", await Proofs(recorded).Checkpoint(), StringComparison.Ordinal);
        Assert.Contains(
            "another.example.test",
            await ObstacleAt(recorded, "hub.example.test"),
            StringComparison.Ordinal
        );
        Assert.Contains("is not set now", await ObstacleAt(recorded, null), StringComparison.Ordinal);
        Assert.Null(await ObstacleAt(recorded, "another.example.test"));
    }

    [Theory]
    [InlineData("seals")]
    [InlineData("tree_heads")]
    [InlineData("tiles")]
    public async Task Trap_13_21_what_does_not_commit_is_not_signed_and_nothing_is_remembered_of_it(string table)
    {
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        await recorded.Hub.AddPerson("Ann");
        await recorded.Sealer.SealOnce();
        var signed = await File.ReadAllTextAsync(
            recorded.RootKeyFile + ".signed",
            TestContext.Current.CancellationToken
        );
        await Append(recorded, 300);
        await Change(recorded, $"CREATE TRIGGER fails BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END");
        await Assert.ThrowsAnyAsync<Exception>(() => recorded.Sealer.SealOnce());

        Assert.Equal(
            signed,
            await File.ReadAllTextAsync(recorded.RootKeyFile + ".signed", TestContext.Current.CancellationToken)
        );
        Assert.Equal((1, 2), (await recorded.Hub.Place.Count("seals"), await recorded.Hub.Place.Count("tree_heads")));
        await Change(recorded, "DROP TRIGGER fails");
        await recorded.Sealer.SealAll();
        Assert.Equal(Enumerable.Range(1, 301).Select(i => (long)i), await Indexes(recorded));
        Assert.True((await recorded.Check()).Ok);
    }

    [Theory, BothEngines]
    public async Task Trap_13_a_head_that_a_crash_left_unsigned_gets_the_same_signature_at_the_next_turn(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var file = recorded.RootKeyFile + ".signed";
        await recorded.Hub.AddPerson("Ann");
        await recorded.Sealer.SealOnce();
        var before = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        await recorded.Hub.AddPerson("Ben");
        await recorded.Sealer.SealOnce();
        var (note, after) = (
            await Proofs(recorded).Checkpoint(),
            await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)
        );
        // Before the file was written, and after it.
        foreach (var kept in new[] { before, after })
        {
            await Change(recorded, "UPDATE tree_heads SET note = NULL WHERE size = 3");
            await File.WriteAllTextAsync(file, kept, TestContext.Current.CancellationToken);
            using var next = recorded.NewSealer(recorded.Hub.Store);
            await next.SealOnce();
            Assert.Equal(note, await Proofs(recorded).Checkpoint());
            Assert.Equal(after, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        }
    }

    [Theory, BothEngines]
    public async Task Trap_14_a_restored_store_does_not_sign(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealOnce();
        var backup = await Intruder.Of(recorded);
        await recorded.Hub.AddPeople("Cid", "Dan");
        await recorded.Sealer.SealOnce();
        var receipt = (ProofOutcome.Sealed)await Proofs(recorded).Event(4);

        await backup.PutBack();
        await recorded.Hub.AddPeople("Eve", "Fay", "Gus");
        using var restarted = recorded.NewSealer(recorded.Hub.Store);
        await restarted.SealAll();
        Assert.True((await recorded.Check()).Ok);

        // What happened since the backup is sealed and not signed, and the command for a new epoch is named.
        Assert.StartsWith("hub.example.test/1\n3\n", await Proofs(recorded).Checkpoint(), StringComparison.Ordinal);
        var since = (await recorded.Hub.Place.Events())[2];
        Assert.IsType<ProofOutcome.NotYet>(await Proofs(recorded).Event(since.Id));
        var tree = Sealers.Tree(recorded.Hub.Store, recorded.RootKeyFile, recorded.Key);
        Assert.Contains("countersign proof new-epoch", await tree.Obstacle(default), StringComparison.Ordinal);

        Assert.NotNull(await tree.Begin(EpochReason.Restore, default));
        await restarted.SealAll();
        Assert.Null(await tree.Obstacle(default));
        // Those that were signed stay in their tree; the others are in the new one.
        Assert.Equal([1, 2, 1, 2, 3], await Indexes(recorded));
        var leaf = await recorded.Hub.Store.Read(r => LogTree.FirstLeaf(r, 2));
        Assert.Equal(("hub.example.test/1", 3), (leaf!.Previous!.Origin, leaf.Previous.Size));
        Assert.True((await recorded.Check()).Ok);
        AssertVerifies(receipt);
    }

    [Theory, BothEngines]
    public async Task Trap_14_16_a_store_that_went_back_under_a_running_hub_is_not_signed(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealOnce();
        var backup = await Intruder.Of(recorded);
        await recorded.Hub.AddPeople("Cid", "Dan");
        await recorded.Sealer.SealOnce();

        await backup.PutBack();
        await recorded.Hub.AddPeople("Eve", "Fay");
        await recorded.Sealer.SealAll();

        // As large as before, and another history.
        Assert.Equal(5, await recorded.Hub.Place.Number("SELECT max(size) FROM tree_heads"));
        Assert.Equal(
            0,
            await recorded.Hub.Place.Number("SELECT count(*) FROM tree_heads WHERE size = 5 AND note IS NOT NULL")
        );
    }

    [Theory, BothEngines]
    public async Task Trap_15_a_copy_without_the_file_outside_does_not_sign(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPerson("Ann");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.AddPerson("Ben");
        var copy = Sealers.PlaceOf(recorded.RootKeyFile + ".of-a-copy");
        using var staging = Sealers.Of(
            recorded.Hub.Store,
            recorded.RootKeyFile,
            recorded.Key,
            recorded.Hub.Clock,
            copy
        );
        await staging.SealAll();
        Assert.IsType<ProofOutcome.NotYet>(await Proofs(recorded).Event(2));

        // Where nodes share a store, the configuration gives the right, and only for this origin.
        var other = copy with
        {
            Origin = "hub.example.test/2",
        };
        var obstacle = await Sealers
            .Tree(recorded.Hub.Store, recorded.RootKeyFile, recorded.Key, other)
            .Obstacle(default);
        Assert.Contains("Proof:Origin", obstacle, StringComparison.Ordinal);
        using var node = Sealers.Of(
            recorded.Hub.Store,
            recorded.RootKeyFile,
            recorded.Key,
            recorded.Hub.Clock,
            copy with
            {
                Origin = "hub.example.test/1",
            }
        );
        await node.SealAll();
        Assert.Equal([1, 2], await Indexes(recorded));
    }

    [Fact]
    public async Task Trap_17_a_commit_of_sqlite_waits_for_the_disk()
    {
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        const int full = 2;
        Assert.Equal(full, await recorded.Hub.Store.InTransaction(async tx => await tx.Number("PRAGMA synchronous")));
    }

    [Theory, BothEngines]
    public async Task Trap_18_an_event_that_does_not_hash_to_its_hash_is_not_sealed(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await Change(recorded, "UPDATE events SET data = replace(data, 'Ben', 'Bep') WHERE id = 2");

        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => recorded.Sealer.SealOnce());

        Assert.Contains("Event 2", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await recorded.Hub.Place.Count("seals"));
        Assert.Equal(refused.Message, await Sealer.Damage(recorded.Hub.Store, recorded.Key, default));
        await Change(recorded, "UPDATE events SET data = replace(data, 'Bep', 'Ben') WHERE id = 2");
        Assert.Equal(2, await recorded.Sealer.SealOnce());
    }

    [Theory, PostgresOnly]
    public async Task Trap_19_the_order_of_leaves_is_that_of_sealing_where_ids_come_late(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPerson("Ann");
        var (go, appended) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = recorded.Hub.Store.InTransaction(async tx =>
        {
            await tx.Append("test:77", Some.Origin, "test.happened", new { });
            appended.TrySetResult();
            await go.Task;
        });
        await appended.Task.Soon();
        await recorded.Hub.AddPerson("Ben");
        await recorded.Sealer.SealOnce();
        go.SetResult();
        await slow.Soon();
        await recorded.Hub.AddPerson("Cid");
        await recorded.Sealer.SealOnce();

        // By id: the slow one has the second.
        Assert.Equal([1, 3, 2, 4], await Indexes(recorded));
    }

    [Theory, BothEngines]
    public async Task Trap_20_of_two_sealers_the_one_that_loses_writes_nothing(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        using var other = recorded.NewSealer(await recorded.Hub.Place.OpenAnother());
        for (var round = 0; round < 4; round++)
        {
            await Append(recorded, 150);
            await Task.WhenAll(recorded.Sealer.SealAll(), other.SealAll()).Soon();
        }

        var verification = await recorded.Check();
        Assert.True(verification.Ok, verification.Problem);
        Assert.Equal(601 / Tile.FullWidth, await recorded.Hub.Place.Count("tiles"));
        Assert.Equal(Enumerable.Range(1, 600).Select(i => (long)i), (await Indexes(recorded)).Order());
    }

    [Theory, BothEngines]
    public async Task After_failures_at_every_table_and_beside_another_sealer_all_checkpoints_are_of_one_tree(
        Engine engine
    )
    {
        await using var recorded = await RecordedHub.Start(engine);
        using var other = recorded.NewSealer(await recorded.Hub.Place.OpenAnother());
        var (tables, seen) = (new[] { "seals", "tree_heads", "tiles", "cursors" }, new List<Checkpoint>());
        for (var round = 0; round < (LongRun.IsAskedFor ? 60 : 8); round++)
        {
            await Append(recorded, (round * 97 % 310) + 1);
            var missing = tables[round % tables.Length];
            await Change(recorded, $"ALTER TABLE {missing} RENAME TO away");
            try
            {
                await recorded.Sealer.SealAll();
                // Without a tile that became full, that table isn't needed.
                Assert.Equal("tiles", missing);
            }
            catch (Exception fault) when (fault is not Xunit.Sdk.XunitException) { }
            await Change(recorded, $"ALTER TABLE away RENAME TO {missing}");
            await Task.WhenAll(recorded.Sealer.SealAll(), other.SealAll()).Soon();
            seen.Add(Checkpoint.Parse(SignedNote.Parse((await Proofs(recorded).Checkpoint())!, out _)!.Text, out _)!);
        }

        var newest = seen[^1];
        foreach (var earlier in seen)
        {
            var path = await Proofs(recorded).Consistency(1, earlier.Size, newest.Size);
            Assert.True(
                MerkleTree.IsConsistent((ulong)earlier.Size, (ulong)newest.Size, path!, earlier.Root, newest.Root)
            );
        }
        var leaves = await recorded.Hub.Store.Read(r => new StoredTree(r, 1).Leaves(1, newest.Size));
        var hashes = (await recorded.Hub.Place.Events()).ToDictionary(e => e.Id, e => Convert.FromHexString(e.Hash));
        var first = await recorded.Hub.Store.Read(r => LogTree.FirstLeaf(r, 1));
        var edge = new TreeEdge();
        byte[][] all =
        [
            MerkleTree.LeafHash(Encoding.UTF8.GetBytes(first!.ToString())),
            .. leaves.Select(leaf => hashes[leaf.Event!.Value]),
        ];
        foreach (var leaf in all)
        {
            foreach (var _ in edge.Append(leaf)) { }
        }
        Assert.Equal(newest.Root, edge.Root());
        Assert.True((await recorded.Check()).Ok);
    }

    [Theory, BothEngines]
    public async Task Trap_22_only_full_tiles_are_kept(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await Append(recorded, 254);
        await recorded.Sealer.SealOnce();
        Assert.Equal(0, await recorded.Hub.Place.Count("tiles"));
        foreach (var size in new[] { 256, 257, 258 })
        {
            await Append(recorded, 1);
            using var restarted = recorded.NewSealer(recorded.Hub.Store);
            await restarted.SealOnce();
            Assert.Equal(1, await recorded.Hub.Place.Count("tiles"));
            Assert.Equal(size - 1, await Verifies(recorded, (await recorded.Hub.Place.Events())[^1]));
            Assert.Equal(1, await Verifies(recorded, (await recorded.Hub.Place.Events())[0]));
        }
        Assert.True((await recorded.Check()).Ok);
    }

    [Fact]
    public async Task Trap_22_a_second_level_of_tiles_follows_from_rows_too()
    {
        Assert.SkipUnless(LongRun.IsAskedFor, "65,537 events take a while: in ./test.sh --long.");
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        await Append(recorded, 65_534);
        await recorded.Sealer.SealAll();
        foreach (var size in new[] { 65_536, 65_537, 65_538 })
        {
            await Append(recorded, 1);
            using var restarted = recorded.NewSealer(recorded.Hub.Store);
            await restarted.SealOnce();
            foreach (var id in new[] { 1, 255, 256, 40_000, size - 1 })
            {
                var e = await recorded.Hub.Store.Read(r =>
                    r.First<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events WHERE id = @id", new { id })
                );
                Assert.Equal(id, await Verifies(recorded, e!));
            }
        }
        Assert.Equal(257, await recorded.Hub.Place.Count("tiles"));
        Assert.True((await recorded.Check()).Ok);
    }

    [Theory, PostgresOnly]
    public async Task Trap_32_two_leaves_for_one_number_of_a_history_are_refused(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await Append(recorded, 4);
        await recorded.Sealer.SealAll();
        var history = (await recorded.Hub.Place.Events("hub")).OrderBy(e => e.N).ToList();
        var other = new StoredEvent
        {
            Subject = "hub",
            N = 2,
            At = history[1].At,
            Kind = "test.other",
            Actor = history[1].Actor,
            Via = history[1].Via,
            Address = history[1].Address,
            Data = history[1].Data,
            People = history[1].People,
            Salts = history[1].Salts,
            Hash = "",
        };
        // SQLite can't drop the rule that forbids it without making the table anew.
        await Change(
            recorded,
            $"""
            ALTER TABLE events DROP CONSTRAINT events_subject_n_key;
            INSERT INTO events (subject, n, at, kind, actor, via, address, data, people, salts, hash)
            SELECT subject, n, at, '{other.Kind}', actor, via, address, data, people, salts,
              '{other.HashAfter(history[0].Hash)}'
            FROM events WHERE subject = 'hub' AND n = 2
            """
        );
        await recorded.Sealer.SealAll();
        Assert.Equal(5, (await Indexes(recorded)).Count);

        var problems = (await recorded.Check()).Problems;

        Assert.Contains(problems, p => p.Contains("has the number of event", StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task Trap_32_a_leaf_beside_all_histories_is_refused(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await Append(recorded, 4);
        await recorded.Sealer.SealAll();
        var history = (await recorded.Hub.Place.Events("hub")).OrderBy(e => e.N).ToList();
        var text = EventLeaf.Of(history[1])!.TextAfter(history[0].Hash).Replace("test.happened", "test.other");
        var (edge, head) = await recorded.Hub.Store.Read(async r =>
            (await new StoredTree(r, 1).Edge(5), (await TreeHead.Newest(r, 1))!)
        );
        Assert.Empty(edge.Append(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(text))));
        // Where only the log's own leaves stand, which no seal covers.
        await Change(
            recorded,
            $"""
            INSERT INTO tree_heads (epoch, size, first, seal, position, leaf, root)
            VALUES (1, 6, 5, {head.Seal}, {head.Position}, '{text}', '{Convert.ToBase64String(edge.Root())}')
            """
        );
        using var restarted = recorded.NewSealer(recorded.Hub.Store);
        await restarted.SealAll();
        Assert.StartsWith("hub.example.test/1\n6\n", await Proofs(recorded).Checkpoint(), StringComparison.Ordinal);

        var problems = (await recorded.Check()).Problems;

        Assert.Contains(problems, p => p.Contains("leaf of its own of size 6", StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task A_tail_that_is_cut_and_written_anew_with_the_key_contradicts_what_others_have(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealOnce();
        var early = await recorded.Hub.Place.Events();
        var cut = await Intruder.Of(recorded);
        await recorded.Hub.AddPeople("Cid", "Dan");
        await recorded.Sealer.SealOnce();
        var receipt = (ProofOutcome.Sealed)await Proofs(recorded).Event(4);
        var (proof, earlier) = AssertVerifies(receipt);
        var gone = (await recorded.Hub.Place.Events()).Single(e => e.Id == 4);

        await cut.PutBack();
        await recorded.Hub.AddPeople("Eve", "Fay");
        // Whoever has everything also gives themselves the right to sign.
        File.Delete(recorded.RootKeyFile + ".signed");
        using var forger = Sealers.Of(
            recorded.Hub.Store,
            recorded.RootKeyFile,
            recorded.Key,
            recorded.Hub.Clock,
            Sealers.PlaceOf(recorded.RootKeyFile) with
            {
                Origin = "hub.example.test/1",
            }
        );
        await forger.SealAll();

        Assert.True((await recorded.Check()).Ok);
        Assert.Equal([1, 2, 3, 4], await Indexes(recorded));
        foreach (var size in new[] { 5, 6 })
        {
            var note = SignedNote.Parse((await Proofs(recorded).Checkpoint())!, out var why)!;
            var now = Checkpoint.Parse(note.Text, out why)!;
            Assert.Equal(size, now.Size);
            // Two notes of one size with two roots are proof by themselves.
            Assert.IsType<LogComparison.Inconsistent>(
                await LogComparison.Of(
                    earlier,
                    now,
                    tile => new LogFiles(recorded.Hub.Store).Hashes(tile, null, default)
                )
            );
            Assert.False(
                MerkleTree.IsIncluded(
                    (ulong)proof.Index,
                    (ulong)now.Size,
                    Convert.FromHexString(gone.Hash),
                    proof.Hashes,
                    now.Root
                )
            );
            await recorded.Hub.AddPerson($"Gus {size}");
            await forger.SealAll();
        }
        // What was before is in both.
        Assert.Equal(early.Select(e => e.Hash), (await recorded.Hub.Place.Events()).Take(2).Select(e => e.Hash));
    }

    [Theory, BothEngines]
    public async Task Proofs_stand_when_events_were_archived_or_parts_erased(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealOnce();
        await Change(
            recorded,
            $"UPDATE events SET data = '{Requests.ArchivedRequest.Mark}', salts = NULL WHERE id = 2"
        );
        await recorded.Hub.AddPeople("Cid");
        using var restarted = recorded.NewSealer(recorded.Hub.Store);
        await restarted.SealOnce();
        Assert.Equal([1, 2, 3], await Indexes(recorded));
    }

    private static ECDsa ECDsa(string publicKey)
    {
        var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(publicKey), out _);
        return key;
    }

    private static ValueTask<string?> ObstacleAt(RecordedHub recorded, string? address) =>
        Sealers
            .Tree(
                recorded.Hub.Store,
                recorded.RootKeyFile,
                recorded.Key,
                Sealers.PlaceOf(recorded.RootKeyFile) with
                {
                    Address = address,
                }
            )
            .Obstacle(default);

    private static ProofOf Proofs(RecordedHub recorded) => new(recorded.Hub.Store);

    private static async Task<byte[]> RootOf(RecordedHub recorded, long size) =>
        Convert.FromBase64String(
            (
                await recorded.Hub.Store.Read(r =>
                    r.Text("SELECT root FROM tree_heads WHERE epoch = 1 AND size = @size", new { size })
                )
            )!
        );

    /// <summary>Past the hub, where the store stays one that the hub would have written.</summary>
    private static async Task Change(RecordedHub recorded, string sql)
    {
        await recorded.Hub.Place.Tamper(sql);
    }

    private static Task Append(RecordedHub recorded, int count) =>
        recorded.Hub.Store.InTransaction(async tx =>
        {
            for (var n = 0; n < count; n++)
                await tx.Append("hub", Some.Origin, "test.happened", new { n });
        });

    /// <summary>Of all events by id, once each proof is verified.</summary>
    private static async Task<List<long>> Indexes(RecordedHub recorded)
    {
        var indexes = new List<long>();
        foreach (var e in await recorded.Hub.Place.Events())
            indexes.Add(await Verifies(recorded, e));
        return indexes;
    }

    private static async Task<long> Verifies(RecordedHub recorded, StoredEvent e)
    {
        var outcome = Assert.IsType<ProofOutcome.Sealed>(await Proofs(recorded).Event(e.Id));
        var (proof, head) = AssertVerifies(outcome);
        Assert.True(
            MerkleTree.IsIncluded(
                (ulong)proof.Index,
                (ulong)head.Size,
                Convert.FromHexString(e.Hash),
                proof.Hashes,
                head.Root
            )
        );
        return proof.Index;
    }

    private static (TlogProof Proof, Checkpoint Head) AssertVerifies(ProofOutcome.Sealed outcome)
    {
        Assert.True(NoteKey.TryParse(outcome.Epoch.Vkey, out var key, out var why), why);
        var proof = TlogProof.Parse(outcome.Proof.ToString(), out why)!;
        var note = SignedNote.Parse(proof.Note, out why)!;
        Assert.True(note.IsSignedBy(key, out _));
        var head = Checkpoint.Parse(note.Text, out why)!;
        Assert.Equal((outcome.Epoch.Origin, outcome.Size), (head.Origin, head.Size));
        return (proof, head);
    }
}
