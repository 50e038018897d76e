using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// The laws of the scales on generated councils, checked against a search through all ways to seat people.
/// </summary>
public sealed class WeighLaws
{
    private const int Councils = 3000;
    private static readonly string[] Names = ["Ann", "Ben", "Cleo", "Dan", "Eve", "Finn"];

    [Fact]
    public void Approvals_fill_as_many_slots_as_any_way_to_seat_people_could() =>
        ForEach(
            (_, request, decisions) =>
            {
                var pools = PoolsOf(decisions);
                var steps = request.Policy.Steps;
                // Steps open in order: the open one is the first that cannot be filled together with all before it.
                var open = Enumerable
                    .Range(0, steps.Count)
                    .FirstOrDefault(s => MaxSeated(steps, s, pools) < steps.Take(s + 1).Sum(x => x.Need), -1);
                var verdict = Weigh.Of(request, decisions, Council.Start);
                if (open < 0)
                {
                    var approved = Assert.IsType<Verdict.Approved>(verdict);
                    Assert.Equal(steps.Sum(s => s.Need), approved.By.Count);
                    Assert.Distinct(approved.By);
                    Assert.Subset(decisions.Select(d => d.PersonName).ToHashSet(), approved.By.ToHashSet());
                    return;
                }
                var pending = Assert.IsType<Verdict.StillPending>(verdict);
                Assert.Equal(open, pending.OpenStep);
                Assert.StartsWith(
                    $"{MaxSeated(steps, open, pools)} of {steps.Sum(s => s.Need)} approval",
                    pending.Display,
                    StringComparison.Ordinal
                );
            },
            onlyApprovals: true
        );

    [Fact]
    public void Useful_are_exactly_the_steps_in_which_one_more_approval_fills_one_more_slot() =>
        ForEach(
            (_, request, decisions) =>
            {
                if (Weigh.Of(request, decisions, Council.Start) is not Verdict.StillPending pending)
                    return;
                var pools = PoolsOf(decisions);
                var filled = MaxSeated(request.Policy.Steps, pending.OpenStep, pools);
                var useful = Enumerable
                    .Range(0, request.Policy.Steps.Count)
                    .Where(step => MaxSeated(request.Policy.Steps, pending.OpenStep, [.. pools, [step]]) > filled);
                Assert.Equal(useful, pending.Useful);
            },
            onlyApprovals: true
        );

    [Fact]
    public void The_order_of_answers_changes_nothing() =>
        ForEach(
            (random, request, decisions) =>
            {
                // Each person's last answer, in another order.
                var last = decisions.GroupBy(d => d.PersonId).Select(g => g.Last());
                var shuffled = random.Shuffled(last).Select((d, i) => d with { N = i + 1 }).ToList();
                var (one, other) = (
                    Weigh.Of(request, decisions, Council.Start),
                    Weigh.Of(request, shuffled, Council.Start)
                );
                Assert.Equal(one.GetType(), other.GetType());
                if (one is Verdict.StillPending pending)
                {
                    Assert.Equal(pending.Missing, ((Verdict.StillPending)other).Missing);
                    Assert.Equal(pending.OpenStep, ((Verdict.StillPending)other).OpenStep);
                    Assert.Equal(pending.Useful, ((Verdict.StillPending)other).Useful);
                }
                // Nor does the order of the list, for the store might return it in another: the number decides.
                Assert.Equal(one.Display, Weigh.Of(request, random.Shuffled(decisions), Council.Start).Display);
            }
        );

    [Fact]
    public void Saying_the_same_again_changes_nothing() =>
        ForEach(
            (_, request, decisions) =>
            {
                var verdict = Weigh.Of(request, decisions, Council.Start);
                foreach (var last in decisions.GroupBy(d => d.PersonId).Select(g => g.Last()))
                {
                    var again = Weigh.Of(request, [.. decisions, last with { N = decisions.Count + 1 }], Council.Start);
                    Assert.Equal(verdict.GetType(), again.GetType());
                    if (verdict is Verdict.StillPending)
                        Assert.Equal(verdict.Display, again.Display);
                }
            }
        );

    [Fact]
    public void An_abstention_never_settles_anything() =>
        ForEach(
            (_, request, decisions) =>
            {
                if (Weigh.Of(request, decisions, Council.Start) is not Verdict.StillPending)
                    return;
                foreach (var name in Names)
                {
                    Assert.IsType<Verdict.StillPending>(
                        Weigh.Of(
                            request,
                            [.. decisions, DecisionOf(request, decisions.Count + 1, name, Answer.Abstain)],
                            Council.Start
                        )
                    );
                }
            }
        );

