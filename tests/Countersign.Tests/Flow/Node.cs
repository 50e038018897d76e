using System.Collections.Concurrent;
using System.Diagnostics;
using Countersign.Tests.Cli;

namespace Countersign.Tests.Flow;

/// <summary>A server in a process of its own, of this or another version, with what it logs.</summary>
internal sealed class Node : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _faults = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;
    private volatile string _lastLine = "";

    private Node(Process process)
    {
        _process = process;
        process.StandardInput.Close();
        _reading = ReadToEnd();
    }

    public int Id => _process.Id;
    public Uri Address { get; private set; } = null!;

    /// <summary>What it logged as an error, or as worse.</summary>
    public IReadOnlyList<string> Faults => [.. _faults];

    public static async Task<Node> Start(Shell shell, string program, params string[] settings)
    {
        var node = new Node(shell.StartOther(program, settings));
        try
        {
            node.Address = await node._address.Task.WaitAsync(StartTime);
        }
        catch (Exception failure)
        {
            await node.DisposeAsync();
            throw new InvalidOperationException($"It doesn't listen. Its last line is: {node._lastLine}", failure);
        }
        return node;
    }

    public async Task Kill()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
    }

    private async Task ReadToEnd()
    {
        await Task.WhenAll(Read(_process.StandardOutput), Read(_process.StandardError));
        _address.TrySetException(new InvalidOperationException("It ended before it listened."));
    }

    private async Task Read(StreamReader output)
    {
        const string announcement = "Now listening on: ";
        while (await output.ReadLineAsync() is { } line)
        {
            _lastLine = line;
            if (line.IndexOf(announcement, StringComparison.Ordinal) is >= 0 and var at)
                _address.TrySetResult(new Uri(line[(at + announcement.Length)..]));
            if (
                line.Contains(" fail: ", StringComparison.Ordinal) || line.Contains(" crit: ", StringComparison.Ordinal)
            )
            {
                _faults.Enqueue(line);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await Kill();
        _process.Dispose();
    }
}
