using System.Globalization;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// A request as it will be created, but for its id and time. Worked out before the transaction, because in there
/// everybody who writes waits: what it says, whom it waits for, and the texts and hashes that are kept of it.
/// </summary>
internal sealed record Draft(Submission Submission, ApprovalRequest Request, Verdict Verdict, EventText Event, IReadOnlyList<string> Parties, IReadOnlySet<string> WaitsFor, string BarredText, string Search)
{
    /// <summary>
    /// What events hold since this number was written, the record can be checked for: from the first request that says
    /// so, all of them must. It counts up when events of requests get members that verification relies on.
    /// </summary>
    public const int EventForm = 2;

    public static Draft Of(Submission submission, DateTimeOffset now)
    {
        var request = Weighed(new ApprovalRequest
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
            AssigneeUser = submission.Assignee is { } user ? IdOf(user.Party, "person:") : null,
            AssigneeGroup = submission.Assignee is { } group ? IdOf(group.Party, "group:") : null,
            TicketId = submission.TicketId,
            CreatedAt = now,
            ExpiresAt = submission.Policy.Expire is { } expire ? now + expire.After : null,
            Head = Head.None,
        }, now, out var verdict);
        return new Draft(
            submission, request, verdict, Data(request, submission), PartiesOf(request), Change.WaitsFor(request.Policy, verdict), RequestRow.WriteNumbers(request.Barred), Change.SearchText(request));
    }

    /// <summary>A fresh content has no answers yet; the scales say whom it waits for.</summary>
    public static ApprovalRequest Weighed(ApprovalRequest request, DateTimeOffset now, out Verdict verdict)
    {
        verdict = Weigh.Of(request, [], now);
        return request with { Display = verdict.Display };
    }

    /// <summary>Whoever asks and whoever may answer may see it.</summary>
    public static IReadOnlyList<string> PartiesOf(ApprovalRequest request)
    {
        var parties = new HashSet<string>();
        foreach (var step in request.Policy.Steps)
        {
            foreach (var approver in step.From)
                parties.Add(approver.Party.Text);
        }
        parties.Add(Party.Source(request.SourceId).Text);
        if (request.CreatorId is { } creator)
            parties.Add(Party.Person(creator).Text);
        if (request.RequesterId is { } requester)
            parties.Add(Party.Person(requester).Text);
        foreach (var claimed in request.Claim?.People ?? [])
            parties.Add(Party.Person(claimed).Text);
        return [.. parties];
    }

    /// <summary>
    /// What the event says: everything that the row must then say. <c>content</c> ties what readers are shown to the
    /// record, as <c>digest</c> ties the body.
    /// </summary>
    public static EventText Data(ApprovalRequest request, Submission submission) => History.Text(new
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
        sentBy = request.SentBy.Ours(),
        creator = request.CreatorId,
        requester = request.RequesterId,
        requesterName = request.RequesterName,
        certainty = request.Certainty.Ours(),
        claim = request.Claim?.ToText(),
        assigneeUser = request.AssigneeUser,
        assigneeGroup = request.AssigneeGroup,
        ticket = request.TicketId,
        expires = request.ExpiresAt is { } end ? Instant.ToText(end) : null,
        status = request.Status.Ours(),
    });

    internal static string ContentHash(string subject, string message, string facts) => Hashes.Sha256OfLines(subject, facts, message);

    private static long? IdOf(Party party, string prefix) =>
        party.Text.StartsWith(prefix, StringComparison.Ordinal) ? long.Parse(party.Text.AsSpan(prefix.Length), CultureInfo.InvariantCulture) : null;
}
