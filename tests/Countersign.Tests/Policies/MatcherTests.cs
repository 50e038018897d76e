using Countersign.Policies;
using Xunit;

namespace Countersign.Tests;

/// <summary>Which policy a request gets: the first that matches, asked by facts as the doors write them.</summary>
public sealed class MatcherTests
{
    private const string File = """
        version: 1
        policies:
          - name: pci
            when: { tags: [pci] }
            steps: [ { need: 2, from: { groups: [security] } } ]
          - name: risky checkout
            when: { project: [checkout, "payments-*"], form.risk: [high], source: "ld-*" }
            steps: [ { from: { people: [ann@example.test] } } ]
          - name: team
            when: { facts.team: "blue*", facts.size: [3] }
            steps: [ { from: { people: [ann@example.test] } } ]
          - name: quiet
            when: { environment: [test, "dev-?"] }
            auto: { answer: approve, because: "no customer sees it" }
          - name: for Rita
            when: { requester: Rita* }
            steps: [ { from: { people: [ann@example.test] } } ]
        """;

    public static TheoryData<string, string, string?> Cases => new()
    {
        { "ld-prod", """{"project":"checkout","form.risk":"high"}""", "risky checkout" },
        { "ld-prod", """{"project":"payments-eu","form.risk":"HIGH"}""", "risky checkout" },
        { "ld-prod", """{"project":"checkout","form.risk":"low"}""", null },
        { "ld-prod", """{"project":"checkout"}""", null },
        { "jenkins", """{"project":"checkout","form.risk":"high"}""", null },
        { "jenkins", """{"project":"checkout","flag.tags":["x","pci"],"environment":"test"}""", "pci" },
        { "jenkins", """{"environment.tags":["PCI"]}""", "pci" },
        { "jenkins", """{"tags":"pci"}""", "pci" },
        { "jenkins", """{"team":"blue-1","size":3}""", "team" },
        { "jenkins", """{"team":"blue-1","size":[1,3]}""", "team" },
        { "jenkins", """{"team":"red","size":3,"environment":"dev-1"}""", "quiet" },
        { "jenkins", """{"environment":"dev-12"}""", null },
        { "jenkins", """{"environment":null}""", null },
        { "jenkins", "{}", null },
    };

    [Theory, MemberData(nameof(Cases))]
    public void The_first_policy_that_matches(string source, string facts, string? expected)
    {
        var book = BookOf(File);
        var found = book.Find(new Question(source, "Nobody", facts, HasAssignee: false));
        Assert.Equal(expected, found < 0 ? null : book.File!.Rules[found].Name);
        // Said once more in words: why each of those before it did not.
        for (var i = 0; i < (found < 0 ? book.File!.Rules.Count : found); i++)
            Assert.InRange(book.Explain(i, new Question(source, "Nobody", facts, HasAssignee: false)).Condition, 0, 2);
    }

    [Fact]
    public void A_policy_that_names_no_source_does_not_stand_before_a_named_assignee()
    {
        var book = BookOf(File);
        Assert.Equal(-1, book.Find(new Question("ld-prod", "Rita", """{"environment":"test"}""", HasAssignee: true)));
        Assert.Equal(1, book.Find(new Question("ld-prod", "Rita", """{"project":"checkout","form.risk":"high","environment":"test"}""", HasAssignee: true)));
        Assert.Equal(4, book.Find(new Question("ld-prod", "Rita Requester", "{}", HasAssignee: false)));
    }

    [Fact]
    public void A_file_that_cannot_be_read_asks_an_admin()
    {
        var policy = PolicyBook.Of(3, null, _ => null, _ => null).For(new Question("x", "y", "{}", false), Pools.Empty, []);
        Assert.Equal([Party.Admins], policy!.Approvers.Select(a => a.Party));
    }

    [Fact]
    public void All_means_everyone_who_is_in_it_and_may_answer_when_the_request_arrives()
    {
        var sre = new Approver(Party.Group(1), "SRE");
        var pools = new Pools(
            new Dictionary<long, Somebody> { [1] = new(1, "Ann"), [2] = new(2, "Ben"), [3] = new(3, "Cleo"), [4] = new(4, "Dan", IsDisabled: true) },
            new Dictionary<string, IReadOnlyList<long>> { ["group:1"] = [1, 2, 3, 4] });
        var book = PolicyBook.Of(1, PolicyFile.Read("version: 1\npolicies: [ { name: all, steps: [ { need: all, from: { groups: [SRE, ghosts] } } ] } ]").File, name => name == "SRE" ? sre : null, _ => null);
        Assert.Equal(3, book.For(new Question("x", "y", "{}", false), pools, [])!.Steps[0].Need);
        Assert.Equal(2, book.For(new Question("x", "y", "{}", false), pools, [2])!.Steps[0].Need);
        // Nobody at all is not everybody.
        Assert.Equal(1, book.For(new Question("x", "y", "{}", false), Pools.Empty, [])!.Steps[0].Need);
        Assert.Equal(["the group ghosts"], book.For(new Question("x", "y", "{}", false), pools, [])!.Steps[0].Unknown);
    }

    private static PolicyBook BookOf(string text) => PolicyBook.Of(1, PolicyFile.Read(text).File, _ => null, _ => null);
}
