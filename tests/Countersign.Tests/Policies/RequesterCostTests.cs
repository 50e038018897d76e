using Countersign.Policies;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// What it costs that a requester is not proven: a pure function of the policy, the certainty and the source.
/// </summary>
public sealed class RequesterCostTests
{
    private static readonly Approver Sre = new(Party.Group(1), "SRE"),
        Legal = new(Party.Group(2), "Legal");
    private static readonly Policy Two = new("two", [new Step("sre", 2, [Sre]), new Step("legal", 1, [Legal])]);

    [Theory]
    [InlineData(Certainty.Proven, UnknownRequester.Refuse, ClaimedRequester.OneMore, "2,1")]
    [InlineData(Certainty.Claimed, UnknownRequester.Refuse, ClaimedRequester.Accept, "2,1")]
    [InlineData(Certainty.Claimed, UnknownRequester.OneMore, ClaimedRequester.OneMore, "2,2 claimed")]
    [InlineData(Certainty.None, UnknownRequester.OneMore, ClaimedRequester.Accept, "2,2 unknown")]
    [InlineData(Certainty.None, UnknownRequester.OneMore, ClaimedRequester.OneMore, "2,2 unknown")]
    [InlineData(Certainty.None, UnknownRequester.Allow, ClaimedRequester.OneMore, "2,1")]
    [InlineData(Certainty.None, UnknownRequester.Refuse, ClaimedRequester.Accept, "2,1 unknown refused")]
    public void The_source_says_it_where_the_policy_does_not(
        Certainty certainty,
        UnknownRequester unknown,
        ClaimedRequester claimed,
        string expected
    )
    {
        var rules = new SourceRules(unknown, claimed);
        Assert.Equal(expected, Shown(RequesterCost.Of(Two, certainty, rules)));
        // The policy's word stands before the source's, which here says the opposite.
        var opposite = new SourceRules(
            unknown == UnknownRequester.OneMore ? UnknownRequester.Allow : UnknownRequester.OneMore,
            claimed == ClaimedRequester.Accept ? ClaimedRequester.OneMore : ClaimedRequester.Accept
        );
        Assert.Equal(
            expected,
            Shown(
                RequesterCost.Of(
                    Two with
                    {
                        UnknownRequester = unknown,
                        ClaimedRequester = claimed,
                    },
                    certainty,
                    opposite
                )
            )
        );
    }

    [Fact]
    public void Nothing_said_is_one_more_for_the_unknown_and_nothing_for_the_claimed()
    {
        Assert.Equal("2,2 unknown", Shown(RequesterCost.Of(Two, Certainty.None, default)));
        Assert.Same(Two, RequesterCost.Of(Two, Certainty.Claimed, default));
        Assert.Same(Two, RequesterCost.Of(Two, Certainty.Proven, default));
    }

    [Fact]
    public void A_step_of_all_is_never_raised()
    {
        var all = new Policy("all", [new Step("legal", 1, [Legal]), new Step("sre", 3, [Sre]) { All = true }]);
        Assert.Equal("2,3 unknown", Shown(RequesterCost.Of(all, Certainty.None, default)));
        var onlyAll = new Policy("all", [new Step("sre", 3, [Sre]) { All = true }]);
        var raised = RequesterCost.Of(onlyAll, Certainty.None, default);
        Assert.Equal("3,1 unknown", Shown(raised));
        Assert.Equal([new Approver(Party.Admins, "an admin")], raised.Steps[1].From);
    }

    [Fact]
    public void What_asks_nobody_here_or_trusts_the_requester_is_not_raised_but_may_be_refused()
    {
        var refuse = new SourceRules(UnknownRequester.Refuse, ClaimedRequester.Accept);
        foreach (
            var policy in new[]
            {
                Two with
                {
                    AllowsSelfApproval = true,
                },
                new Policy("auto", []) { Auto = new AutoAnswer(true, "no customer sees it") },
                new Policy("elsewhere", []) { Destination = "Jira" },
            }
        )
        {
            Assert.False(RequesterCost.Of(policy, Certainty.None, default).RequesterUnknown);
            Assert.True(RequesterCost.Of(policy, Certainty.None, refuse).RefusesRequester);
            Assert.False(
                RequesterCost
                    .Of(policy with { UnknownRequester = UnknownRequester.Allow }, Certainty.None, refuse)
                    .RefusesRequester
            );
        }
    }

    [Theory]
    [InlineData(UnknownRequester.OneMore, ClaimedRequester.Accept, "2,2 unknown")]
    [InlineData(UnknownRequester.OneMore, ClaimedRequester.OneMore, "2,2 unknown")]
    [InlineData(UnknownRequester.Allow, ClaimedRequester.Accept, "2,1")]
    [InlineData(UnknownRequester.Allow, ClaimedRequester.OneMore, "2,2 claimed")]
    [InlineData(UnknownRequester.Refuse, ClaimedRequester.Accept, "2,1 unknown refused")]
    public void A_stamped_policy_says_what_it_costs_to_be_disowned_later(
        UnknownRequester unknown,
        ClaimedRequester claimed,
        string expected
    )
    {
        var stamped = RequesterCost.Of(Two, Certainty.Claimed, new SourceRules(unknown, claimed));
        var read = Policy.Read(stamped.Stamp, stamped.ToText());
        Assert.Equal(expected, Shown(RequesterCost.Disowned(read)));
        Assert.Equal(RequesterCost.Disowned(stamped).Stamp, RequesterCost.Disowned(RequesterCost.Disowned(read)).Stamp);
    }

    [Fact]
    public void What_says_nothing_new_is_stamped_as_before() =>
        Assert.Equal(
            Two.ToText(),
            (
                Two with
                {
                    UnknownRequester = UnknownRequester.OneMore,
                    ClaimedRequester = ClaimedRequester.Accept,
                }
            ).ToText()
        );

    private static string Shown(Policy policy) =>
        string.Join(',', policy.Steps.Select(s => s.Need))
        + (policy.RequesterUnknown ? " unknown" : "")
        + (policy.RequesterClaimed ? " claimed" : "")
        + (policy.RefusesRequester ? " refused" : "");
}
