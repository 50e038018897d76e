using System.Text.Json;
using Countersign.LaunchDarkly.Changes;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>What LaunchDarkly's instructions become: all kinds of its REST API, and what may go wrong.</summary>
public sealed class InstructionReaderTests
{
    /// <summary>Its variations are not in the usual order: index 0 is true.</summary>
    private const string Flag = """
        {
          "name": "Loyalty points", "key": "loyalty-points", "description": "Shows points",
          "variations": [
            { "_id": "v-true", "value": true, "name": "Available" },
            { "_id": "v-false", "value": false, "name": "Unavailable" },
            { "_id": "v-beta", "value": "beta" }
          ],
          "defaults": { "onVariation": 0, "offVariation": 1 },
          "environments": { "production": {
            "on": true, "version": 7, "offVariation": 1, "trackEvents": false, "trackEventsFallthrough": true,
            "fallthrough": { "rollout": { "variations": [
              { "variation": 0, "weight": 5000 }, { "variation": 1, "weight": 95000 }
            ] } },
            "targets": [ { "values": ["ann", "ben"], "variation": 0, "contextKind": "user" } ],
            "contextTargets": [
              { "values": [], "variation": 0, "contextKind": "user" },
              { "values": ["acme"], "variation": 0, "contextKind": "organization" }
            ],
            "prerequisites": [ { "key": "billing", "variation": 0 } ],
            "rules": [
              { "_id": "r-1", "description": "Staff", "variation": 0, "trackEvents": false, "clauses": [
                { "_id": "c-1", "attribute": "email", "op": "endsWith", "values": ["@example.com"], "negate": false,
                  "contextKind": "user" } ] },
              { "_id": "r-2", "rollout": { "contextKind": "user", "variations": [
                { "variation": 0, "weight": 500 }, { "variation": 1, "weight": 99500 } ] }, "clauses": [
                { "_id": "c-2", "attribute": "", "op": "segmentMatch", "values": ["vip"], "negate": true } ] }
            ]
          } }
        }
        """;

    /// <summary>A prerequisite whose variations stand the other way around.</summary>
    private const string Billing = """
        { "name": "New billing", "key": "billing",
          "variations": [
            { "_id": "b-off", "value": false, "name": "Old" }, { "_id": "b-on", "value": true, "name": "New" } ] }
        """;

    private const string Segment = """
        { "name": "VIP", "key": "vip", "included": ["ann"], "excluded": [],
          "includedContexts": [ { "contextKind": "organization", "values": ["acme", "globex"] } ],
          "rules": [ { "_id": "s-1", "weight": 20000, "rolloutContextKind": "user", "clauses": [
            { "_id": "sc-1", "attribute": "country", "op": "in", "values": ["de"] } ] } ] }
        """;

    private static readonly ResourceState OfFlag = new()
    {
        Environment = "production",
        Flag = JsonElement.Parse(Flag),
        OtherFlags = new Dictionary<string, JsonElement> { ["billing"] = JsonElement.Parse(Billing) },
        SegmentNames = new Dictionary<string, string> { ["vip"] = "VIP customers" },
    };

    private static readonly ResourceState OfSegment = new()
    {
        Environment = "production",
        Segment = JsonElement.Parse(Segment),
    };

    private static readonly ChangeValue.Variation Available = new("Available", "true"),
        Unavailable = new("Unavailable", "false");

    [Fact]
    public void Turning_on_and_off_says_what_everyone_gets_before_and_after()
    {
        var off = One("""{ "kind": "turnFlagOff" }""");
        Assert.Equal(
            new ChangeValue.Toggle(
                true,
                new ChangeValue.Rollout([
                    new VariationShare("Available", 5_000),
                    new VariationShare("Unavailable", 95_000),
                ])
            ),
            off.Before
        );
        Assert.Equal(new ChangeValue.Toggle(false, Unavailable), off.After);
        Assert.Equal([100_000], off.Percentages);
        Assert.False(off.IsWithoutEffect);

        var on = One("""{ "kind": "turnFlagOn" }""");
        Assert.True(on.IsWithoutEffect);
        Assert.Empty(on.Percentages);
    }

