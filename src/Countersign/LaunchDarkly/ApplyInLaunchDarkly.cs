using System.Text.Json;
using Countersign.LaunchDarkly.Changes;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.LaunchDarkly;

/// <summary>
/// Applies an approved change, as soon as LaunchDarkly has learnt that it is approved:
/// <code>
///   1  LaunchDarkly has read our answer, and its review says approved
///   2  the instructions are those that were approved
///   3  that we begin is on record before the call is made, and it is made once
///   4  what became of it is read from LaunchDarkly, never from the call's answer alone
/// </code>
/// LaunchDarkly's own call afterwards says that the change was applied. The requester and the admins are told of
/// any obstacle, and people apply the change there.
/// </summary>
internal sealed class ApplyInLaunchDarkly(Store store, Connections connections, LaunchDarklyClient client) : IJobHandler
{
    private const string Started = "request.apply_started",
        Succeeded = "request.apply_done",
        FailedKind = "request.apply_failed";

    /// <summary>LaunchDarkly reads our answer every five minutes.</summary>
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan SlowInterval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan GiveUp = TimeSpan.FromHours(24);

    /// <summary>How long a call whose answer was lost may take to show.</summary>
    private static readonly TimeSpan SettlingTime = TimeSpan.FromMinutes(2);

    public string Kind => OpenChecks.ApplyJobKind;

