namespace Countersign.Doors.Mcp;

/// <summary>
/// The body of an answer that may take a minute. Where nothing is said for a while, an event stream gets a comment,
/// which clients skip, so that no proxy on the way takes the connection for a dead one.
/// </summary>
internal sealed class KeepAliveBody : Stream
{
    /// <summary>Half of the shortest time after which proxies commonly give up.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private static readonly ReadOnlyMemory<byte> Comment = ":\n"u8.ToArray();

    private readonly Stream _body;
    private readonly Func<bool> _isEventStream;
    private readonly TimeSpan _interval;
    private readonly SemaphoreSlim _one = new(1);
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _keeping;

    /// <summary>Between two lines, where a comment may stand.</summary>
    private bool _isLineStart = true;
    private bool _wasWritten;

    public KeepAliveBody(Stream body, Func<bool> isEventStream, TimeSpan interval)
    {
        (_body, _isEventStream, _interval) = (body, isEventStream, interval);
        _keeping = Keep();
    }

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            await _body.WriteAsync(buffer, cancellationToken);
            _wasWritten = true;
            if (!buffer.IsEmpty)
                _isLineStart = buffer.Span[^1] == (byte)'\n';
        }
        finally
        {
            _one.Release();
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            await _body.FlushAsync(cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Leaves the body itself open: it is the server's.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _keeping;
        _ended.Dispose();
        _one.Dispose();
        await base.DisposeAsync();
    }

    private async Task Keep()
    {
        using var timer = new PeriodicTimer(_interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                await _one.WaitAsync(_ended.Token);
                try
                {
                    if (!_wasWritten && _isLineStart && _isEventStream())
                    {
                        await _body.WriteAsync(Comment, _ended.Token);
                        await _body.FlushAsync(_ended.Token);
                    }
                    _wasWritten = false;
                }
                finally
                {
                    _one.Release();
                }
            }
        }
        catch (Exception over) when (over is OperationCanceledException or IOException)
        {
            // The answer is complete, or the caller has gone, which the answer itself hears of.
        }
    }
}
