using Countersign.Policies;
using Xunit;

namespace Countersign.Tests;

/// <summary>What a policy file may hold, and what its author hears about everything else.</summary>
public sealed class PolicyFileTests
{
    private const string Good = """
        version: 1
        policies:
          - name: production
            when:                       # all keys must match
              source: [ld-prod]
              project: [checkout, "payments-*"]
              environment: [production, "~"]
              tags: [pci]
              form.risk: [high]
            steps:
              - name: owners
                need: 1
                from: { groups: [payments-owners], people: [owner@example.com] }
              - name: operations
                need: all
                from: { groups: [operations] }
            self_approval: forbid
            rejection: never
            note_required: [reject]
            remind: { after: 1h, every: 4h }
            escalate: { after: 24h, to: { groups: [managers] } }
            expire: { after: 72h, as: rejected }
            mail_decisions: allow
            break_glass: forbid
          - name: test environments
            when: { environment: [test, "dev-*"] }
            auto: { answer: approve, because: "no customer sees it" }
          - name: by the change board
            when: { environment: core }
            destination: servicenow-prod
        """;

    [Fact]
    public void A_file_says_all_that_it_may_say()
    {
        var (file, problems) = PolicyFile.Read(Good);
        Assert.Empty(problems);
        var production = file!.Rules[0];
        Assert.Equal(("production", 3), (production.Name, production.Line));
        Assert.Equal(["production", "~"], production.When.Single(c => c.Key == "environment").AnyOf);
        Assert.Equal([1, null], production.Steps.Select(s => s.Need));
        Assert.Equal(
            (false, Rejection.Never, true, true),
            (
                production.AllowsSelfApproval,
                production.Rejection,
                production.AllowsMailDecisions,
                production.ForbidsBreakGlass
            )
        );
        Assert.Equal(
            (TimeSpan.FromHours(1), TimeSpan.FromHours(4)),
            (production.Remind!.After, production.Remind.Every!.Value)
        );
        Assert.Equal(new Expiry(TimeSpan.FromHours(72)), production.Expire);
        Assert.Equal(new AutoAnswer(true, "no customer sees it"), file.Rules[1].Auto);
        Assert.Equal(["core"], file.Rules[2].When[0].AnyOf);
        Assert.Equal("servicenow-prod", file.Rules[2].Destination);
    }

    /// <summary>
    /// A line is put in the place of one of the good file; expected are the line, the column and the rule.
    /// </summary>
    public static TheoryData<string, string, string> Mistakes =>
        new()
        {
            { "version: 1 → version: 2", "1:10 value", "version: 1" },
            { "version: 1 → versions: 1", "1:1 unknown-key", "Did you mean version?" },
            { "name: production → nam: production", "3:5 unknown-key", "Did you mean name?" },
            { "environment: [test, \"dev-*\"] → enviroment: [test]", "26:13 unknown-key", "Did you mean environment?" },
            { "environment: core → environment: ~", "29:26 value", "\"~\"" },
            { "environment: core → environment: []", "29:26 value", "remove the key" },
            { "need: 1 → need: none", "12:15 value", "or: all" },
            { "need: 1 → need: 0", "12:15 value", "from 1 to 1000" },
            { "people: [owner@example.com] → people: [Owner]", "13:53 value", "ann@example.com" },
            { "self_approval: forbid → self_approval: yes", "17:20 value", "forbid or allow" },
            { "note_required: [reject] → note_required: [maybe]", "19:21 value", "approve, reject, abstain" },
            { "remind: { after: 1h, every: 4h } → remind: { every: 4h }", "20:13 missing", "after: 24h" },
            { "remind: { after: 1h, every: 4h } → remind: { after: 1h, every: 1s }", "20:33 value", "1m or longer" },
            {
                "expire: { after: 72h, as: rejected } → expire: { after: 72h, as: approved }",
                "22:31 value",
                "rejected or withdrawn"
            },
            {
                "expire: { after: 72h, as: rejected } → expire: { after: 3 days, as: rejected }",
                "22:22 value",
                "24h, 3d"
            },
            { "because: \"no customer sees it\" → answer: approve", "27:30 duplicate-key", "Keep one" },
            {
                "destination: servicenow-prod → destination: servicenow-prod\n    steps: [ { from: { people: "
                    + "[a@b.c] } } ]",
                "30:18 value",
                "Keep the one that decides"
            },
            { "destination: servicenow-prod → remind: { after: 1h }", "28:5 missing", "steps, destination or auto" },
            { "name: test environments → name: production", "25:5 duplicate-name", "a unique name" },
            { "tags: [pci] → tags: &pci [pci]", "8:13 anchors", "Write out" },
            { "tags: [pci] → tags: *pci", "8:13 anchors", "quotes" },
            { "tags: [pci] → tags: !!set [pci]", "8:13 tags", "Remove it" },
            { "tags: [pci] → tags: [[[[[[[[[[[[[[pci]]]]]]]]]]]]]]", "8:22 depth", "brackets" },
            { "tags: [pci] → tags: [pci", "8:13 yaml", "indentation" },
            { "destination: servicenow-prod → destination: x\n---\nversion: 1", "31:1 documents", "one" },
        };