    public TimeSpan MaxRun => TimeSpan.FromMinutes(2);

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var id = RequestId.Of(job.Key);
        var (request, isDisabled, started) = await store.Read(
            async reader =>
                (
                    await RequestRow.Find(reader, id, Viewer.Hub(EndCheck.OfHub)),
                    await reader.Number(
                        """
                        SELECT count(*) FROM sources s JOIN requests r ON r.source_id = s.id
                        WHERE r.id = @id AND s.disabled_at IS NOT NULL
                        """,
                        new { id }
                    ) > 0,
                    await reader.Text(
                        "SELECT max(at) FROM events WHERE subject = @subject AND kind = @kind",
                        new { subject = id.Subject, kind = Started }
                    )
                ),
            cancel
        );
        var connection = request is null ? null : await connections.Open(request.SourceId, cancel);
        if (
            request is not { Status: Status.Approved, AppliedAt: null, ExternalId: { } externalId }
            || connection is not { Apply: true, Token: not null }
        )
        {
            return new JobResult.Done();
        }
        // What was begun before is still looked at, since the call may have arrived.
        if (isDisabled && started is null)
            return Failed(id, "The source is disabled.");
        var begun = request.SettledAt ?? store.Now;
        var answer = await client.Approval(connection, externalId, cancel);
        if (answer is not LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Found { Value: var approval })
        {
            return store.Now < begun + GiveUp
                ? Again(begun, (answer as LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Later)?.After)
                : Failed(id, answer.Problem ?? "");
        }
        if (IsApplied(approval))
            return started is null ? new JobResult.Done() : Done(id, approval);
        if (started is not null)
            return Judge(id, approval, Instant.Parse(started));
        if (approval.AppliesByItself)
            return new JobResult.Done();
        if (approval.ExternalId is { } other && other != externalId)
            return Failed(id, "LaunchDarkly's approval with this ID belongs to something else.");
        if (approval.ReviewStatus == "declined" || approval.Status == "failed")
            return Failed(id, "LaunchDarkly doesn't hold the change as approved.");
        if (approval is not { ReviewStatus: "approved", ExternalStatus: "approved" })
        {
            return store.Now < begun + GiveUp
                ? Again(begun, null)
                : Failed(id, "LaunchDarkly hasn't learnt within a day that the change is approved.");
        }
        if (InstructionDigest.Of(approval.Instructions) != request.ChangeDigest)
            return Failed(id, "The change in LaunchDarkly is no longer the one that was approved.");
        if (approval.ExecutionDate <= store.Now)
            return Failed(id, "The time for which the change was scheduled has passed.");
        if (
            await client.Caller(connection, cancel) is LaunchDarklyAnswer<CallerInLaunchDarkly>.Found
            {
                Value.IsServiceToken: false
            }
        )
        {
            return Failed(id, "The token is a member's personal one. Applying takes a service token.");
        }
        return await Apply(request, connection, externalId, cancel);
    }

    private async Task<JobResult> Apply(
        ApprovalRequest request,
        Connection connection,
        string externalId,
        CancellationToken cancel
    )
    {
        // Begun is begun: nothing may keep the call from being sent after that.
        if (client.PauseOf(connection.SourceId) is { Ticks: > 0 } pause)
            return new JobResult.Again(store.Now + pause);
        var mayBegin = await store.InTransaction(tx => Begin(tx, request.Id), cancel);
        if (!mayBegin)
            return new JobResult.Again(store.Now + PollInterval);
        var answer = await client.Apply(connection, externalId, $"Approved in Countersign: {request.Id}", cancel);
        var after = await client.Approval(connection, externalId, cancel);
        if (
            after is LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Found { Value: var approval }
            && (IsApplied(approval) || approval.Status == "failed" || approval.Conflicts > 0)
        )
        {
            return Judge(request.Id, approval, store.Now);
        }
        // It was refused, or never sent, and nothing was applied: asking again would change nothing.
        return answer switch
        {
            LaunchDarklyAnswer<JsonElement>.Refused refused => Failed(request.Id, refused.Why),
            LaunchDarklyAnswer<JsonElement>.Later { WasSent: false } later => Failed(request.Id, later.Why),
            LaunchDarklyAnswer<JsonElement>.NotFound => Failed(request.Id, answer.Problem!),
            _ => new JobResult.Again(store.Now + PollInterval),
        };
    }

    /// <summary>True for the one run that may make the call.</summary>
    private static async ValueTask<bool> Begin(Tx tx, RequestId id)
    {
        if (
            await RequestRow.Find(tx, id, Viewer.Hub(EndCheck.OfHub)) is not { } request
            || request is not { Status: Status.Approved, AppliedAt: null }
            || await tx.Number(
                "SELECT count(*) FROM events WHERE subject = @subject AND kind = @kind",
                new { subject = id.Subject, kind = Started }
            ) > 0
        )
        {
            return false;
        }
        await RequestChange.Save(
            tx,
            request,
            request,
            EndCheck.OfHub,
            Started,
            new { revision = request.Revision, change = request.ChangeDigest }
        );
        return true;
    }

    private JobResult Judge(RequestId id, ApprovalInLaunchDarkly approval, DateTimeOffset started) =>
        IsApplied(approval) ? Done(id, approval)
        : approval.Conflicts > 0 ? Failed(id, "It conflicts with other changes, and LaunchDarkly changed nothing.")
        : approval.Status == "failed" ? Failed(id, "LaunchDarkly says that applying it failed.")
        : store.Now < started + SettlingTime ? new JobResult.Again(store.Now + PollInterval)
        : Failed(id, "LaunchDarkly didn't confirm that it was applied.");

    private static bool IsApplied(ApprovalInLaunchDarkly approval) =>
        approval.IsApplied || approval.Status is "completed" or "scheduled";

    private JobResult.Again Again(DateTimeOffset begun, TimeSpan? after)
    {
        var wait = store.Now < begun + TimeSpan.FromMinutes(15) ? PollInterval : SlowInterval;
        return new JobResult.Again(store.Now + (after > wait ? after.Value : wait));
    }

    private static JobResult.Done Done(RequestId id, ApprovalInLaunchDarkly approval) =>
        Said(id, Succeeded, new { scheduled = approval.Status == "scheduled" });

    private static JobResult.Done Failed(RequestId id, string why) => Said(id, FailedKind, new { why });

    private static JobResult.Done Said(RequestId id, string kind, object data) =>
        new(async tx =>
        {
            if (await RequestRow.Find(tx, id, Viewer.Hub(EndCheck.OfHub)) is { Status: Status.Approved } request)
                await RequestChange.Save(tx, request, request, EndCheck.OfHub, kind, data);
        })
        {
            Lock = async tx => await tx.Text($"SELECT id FROM requests WHERE id = @id{tx.ForUpdate}", new { id }),
        };
}
