using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// LaunchDarkly says who asked after the request was decided without knowing. It never loosens anything: whoever asked
/// is barred, and where the request would not have been approved without them,
/// <code>
///   active                   it is weighed again
///   approved, not applied    it is withdrawn
///   approved and applied     a breach is on record, and admins hear of it
/// </code>
/// </summary>
internal static class LateRequesters
{
    public static async ValueTask Bar(Tx tx, RequestId id, IReadOnlyList<long> people)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(EndCheck.OfHub)) is not { } request)
            return;
        request = await Settle.IfExpired(tx, request);
        var found = people.Except(request.Barred).ToList();
        if (found.Count == 0 || request.Status is not (Status.Active or Status.Approved))
            return;
        var decisions = await DecisionRow.Of(tx, id);
        if (request.Status == Status.Active)
        {
            request = await LearnedRequesters.Save(tx, request, decisions, found, EndCheck.OfHub);
            await BlockedRequests.Look(tx, request, decisions, EndCheck.OfHub);
            return;
        }
        if (!RestsOn(request, decisions, found, tx.Now))
            return;
        request = await RequestChange.Save(
            tx,
            request,
            request with
            {
                Barred = [.. request.Barred.Union(found).Order()],
            },
            EndCheck.OfHub,
            "request.barred",
            new { people = found, barred = request.Barred.Union(found).Order() }
        );
        if (request.AppliedAt is null)
        {
            const string why = "Withdrawn: the requester had approved it";
            await Settle.As(
                tx,
                request,
                request.Revision,
                decisions,
                Status.Withdrawn,
                why,
                EndCheck.OfHub,
                new { reason = why, status = Status.Withdrawn.ToWireName() }
            );
        }
        else if (request.BreachedAt is null)
        {
            await RequestChange.Save(
                tx,
                request,
                request with
                {
                    BreachedAt = tx.Now,
                },
                EndCheck.OfHub,
                "request.breached",
                new { status = request.Status.ToWireName(), approvedByRequester = found }
            );
        }
    }

    /// <summary>Whether it was approved by decisions that do not suffice without these people's.</summary>
    private static bool RestsOn(ApprovalRequest request, List<Decision> decisions, List<long> found, DateTimeOffset now)
    {
        if (request.BrokeGlassAt is not null || request.Policy is not { Auto: null, Destination: null })
            return false;
        // Who was disabled since had decided all the same.
        var then = decisions.ConvertAll(d => d with { AuthorDisabled = false });
        var open = request with { Status = Status.Active, ExpiresAt = null, OpenCheck = OpenCheck.None };
        var without = open with { Barred = [.. request.Barred.Union(found)] };
        return Weigh.Of(open, then, now) is Verdict.Approved && Weigh.Of(without, then, now) is not Verdict.Approved;
    }
}
