using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Proof;
using Xunit;

namespace Countersign.Tests.Audit;

public sealed class ExportTests
{
    [Theory, BothEngines]
    public async Task What_is_exported_can_be_checked_without_Countersign(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();

        var lines = await Exported(recorded);

        Assert.Null(ProblemOf(lines));
        var head = lines.Last(l => Type(l) == "seal");
        Assert.Equal((await recorded.Check()).Head, $"{head.GetProperty("n").GetInt64()}:{Text(head, "hash")}");
        Assert.Equal((await recorded.Check()).Events, lines.Count(l => Type(l) == "event"));
        Assert.Equal(
            (await recorded.Check()).Unsealed,
            lines.Count(l => Type(l) == "event" && l.GetProperty("seal").ValueKind == JsonValueKind.Null)
        );
    }

    [Theory, BothEngines]
    public async Task With_the_tree_all_roots_follow_from_the_exported_lines_and_the_others_are_as_before(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.AddPeople("Cid");
        await recorded.Sealer.SealOnce();
        var tree = Sealers.Tree(recorded.Hub.Store, recorded.RootKeyFile, recorded.Key);
        Assert.NotNull(await tree.Begin(EpochReason.Other, default));
        await recorded.Hub.AddPeople("Dan");
        await recorded.Sealer.SealAll();

        var lines = await Exported(recorded, hasTree: true);
        string[] ofTree = ["epoch", "leaf", "head"];
        var others = lines.FindAll(l => !ofTree.Contains(Type(l))).ConvertAll(l => l.GetRawText());
        Assert.Equal((await Exported(recorded)).ConvertAll(l => l.GetRawText()), others);

        var (keys, leaves, batch) = (
            new Dictionary<long, NoteKey>(),
            new Dictionary<long, List<byte[]>>(),
            new List<byte[]>()
        );
        var (heads, signed, isSealed) = (0, 0, false);
        foreach (var line in lines)
        {
            if (Type(line) == "event")
            {
                // A seal comes after its events, and its heads after it.
                if (isSealed)
                    batch.Clear();
                batch.Add(Convert.FromHexString(Text(line, "hash")));
            }
            isSealed = Type(line) != "event";
            if (!ofTree.Contains(Type(line)))
                continue;
            var epoch = line.GetProperty("epoch").GetInt64();
            switch (Type(line))
            {
                case "epoch":
                    Assert.True(NoteKey.TryParse(Text(line, "vkey"), out var key, out _));
                    (keys[epoch], leaves[epoch]) = (key, []);
                    break;
                case "leaf":
                    Assert.Equal(leaves[epoch].Count, line.GetProperty("index").GetInt64());
                    leaves[epoch].Add(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(Text(line, "text"))));
                    break;
                default:
                    heads++;
                    var size = line.GetProperty("size").GetInt64();
                    if (leaves[epoch].Count < size)
                        leaves[epoch].AddRange(batch);
                    var root = MerkleTree.Root(size, (level, n) => Subtree(leaves[epoch], level, n));
                    Assert.Equal((size, Convert.ToBase64String(root)), (leaves[epoch].Count, Text(line, "root")));
                    if (line.GetProperty("note").GetString() is not { } note)
                        break;
                    Assert.True(SignedNote.Parse(note, out _)!.IsSignedBy(keys[epoch], out _));
                    signed++;
                    break;
            }
        }
        Assert.Equal((5, 3), (heads, signed));

