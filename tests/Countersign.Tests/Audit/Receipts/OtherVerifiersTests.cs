using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Countersign.Audit.Receipts;
using Countersign.Policies;
using Countersign.Proof;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Audit.Receipts;

/// <summary>The program, the page and the Python script say the same of every file.</summary>
public sealed class OtherVerifiersTests
{
    private static readonly string Key = new MemoryLog().Key.Key.ToString();
    private static readonly string Keys = $"{Key}\n{new MemoryLog().Ann.Key}\n{new MemoryLog().Ben.Key}";
    private static readonly TrustPolicy Both = SomeReceipt.Trust(
        new MemoryLog().Trust + "group both all ann ben\nquorum both\n"
    );

    [Fact]
    public async Task Traps_25_26_and_31_the_page_in_node_and_the_python_script_agree_with_the_program()
    {
        var files = Files().ToList();
        var ours = files.ConvertAll(f => SomeReceipt.Check(f.File, SomeReceipt.Trust($"log {Key}\nquorum none")));
        Assert.Contains(ours, r => r.Verdict == "valid");
        Assert.Contains(ours, r => r.Verdict == "undecided");

        var node = await OtherVerifiers.Node(files.Select(f => f.File), Key);
        var python = await OtherVerifiers.Python(files.Select(f => f.File), Key);

        var different = files
            .Select((f, i) => (f.Name, Ours: ours[i], Node: node[i], Python: python[i]))
            .Where(f => f.Ours.Verdict != f.Node.Verdict || f.Python.Verdict != WithoutAnswers(f.Ours));
        Assert.Empty(different.Select(f => $"{f.Name}: {f.Ours.Verdict} {f.Ours.Problem} / {f.Node} / {f.Python}"));
    }

    [Fact]
    public async Task Page_and_script_call_a_receipt_of_a_later_epoch_valid_with_its_own_key_alone()
    {
        var epochs = new TwoEpochs();
        string[] file = [epochs.Receipt().ToText()];
        Assert.Equal("valid", SomeReceipt.Check(file[0], TrustPolicy.Of(epochs.First.Key.Key)).Verdict);
        var (first, second) = (epochs.First.Key.Key.ToString(), epochs.Second.Key.Key.ToString());

        var (verdict, why) = Assert.Single(await OtherVerifiers.Node(file, first));
        Assert.Equal("undecided", verdict);
        Assert.Contains("needs the key of its epoch", why, StringComparison.Ordinal);
        Assert.Equal("valid", Assert.Single(await OtherVerifiers.Node(file, second)).Verdict);
        Assert.Equal("undecided", Assert.Single(await OtherVerifiers.Python(file, first)).Verdict);
        Assert.Equal("valid", Assert.Single(await OtherVerifiers.Python(file, second)).Verdict);
    }

    /// <summary>The script checks that the event was signed and logged, and doesn't look at what answers say.</summary>
    private static string WithoutAnswers(ReceiptReport report) =>
        report.Problem is { } problem && AboutAnswers.Any(text => problem.Contains(text, StringComparison.Ordinal))
            ? "valid"
        : report.Strength is not null && report.Problem is null ? "valid"
        : report.Verdict;

    private static readonly string[] AboutAnswers =
    [
        "its answers don't fill",
        "A person answers twice",
        "neither an answer nor the policy",
    ];

    [Fact]
    public async Task Trap_35_the_page_counts_witnesses_and_brackets_as_the_program_does()
    {
        var at = SomeReceipt.At;
        SomeReceipt bracketed = new() { Cosigned = [at, at], CosignedBefore = [at, at] };
        var receipt = bracketed.Make();
        SomeReceipt[] some =
        [
            bracketed with
            {
                Log = new MemoryLog().Grow(1),
                Later = 0,
            },
            bracketed with
            {
                Log = new MemoryLog().Grow(8),
                Later = 1,
            },
            bracketed with
            {
                Log = new MemoryLog().Grow(21),
                Later = 30,
            },
            bracketed with
            {
                Log = new MemoryLog().Grow(64),
                Later = 64,
            },
            bracketed with
            {
                Log = new MemoryLog().Grow(5),
                Cosigned = [at],
            },
            bracketed with
            {
                Log = new MemoryLog().Grow(5),
                CosignedBefore = [at],
            },
            bracketed with
            {
                Log = new MemoryLog().Grow(5),
                CosignedBefore = [at.AddHours(1), at.AddHours(1)],
            },
        ];
        List<string> files =
        [
            .. some.Select(r => r.Make().ToText()),
            (receipt with { NotBefore = receipt.NotBefore! with { Consistency = "" } }).ToText(),
            receipt.ToText().Replace("\\n\\u2014 ben", "\\n- ben").Replace("\u2014 ben", "\u2014 bet"),
        ];
        var ours = files.ConvertAll(file => SomeReceipt.Check(file, Both).Verdict);
        Assert.Equal(["valid", "valid", "valid", "valid", "undecided", "valid", "undecided", "invalid"], ours[..8]);
        Assert.Equal(ours, (await OtherVerifiers.Node(files, Keys)).ConvertAll(r => r.Verdict));
    }

