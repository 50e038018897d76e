using System.Diagnostics;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Programs from npm, put into a folder that goes away; where npm cannot be reached the test is skipped and says why.
/// </summary>
public sealed class Npm : IDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("countersign-npm-").FullName;

    private Npm() { }

    public string Folder => _folder;

    public static async Task<Npm> Install(params string[] packages)
    {
        var npm = new Npm();
        await File.WriteAllTextAsync(
            Path.Combine(npm._folder, ".npmrc"),
            "omit-lockfile-registry-resolved=true\nfetch-retries=0\nfetch-timeout=20000\n"
        );
        var (code, _, why) = await Programs.Run(
            "npm",
            ["install", "--prefix", npm._folder, "--no-audit", "--no-fund", "--silent", .. packages],
            npm._folder,
            TimeSpan.FromMinutes(3)
        );
        if (code != 0)
            npm.Dispose();
        Assert.SkipWhen(code != 0, $"npm could not install {string.Join(' ', packages)}: {why}");
        return npm;
    }

    public async Task<string> Node(string script)
    {
        var (code, output, error) = await Programs.Run("node", ["-e", script], _folder);
        Assert.True(code == 0, error);
        return output;
    }

    /// <summary>A program that goes on until it is disposed of.</summary>
    public Process StartNode(string script)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo("node", ["-e", script])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardInput = true,
                WorkingDirectory = _folder,
            },
        };
        process.Start();
        return process;
    }

    public void Dispose()
    {
        if (System.IO.Directory.Exists(_folder))
            System.IO.Directory.Delete(_folder, recursive: true);
    }
}
