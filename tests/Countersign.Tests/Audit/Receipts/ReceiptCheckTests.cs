using System.Text;
using System.Text.Json.Nodes;
using Countersign.Audit.Receipts;
using Countersign.Policies;
using Countersign.Proof;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Audit.Receipts;

public sealed class ReceiptCheckTests
{
    private static readonly DateTimeOffset At = SomeReceipt.At;
    private static readonly NoteKey Key = new MemoryLog().Key.Key;
    private static readonly TrustPolicy Trust = TrustPolicy.Of(Key);
    private static readonly string BothWitnesses = new MemoryLog().Trust + "group both all ann ben\nquorum both\n";

    [Fact]
    public void A_receipt_of_an_approval_is_valid_and_tells_who_what_and_when()
    {
        var report = Check(new SomeReceipt());
        Assert.True(report.Verdict == "valid", report.Problem);
        Assert.Equal("signed", report.Strength);
        Assert.Equal(["Person 7", "Person 8"], report.Answers.Select(a => a.Name));
        Assert.Equal(Hashes.Sha256(SomeReceipt.Canonical), report.Digest);
        var text = ReceiptWords.Of(report);
        Assert.Contains("approve by Person 7 (p7@example.com)", text, StringComparison.Ordinal);
        Assert.Contains("2026-11-03T10:00:00.000Z, by the clock of hub.example.com/1", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_receipt_is_read_as_it_was_written()
    {
        var made = new SomeReceipt { CosignedBefore = [At] }.Make();
        var read = ReceiptFile.Parse(Encoding.UTF8.GetBytes(made.ToText()), out var why);
        Assert.True(read is not null, why);
        Assert.Equal(made.ToText(), read.ToText());
        Assert.Equal(SomeReceipt.Canonical, read.Content);
    }

    [Fact]
    public void Trap_6_size_root_and_index_are_nowhere_but_in_the_signed_note_and_the_proof()
    {
        var file = new SomeReceipt().Make().ToText();
        foreach (var name in new[] { "size", "root", "index", "at", "key", "epochs" })
            Assert.Equal("invalid", SomeReceipt.Check(With(file, name, "7"), Trust).Verdict);
        var receipt = new SomeReceipt().Make();
        for (var index = 0; index < 9; index++)
        {
            var other = receipt with { Proof = receipt.Proof.Replace("index 5", $"index {index}") };
            Assert.Equal(index == 5 ? "valid" : "invalid", SomeReceipt.Check(other, Trust).Verdict);
        }
    }

    [Fact]
    public void Trap_8_a_key_is_known_by_its_name_and_its_id()
    {
        var receipt = new SomeReceipt().Make();
        var line = receipt.Proof.Split('\n').Single(l => l.StartsWith('\u2014'));
        var signature = Convert.FromBase64String(line.Split(' ')[2]);
        for (var i = 0; i < 4; i++)
        {
            byte[] other = [.. signature];
            other[i] ^= 1;
            var changed = line.Replace(line.Split(' ')[2], Convert.ToBase64String(other));
            var report = SomeReceipt.Check(receipt with { Proof = receipt.Proof.Replace(line, changed) }, Trust);
            Assert.Equal("undecided", report.Verdict);
            Assert.Null(report.Strength);
        }
    }

    [Fact]
    public void Traps_9_and_37_a_checkpoint_has_three_lines()
    {
        var log = new MemoryLog().Grow(3);
        var receipt = new SomeReceipt { Log = log, Later = 0 }.Make();
        var text = log.Head(log.Size).ToString();
        foreach (var more in new[] { "extension\n", "\n", "\nsecond part\n" })
        {
            var proof = log.Proof(3, log.Note(4)) with { Note = log.Key.Sign(text + more) };
            Assert.Equal("invalid", SomeReceipt.Check(receipt with { Proof = proof.ToString() }, Trust).Verdict);
        }
    }

    [Fact]
    public void Trap_10_what_mail_and_editors_do_is_refused_and_named()
    {
        var receipt = new SomeReceipt().Make();
        var file = receipt.ToText();
        var crlf = SomeReceipt.Check(receipt with { Proof = receipt.Proof.Replace("\n", "\r\n") }, Trust);
        var note = receipt.Proof[(receipt.Proof.IndexOf("\n\n", StringComparison.Ordinal) + 2)..];
        var crlfNote = receipt with { Proof = receipt.Proof.Replace(note, note.Replace("\n", "\r\n")) };
        Assert.Equal("invalid", crlf.Verdict);
        Assert.Contains("line ends", SomeReceipt.Check(crlfNote, Trust).Problem, StringComparison.Ordinal);
        foreach (var dash in new[] { '-', '\u2013' })
        {
            var dashed = SomeReceipt.Check(receipt with { Proof = receipt.Proof.Replace('\u2014', dash) }, Trust);
            Assert.Contains("U+2014", dashed.Problem, StringComparison.Ordinal);
        }
        Assert.Equal("invalid", SomeReceipt.Check("\uFEFF" + file, Trust).Verdict);
        // The last sign of 32 bytes in base64 has two bits that mean nothing.
        var hash = receipt.Proof.Split('\n')[2];
        var loose = hash[..^2] + (char)(hash[^2] + 1) + "=";
        Assert.Equal(
            "invalid",
            SomeReceipt.Check(receipt with { Proof = receipt.Proof.Replace(hash, loose) }, Trust).Verdict
        );
    }

    [Fact]
    public void Trap_23_the_leaf_and_the_proof_hold_no_word_and_no_address()
    {
        var receipt = new SomeReceipt { Note = "salt and pepper" }.Make();
        foreach (var word in new[] { "pepper", "Person", "Rita", "example.com", "192.0.2.7", "loyalty", "production" })
        {
            Assert.DoesNotContain(
                word,
                receipt.Leaf + receipt.Proof.Replace(MemoryLog.Origin, ""),
                StringComparison.Ordinal
            );
        }
        // Nor is a digest in it that of a text without a salt.
        Assert.DoesNotContain(Hashes.Sha256("192.0.2.7"), receipt.Leaf, StringComparison.Ordinal);
    }

    [Fact]
    public void Trap_24_each_part_has_a_salt_of_its_own()
    {
        var receipt = new SomeReceipt { HasOrigin = true }.Make();
        var salts = receipt.Parts.Values.Select(part => part.Split('\n')[2]).ToList();
        Assert.Equal(4, salts.Distinct().Count());
        Assert.All(salts, salt => Assert.Equal(22, salt.Length));
    }

    [Fact]
    public void Trap_25_texts_travel_as_they_were_hashed()
    {
        var receipt = new SomeReceipt().Make();
        Assert.Equal("valid", SomeReceipt.Check(receipt, Trust).Verdict);
        // The same as other programs would write it is another text, and so not what was decided on.
        var other = SomeReceipt.Canonical.Replace("1.0", "1").Replace("\\u2028", "\u2028");
        Assert.Equal("invalid", SomeReceipt.Check(receipt with { Content = other }, Trust).Verdict);
        // The holder's own copy is taken in the form in which it was sent, too.
        var sent = Encoding.UTF8.GetBytes(
            """{ "subject": "Turn on loyalty points", "facts": {"smile": "😀", "line": "a\u2028b", "share": 1.0} }"""
        );
        var bytes = Encoding.UTF8.GetBytes(receipt.ToText());
        Assert.Equal("valid", ReceiptCheck.Of(bytes, Trust, At, sent).Verdict);
        Assert.Equal("invalid", ReceiptCheck.Of(bytes, Trust, At, Encoding.UTF8.GetBytes("{}")).Verdict);
    }

    [Fact]
    public void Trap_26_a_receipt_that_could_be_read_in_two_ways_is_refused()
    {
        foreach (var (name, file) in HostileFiles())
            Assert.True(SomeReceipt.Check(file, Trust).Verdict == "invalid", name);
    }

    [Fact]
    public void Trap_27_what_turns_or_hides_text_is_shown_as_its_number()
    {
        const string name = "Ann\u202Eevil\u001B[2J\u200B\nLog  trusted";
        var receipt = new SomeReceipt { Note = name }.Make();
        var report = SomeReceipt.Check(receipt, Trust);
        var text = ReceiptWords.Of(report);
        Assert.Equal("valid", report.Verdict);
        Assert.Contains("Ann\\u{202e}evil\\u{001b}[2J\\u{200b}\\u{000a}Log", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
    }

    [Fact]
    public void Trap_28_withheld_erased_and_empty_are_three_words()
    {
        var receipt = new SomeReceipt().Make();
        var passedOn = receipt with
        {
            Parts = receipt.Parts.Where(p => p.Key != "people").ToDictionary(),
            Content = ReceiptFile.Erased,
        };
        var report = SomeReceipt.Check(passedOn, Trust);
        Assert.Equal("valid", report.Verdict);
        Assert.Equal("withheld", report.Parts["people"]);
        Assert.Equal("withheld", report.Parts["origin"]);
        Assert.Equal("shown", report.Parts["words"]);
        Assert.Equal("erased", report.Parts["content"]);
        Assert.Contains("approve by person 7", ReceiptWords.Of(report), StringComparison.Ordinal);
        var erased = new Dictionary<string, string>(receipt.Parts) { ["words"] = ReceiptFile.Erased };
        Assert.Equal("erased", SomeReceipt.Check(receipt with { Parts = erased }, Trust).Parts["words"]);
        var other = new Dictionary<string, string>(receipt.Parts) { ["words"] = "" };
        Assert.Equal("invalid", SomeReceipt.Check(receipt with { Parts = other }, Trust).Verdict);
    }

    [Fact]
    public void Trap_31_approved_alone_is_only_a_word()
    {
        var policy = new SomeReceipt().Policy;
        var two = new Policy("two", [Step("SRE", 1), Step("QA", 1)]);
        Assert.Equal("invalid", Verdict(new SomeReceipt { Answers = [(7, "approve", null, [0])] }));
        Assert.Equal("invalid", Verdict(new SomeReceipt { Answers = [] }));
        Assert.Equal(
            "invalid",
            Verdict(new SomeReceipt { Answers = [(7, "approve", null, [0]), (8, "approve", null, [])] })
        );
        Assert.Equal(
            "invalid",
            Verdict(new SomeReceipt { Answers = [(7, "approve", null, [0]), (7, "approve", null, [0])] })
        );
        Assert.Equal(
            "invalid",
            Verdict(
                new SomeReceipt
                {
                    Answers = [(7, "approve", null, [0]), (8, "approve", null, [0]), (9, "reject", null, [0])],
                }
            )
        );
        // Who asks doesn't count, not even through a delegate, unless the policy lets them.
        Assert.Equal("invalid", Verdict(new SomeReceipt { Requester = 7 }));
        Assert.Equal(
            "invalid",
            Verdict(new SomeReceipt { Answers = [(7, "approve", 3, [0]), (8, "approve", null, [0])] })
        );
        Assert.Equal(
            "valid",
            Verdict(new SomeReceipt { Requester = 7, Policy = policy with { AllowsSelfApproval = true } })
        );
        // One who can fill both steps makes room for one who can't.
        Assert.Equal(
            "valid",
            Verdict(
                new SomeReceipt { Policy = two, Answers = [(7, "approve", null, [0, 1]), (8, "approve", null, [0])] }
            )
        );
        Assert.Equal(
            "invalid",
            Verdict(new SomeReceipt { Policy = two, Answers = [(7, "approve", null, [0]), (8, "approve", null, [0])] })
        );
        Assert.Equal("invalid", Verdict(new SomeReceipt { Policy = new Policy("none", []) }));
        Assert.Equal("invalid", Verdict(new SomeReceipt { Status = "rejected" }));
        Assert.Equal("invalid", Verdict(new SomeReceipt { Kind = "request.rejected", Status = "rejected" }));
    }

    [Fact]
    public void Other_ways_to_settle_a_request_are_weighed_by_what_the_policy_says_of_them()
    {
        var policy = new SomeReceipt().Policy;
        var overridden = new SomeReceipt { Answers = [], More = new { breakGlass = true } };
        Assert.Equal("valid", Verdict(overridden));
        Assert.Contains("overrode", Check(overridden).Weighed, StringComparison.Ordinal);
        Assert.Equal("invalid", Verdict(overridden with { Policy = policy with { ForbidsBreakGlass = true } }));
        var elsewhere = new SomeReceipt
        {
            Answers = [],
            Policy = new Policy("jira", []) { Destination = "Jira" },
            More = new { destination = "Jira" },
        };
        Assert.Equal("valid", Verdict(elsewhere));
        Assert.Equal("invalid", Verdict(elsewhere with { More = new { destination = "Other" } }));
        Assert.Equal("invalid", Verdict(elsewhere with { Policy = policy }));
        var auto = new SomeReceipt
        {
            Answers = [],
            Policy = new Policy("auto", []) { Auto = new AutoAnswer(true, "low") },
        };
        Assert.Equal("valid", Verdict(auto));
        Assert.Equal(
            "invalid",
            Verdict(auto with { Policy = new Policy("a", []) { Auto = new AutoAnswer(false, "no") } })
        );
        var rejected = new SomeReceipt { Kind = "request.rejected", Status = "rejected" };
        Assert.Equal("valid", Verdict(rejected with { Answers = [(7, "reject", null, [0])] }));
        Assert.Equal("valid", Verdict(rejected with { Answers = [], More = new { expired = true } }));
        Assert.Equal("invalid", Verdict(rejected with { Answers = [] }));
    }

    [Fact]
    public void Without_facts_or_policy_whether_the_answers_suffice_cannot_be_told()
    {
        var receipt = new SomeReceipt().Make();
        Assert.Equal("undecided", SomeReceipt.Check(receipt with { Policy = null }, Trust).Verdict);
        Assert.Equal("undecided", SomeReceipt.Check(receipt with { Policy = "erased" }, Trust).Verdict);
        var bare = receipt with { Parts = new Dictionary<string, string>(), Content = null, Policy = null };
        Assert.Equal("undecided", SomeReceipt.Check(bare, Trust).Verdict);
        // A content that nothing ties to the leaf is not shown as if it were.
        Assert.Equal("invalid", SomeReceipt.Check(bare with { Content = receipt.Content }, Trust).Verdict);
        var answered = new SomeReceipt { Kind = "request.answered", Status = "active" }.Make();
        Assert.Equal("valid", SomeReceipt.Check(answered with { Policy = null }, Trust).Verdict);
    }

    [Fact]
    public void Trap_35_witness_times_are_only_a_bracket_around_the_logging()
    {
        var both = SomeReceipt.Trust(BothWitnesses);
        var receipt = new SomeReceipt
        {
            Cosigned = [At.AddMinutes(1), At.AddMinutes(2)],
            CosignedBefore = [At.AddMinutes(-2), At.AddMinutes(-1)],
        };
        var report = SomeReceipt.Check(receipt.Make(), both);
        Assert.True(report.Verdict == "valid", report.Problem + string.Concat(report.Doubts));
        Assert.Equal("bracketed", report.Strength);
        Assert.Equal(At.AddMinutes(-2), report.LoggedAfter);
        Assert.Equal(At.AddMinutes(2), report.LoggedBefore);
        Assert.Contains(
            "after 2026-11-03 09:58:00Z and before 2026-11-03 10:02:00Z, by witness clocks",
            ReceiptWords.Of(report),
            StringComparison.Ordinal
        );

        // To a verifier that doesn't know the witnesses, their times say nothing.
        var signed = SomeReceipt.Check(receipt.Make(), Trust);
        Assert.Equal(("valid", "signed"), (signed.Verdict, signed.Strength));
        Assert.Null(signed.LoggedBefore);
        Assert.Equal(2, signed.NotCounted);

        // A time that hasn't come yet isn't counted, and one of zero isn't a cosignature.
        var now = At.AddMinutes(1);
        var future = receipt with { Cosigned = [At.AddDays(1), At.AddMinutes(1)] };
        Assert.Equal("undecided", SomeReceipt.Check(future.Make(), both, now).Verdict);
        var good = receipt.Make();
        var line = good.Proof.Split('\n').Single(l => l.StartsWith("\u2014 ann", Ordinal));
        var signature = Convert.FromBase64String(line.Split(' ')[2]);
        var zero = line.Replace(line.Split(' ')[2], Convert.ToBase64String([.. signature[..4], .. new byte[72]]));
        Assert.Equal("invalid", SomeReceipt.Check(good with { Proof = good.Proof.Replace(line, zero) }, both).Verdict);

        // An event that claims another time than the witnesses' was logged when they say.
        var backdated = receipt with
        {
            CosignedBefore = [At.AddHours(2), At.AddHours(2)],
            Cosigned = [At.AddHours(3), At.AddHours(3)],
        };
        var contradicted = SomeReceipt.Check(backdated.Make(), both);
        Assert.Equal("undecided", contradicted.Verdict);
        Assert.Contains("contradicts", contradicted.Doubts.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_earlier_checkpoint_must_lead_to_the_proofs_and_end_before_the_event()
    {
        var both = SomeReceipt.Trust(BothWitnesses);
        var some = new SomeReceipt { Cosigned = [At, At], CosignedBefore = [At, At] };
        var receipt = some.Make();
        var log = some.Log;
        EarlierCheckpoint Earlier(long size) =>
            new(log.Note(size, (log.Ann, At), (log.Ben, At)), log.Consistency(size, log.Size));

        Assert.Equal("bracketed", SomeReceipt.Check(receipt with { NotBefore = Earlier(5) }, both).Strength);
        Assert.Equal("bracketed", SomeReceipt.Check(receipt with { NotBefore = Earlier(4) }, both).Strength);
        Assert.Equal("invalid", SomeReceipt.Check(receipt with { NotBefore = Earlier(6) }, both).Verdict);
        var wrong = Earlier(5) with { Consistency = log.Consistency(4, log.Size) };
        Assert.Equal("invalid", SomeReceipt.Check(receipt with { NotBefore = wrong }, both).Verdict);
        var unfinished = Earlier(5) with { Consistency = log.Consistency(5, log.Size).TrimEnd() };
        Assert.Equal("invalid", SomeReceipt.Check(receipt with { NotBefore = unfinished }, both).Verdict);
        var unsigned = Earlier(5) with { Checkpoint = log.Head(5) + "\n" + log.Ann.Line(log.Head(5).ToString(), 7) };
        Assert.Equal("invalid", SomeReceipt.Check(receipt with { NotBefore = unsigned }, both).Verdict);
    }

    [Fact]
    public void A_quorum_that_is_not_reached_leaves_it_undecided_and_a_wrong_cosignature_spoils_it()
    {
        var both = SomeReceipt.Trust(BothWitnesses);
        var any = SomeReceipt.Trust(new MemoryLog().Trust + "group any any ann ben\nquorum any\n");
        var receipt = new SomeReceipt { Cosigned = [At] }.Make();
        Assert.Equal("undecided", SomeReceipt.Check(receipt, both).Verdict);
        var witnessed = SomeReceipt.Check(receipt, any);
        Assert.Equal(("valid", "witnessed"), (witnessed.Verdict, witnessed.Strength));
        Assert.Contains("1 of 2 known witnesses", ReceiptWords.Of(witnessed), StringComparison.Ordinal);
        var spoilt = receipt with { Proof = receipt.Proof + new MemoryLog().Ben.Line("another text\n", 1_796_000_000) };
        Assert.Equal("invalid", SomeReceipt.Check(spoilt, any).Verdict);
        Assert.Equal("valid", SomeReceipt.Check(spoilt, Trust).Verdict);
    }

    [Fact]
    public void Trap_36_a_witness_that_the_logs_operator_runs_is_named_as_such()
    {
        var marked = SomeReceipt.Trust(new MemoryLog().Trust + "# run-by-log ann\nquorum ann\n");
        var receipt = new SomeReceipt { Cosigned = [At, At] }.Make();
        var text = ReceiptWords.Of(SomeReceipt.Check(receipt, marked));
        Assert.Contains("ann, which the log's operator runs", text, StringComparison.Ordinal);
        Assert.DoesNotContain("ben, which", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Traps_8_and_37_a_second_line_by_ML_DSA_counts_for_those_who_have_its_key_and_covers_three_lines()
    {
        var log = new MemoryLog { HasMlDsa = true }.Grow(5);
        var receipt = new SomeReceipt
        {
            Log = log,
            Cosigned = [At, At],
            CosignedBefore = [At, At],
        }.Make();
        var (second, both) = (
            TrustPolicy.Of(log.MlDsa.Key),
            SomeReceipt.Trust($"log {Key}\nlog {log.MlDsa.Key}\nquorum none")
        );
        foreach (var trust in new[] { Trust, second, both })
            Assert.Equal(("valid", "signed"), Found(receipt, trust));
        var plain = new SomeReceipt().Make();
        Assert.Equal(("undecided", null), Found(plain, second));
        Assert.Equal(("valid", "signed"), Found(plain, both));
        Assert.True(NoteKey.TryParse(log.MlDsa.Key.ToString(), out var read, out _));
        Assert.Equal(log.MlDsa.Key.Id, read.Id);

        // A changed signature is wrong for those who have the key, and an unknown line for others.
        var line = receipt.Proof.Split('\n').Single(l => l.Length > 3000);
        var bytes = Convert.FromBase64String(line.Split(' ')[2]);
        foreach (var at in new[] { 4, 11, 12, 700, bytes.Length - 1 })
        {
            byte[] other = [.. bytes];
            other[at] ^= 1;
            var changed = line.Replace(line.Split(' ')[2], Convert.ToBase64String(other));
            var damaged = receipt with { Proof = receipt.Proof.Replace(line, changed) };
            Assert.Equal("valid", SomeReceipt.Check(damaged, Trust).Verdict);
            Assert.Equal("invalid", SomeReceipt.Check(damaged, second).Verdict);
            Assert.Equal("invalid", SomeReceipt.Check(damaged, both).Verdict);
        }
        // It would not cover a further line, so there is none.
        var text = log.Head(log.Size).ToString();
        var signed = log.MlDsa.Line(text);
        Assert.True(SignedNote.Parse($"{text}\n{signed}", out _)!.IsSignedBy(log.MlDsa.Key, out _));
        Assert.False(SignedNote.Parse($"{text}more\n\n{signed}", out _)!.IsSignedBy(log.MlDsa.Key, out _));
        Assert.Throws<ArgumentException>(() => log.MlDsa.Line(text + "more\n"));

        // A witness's line needs a time; one of a log has none.
        var ann = new NoteSigner("ann.example.org", NoteKeyType.MlDsa44, new byte[32]);
        var witnessed = SomeReceipt.Trust($"log {Key}\nwitness ann {ann.Key}\nquorum ann");
        var proof = plain.Proof;
        var head = SignedNote.Parse(proof[(proof.IndexOf("\n\n", Ordinal) + 2)..], out _)!.Text;
        var timed = plain with { Proof = proof + ann.Line(head, (ulong)At.ToUnixTimeSeconds()) };
        Assert.Equal(("valid", "witnessed"), Found(timed, witnessed));
        Assert.Equal(("undecided", "signed"), Found(plain with { Proof = proof + ann.Line(head) }, witnessed));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"bracketed: {receipt.ToText().Length}, line: {line.Length}, witnesses: 2"
        );
    }

    private static (string Verdict, string? Strength) Found(ReceiptFile receipt, TrustPolicy trust)
    {
        var report = SomeReceipt.Check(receipt, trust);
        return (report.Verdict, report.Strength);
    }

    [Fact]
    public void Trap_39_with_the_first_key_a_receipt_of_a_later_epoch_is_valid_where_the_old_log_announced_it()
    {
        var epochs = new TwoEpochs();
        var receipt = epochs.Receipt();
        var (first, second) = (TrustPolicy.Of(epochs.First.Key.Key), TrustPolicy.Of(epochs.Second.Key.Key));
        var report = SomeReceipt.Check(receipt, first);
        Assert.True(report.Verdict == "valid", report.Problem);
        Assert.Equal(("signed", MemoryLog.Origin), (report.Strength, report.AnnouncedBy));
        Assert.Contains($"announced by {MemoryLog.Origin}", ReceiptWords.Of(report), StringComparison.Ordinal);
        Assert.Equal(("valid", null), (SomeReceipt.Check(receipt, second).Verdict, report.Problem));
        Assert.Null(SomeReceipt.Check(receipt, second).AnnouncedBy);
        Assert.Equal("undecided", SomeReceipt.Check(receipt with { Epochs = null }, first).Verdict);
        Assert.Equal("undecided", SomeReceipt.Check(new TwoEpochs { IsAnnounced = false }.Receipt(), first).Verdict);

        var other = new NoteSigner("hub.example.com/2", NoteKeyType.Ed25519, new byte[32]).Key.ToString();
        TwoEpochs[] wrong =
        [
            new() { Announced = other },
            new() { Reason = "theft" },
            new() { Follows = 4 },
            new() { Second = new MemoryLog("hub.example.com/3") },
        ];
        Assert.All(wrong, w => Assert.Equal("invalid", SomeReceipt.Check(w.Receipt(), first).Verdict));
        // Neither its parts alone, nor a chain to another log.
        foreach (var part in receipt.Epochs!.Split("c2sp.org/tlog-proof@v1\n")[1..])
        {
            var alone = receipt with { Epochs = $"c2sp.org/tlog-proof@v1\n{part}" };
            Assert.NotEqual("valid", SomeReceipt.Check(alone, first).Verdict);
        }
        var elsewhere = new SomeReceipt().Make() with { Epochs = receipt.Epochs };
        Assert.Equal("invalid", SomeReceipt.Check(elsewhere, first).Verdict);

        // And no changed bit of the chain is accepted.
        var file = Encoding.UTF8.GetBytes(receipt.ToText());
        var from = receipt.ToText().IndexOf("\"epochs\"", StringComparison.Ordinal);
        var ascii = Encoding.UTF8.GetByteCount(receipt.ToText()[..from]) + "\"epochs\": \"".Length;
        for (var bit = ascii * 8; bit < (file.Length - 5) * 8; bit += LongRun.IsAskedFor ? 1 : 61)
        {
            byte[] changed = [.. file];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual("valid", ReceiptCheck.Of(changed, first, At).Verdict);
        }
    }

    [Fact]
    public void Trap_38_without_a_key_nothing_is_proven()
    {
        var receipt = new SomeReceipt().Make();
        var report = SomeReceipt.Check(receipt, trust: null);
        Assert.Equal("undecided", report.Verdict);
        Assert.Contains("--key", ReceiptWords.Of(report), StringComparison.Ordinal);
        // But what contradicts itself is not valid for any key.
        Assert.Equal("invalid", SomeReceipt.Check(receipt with { Leaf = receipt.Leaf + "0" }, trust: null).Verdict);
        var other = TrustPolicy.Of(new NoteSigner(MemoryLog.Origin, NoteKeyType.Ed25519, new byte[32]).Key);
        Assert.Equal("undecided", SomeReceipt.Check(receipt, other).Verdict);
    }

    [Fact]
    public void No_change_of_a_single_bit_is_accepted_except_in_lines_of_unknown_keys()
    {
        var trust = SomeReceipt.Trust(BothWitnesses);
        var made = new SomeReceipt { Cosigned = [At, At], CosignedBefore = [At, At] }.Make();
        var stranger = MemoryLog.Witness("stranger.example").Line("another text\n", 1_796_000_000);
        var file = Encoding.UTF8.GetBytes((made with { Proof = made.Proof + stranger }).ToText());
        Assert.Equal("valid", ReceiptCheck.Of(file, trust, At).Verdict);
        var text = Encoding.UTF8.GetString(file);
        var from = Encoding.UTF8.GetByteCount(text[..text.IndexOf("\u2014 stranger", StringComparison.Ordinal)]);
        var to = from + Encoding.UTF8.GetByteCount(stranger);
        var step = LongRun.IsAskedFor ? 1 : 37;
        var (survivors, changes) = (new List<int>(), 0);
        for (var bit = 0; bit < file.Length * 8; bit += step, changes++)
        {
            byte[] changed = [.. file];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            // Without its bracket it is a weaker receipt, and says so.
            if (ReceiptCheck.Of(changed, trust, At) is { Verdict: "valid", Strength: "bracketed" })
                survivors.Add(bit / 8);
        }
        Assert.True(changes > 500);
        Assert.All(
            survivors,
            at => Assert.True((at >= from && at < to) || IsSpace(file[at]), text[Math.Max(0, at - 40)..(at + 10)])
        );

        // Space between the file's members is in no text of it.
        static bool IsSpace(byte value) => value is (byte)' ' or (byte)'\n';
    }

    /// <summary>Each could be read in two ways, or in a way in which no receipt is written.</summary>
    internal static IEnumerable<(string Name, string File)> HostileFiles()
    {
        var file = new SomeReceipt().Make().ToText();
        var receipt = new SomeReceipt().Make();
        yield return ("a leaf twice", file.Replace("{\n", "{\n\"leaf\": \"other\",\n", Ordinal)[..]);
        yield return ("a leaf twice, once escaped", "{\"\\u006ceaf\": \"other\"," + file[1..]);
        yield return ("a part twice", file.Replace("\"parts\": {", "\"parts\": {\"facts\": \"other\",", Ordinal));
        yield return ("an unknown member", With(file, "comment", "hello"));
        yield return ("an unknown part", file.Replace("\"parts\": {", "\"parts\": {\"more\": \"erased\",", Ordinal));
        yield return (
            "a deep member",
            file.Replace("\"parts\": {", "\"parts\": {\"origin\": {\"a\": \"b\"},", Ordinal)
        );
        yield return ("a number", file.Replace("\"parts\": {", "\"parts\": {\"origin\": 7,", Ordinal));
        yield return ("null", With(file, "notBefore", null));
        yield return ("a list", "[" + file + "]");
        yield return ("something behind", file + "{}");
        yield return ("a comment", "/* */" + file);
        yield return ("a comma too many", file.TrimEnd()[..^1] + ",}");
        yield return (
            "half a character",
            file.Replace("\"parts\": {", "\"parts\": {\"origin\": \"\\ud83d\",", Ordinal)
        );
        yield return ("another form", file.Replace("receipt-v1", "receipt-v2", Ordinal));
        yield return ("no parts", With(file, "parts", "erased"));
        yield return ("nothing", "");
        yield return ("empty", "{}");
        // Signed as it is, and still read in two ways.
        yield return (
            "people twice",
            (new SomeReceipt { People = """{"requester":"A","requester":"B"}""" }).Make().ToText()
        );
        yield return ("CRLF", (receipt with { Proof = receipt.Proof.Replace("\n", "\r\n") }).ToText());
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static string With(string file, string name, string? value)
    {
        var json = JsonNode.Parse(file)!.AsObject();
        json[name] = value;
        return json.ToJsonString();
    }

    private static Step Step(string name, int need) => new(name, need, [new Approver(Party.Group(1), name)]);

    private static ReceiptReport Check(SomeReceipt receipt) => SomeReceipt.Check(receipt.Make(), Trust);

    private static string Verdict(SomeReceipt receipt) => Check(receipt).Verdict;
}
