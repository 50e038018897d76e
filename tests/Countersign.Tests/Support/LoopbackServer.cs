using System.Net;
using System.Net.Sockets;

namespace Countersign.Tests;

/// <summary>A server on a loopback port that serves each connection until it or the test ends.</summary>
public abstract class LoopbackServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _loop;

    protected LoopbackServer()
    {
        _listener.Start();
        // Nobody knows the port before whoever derives from this is complete.
        _loop = Accept();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>When the test ends.</summary>
    protected CancellationToken End => _end.Token;

    protected abstract Task Serve(TcpClient client);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _loop;
        _listener.Dispose();
        _end.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task Accept()
    {
        var served = new List<Task>();
        try
        {
            while (true)
            {
                // Elsewhere: what is there already is served without a wait, and a test that lets it wait for another
                // call would keep that one out.
                var client = await _listener.AcceptTcpClientAsync(_end.Token);
                served.Add(Task.Run(() => UntilItEnds(client)));
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(served);
        }
    }

    private async Task UntilItEnds(TcpClient client)
    {
        using (client)
        {
            try
            {
                await Serve(client);
            }
            catch (Exception failure)
                when (failure
                        is IOException
                            or OperationCanceledException
                            or SocketException
                            or System.Security.Authentication.AuthenticationException
                )
            {
                // The other side has gone, or the test ended.
            }
        }
    }
}
