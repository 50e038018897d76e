using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Audit;
using Countersign.Audit.Receipts;
using Countersign.Hosting;
using Countersign.Proof;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Witnessing;
using Countersign.Work;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Witnessing;

/// <summary>How a hub asks its witnesses, and what it does with their answers.</summary>
public sealed class AskWitnessTests
{
    private static readonly NoteSigner Signer = new(
        "witness.example.test",
        NoteKeyType.Cosignature,
        SHA256.HashData("witness"u8)
    );

    [Theory, BothEngines]
    public async Task A_receipt_says_between_which_times_of_witnesses_the_decision_was_logged(Engine engine)
    {
        await using var hub = await WitnessedHub.Start(engine);
        await using var witness = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        await hub.Ask(witness.Address);
        var before = hub.Clock.Now;
        hub.Clock.Advance(TimeSpan.FromMinutes(5));
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Hub.Ask(ann.AsApprover);
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, ann));
        await hub.Sealer.SealAll();
        await hub.Ask(witness.Address);

        var made = Assert.IsType<ReceiptOutcome.Made>(
            await new MakeReceipt(hub.Store).Run(request.Id, null, Viewer.Hub(Some.Operator))
        );
        Assert.Equal(1, made.Witnesses);
        var name = witness.Key.Name;
        var trust = TrustPolicy.Parse(
            $"log {(await hub.Epoch()).Vkey}\nwitness {name} {witness.Key}\nquorum {name}\n",
            out var why
        );
        Assert.True(trust is not null, why);
        var report = ReceiptCheck.Of(Encoding.UTF8.GetBytes(made.Receipt.ToText()), trust, hub.Clock.Now);
        Assert.Equal((null, "bracketed"), (report.Problem, report.Strength));
        Assert.InRange(before - report.LoggedAfter!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.InRange(hub.Clock.Now - report.LoggedBefore!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Theory, BothEngines]
    public async Task A_proof_carries_the_cosignature_and_is_bracketed_by_two(Engine engine)
    {
        await using var hub = await WitnessedHub.Start(engine);
        await using var witness = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        var first = await hub.ProofOf(1);
        Assert.Equal(0, first.Witnesses);
        Assert.Null(await hub.Proofs.NotBefore(first));

        Assert.Equal(TimeSpan.FromMinutes(1), await hub.Ask(witness.Address));
        var before = hub.Clock.Now;
        hub.Clock.Advance(TimeSpan.FromMinutes(5));
        var id = await hub.Grow("Ann");
        Assert.Equal(0, (await hub.ProofOf(id)).Witnesses);
        await hub.Ask(witness.Address);
        var after = hub.Clock.Now;
        hub.Clock.Advance(TimeSpan.FromMinutes(5));
        await hub.Grow("Ben");
        await hub.Ask(witness.Address);

        // The first cosigned head with the event says most about when it was there.
        var proof = await hub.ProofOf(id);
        var note = SignedNote.Parse(proof.Proof.Note, out _)!;
        Assert.True(NoteKey.TryParse(proof.Epoch.Vkey, out var log, out _));
        Assert.Equal(1, proof.Witnesses);
        Assert.True(note.IsSignedBy(log, out _));
        Assert.True(note.IsSignedBy(witness.Key, out var times));
        Assert.Equal([(ulong)after.ToUnixTimeSeconds()], times);
        var head = Checkpoint.Parse(note.Text, out _)!;
        var e = (await hub.Store.Read(r => r.All<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events"))).Single(e =>
            e.Id == id
        );
        Assert.True(
            MerkleTree.IsIncluded(
                (ulong)proof.Proof.Index,
                (ulong)head.Size,
                Convert.FromHexString(e.Hash),
                proof.Proof.Hashes,
                head.Root
            )
        );

        var notBefore = (await hub.Proofs.NotBefore(proof))!;
        note = SignedNote.Parse(notBefore.Note, out _)!;
        Assert.True(note.IsSignedBy(log, out _));
        Assert.True(note.IsSignedBy(witness.Key, out times));
        Assert.Equal([(ulong)before.ToUnixTimeSeconds()], times);
        var earlier = Checkpoint.Parse(note.Text, out _)!;
        Assert.Equal(notBefore.Size, earlier.Size);
        Assert.True(notBefore.Size <= proof.Proof.Index);
        Assert.True(
            MerkleTree.IsConsistent(
                (ulong)earlier.Size,
                (ulong)head.Size,
                notBefore.Consistency,
                earlier.Root,
                head.Root
            )
        );
        // What is published has the lines of the newest head.
        note = SignedNote.Parse((await hub.Proofs.Checkpoint())!, out _)!;
        Assert.True(note.IsSignedBy(witness.Key, out _));
    }

    [Fact]
    public async Task The_head_that_most_witnesses_cosigned_is_the_one_in_the_proof()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var one = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        await using var two = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        await hub.Ask(one.Address);
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await hub.Grow("Ann");
        await hub.Ask(one.Address);
        await hub.Ask(two.Address);

        var proof = await hub.ProofOf(1);

        Assert.Equal(2, proof.Witnesses);
        var note = SignedNote.Parse(proof.Proof.Note, out _)!;
        Assert.True(note.IsSignedBy(one.Key, out _));
        Assert.True(note.IsSignedBy(two.Key, out _));
    }

    [Fact]
    public async Task It_is_asked_every_minute_when_there_is_news_and_daily_when_there_is_none()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        async ValueTask<long> Lines() => await hub.Store.Read(r => r.Number("SELECT count(*) FROM cosignatures"));

        await hub.Ask(witness.Address);
        hub.Clock.Advance(TimeSpan.FromHours(23));
        await hub.Ask(witness.Address);
        Assert.Equal(1, await Lines());
        hub.Clock.Advance(TimeSpan.FromHours(1));
        await hub.Ask(witness.Address);
        Assert.Equal(2, await Lines());

        // The later line under the same head brackets what comes after it more closely.
        var latest = hub.Clock.Now;
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var notBefore = (await hub.Proofs.NotBefore(await hub.ProofOf(await hub.Grow("Ann"))))!;
        SignedNote.Parse(notBefore.Note, out _)!.IsSignedBy(witness.Key, out var times);
        Assert.Equal([(ulong)latest.ToUnixTimeSeconds()], times);
    }

    [Fact]
    public async Task A_receipt_that_waits_gets_a_cosignature_at_once_and_another_after_ten_seconds()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var host = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        var witnesses = new Witnesses(hub.Store, new ProofOptions { Witnesses = [host.Address] });
        using var worker = new JobWorker(hub.Store, [hub.Handler(null, host.Address)], NullLogger<JobWorker>.Instance);
        await hub.Store.InTransaction(tx =>
            Jobs.Add(tx, new JobToAdd(AskWitness.KindOfJob, host.Address.Id, JobToAdd.OfHub, tx.Now.AddMinutes(1)))
        );
        await worker.Drain();
        Assert.Equal(0, (await hub.ProofOf(1)).Witnesses);

        await witnesses.AskSoon();
        await worker.Drain();
        Assert.Equal(1, (await hub.ProofOf(1)).Witnesses);

        var id = await hub.Grow("Ann");
        hub.Clock.Advance(TimeSpan.FromSeconds(5));
        await witnesses.AskSoon();
        await worker.Drain();
        Assert.Equal(0, (await hub.ProofOf(id)).Witnesses);
        hub.Clock.Advance(TimeSpan.FromSeconds(5));
        await worker.Drain();
        Assert.Equal(1, (await hub.ProofOf(id)).Witnesses);

        // An event that isn't signed yet is asked for a second later.
        hub.Clock.Advance(TimeSpan.FromSeconds(20));
        await witnesses.AskSoon();
        await worker.Drain();
        id = await hub.Grow("Ben");
        hub.Clock.Advance(TimeSpan.FromSeconds(1));
        await worker.Drain();
        Assert.Equal(1, (await hub.ProofOf(id)).Witnesses);
    }

    [Theory]
    [InlineData(400, "", "400")]
    [InlineData(403, "", "403")]
    [InlineData(404, "", "404")]
    [InlineData(409, "", "409")]
    [InlineData(409, "5\n", "409")]
    [InlineData(422, "", "422")]
    [InlineData(500, "", "500")]
    [InlineData(503, "later", "503")]
    [InlineData(200, "", "signatures")]
    [InlineData(200, "hello", "signatures")]
    [InlineData(200, "\n— witness.example.test AAAA\n", "signatures")]
    public async Task Trap_33_answers_that_are_no_cosignature_are_told_apart(int status, string body, string why)
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = new Receiver(new Conduct.Answers(status, body));

        Assert.Equal(TimeSpan.FromMinutes(1), await hub.Ask(At(witness)));

        var row = (await hub.Row(At(witness)))!;
        Assert.Contains(why, row.Problem, StringComparison.Ordinal);
        // None of them says that there is another history.
        Assert.Null(row.Fork);
        await hub.Grow("Ann");
        Assert.True(await hub.IsSigned());
    }

    [Fact]
    public async Task Trap_33_a_witness_that_is_asked_too_often_is_left_alone()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = new Receiver(new Conduct.Answers(429, "", "Retry-After: 600\r\n"));

        await hub.Ask(At(witness));
        hub.Clock.Advance(TimeSpan.FromMinutes(9));
        await hub.Ask(At(witness));
        Assert.Single(witness.Calls);
        hub.Clock.Advance(TimeSpan.FromMinutes(2));
        await hub.Ask(At(witness));
        Assert.Equal(2, witness.Calls.Count);
    }

    [Fact]
    public async Task Trap_33_a_size_that_the_witness_names_is_taken_and_the_proof_begins_there()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        await hub.Ask(witness.Address);
        // As where the answer was lost before it was stored.
        await hub.Store.InTransaction(async tx => await tx.Execute("DELETE FROM witnesses"));
        var id = await hub.Grow("Ann");

        await hub.Ask(witness.Address);

        Assert.Equal(1, (await hub.ProofOf(id)).Witnesses);
        Assert.Null((await hub.Row(witness.Address))!.Problem);
    }

    [Fact]
    public async Task Trap_33_a_witness_that_hangs_breaks_off_or_floods_holds_up_nothing()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        hub.Egress.Dispose();
        hub.Egress = WitnessedHub.NewEgress(TimeSpan.FromMilliseconds(500));
        foreach (var conduct in new Conduct[] { new Conduct.Hangs(), new Conduct.Resets(), new Conduct.Floods() })
        {
            await using var witness = new Receiver(conduct);
            var asking = hub.Ask(At(witness));
            var id = await hub.Grow(conduct.GetType().Name);
            Assert.Equal(0, (await hub.ProofOf(id)).Witnesses);
            Assert.True(await hub.IsSigned());
            await asking.Soon();
            Assert.NotNull((await hub.Row(At(witness)))!.Problem);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3600)]
    public async Task Trap_35_a_cosignature_dated_zero_or_in_the_future_is_refused(int ahead)
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        var time = ahead == 0 ? 0 : (ulong)hub.Clock.Now.ToUnixTimeSeconds() + (ulong)ahead;
        await using var witness = new Receiver(call => new Conduct.Answers(200, Cosigned(call.Body, time)));

        await hub.Ask(At(witness));

        Assert.NotNull((await hub.Row(At(witness)))!.Problem);
        Assert.Equal(0, await hub.Store.Read(r => r.Number("SELECT count(*) FROM cosignatures")));
    }

    [Fact]
    public async Task A_line_of_another_key_is_passed_over_and_one_over_another_text_is_refused()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        var stranger = new NoteSigner("stranger", NoteKeyType.Cosignature, SHA256.HashData("stranger"u8));
        var now = (ulong)hub.Clock.Now.ToUnixTimeSeconds();
        await using var good = new Receiver(call => new Conduct.Answers(
            200,
            stranger.Line(TextOf(call.Body), now) + Cosigned(call.Body, now)
        ));
        await hub.Ask(At(good));
        var proof = await hub.ProofOf(1);
        Assert.Equal(1, proof.Witnesses);
        Assert.DoesNotContain("stranger", proof.Proof.Note, StringComparison.Ordinal);

        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await hub.Grow("Ann");
        await using var bad = new Receiver(_ => new Conduct.Answers(200, Signer.Line("another text\n", now)));
        await hub.Ask(At(bad));
        Assert.Contains("doesn't verify", (await hub.Row(At(bad)))!.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trap_40_redirects_are_not_followed_and_private_addresses_need_leave()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var inside = new Receiver(call => new Conduct.Answers(200, Cosigned(call.Body, 1)));
        await using var witness = new Receiver(
            new Conduct.Answers(307, "", $"Location: {inside.Address}/add-checkpoint\r\n")
        );
        await hub.Ask(At(witness));
        Assert.Contains("redirects", (await hub.Row(At(witness)))!.Problem, StringComparison.Ordinal);

        hub.Egress.Dispose();
        hub.Egress = new Countersign.Outcomes.Egress(new Countersign.Outcomes.EgressOptions());
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await hub.Ask(At(inside));
        Assert.Contains("aren't allowed", (await hub.Row(At(inside)))!.Problem, StringComparison.Ordinal);
        Assert.Empty(inside.Calls);
    }

    [Fact]
    public async Task Of_two_hubs_with_one_key_one_gets_cosignatures_and_the_other_stops_signing_not_deciding()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        await hub.Ask(witness.Address);
        await using var copy = await hub.Copy();
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await hub.Grow("Ann");
        await hub.Ask(witness.Address);
        await copy.Grow("Ben");
        Assert.True(await copy.IsSigned());

        await copy.Ask(witness.Address);

        var fork = (await copy.Row(witness.Address))!.Fork;
        Assert.Contains("another history", fork, StringComparison.Ordinal);
        Assert.Contains("witness.example.test", await copy.Tree.Obstacle(default), StringComparison.Ordinal);
        Assert.Null(await copy.Tree.MissingRight(default));
        var figures = await copy.Store.Read(reader => EngineFigures.Of(reader, copy.Store.Now));
        Assert.Equal(fork, Assert.Single(figures.Witnesses).Fork);
        var late = await copy.Grow("Cid");
        Assert.False(await copy.IsSigned());
        Assert.Equal(fork, copy.Tree.Trouble);
        Assert.IsType<ProofOutcome.NotYet>(await copy.Proofs.Event(late));
        // The line that was there first goes on.
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var id = await hub.Grow("Dan");
        await hub.Ask(witness.Address);
        Assert.Equal(1, (await hub.ProofOf(id)).Witnesses);

        // With an epoch of its own the copy has another name, and signs.
        Assert.NotNull(await copy.Tree.Begin(EpochReason.Copy, default));
        await copy.Sealer.SealAll();
        Assert.Null(copy.Tree.Trouble);
        Assert.IsType<ProofOutcome.Sealed>(await copy.Proofs.Event(late));
        figures = await copy.Store.Read(reader => EngineFigures.Of(reader, copy.Store.Now));
        Assert.Null(Assert.Single(figures.Witnesses).Fork);
    }

    [Fact]
    public async Task Trap_15_a_copy_of_the_whole_folder_learns_from_a_witness_what_it_is_before_it_signs()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        await using var copy = await hub.Copy(witnesses: witness.Address);
        await using var larger = await hub.Copy(witnesses: witness.Address);
        await hub.Grow("Ann");
        await hub.Ask(witness.Address);

        await copy.Grow("Ben");
        Assert.False(await copy.IsSigned());
        Assert.Contains("another history", copy.Tree.Trouble, StringComparison.Ordinal);
        Assert.Contains("another history", (await copy.Row(witness.Address))!.Fork, StringComparison.Ordinal);

        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await hub.Grow("Cid");
        await hub.Ask(witness.Address);
        await larger.Grow("Dan");
        Assert.False(await larger.IsSigned());
        Assert.Contains("4 leaves, and the store has 3", larger.Tree.Trouble, StringComparison.Ordinal);

        // The hub itself is started again, and goes on.
        await using var restarted = await hub.Copy(witnesses: witness.Address);
        await restarted.Grow("Eve");
        Assert.True(await restarted.IsSigned());
    }

    [Fact]
    public async Task Trap_15_a_copy_at_another_public_address_neither_signs_nor_calls_a_witness()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = new Receiver(new Conduct.Answers(500));
        await using var copy = await hub.Copy("staging.example.test", At(witness));
        await copy.Grow("Ann");
        await copy.Ask(At(witness));
        Assert.False(await copy.IsSigned());
        Assert.Contains("proof new-epoch --reason copy", copy.Tree.Trouble, StringComparison.Ordinal);
        Assert.Empty(witness.Calls);

        // A witness that can't say anything keeps nobody from signing.
        await copy.Tree.Moved(Some.Operator, default);
        await copy.Sealer.SealAll();
        Assert.True(await copy.IsSigned());
        Assert.Single(witness.Calls);
    }

    [Fact]
    public async Task What_isnt_signed_with_the_logs_key_is_no_other_history()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        var origin = (await hub.Epoch()).Origin;
        var stranger = new NoteSigner(origin, NoteKeyType.Ed25519, SHA256.HashData("stranger"u8));
        var note = stranger.Sign(new Checkpoint(origin, 99, MerkleTree.EmptyRoot).ToString());
        await using var witness = new Receiver(new Conduct.Answers(200, note));
        await using var restarted = await hub.Copy(witnesses: At(witness));
        await restarted.Grow("Ann");
        Assert.True(await restarted.IsSigned());
        Assert.Single(witness.Calls);
    }

    [Fact]
    public async Task An_approval_that_was_dated_back_contradicts_the_witnesses()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var host = await WitnessHost.Start(hub.Clock, (await hub.Epoch()).Vkey);
        await hub.Ask(host.Address);
        var ann = await hub.Hub.AddPerson("Ann");
        hub.Clock.Advance(TimeSpan.FromHours(-3));
        var request = await hub.Hub.Ask(ann.AsApprover);
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, ann));
        hub.Clock.Advance(TimeSpan.FromHours(4));
        await hub.Sealer.SealAll();
        await hub.Ask(host.Address);

        var made = Assert.IsType<ReceiptOutcome.Made>(
            await new MakeReceipt(hub.Store).Run(request.Id, null, Viewer.Hub(Some.Operator))
        );
        var trust = TrustPolicy.Parse($"log {(await hub.Epoch()).Vkey}\nwitness w {host.Key}\nquorum w\n", out var why);
        Assert.True(trust is not null, why);
        var report = ReceiptCheck.Of(Encoding.UTF8.GetBytes(made.Receipt.ToText()), trust, hub.Clock.Now);
        Assert.Equal("undecided", report.Verdict);
        Assert.Contains(report.Doubts, doubt => doubt.Contains("contradicts", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_witness_that_knows_more_is_an_alarm_until_it_cosigns_again()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        var knowsMore = true;
        await using var witness = new Receiver(call =>
            knowsMore
                ? new Conduct.Answers(409, "12\n", "Content-Type: text/x.tlog.size\r\n")
                : new Conduct.Answers(200, Cosigned(call.Body, (ulong)hub.Clock.Now.ToUnixTimeSeconds()))
        );
        await hub.Ask(At(witness));
        Assert.Contains("12", (await hub.Row(At(witness)))!.Fork, StringComparison.Ordinal);
        var id = await hub.Grow("Ann");
        Assert.IsType<ProofOutcome.NotYet>(await hub.Proofs.Event(id));
        // Also once the store has as many leaves as the witness knows: they aren't those.
        for (var i = 0; i < 12; i++)
            await hub.Grow($"Person {i}");
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await hub.Ask(At(witness));
        await hub.Sealer.SealAll();
        Assert.NotNull((await hub.Row(At(witness)))!.Fork);
        Assert.IsType<ProofOutcome.NotYet>(await hub.Proofs.Event(id));

        knowsMore = false;
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        await hub.Ask(At(witness));
        await hub.Sealer.SealAll();
        Assert.Null(hub.Tree.Trouble);
        Assert.IsType<ProofOutcome.Sealed>(await hub.Proofs.Event(id));
    }

    [Fact]
    public async Task A_copy_without_the_right_to_sign_asks_no_witness()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = new Receiver(new Conduct.Answers(500));
        var place = new SigningPlace(Path.Combine(Path.GetTempPath(), "not-there.signed"), null, null);
        var tree = hub.TreeAt(place);
        await hub.Ask(At(witness), tree);
        Assert.Empty(witness.Calls);
    }

    [Fact]
    public async Task A_witness_that_is_no_longer_configured_is_forgotten()
    {
        await using var hub = await WitnessedHub.Start(Engine.Sqlite);
        await using var witness = new Receiver(new Conduct.Answers(500));
        await hub.Ask(At(witness));
        var job = new Job
        {
            Kind = AskWitness.KindOfJob,
            Key = At(witness).Id,
            Subject = JobToAdd.OfHub,
            DueAt = "",
            CreatedAt = "",
        };
        var done = Assert.IsType<JobResult.Done>(await hub.Handler(null).Run(job, default));
        await hub.Store.InTransaction(done.Write!);
        Assert.Null(await hub.Row(At(witness)));
    }

    [Fact]
    public void A_witness_is_configured_by_key_and_address()
    {
        var text = $"{Signer.Key} https://witness.example.test/path/";
        Assert.True(WitnessAddress.TryParse(text, CultureInfo.InvariantCulture, out var witness));
        Assert.Equal(new Uri("https://witness.example.test/path/add-checkpoint"), witness.To("add-checkpoint"));
        Assert.Equal(text, witness.ToString());
        foreach (var wrong in new[] { "", $"{Signer.Key}", $"{Signer.Key} ftp://x", $"x{text}", $"{text} more" })
            Assert.False(WitnessAddress.TryParse(wrong, CultureInfo.InvariantCulture, out _), wrong);
    }

    private static WitnessAddress At(Receiver receiver) => new(Signer.Key, receiver.Address);

    private static string TextOf(string body) => SignedNote.Parse(AddCheckpoint.Parse(body, out _)!.Note, out _)!.Text;

    /// <summary>A line with this time, also where it is one that no witness may give.</summary>
    private static string Cosigned(string body, ulong time)
    {
        var text = TextOf(body);
        if (time > 0)
            return Signer.Line(text, time);
        var line = Signer.Line(text, 1).TrimEnd('\n').Split(' ');
        var bytes = Convert.FromBase64String(line[2]);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(4), 0);
        return $"{line[0]} {line[1]} {Convert.ToBase64String(bytes)}\n";
    }
}
