using Countersign.Policies;
using Xunit;

namespace Countersign.Tests;

public sealed class StampTests
{
    private static readonly Approver Ann = new(Party.Person(1), "Ann");
    private static readonly Approver Sre = new(Party.Group(2), "SRE");

    [Fact]
    public void What_was_stamped_before_policies_had_terms_keeps_its_text()
    {
        var policy = new Policy("source", [new Step("SRE", 2, [Sre])]);
        Assert.Equal(
            """{"name":"source","requesterUnknown":false,"steps":"""
                + """[{"name":"SRE","need":2,"from":[{"party":"group:2","name":"SRE"}]}]}""",
            policy.ToText()
        );
    }

    [Fact]
    public void Every_term_comes_back_as_it_was_stamped()
    {
        var full = new Policy(
            "full",
            [new Step("SRE", 2, [Sre]) { Unknown = ["group ghosts"] }, new Step("Ann", 1, [Ann]) { Escalated = true }]
        )
        {
            RequesterUnknown = true,
            AllowsSelfApproval = true,
            Rejection = Rejection.Never,
            NoteRequired = ["reject"],
            Remind = new Reminders(TimeSpan.FromHours(1), TimeSpan.FromHours(4)),
            Escalate = new Escalation(TimeSpan.FromHours(24), [Ann]),
            Expire = new Expiry(TimeSpan.FromHours(72), AsWithdrawn: true),
            AllowsMailDecisions = true,
            ForbidsBreakGlass = true,
            Auto = new AutoAnswer(true, "no customer sees it"),
            Destination = "servicenow",
            Carried = new Carried(3, new Dictionary<int, IReadOnlyList<int>> { [1] = [0], [3] = [0, 1] }),
        };
        var read = Policy.Read(full.Stamp, full.ToText());
        Assert.NotSame(full, read);
        Assert.Equal(full.ToText(), (read with { Name = full.Name }).ToText());
        Assert.Equal(full.Stamp, read.Stamp);
        Assert.Equal([0, 1], read.Carried!.Steps[3]);
    }

    [Fact]
    public void A_policy_that_was_changed_after_it_was_stamped_has_another_stamp()
    {
        var policy = new Policy("source", [new Step("SRE", 1, [Sre])]);
        var stamp = policy.Stamp;
        var stricter = policy with { Steps = [new Step("SRE", 2, [Sre])] };
        Assert.NotEqual(stamp, stricter.Stamp);
        Assert.Contains("\"need\":2", stricter.ToText(), StringComparison.Ordinal);
        Assert.Contains(
            "\"need\":2",
            PolicySelection.For(null, null, policy, Certainty.None).ToText(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Escalation_adds_those_it_names_to_one_step_and_nobody_twice()
    {
        var policy = new Policy("p", [new Step("SRE", 1, [Sre]), new Step("Ann", 1, [Ann])])
        {
            Escalate = new Escalation(TimeSpan.FromHours(1), [Ann, Sre]),
        };
        var escalated = policy.WithEscalated(0);
        Assert.Equal([Sre, Ann], escalated.Steps[0].From);
        Assert.True(escalated.Steps[0].Escalated);
        Assert.Equal(policy.Steps[1], escalated.Steps[1]);
    }
}
