using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>Who asked, as LaunchDarkly says.</summary>
/// <param name="PersonId">Set only where it is certain: exactly one person, who was there before the request.</param>
/// <param name="Name">How policies call them; <paramref name="DisplayName"/> is how people do.</param>
/// <param name="People">Everyone who may be meant; none of them may decide.</param>
/// <param name="Email">The member's address, by which a person may turn up later.</param>
public sealed record LearnedRequester(
    long? PersonId,
    string Name,
    string DisplayName,
    IReadOnlyList<long> People,
    string? Email
);

/// <summary>What asking LaunchDarkly came to.</summary>
/// <param name="Revision">The content about which it was asked.</param>
/// <param name="Ends">What is not asked any more, whether or not it was answered.</param>
public sealed record CheckResult(int Revision, OpenCheck Ends)
{
    /// <summary>Null: not known.</summary>
    public LearnedRequester? Requester { get; init; }

    /// <summary>Null: not known.</summary>
    public DescribedChanges? Change { get; init; }

    /// <summary>Why something isn't known, for people.</summary>
    public string? Why { get; init; }

    /// <summary>Who named the requester: <c>rest</c> or <c>webhook</c>.</summary>
    public string By { get; init; } = "rest";
}

public abstract record EndCheckOutcome
{
    private EndCheckOutcome() { }

    public sealed record Ended(ApprovalRequest Request) : EndCheckOutcome;

    /// <summary>Nothing of it is open any more, or the content is another one.</summary>
    public sealed record NotOpen(ApprovalRequest Request) : EndCheckOutcome;

    public sealed record NotFound : EndCheckOutcome;
}

/// <summary>
/// LaunchDarkly has answered, or is not waited for any longer:
/// <code>
///   1  who asked is barred beside those who were; without exactly one person the requester is unknown
///   2  another change than the one that was reviewed dismisses the reviews; without an answer it is unknown
///   3  the policy is matched again with both, and takes the place of the one that the request came with
///   4  what was answered meanwhile is weighed: by people, by the policy, by a destination
/// </code>
/// What isn't known is never taken for what would let the request pass.
/// </summary>
internal static class EndCheck
{
    public static readonly Origin OfHub = new(Actor.Hub, "launchdarkly", "");

    private const string OtherChange =
        "The change in LaunchDarkly isn't the one that was decided on any more. Request it again.";

