namespace Countersign.Requests;

/// <summary>A request's row: what verification works out anew from its events.</summary>
internal class RequestState
{
    public const string Columns = """
        r.id, r.source_id, r.external_id, r.sent_by, r.status, r.revision, r.digest, r.stamp, r.barred, r.subject,
        r.creator_id, r.requester_id, r.requester_name, r.certainty, r.claim, r.assignee_user, r.assignee_group,
        r.ticket_id, r.created_at, r.expires_at, r.settled_at, r.applied_at, r.breached_at, r.broke_glass_at, r.stuck,
        r.delegations, r.open_check, r.reading, r.change_digest, r.events, r.head
        """;

    public required string Id { get; init; }
    public long SourceId { get; init; }
    public string? ExternalId { get; init; }
    public required string SentBy { get; init; }
    public required string Status { get; init; }
    public long Revision { get; init; }
    public required string Digest { get; init; }
    public required string Stamp { get; init; }
    public required string Barred { get; init; }
    public required string Subject { get; init; }
    public long? CreatorId { get; init; }
    public long? RequesterId { get; init; }
    public required string RequesterName { get; init; }
    public required string Certainty { get; init; }
    public string? Claim { get; init; }
    public long? AssigneeUser { get; init; }
    public long? AssigneeGroup { get; init; }
    public long? TicketId { get; init; }
    public required string CreatedAt { get; init; }
    public string? ExpiresAt { get; init; }
    public string? SettledAt { get; init; }
    public string? AppliedAt { get; init; }
    public string? BreachedAt { get; init; }
    public string? BrokeGlassAt { get; init; }
    public string? Stuck { get; init; }
    public string? Delegations { get; init; }
    public string? OpenCheck { get; init; }
    public long Reading { get; init; }
    public string? ChangeDigest { get; init; }
    public long Events { get; init; }
    public required string Head { get; init; }
}
