namespace Countersign.Outcomes;

/// <summary>
/// Every way in which something that leaves the building can fail. The list is closed: pages, records and alerts rely
/// on the words.
/// </summary>
public enum Failure
{
    Dns,
    Refused,
    Tls,
    Timeout,
    Reset,
    TooLarge,
    BlockedAddress,
    Status,
    NotConfigured,
}

public static class Failures
{
    public static string Word(this Failure failure) =>
        failure switch
        {
            Failure.Dns => "dns",
            Failure.Refused => "refused",
            Failure.Tls => "tls",
            Failure.Timeout => "timeout",
            Failure.Reset => "reset",
            Failure.TooLarge => "too large",
            Failure.BlockedAddress => "blocked address",
            Failure.Status => "status",
            _ => "not configured",
        };

    /// <summary>What to do about it, for whoever finds the word on a page.</summary>
    public static string Advice(this Failure failure) =>
        failure switch
        {
            Failure.Dns => "The host name can't be resolved. Check its spelling and this machine's DNS.",
            Failure.Refused => "Nothing listens there. Check the port, and whether the receiver runs.",
            Failure.Tls => "The certificate isn't valid for this host name, or the receiver doesn't use TLS.",
            Failure.Timeout => "No complete response in time.",
            Failure.Reset => "The connection broke before the response was complete.",
            Failure.TooLarge => "The response was larger than 1 MB.",
            Failure.BlockedAddress =>
                "The host name leads to a non-public address. If that's intended, add it to Egress:Allow.",
            Failure.Status => "The receiver responded with an error.",
            _ => "A setting is missing: see docs/notifications.md.",
        };
}

/// <summary>Thrown inside a connection attempt, where only exceptions can say why.</summary>
public sealed class EgressException(Failure failure, string detail, Exception? inner = null)
    : IOException(detail, inner)
{
    public Failure Failure { get; } = failure;
}