    [Fact]
    public void Ids_are_resolved_as_ids_and_indexes_as_indexes()
    {
        var change = One("""{ "kind": "updateFallthroughVariationOrRollout", "variationId": "v-false" }""");
        Assert.Equal(Unavailable, change.After);
        Assert.Equal(
            [new VariationShare("Available", 5_000), new VariationShare("Unavailable", 95_000)],
            Assert.IsType<ChangeValue.Rollout>(change.Before).Shares
        );
        Assert.Equal([100_000], change.Percentages);
        Assert.Equal(
            Available,
            One("""{ "kind": "updateOffVariation", "variationId": "v-true" }""") is { } off ? off.After : null
        );
        // The flag has indexes where the instruction has ids: one that looks like an index is no id.
        Assert.False(One("""{ "kind": "updateOffVariation", "variationId": "0" }""").IsUnderstood);
    }

    [Fact]
    public void Weights_are_thousandths_of_a_percent_and_are_never_rounded()
    {
        var change = One(
            """
            { "kind": "updateFallthroughVariationOrRollout",
              "rolloutWeights": { "v-true": 5500, "v-false": 94499, "v-beta": 1 }, "rolloutContextKind": "device" }
            """
        );
        Assert.Equal(
            new ChangeValue.Rollout(
                [
                    new VariationShare("Available", 5_500),
                    new VariationShare("Unavailable", 94_499),
                    new VariationShare("beta", 1),
                ],
                "device"
            ),
            change.After
        );
        Assert.Equal([1, 5_500], change.Percentages);
        Assert.Equal("0.001,5.5", Facts(change).GetProperty("change.percentage").ToString().Trim('[', ']'));
    }

    [Theory]
    [InlineData("""{ "v-true": 50, "v-false": 50 }""")]
    [InlineData("""{ "v-true": 100000.5 }""")]
    [InlineData("""{ "v-true": -1, "v-false": 100001 }""")]
    [InlineData("""{ "v-true": "100000" }""")]
    [InlineData("""{ "gone": 100000 }""")]
    [InlineData("""[ 100000 ]""")]
    public void Weights_that_are_not_a_whole_are_not_understood(string weights) =>
        Assert.False(
            One($$"""{ "kind": "updateFallthroughVariationOrRollout", "rolloutWeights": {{weights}} }""").IsUnderstood
        );

    [Fact]
    public void The_same_shares_have_no_effect_unless_other_people_get_them()
    {
        const string Same = """
            { "kind": "updateFallthroughVariationOrRollout", "rolloutWeights": { "v-true": 5000, "v-false": 95000 } }
            """;
        Assert.True(One(Same).IsWithoutEffect);
        var others = One(
            Same.Replace("95000 }", """95000 }, "rolloutBucketBy": "country" """, StringComparison.Ordinal)
        );
        Assert.True(others.IsUnderstood);
        Assert.False(others.IsWithoutEffect);
    }

    [Fact]
    public void A_new_rule_has_its_place_its_conditions_and_what_it_serves()
    {
        var change = One(
            """
            { "kind": "addRule", "beforeRuleId": "r-2", "description": "Pilot", "variationId": "v-true", "clauses": [
              { "contextKind": "organization", "attribute": "name", "op": "startsWith", "negate": true,
                "values": ["A", 7, 1.50] } ] }
            """
        );
        Assert.True(change.IsUnderstood);
        Assert.Equal(new RuleName(2, "Pilot"), change.Rule);
        var rule = Assert.IsType<ChangeValue.TargetingRule>(change.After);
        Assert.Equal(
            new ChangeCondition("organization", "name", "startsWith", true, ["A", "7", "1.50"], 3),
            rule.All[0]
        );
        Assert.Equal(Available, rule.Serves);
        Assert.Equal([100_000], change.Percentages);
        Assert.Equal(
            3,
            One(
                """{"kind":"addRule","variationId":"v-true","clauses":[{"op":"in","attribute":"key","values":["a"]}]}"""
            ).Rule!.Position
        );
    }

