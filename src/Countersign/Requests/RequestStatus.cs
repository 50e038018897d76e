using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// How a request stands, by its source's own id: what is asked all day and in bursts. One row by its index, with the
/// words that were stored when it last changed; nothing is weighed and no policy is read.
/// </summary>
public readonly record struct RequestStatus(RequestId Id, Status Status, string Display)
{
    /// <summary>Null when this source never asked under this id, whoever else did.</summary>
    public static async ValueTask<RequestStatus?> Find(
        Store store,
        long sourceId,
        string externalId,
        CancellationToken cancel
    )
    {
        // One text rather than a row of three: neither an id nor a status holds a space.
        var text = await store.Read(
            reader =>
                reader.Text(
                    """
                    SELECT id || ' ' || status || ' ' || display FROM requests
                    WHERE source_id = @sourceId AND external_id = @externalId
                    """,
                    new { sourceId, externalId }
                ),
            cancel
        );
        if (text is null)
            return null;
        var afterId = text.IndexOf(' ', StringComparison.Ordinal);
        var afterStatus = text.IndexOf(' ', afterId + 1);
        return new RequestStatus(
            RequestId.Of(text[..afterId]),
            WireNames.StatusOf(text[(afterId + 1)..afterStatus])
                ?? throw new FormatException("The store contains an invalid status."),
            text[(afterStatus + 1)..]
        );
    }
}
