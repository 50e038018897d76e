using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>What the terms of a policy do on the scales.</summary>
public sealed class TermsStories
{
    /// <summary>The pool is everyone named; each line is an answer and what the request says then.</summary>
    public static TheoryData<string, string, string[]> NoSingleNo =>
        new()
        {
            {
                "One of three may say no where two are enough",
                "SRE 2: Ann Ben Cleo",
                [
                    "Ann rejects → 0 of 2 approvals, waiting for SRE",
                    "Ben approves → 1 of 2 approvals, waiting for SRE",
                    "Cleo approves → Approved by Ben and Cleo",
                ]
            },
            {
                "The second no leaves too few",
                "SRE 2: Ann Ben Cleo",
                [
                    "Ann rejects → 0 of 2 approvals, waiting for SRE",
                    "Ben rejects → Declined by Ann and Ben: too few others could approve",
                ]
            },
            {
                "A no taken back is none",
                "SRE 2: Ann Ben Cleo",
                [
                    "Ann rejects → …",
                    "Ann abstains → 0 of 2 approvals, waiting for SRE",
                    "Ben rejects → 0 of 2 approvals, waiting for SRE",
                ]
            },
            {
                "Abstaining settles nothing, whoever is left",
                "SRE 2: Ann Ben Cleo",
                ["Ann abstains → …", "Ben abstains → …", "Cleo abstains → 0 of 2 approvals, waiting for SRE"]
            },
            {
                "Who was needed in two steps leaves one of them empty",
                "Devs 1: Ann, Security 1: Ann Dan",
                ["Dan rejects → Declined by Dan: too few others could approve"]
            },
            {
                "It could not pass before, so a no is not what keeps it from passing",
                "SRE 3: Ann Ben",
                ["Ann rejects → 0 of 3 approvals, waiting for SRE"]
            },
        };

    [Theory, MemberData(nameof(NoSingleNo))]
    public void Where_no_single_no_settles_it(string title, string policy, string[] course)
    {
        var council = new Council(policy);
        council.Request = council.Request with { Policy = council.Request.Policy with { Rejection = Rejection.Never } };
        foreach (var line in course)
        {
            council.Hear(line.Split(" → ")[0]);
            var verdict = council.Weigh(everyone: true);
            Assert.True(
                line.Split(" → ")[1] is var expected && (expected == "…" || expected == verdict.Display),
                $"{title}: {line}, but: {verdict}"
            );
            Assert.Equal(line.Contains("Declined", StringComparison.Ordinal), verdict is Verdict.Rejected);
        }
        // Without knowing who could still say yes, no no settles it.
        Assert.IsNotType<Verdict.Rejected>(council.Weigh());
    }

    [Fact]
    public void Whoever_asks_answers_where_the_policy_lets_them()
    {
        var council = new Council("SRE 1: Rita", "Rita");
        council.Hear("Rita approves");
        Assert.IsType<Verdict.StillPending>(council.Weigh());
        council.Request = council.Request with { Policy = council.Request.Policy with { AllowsSelfApproval = true } };
        Assert.Equal("Approved by Rita", council.Weigh().Display);
    }

    [Fact]
    public void A_policy_that_answers_in_words_needs_nobody()
    {
        var request = Council.RequestOf(
            new Policy("test environments", []) { Auto = new AutoAnswer(true, "no customer sees it") }
        );
        Assert.Equal(
            new Verdict.Approved([], "no customer sees it").Display,
            Weigh.Of(request, [], Council.Start).Display
        );
        Assert.IsType<Verdict.Approved>(Weigh.Of(request, [], Council.Start));
        request = request with { Policy = request.Policy with { Auto = new AutoAnswer(false, "the year is closing") } };
        Assert.Equal(
            "Declined by policy: the year is closing",
            Assert.IsType<Verdict.Rejected>(Weigh.Of(request, [], Council.Start)).Display
        );
    }

