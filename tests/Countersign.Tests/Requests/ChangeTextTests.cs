using System.Globalization;
using System.Xml.Linq;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>How a described change reads.</summary>
public sealed class ChangeTextTests
{
    private static readonly ChangeValue.Rollout Few = new([new("Available", 500), new("Unavailable", 99_500)]);

    private static readonly Dictionary<string, string> German = XDocument
        .Parse(Repository.Read("src", "Countersign", "Pages", "Strings.de.resx"))
        .Root!.Elements("data")
        .Where(data => data.Attribute("name")!.Value.StartsWith("change.", StringComparison.Ordinal))
        .ToDictionary(data => data.Attribute("name")!.Value["change.".Length..], data => data.Element("value")!.Value);

    private static readonly ChangeText InGerman = new(
        (name, with) =>
            German.TryGetValue(name, out var words) ? string.Format(CultureInfo.InvariantCulture, words, with) : null,
        CultureInfo.GetCultureInfo("de")
    );

    public static TheoryData<DescribedChange, string, string> Sentences =>
        new()
        {
            {
                new("turnFlagOff")
                {
                    Before = new ChangeValue.Toggle(true, Few),
                    After = new ChangeValue.Toggle(false, new ChangeValue.Variation("Unavailable", "false")),
                },
                "Turn off the flag: on, serving 0.5% Available, 99.5% Unavailable → off, serving Unavailable (false)",
                "Flag ausschalten: ein, liefert 0,5\u00a0% Available, 99,5\u00a0% Unavailable → aus, liefert "
                    + "Unavailable (false)"
            },
            {
                new("updateFallthroughVariationOrRollout")
                {
                    After = new ChangeValue.Rollout([new("A", 100), new("B", 99_900)], "device", "country"),
                },
                "Change the default rule: 0.1% A, 99.9% B, by device country",
                "Standardregel ändern: 0,1\u00a0% A, 99,9\u00a0% B, nach device country"
            },
            {
                new("addUserTargets")
                {
                    Name = "Available",
                    Targets = new ChangeTargets(1_200, ["ann"], "user"),
                    Before = new ChangeValue.Number(1),
                    After = new ChangeValue.Number(1_201),
                },
                "Add 1,200 individual targets to Available: 1 individual target → 1,201 individual targets",
                "1.200 einzelne Ziele zu Available hinzufügen: 1 einzelnes Ziel → 1.201 einzelne Ziele"
            },
            {
                new("addTargets") { IsUnderstood = false, Targets = new ChangeTargets(2, [], "organization") },
                "Add 2 individual targets (organization) to a variation",
                "2 einzelne Ziele (organization) zu einer Variante hinzufügen"
            },
            {
                new("addRule")
                {
                    Rule = new RuleName(2, "Pilot"),
                    After = new ChangeValue.TargetingRule(
                        new RuleName(2, "Pilot"),
                        [
                            new("user", "email", "endsWith", false, ["@example.com"], 1),
                            new("user", "", "segmentMatch", true, ["VIP (vip)"], 1),
                            new("user", "age", "greaterThan", true, ["17"], 1),
                            new("user", "country", "in", false, ["de", "fr"], 40),
                        ],
                        new ChangeValue.Variation("Available")
                    ),
                },
                "Add rule 2 “Pilot”: if user email ends with @example.com and user is not in the segment VIP (vip) and "
                    + "not: user age > 17 and user country is one of de, fr and 38 more, serve Available",
                "Regel 2 „Pilot“ hinzufügen: wenn user email endet mit @example.com und user ist nicht im Segment "
                    + "VIP (vip) und nicht: user age > 17 und user country ist eines von de, fr und 38 weitere, dann "
                    + "Available"
            },
            {
                new("removeRule") { IsUnderstood = false },
                "Remove a rule",
                "Eine Regel entfernen"
            },
            {
                new("reorderRules")
                {
                    Before = new ChangeValue.RuleOrder([new(1, ""), new(2, "Staff")]),
                    After = new ChangeValue.RuleOrder([new(2, "Staff"), new(1, "")]),
                },
                "Reorder the targeting rules: rule 1, rule 2 “Staff” → rule 2 “Staff”, rule 1",
                "Reihenfolge der Zielregeln ändern: Regel 1, Regel 2 „Staff“ → Regel 2 „Staff“, Regel 1"
            },
            {
                new("startGuardedRollout") { IsUnderstood = false, Raw = "{}" },
                "Unknown change: startGuardedRollout",
                "Unbekannte Änderung: startGuardedRollout"
            },
            {
                new("") { IsUnderstood = false },
                "Unknown change",
                "Unbekannte Änderung"
            },
            // A kind that is called like another of our words, or like a format.
            {
                new("on") { IsUnderstood = false },
                "Unknown change: on",
                "Unbekannte Änderung: on"
            },
            {
                new("{7}") { IsUnderstood = false },
                "Unknown change: {7}",
                "Unbekannte Änderung: {7}"
            },
        };

    [Theory, MemberData(nameof(Sentences), DisableDiscoveryEnumeration = true)]
    public void A_change_is_said_with_what_was_and_what_will_be(DescribedChange change, string english, string german)
    {
        Assert.Equal(english, ChangeText.English.Of(change).Text);
        Assert.Equal(german, InGerman.Of(change).Text);
    }

    [Fact]
    public void A_headline_names_the_flag_in_its_place_or_before_the_change()
    {
        Assert.Equal("Turn off {0} points", ChangeText.English.Headline(new("turnFlagOff"), "{0} points").Text);
        Assert.Equal("points ausschalten", InGerman.Headline(new("turnFlagOff"), "points").Text);
        Assert.Equal(
            "points: Change the default rule: 0.5% Available, 99.5% Unavailable",
            ChangeText.English.Headline(new("updateFallthroughVariationOrRollout") { After = Few }, "points").Text
        );
        // What isn't understood in full isn't a plain "turn off".
        Assert.Equal(
            "points: Turn off the flag",
            ChangeText.English.Headline(new("turnFlagOff") { IsUnderstood = false }, "points").Text
        );
        Assert.Equal("Add the tags a", ChangeText.English.Headline(new("addTags") { Name = "a" }, "").Text);
    }

    [Fact]
    public void The_pages_and_everything_else_have_the_same_English_words() =>
        Assert.Equal(
            XDocument
                .Parse(Repository.Read("src", "Countersign", "Pages", "Strings.resx"))
                .Root!.Elements("data")
                .Where(data => data.Attribute("name")!.Value.StartsWith("change.", StringComparison.Ordinal))
                .Select(data => (data.Attribute("name")!.Value["change.".Length..], data.Element("value")!.Value))
                .Order(),
            EnglishChangeWords.All.Select(word => (word.Key, word.Value)).Order()
        );
}
