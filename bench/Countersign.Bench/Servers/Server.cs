using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Countersign.Bench.Servers;

/// <summary>
/// A server process on a free loopback port; its processor time and memory are read from <c>/proc</c>.
/// </summary>
internal sealed class Server : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private readonly Process _process;
    private readonly FileStream _log;
    private readonly Task _writing;

    private Server(Process process, Uri url, string log)
    {
        (_process, Url) = (process, url);
        _log = new FileStream(log, FileMode.Create, FileAccess.Write, FileShare.Read);
        // Into a file, as it would go under a service manager; the end is shown when the server does not come up.
        _writing = Task.WhenAll(
            process.StandardOutput.BaseStream.CopyToAsync(_log),
            process.StandardError.BaseStream.CopyToAsync(_log)
        );
    }

    public Uri Url { get; }

    /// <summary>From starting the process to its first answer.</summary>
    public TimeSpan StartTook { get; private init; }

    public bool HasExited => _process.HasExited;

    public static async Task<Server> Start(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        Uri url,
        string ready,
        string log
    )
    {
        var info = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = Path.GetDirectoryName(log)!,
        };
        foreach (var argument in arguments)
            info.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            info.Environment[name] = value;
        var watch = Stopwatch.StartNew();
        var process = Children.Start(info);
        while (watch.Elapsed < TimeSpan.FromMinutes(1) && !process.HasExited)
        {
            if (await Answers(new Uri(url, ready)))
                return new Server(process, url, log) { StartTook = watch.Elapsed };
            await Task.Delay(2);
        }
        await using var failed = new Server(process, url, log);
        await failed.Kill();
        throw new InvalidOperationException(
            $"{Path.GetFileName(program)} did not start: {(await File.ReadAllTextAsync(log)).Trim()}"
        );
    }

    public TimeSpan Cpu()
    {
        // After the last parenthesis, because a program's name may hold anything; then state is field 0, utime 11,
        // stime 12.
        var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks =
            long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        return TimeSpan.FromMilliseconds(ticks * 10); // USER_HZ is 100 on every Linux that .NET runs on
    }

    /// <summary>Resident memory in MiB: <c>VmRSS</c> now, <c>VmHWM</c> the most it ever was.</summary>
    public double Memory(string field = "VmRSS") =>
        double.Parse(
            File.ReadLines($"/proc/{_process.Id}/status")
                .First(l => l.StartsWith(field + ":", StringComparison.Ordinal))
                .Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture
        ) / 1024;

    /// <summary>Work that goes on by itself (sealing what was loaded) would be counted as the measured one.</summary>
    public async Task Settle()
    {
        for (var quiet = 0; quiet < 2; )
        {
            var before = Cpu();
            await Task.Delay(500);
            quiet = (Cpu() - before).TotalMilliseconds < 25 ? quiet + 1 : 0;
        }
    }

    /// <summary>As a machine that loses power would: no last word, no clean-up.</summary>
    public async Task Kill()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        await _writing;
        await _log.FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Kill();
        Children.Forget(_process);
        _process.Dispose();
        await _log.DisposeAsync();
    }

    public static Uri FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }

    private static async Task<bool> Answers(Uri url)
    {
        try
        {
            using var response = await Http.GetAsync(url);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