    [Fact]
    public void A_destination_decides_and_nobody_here_does()
    {
        var request = Council.RequestOf(new Policy("by the board", []) { Destination = "servicenow-prod" });
        Assert.Equal(
            "Waiting for servicenow-prod",
            Assert.IsType<Verdict.StillPending>(Weigh.Of(request, [], Council.Start)).Display
        );
        Assert.IsType<Verdict.StillPending>(
            Weigh.Of(request, [Council.DecisionOf(request, 1, 7, "Ann", Answer.Approve)], Council.Start)
        );
    }

    [Fact]
    public void An_expiry_says_no_or_takes_the_question_back_as_the_policy_has_it()
    {
        var council = new Council("SRE 1: Ann") { Now = Council.Start.AddHours(72) };
        council.Request = council.Request with
        {
            ExpiresAt = Council.Start.AddHours(72),
            Policy = council.Request.Policy with { Expire = new Expiry(TimeSpan.FromHours(72)) },
        };
        Assert.Equal("Expired after 72 h", Assert.IsType<Verdict.Rejected>(council.Weigh()).Display);
        council.Request = council.Request with
        {
            Policy = council.Request.Policy with { Expire = new Expiry(TimeSpan.FromHours(72), AsWithdrawn: true) },
        };
        Assert.Equal("Expired after 72 h", Assert.IsType<Verdict.Withdrawn>(council.Weigh()).Display);
        council.Now = Council.Start;
        Assert.IsType<Verdict.StillPending>(council.Weigh());
    }

    [Fact]
    public void What_was_said_under_an_earlier_policy_fills_what_it_was_carried_to_and_nothing_else()
    {
        var council = new Council("SRE 1: Ann Ben, Security 1: Ann Dan");
        council.Hear("Ann approves");
        council.Hear("Dan approves");
        council.Request = council.Request with
        {
            Policy = council.Request.Policy with
            {
                Carried = new Carried(2, new Dictionary<int, IReadOnlyList<int>> { [1] = [1], [2] = [] }),
            },
        };
        Assert.Equal("0 of 2 approvals, waiting for SRE", council.Weigh().Display);
        council.Hear("Ben approves");
        Assert.Equal("Approved by Ann and Ben", council.Weigh().Display);
    }

    [Fact]
    public void A_stand_in_speaks_for_the_absent_until_they_speak_themselves()
    {
        var council = new Council("SRE 1: Ann, Security 1: Dan");
        council.Add("Ben", Answer.Approve, forName: "Ann");
        Assert.Equal("1 of 2 approvals, waiting for Security", council.Weigh().Display);
        council.Hear("Dan approves");
        Assert.Equal("Approved by Ben for Ann and Dan", council.Weigh().Display);
        council.Hear("Ann abstains");
        Assert.Equal("0 of 2 approvals, waiting for SRE", council.Weigh().Display);
    }

    [Fact]
    public void Two_who_stood_in_for_the_same_person_fill_one_seat()
    {
        var council = new Council("SRE 2: Ann Cleo");
        council.Add("Ben", Answer.Approve, forName: "Ann");
        council.Add("Eve", Answer.Approve, forName: "Ann");
        Assert.Equal("1 of 2 approvals, waiting for SRE", council.Weigh().Display);
        council.Hear("Cleo approves");
        Assert.Equal("Approved by Eve for Ann and Cleo", council.Weigh().Display);
    }

    [Fact]
    public void Nobody_stands_in_for_whoever_asks()
    {
        var council = new Council("SRE 1: Ann Rita", "Rita");
        council.Add("Ben", Answer.Approve, forName: "Rita");
        Assert.Equal("0 of 1 approval, waiting for SRE", council.Weigh().Display);
    }

    [Fact]
    public void What_cannot_pass_says_so()
    {
        var council = new Council("SRE 2: Ann");
        council.Request = council.Request with
        {
            Stuck = new Blocked("SRE needs 2 people and has 1", "Add 1 person to SRE"),
        };
        Assert.Equal(
            "0 of 2 approvals, waiting for SRE. Blocked: SRE needs 2 people and has 1. Add 1 person to SRE",
            council.Weigh().Display
        );
    }
}
