using System.Diagnostics;
using System.Globalization;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>The program, serving.</summary>
public sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    public bool HasEnded => _process.HasExited;

    public static Task<ServerProcess> Start(Shell shell, params string[] settings) =>
        Start(shell.StartProgram, settings);

    public static async Task<ServerProcess> Start(Func<string[], Process> start, params string[] settings) =>
        await StartUnlessItEnds(start, settings, mayEnd: false) ?? throw new UnreachableException();

    /// <summary>Null where the process ended before it served, on its own or by a fault that a test put in.</summary>
    public static Task<ServerProcess?> StartUnlessItEnds(Shell shell, params string[] settings) =>
        StartUnlessItEnds(shell.StartProgram, settings, mayEnd: true);

    private static async Task<ServerProcess?> StartUnlessItEnds(
        Func<string[], Process> start,
        string[] settings,
        bool mayEnd
    )
    {
        var process = start([
            "--Urls=http://127.0.0.1:0",
            "--RateLimit:PerKeyPerMinute=0",
            "--Shutdown:Drain=0s",
            .. settings,
        ]);
        try
        {
            return new ServerProcess(process, await ProgramTests.Address(process.StandardOutput));
        }
        catch (InvalidOperationException ended)
        {
            var why = await process.StandardError.ReadToEndAsync().Soon();
            await process.WaitForExitAsync().Soon();
            process.Dispose();
            return mayEnd ? null : throw new InvalidOperationException(why, ended);
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Until it ends by itself.</summary>
    public Task Ends() => _process.WaitForExitAsync().Soon();

    /// <summary>From now on no file of the process may grow past this.</summary>
    public async Task LimitFiles(string bytes) =>
        Assert.Equal(
            (0, "", ""),
            await Programs.Run("prlimit", [$"--pid={_process.Id}", $"--fsize={bytes}:unlimited"])
        );

    public async Task<int> Stop()
    {
        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }
        await _process.WaitForExitAsync().Soon();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }
}
