using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>Who could still approve a request, and what is said where they are too few; without a store.</summary>
public sealed class FeasibilityTests
{
    private static readonly DateTimeOffset Back = new(2026, 5, 6, 7, 8, 9, TimeSpan.Zero);

    private static readonly Policy TwoOfSre = Some.Policy(Some.Step("SRE", 2, new Approver(Party.Group(1), "SRE")));

    private static readonly Policy OneAndOne = Some.Policy(
        Some.Step("SRE", 1, new Approver(Party.Group(1), "SRE")),
        Some.Step("security", 1, new Approver(Party.Group(2), "Security"))
    );

    [Fact]
    public void A_step_has_as_many_people_as_it_needs_or_says_how_many_it_lacks()
    {
        Assert.Null(Of(TwoOfSre, [Ann, Ben], []));
        Assert.Equal(("SRE needs 1 more eligible reviewer", "Add 1 person to the group SRE"), Of(TwoOfSre, [Ann], []));
        Assert.Equal(("SRE needs 2 more eligible reviewers", "Add 2 people to the group SRE"), Of(TwoOfSre, [], []));
    }

    [Fact]
    public void One_person_fills_one_slot()
    {
        Assert.Null(Of(OneAndOne, [Ann], [Ben]));
        Assert.Equal(
            (
                "security needs 1 more eligible reviewer in addition to those in SRE",
                "Add 1 person to the group Security"
            ),
            Of(OneAndOne, [Ann], [Ann])
        );
        Assert.Equal(
            (
                "SRE needs 1 more eligible reviewer, and 1 more step can't be filled",
                "Add 1 person to the group SRE; Add 1 person to the group Security"
            ),
            Of(OneAndOne, [], [])
        );
    }

    /// <summary>Many people in one step are of no use to another.</summary>
    [Fact]
    public void Every_step_needs_people_of_its_own() =>
        Assert.Equal(
            ("security needs 1 more eligible reviewer", "Add 1 person to the group Security"),
            Of(OneAndOne, [Ann, Ben, Cleo, Dan], [])
        );

    [Fact]
    public void Who_is_back_first_is_named_and_so_are_all_who_are_missing()
    {
        PoolMember[] away = [Ann with { AwayUntil = Back.AddDays(3) }, Ben with { AwayUntil = Back }];
        Assert.Equal(
            (
                "SRE needs 2 more eligible reviewers (Ann is out of office and Ben is out of office)",
                "Add 2 people to the group SRE, or wait for Ben, who is back on 2026-05-06"
            ),
            Of(TwoOfSre, away, [])
        );
        var three = Some.Policy(
            Some.Step("one", 1, new Approver(Party.Group(1), "SRE")),
            Some.Step("two", 1, new Approver(Party.Group(1), "SRE")),
            Some.Step("three", 1, new Approver(Party.Group(1), "SRE"))
        );
        Assert.Equal(
            "two needs 1 more eligible reviewer in addition to those in one, and 1 more step can't be filled",
            Of(three, [Ann], [])?.Why
        );
        Assert.Equal("one needs 1 more eligible reviewer, and 2 more steps can't be filled", Of(three, [], [])?.Why);
    }

    [Fact]
    public void Who_asks_is_disabled_or_away_counts_only_where_the_policy_or_a_delegate_lets_them()
    {
        Assert.Equal(
            ("SRE needs 1 more eligible reviewer (Ann can't approve this)", "Add 1 person to the group SRE"),
            Of(TwoOfSre, [Ann, Ben], [], barred: [Ann.Id])
        );
        Assert.Null(Of(TwoOfSre with { AllowsSelfApproval = true }, [Ann, Ben], [], barred: [Ann.Id]));
        Assert.Equal(
            ("SRE needs 1 more eligible reviewer (Ann is disabled)", "Add 1 person to the group SRE"),
            Of(TwoOfSre, [Ann with { IsDisabled = true }, Ben], [])
        );
        var away = Ann with { AwayUntil = Back };
        Assert.Equal(
            (
                "SRE needs 1 more eligible reviewer (Ann is out of office)",
                "Add 1 person to the group SRE, or wait for Ann, who is back on 2026-05-06"
            ),
            Of(TwoOfSre, [away, Ben], [])
        );
        Assert.Null(Of(TwoOfSre, [away with { DelegateId = Cleo.Id }, Ben], [], others: [Cleo]));
        // A delegate who is a reviewer themselves has one seat.
        Assert.NotNull(Of(TwoOfSre, [away with { DelegateId = Ben.Id }, Ben], []));
        Assert.NotNull(Of(TwoOfSre, [away with { DelegateId = Cleo.Id }, Ben], [], barred: [Cleo.Id], others: [Cleo]));
    }

    [Fact]
    public void Answers_that_were_given_keep_their_seats_and_others_lose_them()
    {
        RecordedDecision approved = new(Ann.Id, [0]),
            abstained = new(Ann.Id, null);
        Assert.Null(Of(TwoOfSre, [Ben], [], said: [approved], others: [Ann]));
        Assert.Equal(
            ("SRE needs 1 more eligible reviewer (Ann hasn't approved)", "Add 1 person to the group SRE"),
            Of(TwoOfSre, [Ann, Ben], [], said: [abstained])
        );
        // An approval holds the steps it was given for, even if the groups are other ones now.
        Assert.Null(Of(OneAndOne, [Ann, Ben], [], said: [new(Ann.Id, [1])]));
        Assert.NotNull(Of(OneAndOne, [Ann], [Ann, Ben], said: [new(Ann.Id, [1]), new(Ben.Id, [1])]));
        // Who answered for another has taken the other's seat.
        Assert.NotNull(
            Of(TwoOfSre, [Ann with { AwayUntil = Back }], [], said: [new(Cleo.Id, [0], Ann.Id)], others: [Cleo])
        );
        Assert.Null(Of(TwoOfSre, [Ann, Ben], [], said: [new(Cleo.Id, [0], Ann.Id)], others: [Cleo]));
    }