    [Fact]
    public void Rules_are_removed_served_described_and_reordered_by_place_and_description()
    {
        var removed = Assert.IsType<ChangeValue.TargetingRule>(
            One("""{ "kind": "removeRule", "ruleId": "r-2" }""").Before
        );
        Assert.Equal(new RuleName(2, ""), removed.Rule);
        Assert.Equal(
            [new VariationShare("Available", 500), new VariationShare("Unavailable", 99_500)],
            Assert.IsType<ChangeValue.Rollout>(removed.Serves).Shares
        );
        Assert.Equal(new ChangeCondition("user", "", "segmentMatch", true, ["VIP customers (vip)"], 1), removed.All[0]);

        var served = One("""{ "kind": "updateRuleVariationOrRollout", "ruleId": "r-1", "variationId": "v-false" }""");
        Assert.Equal((Available, Unavailable), (served.Before, served.After));
        Assert.Equal(new RuleName(1, "Staff"), served.Rule);

        var described = One("""{ "kind": "updateRuleDescription", "ruleId": "r-1", "description": "All staff" }""");
        Assert.Equal(new ChangeValue.Text("Staff"), described.Before);
        Assert.Equal(new ChangeValue.Text("All staff"), described.After);

        var order = Assert.IsType<ChangeValue.RuleOrder>(
            One("""{ "kind": "reorderRules", "ruleIds": ["r-2", "r-1"] }""").After
        );
        Assert.Equal([2, 1], order.Rules.Select(r => r.Position));
        Assert.False(One("""{ "kind": "reorderRules", "ruleIds": ["r-2"] }""").IsUnderstood);
        Assert.False(One("""{ "kind": "removeRule", "ruleId": "r-9" }""").IsUnderstood);
        Assert.Equal(
            (new ChangeValue.Toggle(false), new ChangeValue.Toggle(true)),
            One("""{ "kind": "updateRuleTrackEvents", "ruleId": "r-1", "trackEvents": true }""") is var events
                ? (events.Before as ChangeValue.Toggle, events.After as ChangeValue.Toggle)
                : default
        );
    }

    [Fact]
    public void Clauses_and_their_values_come_and_go()
    {
        var added = One(
            """
            { "kind": "addClauses", "ruleId": "r-1",
              "clauses": [ { "attribute": "country", "op": "in", "values": ["de"] } ] }
            """
        );
        Assert.Single(Assert.IsType<ChangeValue.Conditions>(added.Before).All);
        Assert.Equal(2, Assert.IsType<ChangeValue.Conditions>(added.After).All.Count);
        var removed = One("""{ "kind": "removeClauses", "ruleId": "r-1", "clauseIds": ["c-1"] }""");
        Assert.Empty(Assert.IsType<ChangeValue.Conditions>(removed.After).All);
        var changed = One(
            """
            { "kind": "updateClause", "ruleId": "r-1", "clauseId": "c-1",
              "clause": { "attribute": "email", "op": "in", "values": ["rita@example.com"] } }
            """
        );
        Assert.Equal("in", Assert.IsType<ChangeValue.Conditions>(changed.After).All[0].Operator);
        var values = One(
            """{ "kind": "addValuesToClause", "ruleId": "r-2", "clauseId": "c-2", "values": ["beta-testers"] }"""
        );
        Assert.Equal(2, Assert.IsType<ChangeValue.Conditions>(values.After).All[0].Count);
        Assert.Equal("beta-testers", values.Name);
        Assert.Equal(
            0,
            Assert
                .IsType<ChangeValue.Conditions>(
                    One(
                        """{ "kind": "removeValuesFromClause", "ruleId": "r-2", "clauseId": "c-2", "values":["vip"] }"""
                    ).After
                )
                .All[0]
                .Count
        );
        Assert.False(One("""{ "kind": "removeClauses", "ruleId": "r-1", "clauseIds": ["c-9"] }""").IsUnderstood);
        Assert.False(
            One("""{ "kind": "addValuesToClause", "ruleId": "r-1", "clauseId": "c-2", "values": ["x"] }""").IsUnderstood
        );
    }

