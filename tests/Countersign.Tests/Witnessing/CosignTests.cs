using System.Security.Cryptography;
using Countersign.Proof;
using Countersign.Storage;
using Countersign.Witnessing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Witnessing;

/// <summary>What a witness cosigns, and what it answers over HTTP.</summary>
public sealed class CosignTests : IDisposable
{
    /// <summary>The log of omniwitness's own tests, and two heads of it.</summary>
    private const string MonkeysKey = "monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT";
    private const string MonkeysSecret = "PRIVATE+KEY+monkeys+db4d9f7e+ATWIAF3yVBG+Hv1rZFQoNt/BaURkLPtOFMAM2HrEeIr6";
    private const string Five =
        "monkeys\n5\n41smjBUiAU70EtKlT6lIOIYtRTYxYXsDB+XHfcvu/BE=\n\n"
        + "— monkeys 202fftzGl3LVoqjXfwCFZZXs8I+5G22+Ek2K0AOyBuSJ/8/CZawNF+6fNlTKOCd622pbzJNkkJFWuw9DbicZCkEx9AY=\n";
    private const string Eight =
        "monkeys\n8\nV8K9aklZ4EPB+RMOk1/8VsJUdFZR77GDtZUQq84vSbo=\n\n"
        + "— monkeys 202ffoUEboiQYpHzICeaFmoy3RNviHTpAxYrq/eO4QQVQMvu9UebKBMX2MJC76NLthZaKsnKbCA8GxrjePZhvDCH7Ag=\n";

    private static readonly IReadOnlyList<byte[]> FiveToEight =
    [
        Convert.FromHexString("b9e1d62618f7fee8034e4c5010f727ab24d8e4705cb296c374bf2025a87a10d2"),
        Convert.FromHexString("aac66cd7a79ce4012d80762fe8eec3a77f22d1ca4145c3f4cee022e7efcd599d"),
        Convert.FromHexString("89d0f753f66a290c483b39cd5e9eafb12021293395fad3d4a2ad053cfbcfdc9e"),
        Convert.FromHexString("29e40bb79c966f4c6fe96aff6f30acfce5f3e8d84c02215175d6e018a5dee833"),
    ];

    private static readonly NoteSigner Witness = new(
        "witness.example.test",
        NoteKeyType.Cosignature,
        SHA256.HashData("witness"u8)
    );

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("countersign-witness-").FullName;
    private readonly TestClock _clock = new();
    private readonly FakeLog _log = NewLog("log.example.test/1", "leaf");

    [Fact]
    public void The_heads_of_omniwitness_are_cosigned_and_its_refusals_are_ours()
    {
        Assert.True(NoteKey.TryParse(MonkeysKey, out var monkeys, out _));
        using var witness = Open(monkeys);

        Assert.IsType<CosignOutcome.Cosigned>(witness.Run(new AddCheckpoint(0, [], Five).ToString()));
        Assert.Equal(new CosignOutcome.OtherSize(5), witness.Run(new AddCheckpoint(2, FiveToEight, Eight).ToString()));
        Assert.IsType<CosignOutcome.WrongProof>(witness.Run(new AddCheckpoint(5, [], Eight).ToString()));
        var line = Assert
            .IsType<CosignOutcome.Cosigned>(witness.Run(new AddCheckpoint(5, FiveToEight, Eight).ToString()))
            .Line;
        Assert.IsType<CosignOutcome.Malformed>(witness.Run(new AddCheckpoint(8, FiveToEight, Five).ToString()));

        var note = SignedNote.Parse(Eight + line, out _)!;
        Assert.True(note.IsSignedBy(monkeys, out _));
        Assert.True(note.IsSignedBy(witness.Key, out var times));
        Assert.Equal([(ulong)_clock.Now.ToUnixTimeSeconds()], times);
        Assert.Equal(Eight + line, witness.Newest(Hashes.Sha256("monkeys")));
        // Signing with their secret gives their bytes.
        var signer = NoteSigner.Parse(MonkeysSecret)!;
        Assert.Equal(Eight, signer.Sign(note.Text));
        Assert.Equal(MonkeysSecret, signer.ToPrivateText());
    }

