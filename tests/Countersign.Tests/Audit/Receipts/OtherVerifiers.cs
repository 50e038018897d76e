using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Countersign.Tests.Audit.Receipts;

/// <summary>
/// The page and the Python script that verify receipts, run over many files at once: each starts one program. A test
/// is skipped, and says why, where a program is missing.
/// </summary>
internal static partial class OtherVerifiers
{
    public static readonly string Page = Repository.Read("src", "Countersign", "Pages", "Assets", "verify.html");

    public static string Script => ScriptElement().Match(Page).Groups["code"].Value;

    /// <summary>The page's own script in Node: its verdict on each file, and why, or how strong it is.</summary>
    public static async Task<List<(string Verdict, string Why)>> Node(IEnumerable<string> files, string keys)
    {
        using var folder = new Folder(files);
        // With a document the script waits for a person; what follows it asks for every file instead.
        var script = $$"""
            globalThis.document = { getElementById: () => ({}) };
            {{Script}}
            const { readFileSync } = await import("node:fs"), results = [];
            for (let i = 0; i < {{folder.Count}}; i++) {
              const { verdict, why, found } = await check(readFileSync(String(i)), {{JsonSerializer.Serialize(keys)}});
              results.push([verdict, verdict === "valid" ? found.strength : why]);
            }
            console.log(JSON.stringify(results));
            """;
        return await Ask("node", "verify.mjs", script, folder);
    }

    public static async Task<List<(string Verdict, string Why)>> Python(IEnumerable<string> files, string key)
    {
        using var folder = new Folder(files);
        await File.WriteAllTextAsync(
            Path.Combine(folder.Name, "verify.py"),
            Repository.Read("docs", "proof", "verify.py")
        );
        var script = $"""
            import json, verify
            results = []
            for i in range({folder.Count}):
                try:
                    doubts = verify.verify(open(str(i), "rb").read().decode(), {JsonSerializer.Serialize(key)})
                    results.append(["undecided" if doubts else "valid", "; ".join(doubts)])
                except verify.INVALID as problem:
                    results.append(["invalid", str(problem)])
            print(json.dumps(results))
            """;
        var (code, _, _) = await Programs.Run("openssl", ["version"]);
        Assert.SkipWhen(code != 0, "There is no openssl.");
        return await Ask("python3", "all.py", script, folder);
    }

    private static async Task<List<(string, string)>> Ask(string program, string name, string script, Folder folder)
    {
        await File.WriteAllTextAsync(Path.Combine(folder.Name, name), script);
        var patience = LongRun.IsAskedFor ? TimeSpan.FromMinutes(10) : Eventually.Patience;
        var (code, output, error) = await Programs.Run(program, [name], folder.Name, patience);
        Assert.SkipWhen(code == -1, $"There is no {program}: {error}");
        Assert.True(code == 0, error);
        // What a verifier prints of receipts stands before.
        var last = output.TrimEnd().Split('\n')[^1];
        return JsonSerializer.Deserialize<string[][]>(last)!.Select(one => (one[0], one[1])).ToList();
    }

    [GeneratedRegex(
        "<script type=\"module\">(?<code>.*?)</script>",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex ScriptElement();

    private sealed class Folder : IDisposable
    {
        public Folder(IEnumerable<string> files)
        {
            foreach (var file in files)
                File.WriteAllText(Path.Combine(Name, $"{Count++}"), file, new UTF8Encoding(false));
        }

        public string Name { get; } = Directory.CreateTempSubdirectory("countersign-receipts-").FullName;
        public int Count { get; }

        public void Dispose() => Directory.Delete(Name, recursive: true);
    }
}
