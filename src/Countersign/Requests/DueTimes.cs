using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

/// <summary>
/// What happens to a request by itself and when: a job for each, written with the request and gone when it is settled.
/// Each does its work in the transaction that takes the job, so it is done once, on any node, and a clock that jumps
/// back finds nothing left.
/// </summary>
internal static class DueTimes
{
    public const string Remind = "remind",
        Escalate = "escalate",
        Expire = "expire";

    public static readonly Origin Clock = new(Actor.Hub, "clock", "");

    /// <summary>A content has come, or another policy: all its times begin now.</summary>
    public static async ValueTask Begin(Tx tx, ApprovalRequest request, Verdict verdict)
    {
        if (request.ExpiresAt is { } end)
            await Set(tx, request, Expire, end);
        if (verdict is Verdict.StillPending pending)
            await StepOpened(tx, request, pending.OpenStep);
    }

    /// <summary>
    /// Reminders and escalation are counted from the opening of a step, because only then does anyone keep it waiting.
    /// </summary>
    public static async ValueTask StepOpened(Tx tx, ApprovalRequest request, int step)
    {
        var policy = request.Policy;
        if (policy.Remind is { } remind)
            await Set(tx, request, Remind, tx.Now + remind.After);
        if (policy.Escalate is not { } escalate)
            return;
        if (step < policy.Steps.Count && !policy.Steps[step].Escalated)
            await Set(tx, request, Escalate, tx.Now + escalate.After);
        else
            await Jobs.Cancel(tx, Escalate, request.Id.Value);
    }

    public static ValueTask Set(Tx tx, ApprovalRequest request, string kind, DateTimeOffset at) =>
        Jobs.Put(tx, new JobToAdd(kind, request.Id.Value, request.Id.Subject, at));

    public static async ValueTask Clear(Tx tx, ApprovalRequest request)
    {
        if (request.Policy.IsTimed)
        {
            await tx.Execute(
                "DELETE FROM jobs WHERE kind IN (@remind, @escalate, @expire) AND key = @id",
                new
                {
                    remind = Remind,
                    escalate = Escalate,
                    expire = Expire,
                    id = request.Id,
                }
            );
        }
    }
}

/// <summary>A job that does to a request what its time has come for, unless the request is settled.</summary>
public abstract class DueHandler : IJobHandler
{
    public abstract string Kind { get; }

    public string WhyNotDiscard => "It belongs to its request and ends with it. Withdraw the request, or retry.";

    public Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var (id, due) = (RequestId.Of(job.Key), Instant.Parse(job.DueAt));
        return Task.FromResult<JobResult>(
            new JobResult.Done(async tx =>
            {
                if (await RequestRow.Find(tx, id, Viewer.Hub(DueTimes.Clock)) is { IsSettled: false } request)
                    await Do(tx, request, due);
            })
            {
                // Answers lock the request and then remove its jobs.
                Lock = async tx => await tx.Text($"SELECT id FROM requests WHERE id = @id{tx.ForUpdate}", new { id }),
            }
        );
    }

    protected abstract ValueTask Do(Tx tx, ApprovalRequest request, DateTimeOffset due);
}