    [Fact]
    public void A_size_that_was_cosigned_is_cosigned_again_and_an_empty_log_has_no_proof()
    {
        using var witness = Open(_log.Signer.Key);
        Assert.IsType<CosignOutcome.Cosigned>(witness.Run(_log.Ask(0, 0).ToString()));
        Assert.IsType<CosignOutcome.WrongProof>(
            witness.Run((_log.Ask(0, 5) with { Proof = [MerkleTree.EmptyRoot] }).ToString())
        );
        Assert.IsType<CosignOutcome.Cosigned>(witness.Run(_log.Ask(0, 5).ToString()));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.IsType<CosignOutcome.Cosigned>(witness.Run(_log.Ask(5, 5).ToString()));
        Assert.Equal(new CosignOutcome.OtherSize(5), witness.Run(_log.Ask(0, 5).ToString()));
    }

    [Fact]
    public void A_log_with_two_histories_gets_cosignatures_for_one()
    {
        using var witness = Open(_log.Signer.Key);
        var other = new FakeLog(_log.Signer, "another leaf");
        Assert.IsType<CosignOutcome.Cosigned>(witness.Run(_log.Ask(0, 5).ToString()));
        Assert.IsType<CosignOutcome.OtherRoot>(witness.Run(other.Ask(5, 5).ToString()));
        Assert.IsType<CosignOutcome.WrongProof>(witness.Run(other.Ask(5, 9).ToString()));
        Assert.IsType<CosignOutcome.Cosigned>(witness.Run(_log.Ask(5, 9).ToString()));
    }

