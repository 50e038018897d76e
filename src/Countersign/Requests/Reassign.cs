using System.Text.Json;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

public abstract record ReassignOutcome
{
    private ReassignOutcome() { }

    /// <summary>The new assignee decides, or did already.</summary>
    /// <param name="Lost">Those whose approvals don't count any more, because they may not decide now.</param>
    public sealed record Reassigned(ApprovalRequest Request, IReadOnlyList<string> Lost) : ReassignOutcome;

    public sealed record AlreadySettled(ApprovalRequest Request) : ReassignOutcome;

    /// <summary>Something else than its assignee decides this request.</summary>
    public sealed record NotByAssignee(string Policy) : ReassignOutcome;

    /// <summary>This person or group can't be the assignee.</summary>
    public sealed record Unsuitable(string Why) : ReassignOutcome;

    /// <summary>Only admins may.</summary>
    public sealed record NotAllowed : ReassignOutcome;

    public sealed record NotFound : ReassignOutcome;
}

/// <summary>
/// An admin gives a request that its assignee decides to another person or group. What a policy, a source's group or a
/// destination decides stays theirs: for that there is <see cref="OverridePolicy"/>. How many approvals it needs
/// stays. Approvals by people who may decide now too go on counting; the event names the others. It settles nothing.
/// </summary>
public sealed class Reassign(Store store)
{
    public Task<ReassignOutcome> Run(RequestId id, Viewer viewer, Party to, CancellationToken cancel) =>
        store.InTransaction(tx => Write(tx, id, viewer, to), cancel);

    private static async ValueTask<ReassignOutcome> Write(Tx tx, RequestId id, Viewer viewer, Party to)
    {
        if (await RequestRow.Find(tx, id, viewer) is not { } request)
            return new ReassignOutcome.NotFound();
        if (!await IsAllowed(tx, viewer))
            return new ReassignOutcome.NotAllowed();
        request = await Settle.IfExpired(tx, request);
        if (request.IsSettled)
            return new ReassignOutcome.AlreadySettled(request);
        if (!DecidesByAssignee(request.Policy, request.Assignee))
            return new ReassignOutcome.NotByAssignee(request.Policy.Name);
        if (request.Assignee == to)
            return new ReassignOutcome.Reassigned(request, []);
        var decisions = await DecisionRow.Of(tx, id);
        if (to.IdAfter("person:") is { } person)
            request = await LearnedRequesters.Bar(tx, request, decisions, person);
        var (name, problem) = await Named(tx, to, request);
        if (name is null)
            return new ReassignOutcome.Unsuitable(problem);

        var pools = await PoolRows.All(tx);
        var policy = To(request.Policy, request.Assignee!.Value, new Approver(to, name));
        var counting = Weigh.LatestThatCount(request, decisions);
        var carried = counting.ConvertAll(d => (Decision: d, Steps: Restamp.StepsOf(d, policy, pools)));
        if (decisions.Count > 0)
        {
            policy = policy with
            {
                Carried = new Carried(
                    decisions.Count,
                    carried.Where(c => c.Steps.Count > 0).ToDictionary(c => c.Decision.N, c => c.Steps)
                ),
            };
        }
        var next = request with
        {
            Policy = policy,
            AssigneeUser = to.IdAfter("person:"),
            AssigneeGroup = to.IdAfter("group:"),
            Delegations = [],
            Stuck = null,
        };
        if (BlockedRequests.Of(next, decisions, pools) is { } blocked)
            return new ReassignOutcome.Unsuitable($"{blocked.Why}. {blocked.Fix}.");
        var verdict = Weigh.Of(next, decisions, tx.Now);
        if (verdict is not Verdict.StillPending)
            return new ReassignOutcome.Unsuitable("The decisions so far would close it. The next decision does.");
        await tx.Execute("DELETE FROM delegations WHERE request_id = @id", new { id });
        await PolicyStamp.Keep(tx, next);
        await RequestChange.Waiting(tx, request, decisions, next.Policy, verdict);
        List<string> lost =
        [
            .. carried
                .Where(c => c.Steps.Count == 0 && c.Decision.Answer == Answer.Approve)
                .Select(c => c.Decision.Who),
        ];
        next = await RequestChange.Save(
            tx,
            request,
            next with
            {
                Display = verdict.Display,
            },
            viewer.Origin,
            "request.reassigned",
            new
            {
                assigneeUser = next.AssigneeUser,
                assigneeGroup = next.AssigneeGroup,
                name,
                stamp = next.Policy.Stamp,
                lost,
            }
        );
        return new ReassignOutcome.Reassigned(next, lost);
    }

