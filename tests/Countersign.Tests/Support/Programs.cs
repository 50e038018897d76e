using System.Diagnostics;

namespace Countersign.Tests;

/// <summary>Other people's programs, run to their end.</summary>
public static class Programs
{
    /// <summary>The code is -1 where the program is not on this machine.</summary>
    public static async Task<(int Code, string Output, string Error)> Run(
        string program,
        IEnumerable<string> arguments,
        string folder = "",
        TimeSpan? patience = null,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
            },
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            process.StartInfo.Environment[name] = value;
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            return (-1, "", missing.Message);
        }
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(patience ?? Eventually.Patience);
        return (process.ExitCode, await output, await error);
    }
}
