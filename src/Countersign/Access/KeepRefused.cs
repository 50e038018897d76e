using Countersign.Storage;

namespace Countersign.Access;

/// <summary>
/// A source sent what nobody could read. The beginning of it is kept as an event of the source, because whoever runs the
/// other system will ask what we got.
/// </summary>
public sealed class KeepRefused(Store store)
{
    /// <summary>Characters; an event stays for ever, and what is wrong shows early or by its position.</summary>
    public const int Longest = 8 * 1024;

    public Task Run(long sourceId, string why, string text, Origin origin, CancellationToken cancel)
    {
        var kept = text.Length <= Longest ? text : text[..(char.IsHighSurrogate(text[Longest - 1]) ? Longest - 1 : Longest)];
        return store.InTransaction(async tx => await tx.Append($"source:{sourceId}", origin, "source.body_refused", new { why, length = text.Length, text = kept }), cancel);
    }
}
