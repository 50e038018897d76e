using Countersign.Proof;
using Countersign.Tests.Audit.Receipts;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary><c>verify</c> needs no hub; <c>receipt</c> asks one.</summary>
public sealed class ReceiptVerbTests
{
    private static readonly string Folder = Directory.CreateTempSubdirectory("countersign-receipt-").FullName;
    private static readonly string Key = new MemoryLog().Key.Key.ToString();

    [Fact]
    public async Task Trap_38_verify_ends_with_0_1_2_or_3()
    {
        var receipt = new SomeReceipt { Cosigned = [SomeReceipt.At] }.Make();
        var good = Write("good.json", receipt.ToText());
        var bad = Write("bad.json", (receipt with { Leaf = receipt.Leaf + "0" }).ToText());
        var content = Write("content.json", SomeReceipt.Canonical);
        var ann = new MemoryLog().Trust;
        Assert.Equal(0, await Exit(good, "--key", Key));
        Assert.Equal(0, await Exit(good, "--key", Write("key.txt", Key + "\n")));
        Assert.Equal(0, await Exit(good, "--key", Write("ann.policy", ann + "quorum ann\n")));
        Assert.Equal(0, await Exit(good, "--key", Key, "--content", content));
        Assert.Equal(1, await Exit(bad, "--key", Key));
        Assert.Equal(1, await Exit(good, "--key", Key, "--content", good));
        Assert.Equal(1, await Exit(Write("none.json", "hello"), "--key", Key));
        Assert.Equal(3, await Exit(good));
        Assert.Equal(3, await Exit(good, "--key", Write("ben.policy", ann + "quorum ben\n")));
        Assert.Equal(
            3,
            await Exit(good, "--key", new NoteSigner("x", NoteKeyType.Ed25519, new byte[32]).Key.ToString())
        );
        Assert.Equal(2, await Exit(good, "--key", "hub.example.com"));
        Assert.Equal(2, await Exit(good, "--key", Write("wrong.policy", "quorum\n")));
        Assert.Equal(2, await Exit(Path.Combine(Folder, "missing.json"), "--key", Key));
    }

    [Fact]
    public async Task Verify_prints_one_document_with_what_was_found()
    {
        var good = Write("one.json", new SomeReceipt().Make().ToText());
        var ran = await Shell.Anywhere(["verify", good, "--key", Key, "--json"]);
        Assert.Equal("valid", ran.Done.GetProperty("verdict").GetString());
        Assert.Equal("signed", ran.Done.GetProperty("strength").GetString());
        Assert.Equal("Person 7", ran.Done.GetProperty("answers")[0].GetProperty("name").GetString());
        var undecided = await Shell.Anywhere(["verify", good, "--json"]);
        Assert.Equal((3, "undecided"), (undecided.ExitCode, undecided.Document.GetProperty("verdict").GetString()));
    }

    [Theory, BothEngines]
    public async Task Receipt_of_a_request_that_is_not_there_ends_with_1(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var ran = await shell.Json("receipt", "01KB3ZQ4M6W8T0Y2N4R6P8X1CD");
        Assert.Equal((1, "not_found"), ran.Failure);
    }

    private static async Task<int> Exit(params string[] args) => (await Shell.Anywhere(["verify", .. args])).ExitCode;

    private static string Write(string name, string text)
    {
        var file = Path.Combine(Folder, name);
        File.WriteAllText(file, text);
        return file;
    }
}