        static byte[] Subtree(List<byte[]> leaves, int level, long n) =>
            level == 0
                ? leaves[(int)n]
                : MerkleTree.NodeHash(Subtree(leaves, level - 1, 2 * n), Subtree(leaves, level - 1, (2 * n) + 1));
    }

    [Theory]
    [InlineData("UPDATE events SET address = '10.0.0.1' WHERE id = 4")]
    [InlineData("UPDATE seals SET at = '2026-03-04T05:06:07.090Z' WHERE n = 2")]
    [InlineData("DELETE FROM events WHERE id = 6")]
    public async Task A_reader_of_an_export_finds_what_was_changed(string sql)
    {
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        await recorded.LiveThroughALot();
        await recorded.Hub.Place.Tamper(sql);

        Assert.NotNull(ProblemOf(await Exported(recorded)));
    }

    [Fact]
    public async Task The_script_in_the_documentation_accepts_an_export_also_after_an_erasure()
    {
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        await recorded.LiveThroughALot();
        await recorded.Sealer.SealAll();
        var guide = Repository.Read("docs", "operating.md");
        var start = guide.IndexOf("```python\n", StringComparison.Ordinal) + "```python\n".Length;
        var script = guide[start..guide.IndexOf("```\n", start, StringComparison.Ordinal)];
        Assert.Contains("countersign-leaf-v1", script, StringComparison.Ordinal);
        var folder = Directory.CreateTempSubdirectory("countersign-export-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "check.py"), script);
            foreach (var isChanged in new[] { false, true })
            {
                if (isChanged)
                    await recorded.Hub.Place.Tamper("UPDATE events SET data = replace(data, 'agent', 'admin')");
                await using (var stream = File.Create(Path.Combine(folder, "log.jsonl")))
                    await new Export(recorded.Hub.Store, recorded.Key).Run(stream);
                var (code, _, why) = await Programs.Run("python3", ["check.py", "log.jsonl"], folder);
                Assert.SkipWhen(code == -1, "Python is not installed.");
                Assert.True(isChanged == (code != 0), why);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory, PostgresOnly]
    public async Task Events_stand_in_the_order_in_which_they_were_sealed(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben", "Cid");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.AddPeople("Dan");
        await recorded.Sealer.SealOnce();

        var lines = await Exported(recorded);

        Assert.Equal(["key", "event", "event", "event", "seal", "event", "seal"], lines.ConvertAll(Type));
        Assert.Equal(
            [1, 1, 1, 2],
            lines.FindAll(l => Type(l) == "event").ConvertAll(l => l.GetProperty("seal").GetInt64())
        );
    }

    private static async Task<List<JsonElement>> Exported(RecordedHub recorded, bool hasTree = false)
    {
        using var stream = new MemoryStream();
        await new Export(recorded.Hub.Store, recorded.Key) { HasTree = hasTree }.Run(stream);
        return
        [
            .. Encoding
                .UTF8.GetString(stream.ToArray())
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];
    }

    /// <summary>What docs/operating.md tells third parties to do, with nothing of ours.</summary>
    private static string? ProblemOf(List<JsonElement> lines)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(Text(lines[0], "publicKey")), out _);
        var (heads, hashes, previous, number) = (
            new Dictionary<string, string>(),
            new Dictionary<long, string>(),
            "",
            0L
        );
        foreach (var line in lines.Skip(1))
        {
            if (Type(line) == "event")
            {
                var parts = line.GetProperty("parts")
                    .EnumerateObject()
                    .ToDictionary(p => p.Name, p => p.Value.GetString()!);
                string[] told =
                [
                    "countersign-leaf-v1",
                    heads.GetValueOrDefault(Text(line, "subject"), "-"),
                    Text(line, "subject"),
                    line.GetProperty("n").GetRawText(),
                    Text(line, "at"),
                    Text(line, "kind"),
                    Text(line, "via"),
                    .. new[] { "facts", "people", "words", "origin" }.Select(name =>
                        parts[name].StartsWith("countersign-part-v1\n", StringComparison.Ordinal)
                            ? Sha256(parts[name])
                            : parts[name]
                    ),
                ];
                var hash = Sha256("\0" + string.Join('\n', told));
                // Of an erased part only the digest is left.
                using var origin = JsonDocument.Parse(
                    parts["origin"].Split('\n') is [_, _, _, var json]
                        ? json
                        : JsonSerializer.Serialize(new { actor = Text(line, "actor"), address = Text(line, "address") })
                );
                if (
                    hash != Text(line, "hash")
                    || Text(origin.RootElement, "actor") != Text(line, "actor")
                    || Text(origin.RootElement, "address") != Text(line, "address")
                )
                {
                    return $"event {line.GetProperty("id")}";
                }
                heads[Text(line, "subject")] = hashes[line.GetProperty("id").GetInt64()] = hash;
                continue;
            }
            var ids = Text(line, "events")
                .Split(',')
                .Select(r => r.Split('-').Select(long.Parse).ToArray())
                .SelectMany(r => Enumerable.Range(0, (int)(r[^1] - r[0]) + 1).Select(i => r[0] + i));
            var text =
                $"countersign-seal-v1\n{previous}\n{++number}\n{Text(line, "at")}\n{Text(line, "events")}\n"
                + $"{line.GetProperty("count").GetRawText()}\n"
                + string.Concat(ids.Select(id => hashes.GetValueOrDefault(id) + "\n"));
            previous = Sha256(text);
            if (
                previous != Text(line, "hash")
                || !key.VerifyData(
                    Encoding.UTF8.GetBytes(text),
                    Convert.FromBase64String(Text(line, "signature")),
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.Rfc3279DerSequence
                )
            )
            {
                return $"seal {number}";
            }
        }
        return null;
    }

    private static string Sha256(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Type(JsonElement line) => Text(line, "type");

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;
}
