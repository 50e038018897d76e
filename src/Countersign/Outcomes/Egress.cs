using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Countersign.Outcomes;

/// <summary>Whose word it is that this receiver may be called.</summary>
public enum Trust
{
    /// <summary>
    /// Named by a person, on a page, by the API or in a manifest: public addresses and what <c>Egress:Allow</c> lists.
    /// </summary>
    Named,

    /// <summary>
    /// Named in the settings by whoever runs this machine (mail server, Slack): the address may be any.
    /// </summary>
    Operator,
}

public abstract record EgressOutcome
{
    private EgressOutcome() { }

    /// <summary>A complete answer with any status.</summary>
    public sealed record Answered(int Status, byte[] Body) : EgressOutcome
    {
        internal RetryConditionHeaderValue? Retry { get; init; }

        /// <summary>What else it said beside the body; none where a test made the answer.</summary>
        internal HttpResponseHeaders? Headers { get; init; }

        /// <summary>Without parameters, if it names one.</summary>
        internal string? ContentType { get; init; }

        /// <summary>For how long the receiver asks to be left alone, if it does.</summary>
        public TimeSpan? RetryAfter(DateTimeOffset now) =>
            Retry?.Delta ?? (Retry?.Date > now ? Retry.Date - now : null);

        public bool IsGood => Status is >= 200 and < 300;

        public string Text => System.Text.Encoding.UTF8.GetString(Body);
    }

    /// <summary>No answer, and the word for why. The detail is for people and holds nothing secret.</summary>
    public sealed record Failed(Failure Failure, string Detail) : EgressOutcome;
}

/// <summary>
/// The one way out of the building. Each address is checked at the moment of connecting, so a name that leads elsewhere
/// the second time gains nothing; redirects are answers and are not followed; no proxy, no cookies, no decompression,
/// TLS always verified; an answer has at most 1 MB, and a call at most 30 seconds from beginning to end.
/// </summary>
public sealed class Egress : IDisposable
{
    private const string UserAgent = "Countersign";

    private readonly EgressOptions _options;
    private readonly HttpClient _named;
    private readonly HttpClient _operator;

    public Egress(EgressOptions options)
    {
        _options = options;
        (_named, _operator) = (Client(Trust.Named), Client(Trust.Operator));
    }

    /// <summary>Sends, and reads the whole answer. Throws only when <paramref name="cancel"/> ends it.</summary>
    public async Task<EgressOutcome> Send(
        HttpRequestMessage request,
        CancellationToken cancel,
        Trust trust = Trust.Named
    )
    {
        if (request.RequestUri is not { IsAbsoluteUri: true, Scheme: "http" or "https" })
            return new EgressOutcome.Failed(Failure.NotConfigured, "The address isn't http or https.");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(_options.Patience);
        try
        {
            using var response = await (trust == Trust.Operator ? _operator : _named).SendAsync(
                request,
                HttpCompletionOption.ResponseHeadersRead,
                patience.Token
            );
            if (response.Content.Headers.ContentLength > _options.MaxAnswer)
                return TooLarge();
            await using var stream = await response.Content.ReadAsStreamAsync(patience.Token);
            return await ReadCapped(stream, patience.Token) is { } body
                ? new EgressOutcome.Answered((int)response.StatusCode, body)
                {
                    Retry = response.Headers.RetryAfter,
                    Headers = response.Headers,
                    ContentType = response.Content.Headers.ContentType?.MediaType,
                }
                : TooLarge();
        }
        catch (Exception failure) when (!cancel.IsCancellationRequested && Explain(failure) is { } explained)
        {
            return explained;
        }
    }

    /// <summary>For libraries that make calls of their own: guarded and bounded as every other call.</summary>
    /// <param name="around">What the library's calls pass on their way to the guard.</param>
    public HttpClient ClientFor(Trust trust, Func<HttpMessageHandler, HttpMessageHandler> around) =>
        new(around(Handler(trust)))
        {
            Timeout = _options.Patience,
            MaxResponseContentBufferSize = _options.MaxAnswer,
            DefaultRequestHeaders = { { "User-Agent", UserAgent } },
        };

