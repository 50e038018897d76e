using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>What decides a request beside the approvals of its reviewers, without a store.</summary>
public sealed class WeighRulesTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_policy_answers_by_itself_but_not_while_LaunchDarkly_is_asked(bool approves)
    {
        var council = new Council("SRE 1: Ann");
        With(council, p => p with { Auto = new AutoAnswer(approves, "Always so") });
        var verdict = council.Weigh();
        if (approves)
        {
            Assert.Equal(
                ("Approved by policy: Always so", 0),
                (verdict.Display, Assert.IsType<Verdict.Approved>(verdict).By.Count)
            );
        }
        else
        {
            Assert.Equal("Declined by policy: Always so", Assert.IsType<Verdict.Rejected>(verdict).Display);
        }
        council.Request = council.Request with { OpenCheck = OpenCheck.Change };
        Assert.IsType<Verdict.StillPending>(council.Weigh());
    }

    [Fact]
    public void A_requester_who_isnt_recognized_is_refused_where_the_policy_says_so_once_LaunchDarkly_was_asked()
    {
        var council = new Council("SRE 1: Ann");
        council.Hear("Ann approves");
        With(council, p => p with { RequesterUnknown = true, UnknownRequester = UnknownRequester.Refuse });
        Assert.Equal("Requester not recognized", Assert.IsType<Verdict.Rejected>(council.Weigh()).Display);
        council.Request = council.Request with { OpenCheck = OpenCheck.Requester };
        Assert.IsType<Verdict.StillPending>(council.Weigh());
    }

    [Fact]
    public void Enough_approvals_wait_for_LaunchDarkly()
    {
        var council = new Council("SRE 1: Ann");
        council.Request = council.Request with { OpenCheck = OpenCheck.Comparison };
        Assert.Equal("0 of 1 approval, waiting for SRE, confirming with LaunchDarkly", council.Weigh().Display);
        council.Hear("Ann approves");
        var pending = Assert.IsType<Verdict.StillPending>(council.Weigh());
        Assert.Equal((1, Verdict.StillPending.Confirming), (pending.OpenStep, pending.Display));
        council.Request = council.Request with { OpenCheck = OpenCheck.None };
        Assert.IsType<Verdict.Approved>(council.Weigh());
    }

    [Fact]
    public void Approvals_given_under_an_earlier_policy_fill_the_steps_that_were_kept_and_no_others()
    {
        var council = new Council("SRE 1: Ann Ben, Security 1: Ann Ben");
        council.Hear("Ann approves");
        council.Hear("Ben approves");
        Assert.IsType<Verdict.Approved>(council.Weigh());
        Carry(council, 1, new() { [1] = [] });
        Assert.StartsWith("1 of 2 approvals", Pending(council).Display, Ordinal);
        // None is kept for the second, which is the last one that was given earlier.
        Carry(council, 2, new() { [1] = [0] });
        Assert.StartsWith("1 of 2 approvals", Pending(council).Display, Ordinal);
        Carry(council, 2, new() { [1] = [0], [2] = [1] });
        Assert.IsType<Verdict.Approved>(council.Weigh());
        Carry(council, 2, new() { [1] = [0], [2] = [0] });
        Assert.Equal(1, Pending(council).OpenStep);
    }

    [Fact]
    public void One_seat_has_one_answer_of_whoever_was_there_last()
    {
        // Of two delegates of one reviewer the last one counts.
        var council = new Council("SRE 2: Ann Ben");
        council.Add("Cleo", Answer.Approve, "Ann");
        council.Add("Dan", Answer.Approve, "Ann");
        Assert.StartsWith("1 of 2 approvals", Pending(council).Display, Ordinal);
        council.Hear("Ben approves");
        Assert.Equal(["Ben", "Dan for Ann"], Approved(council).Order());

        // Who comes back and answers needs no delegate, whichever of the two came first.
        foreach (var isFirst in new[] { true, false })
        {
            council = new Council("SRE 2: Ann Ben");
            if (isFirst)
                council.Hear("Ann approves");
            council.Add("Cleo", Answer.Approve, "Ann");
            if (!isFirst)
                council.Hear("Ann approves");
            Assert.StartsWith("1 of 2 approvals", Pending(council).Display, Ordinal);
        }

        // Delegates of two reviewers are two.
        council = new Council("SRE 2: Ann Ben");
        council.Add("Cleo", Answer.Approve, "Ann");
        council.Add("Dan", Answer.Approve, "Ben");
        Assert.Equal(["Cleo for Ann", "Dan for Ben"], Approved(council).Order());
    }

    [Fact]
    public void Nobody_decides_for_a_requester()
    {
        var council = new Council("SRE 1: Ann Ben", requester: "Ann");
        council.Add("Cleo", Answer.Approve, "Ann");
        Assert.IsType<Verdict.StillPending>(council.Weigh());
        council.Add("Dan", Answer.Approve, "Ben");
        Assert.IsType<Verdict.Approved>(council.Weigh());
    }

    [Fact]
    public void Where_no_single_no_settles_it_too_few_others_do()
    {
        Council Two(string policy)
        {
            var made = new Council(policy);
            With(made, p => p with { Rejection = Rejection.Never });
            return made;
        }

        var council = Two("SRE 2: Ann Ben Cleo");
        council.Hear("Ann rejects");
        Assert.IsType<Verdict.StillPending>(council.Weigh(everyone: true));
        council.Hear("Ben rejects");
        Assert.IsType<Verdict.StillPending>(council.Weigh());
        Assert.Equal(
            "Declined by Ann and Ben: too few others could approve",
            Assert.IsType<Verdict.Rejected>(council.Weigh(everyone: true)).Display
        );

        // An approval that was given stays: one more is enough.
        council = Two("SRE 2: Ann Ben Cleo");
        council.Hear("Ann approves");
        council.Hear("Ben rejects");
        Assert.IsType<Verdict.StillPending>(council.Weigh(everyone: true));
        council.Hear("Cleo rejects");
        Assert.IsType<Verdict.Rejected>(council.Weigh(everyone: true));

        // The second step's people are counted for the second step.
        council = Two("SRE 1: Ann Ben, Security 1: Cleo Dan");
        council.Hear("Cleo rejects");
        Assert.IsType<Verdict.StillPending>(council.Weigh(everyone: true));
        council.Hear("Dan rejects");
        Assert.IsType<Verdict.Rejected>(council.Weigh(everyone: true));

        // It could not pass with those who said no either: that isn't their doing.
        council = Two("SRE 3: Ann Ben");
        council.Hear("Ann rejects");
        Assert.IsType<Verdict.StillPending>(council.Weigh(everyone: true));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_expires_at_its_time_as_the_policy_says(bool asWithdrawn)
    {
        foreach (var policy in new[] { "SRE 1: Ann", "none 0: Ann" })
        {
            var council = new Council(policy);
            With(council, p => p with { Expire = new Expiry(TimeSpan.FromHours(72), asWithdrawn) });
            council.Request = council.Request with { ExpiresAt = Council.Start.AddHours(90) };
            council.Now = Council.Start.AddHours(90).AddMilliseconds(-1);
            Assert.IsType<Verdict.StillPending>(council.Weigh());
            council.Now = Council.Start.AddHours(90);
            var verdict = council.Weigh();
            Assert.Equal("Expired after 72 h", verdict.Display);
            Assert.IsType(asWithdrawn ? typeof(Verdict.Withdrawn) : typeof(Verdict.Rejected), verdict);
        }
    }

    [Fact]
    public void Readers_see_who_sits_in_which_step()
    {
        var council = new Council("SRE 1: Ann Ben, Security 2: Ann Cleo Dan");
        foreach (var name in new[] { "Ann", "Ben", "Cleo" })
            council.Hear($"{name} approves");
        council.Hear("Dan rejects");
        var seats = Weigh.Seats(council.Request, council.Decisions);
        Assert.Equal(["Ben", "Ann Cleo"], seats.Select(s => string.Join(' ', s.Select(d => d.PersonName).Order())));
    }

    [Fact]
    public void What_it_waits_for_is_said_in_words()
    {
        var council = new Council("SRE 1: Ann");
        With(council, p => p with { RequesterUnknown = true });
        Assert.Equal("0 of 1 approval, waiting for SRE, requester not recognized", council.Weigh().Display);
        With(council, p => p with { RequesterUnknown = false, RequesterClaimed = true });
        Assert.Equal("0 of 1 approval, waiting for SRE, requester not confirmed", council.Weigh().Display);
        With(council, p => p with { RequesterClaimed = false });
        council.Request = council.Request with { Stuck = new Blocked("SRE is empty", "Add 1 person") };
        Assert.Equal("0 of 1 approval, waiting for SRE. Blocked: SRE is empty. Add 1 person", council.Weigh().Display);
        With(council, p => new Policy("elsewhere", []) { Destination = "Desk" });
        Assert.Equal("Waiting for Desk", council.Weigh().Display);
        With(council, p => new Policy("nobody", []));
        Assert.Equal("The policy names no reviewers", council.Weigh().Display);
    }

    private static void With(Council council, Func<Policy, Policy> change) =>
        council.Request = council.Request with { Policy = change(council.Request.Policy) };

    private static void Carry(Council council, int upTo, Dictionary<int, IReadOnlyList<int>> steps) =>
        With(council, p => p with { Carried = new Carried(upTo, steps) });

    private static Verdict.StillPending Pending(Council council) =>
        Assert.IsType<Verdict.StillPending>(council.Weigh());

    private static IReadOnlyList<string> Approved(Council council) =>
        Assert.IsType<Verdict.Approved>(council.Weigh()).By;
}
