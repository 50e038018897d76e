using System.Security.Cryptography;
using System.Text;
using Countersign.Proof;
using Xunit;

namespace Countersign.Tests.Proof;

public sealed class NoteTests
{
    private const string Origin = "hub.example.com/1";
    private static readonly NoteSigner Log = new(Origin, NoteKeyType.Ed25519, SHA256.HashData("log"u8));
    private static readonly NoteSigner Witness = new(
        "witness.example.com",
        NoteKeyType.Cosignature,
        SHA256.HashData("witness"u8)
    );
    private static readonly Checkpoint Head = new(Origin, 7, MerkleTree.LeafHash("root"u8));

    [Fact]
    public void A_checkpoint_is_signed_cosigned_and_read_back()
    {
        var text = Head.ToString();
        var note = Log.Sign(text) + Witness.Line(text, time: 1_796_000_000);

        var read = SignedNote.Parse(note, out var why);

        Assert.True(read is not null, why);
        Assert.True(read.IsSignedBy(Log.Key, out _));
        Assert.True(read.IsSignedBy(Witness.Key, out var times));
        Assert.Equal([1_796_000_000UL], times);
        Assert.Equal(text, read.Text);
        Assert.Equal(text, Checkpoint.Parse(read.Text, out _)!.ToString());
        // The same text gets the same signature, so that two nodes publish the same bytes.
        Assert.Equal(note, Log.Sign(text) + Witness.Line(text, time: 1_796_000_000));
    }

    [Fact]
    public void A_key_is_read_from_its_text_and_a_changed_one_is_refused()
    {
        var text = Log.Key.ToString();
        Assert.True(NoteKey.TryParse(text, out var key, out _));
        Assert.Equal(text, key.ToString());
        foreach (var wrong in new[] { "", "a", "a+b", text[..^4], $"other{text}", text.Replace("+AZ", "+BZ") })
            Assert.False(NoteKey.TryParse(wrong, out _, out _), wrong);
    }

