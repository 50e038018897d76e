using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// How a request stands, by its source's own id: what is asked all day and in bursts. One row by its index, with the
/// words that were stored when it last changed; nothing is weighed and no policy is read.
/// </summary>
public sealed class Standing
{
    public required string Id { get; init; }
    public required string Status { get; init; }
    public required string Display { get; init; }

    public RequestId RequestId => RequestId.Of(Id);

    public Status KnownStatus => Words.StatusOf(Status) ?? throw new FormatException("The store holds a status that is none.");

    /// <summary>Null when this source never asked under this id, whoever else did.</summary>
    public static ValueTask<Standing?> Find(Store store, long sourceId, string externalId, CancellationToken cancel) =>
        store.Read(reader => reader.First<Standing>(
            "SELECT id, status, display FROM requests WHERE source_id = @sourceId AND external_id = @externalId", new { sourceId, externalId }), cancel);
}