    [Fact]
    public void Individual_targets_are_counted_and_listed()
    {
        var added = One(
            """{ "kind": "addTargets", "values": ["ben", "cleo", "cleo", "dan"], "variationId": "v-true" }"""
        );
        Assert.Equal("Available", added.Name);
        Assert.Equal(("user", 3), (added.Targets!.ContextKind, added.Targets.Count));
        Assert.Equal(["ben", "cleo", "dan"], added.Targets.First);
        Assert.Equal((new ChangeValue.Number(2), new ChangeValue.Number(4)), (added.Before, added.After));

        var removed = One(
            """{ "kind": "removeTargets", "contextKind":"organization", "values":["acme"], "variationId":"v-true" }"""
        );
        Assert.Equal((new ChangeValue.Number(1), new ChangeValue.Number(0)), (removed.Before, removed.After));
        Assert.True(
            One("""{ "kind": "addUserTargets", "values": ["ann"], "variationId": "v-true" }""").IsWithoutEffect
        );

        // Every kind of context, users too.
        Assert.Equal(3, One("""{ "kind": "clearTargets", "variationId": "v-true" }""").Targets!.Count);
        Assert.Equal(2, One("""{ "kind": "clearUserTargets", "variationId": "v-true" }""").Targets!.Count);

        var replaced = One(
            """{ "kind": "replaceTargets", "targets": [ { "variationId": "v-false", "values": ["ann", "eva"] } ] }"""
        );
        Assert.Equal(["acme", "ann", "ben", "eva"], replaced.Targets!.First.Order());
        Assert.Equal(
            3,
            One(
                """{"kind":"replaceUserTargets","targets":[{"variationId":"v-false","values":["ann","eva"]}]}"""
            ).Targets!.Count
        );
    }

    [Fact]
    public void Of_very_many_targets_all_are_counted_and_the_first_are_kept()
    {
        var keys = string.Join(',', Enumerable.Range(0, 15_000).Select(n => $"\"user-{n}\""));
        var json = $$"""[{ "kind": "addTargets", "values": [{{keys}}], "variationId": "v-false" }]""";
        var changes = InstructionReader.Read(JsonElement.Parse(json), OfFlag);
        Assert.Equal(15_000, changes.TargetCount);
        Assert.Equal(DescribedChange.MaxListed, changes.Changes[0].Targets!.First.Count);
        Assert.InRange(changes.ToText().Length, 1, 10_000);
        // What isn't kept is in the digest all the same.
        Assert.NotEqual(
            changes.Digest,
            InstructionDigest.Of(JsonElement.Parse(json.Replace("user-14999", "user-x", StringComparison.Ordinal)))
        );
    }

    [Fact]
    public void What_clears_or_replaces_targets_is_not_understood_where_the_targets_are_not_known()
    {
        var state = OfFlag with { Environment = "staging" };
        Assert.False(One("""{ "kind": "clearTargets", "variationId": "v-true" }""", state).IsUnderstood);
        Assert.False(
            One(
                """{ "kind": "replaceTargets", "targets": [ { "variationId": "v-true", "values": [] } ] }""",
                state
            ).IsUnderstood
        );
        // What is added is known without them.
        var added = One("""{ "kind": "addTargets", "values": ["x"], "variationId": "v-true" }""", state);
        Assert.True(added.IsUnderstood);
        Assert.Null(added.Before);
    }

    [Fact]
    public void A_prerequisite_is_read_with_the_variations_of_the_other_flag()
    {
        var change = One("""{ "kind": "updatePrerequisite", "key": "billing", "variationId": "b-on" }""");
        Assert.Equal("New billing (billing)", change.Name);
        Assert.Equal(
            (new ChangeValue.Variation("Old", "false"), new ChangeValue.Variation("New", "true")),
            (change.Before, change.After)
        );
        // The flag's own variation is none of the other flag's.
        Assert.False(One("""{ "kind": "addPrerequisite", "key": "billing", "variationId": "v-true" }""").IsUnderstood);
        Assert.False(One("""{ "kind": "addPrerequisite", "key": "other", "variationId": "b-on" }""").IsUnderstood);
        Assert.Equal(
            new ChangeValue.Variation("Old", "false"),
            One("""{ "kind": "removePrerequisite", "key": "billing" }""").Before
        );
        var replaced = One(
            """{ "kind": "replacePrerequisites", "prerequisites": [ { "key": "billing", "variationId": "b-on" } ] }"""
        );
        Assert.Equal(new ChangeValue.Text("New billing (billing): Old"), replaced.Before);
        Assert.Equal(new ChangeValue.Text("New billing (billing): New"), replaced.After);
    }