    [Theory, MemberData(nameof(Mistakes))]
    public void A_mistake_is_named_with_its_place_and_what_to_do(string change, string expected, string fix)
    {
        var (before, after) = (change.Split(" → ")[0], change.Split(" → ")[1]);
        Assert.Contains(before, Good, StringComparison.Ordinal);
        var at = Good.IndexOf(before, StringComparison.Ordinal);
        var (file, problems) = PolicyFile.Read(Good[..at] + after + Good[(at + before.Length)..]);
        Assert.Null(file);
        Assert.Contains(expected, problems.Select(p => $"{p.Line}:{p.Column} {p.Rule}"));
        Assert.Contains(problems, p => p.Fix.Contains(fix, StringComparison.Ordinal));
        Assert.All(problems, p => Assert.True(p.Problem.Length > 10 && p.Fix.Length > 3, p.ToString()));
    }

    [Fact]
    public void All_mistakes_come_at_once_in_the_order_of_the_file()
    {
        var (_, problems) = PolicyFile.Read(
            """
            version: 7
            polices: []
            policies:
              - steps: []
                rejection: perhaps
              - name: two
                when: { planet: mars }
                auto: { answer: maybe }
            """
        );
        Assert.Equal(
            [
                "1:10 value",
                "2:1 unknown-key",
                "4:5 missing",
                "4:12 value",
                "5:16 value",
                "6:5 unreachable",
                "7:13 unknown-key",
                "8:11 missing",
                "8:21 value",
            ],
            problems.Select(p => $"{p.Line}:{p.Column} {p.Rule}")
        );
    }

    [Fact]
    public void What_is_never_reached_is_said_and_hinders_nobody()
    {
        var (file, problems) = PolicyFile.Read(
            "version: 1\npolicies:\n  - { name: all, auto: { answer: reject, because: closed } }\n  - { "
                + "name: more, auto: { answer: reject, because: closed } }\n"
        );
        Assert.Equal(2, file!.Rules.Count);
        Assert.Equal(
            ("unreachable", true, 4),
            Assert.Single(problems) is var p ? (p.Rule, p.IsWarning, p.Line) : default
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\0")]
    [InlineData("- - - -")]
    [InlineData("? [a]\n: b")]
    [InlineData("%YAML 9.9\n---\nversion: 1")]
    public void What_is_no_policy_file_is_refused_with_a_place(string text)
    {
        var (file, problems) = PolicyFile.Read(text);
        Assert.Null(file);
        Assert.All(problems, p => Assert.True(p.Line >= 1 && p.Column >= 1, p.ToString()));
        Assert.NotEmpty(problems);
    }

    [Fact]
    public void Ten_megabytes_are_too_much_and_anchors_that_would_explode_never_do()
    {
        Assert.Equal("size", Assert.Single(PolicyFile.Read(new string('a', 10 * 1024 * 1024)).Problems).Rule);
        var bomb =
            "version: 1\na: &a [x, x]\n"
            + string.Concat(
                Enumerable
                    .Range(1, 30)
                    .Select(i => $"a{i}: &a{i} [*a{(i == 1 ? "" : i - 1)}, *a{(i == 1 ? "" : i - 1)}]\n")
            );
        Assert.Equal("anchors", Assert.Single(PolicyFile.Read(bomb).Problems).Rule);
        Assert.Equal("depth", Assert.Single(PolicyFile.Read(new string('[', 200_000)).Problems).Rule);
    }

    [Theory]
    [InlineData("payments-*", "payments-eu", true)]
    [InlineData("payments-*", "payments-", true)]
    [InlineData("payments-*", "payments", false)]
    [InlineData("*", "", true)]
    [InlineData("dev-?", "dev-1", true)]
    [InlineData("dev-?", "dev-12", false)]
    [InlineData("Production", "production", true)]
    [InlineData("*-eu-*-1", "pay-eu-west-eu-1", true)]
    [InlineData("a*b*c", "aXbXbXc", true)]
    [InlineData("a*b*c", "aXbXbX", false)]
    [InlineData("10\\*", "10*", true)]
    [InlineData("10\\*", "100", false)]
    [InlineData("~", "~", true)]
    [InlineData("[a-z]+", "abc", false)]
    public void Wildcards_match_as_people_read_them(string pattern, string value, bool expected) =>
        Assert.Equal(expected, new Wildcard(pattern).Matches(Wildcard.Fold(value)));

    /// <summary>What takes a regular expression longer than the universe has, ends here with the test.</summary>
    [Fact]
    public void Hostile_texts_do_not_make_wildcards_explode()
    {
        var pattern = new Wildcard(string.Concat(Enumerable.Repeat("a*", 60)) + "b");
        Assert.False(pattern.Matches(new string('a', 20_000)));
        Assert.False(new Wildcard("*a?*?a*b").Matches(new string('A', 20_000)));
    }
}
