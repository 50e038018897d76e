using System.Diagnostics;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Cli;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>What a verb printed and how it ended.</summary>
public sealed record Ran(int ExitCode, string Output, string Error)
{
    /// <summary>The one document of a verb that did its work, or whose answer is "no".</summary>
    public JsonElement Document
    {
        get
        {
            Assert.Equal("", Error);
            return JsonDocument.Parse(Output).RootElement;
        }
    }

    public JsonElement Done
    {
        get
        {
            Assert.Equal((0, ""), (ExitCode, Error));
            return Document;
        }
    }

    /// <summary>The exit code and the error's code; nothing else may have been printed.</summary>
    public (int ExitCode, string Code) Failure
    {
        get
        {
            Assert.Equal("", Output);
            var error = Assert.Single(JsonDocument.Parse(Error).RootElement.EnumerateObject());
            Assert.Equal("error", error.Name);
            Assert.Equal(["code", "message"], error.Value.EnumerateObject().Select(p => p.Name));
            Assert.NotEqual("", error.Value.GetProperty("message").GetString());
            return (ExitCode, error.Value.GetProperty("code").GetString()!);
        }
    }
}

/// <summary>
/// The command line on a store of the test's own: within this process, because a process costs a third of a second, or
/// as the program that was built.
/// </summary>
public sealed class Shell : IAsyncDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("countersign-shell-").FullName;

    private readonly bool _endsPlace;

    private Shell(TestStore place, bool endsPlace)
    {
        (Place, _endsPlace) = (place, endsPlace);
        RootKeyFile = Path.Combine(_folder, "root.key");
    }

    public TestStore Place { get; }

    /// <summary>A folder beside the store for files of the test.</summary>
    public string Folder => _folder;

    /// <summary>Variables for programs that it starts.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public string RootKeyFile { get; init; }

    /// <summary>With the store's tables, and this process as another user of it.</summary>
    public static async Task<Shell> Start(Engine engine) => Prepared(await TestStore.Start(engine));

    /// <summary>On a store that another part of the test made and ends.</summary>
    public static Shell On(TestStore place) => Prepared(place, endsPlace: false);

    /// <summary>The same, with the key file of another shell, or one that the server makes.</summary>
    public static Shell On(TestStore place, string rootKeyFile) =>
        new(place, endsPlace: false) { RootKeyFile = rootKeyFile };

    /// <summary>Where no store is yet: an empty folder, or a database without tables.</summary>
    public static async Task<Shell> StartEmpty(Engine engine) => Prepared(await TestStore.Place(engine));

    public Task<Ran> Run(params string[] args) => Anywhere([.. args, .. Where]);

    public Task<Ran> Json(params string[] args) => Run([.. args, "--json"]);

    public static async Task<Ran> Anywhere(string[] args, string input = "")
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await CommandLine.Run(args, new StringReader(input), output, error);
        return new Ran(exitCode, output.ToString(), error.ToString());
    }

    public Task<Ran> RunWithInput(string input, params string[] args) => Anywhere([.. args, .. Where], input);

    /// <summary>The program itself, in a process of its own.</summary>
    public async Task<Ran> Program(string input, params string[] args)
    {
        using var process = StartProgram(args);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().Soon();
        return new Ran(process.ExitCode, await output, await error);
    }

    /// <summary>Where the program lies that was built with these tests.</summary>
    public static string OwnProgram =>
        Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "countersign.exe" : "countersign");

    public Process StartProgram(params string[] args) => Start(OwnProgram, args);

    /// <summary>The program of another version, on the same store.</summary>
    public Process StartOther(string program, params string[] args) => Start(program, args);

    /// <summary>
    /// The same, and a file that grows past a limit of the process is an error to it and not its end.
    /// </summary>
    public Process StartProgramThatBearsLimits(params string[] args) =>
        StartProgramUnder("/bin/sh", "trap '' XFSZ; exec \"$0\" \"$@\"", args);

    /// <summary>By a shell that gets the program and its arguments as <c>$0</c> and <c>$@</c>.</summary>
    public Process StartProgramUnder(string shell, string script, params string[] args) =>
        Start(shell, ["-c", script, Path.Combine(AppContext.BaseDirectory, "countersign"), .. args]);

    private Process Start(string program, string[] args)
    {
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        foreach (var (name, value) in Variables)
            start.Environment[name] = value;
        foreach (var argument in args.Concat(Where))
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_endsPlace)
            await Place.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    internal string[] Where =>
        Place.Engine == Engine.Sqlite
            ? ["--data", Place.Options.DataFolder, "--RootKeyFile", RootKeyFile]
            : ["--database", Place.Options.Database!, "--RootKeyFile", RootKeyFile];

    private static Shell Prepared(TestStore place, bool endsPlace = true)
    {
        var shell = new Shell(place, endsPlace);
        RootKey.Load(shell.RootKeyFile, mayCreate: true);
        return shell;
    }
}