    [Fact]
    public void A_seat_that_was_given_to_another_is_theirs()
    {
        Delegation given = new(Ann.Id, Cleo.Id);
        Assert.Null(Of(TwoOfSre, [Ann, Ben], [], delegations: [given], others: [Cleo]));
        Assert.NotNull(Of(TwoOfSre, [Ann, Ben], [], delegations: [new(Ann.Id, Ben.Id)], others: [Cleo]));
        // The seat of one who can't take it stays with its holder.
        var disabled = Cleo with
        {
            IsDisabled = true,
        };
        Assert.Null(Of(TwoOfSre, [Ann, Ben], [], delegations: [given], others: [disabled]));
    }

    [Fact]
    public void Where_nobody_is_asked_nothing_is_blocked_but_a_policy_without_steps_is()
    {
        Assert.Null(Of(Some.Policy((Step[])[]) with { Destination = "Desk" }, [], []));
        Assert.Null(Of(TwoOfSre with { Auto = new AutoAnswer(true, "") }, [], []));
        Assert.Equal("The policy names no reviewers", Of(Some.Policy((Step[])[]), [Ann], [])?.Why);
    }

    [Fact]
    public void What_would_free_it_fits_the_step()
    {
        var admins = Some.Policy(Some.Step("admins", 2, new Approver(Party.Admins, "an admin")));
        Assert.Equal("Make 2 people an admin", Of(admins, [], [])?.Fix);
        var named = Some.Policy(Some.Step("owner", 1, new Approver(Party.Person(1), "Ann")));
        Assert.Equal(
            "Name 1 more person in step owner of the policy, then apply it to active requests",
            Of(named, [], [])?.Fix
        );
        Assert.Equal(
            "Name 2 more people in step owner of the policy, then apply it to active requests",
            Of(Some.Policy(Some.Step("owner", 2, new Approver(Party.Person(1), "Ann"))), [], [])?.Fix
        );
        var unknown = Some.Policy(Some.Step("ops", 1) with { Unknown = ["the group Ops"] });
        Assert.Equal("Create the group Ops, then apply the policies to active requests", Of(unknown, [], [])?.Fix);
    }

    /// <summary>On the whole: what the scales can ever be brought to, beside what is said about it.</summary>
    [Fact]
    public void It_agrees_with_everybody_saying_yes()
    {
        for (var seed = 0; seed < 3000; seed++)
        {
            var random = Seeded.Random(seed);
            var everyone = Enumerable.Range(1, 6).Select(id => (long)id).ToList();
            var pools = new Pools(
                everyone.ToDictionary(id => id, id => new PoolMember(id, $"P{id}", IsDisabled: random.Next(5) == 0)),
                new Dictionary<string, IReadOnlyList<long>>()
            );
            var policy = new Policy(
                "generated",
                [
                    .. Enumerable
                        .Range(0, random.Next(1, 4))
                        .Select(s => new Step(
                            $"step {s}",
                            random.Next(1, 3),
                            [
                                .. everyone
                                    .Where(_ => random.Next(2) == 0)
                                    .Select(id => new Approver(Party.Person(id), $"P{id}")),
                            ]
                        )),
                ]
            );
            long[] barred = random.Next(3) == 0 ? [random.Next(1, 7)] : [];
            var request = Council.RequestOf(policy, barred);
            var yes = everyone
                .Where(id => !pools.Find(id)!.IsDisabled)
                .Select((id, i) => Council.DecisionOf(request, i + 1, id, $"P{id}", Answer.Approve))
                .ToList();
            var canPass = Weigh.Of(request, yes, Council.Start) is Verdict.Approved;
            Assert.True(canPass == Feasibility.Of(policy, pools, barred) is null, $"With seed {seed}");
            // One eligible approver more never makes a request that can pass one that cannot.
            if (canPass)
            {
                var step = random.Next(policy.Steps.Count);
                var more = policy with
                {
                    Steps =
                    [
                        .. policy.Steps.Select(
                            (s, i) =>
                                i == step
                                    ? s with
                                    {
                                        From = [.. s.From, new Approver(Party.Person(random.Next(1, 7)), "more")],
                                    }
                                    : s
                        ),
                    ],
                };
                Assert.Null(Feasibility.Of(more, pools, barred));
            }
        }
    }

    private static readonly PoolMember Ann = new(1, "Ann"),
        Ben = new(2, "Ben"),
        Cleo = new(3, "Cleo"),
        Dan = new(4, "Dan");

    private static (string Why, string Fix)? Of(
        Policy policy,
        PoolMember[] sre,
        PoolMember[] security,
        IReadOnlyList<long>? barred = null,
        IReadOnlyList<RecordedDecision>? said = null,
        IReadOnlyList<Delegation>? delegations = null,
        PoolMember[]? others = null
    )
    {
        var pools = new Pools(
            sre.Concat(security).Concat(others ?? []).DistinctBy(p => p.Id).ToDictionary(p => p.Id),
            new Dictionary<string, IReadOnlyList<long>>
            {
                [Party.Group(1).Text] = [.. sre.Select(p => p.Id)],
                [Party.Group(2).Text] = [.. security.Select(p => p.Id)],
            }
        );
        return Feasibility.Of(policy, pools, barred ?? [], said, delegations) is { } blocked
            ? (blocked.Why, blocked.Fix)
            : null;
    }
}