    [Fact]
    public void Who_is_not_known_gets_nothing()
    {
        using var witness = Open(_log.Signer.Key);
        var stranger = NewLog("other.example.test/1", "leaf");
        Assert.IsType<CosignOutcome.UnknownLog>(witness.Run(stranger.Ask(0, 5).ToString()));
        var impostor = new FakeLog(
            new NoteSigner(_log.Signer.Key.Name, NoteKeyType.Ed25519, SHA256.HashData("impostor"u8))
        );
        Assert.IsType<CosignOutcome.NotSigned>(witness.Run(impostor.Ask(0, 5).ToString()));
        var broken = _log.Note(5).Replace("\n5\n", "\n6\n", StringComparison.Ordinal);
        Assert.IsType<CosignOutcome.NotSigned>(witness.Run(new AddCheckpoint(0, [], broken).ToString()));
        // The key of a source of checkpoints is the log's own, also where another signs beside it.
        var both = _log.Note(5) + impostor.Signer.Line(_log.Head(5).ToString());
        Assert.IsType<CosignOutcome.Cosigned>(witness.Run(new AddCheckpoint(0, [], both).ToString()));
        Assert.Null(witness.Newest(Hashes.Sha256("other.example.test/1")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("old 0\n")]
    [InlineData("old 00\n\n{0}")]
    [InlineData("old -1\n\n{0}")]
    [InlineData("Old 0\n\n{0}")]
    [InlineData("old 0\nno hash\n\n{0}")]
    [InlineData("old 0\n\n{0}no signature\n")]
    [InlineData("old 6\n\n{0}")]
    public void A_body_that_is_not_of_the_form_is_refused(string body)
    {
        using var witness = Open(_log.Signer.Key);
        var outcome = witness.Run(body.Replace("{0}", _log.Note(5), StringComparison.Ordinal));
        Assert.NotEmpty(Assert.IsType<CosignOutcome.Malformed>(outcome).Why);
    }

    [Fact]
    public void At_most_63_lines_of_proof_are_read()
    {
        using var witness = Open(_log.Signer.Key);
        byte[][] Lines(int count) => [.. Enumerable.Repeat(MerkleTree.EmptyRoot, count)];
        var most = new AddCheckpoint(0, Lines(63), _log.Note(5)).ToString();
        Assert.IsType<CosignOutcome.WrongProof>(witness.Run(most));
        var more = new AddCheckpoint(0, Lines(64), _log.Note(5)).ToString();
        Assert.IsType<CosignOutcome.Malformed>(witness.Run(more));
    }

    [Fact]
    public async Task Trap_34_of_parallel_requests_one_wins_also_in_two_processes()
    {
        using var witness = Open(_log.Signer.Key);
        using var another = Open(_log.Signer.Key);
        Assert.IsType<CosignOutcome.Cosigned>(witness.Run(_log.Ask(0, 5).ToString()));

        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(6, 16)
                .Select(size =>
                    Task.Run(() => (size, (size % 2 == 0 ? witness : another).Run(_log.Ask(5, size).ToString())))
                )
        );

        var (won, _) = Assert.Single(outcomes, o => o.Item2 is CosignOutcome.Cosigned);
        Assert.All(outcomes.Where(o => o.size != won), o => Assert.Equal(new CosignOutcome.OtherSize(won), o.Item2));
    }

    [Fact]
    public void Trap_34_what_was_cosigned_is_known_after_a_crash_before_the_answer()
    {
        var cut = Open(_log.Signer.Key);
        cut.Run(_log.Ask(0, 5).ToString());
        // Not closed: what another process finds is what lies on the disk.
        using var restarted = Open(_log.Signer.Key);
        Assert.Equal(new CosignOutcome.OtherSize(5), restarted.Run(_log.Ask(0, 9).ToString()));
        Assert.IsType<CosignOutcome.Cosigned>(restarted.Run(_log.Ask(5, 9).ToString()));
        cut.Dispose();
    }

    [Fact]
    public async Task Answers_over_http_are_those_of_the_protocol()
    {
        await using var host = await WitnessHost.Start(_clock, _log.Signer.Key.ToString());
        var other = new FakeLog(_log.Signer, "another leaf");

        var (status, type, body) = await host.Send(_log.Ask(0, 5).ToString());
        Assert.Equal((200, "text/plain"), (status, type));
        Assert.True(SignedNote.Parse(_log.Note(5) + body, out _)!.IsSignedBy(host.Key, out _));
        Assert.Equal((200, _log.Note(5) + body), await host.Newest(_log.Signer.Key.Name));
        Assert.Equal(404, (await host.Newest("another")).Status);

        Assert.Equal((409, "text/x.tlog.size", "5\n"), await host.Send(_log.Ask(3, 9).ToString()));
        Assert.Equal((409, null, ""), await host.Send(other.Ask(5, 5).ToString()));
        Assert.Equal(422, (await host.Send(other.Ask(5, 9).ToString())).Status);
        Assert.Equal(404, (await host.Send(NewLog("unknown", "leaf").Ask(0, 1).ToString())).Status);
        Assert.Equal(403, (await host.Send(new AddCheckpoint(0, [], Forged()).ToString())).Status);
        Assert.Equal(400, (await host.Send("nothing")).Status);
        Assert.Equal(413, (await host.Send(new string('x', 70_000))).Status);
        Assert.Equal((200, _log.Note(5) + body), await host.Newest(_log.Signer.Key.Name));
    }

    [Fact]
    public async Task A_hub_is_a_witness_where_it_is_told_of_which_logs()
    {
        await using var hub = await ApiHost.Start(
            Engine.Sqlite,
            ("Witness:Logs", _log.Signer.Key.ToString()),
            ("Witness:Name", "hub.example.test/witness"),
            ("Witness:Folder", _folder)
        );
        using var caller = hub.Nobody();
        var answer = await caller.PostText("/witness/add-checkpoint", _log.Ask(0, 5).ToString(), "text/plain");
        Assert.Equal(200, answer.Status);
        Assert.StartsWith("— hub.example.test/witness ", answer.Text, StringComparison.Ordinal);
        // No body, also behind everything that a hub does with answers.
        var other = new FakeLog(_log.Signer, "another leaf");
        answer = await caller.PostText("/witness/add-checkpoint", other.Ask(5, 5).ToString(), "text/plain");
        Assert.Equal((409, ""), (answer.Status, answer.Text));
    }

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    private static FakeLog NewLog(string origin, string leaf) =>
        new(new NoteSigner(origin, NoteKeyType.Ed25519, SHA256.HashData("log"u8)), leaf);

    private string Forged() =>
        new FakeLog(new NoteSigner(_log.Signer.Key.Name, NoteKeyType.Ed25519, SHA256.HashData("forger"u8))).Note(5);

    private Cosign Open(params NoteKey[] logs) =>
        new(
            CosignedHeads.Open(Path.Combine(_folder, "witness.db")),
            Witness,
            logs,
            _clock,
            NullLogger<Cosign>.Instance
        );
}