    [Fact]
    public void Answers_that_may_not_count_change_nothing() =>
        ForEach(
            (random, request, decisions) =>
            {
                var barred = Council.IdOf(Names[random.Next(Names.Length)]);
                request = request with { Barred = [barred] };
                var without = decisions.Where(d => d.PersonId != barred).ToList();
                var verdict = Weigh.Of(request, without, Council.Start);
                Assert.Equal(verdict.Display, Weigh.Of(request, decisions, Council.Start).Display);
                foreach (var answer in Enum.GetValues<Answer>())
                {
                    var n = without.Count + 1;
                    var name = Names.First(name => Council.IdOf(name) != barred);
                    Assert.Equal(
                        verdict.Display,
                        Weigh
                            .Of(
                                request,
                                [.. without, DecisionOf(request, n, name, answer) with { AuthorDisabled = true }],
                                Council.Start
                            )
                            .Display
                    );
                    Assert.Equal(
                        verdict.Display,
                        Weigh
                            .Of(
                                request,
                                [.. without, DecisionOf(request, n, name, answer) with { Revision = 2 }],
                                Council.Start
                            )
                            .Display
                    );
                    if (answer != Answer.Reject)
                    {
                        Assert.IsNotType<Verdict.Rejected>(
                            Weigh.Of(
                                request,
                                [
                                    .. without.Where(d => d.Answer != Answer.Reject),
                                    DecisionOf(request, n, name, answer),
                                ],
                                Council.Start
                            )
                        );
                    }
                }
            }
        );

    [Fact]
    public void Nobody_who_could_fill_no_step_brings_it_forward() =>
        ForEach(
            (_, request, decisions) =>
            {
                if (Weigh.Of(request, decisions, Council.Start) is not Verdict.StillPending pending)
                    return;
                var stranger = DecisionOf(request, decisions.Count + 1, "Zoe", Answer.Approve);
                Assert.Empty(stranger.Steps);
                Assert.Equal(pending.Display, Weigh.Of(request, [.. decisions, stranger], Council.Start).Display);
            }
        );

    private static void ForEach(Action<Random, ApprovalRequest, List<Decision>> law, bool onlyApprovals = false)
    {
        for (var seed = 0; seed < Councils; seed++)
        {
            var random = Seeded.Random(seed);
            var request = Council.RequestOf(
                new Policy(
                    "generated",
                    [
                        .. Enumerable
                            .Range(0, random.Next(1, 5))
                            .Select(s => new Step(
                                $"step {s}",
                                random.Next(1, 3),
                                [
                                    .. Names
                                        .Where(_ => random.Next(3) > 0)
                                        .Select(n => new Approver(Party.Person(Council.IdOf(n)), n)),
                                ]
                            )),
                    ]
                )
            );
            var decisions = new List<Decision>();
            foreach (
                var name in onlyApprovals
                    ? random.Shuffled(Names).Take(random.Next(Names.Length + 1))
                    : Enumerable.Range(0, random.Next(9)).Select(_ => Names[random.Next(Names.Length)])
            )
            {
                var answer =
                    onlyApprovals || random.Next(3) > 0 ? Answer.Approve
                    : random.Next(4) > 0 ? Answer.Abstain
                    : Answer.Reject;
                decisions.Add(DecisionOf(request, decisions.Count + 1, name, answer));
            }
            try
            {
                law(random, request, decisions);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException(
                    $"With seed {seed}: "
                        + string.Join(
                            "; ",
                            request.Policy.Steps.Select(s =>
                                $"{s.Need} of {string.Join(' ', s.From.Select(a => a.Name))}"
                            )
                        )
                        + $". {string.Join(", ", decisions.Select(d => $"{d.PersonName} {d.Answer}"))}",
                    failure
                );
            }
        }
    }

    private static Decision DecisionOf(ApprovalRequest request, int n, string name, Answer answer) =>
        Council.DecisionOf(request, n, Council.IdOf(name), name, answer);

    private static List<IReadOnlyList<int>> PoolsOf(List<Decision> approvals) => [.. approvals.Select(d => d.Steps)];

    /// <summary>
    /// Tries every seat for every person: how many slots of the steps up to <paramref name="last"/> can be filled at
    /// once.
    /// </summary>
    private static int MaxSeated(IReadOnlyList<Step> steps, int last, List<IReadOnlyList<int>> pools)
    {
        var free = steps.Take(last + 1).Select(s => s.Need).ToArray();
        return Try(0);

        int Try(int person)
        {
            if (person == pools.Count)
                return 0;
            var best = Try(person + 1);
            foreach (var step in pools[person].Where(s => s <= last && free[s] > 0))
            {
                free[step]--;
                best = Math.Max(best, 1 + Try(person + 1));
                free[step]++;
            }
            return best;
        }
    }
}
