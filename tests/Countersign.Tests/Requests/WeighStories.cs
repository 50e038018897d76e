using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// The laws of the scales as stories. Each tells the policy, who asks, and what the request says after every answer:
/// <c>"Ann approves → 1 of 2 approvals, waiting for SRE"</c>; <c>…</c> stands for no change that this story is about.
/// </summary>
public sealed class WeighStories
{
    public static TheoryData<string, string, string?, string[]> Stories =>
        new()
        {
            { "One yes where one is needed", "SRE 1: Ann Ben", null, ["Ann approves → Approved by Ann"] },
            {
                "Two are needed, and the second makes it so",
                "SRE 2: Ann Ben Cleo",
                null,
                ["Ann approves → 1 of 2 approvals, waiting for SRE", "Cleo approves → Approved by Ann and Cleo"]
            },
            {
                "Whoever says yes three times has said it once",
                "SRE 2: Ann Ben",
                null,
                [
                    "Ann approves → 1 of 2 approvals, waiting for SRE",
                    "Ann approves → 1 of 2 approvals, waiting for SRE",
                    "Ann approves → 1 of 2 approvals, waiting for SRE",
                    "Ben approves → Approved by Ann and Ben",
                ]
            },
            {
                "One no is enough, whatever was said before",
                "SRE 3: Ann Ben Cleo",
                null,
                [
                    "Ann approves → …",
                    "Ben approves → 2 of 3 approvals, waiting for SRE",
                    "Cleo rejects → Declined by Cleo",
                ]
            },
            {
                "A change of mind before the end counts, and only the last",
                "SRE 2: Ann Ben",
                null,
                [
                    "Ann approves → 1 of 2 approvals, waiting for SRE",
                    "Ann abstains → 0 of 2 approvals, waiting for SRE",
                    "Ben approves → 1 of 2 approvals, waiting for SRE",
                    "Ann approves → Approved by Ben and Ann",
                ]
            },
            {
                "Nobody but abstainers settles nothing",
                "SRE 1: Ann Ben",
                null,
                ["Ann abstains → 0 of 1 approval, waiting for SRE", "Ben abstains → 0 of 1 approval, waiting for SRE"]
            },
            {
                "Rita asks, so Rita's yes and Rita's no are nothing",
                "SRE 1: Ann Rita",
                "Rita",
                [
                    "Rita approves → 0 of 1 approval, waiting for SRE",
                    "Rita rejects → 0 of 1 approval, waiting for SRE",
                    "Ann approves → Approved by Ann",
                ]
            },
            {
                "Steps open in order",
                "Devs 1: Ann Ben, Security 1: Dan",
                null,
                ["Ann approves → 1 of 2 approvals, waiting for Security", "Dan approves → Approved by Ann and Dan"]
            },
            {
                "One person in two pools fills one slot",
                "Devs 1: Ann, Security 1: Ann Dan",
                null,
                [
                    "Ann approves → 1 of 2 approvals, waiting for Security",
                    "Ann approves → 1 of 2 approvals, waiting for Security",
                    "Dan approves → Approved by Ann and Dan",
                ]
            },
            {
                "Ann, who could do either, moves up when only Ben can do the first",
                "Devs 1: Ann Ben, Security 1: Ann",
                null,
                ["Ann approves → 1 of 2 approvals, waiting for Security", "Ben approves → Approved by Ann and Ben"]
            },
            {
                "A chain of three makes room for the fourth",
                "A 1: Ann Ben, B 1: Ben Cleo, C 1: Cleo Dan, D 1: Dan",
                null,
                [
                    "Ben approves → 1 of 4 approvals, waiting for B",
                    "Cleo approves → 2 of 4 approvals, waiting for C",
                    "Dan approves → 3 of 4 approvals, waiting for D",
                    "Ann approves → Approved by Ben, Cleo and 2 more",
                ]
            },
            {
                "Who is disabled before the end no longer counts",
                "SRE 2: Ann Ben Cleo",
                null,
                [
                    "Ann approves → 1 of 2 approvals, waiting for SRE",
                    "Ann is disabled → 0 of 2 approvals, waiting for SRE",
                    "Ben approves → 1 of 2 approvals, waiting for SRE",
                    "Cleo approves → Approved by Ben and Cleo",
                ]
            },
            {
                "Who was disabled and is back answers anew",
                "SRE 1: Ann Ben, Security 1: Dan",
                null,
                [
                    "Ann approves → 1 of 2 approvals, waiting for Security",
                    "Ann is disabled → 0 of 2 approvals, waiting for SRE",
                    "Ann approves → 1 of 2 approvals, waiting for Security",
                ]
            },
            {
                "A disabled person's place goes to one who waited without",
                "A 1: Ann Ben, B 1: Cleo",
                null,
                [
                    "Ann approves → …",
                    "Ben approves → 1 of 2 approvals, waiting for B",
                    "Ann is disabled → 1 of 2 approvals, waiting for B",
                    "Cleo approves → Approved by Ben and Cleo",
                ]
            },
        };