    /// <summary>
    /// An admin, asked of the store, because the door's own knowledge may be a moment old; or the command line.
    /// </summary>
    private static async ValueTask<bool> IsAllowed(Tx tx, Viewer viewer) =>
        viewer.Origin.Actor == Actor.Operator
        || (
            viewer.PersonId is { } admin
            && await tx.Number(
                $"SELECT id FROM people WHERE id = @admin AND role = 'admin' AND disabled_at IS NULL{tx.ForShare}",
                new { admin }
            ) != 0
        );

    /// <summary>Whether nothing but the request's assignee says who decides.</summary>
    public static bool DecidesByAssignee(Policy policy, Party? assignee) =>
        assignee is { } party
        && policy
            is {
                Name: PolicySelection.Assignee,
                Auto: null,
                Destination: null,
                Escalate: null,
                AllowsSelfApproval: false,
                Steps: [{ Name: PolicySelection.Assignee, From: [var one] }],
            }
        && one.Party == party;

    /// <summary>The same policy with another assignee.</summary>
    internal static Policy To(Policy policy, Party from, Approver to) =>
        policy with
        {
            Carried = null,
            Steps =
            [
                .. policy.Steps.Select(step =>
                    step with
                    {
                        From = [.. step.From.Select(a => a.Party == from ? to : a)],
                    }
                ),
            ],
        };

    /// <summary>
    /// What a new content asks for that names the assignee of before: an admin has chosen another since, who stays.
    /// Null where it names someone else.
    /// </summary>
    internal static async ValueTask<Submission?> Keep(Tx tx, ApprovalRequest known, Submission submission)
    {
        if (submission.Assignee?.Party is not { } named || await FirstAssignee(tx, known.Id) != named)
            return null;
        if (!DecidesByAssignee(submission.Policy, named))
            return submission;
        var current = known.Policy.Approvers.FirstOrDefault(a => a.Party == known.Assignee);
        if (current is null && known.Assignee is { } party)
            current = new Approver(party, (await Named(tx, party, known)).Name ?? party.Text);
        var policy = To(submission.Policy, named, current!);
        return submission with
        {
            Policy = policy,
            Stuck = Feasibility.Of(policy, await PoolRows.All(tx), submission.Requester.Barred),
        };
    }

    private static async ValueTask<Party?> FirstAssignee(Tx tx, RequestId id)
    {
        var data = await tx.Text(
            "SELECT data FROM events WHERE subject = @subject AND n = 1",
            new { subject = id.Subject }
        );
        using var document = JsonDocument.Parse(data ?? "{}");
        return Number("assigneeUser") is { } user ? Party.Person(user)
            : Number("assigneeGroup") is { } group ? Party.Group(group)
            : null;

        long? Number(string name) =>
            document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
                ? value.GetInt64()
                : null;
    }

    /// <summary>What the person or group is called; null with the reason why it can't decide.</summary>
    private static async ValueTask<(string? Name, string Problem)> Named(Tx tx, Party to, ApprovalRequest request)
    {
        if (to.IdAfter("group:") is { } group)
        {
            return (
                await tx.Text("SELECT name FROM groups WHERE id = @group", new { group }),
                "There is no such group."
            );
        }
        var person = to.IdAfter("person:") ?? 0;
        if (request.Bars(person))
            return (null, "Requesters can't approve their own requests.");
        return (
            await tx.Text(
                $"""
                SELECT {PersonNames.Sql("p")} FROM people p
                WHERE p.id = @person AND p.disabled_at IS NULL AND p.role IN ('agent', 'admin'){tx.ForShare}
                """,
                new { person }
            ),
            "Choose an active agent or admin."
        );
    }
}
