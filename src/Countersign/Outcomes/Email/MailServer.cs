using System.Collections.Concurrent;
using System.Net;
using System.Text;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Countersign.Outcomes.Email;

/// <summary>
/// Hands messages to the mail server, through the guard of everything that goes out. TLS is demanded where it is
/// configured. A connection serves several messages, one after the other; several may be open at once.
/// </summary>
public sealed class MailServer : IDisposable
{
    /// <summary>Shorter than servers wait for the next message, so that they seldom hang up first.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(10);

    /// <summary>Many servers refuse further messages on a connection somewhere beyond this.</summary>
    internal const int MaxMessagesPerConnection = 100;

    private readonly Egress _egress;
    private readonly MailOptions _mail;
    private readonly string _hostName;
    private readonly ConcurrentStack<Connection> _idle = new();
    private readonly ITimer _idleTimer;
    private volatile bool _isDisposed;

    public MailServer(Egress egress, MailOptions mail, OutcomeOptions options, TimeProvider time)
    {
        (_egress, _mail) = (egress, mail);
        _hostName = options.PublicUrl?.IdnHost ?? Dns.GetHostName();
        _idleTimer = time.CreateTimer(_ => _ = CloseIdle(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Sends once. Every failure is an outcome; only <paramref name="cancel"/> throws.</summary>
    public async Task<SendOutcome> Send(MimeMessage message, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(_egress.Patience);
        Connection? connection = null;
        // After anything but an answer it is unknown what the server still expects.
        var isInOrder = false;
        try
        {
            connection = await TakeIdle(patience.Token) ?? await Connect(patience.Token);
            var outcome = await Send(connection, message, patience.Token);
            isInOrder = true;
            return outcome;
        }
        catch (Exception failure) when (!cancel.IsCancellationRequested && Explain(failure) is { } explained)
        {
            isInOrder = failure is SmtpCommandException;
            return explained;
        }
        finally
        {
            Return(connection, isInOrder);
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _idleTimer.Dispose();
        while (_idle.TryPop(out var connection))
            connection.Dispose();
    }

    /// <summary>Says goodbye on every connection that waits for another message.</summary>
    internal async Task CloseIdle()
    {
        while (_idle.TryPop(out var connection))
        {
            using var patience = new CancellationTokenSource(_egress.Patience);
            try
            {
                await connection.DisconnectAsync(quit: true, patience.Token);
            }
            catch (Exception failure) when (Explain(failure) is not null)
            {
                // The server has gone already.
            }
            connection.Dispose();
        }
    }

    private static async Task<SendOutcome> Send(Connection connection, MimeMessage message, CancellationToken cancel)
    {
        var format = FormatOptions.Default.Clone();
        // Other domains have a form in ASCII; what stands before the @ has none.
        format.International = !message.To.Mailboxes.All(to => to.LocalPart.All(char.IsAscii));
        if (format.International && !connection.Capabilities.HasFlag(SmtpCapabilities.UTF8))
        {
            const string why = "This address has non-ASCII characters, and the mail server doesn't support SMTPUTF8.";
            return new SendOutcome.Failed(Failure.Status) { Answer = why, Final = true };
        }
        var answer = await connection.SendAsync(format, message, cancel);
        return new SendOutcome.Delivered { Answer = answer, Status = (int)SmtpStatusCode.Ok };
    }

    /// <summary>
    /// A connection that still answers. It is asked before the message goes out on it, because a message that breaks
    /// off in the middle may have arrived and can't just be sent again.
    /// </summary>
    private async Task<Connection?> TakeIdle(CancellationToken cancel)
    {
        while (_idle.TryPop(out var connection))
        {
            try
            {
                await connection.NoOpAsync(cancel);
                return connection;
            }
            catch (Exception failure)
            {
                connection.Dispose();
                if (cancel.IsCancellationRequested || Explain(failure) is null)
                    throw;
            }
        }
        return null;
    }

    private async Task<Connection> Connect(CancellationToken cancel)
    {
        var stream = await _egress.Connect(_mail.Host!, _mail.Port, cancel, Trust.Operator);
        var connection = new Connection
        {
            LocalDomain = _hostName,
            ServerCertificateValidationCallback = _egress.IsVouchedFor,
            // Asking the authority would be a way out past the guard.
            CheckCertificateRevocation = false,
        };
        try
        {
            await StartSession(connection, stream, cancel);
            return connection;
        }
        catch
        {
            connection.Dispose();
            await stream.DisposeAsync();
            throw;
        }
    }

    private async Task StartSession(Connection connection, Stream stream, CancellationToken cancel)
    {
        var security = _mail.Security switch
        {
            MailSecurity.Tls => SecureSocketOptions.SslOnConnect,
            MailSecurity.None => SecureSocketOptions.None,
            _ => SecureSocketOptions.StartTls,
        };
        try
        {
            await connection.ConnectAsync(stream, _mail.Host!, _mail.Port, security, cancel);
        }
        catch (Exception failure)
            when (failure
                    is NotSupportedException
                        or SmtpCommandException { StatusCode: SmtpStatusCode.TemporaryAuthenticationFailure }
            )
        {
            throw new EgressException(Failure.Tls, "The mail server doesn't support STARTTLS, or refused it.", failure);
        }
        if (_mail.User is not null)
            await connection.AuthenticateAsync(Encoding.UTF8, _mail.User, _mail.Password ?? "", cancel);
    }

    private void Return(Connection? connection, bool isInOrder)
    {
        if (connection is null)
            return;
        if (!isInOrder || !connection.IsConnected || ++connection.Messages >= MaxMessagesPerConnection)
        {
            connection.Dispose();
            return;
        }
        _idle.Push(connection);
        if (_isDisposed)
            Dispose();
        else
            _idleTimer.Change(IdleTime, Timeout.InfiniteTimeSpan);
    }

    private static SendOutcome? Explain(Exception failure) =>
        failure switch
        {
            SmtpCommandException refused => Refused(refused),
            MailKit.Security.AuthenticationException { InnerException: SmtpCommandException refused } => Refused(
                refused
            ),
            MailKit.Security.AuthenticationException or NotSupportedException or ServiceNotAuthenticatedException =>
                new SendOutcome.Failed(Failure.Status) { Answer = failure.Message },
            _ when Egress.Explain(failure) is { } explained => SendOutcome.Of(explained),
            SslHandshakeException => new SendOutcome.Failed(Failure.Tls) { Answer = failure.Message },
            ProtocolException or ServiceNotConnectedException => new SendOutcome.Failed(Failure.Reset)
            {
                Answer = "The connection broke, or this isn't a mail server.",
            },
            _ => null,
        };

    /// <summary>Final only where this message or its recipient was refused: the rest can be put right.</summary>
    private static SendOutcome.Failed Refused(SmtpCommandException refused) =>
        new(Failure.Status)
        {
            Status = (int)refused.StatusCode,
            Answer = refused.Message,
            Final =
                (int)refused.StatusCode >= 500
                && refused.ErrorCode is SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted,
        };

    private sealed class Connection() : SmtpClient(new AnswerLimit())
    {
        public int Messages { get; set; }
    }

    /// <summary>A server that answers without end is cut off, as everywhere else.</summary>
    private sealed class AnswerLimit : IProtocolLogger
    {
        private const int MaxAnswer = 64 * 1024;
        private int _received;

        public IAuthenticationSecretDetector? AuthenticationSecretDetector { get; set; }

        public void LogConnect(Uri uri) { }

        public void LogClient(byte[] buffer, int offset, int count) => _received = 0;

        public void LogServer(byte[] buffer, int offset, int count)
        {
            if ((_received += count) > MaxAnswer)
                throw new EgressException(Failure.TooLarge, "The mail server's response is too long.");
        }

        public void Dispose() { }
    }
}
