using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>An event whose news must leave the building.</summary>
public sealed class OutgoingEvent
{
    private const string OfRequest = "request:";

    public long Id { get; init; }
    public required string Kind { get; init; }
    public required string Subject { get; init; }
    public required string At { get; init; }
    public required string Actor { get; init; }
    public required string Via { get; init; }
    public required string Data { get; init; }

    internal const string Columns = "e.id, e.kind, e.subject, e.at, e.actor, e.via, e.data";

    /// <summary>The request that it tells of; null for everything else.</summary>
    public RequestId? Request => Subject.StartsWith(OfRequest, StringComparison.Ordinal) ? RequestId.Of(Subject[OfRequest.Length..]) : null;
}

/// <summary>Puts one event's news on its way: one <see cref="Line.Add"/> per receiver, in the transaction that takes it from the outbox.</summary>
public delegate ValueTask Expand(OutgoingEvent news);

/// <summary>
/// Someone who may hear of events. Each batch of the outbox asks once who listens now; while nobody does, rows are taken
/// away many at a time and unseen. SQL and pure functions only, as everywhere inside a transaction.
/// </summary>
public interface IExpander
{
    /// <summary>Null when there is nobody to tell, whatever happened.</summary>
    ValueTask<Expand?> Listen(Tx tx);
}