    [Fact]
    public void Trap_7_the_id_of_an_ecdsa_key_is_that_of_the_key_alone()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var spki = ecdsa.ExportSubjectPublicKeyInfo();
        var key = NoteKey.Of("rekor.example.com", NoteKeyType.EcdsaP256, spki);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(spki))[..8], $"{key.Id:x8}");
        var text = Head.ToString();
        var signature = ecdsa.SignData(
            Encoding.UTF8.GetBytes(text),
            HashAlgorithmName.SHA256,
            DSASignatureFormat.Rfc3279DerSequence
        );
        Assert.True(key.IsSignatureOf(text, signature, out _));
        Assert.False(key.IsSignatureOf(text + "\n", signature, out _));
    }

    [Fact]
    public void Trap_8_every_changed_bit_of_a_signed_note_is_noticed()
    {
        var note = Encoding.UTF8.GetBytes(Log.Sign(Head.ToString()));
        for (var bit = 0; bit < note.Length * 8; bit++)
        {
            var changed = (byte[])note.Clone();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            var text = Encoding.UTF8.GetString(changed);
            Assert.NotEqual(true, SignedNote.Parse(text, out _)?.IsSignedBy(Log.Key, out _));
        }
    }

    [Fact]
    public void Signatures_of_unknown_keys_are_passed_over_and_a_wrong_one_of_a_known_key_spoils_the_note()
    {
        var text = Head.ToString();
        var stranger = new NoteSigner(Origin, NoteKeyType.Ed25519, SHA256.HashData("stranger"u8));
        var both = SignedNote.Parse(Log.Sign(text) + stranger.Line(text), out _)!;
        Assert.True(both.IsSignedBy(Log.Key, out _));
        var wrong = SignedNote.Parse(Log.Sign(text) + Log.Line(text + "x"), out _)!;
        Assert.False(wrong.IsSignedBy(Log.Key, out _));
        Assert.Null(SignedNote.Parse(stranger.Sign(text), out _)!.IsSignedBy(Log.Key, out _));
    }

    [Theory]
    [InlineData("hub.example.com/1\n7\n{0}\nextension\n")]
    [InlineData("hub.example.com/1\n7\n{0}\n\n")]
    [InlineData("hub.example.com/1\n7\n{0}")]
    [InlineData("hub.example.com/1\n07\n{0}\n")]
    [InlineData("hub.example.com/1\n-7\n{0}\n")]
    [InlineData("hub.example.com/1\n0\n{0}\n")]
    [InlineData("hub.example.com/1\n99999999999999999999\n{0}\n")]
    [InlineData("\n7\n{0}\n")]
    [InlineData("hub.example.com/1\n7\n{0}=\n")]
    public void Traps_9_and_37_a_checkpoint_has_exactly_three_lines(string text)
    {
        text = text.Replace("{0}", Convert.ToBase64String(Head.Root), StringComparison.Ordinal);
        Assert.Null(Checkpoint.Parse(text, out var why));
        Assert.NotEmpty(why);
    }

    [Fact]
    public void Trap_11_sizes_beyond_what_a_double_holds_are_exact()
    {
        var text = (Head with { Size = (1L << 60) + 1 }).ToString();
        Assert.Contains("\n1152921504606846977\n", text, StringComparison.Ordinal);
        Assert.Equal((1L << 60) + 1, Checkpoint.Parse(text, out _)!.Size);
    }

    [Fact]
    public void Trap_10_what_mail_and_editors_do_to_a_note_is_named()
    {
        var note = Log.Sign(Head.ToString());
        (string Note, string Why)[] changed =
        [
            ("\uFEFF" + note, "byte order mark"),
            (note.ReplaceLineEndings("\r\n"), "carriage returns"),
            (note.Replace('\u2014', '-'), "U+2014"),
            (note.Replace('\u2014', '\u2013'), "U+2014"),
            (note.TrimEnd('\n'), "line feed"),
        ];
        foreach (var (text, cause) in changed)
        {
            Assert.Null(SignedNote.Parse(text, out var why));
            Assert.Contains(cause, why, StringComparison.Ordinal);
        }
        // Loose bits at the end of base64: another text for the same bytes.
        var loose = Convert.ToBase64String(Head.Root);
        var last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".IndexOf(
            loose[^2],
            StringComparison.Ordinal
        );
        var other =
            $"{loose[..^2]}{(char)("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[last | 1])}=";
        Assert.Null(Checkpoint.Parse($"{Origin}\n7\n{other}\n", out _));
    }

    [Fact]
    public void Trap_35_a_cosignature_without_a_time_is_none()
    {
        var text = Head.ToString();
        Assert.Throws<ArgumentOutOfRangeException>(() => Witness.Line(text, time: 0));
        Assert.False(Witness.Key.IsSignatureOf(text, new byte[72], out _));
    }

    [Fact]
    public void A_proof_is_read_as_it_was_written()
    {
        var proof = new TlogProof(5, [Head.Root, MerkleTree.EmptyRoot], Log.Sign(Head.ToString()));
        var read = TlogProof.Parse(proof.ToString(), out _)!;
        Assert.Equal(proof.ToString(), read.ToString());
        Assert.Equal((5, proof.Note), (read.Index, read.Note));
        var text = proof.ToString();
        foreach (
            var wrong in new[]
            {
                text.Replace("@v1", "@v2", StringComparison.Ordinal),
                text.Replace("index 5", "index 05", StringComparison.Ordinal),
                text.Replace("index 5\n", "", StringComparison.Ordinal),
                text.Replace("\n\n", "\n", StringComparison.Ordinal),
                "",
            }
        )
        {
            Assert.Null(TlogProof.Parse(wrong, out _));
        }
        Assert.NotNull(TlogProof.Parse(text.Replace("index", "extra AAAA\nindex", StringComparison.Ordinal), out _));
    }

    [Fact]
    public void A_published_log_of_fifteen_entries_is_reproduced_to_the_byte()
    {
        const string vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
        Assert.True(NoteKey.TryParse(vkey, out var key, out _));
        var entries = Entries(File.ReadAllBytes(Vectors.Of("tessera-log", "tile", "entries", "000.p", "15")));
        var leaves = entries.Select(e => MerkleTree.LeafHash(e)).ToList();
        var edge = new TreeEdge();
        byte[] Hash(int level, long n) =>
            level == 0 ? leaves[(int)n] : MerkleTree.NodeHash(Hash(level - 1, 2 * n), Hash(level - 1, (2 * n) + 1));
        for (var size = 0; size <= 15; size++)
        {
            if (size > 0)
            {
                Assert.Empty(edge.Append(leaves[size - 1]));
                var tile = File.ReadAllBytes(Vectors.Of(["tessera-log", .. new Tile(0, 0, size).Path.Split('/')]));
                Assert.Equal(leaves[..size].SelectMany(h => h), tile);
            }
            var note = SignedNote.Parse(File.ReadAllText(Vectors.Of("tessera-log", $"checkpoint.{size}")), out var why);
            Assert.True(note is not null, why);
            Assert.True(note.IsSignedBy(key, out _));
            Assert.Equal(new Checkpoint(key.Name, size, edge.Root()).ToString(), note.Text);
            for (var first = 1; first <= size; first++)
            {
                Assert.True(
                    MerkleTree.IsConsistent(
                        (ulong)first,
                        (ulong)size,
                        MerkleTree.Consistency(first, size, Hash),
                        MerkleTree.Root(first, Hash),
                        edge.Root()
                    )
                );
            }
        }
    }

    [Theory]
    [InlineData(0, 1_234_067, 256, "tile/0/x001/x234/067")]
    [InlineData(0, 273, 112, "tile/0/273.p/112")]
    [InlineData(1, 1, 17, "tile/1/001.p/17")]
    [InlineData(2, 0, 1, "tile/2/000.p/1")]
    public void A_tile_has_one_path(int level, long n, int width, string path)
    {
        var tile = new Tile(level, n, width);
        Assert.Equal(path, tile.Path);
        Assert.True(Tile.TryParse(path["tile/".Length..], out var read, out var isEntries));
        Assert.Equal((tile, false), (read, isEntries));
        Assert.True(Tile.TryParse(tile.EntriesPath["tile/".Length..], out read, out isEntries));
        Assert.Equal((tile with { Level = 0 }, true), (read, isEntries));
    }

    [Theory]
    [InlineData("0/1")]
    [InlineData("0/x000/001")]
    [InlineData("0/001/002")]
    [InlineData("0/x001/x002")]
    [InlineData("0/000.p/0")]
    [InlineData("0/000.p/256")]
    [InlineData("00/000")]
    [InlineData("64/000")]
    [InlineData("-1/000")]
    [InlineData("0/../000")]
    [InlineData("0/x999/x999/x999/x999/x999/x999/x999/999")]
    public void A_path_that_is_not_written_that_way_names_no_tile(string path) =>
        Assert.False(Tile.TryParse(path, out _, out _));

    [Fact]
    public void A_tree_of_70000_leaves_has_the_tiles_of_the_published_example()
    {
        var tiles = Tile.OfTree(70_000).ToList();
        Assert.Equal(
            [(0, 273, 112), (1, 1, 17), (2, 0, 1)],
            tiles.Where(t => t.Width < 256).Select(t => (t.Level, (int)t.N, t.Width))
        );
        Assert.Equal([273, 1], tiles.Where(t => t.Width == 256).GroupBy(t => t.Level).Select(g => g.Count()));
    }

    [Fact]
    public async Task OpenSSL_accepts_our_signature_and_refuses_a_changed_text()
    {
        var folder = Directory.CreateTempSubdirectory("countersign-note-").FullName;
        try
        {
            // SubjectPublicKeyInfo of an Ed25519 key: a fixed head and the 32 bytes.
            byte[] spki = [.. Convert.FromHexString("302a300506032b6570032100"), .. Log.Key.Key.Span];
            await File.WriteAllTextAsync(
                Path.Combine(folder, "key.pem"),
                $"-----BEGIN PUBLIC KEY-----\n{Convert.ToBase64String(spki)}\n-----END PUBLIC KEY-----\n"
            );
            var text = Head.ToString();
            var signature = SignedNote.Parse(Log.Sign(text), out _)!.Signatures[0].Bytes;
            await File.WriteAllBytesAsync(Path.Combine(folder, "signature"), signature);
            foreach (var (says, isGood) in new[] { (text, true), (text.Replace("\n7\n", "\n8\n"), false) })
            {
                await File.WriteAllTextAsync(Path.Combine(folder, "text"), says);
                string[] arguments =
                [
                    "pkeyutl",
                    "-verify",
                    "-pubin",
                    "-inkey",
                    "key.pem",
                    "-rawin",
                    "-in",
                    "text",
                    "-sigfile",
                    "signature",
                ];
                var (code, _, error) = await Programs.Run("openssl", arguments, folder);
                Assert.SkipWhen(code == -1, "OpenSSL is not installed.");
                Assert.True(isGood == (code == 0), error);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static List<byte[]> Entries(byte[] bundle)
    {
        var entries = new List<byte[]>();
        for (var at = 0; at < bundle.Length; )
        {
            var length = (bundle[at] << 8) | bundle[at + 1];
            entries.Add(bundle[(at + 2)..(at + 2 + length)]);
            at += 2 + length;
        }
        return entries;
    }
}
