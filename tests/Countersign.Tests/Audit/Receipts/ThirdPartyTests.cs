using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Countersign.Audit.Receipts;
using Countersign.Proof;
using Xunit;

namespace Countersign.Tests.Audit.Receipts;

/// <summary>
/// Programs that others wrote for the public formats accept our notes and proofs, and refuse a hundred changed ones:
/// those of trees of all shapes, and those of hubs that made them from requests of their own.
/// </summary>
public sealed class ThirdPartyTests
{
    private static readonly JsonSerializerOptions Names = new(JsonSerializerDefaults.Web);
    private static readonly string Key = new MemoryLog().Key.Key.ToString();
    private static readonly Lazy<Task<List<HubsOwnLog>>> Hubs = new(HubsOwnLog.OfAll);

    [Fact]
    public async Task Gos_own_packages_accept_notes_inclusion_and_consistency_and_refuse_changed_ones()
    {
        const string path = "/usr/share/gocode";
        Assert.SkipUnless(
            Directory.Exists(Path.Combine(path, "src", "golang.org", "x", "mod", "sumdb")),
            "Debian's packages golang-go and golang-golang-x-mod-dev are not installed."
        );
        var cases = await Cases();
        using var go = new Process
        {
            StartInfo = new ProcessStartInfo(
                "go",
                ["run", Path.Combine(Repository.Root, "tests/Countersign.Tests/Audit/Receipts/LogOfOthers.go")]
            )
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["GO111MODULE"] = "off",
                    ["GOPATH"] = path,
                    ["GOFLAGS"] = "",
                },
            },
        };
        try
        {
            go.Start();
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            Assert.Skip($"There is no go: {missing.Message}");
        }
        var (output, error) = (go.StandardOutput.ReadToEndAsync(), go.StandardError.ReadToEndAsync());
        await go.StandardInput.WriteAsync(
            JsonSerializer.Serialize(new { cases, Logs = TilesOf(await Hubs.Value) }, Names)
        );
        go.StandardInput.Close();
        await go.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        Assert.True(go.ExitCode == 0, await error);
        AssertVerdicts(cases, (await output).TrimEnd().Split('\n').Select(line => line == "true"));
    }

    [Fact]
    public async Task Sigstores_verifier_accepts_checkpoint_and_inclusion_and_refuses_changed_ones()
    {
        using var npm = await Npm.Install("@sigstore/verify@3.1.1");
        // It knows neither ids of lines that are not its log's nor consistency.
        var cases = (await Cases())
            .Where(c => c.Changed is null or "leaf" or "index" or "path" or "root" or "signature")
            .ToList();
        await File.WriteAllTextAsync(Path.Combine(npm.Folder, "cases.json"), JsonSerializer.Serialize(cases, Names));
        var output = await npm.Node(
            """
            const { createPublicKey } = require("node:crypto");
            const { verifyCheckpoint } = require("./node_modules/@sigstore/verify/dist/tlog/checkpoint.js");
            const { verifyMerkleInclusion } = require("./node_modules/@sigstore/verify/dist/tlog/merkle.js");
            const bytes = text => Buffer.from(text, "base64");
            console.log(JSON.stringify(require("./cases.json").map(c => {
              try {
                const [name, id, key] = c.vkey.split("+", 2).concat(c.vkey.split("+").slice(2).join("+"));
                const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), bytes(key).subarray(1)]);
                const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
                const inclusionProof = { logIndex: String(c.index), hashes: c.path.map(bytes),
                  checkpoint: { envelope: c.note } };
                const entry = { inclusionProof, canonicalizedBody: Buffer.from(c.leaf) };
                const log = { logID: Buffer.from(id, "hex"), baseURL: name, publicKey };
                verifyMerkleInclusion(entry, verifyCheckpoint(entry, [log]));
                return true;
              } catch { return false; }
            })));
            """
        );
        AssertVerdicts(cases, JsonSerializer.Deserialize<bool[]>(output)!);
    }

    [Fact]
    public async Task Nobles_library_makes_the_same_ML_DSA_key_and_accepts_our_signature_of_a_checkpoint()
    {
        using var npm = await Npm.Install("@noble/post-quantum@0.7.1");
        var seed = SHA256.HashData("ML-DSA-44"u8);
        var signer = new NoteSigner(MemoryLog.Origin, NoteKeyType.MlDsa44, seed);
        var note = new MemoryLog().Grow(5).Note(5) + signer.Line(new MemoryLog().Grow(5).Head(5).ToString());
        var what = new
        {
            note,
            vkey = signer.Key.ToString(),
            seed = Convert.ToBase64String(seed),
        };
        await File.WriteAllTextAsync(Path.Combine(npm.Folder, "case.json"), JsonSerializer.Serialize(what, Names));
        var output = await npm.Node(
            """
            import("@noble/post-quantum/ml-dsa.js").then(({ ml_dsa44 }) => {
              const { note, vkey, seed } = require("./case.json");
              const bytes = text => new Uint8Array(Buffer.from(text, "base64"));
              const key = bytes(vkey.split("+").slice(2).join("+")).slice(1);
              const [origin, size, root, , , line] = note.split("\n"), signed = bytes(line.split(" ")[2]).slice(4);
              const number = n => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };
              const name = Buffer.from(origin), length = Buffer.from([name.length]);
              const label = Buffer.from("subtree/v1\n\0");
              const message = root => new Uint8Array(Buffer.concat([label, length, name, number(0), length, name,
                number(0), number(size), root]));
              const isGood = root => ml_dsa44.verify(signed.slice(8), message(root), key);
              const made = ml_dsa44.keygen(bytes(seed)).publicKey;
              console.log([Buffer.from(made).equals(Buffer.from(key)), isGood(Buffer.from(root, "base64")),
                isGood(Buffer.alloc(32))].join());
            });
            """
        );
        Assert.Equal("true,true,false", output.TrimEnd());
    }

    [Fact]
    public async Task OpenSsl_accepts_the_signature_of_a_note_and_refuses_changed_ones()
    {
        var cases = (await Cases()).Where(c => c.Changed is null or "root" or "signature").TakeLast(60).ToList();
        var verdicts = new List<bool>();
        var folder = Directory.CreateTempSubdirectory("countersign-openssl-").FullName;
        try
        {
            foreach (var (c, i) in cases.Select((c, i) => (c, i)))
            {
                var note = SignedNote.Parse(c.Note, out _)!;
                var key = Convert.FromBase64String(c.Vkey.Split('+', 3)[2])[1..];
                await File.WriteAllBytesAsync(
                    Path.Combine(folder, "key"),
                    [.. Convert.FromHexString("302a300506032b6570032100"), .. key]
                );
                await File.WriteAllTextAsync(Path.Combine(folder, "text"), note.Text);
                await File.WriteAllBytesAsync(Path.Combine(folder, "signature"), note.Signatures[0].Bytes);
                var (code, _, why) = await Programs.Run(
                    "openssl",
                    [
                        "pkeyutl",
                        "-verify",
                        "-pubin",
                        "-keyform",
                        "DER",
                        "-inkey",
                        "key",
                        "-rawin",
                        "-in",
                        "text",
                        "-sigfile",
                        "signature",
                    ],
                    folder
                );
                Assert.SkipWhen(code == -1, $"There is no openssl: {why}");
                verdicts.Add(code == 0);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        AssertVerdicts(cases, verdicts);
    }

    private static void AssertVerdicts(List<Case> cases, IEnumerable<bool> verdicts) =>
        Assert.Empty(
            cases
                .Zip(verdicts.ToList())
                .Where(pair => pair.Second != (pair.First.Changed is null))
                .Select(pair => $"{pair.First.Changed ?? "unchanged"}, index {pair.First.Index}: {pair.Second}")
                .Append(cases.Count == verdicts.Count() ? null : "another number of verdicts")
                .OfType<string>()
        );

    private static Dictionary<string, Dictionary<string, byte[]>> TilesOf(List<HubsOwnLog> hubs) =>
        hubs.ToDictionary(hub => hub.Name, hub => hub.Tiles);

    /// <summary>Some proofs of several sizes and some of hubs, and each with one byte of every part changed.</summary>
    private static async Task<List<Case>> Cases()
    {
        var cases = new List<Case>();
        foreach (var (before, later) in new[] { (1, 0), (3, 1), (4, 4), (7, 9), (16, 1), (20, 12), (63, 70), (255, 3) })
        {
            var log = new MemoryLog().Grow(before);
            var receipt = new SomeReceipt { Log = log, Later = later }.Make();
            var consistency = log.Consistency(before, log.Size).TrimEnd().Split('\n');
            var proof = TlogProof.Parse(receipt.Proof, out _)!;
            cases.AddRange(
                WithChanges(
                    new Case(
                        null,
                        Key,
                        proof.Note,
                        log.Note(before),
                        receipt.Leaf,
                        proof.Index,
                        [.. proof.Hashes],
                        [.. consistency.Select(Convert.FromBase64String)]
                    ),
                    log.Note(before + 1)
                )
            );
        }
        foreach (var hub in await Hubs.Value)
        {
            var ofHub = hub
                .Receipts.SelectMany(receipt =>
                {
                    var proof = TlogProof.Parse(receipt.Proof, out _)!;
                    return WithChanges(
                        new Case(
                            null,
                            hub.Vkey,
                            proof.Note,
                            hub.Earlier,
                            receipt.Leaf,
                            proof.Index,
                            [.. proof.Hashes],
                            [.. hub.Consistency]
                        )
                        {
                            Tiles = hub.Name,
                        },
                        hub.EarlierStill,
                        hub.Tiles
                    );
                })
                .ToList();
            Assert.True(ofHub.Count(c => c.Changed is not null) >= 100);
            cases.AddRange(ofHub);
        }
        Assert.True(cases.Count(c => c.Changed is not null) >= 200);
        return cases;
    }

    /// <param name="old">A checkpoint that the consistency proof isn't of.</param>
    private static IEnumerable<Case> WithChanges(Case good, string old, Dictionary<string, byte[]>? tiles = null)
    {
        yield return good;
        yield return good with
        {
            Changed = "leaf",
            Leaf = good.Leaf.Replace("approved", "rejected"),
        };
        yield return good with
        {
            Changed = "index",
            Index = good.Index - 1,
        };
        yield return good with
        {
            Changed = "path",
            Path = Flipped(good.Path),
        };
        yield return good with
        {
            Changed = "path",
            Path = good.Path[..^1],
        };
        yield return good with
        {
            Changed = "path",
            Path = [.. good.Path, good.Path[0]],
        };
        yield return good with
        {
            Changed = "consistency",
            Consistency = Flipped(good.Consistency),
        };
        yield return good with
        {
            Changed = "consistency",
            Consistency = good.Consistency[..^1],
        };
        yield return good with
        {
            Changed = "old",
            Old = old,
        };
        var lines = good.Note.Split('\n');
        var otherRoot = Convert.ToBase64String(SHA256.HashData(Convert.FromBase64String(lines[2])));
        yield return good with
        {
            Changed = "root",
            Note = good.Note.Replace(lines[2], otherRoot),
        };
        yield return good with
        {
            Changed = "root",
            Note = good.Note.Replace($"\n{lines[1]}\n", $"\n{lines[1]}0\n"),
        };
        for (var at = 4; at < 68; at += 31)
        {
            var line = lines[4].Split(' ')[2];
            var bytes = Convert.FromBase64String(line);
            bytes[at] ^= 1;
            var other = good.Note.Replace(line, Convert.ToBase64String(bytes));
            yield return good with
            {
                Changed = "signature",
                Note = other,
            };
        }
        if (tiles is null)
            yield break;
        var start = $"tile/0/{good.Index / Tile.FullWidth:000}";
        var (path, tile) = tiles.Single(tile => tile.Key.StartsWith(start, StringComparison.Ordinal));
        yield return good with
        {
            Changed = "tile",
            Tile = new() { [path] = [.. tile.Select(b => (byte)(b ^ 1))] },
        };
    }

    private static byte[][] Flipped(byte[][] hashes)
    {
        byte[][] other = [.. hashes.Select(hash => hash.ToArray())];
        other[^1][7] ^= 1;
        return other;
    }

    private sealed record Case(
        string? Changed,
        string Vkey,
        string Note,
        string Old,
        string Leaf,
        long Index,
        byte[][] Path,
        byte[][] Consistency
    )
    {
        /// <summary>Of which hub's log; its tiles prove the same.</summary>
        public string? Tiles { get; init; }

        /// <summary>Tiles in place of the hub's, by path.</summary>
        public Dictionary<string, byte[]>? Tile { get; init; }
    }
}
