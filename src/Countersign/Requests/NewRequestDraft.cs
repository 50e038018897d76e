using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// A request as it will be created, but for its id and time. Worked out before the transaction, because in there
/// everybody who writes waits: what it says, whom it waits for, and the texts and hashes that are kept of it.
/// </summary>
internal sealed record NewRequestDraft(
    Submission Submission,
    ApprovalRequest Request,
    Verdict Verdict,
    EventText Event,
    IReadOnlyList<string> Parties,
    IReadOnlySet<string> WaitsFor,
    string BarredText,
    string? Search,
    IReadOnlyList<string> Terms
)
{
    /// <summary>
    /// What events hold since this number was written, the record can be checked for: from the first request that says
    /// so, all of them must. It counts up when events of requests get members that verification relies on.
    /// </summary>
    public const int EventForm = 2;

    public static NewRequestDraft Of(Submission submission, Origin origin, DateTimeOffset now)
    {
        var request = Weighed(
            new ApprovalRequest
            {
                Id = default,
                SourceId = submission.SourceId,
                ExternalId = submission.ExternalId,
                SentBy = submission.SentBy,
                Status = Status.Active,
                Display = "",
                Revision = 1,
                Digest = submission.Digest,
                Policy = submission.Policy,
                Barred = submission.Requester.Barred,
                Subject = submission.Subject,
                CreatorId = submission.CreatorId,
                RequesterId = submission.Requester.PersonId,
                RequesterName = submission.Requester.DisplayName,
                Certainty = submission.Requester.Certainty,
                Claim = submission.Requester.Claim,
                AssigneeUser = submission.Assignee?.Party.IdAfter("person:"),
                AssigneeGroup = submission.Assignee?.Party.IdAfter("group:"),
                TicketId = submission.TicketId,
                CreatedAt = now,
                ExpiresAt = submission.Policy.Expire is { } expire ? now + expire.After : null,
                OpenCheck = submission.Check,
                Head = Head.None,
            },
            now,
            out var verdict
        );
        return new NewRequestDraft(
            submission,
            request,
            verdict,
            Data(request, submission),
            PartiesOf(request, origin),
            RequestChange.WaitsFor(request.Policy, verdict),
            RequestRow.WriteNumbers(request.Barred),
            RequestChange.SearchText(request),
            RequestTerms.Of(request, submission.Facts)
        );
    }

    /// <summary>A fresh content has no answers yet; the scales say whom it waits for.</summary>
    public static ApprovalRequest Weighed(ApprovalRequest request, DateTimeOffset now, out Verdict verdict)
    {
        verdict = Weigh.Of(request, [], now);
        return request with { Display = verdict.Display };
    }

    /// <summary>
    /// Who may see it beside its source and its requester, whose sight follows from its own row
    /// (<see cref="Visibility.MaySee"/>): everyone who may answer, in whose name it was opened, and who sent it. A
    /// source's service person stands as creator and never looks.
    /// </summary>
    public static IReadOnlyList<string> PartiesOf(ApprovalRequest request, Origin origin)
    {
        var people = (request.Claim?.People ?? [])
            .Select(person => (long?)person)
            .Append(origin.Actor == Actor.Source(request.SourceId) ? null : request.CreatorId)
            .Where(person => person is not null && person != request.RequesterId);
        return
        [
            .. request
                .Policy.Approvers.Select(approver => approver.Party.Text)
                .Union(people.Select(person => Party.Person(person!.Value).Text)),
        ];
    }

    /// <summary>
    /// What the event says: everything that the row must then say. <c>content</c> ties what readers are shown to the
    /// record, as <c>digest</c> ties the body.
    /// </summary>
    public static EventText Data(ApprovalRequest request, Submission submission) =>
        History.Text(
            new
            {
                form = EventForm,
                revision = request.Revision,
                digest = request.Digest,
                subject = submission.Subject,
                content = ContentHash(submission.Subject, submission.Message, submission.Facts),
                stamp = request.Policy.Stamp,
                barred = request.Barred,
                source = request.SourceId,
                external = request.ExternalId,
                sentBy = request.SentBy.ToWireName(),
                creator = request.CreatorId,
                requester = request.RequesterId,
                requesterName = request.RequesterName,
                certainty = request.Certainty.ToWireName(),
                claim = request.Claim?.ToText(),
                assigneeUser = request.AssigneeUser,
                assigneeGroup = request.AssigneeGroup,
                ticket = request.TicketId,
                expires = request.ExpiresAt is { } end ? Instant.ToText(end) : null,
                status = request.Status.ToWireName(),
                check = request.OpenCheck.ToText(),
            }
        );

    internal static string ContentHash(string subject, string message, string facts) =>
        Hashes.Sha256OfLines(subject, facts, message);
}
