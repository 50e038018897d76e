namespace Countersign.Storage;

/// <summary>
/// The store cannot serve this call now; nothing of it was kept unless <see cref="OutcomeUnknown"/> says so.
/// Every door answers 503 with the reason, which names no path, key or content.
/// </summary>
public sealed class StoreUnavailable(string reason, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>
    /// The connection died while committing: the change may or may not stand. Callers repeat it; use cases are
    /// idempotent.
    /// </summary>
    public bool OutcomeUnknown { get; init; }
}