    [Theory, MemberData(nameof(Stories))]
    public void Story(string title, string policy, string? requester, string[] course)
    {
        var council = new Council(policy, requester);
        foreach (var line in course)
        {
            var (heard, expected) = (line.Split(" → ")[0], line.Split(" → ")[1]);
            council.Hear(heard);
            if (expected == "…")
                continue;
            var verdict = council.Weigh();
            Assert.True(
                expected == verdict.Display,
                $"{title}: after \"{heard}\" expected \"{expected}\", but: {verdict}"
            );
            Assert.Equal(
                expected.Split(' ')[0] switch
                {
                    "Approved" => typeof(Verdict.Approved),
                    "Declined" => typeof(Verdict.Rejected),
                    _ => typeof(Verdict.StillPending),
                },
                verdict.GetType()
            );
        }
    }

    [Fact]
    public void A_policy_without_steps_or_slots_approves_nothing()
    {
        foreach (
            var policy in new[]
            {
                Some.Policy((Policies.Step[])[]),
                Some.Policy(Some.Step("nobody", 0)),
                Some.Policy(Some.Step("nobody", 1)),
            }
        )
        {
            var request = Council.RequestOf(policy);
            Assert.IsType<Verdict.StillPending>(Weigh.Of(request, [], Council.Start));
            Assert.IsType<Verdict.StillPending>(
                Weigh.Of(request, [Council.DecisionOf(request, 1, 7, "Ann", Answer.Approve)], Council.Start)
            );
        }
    }

    [Fact]
    public void An_answer_to_an_earlier_revision_is_no_answer_to_this_one()
    {
        var council = new Council("SRE 1: Ann Ben");
        council.Hear("Ann approves");
        council.Request = council.Request with { Revision = 2, Digest = "d2" };
        Assert.IsType<Verdict.StillPending>(council.Weigh());
        council.Hear("Ben approves");
        Assert.Equal("Approved by Ben", council.Weigh().Display);
    }

    [Fact]
    public void Nothing_expires_unless_the_policy_says_so()
    {
        var council = new Council("SRE 1: Ann Ben") { Now = DateTimeOffset.MaxValue };
        Assert.IsType<Verdict.StillPending>(council.Weigh());
        council.Request = council.Request with { ExpiresAt = Council.Start.AddHours(72) };
        Assert.Equal("Expired after 72 h", council.Weigh().Display);
        council.Now = Council.Start.AddHours(72).AddMilliseconds(-1);
        Assert.IsType<Verdict.StillPending>(council.Weigh());
    }

    [Fact]
    public void What_was_approved_in_time_stays_so_and_what_came_too_late_does_not_count()
    {
        var council = new Council("SRE 2: Ann Ben");
        council.Hear("Ann approves");
        council.Hear("Ben approves");
        council.Request = council.Request with { ExpiresAt = Council.Start.AddHours(1) };
        council.Now = Council.Start.AddHours(2);
        Assert.IsType<Verdict.Approved>(council.Weigh());
        List<Decision> late = [council.Decisions[0], council.Decisions[1] with { At = Council.Start.AddHours(1) }];
        Assert.Equal("Expired after 1 h", Weigh.Of(council.Request, late, council.Now).Display);
    }

    [Fact]
    public void The_law_of_states_allows_four_moves_and_no_other()
    {
        foreach (var from in Enum.GetValues<Status>())
        {
            foreach (var to in Enum.GetValues<Status>())
            {
                foreach (var applied in new[] { false, true })
                {
                    var request = Council.RequestOf(new Policies.Policy("none", [])) with
                    {
                        Status = from,
                        AppliedAt = applied ? Council.Start : null,
                    };
                    var allowed = (from, to) switch
                    {
                        (Status.Active, Status.Approved or Status.Rejected or Status.Withdrawn) => true,
                        (Status.Approved, Status.Withdrawn) => !applied,
                        _ => false,
                    };
                    Assert.Equal(allowed, request.MayBecome(to));
                }
            }
        }
    }
}