    /// <summary>A bare connection, for protocols other than HTTP. Throws <see cref="EgressException"/>.</summary>
    public async Task<Stream> Connect(string host, int port, CancellationToken cancel, Trust trust = Trust.Named)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(_options.Patience);
        try
        {
            return await Open(host, port, trust, patience.Token);
        }
        catch (Exception failure) when (!cancel.IsCancellationRequested && Explain(failure) is { } explained)
        {
            throw new EgressException(explained.Failure, explained.Detail, failure);
        }
    }

    /// <summary>
    /// What the system does not trust may be trusted by an authority of ours; a wrong name is wrong under both.
    /// </summary>
    public bool IsVouchedFor(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 leaf)
            return errors == SslPolicyErrors.None;
        using var ours = new X509Chain();
        ours.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        ours.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        ours.ChainPolicy.CustomTrustStore.AddRange(_options.Roots);
        ours.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        foreach (var element in chain is null ? [] : chain.ChainElements.ToArray())
            ours.ChainPolicy.ExtraStore.Add(element.Certificate);
        return ours.Build(leaf);
    }

    public TimeSpan Patience => _options.Patience;

    /// <summary>What went wrong in the closed words; null for what is not a failure of the call.</summary>
    public static EgressOutcome.Failed? Explain(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case EgressException known:
                    return new(known.Failure, known.Message);
                case AuthenticationException:
                    return new(
                        Failure.Tls,
                        "TLS couldn't be negotiated, or the certificate isn't valid for this host name."
                    );
                case SocketException socket:
                    return Explain(socket.SocketErrorCode);
                case OperationCanceledException:
                    return new(Failure.Timeout, "No complete response in time.");
            }
        }
        return failure switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => new(
                Failure.Tls,
                "TLS couldn't be negotiated."
            ),
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => new(
                Failure.Dns,
                "The host name can't be resolved."
            ),
            HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => TooLarge(),
            HttpRequestException or IOException => new(
                Failure.Reset,
                "The connection broke, or the response is invalid."
            ),
            _ => null,
        };
    }

    public void Dispose()
    {
        _named.Dispose();
        _operator.Dispose();
    }

    private static EgressOutcome.Failed Explain(SocketError error) =>
        error switch
        {
            SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery => new(
                Failure.Dns,
                "The host name can't be resolved."
            ),
            SocketError.TimedOut => new(Failure.Timeout, "Timed out while connecting."),
            SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => new(
                Failure.Reset,
                "The connection broke."
            ),
            _ => new(Failure.Refused, "Nothing listens there, or there is no route."),
        };

    private static EgressOutcome.Failed TooLarge() => new(Failure.TooLarge, "The response is too large.");

    private HttpClient Client(Trust trust) =>
        new(Handler(trust))
        {
            // Our own patience also covers the answer's body.
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { { "User-Agent", UserAgent } },
        };

    private SocketsHttpHandler Handler(Trust trust) =>
        new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            // A proxy would choose the address in our place.
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 32,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            SslOptions = TlsOptions(),
            ConnectCallback = async (context, cancel) =>
                await Open(context.DnsEndPoint.Host, context.DnsEndPoint.Port, trust, cancel),
        };

    private SslClientAuthenticationOptions TlsOptions() =>
        _options.Roots.Count == 0
            ? new SslClientAuthenticationOptions()
            : new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = IsVouchedFor };

    private async Task<Stream> Open(string host, int port, Trust trust, CancellationToken cancel)
    {
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await _options.LookUp(host, cancel);
        var open =
            trust == Trust.Operator
                ? addresses
                : [.. addresses.Where(a => EgressRules.MayReach(a, port, _options.Allow))];
        if (open.Length == 0)
        {
            throw addresses.Length == 0
                ? new EgressException(Failure.Dns, "The host name has no address.")
                : new EgressException(Failure.BlockedAddress, "The host name leads to addresses that aren't allowed.");
        }
        for (var i = 0; ; i++)
        {
            // The checked address itself is connected to; the name is not looked up again.
            var socket = new Socket(open[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(open[i], port), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException) when (i + 1 < open.Length)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    private async Task<byte[]?> ReadCapped(Stream stream, CancellationToken cancel)
    {
        using var read = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(8192);
        try
        {
            int count;
            while ((count = await stream.ReadAsync(buffer, cancel)) > 0)
            {
                if (read.Length + count > _options.MaxAnswer)
                    return null;
                read.Write(buffer, 0, count);
            }
            return read.ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
