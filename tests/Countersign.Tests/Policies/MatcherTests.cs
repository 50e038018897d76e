using System.Text.Json;
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

    public static TheoryData<string, string, string?> Cases =>
        new()
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
            // The same values as someone might spell them who would rather not be under the policy.
            { " LD-Prod", """{"project":" CheckOut ","form.risk":"h\u200bigh"}""", "risky checkout" },
            { "ld-prod", """{"project":"ｃｈｅｃｋｏｕｔ","form.risk":"high\u0000\n"}""", "risky checkout" },
            { "ld-prod", """{"Project":"checkout","FORM.RISK ":["high"]}""", "risky checkout" },
            { "ld-prod", """{"project":"pay\u00adments-eu","form.risk":"hi\ufe0fgh"}""", "risky checkout" },
            { "jenkins", """{"Flag.Tags":["x"," pcı"]}""", "pci" },
            { "jenkins", """{"tags":[["pci"]]}""", "pci" },
            { "jenkins", """{"tags":{"a":{"b":"pci"}}}""", "pci" },
            { "jenkins", """{"team":"blue-1","size":3.0}""", "team" },
            { "jenkins", """{"team":"blue-1","size":[null,true,30e-1]}""", "team" },
            { "jenkins", """{"team":"blue-1","size":" 3"}""", "team" },
            { "jenkins", """{"team":"blue-1","size":[3,1,false]}""", "team" },
            { "jenkins", """{"tags":"pci\ud83d"}""", "pci" },
            { "jenkins", """{"tags":"pci\\ud83d\ud83d"}""", null },
            // What approves by itself must name everything that is said, not one thing of it.
            { "jenkins", """{"environment":["test","dev-1"]}""", "quiet" },
            { "jenkins", """{"environment":["test","production"]}""", null },
            { "jenkins", """{"environment":"test","Environment":"production"}""", null },
            { "jenkins", """{"environment":"test","environment":{"name":"production"}}""", null },
        };

    [Theory, MemberData(nameof(Cases))]
    public void The_first_policy_that_matches(string source, string facts, string? expected)
    {
        var book = BookOf(File);
        var found = book.Find(new PolicyQuery(source, "Nobody", facts, HasAssignee: false));
        Assert.Equal(expected, found < 0 ? null : book.File!.Rules[found].Name);
        // Said once more in words: why each of those before it did not.
        for (var i = 0; i < (found < 0 ? book.File!.Rules.Count : found); i++)
        {
            Assert.InRange(
                book.Explain(i, new PolicyQuery(source, "Nobody", facts, HasAssignee: false)).Condition,
                0,
                2
            );
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("0.0")]
    [InlineData("0e5")]
    public void A_number_is_compared_as_it_is_usually_written(string written)
    {
        var book = BookOf(
            """
            version: 1
            policies:
              - name: none
                when: { facts.size: [0] }
                steps: [ { from: { people: [ann@example.test] } } ]
            """
        );
        Assert.Equal(0, book.Find(new PolicyQuery("ld", "Nobody", $$"""{"size":{{written}}}""", HasAssignee: false)));
    }

    [Fact]
    public void Only_a_policy_whose_when_names_nothing_yields_to_a_named_assignee()
    {
        var book = BookOf(
            File
                + """

                  - name: everything else
                    when: {}
                    steps: [ { from: { people: [ben@example.test] } } ]
                """
        );
        Assert.Equal(5, book.Find(new PolicyQuery("ld-prod", "Ben", "{}", HasAssignee: false)));
        Assert.Equal(-1, book.Find(new PolicyQuery("ld-prod", "Ben", "{}", HasAssignee: true)));
        Assert.Equal(-1, book.Explain(5, new PolicyQuery("ld-prod", "Ben", "{}", HasAssignee: true)).Condition);
        Assert.Equal(3, book.Find(new PolicyQuery("ld-prod", "Rita", """{"environment":"test"}""", HasAssignee: true)));
        Assert.Equal(
            1,
            book.Find(
                new PolicyQuery(
                    "ld-prod",
                    "Rita",
                    """{"project":"checkout","form.risk":"high","environment":"test"}""",
                    HasAssignee: true
                )
            )
        );
        Assert.Equal(4, book.Find(new PolicyQuery("ld-prod", "Rita Requester", "{}", HasAssignee: false)));
    }

    [Fact]
    public void A_file_that_cannot_be_read_asks_an_admin()
    {
        var policy = PolicyBook
            .Of(3, null, _ => null, _ => null)
            .For(new PolicyQuery("x", "y", "{}", false), Pools.Empty, []);
        Assert.Equal([Party.Admins], policy!.Approvers.Select(a => a.Party));
    }

    [Fact]
    public void All_means_everyone_who_is_in_it_and_may_answer_when_the_request_arrives()
    {
        var sre = new Approver(Party.Group(1), "SRE");
        var pools = new Pools(
            new Dictionary<long, PoolMember>
            {
                [1] = new(1, "Ann"),
                [2] = new(2, "Ben"),
                [3] = new(3, "Cleo"),
                [4] = new(4, "Dan", IsDisabled: true),
            },
            new Dictionary<string, IReadOnlyList<long>> { ["group:1"] = [1, 2, 3, 4] }
        );
        var book = PolicyBook.Of(
            1,
            PolicyFile
                .Read(
                    "version: 1\npolicies: [ { name: all, steps: [ { need: all, from: { groups: [SRE, ghosts] } } ] } ]"
                )
                .File,
            name => name == "SRE" ? sre : null,
            _ => null
        );
        Assert.Equal(3, book.For(new PolicyQuery("x", "y", "{}", false), pools, [])!.Steps[0].Need);
        Assert.Equal(2, book.For(new PolicyQuery("x", "y", "{}", false), pools, [2])!.Steps[0].Need);
        // Nobody at all is not everybody.
        Assert.Equal(1, book.For(new PolicyQuery("x", "y", "{}", false), Pools.Empty, [])!.Steps[0].Need);
        Assert.Equal(
            ["the group ghosts"],
            book.For(new PolicyQuery("x", "y", "{}", false), pools, [])!.Steps[0].Unknown
        );
    }

    [Fact]
    public void Tags_of_the_request_itself_come_to_those_of_its_flag_and_take_none_away() =>
        Assert.Equal(
            0,
            BookOf(File)
                .Find(
                    new PolicyQuery("jenkins", "Rita", """{"flag.tags":["pci"],"tags":"other"}""", HasAssignee: false)
                )
        );

    [Fact]
    public void A_policy_is_found_by_what_it_says_however_the_file_is_compiled()
    {
        // Few values, so that policies share them, and patterns that begin alike, so that beginnings mislead.
        string[] values = ["a", "ab", "abc", "b", "ba", "ß", "𐐨", "*", ""];
        string[] patterns =
        [
            "a",
            "AB",
            "abc",
            "b",
            "?",
            "*",
            "a*",
            "ab*",
            "*b",
            "*c*",
            "a?c",
            "ß",
            "𐐨",
            "\\*",
            "a\\?",
        ];
        string[] keys = ["source", "project", "environment", "tags", "requester", "form.risk", "facts.flag.tags"];
        var random = Seeded.Random(11);
        Func<string, string>[] spellings =
        [
            text => text,
            text => text.ToUpperInvariant(),
            text => $"{text} ",
            text => $"\u3000{text}\t",
            text => string.Join('\u200b', text.Select(c => c)),
            text => text + "\u202e",
            text => string.Concat(text.Select(c => c is > ' ' and <= '~' ? (char)(c + 0xFEE0) : c)),
        ];
        string Spelled(string text) => spellings[random.Next(spellings.Length)](text);
        T[] Some<T>(IReadOnlyList<T> from, int most) =>
            [.. Enumerable.Range(0, random.Next(1, most + 1)).Select(_ => from[random.Next(from.Count)])];
        for (var round = 0; round < 400; round++)
        {
            var rules = Enumerable
                .Range(0, random.Next(0, 12))
                .Select(i => new PolicyRule(
                    $"p{i}",
                    i,
                    [.. keys.Where(_ => random.Next(4) == 0).Select(key => new Condition(key, Some(patterns, 3)))]
                )
                {
                    Auto = random.Next(4) == 0 ? new AutoAnswer(random.Next(2) == 0, "so") : null,
                })
                .ToList();
            var matcher = new Matcher(rules);
            for (var asked = 0; asked < 20; asked++)
            {
                var facts = new Dictionary<string, string[]>();
                foreach (
                    var fact in (string[])
                        ["project", "environment", "tags", "project.tags", "flag.tags", "form.risk", "source"]
                )
                {
                    if (random.Next(2) == 0)
                        facts[Spelled(fact)] = [.. Some(values, 3).Select(Spelled)];
                }
                var question = new PolicyQuery(
                    Spelled(Some(values, 1)[0]),
                    Spelled(Some(values, 1)[0]),
                    JsonSerializer.Serialize(facts),
                    random.Next(2) == 0
                );
                string[] Of(params string[] names) =>
                    [.. facts.Where(f => names.Contains(Folding.Fold(f.Key))).SelectMany(f => f.Value)];
                string[] Said(string key) =>
                    key switch
                    {
                        "source" => [question.Source],
                        "requester" => [question.Requester],
                        "tags" => Of("tags", "project.tags", "flag.tags"),
                        _ => Of(key.Replace("facts.", "", StringComparison.Ordinal)),
                    };
                bool Names(Condition condition, string value) =>
                    condition.AnyOf.Any(p => new Wildcard(p).Matches(Wildcard.Fold(value)));
                bool Holds(PolicyRule rule, Condition condition) =>
                    Said(condition.Key) is { Length: > 0 } said
                    && (
                        rule.Auto is { Approves: true } && condition.Key != "tags"
                            ? said.All(v => Names(condition, v))
                            : said.Any(v => Names(condition, v))
                    );
                var expected = rules.FindIndex(r =>
                    !(r.When.Count == 0 && question.HasAssignee) && r.When.All(c => Holds(r, c))
                );
                Assert.Equal(expected, matcher.Find(question));
                for (var i = 0; i < rules.Count; i++)
                {
                    Assert.Equal(
                        rules[i].When.ToList().FindIndex(c => !Holds(rules[i], c)),
                        matcher.Explain(i, question).Condition
                    );
                }
            }
        }
    }

    [Fact]
    public void Very_many_tags_and_very_many_policies_are_compared_once_each()
    {
        var rules = Enumerable
            .Range(0, PolicyFile.MaxRules)
            .Select(i => new PolicyRule(
                $"p{i}",
                i,
                [new Condition("tags", [$"tag-{i}", "gold*", "*a*a*a*b"]), new Condition("project", ["core"])]
            ))
            .ToList();
        var tags = string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"a{i}\""));
        Assert.Equal(
            -1,
            new Matcher(rules).Find(
                new PolicyQuery("ld", "Rita", $$"""{"flag.tags":[{{tags}}],"project":"core"}""", HasAssignee: false)
            )
        );
        Assert.Equal(
            4_999,
            new Matcher(rules).Find(
                new PolicyQuery(
                    "ld",
                    "Rita",
                    $$"""{"flag.tags":[{{tags}},"tag-4999"],"project":"core"}""",
                    HasAssignee: false
                )
            )
        );
    }

    private static PolicyBook BookOf(string text) => PolicyBook.Of(1, PolicyFile.Read(text).File, _ => null, _ => null);
}