    /// <param name="today">The policy that a request with these facts would get now.</param>
    public static async ValueTask<EndCheckOutcome> Run(
        Tx tx,
        RequestId id,
        CheckResult result,
        Func<ApprovalRequest, string, string?, Policy> today
    )
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(OfHub)) is not { } request)
            return new EndCheckOutcome.NotFound();
        request = await Settle.IfExpired(tx, request);
        var ended = request.OpenCheck & result.Ends;
        if (request.IsSettled || request.Revision != result.Revision || ended == OpenCheck.None)
            return new EndCheckOutcome.NotOpen(request);

        var decisions = await DecisionRow.Of(tx, id);
        var next = request with { OpenCheck = request.OpenCheck & ~ended, Stuck = null };
        if (ended.HasFlag(OpenCheck.Requester))
            next = Asked(next, result.Requester);
        if ((ended & (OpenCheck.Change | OpenCheck.Comparison)) != OpenCheck.None)
            next = Changes(next, result.Change);
        var isRead = next.ChangeDigest is not null && next.ChangeDigest != request.ChangeDigest;
        var (changes, facts) = isRead ? (result.Change!.ToText(), result.Change.FactsText()) : (null, null);
        if (isRead)
            await ReadChanges.Keep(tx, next, changes!, facts!);

        var pools = await PoolRows.All(tx);
        var (content, change) = await ReadChanges.FactsOf(tx, next);
        (next, var isOther) = Stamped(request, next, today(next, content, change), decisions, pools, tx.Now);
        var verdict = Weigh.Of(next, decisions, tx.Now);
        if (isOther)
        {
            await PolicyStamp.Keep(tx, next);
            await DueTimes.Clear(tx, request);
        }
        if (next.RequesterName != request.RequesterName)
        {
            var terms = await RequestTerms.Read(tx, id);
            await RequestTerms.Change(tx, id, terms, RequestTerms.Of(next, content));
        }
        await RequestChange.Waiting(tx, request, decisions, next.Policy, verdict);
        next = await RequestChange.Save(
            tx,
            request,
            next with
            {
                Display = verdict is Verdict.StillPending ? verdict.Display : request.Display,
            },
            OfHub,
            "request.checked",
            new
            {
                ended = ended.ToText(),
                check = next.OpenCheck.ToText(),
                revision = next.Revision,
                confirmed = Confirmed(ended, next).ToText(),
                why = result.Why,
                by = result.By,
                requester = next.RequesterId,
                requesterName = next.RequesterName,
                certainty = next.Certainty.ToWireName(),
                claim = next.Claim?.ToText(),
                barred = next.Barred,
                reading = next.Reading,
                change = next.ChangeDigest,
                changes = isRead ? ReadChanges.HashOf(changes!, facts!) : null,
                dismissed = next.Reading != request.Reading,
                stamp = next.Policy.Stamp,
                policy = next.Policy.Name,
                before = isOther ? request.Policy.Name : null,
                expires = next.ExpiresAt is { } end ? Instant.ToText(end) : null,
            }
        );
        // It was decided elsewhere about another change, and a system that has decided isn't asked a second time.
        if (next.Reading != request.Reading && request.Policy.Destination is not null)
            return new EndCheckOutcome.Ended(await Withdraw.By(tx, next, OtherChange, OfHub));
        return new EndCheckOutcome.Ended(await Conclude(tx, next, decisions, verdict, isOther, pools));
    }

    /// <summary>What LaunchDarkly has confirmed of what was open.</summary>
    private static OpenCheck Confirmed(OpenCheck ended, ApprovalRequest next) =>
        ended
        & (
            (next.IsRequesterConfirmed ? OpenCheck.Requester : OpenCheck.None)
            | (next.ChangeDigest is null ? OpenCheck.None : OpenCheck.Change | OpenCheck.Comparison)
        );

    private static ApprovalRequest Asked(ApprovalRequest request, LearnedRequester? learned)
    {
        if (learned is null)
            return request with { Certainty = Certainty.None };
        var claim = request.Claim ?? RequesterClaim.Nothing;
        var emails = RequesterClaim.Of([learned.Email], []).Emails;
        return request with
        {
            Barred = [.. request.Barred.Union(learned.People).Order()],
            RequesterId = learned.PersonId ?? request.RequesterId,
            RequesterName = learned.PersonId is null ? request.RequesterName : learned.DisplayName,
            Certainty = learned.PersonId is null ? Certainty.None : Certainty.Proven,
            Claim = emails.Count == 0 ? request.Claim : claim with { Emails = [.. claim.Emails.Union(emails)] },
        };
    }

    private static ApprovalRequest Changes(ApprovalRequest request, DescribedChanges? read) =>
        read is null ? request with { ChangeDigest = null }
        : request.ChangeDigest == read.Digest ? request
        : request.ChangeDigest is null ? request with { ChangeDigest = read.Digest }
        : request with { Reading = request.Reading + 1, ChangeDigest = read.Digest };

    /// <summary>
    /// With another policy all times begin anew, and answers fill the steps that their authors may fill there.
    /// </summary>
    private static (ApprovalRequest Next, bool IsOther) Stamped(
        ApprovalRequest before,
        ApprovalRequest next,
        Policy policy,
        List<Decision> decisions,
        Pools pools,
        DateTimeOffset now
    )
    {
        if (Restamp.AsItBecame(policy, before.Policy).Stamp == (before.Policy with { Carried = null }).Stamp)
            return (next, false);
        if (decisions.Count > 0)
        {
            policy = policy with
            {
                Carried = new Carried(
                    decisions.Count,
                    Weigh
                        .LatestThatCount(next, decisions)
                        .Select(d => (d.N, Steps: Restamp.StepsOf(d, policy, pools)))
                        .Where(c => c.Steps.Count > 0)
                        .ToDictionary(c => c.N, c => c.Steps)
                ),
            };
        }
        return (
            next with
            {
                Policy = policy,
                ExpiresAt = policy.Expire is { } expire ? now + expire.After : null,
            },
            true
        );
    }

    private static async ValueTask<ApprovalRequest> Conclude(
        Tx tx,
        ApprovalRequest request,
        List<Decision> decisions,
        Verdict verdict,
        bool isOther,
        Pools pools
    )
    {
        if (verdict is not Verdict.StillPending)
        {
            return await Settle.As(
                tx,
                request,
                request.Revision,
                decisions,
                verdict.Status,
                verdict.Display,
                OfHub,
                new
                {
                    policy = request.Policy.Name,
                    // Never the verdict's words: they name people, and this is where facts stand.
                    because = request.Policy.Auto?.Because,
                    status = verdict.Status.ToWireName(),
                }
            );
        }
        if (
            request.OpenCheck == OpenCheck.None
            && await AnswerFromDestination.Kept(tx, request) is var (answer, destination)
        )
        {
            return await AnswerFromDestination.Settled(tx, request, answer, destination);
        }
        if (isOther && request.Policy.IsTimed)
            await DueTimes.Begin(tx, request, verdict);
        return await BlockedRequests.Look(tx, request, decisions, OfHub, pools);
    }
}
