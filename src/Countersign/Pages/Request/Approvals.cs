using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Pages.Request;

public enum ApprovalState
{
    Approved,
    Rejected,
    Abstained,
    Waiting,
    OutOfOffice,
}

/// <summary>A reviewer and what came of asking them.</summary>
public sealed record ApprovalPerson(string Name, ApprovalState State)
{
    /// <summary>Whether it is the reader.</summary>
    public bool IsReader { get; init; }

    /// <summary>The person for whom they decided.</summary>
    public string? For { get; init; }

    /// <summary>When they decided; of those who are out of office, when they are back.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Who stands in for them meanwhile.</summary>
    public string? Delegate { get; init; }
}

/// <summary>A step of the policy with those who approved and those who still can.</summary>
/// <param name="After">The number of the step that comes first; null: this one is open or done.</param>
public sealed record ApprovalStep(
    Step Step,
    int Have,
    bool IsOpen,
    int? After,
    IReadOnlyList<ApprovalPerson> People,
    int More
)
{
    public bool IsDone => Have >= Step.Need;

    /// <summary>No eligible reviewer is left for it.</summary>
    public bool HasNobody { get; init; }
}

/// <summary>Who approved, who rejected and who is waited for, step by step.</summary>
public static class Approvals
{
    private const int MaxWaiting = 8;

    public static IReadOnlyList<ApprovalStep> Of(RequestPageModel model)
    {
        var shown = new HashSet<long>();
        return [.. model.Request.Policy.Steps.Select((step, n) => Of(model, step, n, shown))];
    }

    /// <param name="shown">Who said something else than yes, and stands in an earlier step.</param>
    private static ApprovalStep Of(RequestPageModel model, Step step, int n, HashSet<long> shown)
    {
        var (request, seated) = (model.Request, model.Seats[n]);
        var people = seated.Select(d => Decided(model, d, ApprovalState.Approved)).ToList();
        var others = model
            .Counting.Where(d =>
                d.Answer != Answer.Approve && (d.Steps.Contains(n) || d.Steps.Count == 0) && shown.Add(d.PersonId)
            )
            .ToList();
        people.AddRange(
            others.Select(d =>
                Decided(model, d, d.Answer == Answer.Reject ? ApprovalState.Rejected : ApprovalState.Abstained)
            )
        );
        var isDone = seated.Count >= step.Need;
        var waiting = request.IsSettled || isDone ? new List<ApprovalPerson>() : Waiting(model, step);
        people.AddRange(waiting.Take(MaxWaiting));
        var isOpen = !request.IsSettled && n == model.OpenStep;
        return new ApprovalStep(
            step,
            seated.Count,
            isOpen,
            request.IsSettled || isDone || isOpen ? null : n,
            people,
            Math.Max(0, waiting.Count - MaxWaiting)
        )
        {
            HasNobody = !request.IsSettled && !isDone && waiting.Count == 0,
        };
    }

    private static ApprovalPerson Decided(RequestPageModel model, Decision decision, ApprovalState state) =>
        new(decision.PersonName, state)
        {
            At = decision.At,
            For = decision.ForPersonName,
            IsReader = decision.PersonId == model.Me,
        };

    private static List<ApprovalPerson> Waiting(RequestPageModel model, Step step)
    {
        var waiting = new List<ApprovalPerson>();
        var known = new HashSet<long>();
        foreach (var approver in step.From)
        {
            foreach (var person in model.MembersOf(approver.Party))
            {
                if (
                    !known.Add(person.Id)
                    || model.Counting.Any(d => d.PersonId == person.Id || d.ForPerson == person.Id)
                )
                {
                    continue;
                }
                waiting.Add(
                    person.AwayUntil is { } until
                        ? new ApprovalPerson(person.Name, ApprovalState.OutOfOffice)
                        {
                            At = until,
                            Delegate = model.DelegateOf(person),
                        }
                        : new ApprovalPerson(person.Name, ApprovalState.Waiting)
                        {
                            IsReader = person.Id == model.Me,
                            Delegate = model.DelegateOf(person),
                        }
                );
            }
        }
        return waiting;
    }
}