    [Fact]
    public void Default_variations_are_named_by_value_and_not_by_id()
    {
        var change = One("""{ "kind": "updateDefaultVariation", "onVariationValue": "beta" }""");
        Assert.Equal(new ChangeValue.Text("""{"on":true}"""), change.Before);
        Assert.Equal(new ChangeValue.Text("""{"on":"beta"}"""), change.After);
        Assert.True(change.IsEverywhere);
        Assert.False(One("""{ "kind": "updateDefaultVariation", "offVariationValue": "v-true" }""").IsUnderstood);
    }

    [Fact]
    public void Variations_apply_everywhere_and_numbers_stay_as_they_were_written()
    {
        var added = One(
            """{ "kind": "addVariation", "value": {"limit": 1.10, "id": 12345678901234567890}, "name": "Ten" }"""
        );
        Assert.Equal(new ChangeValue.Text("""{"limit":1.10,"id":12345678901234567890}"""), added.After);
        Assert.True(added.IsEverywhere);
        var updated = One("""{ "kind": "updateVariation", "variationId": "v-false", "name": "Hidden" }""");
        Assert.Equal(
            (new ChangeValue.Text("Unavailable"), new ChangeValue.Text("Hidden")),
            (updated.Before, updated.After)
        );
        var both = One("""{ "kind": "updateVariation", "variationId": "v-beta", "name": "B", "value": "beta 2" }""");
        Assert.Equal(new ChangeValue.Text("""{"value":"beta"}"""), both.Before);
        Assert.Equal(new ChangeValue.Text("""{"value":"beta 2","name":"B"}"""), both.After);
        Assert.Equal("Available", One("""{ "kind": "removeVariation", "variationId": "v-true" }""").Name);
        Assert.False(One("""{ "kind": "updateVariation", "variationId": "v-true" }""").IsUnderstood);
    }

    [Fact]
    public void Targets_of_segments_are_counted_per_kind_of_context()
    {
        var users = One("""{ "kind": "addIncludedUsers", "values": ["ann", "ben"] }""", OfSegment);
        Assert.Equal((new ChangeValue.Number(1), new ChangeValue.Number(2)), (users.Before, users.After));
        var companies = One(
            """{ "kind": "removeIncludedTargets", "contextKind": "organization", "values": ["acme"] }""",
            OfSegment
        );
        Assert.Equal((new ChangeValue.Number(2), new ChangeValue.Number(1)), (companies.Before, companies.After));
        Assert.Equal(
            new ChangeValue.Number(0),
            One("""{ "kind": "addExcludedTargets", "contextKind": "user", "values": ["x"] }""", OfSegment).Before
        );
        // A big segment doesn't list its targets.
        var big = One(
            """{ "kind": "addBigSegmentIncludedTargets", "contextKind": "user", "values": ["x", "y"] }""",
            OfSegment
        );
        Assert.Equal((true, 2, null), (big.IsUnderstood, big.Targets!.Count, big.Before));
        Assert.False(One("""{ "kind": "processBigSegmentImport", "importId": "i" }""", OfSegment).IsUnderstood);
        Assert.True(
            One(
                """{ "kind": "addRule", "clauses": [ { "attribute": "key", "op": "in", "values": ["a"] } ] }""",
                OfSegment
            ).IsUnderstood
        );
        var share = One(
            """{ "kind": "updateRuleRolloutAndContextKind", "ruleId": "s-1", "weight": 50500, "contextKind":"user" }""",
            OfSegment
        );
        Assert.Equal([50_500], share.Percentages);
        Assert.Equal(20_000, Assert.IsType<ChangeValue.Rollout>(share.Before).Shares[0].Weight);
    }

