using Countersign.Policies;
using Xunit;

namespace Countersign.Tests;

/// <summary>Policies that look at what a described change does.</summary>
public sealed class ChangeFactsTests
{
    private const string File = """
        version: 1
        policies:
          - name: renames
            when: { source: "ld-*", change.kind: [updateName] }
            auto: { answer: approve, because: "only a name" }
          - name: removals
            when: { source: "ld-*", change.kind: ["remove*", deleteFlag] }
            steps: [ { from: { people: [ann@example.test] } } ]
          - name: many
            when: { source: "ld-*", change.targets: ">=100" }
            steps: [ { from: { people: [ann@example.test] } } ]
          - name: far
            when: { source: "ld-*", change.percentage: ["> 25 %", "0.5"] }
            steps: [ { from: { people: [ann@example.test] } } ]
          - name: rest
            steps: [ { from: { people: [ann@example.test] } } ]
        """;

    [Theory]
    [InlineData("""{"change.understood":true,"change.kind":["removeRule"],"change.targets":0}""", "removals")]
    [InlineData("""{"change.understood":true,"change.kind":["addTargets"],"change.targets":100}""", "many")]
    [InlineData("""{"change.understood":true,"change.kind":["addTargets"],"change.targets":99}""", "rest")]
    [InlineData("""{"change.understood":true,"change.kind":["x"],"change.percentage":[5,25.001]}""", "far")]
    [InlineData("""{"change.understood":true,"change.kind":["x"],"change.percentage":[0.50]}""", "far")]
    [InlineData("""{"change.understood":true,"change.kind":["x"],"change.percentage":[25]}""", "rest")]
    [InlineData("""{"change.understood":true,"change.kind":["updateName"],"change.targets":0}""", "renames")]
    // All that happens must be what is approved by itself.
    [InlineData("""{"change.understood":true,"change.kind":["updateName","removeRule"]}""", "removals")]
    [InlineData("""{"change.understood":true,"change.kind":["updateName","turnFlagOff"]}""", "rest")]
    // Not known, or not in full: what asks for more applies, what approves by itself does not.
    [InlineData(null, "removals")]
    [InlineData("{}", "removals")]
    [InlineData("""{"change.understood":false,"change.kind":["updateName"]}""", "removals")]
    [InlineData("""{"change.understood":"true","change.kind":["updateName"]}""", "removals")]
    public void What_a_change_does_chooses_the_policy(string? change, string expected)
    {
        var book = BookOf(File);
        var found = book.Find(new PolicyQuery("ld-prod", "Rita", "{}", false) { Change = change });
        Assert.Equal(expected, book.File!.Rules[found].Name);
        Assert.Equal(
            expected == "removals" && change?.Contains("remove", StringComparison.Ordinal) != true,
            book.IsPresumed(found, new PolicyQuery("ld-prod", "Rita", "{}", false) { Change = change })
        );
    }

    [Fact]
    public void A_policy_is_presumed_to_apply_only_where_what_is_known_would_not_do()
    {
        var book = BookOf(
            """
            version: 1
            policies:
              - name: removals
                when: { change.kind: [removeRule], source: "ld-*" }
                steps: [ { from: { people: [ann@example.test] } } ]
              - name: all of it
                when: { source: "ld-*" }
                steps: [ { from: { people: [ann@example.test] } } ]
            """
        );
        var unknown = new PolicyQuery("ld-prod", "Rita", "{}", false);
        Assert.Equal(0, book.Find(unknown));
        Assert.Equal((true, false), (book.IsPresumed(0, unknown), book.IsPresumed(1, unknown)));
        var partly = unknown with { Change = """{"change.understood":false,"change.kind":["removeRule"]}""" };
        Assert.Equal((0, false), (book.Find(partly), book.IsPresumed(0, partly)));
        // Of what is understood nothing is presumed, and no policy approves by a presumption.
        var known = unknown with
        {
            Change = """{"change.understood":true,"change.kind":["updateName"]}""",
        };
        Assert.Equal((1, false), (book.Find(known), book.IsPresumed(0, known)));
        var renaming = unknown with { Change = """{"change.understood":false,"change.kind":["updateName"]}""" };
        Assert.False(BookOf(File).IsPresumed(0, renaming));
    }

    [Fact]
    public void No_request_says_by_its_own_facts_what_its_change_is()
    {
        const string Facts = """{"change.kind":"turnFlagOn","change.targets":1,"change.understood":true}""";
        var book = BookOf(File);
        Assert.Equal(1, book.Find(new PolicyQuery("ld-prod", "Rita", Facts, false)));
        Assert.Equal(4, book.Find(new PolicyQuery("jenkins", "Rita", Facts, false)));
        // A fact of that name is still found by the name that all facts have.
        var byFact = BookOf(
            """
            version: 1
            policies:
              - name: mine
                when: { facts.change.kind: turnFlagOn }
                steps: [ { from: { people: [ann@example.test] } } ]
            """
        );
        Assert.Equal(0, byFact.Find(new PolicyQuery("jenkins", "Rita", Facts, false)));
        Assert.Equal(-1, byFact.Find(new PolicyQuery("jenkins", "Rita", "{}", false)));
    }

    [Fact]
    public void A_number_that_is_none_is_an_error_of_the_file()
    {
        var (file, problems) = PolicyFile.Read(
            """
            version: 1
            policies:
              - name: a
                when: { change.targets: ">many", change.percentage: [10, "*", "=<5"] }
                steps: [ { from: { people: [ann@example.test] } } ]
            """
        );
        Assert.Null(file);
        Assert.Equal(
            ["policies[0].when.change.targets", "policies[0].when.change.percentage[2]"],
            problems.Select(p => p.Place.Split(" of ")[0])
        );
    }

    private static PolicyBook BookOf(string text)
    {
        var (file, problems) = PolicyFile.Read(text);
        Assert.Empty(problems);
        return PolicyBook.Of(1, file, _ => null, _ => null);
    }
}