    [Fact]
    public async Task Trap_11_sizes_beyond_what_javascript_counts_are_exact()
    {
        var log = new MemoryLog();
        var receipt = new SomeReceipt { Log = log }.Make();
        // The last leaf of a tree of 2^60 + 1: its only sibling is the root of all before it.
        var (index, before) = (1L << 60, SHA256.HashData("a large tree"u8));
        var root = MerkleTree.NodeHash(before, MerkleTree.LeafHash(Encoding.UTF8.GetBytes(receipt.Leaf)));
        var note = log.Key.Sign(new Checkpoint(MemoryLog.Origin, index + 1, root).ToString());
        var large = receipt with { Proof = new TlogProof(index, [before], note).ToString() };
        // Next to it, and the same as a number of JavaScript.
        var beside = large with
        {
            Proof = new TlogProof(index - 1, [before], note).ToString(),
        };
        string[] files = [large.ToText(), beside.ToText()];

        Assert.Equal(
            ["valid", "invalid"],
            files.Select(f => SomeReceipt.Check(f, TrustPolicy.Of(log.Key.Key)).Verdict)
        );
        Assert.Equal(["valid", "invalid"], (await OtherVerifiers.Node(files, Key)).Select(r => r.Verdict));
        Assert.Equal(["valid", "invalid"], (await OtherVerifiers.Python(files, Key)).Select(r => r.Verdict));
    }

    [Fact]
    public async Task No_changed_bit_is_accepted_by_the_page_or_the_python_script()
    {
        var at = SomeReceipt.At;
        var file = new SomeReceipt { Cosigned = [at, at], CosignedBefore = [at, at] }
            .Make()
            .ToText();
        var bytes = Encoding.UTF8.GetBytes(file);
        var step = LongRun.IsAskedFor ? 3 : 211;
        var changed = new List<string>();
        for (var bit = 1; bit < bytes.Length * 8; bit += step)
        {
            byte[] other = [.. bytes];
            other[bit / 8] ^= (byte)(1 << (bit % 8));
            var text = Encoding.UTF8.GetString(other);
            if (!text.Contains('\uFFFD') && !char.IsWhiteSpace((char)bytes[bit / 8]))
                changed.Add(text);
        }
        // Without its bracket it is a weaker receipt, and says so.
        Assert.DoesNotContain(("valid", "bracketed"), await OtherVerifiers.Node(changed, Keys));
    }