    [Theory]
    [InlineData("makeFlagTemporary")]
    [InlineData("archiveFlag")]
    [InlineData("deleteFlag")]
    public void The_life_of_a_flag_concerns_every_environment(string kind)
    {
        var change = One($$"""{ "kind": "{{kind}}" }""");
        Assert.Equal((true, true), (change.IsUnderstood, change.IsEverywhere));
    }

    [Fact]
    public void Settings_tell_what_was_and_what_will_be()
    {
        var name = One("""{ "kind": "updateName", "value": "Points" }""");
        Assert.Equal(
            (new ChangeValue.Text("Loyalty points"), new ChangeValue.Text("Points")),
            (name.Before, name.After)
        );
        Assert.Equal("a, b", One("""{ "kind": "addTags", "values": ["a", "b"] }""").Name);
        Assert.Equal(
            new ChangeValue.Toggle(true),
            One("""{ "kind": "updateTrackEventsFallthrough", "trackEvents": false }""").Before
        );
        Assert.Equal(
            new ChangeValue.Moment(DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000)),
            One("""{ "kind": "updateScheduledChangesExecutionDate", "value": 1800000000000 }""").After
        );
        Assert.False(One("""{ "kind": "deleteScheduledChange" }""").IsUnderstood);
        Assert.False(One("""{ "kind": "replaceRules", "rules": [] }""").IsUnderstood);
    }

    [Theory]
    [InlineData(
        """{ "kind": "startGuardedRollout", "weights": [1.10, 12345678901234567890] }""",
        "startGuardedRollout"
    )]
    [InlineData("""{ "kind": "updateRolloutWeights", "weights": {} }""", "updateRolloutWeights")]
    [InlineData("""{ "kind": "TurnFlagOff" }""", "TurnFlagOff")]
    [InlineData("""{ "kind": "addExpiringTarget", "value": 1 }""", "addExpiringTarget")]
    [InlineData("""{ "kind": 7 }""", "")]
    [InlineData("""{ }""", "")]
    [InlineData("""{ "kind": "turnFlagOff", "kind": "turnFlagOn" }""", "turnFlagOn")]
    [InlineData(""" "turnFlagOff" """, "")]
    [InlineData("null", "")]
    public void An_instruction_that_is_not_known_is_kept_as_it_came(string json, string kind)
    {
        var change = One(json);
        Assert.Equal((false, kind, json.Trim()), (change.IsUnderstood, change.Kind, change.Raw));
    }

    [Fact]
    public void A_known_kind_with_a_member_that_is_not_known_is_said_and_not_understood()
    {
        var change = One("""{ "kind": "turnFlagOff", "guarded": { "stages": 3 } }""");
        Assert.False(change.IsUnderstood);
        Assert.Contains("stages", change.Raw, StringComparison.Ordinal);
        Assert.Equal(new ChangeValue.Toggle(false, Unavailable), change.After);
        Assert.False(
            One(
                """{ "kind":"addRule","variationId":"v-true","clauses":[ { "op":"in","values":[],"or":[] } ] }"""
            ).IsUnderstood
        );
    }

    [Fact]
    public void No_instruction_is_dropped_and_the_list_may_come_as_a_text()
    {
        const string List = """[{"kind":"turnFlagOn"},{"kind":"new"},null,{"kind":"turnFlagOn"}]""";
        var changes = InstructionReader.Read(JsonElement.Parse(List), OfFlag);
        Assert.Equal(4, changes.Changes.Count);
        Assert.False(changes.IsUnderstood);
        Assert.Equal(changes, InstructionReader.Read(JsonSerializer.SerializeToElement(List), OfFlag));
        Assert.False(InstructionReader.Read(JsonElement.Parse("\"nonsense\""), OfFlag).IsUnderstood);
        Assert.False(InstructionReader.Read(JsonElement.Parse("{}"), OfFlag).IsUnderstood);
        Assert.False(InstructionReader.Read(JsonElement.Parse("[]"), OfFlag).IsUnderstood);
        Assert.Empty(InstructionReader.Read(default, OfFlag).Changes);
    }

    [Fact]
    public void Without_the_flag_only_what_needs_no_name_is_understood()
    {
        Assert.True(One("""{ "kind": "turnFlagOff" }""", ResourceState.Unknown).IsUnderstood);
        Assert.False(
            One("""{ "kind": "updateOffVariation", "variationId": "v-true" }""", ResourceState.Unknown).IsUnderstood
        );
    }

    [Fact]
    public void What_has_to_be_asked_for_follows_from_the_instructions()
    {
        var needs = InstructionReader.Needs(
            JsonElement.Parse(
                """
                [ { "kind": "addPrerequisite", "key": "search" },
                  { "kind": "replacePrerequisites", "prerequisites": [] },
                  { "kind": "addRule", "clauses": [ { "op": "segmentMatch", "values": ["pilots"] } ] },
                  { "kind": "addValuesToClause", "ruleId": "r-2", "clauseId": "c-2", "values": ["beta"] } ]
                """
            ),
            OfFlag
        );
        Assert.Equal(["billing", "search"], needs.Flags);
        Assert.Equal(["beta", "pilots", "vip"], needs.Segments);
    }

    [Fact]
    public void Two_spellings_of_one_list_have_one_digest_and_any_difference_another()
    {
        var one = InstructionDigest.Of(JsonElement.Parse("""[{"kind":"a","w":{"x":1.0,"y":2}}]"""));
        Assert.Equal(
            one,
            InstructionDigest.Of(JsonElement.Parse("""[ { "w": { "y": 2, "x": 1.0 }, "kind": "\u0061" } ]"""))
        );
        Assert.NotEqual(one, InstructionDigest.Of(JsonElement.Parse("""[{"kind":"a","w":{"x":1,"y":2}}]""")));
        Assert.NotEqual(
            InstructionDigest.Of(JsonElement.Parse("""[{"kind":"a"},{"kind":"b"}]""")),
            InstructionDigest.Of(JsonElement.Parse("""[{"kind":"b"},{"kind":"a"}]"""))
        );
    }

    [Fact]
    public void Changes_read_what_they_wrote()
    {
        var all = InstructionReader.Read(
            JsonElement.Parse(
                """
                [ { "kind": "turnFlagOff" }, { "kind": "removeRule", "ruleId": "r-2" },
                  { "kind": "addTargets", "values": ["a"], "variationId": "v-true" },
                  { "kind": "reorderRules", "ruleIds": ["r-2", "r-1"] }, { "kind": "guarded", "x": "<&>ü" },
                  { "kind": "updateScheduledChangesExecutionDate", "value": 1800000000000 },
                  { "kind": "updateFallthroughVariationOrRollout", "rolloutWeights": { "v-true": 100000 } } ]
                """
            ),
            OfFlag
        );
        Assert.Equal(all, DescribedChanges.Read(all.ToText()));
        Assert.Equal(all.ToText(), DescribedChanges.Read(all.ToText()).ToText());
        Assert.Throws<JsonException>(() => DescribedChanges.Read("{}"));
    }

    [Fact]
    public void Policies_see_the_kinds_the_number_of_targets_and_the_percentages()
    {
        var changes = InstructionReader.Read(
            JsonElement.Parse(
                """
                [ { "kind": "addTargets", "values": ["a", "b"], "variationId": "v-true" },
                  { "kind": "updateFallthroughVariationOrRollout",
                    "rolloutWeights": { "v-true": 20000, "v-false": 80000 } } ]
                """
            ),
            OfFlag
        );
        Assert.Equal(
            """{"change.understood":true,"change.kind":["addTargets","updateFallthroughVariationOrRollout"],"""
                + "\"change.targets\":2,\"change.percentage\":[20]}",
            changes.FactsText()
        );
    }

    private static JsonElement Facts(DescribedChange change) =>
        JsonElement.Parse(new DescribedChanges([change], "").FactsText());

    private static DescribedChange One(string instruction, ResourceState? state = null) =>
        Assert.Single(InstructionReader.Read(JsonElement.Parse($"[{instruction}]"), state ?? OfFlag).Changes);
}
