using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Gates;

/// <summary>What a gate read out of a call: the question, before anything was looked up for it.</summary>
public sealed record Ask
{
    /// <summary>The caller's own id: asking twice under it is one request.</summary>
    public string? ExternalId { get; init; }
    public required string Subject { get; init; }
    public string Message { get; init; } = "";

    /// <summary>A JSON object, as the caller sent it and unverified.</summary>
    public string Facts { get; init; } = "{}";

    /// <summary>All of the call as it came, and the digest of its canonical form.</summary>
    public required string Body { get; init; }
    public required string Digest { get; init; }

    /// <summary>Who wants the change, as the call says: a claim, which can bar people and grants no right.</summary>
    public string? RequesterEmail { get; init; }
    public string? RequesterName { get; init; }

    /// <summary>Who was named to decide, where the gate has a place for that.</summary>
    public Approver? Assignee { get; init; }

    /// <summary>
    /// The same with its people found and its policy chosen. The source comes from the caller's credential, never from
    /// the call itself.
    /// </summary>
    /// <param name="caller">A person who asks with their own credential.</param>
    public Submission From(Source source, Person? caller, PeopleSnapshot people)
    {
        var requester = people.Resolve(RequesterEmail, RequesterName, source, caller);
        var (policy, stuck) = people.WhoDecides(source, source.Policy, requester, Facts, Assignee);
        return new Submission
        {
            SourceId = source.Id,
            SentBy = SentBy.Api,
            ExternalId = ExternalId,
            Subject = Subject,
            Message = Message,
            Facts = Facts,
            Body = Body,
            Digest = Digest,
            Requester = requester,
            CreatorId = caller?.Id ?? source.PersonId,
            Assignee = Assignee,
            Policy = policy,
            Stuck = stuck,
        };
    }
}