    [Fact]
    public void The_page_is_short_and_may_do_nothing_but_run_its_script()
    {
        var page = OtherVerifiers.Page;
        Assert.InRange(page.Split('\n').Length - 1, 1, 200);
        Assert.All(page.Split('\n'), line => Assert.InRange(line.Length, 0, 119));
        var style = Regex
            .Match(page, "<style>(?<code>.*?)</style>", RegexOptions.Singleline, TimeSpan.FromSeconds(10))
            .Groups["code"]
            .Value;
        Assert.Contains(
            $"default-src 'none';\n style-src 'sha256-{Hash(style)}';\n "
                + $"script-src 'sha256-{Hash(OtherVerifiers.Script)}'\"",
            page,
            StringComparison.Ordinal
        );
        Assert.DoesNotMatch("(src|href|fetch|XMLHttpRequest|innerHTML|eval)[=(]", page);
        static string Hash(string text) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    private static IEnumerable<(string Name, string File)> Files()
    {
        var receipt = new SomeReceipt().Make();
        var policy = new SomeReceipt().Policy;
        var two = new Policy("two", [Step("SRE"), Step("QA")]);
        yield return ("good", receipt.ToText());
        yield return (
            "with origin",
            new SomeReceipt { HasOrigin = true }
                .Make()
                .ToText()
        );
        yield return ("one line", System.Text.Json.Nodes.JsonNode.Parse(receipt.ToText())!.ToJsonString());
        foreach (var size in new[] { 0, 1, 2, 3, 6, 7, 8, 9, 15, 16, 31 })
        {
            yield return (
                $"after {size}",
                new SomeReceipt { Log = new MemoryLog().Grow(size) }
                    .Make()
                    .ToText()
            );
        }
        yield return (
            "alone",
            new SomeReceipt { Log = new MemoryLog(), Later = 0 }
                .Make()
                .ToText()
        );
        yield return (
            "an extra line",
            (receipt with { Proof = receipt.Proof.Replace("index", "extra AAAA\nindex") }).ToText()
        );
        yield return (
            "withheld",
            (receipt with { Parts = new Dictionary<string, string>(), Content = null, Policy = null }).ToText()
        );
        yield return ("no policy", (receipt with { Policy = null }).ToText());
        yield return (
            "content without facts",
            (receipt with { Parts = new Dictionary<string, string>(), Policy = null }).ToText()
        );
        yield return ("another content", (receipt with { Content = receipt.Content!.Replace("1.0", "1") }).ToText());
        yield return (
            "too few",
            new SomeReceipt { Answers = [(7, "approve", null, [0])] }
                .Make()
                .ToText()
        );
        yield return (
            "twice",
            new SomeReceipt { Answers = [(7, "approve", null, [0]), (7, "approve", null, [0])] }
                .Make()
                .ToText()
        );
        yield return (
            "requester",
            new SomeReceipt { Requester = 7 }
                .Make()
                .ToText()
        );
        yield return (
            "no requester",
            new SomeReceipt { Requester = null }
                .Make()
                .ToText()
        );
        yield return (
            "self",
            new SomeReceipt { Requester = 7, Policy = policy with { AllowsSelfApproval = true } }
                .Make()
                .ToText()
        );
        yield return (
            "moved",
            new SomeReceipt { Policy = two, Answers = [(7, "approve", null, [0, 1]), (8, "approve", null, [0])] }
                .Make()
                .ToText()
        );
        yield return (
            "a step open",
            new SomeReceipt { Policy = two, Answers = [(7, "approve", null, [0]), (8, "approve", null, [0])] }
                .Make()
                .ToText()
        );
        yield return (
            "no steps",
            new SomeReceipt { Policy = new Policy("none", []) }
                .Make()
                .ToText()
        );
        yield return (
            "overridden",
            new SomeReceipt { Answers = [], More = new { breakGlass = true } }
                .Make()
                .ToText()
        );
        yield return (
            "elsewhere",
            new SomeReceipt
            {
                Policy = new Policy("j", []) { Destination = "J" },
                Answers = [],
                More = new { destination = "J" },
            }
                .Make()
                .ToText()
        );
        var rejected = new SomeReceipt { Kind = "request.rejected", Status = "rejected" };
        yield return (
            "rejected",
            (rejected with { Log = new MemoryLog(), Answers = [(7, "reject", null, [])] }).Make().ToText()
        );
        yield return ("rejected by nobody", (rejected with { Log = new MemoryLog(), Answers = [] }).Make().ToText());
        yield return (
            "expired",
            (rejected with { Log = new MemoryLog(), Answers = [], More = new { expired = true } }).Make().ToText()
        );
        yield return (
            "withdrawn",
            new SomeReceipt
            {
                Kind = "request.withdrawn",
                Status = "withdrawn",
                Answers = [],
            }
                .Make()
                .ToText()
        );
        yield return (
            "another log",
            (receipt with { Proof = receipt.Proof.Replace("\u2014 hub", "\u2014 bub") }).ToText()
        );
        yield return ("another index", (receipt with { Proof = receipt.Proof.Replace("index 5", "index 4") }).ToText());
        yield return (
            "a leading zero",
            (receipt with { Proof = receipt.Proof.Replace("index 5", "index 05") }).ToText()
        );
        yield return ("another leaf", (receipt with { Leaf = receipt.Leaf.Replace("approved", "rejected") }).ToText());
        foreach (var hostile in ReceiptCheckTests.HostileFiles())
            yield return hostile;
    }

    private static Step Step(string name) => new(name, 1, [new Approver(Party.Group(1), name)]);
}

/// <summary>The page as people use it: in a browser, from the hub and as a file.</summary>
[Collection(Chromium.Name)]
public sealed class VerifyPageTests(Chromium chromium)
{
    [Fact]
    public async Task Trap_27_the_page_in_a_browser_shows_the_verdict_and_hidden_signs_as_their_numbers()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        await using var window = await chromium.Open(host);
        var page = window.Page;
        var calls = new List<string>();
        page.Request += (_, call) => calls.Add(call.Url);
        await page.GotoAsync("/verify");
        var receipt = new SomeReceipt { Note = "Ann\u202Eevil" }.Make();
        await page.Locator("#keys").FillAsync(new MemoryLog().Key.Key.ToString());
        await Give(page, receipt.ToText());
        await Assertions.Expect(page.Locator("#verdict")).ToHaveTextAsync("Valid. ");
        await Assertions.Expect(page.Locator("#found")).ToContainTextAsync("Ann\\u{202e}evil");
        await Assertions.Expect(page.Locator("#found")).Not.ToContainTextAsync("\u202E");
        await Give(page, (receipt with { Leaf = receipt.Leaf + "0" }).ToText());
        await Assertions.Expect(page.Locator("#verdict")).ToContainTextAsync("Invalid.");
        await page.Locator("#keys").FillAsync("");
        await Give(page, receipt.ToText());
        await Assertions.Expect(page.Locator("#verdict")).ToContainTextAsync("Undecided. No key was given.");
        Assert.Single(calls);
    }

    private static Task Give(IPage page, string receipt) =>
        page.Locator("#file")
            .SetInputFilesAsync(
                new FilePayload
                {
                    Name = "receipt.json",
                    MimeType = "application/json",
                    Buffer = Encoding.UTF8.GetBytes(receipt),
                }
            );
}
